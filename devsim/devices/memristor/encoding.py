"""How signed weights become positive conductances, and column currents become weighted sums again."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.check import InputError


class Encoding(eqx.Module):
    """A static strategy: weights (rows, columns) times a scale (S per unit weight) become cells (rows, wires)."""

    @abc.abstractmethod
    def wires(self, columns: int) -> int:
        """Physical bit lines that `columns` weights need."""

    @abc.abstractmethod
    def columns(self, wires: int) -> int:
        """The inverse of `wires`."""

    @abc.abstractmethod
    def reference(self, columns: int) -> int | None:
        """Width of the reference bus: `columns`, 1, or None where there is none."""

    @abc.abstractmethod
    def scale(self, largest: Array, low: Array, high: Array) -> Array:
        """Conductance per unit weight (S) at which `largest` fills the range from `low` to `high` (S)."""

    @abc.abstractmethod
    def encode(self, weights: Array, scale: Array, low: Array, high: Array) -> Array:
        """Target conductances (rows, wires), S."""

    @abc.abstractmethod
    def step(self, change: Array, stored: Array, low: Array) -> Array:
        """What every cell (rows, wires) should move, S, to `change` the weights, of which cells hold `stored` (S)."""

    @abc.abstractmethod
    def split(self, wires: Array) -> tuple[Array, Array | None]:
        """The last axis taken apart into (columns, reference)."""

    @abc.abstractmethod
    def join(self, columns: Array, reference: Array | None) -> Array:
        """The inverse of `split`."""

    @abc.abstractmethod
    def offset(self, low: Array) -> Array:
        """Conductance (S) that every weight carries beyond its own and that the arithmetic behind it takes off."""

    def difference(self, wires: Array) -> Array:
        """Column less reference along the last axis."""
        columns, reference = self.split(wires)
        return columns if reference is None else columns - reference

    def spread(self, values: Array) -> Array:
        """The transpose of `difference`: what drives every wire when the columns are driven with `values`."""
        reference = self.reference(values.shape[-1])
        if reference is None:
            return values
        back = -values if reference > 1 or values.shape[-1] == 1 else -jnp.sum(values, axis=-1, keepdims=True)
        return self.join(values, back)

    def check(self, weights: Array) -> None:
        """Raise where concrete weights cannot be encoded."""


class DifferentialPairs(Encoding):
    """Two cells a weight, side by side: w = (g_plus - g_minus) / scale, one of them at the low end."""

    def wires(self, columns):
        """Twice the columns."""
        return 2 * columns

    def columns(self, wires):
        """Half of the wires."""
        return wires // 2

    def reference(self, columns):
        """One reference line per column."""
        return columns

    def scale(self, largest, low, high):
        """The whole range for one sign."""
        return (high - low) / largest

    def encode(self, weights, scale, low, high):
        """low + scale max(+-w, 0)."""
        return self.join(low + scale * jnp.maximum(weights, 0), low + scale * jnp.maximum(-weights, 0))

    def step(self, change, stored, low):
        """The opposite cell gives as much as it holds above the low end, the weight's own cell gains the rest."""
        plus, minus = self.split(stored)
        up, down = jnp.maximum(change, 0), jnp.maximum(-change, 0)
        from_minus = jnp.minimum(up, jnp.maximum(minus - low, 0))
        from_plus = jnp.minimum(down, jnp.maximum(plus - low, 0))
        return self.join(up - from_minus - from_plus, down - from_plus - from_minus)

    def split(self, wires):
        """Even lines, odd lines."""
        return wires[..., 0::2], wires[..., 1::2]

    def join(self, columns, reference):
        """Interleave."""
        return jnp.stack([columns, reference], axis=-1).reshape(*columns.shape[:-1], -1)

    def offset(self, low):
        """None: it cancels."""
        return jnp.zeros_like(low)


class OffsetColumn(Encoding):
    """One cell a weight and one column of mid-range cells for all: w = (g - g_middle) / scale."""

    def wires(self, columns):
        """One more than the columns."""
        return columns + 1

    def columns(self, wires):
        """One less than the wires."""
        return wires - 1

    def reference(self, columns):
        """One line for all."""
        return 1

    def scale(self, largest, low, high):
        """Half the range for each sign."""
        return (high - low) / (2 * largest)

    def encode(self, weights, scale, low, high):
        """middle + scale w, and the middle."""
        middle = jnp.broadcast_to((low + high) / 2, (*weights.shape[:-1], 1))
        return self.join(middle + scale * weights, middle)

    def step(self, change, stored, low):
        """The reference stays."""
        return self.join(change, jnp.zeros((*change.shape[:-1], 1), change.dtype))

    def split(self, wires):
        """All but the last line, the last line."""
        return wires[..., :-1], wires[..., -1:]

    def join(self, columns, reference):
        """Append."""
        return jnp.concatenate([columns, reference], axis=-1)

    def offset(self, low):
        """None: it cancels."""
        return jnp.zeros_like(low)


class SingleCells(Encoding):
    """One cell a weight, no reference: weights are not negative, and the low conductance is taken off by arithmetic."""

    def wires(self, columns):
        """As many as columns."""
        return columns

    def columns(self, wires):
        """As many as wires."""
        return wires

    def reference(self, columns):
        """None."""
        return None

    def scale(self, largest, low, high):
        """The whole range."""
        return (high - low) / largest

    def encode(self, weights, scale, low, high):
        """low + scale w."""
        return low + scale * weights

    def step(self, change, stored, low):
        """All of the change."""
        return change

    def split(self, wires):
        """No reference."""
        return wires, None

    def join(self, columns, reference):
        """The columns."""
        return columns

    def offset(self, low):
        """The low conductance."""
        return low

    def check(self, weights):
        """No negative weights."""
        if check.is_concrete(weights) and (np.asarray(weights) < 0).any():
            worst = float(np.asarray(weights).min())
            raise InputError(f"`target` must be at least 0 with single cells, but holds {worst:g}; use `DifferentialPairs()`.")
