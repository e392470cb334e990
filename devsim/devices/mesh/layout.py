"""Where interferometers sit in a mesh: one table of columns for every layout."""

import abc
import dataclasses
import functools
from typing import ClassVar

import numpy as np

from devsim import check
from devsim.check import InputError
from devsim.devices.mesh.placing import Placing


@dataclasses.dataclass(frozen=True)
class Layout(abc.ABC):
    """A static strategy: which modes meet in which column, and where the heaters are.

    `top` and `bottom` (columns, slots) tell the two modes of every interferometer; where `used` is False a slot is
    empty. Light enters at column 0.

    modes: how many waveguides run side by side.
    """

    modes: int = dataclasses.field(metadata={"static": True})
    push_pull: ClassVar[bool] = False
    """True where both inner arms have a heater and none is outside; else one is inside and one before, both on the top."""
    neighbours: ClassVar[bool] = True
    """True where interferometers join neighbouring modes and alternate like a checkerboard."""
    universal: ClassVar[bool] = True
    """True where every unitary matrix can be programmed."""

    def __post_init__(self):
        check.whole("modes", self.modes, 2)

    @abc.abstractmethod
    def pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(top, bottom, used), each (columns, slots)."""

    @functools.cached_property
    def table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`pairs`, found once."""
        return self.pairs()

    @property
    def top(self) -> np.ndarray:
        """Upper mode of each slot (columns, slots)."""
        return self.table[0]

    @property
    def bottom(self) -> np.ndarray:
        """Lower mode of each slot (columns, slots)."""
        return self.table[1]

    @property
    def used(self) -> np.ndarray:
        """Which slots hold an interferometer (columns, slots)."""
        return self.table[2]

    @property
    def shape(self) -> tuple[int, int]:
        """(columns, slots)."""
        return self.used.shape

    @property
    def interferometers(self) -> int:
        """How many there are."""
        return int(self.used.sum())

    @functools.cached_property
    def lanes(self) -> "Lanes":
        """The same table seen from the modes."""
        return _lanes(self)

    @property
    def edges(self) -> np.ndarray:
        """Columns whose lowest mode has a heater of its own."""
        return np.nonzero(self.lanes.idle[:, -1])[0] if self.push_pull else np.zeros(0, int)

    @functools.cached_property
    def heaters(self) -> "Heaters":
        """The places of all heaters."""
        return _heaters(self)


@dataclasses.dataclass(frozen=True)
class Lanes:
    """For each column and mode (columns, modes): the `partner` it meets (itself if none), whether it is `idle`, whether it
    is the upper one (`above`), and the flat `cell` = column * slots + slot (0 where idle)."""

    partner: np.ndarray
    idle: np.ndarray
    above: np.ndarray
    cell: np.ndarray


@dataclasses.dataclass(frozen=True)
class Heaters:
    """A heater for each phase: two for each interferometer and one for each output; in a push-pull layout also one for each
    pair of inputs and one wherever the lowest mode meets none.

    They are numbered inner ones first (or upper ones), then those before (or lower ones), edges, inputs, outputs. segment:
    the flat place (2 column + position) * modes + mode of each, position 0 before an interferometer and 1 inside; the outputs
    are one more row of places. on_chip: from heaters to places (2 columns + 1, modes). at_cells: from places to (4, columns,
    slots), before up and down, inside up and down. at_idle: from places to (2, columns, modes).
    """

    segment: np.ndarray
    on_chip: Placing
    at_cells: Placing
    at_idle: Placing

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.segment)


def _lanes(layout: Layout) -> Lanes:
    columns, slots = layout.shape
    partner = np.tile(np.arange(layout.modes), (columns, 1))
    idle, above = np.ones(partner.shape, bool), np.zeros(partner.shape, bool)
    cell = np.zeros(partner.shape, int)
    c, s = np.nonzero(layout.used)
    top, bottom = layout.top[c, s], layout.bottom[c, s]
    partner[c, top], partner[c, bottom] = bottom, top
    idle[c, top] = idle[c, bottom] = False
    above[c, top] = True
    cell[c, top] = cell[c, bottom] = c * slots + s
    return Lanes(partner, idle, above, cell)


