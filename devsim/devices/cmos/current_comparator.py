"""`CurrentComparator`: a current against a threshold current."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.devices.cmos.winner_take_all import steepness, strength
from devsim.parameter import parameter, state
from devsim.ports import Balance, Noise, no_memory, signal_out
from devsim.randomness import named_key


class CurrentComparator(CurrentMode):
    """Two cells that compete, one of them with a threshold current: a current that is I_b above and nothing below; a pin or a
    bus.

    Equations: level = 1 / (1 + (I_th / I)^g), g = kappa V_A / U_T, I_out = I_b level; an input is never below the off current
    I_0, which adds to both. Mismatch multiplies I / I_th by exp(kappa shift / U_T). Noise: 2 q I_out. The derivative is that
    of the equation, at most g / (4 I_th) of the level with respect to I.
    Source: Lazzaro, Ryckebusch, Mahowald and Mead, NIPS 1, 703 (1989), with two cells; as the comparator of a learning
    circuit: Mitra, Fusi and Indiveri, IEEE Trans. Biomed. Circuits Syst. 3, 32 (2009).
    Valid: weak inversion; at once: no dynamics of the cells' nodes.
    """

    between = CurrentMode.between | {"cell_shift"}
    biases = ("threshold_current", "bias_current")

    threshold_current: Array = parameter(100e-12, unit="A", bounds=above(0), doc="I_th, a number or shape (n,) for a bus")
    bias_current: Array = parameter(1e-9, unit="A", bounds=above(0), doc="I_b, what leaves above the threshold")
    early_voltage: Array = parameter(5.0, unit="V", bounds=above(0), doc="V_A of the transistors that compete")
    cell_shift: Array = state(0.0, unit="V", stage="fabricate", doc="threshold errors of the cells, a number or one each")
    rest = no_memory

    def ports(self):
        """A current `input`, the current `out`, and the signal `level` between 0 and 1."""
        return {"input": self.current_in(), "out": self.current_out(), "level": signal_out(self.shape())}

    def fabricate(self, key):
        """One physical die: the two cells and the mirrors of the biases are drawn."""
        drawn = self.technology.drawn_shifts(self.shape(), named_key(key, "cell_shift"))
        return super().fabricate(key).put(cell_shift=self.cell_shift + drawn)

    def ideal(self):
        """Without imperfections, those that are drawn included."""
        return super().ideal().put(cell_shift=jnp.zeros_like(self.cell_shift))

    def level(self, current: Array) -> Array:
        """Between 0 and 1: how much of I_b leaves under an input `current` (A)."""
        excess = strength(self.technology, current, self.cell_shift) - strength(
            self.technology, self.bias("threshold_current"), jnp.zeros(())
        )
        return jax.nn.sigmoid(steepness(self.technology, self.early_voltage) * excess)

    def balance(self, t, p, x):
        """The share of the bias."""
        level = self.everywhere(self.level(p["input"]))
        return Balance({"out": self.sent(self.bias("bias_current") * level), "level": level} | self.held("input"))

    def noise(self, p, x):
        """Shot noise of the output."""
        out = self.bias("bias_current") * self.level(p["input"])
        return {"shot": Noise(self.everywhere(self.technology.shot_noise(out)), ("out",))}
