"""`ThirdFactorGate`: what turns eligibility into a change of the weight."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.parameter import parameter
from devsim.ports import Balance, Noise, Port, no_memory
from devsim.randomness import named_key


class ThirdFactorGate(CurrentMode):
    """Two crossed differential pairs that send eligibility into a weight, the way a third factor says; a pin or a bus.

    Equations: I = (I_b / I_ref) (I_plus - I_minus) tanh(kappa (V + offset) / (2 U_T)): linear for |V| < U_T, and at most the
      whole of the eligibility, in either sense. The offset is normal, its standard deviation A_VT / (W L)^0.5: at V = 0 it
      lets some eligibility by.
      Noise: 2 q of the sum of both currents.
    Source: the multiplier of Gilbert, IEEE J. Solid-State Circuits 3, 365 (1968), in weak inversion: Mead, Analog VLSI and
    Neural Systems (Addison-Wesley, 1989), chapter 6.
    Valid: weak inversion, every transistor saturated; one offset for both pairs.
    """

    biases = ("bias_current", "reference_current")

    bias_current: Array = parameter(1e-12, unit="A", bounds=above(0), doc="I_b, what comes of an eligibility of I_ref at most")
    reference_current: Array = parameter(1e-12, unit="A", bounds=above(0), doc="I_ref, by which the eligibility is divided")
    offset: Array = parameter(
        0.0, unit="V", stage="fabricate", ideal=0.0, doc="potential that mismatch adds to the factor, drawn by the technology"
    )
    rest = no_memory

    def ports(self):
        """The currents `plus` and `minus`, the third `factor` (a potential, or a signal in volts), and the current `out`."""
        factor = Port(self.domain, self.shape())
        return {"plus": self.current_in(), "minus": self.current_in(), "factor": factor, "out": self.current_out()}

    def fabricate(self, key):
        """One physical die: mirrors and offsets are drawn."""
        drawn = self.technology.drawn_shifts(self.shape(), named_key(key, "offset"))
        return super().fabricate(key).put(offset=self.offset + drawn)

    def open(self, factor: Array) -> Array:
        """Which share of the eligibility passes at a third `factor` (V), from -1 to 1."""
        return jnp.tanh((factor + self.offset) / (2 * self.technology.gate_unit()))

    def current(self, plus: Array, minus: Array, factor: Array) -> Array:
        """What comes out (A) of an eligibility `plus` less `minus` (A) at a third `factor` (V)."""
        ratio = self.bias("bias_current") / self.bias("reference_current")
        return ratio * (plus - minus) * self.open(factor)

    def balance(self, t, p, x):
        """The current, the way that the factor says."""
        factor = {} if self.domain == "signal" else {"factor": jnp.zeros(self.shape())}
        out = self.sent(self.current(p["plus"], p["minus"], p["factor"]))
        return Balance({"out": out} | factor | self.held("plus", "minus"))

    def noise(self, p, x):
        """Shot noise of all that passes."""
        ratio = self.bias("bias_current") / self.bias("reference_current")
        through = ratio * (p["plus"] + p["minus"])
        return {"shot": Noise(self.everywhere(self.technology.shot_noise(through)), ("out",))}
