"""`Crossbar`: weights as conductances of cells at the crossings of resistive wires."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import above
from devsim.devices.memristor import tiles
from devsim.devices.memristor.cell import Cell
from devsim.devices.memristor.encoding import DifferentialPairs, Encoding
from devsim.devices.memristor.wire_grid import GridSolution, Wires, solve_grid
from devsim.devices.memristor.writing import OpenLoop, Writer
from devsim.devices.reduced import Reduced
from devsim.devices.synaptic_array import SynapticArray
from devsim.parameter import parameter, state
from devsim.physics import BOLTZMANN, ROOM_TEMPERATURE
from devsim.ports import Balance, Noise, Port, electrical, no_memory
from devsim.randomness import named_key


class Crossbar(SynapticArray):
    """A memristor crossbar: rows drive word lines, cells join them to bit lines, columns collect the currents.

    Equations: cell (i, j) carries i(w_ij - b_ij); along each line neighbouring nodes are joined by a segment resistance
    and currents sum to zero at every node; with linear cells I = V T with the exact terminal operator T (G where the
    wires are ideal). Weights are conductances over `weight_scale`: `read` drives `read_voltage` x and returns the
    column currents (less their reference) over `read_voltage` times `weight_scale`.
    Source: Kirchhoff; line topology of Chen, IEEE Trans. Electron Devices 60, 1318 (2013), driven left, sensed at the
    bottom, one segment before the first cell and behind the last.
    Valid: static reads (lines without capacitance); sense amplifiers that hold the columns at potential zero.

    A matrix larger than one array is cut into tiles of `tile` = (rows, wires); a tile is a whole array whose lines
    beyond the matrix hold no cells, and the currents of tiles in one column add.
    """

    cell: Cell
    wire_resistance: Array = parameter(
        0.0, unit="ohm", bounds=(0, None), stage="read", ideal=0.0, doc="resistance of one segment of word and bit line"
    )
    word_line_resistance: Array = parameter(
        0.0,
        unit="ohm",
        bounds=(0, None),
        stage="read",
        ideal=0.0,
        doc="resistance of a word-line segment beyond `wire_resistance`",
    )
    bit_line_resistance: Array = parameter(
        0.0,
        unit="ohm",
        bounds=(0, None),
        stage="read",
        ideal=0.0,
        doc="resistance of a bit-line segment beyond `wire_resistance`",
    )
    driver_resistance: Array = parameter(
        0.0, unit="ohm", bounds=(0, None), stage="read", ideal=0.0, doc="resistance of each row's driver"
    )
    sense_resistance: Array = parameter(
        0.0, unit="ohm", bounds=(0, None), stage="read", ideal=0.0, doc="input resistance of each column's amplifier"
    )
    read_voltage: Array = parameter(
        0.2, unit="V", bounds=above(0), doc="row potential for an input of one in `read`; in a circuit its drivers decide"
    )
    maximum_weight: Array = parameter(
        0.0, unit="1", bounds=(0, None), doc="weight that fills the conductance range; 0 takes the largest one programmed"
    )
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the array")
    weight_scale: Array = state(1e-6, unit="S", bounds=above(0), doc="conductance per unit weight")
    row_mask: Array = state(
        1.0, unit="1", bounds=(0, 1), stage="read", doc="1 where a row takes part, 0 where it is switched off"
    )
    held: Array | None = state(None, unit="S", stage="read", doc="conductances that the present read finds, (rows, wires)")
    encoding: Encoding = eqx.field(static=True, default=DifferentialPairs())
    writer: Writer = eqx.field(default_factory=OpenLoop)
    tile: tuple[int, int] | None = eqx.field(static=True, default=None)
    two_sided: bool = eqx.field(static=True, default=False)

    rest = no_memory

    def __check_init__(self):
        for name, kind in (("cell", Cell), ("encoding", Encoding), ("writer", Writer)):
            check.instance(name, getattr(self, name), kind)
        if len(self.cell.shape()) != 2:
            raise check.InputError(f"`cell` must be an array of shape (rows, wires), but has shape {self.cell.shape()}.")
        wires = self.cell.shape()[1]
        columns = self.encoding.columns(wires)
        if columns < 1 or self.encoding.wires(columns) != wires:
            name = type(self.encoding).__name__
            raise check.InputError(f"`cell` must have the wires of whole columns, but {name} cannot share out {wires}.")
        if jnp.ndim(self.cell.minimum_conductance) or jnp.ndim(self.cell.maximum_conductance):
            raise check.InputError("`cell` must have one range of conductance for the whole array, but has one per cell.")
        if self.tile is not None:
            if not isinstance(self.tile, tuple) or len(self.tile) != 2:
                raise check.InputError(f"`tile` must be (rows, wires) of one array, but is {self.tile!r}.")
            for size in self.tile:
                check.whole("tile", size, 1)

    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the weights."""
        rows, wires = self.cell.shape()
        return rows, self.encoding.columns(wires)

    def ports(self) -> dict[str, Port]:
        """Electrical buses `rows`, `columns` and, where the encoding has one, `reference`."""
        rows, columns = self.shape()
        pins = {"rows": electrical((rows,)), "columns": electrical((columns,))}
        width = self.encoding.reference(columns)
        return pins if width is None else pins | {"reference": electrical((width,))}

    def wires(self) -> Wires:
        """Segment and terminal resistances, ohm."""
        return Wires(
            self.wire_resistance + self.word_line_resistance,
            self.wire_resistance + self.bit_line_resistance,
            self.driver_resistance,
            self.sense_resistance,
            self.two_sided,
        )

    def conductances(self) -> Array:
        """(rows, wires) in S: those of the present read where one is held, else as stored."""
        return self.cell.conductance() if self.held is None else self.held

    def weights(self) -> Array:
        """The stored weights (rows, columns)."""
        stored = self.encoding.difference(self.cell.conductance()) - self.encoding.offset(self.cell.minimum_conductance)
        return stored / self.weight_scale

    def program(self, target: Array, key: Key[Array, ""]) -> Self:
        """Write weights (rows, columns) with the array's `writer`."""
        target = jnp.asarray(target, self.cell.conductance().dtype)
        check.finite("target", target)
        if target.shape != self.shape():
            raise check.InputError(f"`target` must match the array's weights {self.shape()}, but has shape {target.shape}.")
        self.encoding.check(target)
        low, high = self.cell.minimum_conductance, self.cell.maximum_conductance
        largest = jnp.max(jnp.abs(target))
        largest = jnp.where(self.maximum_weight > 0, self.maximum_weight, jnp.where(largest > 0, largest, 1.0))
        scale = self.encoding.scale(largest, jnp.max(low), jnp.min(high))
        wanted = self.encoding.encode(target, scale, low, high)
        return self.put(cell=self.writer.write(self.cell, wanted, key).cell, weight_scale=scale, held=None)

    def nudge(self, delta: Array, key: Key[Array, ""]) -> Self:
        """Pulses that would change the weights by `delta` (rows, columns) if every pulse were nominal."""
        check.finite("delta", delta)
        check.shape("delta", delta, self.shape(), "the array's weights")
        stored, low = self.cell.conductance(), self.cell.minimum_conductance
        pulses = self.encoding.step(self.weight_scale * jnp.asarray(delta), stored, low) / self.cell.pulse_step()
        return self.put(cell=self.cell.nudge(pulses, key), held=None)

    def ideal(self):
        """Ideal cells and wires; conductances held for a read are let go."""
        return super().ideal().put(held=None)

    def age(self, seconds, temperature, key):
        """Older cells; wires do not age."""
        return self.put(cell=self.cell.age(seconds, temperature, named_key(key, "cell")), held=None)

    def snapshot(self, key):
        """The array as one read finds it: read noise of every cell drawn and held."""
        return self.put(held=self.cell.sample(key))

    def masked(self, mask: Array) -> Self:
        """The array with rows switched off where `mask` (rows,) is 0: their drivers are at potential zero."""
        check.shape("mask", mask, self.shape()[:1], "the array's rows")
        return self.put(row_mask=jnp.asarray(mask, float))

    def transfer(self) -> Array:
        """Terminal operator (rows, wires), S: currents out of grounded columns per row potential, wires included."""
        self._only_linear("transfer")
        return tiles.transfer(self.conductances(), self.wires(), self.tile)

    def reduce(self, grounded: frozenset[str] = frozenset()) -> SynapticArray:
        """With linear cells the exact terminal operator, after which a read is one dense product; else itself.

        Where `columns` (and `reference`) will always be at potential zero, only the rows' responses are found.
        """
        if not self.cell.conduction.linear:
            return self
        at_ground = {"columns", "reference"} & set(self.ports()) <= grounded
        return ReducedCrossbar(
            tiles.admittance(self.conductances(), self.wires(), self.tile, terminals=self.shape()[0] if at_ground else None),
            self.read_voltage,
            self.weight_scale,
            self.row_mask,
            self.encoding.offset(self.cell.minimum_conductance),
            self.temperature,
            self.encoding,
            self.shape(),
        )

    def currents(self, rows: Array, wires: Array) -> tuple[Array, Array]:
        """Currents into the row and the wire terminals (A) at their potentials (V)."""
        if self.cell.conduction.linear:
            return tiles.currents(self.conductances(), rows, wires, self.wires(), self.tile)
        law = (self.cell.conduction, self.conductances())
        return tiles.nonlinear_currents(law, rows, wires, self.wires(), self.tile)

    def fields(self, row_potential: Array) -> GridSolution:
        """Potentials and currents everywhere in the array with its wires grounded: what an IR-drop map shows.

        row_potential (rows,) in V. Raises InputError for cells that are not linear and for tiled arrays.
        """
        self._only_linear("fields")
        if self.tile is not None:
            raise check.InputError("`fields` draws one array, but this matrix is cut into tiles; take `tile=None`.")
        return solve_grid(self.conductances(), self.row_mask * row_potential, jnp.zeros(self.cell.shape()[1]), self.wires())

    def read(self, inputs: Array, key: Key[Array, ""]) -> Array:
        """inputs (..., rows) -> (..., columns) in the units of weights times inputs; one draw of read noise for all."""
        inputs = jnp.asarray(inputs)
        check.shape("inputs", inputs, self.shape()[:1], "the array's rows")
        found = self if self.held is not None else self.snapshot(key)
        if found.cell.conduction.linear and jnp.size(inputs) // self.shape()[0] >= min(self.cell.shape()):
            return _read(found, inputs, lambda rows: rows @ found.transfer())
        return _read(found, inputs, lambda rows: -_each(lambda v: found.currents(v, jnp.zeros(self.cell.shape()[1]))[1], rows))

    def read_reverse(self, inputs: Array, key: Key[Array, ""]) -> Array:
        """inputs (..., columns) -> (..., rows) through the same cells: columns driven, rows sensed."""
        inputs = jnp.asarray(inputs)
        check.shape("inputs", inputs, self.shape()[1:], "the array's columns")
        found = self if self.held is not None else self.snapshot(key)
        return _read_reverse(
            found, inputs, lambda wires: -_each(lambda v: found.currents(jnp.zeros(self.shape()[0]), v)[0], wires)
        )

    def balance(self, t, p, x) -> Balance:
        """Kirchhoff on the whole grid."""
        rows, wires = self.currents(self.row_mask * p["rows"], self.encoding.join(p["columns"], p.get("reference")))
        return _terminals(self, rows, wires)

    def noise(self, p, x):
        """Johnson noise that each grounded column collects, 4 k T G with G the conductance it sees."""
        self._only_linear("noise")
        operator = tiles.admittance(self.conductances(), self.wires(), self.tile)
        return _thermal(self, jnp.diagonal(operator)[self.shape()[0] :])

    def _only_linear(self, what: str) -> None:
        if not self.cell.conduction.linear:
            raise check.InputError(
                f"`{what}` needs linear cells, but the cells conduct as {type(self.cell.conduction).__name__}."
            )


