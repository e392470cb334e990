"""`Design`: at which points a sweep measures: a grid of its axes, their values in step, random or Sobol points."""

import dataclasses
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import jax
import numpy as np
from jaxtyping import Array, Key
from scipy.stats import qmc

from devsim import check
from devsim.check import InputError
from devsim.chip import Chip
from devsim.randomness import named_key
from devsim.sweep.axis import FORM, LONGEST, Axis

KINDS = ("grid", "zip", "random", "sobol")
DRAWN = ("random", "sobol")
_CORNERS = 16


@dataclasses.dataclass(frozen=True)
class Design:
    """Axes and the points they make.

    columns: path -> values (points,). shape: the lengths of the axes of a grid, whose last varies fastest; otherwise (points,).
    """

    kind: str
    axes: tuple[Axis, ...]
    columns: dict[str, np.ndarray]
    shape: tuple[int, ...]

    @property
    def points(self) -> int:
        """How many points there are."""
        return math.prod(self.shape)

    @classmethod
    def planned(
        cls, chip: Chip, over: Mapping[str, Any] | Sequence[str], *, kind: str, points: int | None, key: Key[Array, ""]
    ) -> Self:
        """The design that sweeps knobs of `chip` over `over`: path -> axis, or words `path=axis`.

        points: how many random or Sobol points there are (of which powers of two are spread most evenly; Owen scrambling,
        SciPy). Raises InputError for an unknown path, what is no knob, a value out of its bounds or that does not go with the
        rest of the chip, axes that do not fit the kind of design, and a sweep that is empty.
        """
        check.one_of("design", kind, KINDS)
        axes = tuple(Axis.read(path, given) for path, given in _assigned(over))
        for axis in axes:
            _check_knob(chip, axis)
        _check_kind(kind, axes, points)
        columns, shape = _laid_out(kind, axes, points, key)
        design = cls(kind, axes, dict(zip((axis.path for axis in axes), columns, strict=True)), shape)
        design._check_corners(chip)
        return design

    def at(self, point: int) -> dict[str, float]:
        """Path -> value at a point."""
        return {path: float(column[point]) for path, column in self.columns.items()}

    def _check_corners(self, chip: Chip) -> None:
        """Set the chip to the points where every knob is at an end of its range: its values must go together."""
        ends = [(column == column.min()) | (column == column.max()) for column in self.columns.values()]
        corners = np.flatnonzero(np.logical_and.reduce(ends))[:_CORNERS]
        extremes = [extreme(column) for column in self.columns.values() for extreme in (np.argmin, np.argmax)]
        for point in sorted(set(map(int, corners if self.kind == "grid" else extremes))):
            each = chip
            try:
                for path, value in self.at(point).items():
                    each = each.set(path, value)
            except (ValueError, TypeError) as error:
                told = ", ".join(f"{path} = {value:g}" for path, value in self.at(point).items())
                raise InputError(f"The chip refuses the point {told}: {error}") from error


def _assigned(over: Mapping[str, Any] | Sequence[str]) -> list[tuple[str, Any]]:
    if isinstance(over, Mapping):
        told = list(over.items())
    elif isinstance(over, Sequence) and not isinstance(over, str) and all(isinstance(word, str) for word in over):
        told = []
        for word in over:
            path, equals, text = word.partition("=")
            if not equals or not path.strip():
                example = "such as array.wire_resistance=log:0.1:10:5"
                raise InputError(f"`--over` must be written PATH=AXIS, with {FORM}, {example}, but is `{word}`.")
            told.append((path.strip(), text))
    else:
        raise InputError(f"`over` must be a mapping from paths to axes, or words PATH=AXIS, but is {check.described(over)}.")
    if not told:
        raise InputError("A sweep must go over at least one knob, but `--over` gives none.")
    for i, (path, _) in enumerate(told):
        if not isinstance(path, str):
            raise InputError(f"A path must be words joined by dots, but is {check.described(path)}.")
        if path in (other for other, _ in told[:i]):
            raise InputError(f"`--over` must give each knob once, but gives `{path}` twice.")
    return told


def _check_knob(chip: Chip, axis: Axis) -> None:
    quantity = chip.entry(axis.path).quantity
    if not quantity.knob:
        raise InputError(f"`{axis.path}` is what the chip carries along, not a knob; sweep what makes it, see `devsim show`.")
    check.within(axis.path, np.asarray(axis.values), quantity.bounds, quantity.unit)


def _check_kind(kind: str, axes: tuple[Axis, ...], points: int | None) -> None:
    if kind in DRAWN:
        if points is None:
            raise InputError(f"`points` (`--points N`) must say how many points a {kind} design draws, but is missing.")
        check.whole("points", points, 1)
        check.within("points", points, check.Bounds(1, LONGEST))
        for axis in axes:
            if axis.spacing != "listed" and axis.count is not None:
                ends = f"{axis.spacing}:{axis.values[0]:g}:{axis.values[-1]:g}"
                raise InputError(
                    f"`{axis.path}` must be `{ends}`, without a number of values: `--points` says how many to draw."
                )
        return
    if points is not None:
        raise InputError(f"`points` belongs to random and Sobol designs; the axes of a {kind} say how many points there are.")
    for axis in axes:
        if axis.count is None:
            ends = f"{axis.spacing}:{axis.values[0]:g}:{axis.values[-1]:g}"
            raise InputError(f"`{axis.path}` must say how many values lie between its ends, `{ends}:n`, but is `{ends}`.")
    lengths = {axis.path: axis.count for axis in axes}
    if kind == "zip" and len(set(lengths.values())) > 1:
        told = ", ".join(f"`{path}` {count}" for path, count in lengths.items())
        raise InputError(f"Axes that go in step must have the same number of values, but have: {told}.")
    if kind == "grid" and math.prod(len(axis.values) for axis in axes) > LONGEST:
        raise InputError(f"A sweep must have at most {LONGEST:,} points, but these axes make more.")


def _laid_out(kind: str, axes: tuple[Axis, ...], points: int | None, key: Any) -> tuple[list[np.ndarray], tuple[int, ...]]:
    if kind == "grid":
        shape = tuple(len(axis.values) for axis in axes)
        return [grid.ravel() for grid in np.meshgrid(*(np.asarray(axis.values) for axis in axes), indexing="ij")], shape
    if kind == "zip":
        return [np.asarray(axis.values) for axis in axes], (len(axes[0].values),)
    assert points is not None
    return [axis.at(share) for axis, share in zip(axes, _shares(kind, len(axes), points, key), strict=True)], (points,)


def _shares(kind: str, dimensions: int, points: int, key: Any) -> np.ndarray:
    """Points of the unit cube (dimensions, points)."""
    key = named_key(key, "design")
    if kind == "random":
        return np.asarray(jax.random.uniform(key, (dimensions, points)), float)
    seed: Any = {"seed": np.random.default_rng(np.asarray(jax.random.key_data(key)).tolist())}  # `rng` since SciPy 1.15
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The balance properties")
        return qmc.Sobol(dimensions, scramble=True, **seed).random(points).T
