"""`CurrentWeights`: digital weights that switch binary-weighted currents."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.devices.cmos.technology import Technology
from devsim.devices.synaptic_array import SynapticArray
from devsim.parameter import as_leaf, parameter, state
from devsim.ports import Balance, no_memory, quiet, signal_in, signal_out
from devsim.quantise import round_through
from devsim.randomness import named_key


class CurrentWeights(SynapticArray):
    """Weights (rows, columns) of a few bits and a sign, each of which switches a mirror of 1, 2, 4 ... units of current.

    Equations: w = sign(code) w_max / (2^bits - 1) sum_k b_k I_k / I_unit, b_k the bits of |code|, I_k what becomes of a nominal
      2^k I_unit behind its mirror (`Technology.bias`). A change of less than a step is made with the probability of its share
      of one, so that the mean change is the wanted one.
    Source: the four-bit synapses of Moradi, Qiao, Stefanini and Indiveri, IEEE Trans. Biomed. Circuits Syst. 12, 106 (2018);
    stochastic rounding: Gupta, Agrawal, Gopalakrishnan and Narayanan, ICML (2015).
    Valid: as the mirrors in weak inversion; the derivative of a weight with respect to what was programmed is that of the
    straight line through the steps.
    """

    code: Array = state(unit="1", doc="signed codes (rows, columns), whole numbers")
    technology: Technology = eqx.field(default_factory=Technology)
    largest_weight: Array = parameter(1.0, unit="1", bounds=above(0), doc="w_max, weight of the highest code")
    unit_current: Array = parameter(1e-9, unit="A", bounds=above(0), doc="I_unit, current of the lowest bit")
    mirror_shift: Array = state(0.0, unit="V", stage="fabricate", doc="threshold errors of the mirrors (bits, rows, columns)")
    bits: int = eqx.field(static=True, default=4)
    rest, noise = no_memory, quiet

    @classmethod
    def of(cls, rows: int, columns: int, **fields) -> Self:
        """Nominal weights of zero."""
        return cls(**({"code": jnp.zeros((rows, columns))} | fields))

    def __check_init__(self):
        check.whole("bits", self.bits, 1)
        if jnp.ndim(self.code) < 2:
            raise check.InputError(f"`code` must have rows and columns, but has shape {jnp.shape(self.code)}.")

    def ports(self):
        """`rows` in, `columns` out."""
        rows, columns = self.code.shape[-2:]
        return {"rows": signal_in((rows,)), "columns": signal_out((columns,))}

    def fabricate(self, key):
        """One physical die: every mirror is drawn."""
        shifts = self.technology.drawn_shifts((self.bits, *self.code.shape), named_key(key, "mirror_shift"))
        return self.put(mirror_shift=self.mirror_shift + shifts)

    def ideal(self):
        """Without imperfections, those that are drawn included; the steps stay."""
        return super().ideal().put(mirror_shift=jnp.zeros(()))

    def age(self, seconds, temperature, key):
        """The technology ages."""
        return self.put(technology=self.technology.age(seconds, temperature, key))

    def balance(self, t, p, x):
        """The product."""
        return Balance({"columns": p["rows"] @ self.weights()})

    def weights(self):
        """What the codes switch (rows, columns)."""
        size = jnp.abs(jnp.round(self.code)).astype(int)
        places = jnp.arange(self.bits).reshape(self.bits, *(1,) * size.ndim)
        currents = self.technology.bias(self.unit_current * 2.0**places, self.mirror_shift) / self.unit_current
        switched = jnp.sign(jnp.round(self.code)) * jnp.sum(((size >> places) & 1) * currents, axis=0)
        return (switched + self.code - jax.lax.stop_gradient(self.code)) * self.largest_weight / self.highest()

    def highest(self) -> int:
        """The highest code."""
        return 2**self.bits - 1

    def read(self, inputs, key):
        """inputs @ weights; the key is not used."""
        check.shape("inputs", inputs, self.code.shape[-2:-1], "the array's rows")
        return inputs @ self.weights()

    def read_reverse(self, inputs, key):
        """inputs @ weights.T; the key is not used."""
        check.shape("inputs", inputs, self.code.shape[-1:], "the array's columns")
        return inputs @ self.weights().T

    def program(self, target, key):
        """The nearest codes; beyond the highest weight, that of it. The key is not used."""
        check.finite("target", target)
        check.shape("target", target, self.code.shape, "the array's weights")
        wanted = as_leaf(target) * self.highest() / self.largest_weight
        return self.put(code=jnp.clip(round_through(wanted), -self.highest(), self.highest()))

    def nudge(self, delta, key):
        """Codes that differ by `delta` on average: a fraction of a step is rounded up with its own probability."""
        check.finite("delta", delta)
        check.shape("delta", delta, self.code.shape, "the array's weights")
        wanted = as_leaf(delta) * self.highest() / self.largest_weight
        up = jax.random.uniform(named_key(key, "rounding"), self.code.shape, self.code.dtype) < wanted - jnp.floor(wanted)
        moved = wanted + jax.lax.stop_gradient(jnp.floor(wanted) + up - wanted)
        return self.put(code=jnp.clip(self.code + moved, -self.highest(), self.highest()))