class ReducedCrossbar(Reduced):
    """A programmed crossbar with linear cells as its exact terminal operator: I = Y V at all terminals.

    It answers like the crossbar that it was made from, at one dense product per read; it cannot be written.
    """

    operator: Array = state(
        unit="S",
        doc="currents into all terminals, rows then wires, per volt at each; or at each row only, if the wires are grounded",
    )
    read_voltage: Array = state(0.2, unit="V", doc="row potential for an input of one")
    weight_scale: Array = state(1e-6, unit="S", doc="conductance per unit weight")
    row_mask: Array = state(1.0, unit="1", doc="1 where a row takes part")
    low: Array = state(0.0, unit="S", doc="conductance that the arithmetic takes off every weight")
    temperature: Array = state(ROOM_TEMPERATURE, unit="K", doc="temperature of the array")
    encoding: Encoding = eqx.field(static=True, default=DifferentialPairs())
    size: tuple[int, int] = eqx.field(static=True, default=(1, 1))
    whole = "crossbar"
    rest = no_memory

    def ports(self):
        """As the crossbar's."""
        rows, columns = self.size
        pins = {"rows": electrical((rows,)), "columns": electrical((columns,))}
        width = self.encoding.reference(columns)
        return pins if width is None else pins | {"reference": electrical((width,))}

    def transfer(self) -> Array:
        """(rows, wires), S."""
        return -self.operator[self.size[0] :, : self.size[0]].T

    def weights(self):
        """The weights that a read applies, wires included, (rows, columns)."""
        return (self.encoding.difference(self.transfer()) - self.low) / self.weight_scale

    def read(self, inputs, key):
        """inputs (..., rows) -> (..., columns)."""
        check.shape("inputs", inputs, self.size[:1], "the array's rows")
        return _read(self, inputs, lambda rows: rows @ self.transfer())

    def read_reverse(self, inputs, key):
        """inputs (..., columns) -> (..., rows)."""
        check.shape("inputs", inputs, self.size[1:], "the array's columns")
        return _read_reverse(self, inputs, lambda wires: wires @ self.transfer().T)

    def balance(self, t, p, x):
        """One dense product."""
        rows, drive = self.size[0], self.row_mask * p["rows"]
        into_rows, into_wires = self.operator[:rows, :rows] @ drive, self.operator[rows:, :rows] @ drive
        sinks = [p[name] for name in ("columns", "reference") if name in p]
        if all(isinstance(potential, np.ndarray) and not potential.any() for potential in sinks):
            return _terminals(self, into_rows, into_wires)
        self._only_whole()
        wires = self.encoding.join(*(sinks if len(sinks) == 2 else (*sinks, None)))
        return _terminals(
            self, into_rows + self.operator[:rows, rows:] @ wires, into_wires + self.operator[rows:, rows:] @ wires
        )

    def _only_whole(self) -> None:
        if self.operator.shape[-1] == self.size[0]:
            raise check.InputError(
                "This crossbar was reduced for grounded columns; call `reduce()` without `grounded` to drive them."
            )

    def noise(self, p, x):
        """Johnson noise that each grounded column collects."""
        self._only_whole()
        return _thermal(self, jnp.diagonal(self.operator)[self.size[0] :])


