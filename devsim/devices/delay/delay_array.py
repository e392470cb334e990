"""`DelayArray`: complex weights whose phases are the delays of inverters behind memristors."""

import abc
import math
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import Bounds, InputError, above
from devsim.devices.delay.one_way import OneWayArray
from devsim.devices.delay.reduced import ReducedDelays
from devsim.devices.memristor.cell import Cell
from devsim.devices.memristor.writing import OpenLoop, Writer
from devsim.parameter import deviation, parameter, quantities, state
from devsim.quantise import quantise
from devsim.randomness import named_key
from devsim.smooth import root

TURN = 2 * math.pi
LEAST_CONDUCTANCE = 1e-12
"""S, of an open memristor: what leaks around it. It keeps delays, and their derivatives, finite."""

ROUNDED_UP = 1.0005
"""Half a unit of the fourth digit, so that a limit that an error names with four of them is itself allowed."""


class DelayArray(OneWayArray):
    """Links between oscillators of one carrier frequency f: the delay of a link is the phase of its complex weight.

    Equations: W = m exp(-2 pi i f tau). A stage, an inverter that charges its load C through a memristor g, delays by
    ln2 C (R + 1/g); a line of stages by their sum + offset. m = gain Q((1 - u) |asked| + u rms), u the `uniformity` and rms
    that of the magnitudes asked for which are not zero: at u = 1 delays alone carry the weights, with the same Frobenius
    norm. Q rounds to `coupling_step`. Every stage that switches takes C V^2 in each period; every stage leaks I V.
    `read` returns inputs @ weights, complex: rows send, columns receive.
    Source: Prasad, Mukim, Madhavan, Stiles, Neuromorph. Comput. Eng. 2, 034003 (2022) for weights of delays through
    inverters and memristors; delay and energy of an RC stage: Rabaey, Chandrakasan, Nikolic, Digital Integrated Circuits
    (2003), chapter 5.
    Valid: ohmic memristors; stages shorter than half a period, so that each settles before the next edge (the formula has no
    such limit); envelopes slower than a delay; the sign of an odd number of inversions is undone at the receiver. The power
    of the receivers is not counted.

    `cell` has the shape (stages of a line, rows, lines of a row). Nobody measures a line when it is written: offsets, gains
    and write errors stay. `ideal` keeps the delays that were written; program again for exact ones.
    """

    cell: Cell
    coupling: Array = state(unit="1", bounds=(0, None), doc="magnitudes asked for (rows, columns); 0 is no link")
    frequency: Array = parameter(300e6, unit="Hz", bounds=above(0), doc="carrier f, at which delays are phases")
    load_capacitance: Array = parameter(1e-15, unit="F", bounds=above(0), doc="C that each stage charges")
    inverter_resistance: Array = parameter(10e3, unit="ohm", bounds=(0, None), doc="R of a stage without its memristor")
    supply_voltage: Array = parameter(1.0, unit="V", bounds=above(0), doc="V of the inverters")
    leakage_current: Array = parameter(0.0, unit="A", bounds=(0, None), doc="I that each stage leaks")
    uniformity: Array = parameter(
        0.0,
        unit="1",
        bounds=(0, 1),
        stage="program",
        ideal=0.0,
        doc="0: every link has its own magnitude; 1: all have one, and only delays carry the weights",
    )
    coupling_step: Array = parameter(
        0.0, unit="1", bounds=(0, None), stage="program", ideal=0.0, doc="quantum of the magnitudes"
    )
    coupling_gain: Array = parameter(
        1.0, unit="1", bounds=above(0), stage="fabricate", ideal=1.0, doc="magnitude over nominal (rows, columns)"
    )
    coupling_spread: Array = deviation("coupling_gain", "1", "lognormal", each="link")
    delay_offset: Array = parameter(
        0.0, unit="s", stage="fabricate", ideal=0.0, doc="static error of each line (rows, lines of a row)"
    )
    delay_spread: Array = deviation("delay_offset", "s", each="line")
    held: Array | None = state(
        None, unit="S", bounds=(0, None), stage="read", doc="conductances that the present read finds, shape of the cells"
    )
    writer: Writer = eqx.field(default_factory=OpenLoop)

    def __check_init__(self):
        for name, kind in (("cell", Cell), ("writer", Writer)):
            check.instance(name, getattr(self, name), kind)
        if len(self.cell.shape()) != 3:
            raise InputError(f"`cell` must have the shape (stages, rows, lines), but has shape {self.cell.shape()}.")
        if not self.cell.conduction.linear:
            raise InputError(f"`cell` must be ohmic, but conducts as {type(self.cell.conduction).__name__}.")
        if jnp.ndim(self.cell.minimum_conductance) or jnp.ndim(self.cell.maximum_conductance):
            raise InputError("`cell` must have one range of conductance for the whole array, but has one per cell.")

    @classmethod
    def built(cls, shape: tuple[int, int], cell: Cell, **fields: Any) -> Self:
        """Without links as yet; a number fills an array, knobs by name, those of `derived` among them."""
        check.instance("cell", cell, Cell)
        fields = {"coupling": 0.0, "coupling_gain": 1.0, "delay_offset": 0.0} | fields
        later = {name: fields.pop(name) for name in cls.derived if name in fields}
        for name, whole in (("coupling", shape), ("coupling_gain", shape), ("delay_offset", cell.shape()[1:])):
            if not check.fits(np.shape(fields[name]), whole):
                raise InputError(f"`{name}` must be a number or have shape {whole}, but has shape {np.shape(fields[name])}.")
            fields[name] = jnp.broadcast_to(jnp.asarray(fields[name], float), whole)
        array = cls(cell, **fields)
        for name, value in later.items():
            array = array.set(name, value)
        return array

    def array_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the quantities that are not mere numbers."""
        return {
            "coupling": self.shape(),
            "coupling_gain": self.shape(),
            "delay_offset": self.cell.shape()[1:],
            "held": self.cell.shape(),
        }

    def check_shapes(self):
        """Raise where an array does not fit the links, the lines or the cells."""
        if jnp.ndim(self.coupling) != 2:
            raise InputError(f"`coupling` must have rows and columns, but has shape {jnp.shape(self.coupling)}.")
        if self.cell.shape()[1] != self.shape()[0]:
            raise InputError(f"`cell` must have {self.shape()[0]} rows, as the links, but has shape {self.cell.shape()}.")
        shapes = self.array_shapes()
        for name in quantities(self):
            wanted, given = shapes.get(name, ()), np.shape(getattr(self, name))
            if not check.fits(given, wanted):
                allowed = f"a number or have shape {wanted}" if wanted else "a number"
                raise InputError(f"`{name}` must be {allowed}, but has shape {given}.")

    @abc.abstractmethod
    def delays(self) -> Array:
        """Delay of each link (rows, columns), s, as the hardware gives it now."""

    @abc.abstractmethod
    def stages_in_use(self) -> Array:
        """How many stages switch."""

    @abc.abstractmethod
    def delayed(self, lag: Array, key: Key[Array, ""]) -> dict[str, Any]:
        """The fields of an array whose links were asked for delays of `lag` periods, in [0, 1) (rows, columns)."""

    def shape(self):
        """(rows, columns) of the weights."""
        return jnp.shape(self.coupling)

    def conductances(self) -> Array:
        """Of the memristors, S: those of the present read where one is held, else as stored; shape of the cells."""
        return self.cell.conductance() if self.held is None else self.held

    def stage_delay(self, conductance: Array) -> Array:
        """ln2 C (R + 1/g), s; an open memristor conducts `LEAST_CONDUCTANCE`."""
        resistance = 1 / jnp.maximum(conductance, LEAST_CONDUCTANCE)
        return math.log(2) * self.load_capacitance * (self.inverter_resistance + resistance)

    def lines(self) -> Array:
        """Delay of each line (rows, lines of a row), s, its static error included."""
        return jnp.sum(self.stage_delay(self.conductances()), axis=0) + self.delay_offset

    def shortest(self) -> Array:
        """Delay of a line without errors whose memristors all conduct their maximum, s."""
        return self.cell.shape()[0] * self.stage_delay(jnp.min(self.cell.maximum_conductance))

    def longest(self) -> Array:
        """Delay of a line without errors whose memristors all conduct their minimum, s."""
        return self.cell.shape()[0] * self.stage_delay(jnp.max(self.cell.minimum_conductance))

    def known_range(self) -> tuple[float, float] | None:
        """Shortest and longest delay as numbers, s; None where they are not known, or cells have ranges of their own."""
        cell = self.cell
        known = (cell.minimum_conductance, cell.maximum_conductance, self.load_capacitance, self.inverter_resistance)
        if not all(check.is_concrete(value) and jnp.ndim(value) == 0 for value in (*known, self.frequency)):
            return None
        with jax.ensure_compile_time_eval():
            return float(self.shortest()), float(self.longest())

    def conductance_for(self, delays: Array) -> Array:
        """Conductances (S, shape of the cells) at which lines take `delays` (s), a number or (rows, lines of a row).

        The stages of a line share alike. Raises InputError for a delay out of their range.
        """
        check.finite("delays", delays)
        if not check.fits(np.shape(delays), self.cell.shape()[1:]):
            raise InputError(
                f"`delays` must be a number or have shape {self.cell.shape()[1:]}, but has shape {np.shape(delays)}."
            )
        if (known := self.known_range()) is not None:
            slack = 8 * float(jnp.finfo(self.load_capacitance.dtype).eps)
            check.within("delays", delays, Bounds(known[0] * (1 - slack), known[1] * (1 + slack)), "s")
        share = jnp.clip(delays, self.shortest(), self.longest()) / (self.cell.shape()[0] * math.log(2) * self.load_capacitance)
        least = 1 / jnp.min(self.cell.maximum_conductance)
        wanted = 1 / jnp.maximum(share - self.inverter_resistance, least)
        return jnp.broadcast_to(wanted, self.cell.shape()).astype(self.cell.conductance().dtype)

    def written(self, delays: Array, key: Key[Array, ""]) -> Cell:
        """The cells after the `writer` has brought the lines to `delays` (s)."""
        return self.writer.write(self.cell, self.conductance_for(delays), key).cell

    def magnitudes(self) -> Array:
        """Of the weights (rows, columns), as `uniformity`, `coupling_step` and `coupling_gain` make them."""
        linked = self.coupling > 0
        count = jnp.maximum(jnp.sum(linked), 1)
        square = jnp.sum(self.coupling**2) / count
        mixed = (1 - self.uniformity) * self.coupling + self.uniformity * root(square)
        return jnp.where(linked, self.coupling_gain * quantise(mixed, self.coupling_step), 0.0)

    def weights(self):
        """m exp(-2 pi i f tau), complex (rows, columns), with the read noise that is held."""
        turns = self.frequency * self.delays()
        angle = TURN * (turns - jnp.round(turns))
        magnitude = self.magnitudes()
        return jax.lax.complex(magnitude * jnp.cos(angle), -magnitude * jnp.sin(angle))

    def program(self, target: Array, key: Key[Array, ""]) -> Self:
        """Write the weights `target` (rows, columns), complex or real: memristors by the `writer`, magnitudes as asked."""
        check.finite("target", target)
        target = jnp.asarray(target)
        if target.shape != self.shape():
            raise InputError(f"`target` must match the array's weights {self.shape()}, but has shape {target.shape}.")
        magnitude, lag = polar(target, jnp.result_type(self.coupling))
        return self.put(coupling=magnitude, held=None, **self.delayed(lag, key))

    def nudge(self, delta: Array, key: Key[Array, ""]) -> Self:
        """Write the weights asked for, with the delays that their cells hold, plus `delta` (rows, columns).

        Static errors of lines and links are not known to the writer, and stay.
        """
        check.finite("delta", delta)
        check.shape("delta", delta, self.shape(), "the array's weights")
        gain, offset = jnp.ones_like(self.coupling_gain), jnp.zeros_like(self.delay_offset)
        none = jnp.zeros_like(self.uniformity)
        known = self.put(held=None, coupling_gain=gain, delay_offset=offset, uniformity=none, coupling_step=none)
        return self.program(known.weights() + delta, key)

    def power(self):
        """`inverters`, C V^2 f of each stage in use, and `leakage`, I V of each; W."""
        stages = self.stages_in_use()
        switching = self.frequency * self.load_capacitance * self.supply_voltage**2
        return {"inverters": stages * switching, "leakage": stages * self.leakage_current * self.supply_voltage}

    def snapshot(self, key):
        """The array as one read finds it: read noise of every memristor drawn and held."""
        return self.put(held=self.cell.sample(key))

    def found(self, key):
        """The array with the conductances that are held, or with newly drawn ones."""
        return self.snapshot(key) if self.held is None else self

    def ideal(self):
        """Ideal cells, lines and links; conductances held for a read are let go."""
        return super().ideal().put(held=None)

    def age(self, seconds, temperature, key):
        """Older memristors; inverters do not age."""
        return self.put(cell=self.cell.age(seconds, temperature, named_key(key, "cell")), held=None)

    def reduce(self, grounded: frozenset[str] = frozenset()) -> ReducedDelays:
        """The matrix alone, after which each read is one product."""
        found, power = self.weights(), self.power()
        return ReducedDelays(jnp.real(found), jnp.imag(found), power["inverters"], power["leakage"])


def polar(target: Array, dtype: Any) -> tuple[Array, Array]:
    """Magnitude, and the delay in periods, in [0, 1), whose phase `target` has; of zero (0, 0), with finite derivatives."""
    real, imaginary = jnp.real(target).astype(dtype), jnp.imag(target).astype(dtype)
    square = real**2 + imaginary**2
    linked = square > 0
    angle = jnp.arctan2(jnp.where(linked, imaginary, 0.0), jnp.where(linked, real, 1.0))
    return root(square), jnp.mod(-angle / TURN, 1.0)
