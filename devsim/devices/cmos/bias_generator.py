"""`BiasGenerator`: bias currents from one reference through a coarse and a fine splitter."""

from typing import Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.check import InputError, above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.parameter import as_leaf, parameter, state
from devsim.ports import Balance, Noise, no_memory
from devsim.quantise import round_through
from devsim.randomness import named_key

RANGES, BITS = 6, 8
CODES = 2**BITS


class BiasGenerator(CurrentMode):
    """Programmable bias currents: a chain of splitters makes coarse ranges, a binary splitter takes a fine share of one.

    Equations: I = I_max r^(range - 5) exp(kappa d_range / U_T) sum_k b_k 2^(k - 8) exp(kappa d_k / U_T) + I_0, b_k the bits of
      the fine code, d the threshold errors of the transistors that split, one of each range (shared by all lanes) and one of
      each bit. Their departure from a straight line is largest where a carry exchanges all lower bits for one higher, and there
      the current can fall with the code.
    Source: Delbruck, Berner, Lichtsteiner and Dualibe, IEEE ISCAS (2010), 1647 (32-bit configurable bias currents).
    Valid: weak inversion; without the settling of the outputs.

    Raises InputError for codes that are not whole or outside of 0 to 5 and 0 to 255.
    """

    between = CurrentMode.between | {"bit_shift", "range_shift"}

    coarse: Array = parameter(3.0, unit="1", bounds=(0, RANGES - 1), doc="range, 0 (the lowest) to 5, a number or shape (n,)")
    fine: Array = parameter(128.0, unit="1", bounds=(0, CODES - 1), doc="fine code, 0 to 255, a number or shape (n,)")
    largest_current: Array = parameter(2.28e-6, unit="A", bounds=above(0), doc="I_max, full scale of the highest range")
    range_ratio: Array = parameter(8.0, unit="1", bounds=above(1), doc="r, from one range to the next")
    bit_shift: Array = state(0.0, unit="V", stage="fabricate", doc="threshold errors of the bits, (8, *lanes)")
    range_shift: Array = state(0.0, unit="V", stage="fabricate", doc="threshold errors of the ranges, (6,)")

    @classmethod
    def of(cls, currents: Array, **fields) -> Self:
        """A generator set to the nearest nominal `currents` (A), a number or shape (n,)."""
        currents = jnp.asarray(currents)
        start = {"coarse": jnp.zeros(currents.shape), "fine": jnp.zeros(currents.shape)}
        return cls(**(start | fields)).set_to(currents)

    def __check_init__(self):
        for name in ("coarse", "fine"):
            value = getattr(self, name)
            if check.is_concrete(value) and (np.asarray(value) % 1).any():
                raise InputError(
                    f"`{name}` must hold whole codes, but one is {np.asarray(value)[np.asarray(value) % 1 != 0].flat[0]:g}."
                )

    def ports(self):
        """The bias currents `out`."""
        return {"out": self.current_out()}

    def fabricate(self, key):
        """One physical die: every splitter is drawn."""
        die, technology = super().fabricate(key), self.technology
        bits = technology.drawn_shifts((BITS, *self.shape()), named_key(key, "bit_shift"))
        ranges = technology.drawn_shifts((RANGES,), named_key(key, "range_shift"))
        return die.put(bit_shift=self.bit_shift + bits, range_shift=self.range_shift + ranges)

    def ideal(self):
        """Without imperfections, those that are drawn included."""
        return super().ideal().put(bit_shift=jnp.zeros(()), range_shift=jnp.zeros(()))

    def currents(self) -> Array:
        """The currents (A) of this die, at its temperature, supply and age."""
        nominal = self.largest_current * self.range_ratio ** (self.coarse - (RANGES - 1)) * self._share(self.fine)
        shift = jnp.broadcast_to(self.range_shift, (RANGES,))[jnp.round(self.coarse).astype(int)]
        on = nominal > 0
        return jnp.where(on, self.technology.bias(jnp.where(on, nominal, 1.0), shift), 0.0) + self.technology.off_current()

    def set_to(self, currents: Array) -> Self:
        """A copy with the codes whose nominal currents are nearest to `currents` (A), in the lowest range that reaches them.

        Raises InputError for a negative current or one above the highest range.
        """
        currents = as_leaf(currents)
        top = self.largest_current * (CODES - 1) / CODES
        check.within("currents", currents, check.Bounds(0), "A")
        check.at_most("currents", currents, "largest_current * 255/256", top, "A")
        full = top * self.range_ratio ** (jnp.arange(RANGES) - (RANGES - 1.0))
        coarse = jnp.sum(currents[..., None] > full[:-1] * (1 + 1e-6), axis=-1)
        fine = jnp.round(currents / full[coarse] * (CODES - 1))
        return self.put(coarse=coarse.astype(full.dtype), fine=jnp.minimum(fine, CODES - 1.0))

    def _share(self, fine: Array) -> Array:
        """The share that the bits of a fine code take; its derivative with respect to the code is that of a straight line."""
        code = jnp.round(fine).astype(int)
        places = jnp.arange(BITS).reshape(BITS, *(1,) * code.ndim)
        bits = (code >> places) & 1
        technology = self.technology
        shift = jnp.broadcast_to(self.bit_shift, (BITS, *self.shape())) if jnp.ndim(self.bit_shift) else self.bit_shift
        size = 2.0 ** (places - BITS) * jnp.exp(-shift / technology.gate_unit())
        return jnp.sum(bits * size, axis=0) + (round_through(fine) - jnp.round(fine)) / CODES

    def balance(self, t, p, x):
        """The currents flow out."""
        return Balance({"out": self.sent(self.currents())})

    rest = no_memory

    def noise(self, p, x):
        """Shot noise of what flows out."""
        if self.domain == "signal":
            return {}
        return {"shot": Noise(self.technology.shot_noise(jnp.broadcast_to(self.currents(), self.shape())), ("out",))}
