"""`TappedDelays`: all links of a sender share one line of inverters and take its taps."""

from typing import Any, Self

import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import InputError
from devsim.devices.delay.delay_array import ROUNDED_UP, DelayArray
from devsim.devices.memristor.cell import Cell
from devsim.devices.memristor.linear import LinearCell
from devsim.parameter import parameter, state
from devsim.quantise import quantise
from devsim.units import engineering


class TappedDelays(DelayArray):
    """One line for each sender, with taps a share of a period apart; a link takes the tap nearest to its delay.

    Equations: those of `DelayArray`, each of the taps - 1 pieces of a line being trimmed to 1 / (taps f); tap k lies behind
    the first k pieces, so that their errors add up: the variance of a delay grows with its tap. A link takes tap
    Q(taps x asked / period) modulo taps, Q rounding to `tap_step` taps. Between two taps (with a step below one, which
    no line has) delays are interpolated; behind the last tap an exact piece closes the period.
    Source: as `DelayArray`.
    Valid: as `DelayArray`; taps do not load the line. All stages switch, whatever is linked.
    """

    tap: Array = state(
        0.0, unit="1", bounds=(0, None), doc="place on its line that each link is asked for (rows, columns), taps"
    )
    tap_step: Array = parameter(
        1.0,
        unit="1",
        bounds=(0, None),
        stage="program",
        ideal=0.0,
        doc="quantum of the taken places, in taps: 1 for every tap, 2 for every other one",
    )

    @classmethod
    def of(cls, rows: int, columns: int, taps: int = 16, *, stages: int = 1, cell: Cell | None = None, **fields: Any) -> Self:
        """Without links as yet, `stages` from tap to tap; a `cell` must have the shape (stages, rows, taps - 1)."""
        for name, count, low in (("rows", rows, 1), ("columns", columns, 1), ("taps", taps, 2), ("stages", stages, 1)):
            check.whole(name, count, low)
        cell = LinearCell.of((stages, rows, taps - 1)) if cell is None else cell
        return cls.built((rows, columns), cell, **({"tap": jnp.zeros((rows, columns))} | fields))

    def array_shapes(self):
        """Those of `DelayArray`, and the taps."""
        return super().array_shapes() | {"tap": self.shape()}

    def taps(self) -> int:
        """Taps of a line, the one in front of it included."""
        return self.cell.shape()[2] + 1

    def go_together(self):
        """Raise where the pieces of a line cannot be trimmed to their share of a period."""
        if (known := self.known_range()) is None:
            return
        (low, high), frequency = known, float(self.frequency)
        piece = 1 / (self.taps() * frequency)
        if low * (1 - 1e-6) <= piece <= high * (1 + 1e-6):
            return
        slow = piece > high
        bound = (
            f"at least {ROUNDED_UP / (self.taps() * high):.4g}"
            if slow
            else f"at most {1 / (ROUNDED_UP * self.taps() * low):.4g}"
        )
        raise InputError(
            f"`frequency` must be {bound} Hz for these lines, but is {frequency:.4g} Hz: one of {self.taps()} taps is"
            f" {engineering(piece, 's')} and its delay is {engineering(low, 's')} to {engineering(high, 's')}; take"
            + (" more taps or stages, or a larger load_capacitance." if slow else " fewer taps or stages, or a smaller one.")
        )

    def delays(self):
        """Those of the places that the links take, (rows, columns), s."""
        taps, pieces = self.taps(), self.lines()
        closing = jnp.broadcast_to(1 / (taps * self.frequency), (pieces.shape[0], 1)).astype(pieces.dtype)
        along = jnp.cumsum(jnp.concatenate([jnp.zeros_like(closing), pieces, closing], axis=1), axis=1)
        place = jnp.broadcast_to(jnp.mod(quantise(self.tap, self.tap_step), taps), self.shape())
        before = jnp.clip(jnp.floor(place), 0, taps - 1)
        index = before.astype(int)
        low, high = (jnp.take_along_axis(along, index + i, axis=1) for i in (0, 1))
        return low + (place - before) * (high - low)

    def stages_in_use(self):
        """Rows times the stages to the last tap."""
        return jnp.asarray(self.cell.shape()[0] * self.cell.shape()[1] * self.cell.shape()[2])

    def delayed(self, lag, key):
        """Every line trimmed anew, and the places of the links on it."""
        return {"cell": self.written(1 / (self.taps() * self.frequency), key), "tap": self.taps() * lag}