def _read(array, inputs: Array, collect) -> Array:
    """Drive rows, collect the currents out of the wires, and turn them into weighted sums."""
    inputs = array.row_mask * inputs
    currents = collect(array.read_voltage * inputs)
    sums = array.encoding.difference(currents) / array.read_voltage
    low = array.low if isinstance(array, ReducedCrossbar) else array.encoding.offset(array.cell.minimum_conductance)
    return (sums - low * jnp.sum(inputs, axis=-1, keepdims=True)) / array.weight_scale


def _read_reverse(array, inputs: Array, collect) -> Array:
    """Drive wires, collect the currents out of the rows."""
    currents = collect(array.read_voltage * array.encoding.spread(inputs))
    low = array.low if isinstance(array, ReducedCrossbar) else array.encoding.offset(array.cell.minimum_conductance)
    sums = currents / array.read_voltage - low * jnp.sum(inputs, axis=-1, keepdims=True)
    return array.row_mask * sums / array.weight_scale


def _thermal(array, seen: Array) -> dict[str, Noise]:
    """4 k T G at every wire, `seen` (wires,) the conductance (S) from it into the array."""
    columns, reference = array.encoding.split(4 * BOLTZMANN * array.temperature * seen)
    told = {"thermal": Noise(columns, ("columns", "columns"))}
    return told if reference is None else told | {"thermal, reference": Noise(reference, ("reference", "reference"))}


def _terminals(array, rows: Array, wires: Array) -> Balance:
    columns, reference = array.encoding.split(wires)
    static = {"rows": array.row_mask * rows, "columns": columns}
    return Balance(static if reference is None else static | {"reference": reference})


def _each(function, vectors: Array) -> Array:
    """`function` of every vector along the last axis."""
    flat = vectors.reshape(-1, vectors.shape[-1])
    return jax.vmap(function)(flat).reshape(*vectors.shape[:-1], -1)
