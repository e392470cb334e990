"""`DelayChains`: every link has inverters of its own."""

from typing import Any, Self

import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check
from devsim.check import Bounds, InputError
from devsim.devices.delay.delay_array import ROUNDED_UP, DelayArray
from devsim.devices.memristor.cell import Cell
from devsim.devices.memristor.linear import LinearCell
from devsim.parameter import Derived, parameter
from devsim.quantise import quantise
from devsim.units import engineering

BITS = Derived(
    lambda array: -jnp.log2(array.frequency * jnp.where(array.delay_step > 0, array.delay_step, jnp.nan)),
    lambda array, bits: {"delay_step": 1 / (array.frequency * 2**bits)},
    "bit",
    "resolution of the phases: another name for `delay_step`, one period over 2^bits; NaN where the step is zero",
    Bounds(1, 52),
)


class DelayChains(DelayArray):
    """One chain of inverters with memristors for each link: no link disturbs another, and each costs its own energy.

    Equations: those of `DelayArray`; the delay asked for is that of the phase, rounded to `delay_step` modulo the period,
    in [shortest, shortest + 1/f), shared alike by the stages of the chain. Independent relative errors of S stages average:
    that of the chain is smaller by sqrt(S). Stages in use: those of links that are not zero.
    Source: as `DelayArray`.
    Valid: as `DelayArray`. A rounded array, too, must span a whole period, so that it has an ideal one beside it.
    """

    delay_step: Array = parameter(
        0.0, unit="s", bounds=(0, None), stage="program", ideal=0.0, doc="quantum of the delays that a link is asked for"
    )
    derived = {"delay_bits": BITS}

    @classmethod
    def of(cls, rows: int, columns: int, stages: int = 5, cell: Cell | None = None, **fields: Any) -> Self:
        """Without links as yet. A `cell` must have the shape (stages, rows, columns); else they are exact linear ones."""
        for name, count in (("rows", rows), ("columns", columns), ("stages", stages)):
            check.whole(name, count, 1)
        return cls.built((rows, columns), LinearCell.of((stages, rows, columns)) if cell is None else cell, **fields)

    def check_shapes(self):
        """Raise where there is not one line for each link."""
        super().check_shapes()
        if self.cell.shape()[1:] != self.shape():
            rows, columns = self.shape()
            raise InputError(f"`cell` must have shape (stages, {rows}, {columns}), but has shape {self.cell.shape()}.")

    def go_together(self):
        """Raise where a line cannot be varied by a whole period."""
        if (known := self.known_range()) is None:
            return
        span, frequency = known[1] - known[0], float(self.frequency)
        if span * frequency < 1 - 1e-6:
            raise InputError(
                f"`frequency` must be at least {ROUNDED_UP / span:.4g} Hz for these lines, but is {frequency:.4g} Hz: one"
                f" period is {engineering(1 / frequency, 's')} and the delay spans {engineering(span, 's')}; take more stages,"
                " a larger load_capacitance or cells with a lower minimum_conductance."
            )

    def delays(self):
        """Those of the lines, (rows, columns), s."""
        return self.lines()

    def stages_in_use(self):
        """Stages of a chain times links that are not zero."""
        return self.cell.shape()[0] * jnp.sum(self.coupling > 0)

    def delayed(self, lag, key):
        """Cells written for the shortest delay in range that is `lag` periods, rounded, modulo one."""
        asked = quantise(lag, self.frequency * self.delay_step)
        beyond = cyclic(asked - self.frequency * self.shortest())
        return {"cell": self.written(self.shortest() + beyond / self.frequency, key)}

    def program_delays(self, delays: Array, key: Key[Array, ""]) -> Self:
        """Write the delays themselves, s, a number or (rows, columns), unrounded; the magnitudes asked for stay.

        Raises InputError for a delay out of the lines' range.
        """
        return self.put(cell=self.written(delays, key), held=None)


def cyclic(periods: Array) -> Array:
    """`periods` modulo one; what is below a whole number by mere rounding counts as that number."""
    rounding = 8 * jnp.finfo(periods.dtype).eps
    return jnp.maximum(jnp.mod(periods + rounding, 1.0) - rounding, 0.0)
