"""`Latch`: the amplifier that makes a weight on a capacitor bistable."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.devices.cmos.rails import approached
from devsim.parameter import parameter
from devsim.ports import Balance, Noise, no_memory, signal_in
from devsim.randomness import named_key


class Latch(CurrentMode):
    """Transconductance amplifiers in positive feedback around a capacitor, which they draw to the nearer rail; a pin or a bus.

    Equations: I = s I_b tanh(kappa (V - V_th + offset) / (2 U_T)), s the strength, which switches it off at zero.
      Alone on a capacitor C: sinh(x) grows as exp(t / tau), x = kappa (V - V_th + offset) / (2 U_T), tau = 2 C U_T / (kappa s
      I_b), until V meets a rail. Far from V_th the voltage moves by s I_b / C.
    Source: Indiveri, Chicca and Douglas, IEEE Trans. Neural Netw. 17, 211 (2006); Mead, Analog VLSI and Neural Systems
    (Addison-Wesley, 1989), chapter 5.
    Valid: weak inversion, every transistor saturated; the offset is normal, its standard deviation A_VT / (W L)^0.5.
    """

    biases = ("bias_current",)

    bias_current: Array = parameter(1e-12, unit="A", bounds=above(0), doc="I_b of the amplifier")
    strength: Array = parameter(1.0, unit="1", bounds=(0, None), doc="s, share of I_b that acts: 0 for no bistability")
    threshold: Array = parameter(0.9, unit="V", bounds=(0, None), doc="V_th, that parts the two basins")
    offset: Array = parameter(
        0.0, unit="V", stage="fabricate", ideal=0.0, doc="potential that mismatch adds to V, drawn by the technology"
    )
    rest = no_memory

    def ports(self):
        """The `weight` as a signal in volts, and the current `out` into its capacitor."""
        return {"weight": signal_in(self.shape()), "out": self.current_out()}

    def fabricate(self, key):
        """One physical die: mirrors and offsets are drawn."""
        drawn = self.technology.drawn_shifts(self.shape(), named_key(key, "offset"))
        return super().fabricate(key).put(offset=self.offset + drawn)

    def unit(self) -> Array:
        """2 U_T / kappa, V."""
        return 2 * self.technology.thermal_voltage() / self.technology.gate_coupling

    def above(self, voltage: Array) -> Array:
        """How far a `voltage` (V) counts as above the threshold, V."""
        return voltage - self.threshold + self.offset

    def current(self, voltage: Array) -> Array:
        """I (A) at a `voltage` (V)."""
        return self.strength * self.bias("bias_current") * jnp.tanh(self.above(voltage) / self.unit())

    def high(self, voltage: Array) -> Array:
        """The share of its tail current that is on the side of the upper rail: one half at the threshold."""
        return jax.nn.sigmoid(2 * self.above(voltage) / self.unit())

    def moved(self, voltage: Array, seconds: Array, capacitance: Array) -> Array:
        """The voltage (V) on a `capacitance` (F) after `seconds`, exactly."""
        times = seconds * self.strength * self.bias("bias_current") / (capacitance * self.unit())
        start = self.above(voltage)
        return jnp.clip(voltage - start + approached(start, self.unit(), -times), 0, self.technology.supply())

    def balance(self, t, p, x):
        """The amplifier's current."""
        return Balance({"out": self.sent(self.current(p["weight"]))})

    def noise(self, p, x):
        """Shot noise of the pair and of the mirror."""
        through = 2 * self.strength * self.bias("bias_current") + self.current(p["weight"])
        return {"shot": Noise(self.everywhere(self.technology.shot_noise(through)), ("out",))}