def _heaters(layout: Layout) -> Heaters:
    columns = layout.shape[0]
    c, s = np.nonzero(layout.used)
    modes, push_pull = layout.modes, layout.push_pull
    place = lambda column, position, mode: (2 * column + position) * modes + mode
    inner = place(c, 1, layout.top[c, s])
    other = place(c, 1, layout.bottom[c, s]) if push_pull else place(c, 0, layout.top[c, s])
    edges = place(layout.edges, 1, modes - 1)
    entries = layout.top[0] if push_pull else np.zeros(0, int)
    outputs = place(columns, 0, np.arange(modes))
    segment = np.concatenate([inner, other, edges, entries, outputs])
    count, places = len(segment), (2 * columns + 1) * modes
    table = np.full(places, count)
    table[segment] = np.arange(count)
    column = np.arange(columns)[:, None]
    cells = np.stack([place(column, position, mode) for position in (0, 1) for mode in (layout.top, layout.bottom)])
    idle = np.stack([place(column, position, np.arange(modes)) for position in (0, 1)])
    return Heaters(
        segment,
        Placing(table.reshape(2 * columns + 1, modes), count),
        Placing(np.where(layout.used, cells, places), places),
        Placing(np.where(layout.lanes.idle, idle, places), places),
    )


def _checkerboard(columns: int, modes: int) -> tuple[np.ndarray, np.ndarray]:
    slots = modes // 2
    top = 2 * np.arange(slots) + np.arange(columns)[:, None] % 2
    return top, top + 1 < modes


class Rectangular(Layout):
    """N columns of neighbours, the shortest universal mesh: every path crosses N interferometers, or N - 1 at the edges.

    Source: Clements et al., Optica 3, 1460 (2016).
    """

    def pairs(self):
        """Even and odd pairs in turn."""
        columns = 1 if self.modes == 2 else self.modes
        top, used = _checkerboard(columns, self.modes)
        return top, top + 1, used


class Triangular(Layout):
    """2 N - 3 columns of neighbours in a triangle: paths differ in length.

    Source: Reck et al., Phys. Rev. Lett. 73, 58 (1994).
    """

    def pairs(self):
        """Column c holds the pairs (m, m + 1) with m = c - 2 i, that null row N - 1 - i."""
        columns = 2 * self.modes - 3
        top, _ = _checkerboard(columns, self.modes)
        row = (np.arange(columns)[:, None] - top) // 2
        used = (row >= 0) & (top <= self.modes - 2 - row)
        return top, top + 1, used


class Symmetric(Layout):
    """The rectangle of push-pull interferometers, a heater in either inner arm and none between columns.

    What is common to the arms of one interferometer is the phase before the next. The lower edge, the outputs and one of
    every pair of inputs have heaters of their own.
    Source: Bell, Walmsley, APL Photonics 6, 070804 (2021).
    """

    push_pull = True

    def pairs(self):
        """As the rectangle."""
        columns = 1 if self.modes == 2 else self.modes
        top, used = _checkerboard(columns, self.modes)
        return top, top + 1, used


class Butterfly(Layout):
    """log2 N columns whose pairs are 1, 2, 4, ... modes apart: few and shallow, but not every unitary matrix.

    Source: Fang et al., Opt. Express 27, 14009 (2019); as a factorisation Cooley, Tukey, Math. Comput. 19, 297 (1965).
    """

    neighbours = False
    universal = False

    def __post_init__(self):
        super().__post_init__()
        if self.modes & (self.modes - 1):
            raise InputError(f"`modes` of a butterfly must be a power of two, but is {self.modes}.")

    def pairs(self):
        """Column c joins modes that differ in bit c."""
        modes = np.arange(self.modes)
        bits = range(self.modes.bit_length() - 1)
        top = np.stack([modes[(modes >> bit) & 1 == 0] for bit in bits])
        stride = 1 << np.arange(len(top))[:, None]
        return top, top + stride, np.ones(top.shape, bool)
