"""`BistabilityAmplifier`: what draws a weight on a capacitor to the nearer of its rails."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.devices.cmos.capacitor_weight import CapacitorWeight
from devsim.devices.cmos.rails import grown
from devsim.devices.cmos.transconductor import Amplifier
from devsim.parameter import parameter
from devsim.ports import Balance, signal_in


class BistabilityAmplifier(Amplifier):
    """Transconductance amplifiers in positive feedback around a capacitor, which they draw to the nearer rail; a pin or a bus.

    Equations: I = s I_b tanh(kappa (V - V_th + offset) / (2 U_T)), s the strength, which switches it off at zero.
      Alone on a capacitor C: sinh(x) grows as exp(t / tau), x = kappa (V - V_th + offset) / (2 U_T), tau = 2 C U_T / (kappa s
      I_b), until V meets a rail. Far from V_th the voltage moves by s I_b / C.
      Noise: 2 q (2 s I_b + I) of its four transistors; flicker of the pair.
    Source: Indiveri, Chicca and Douglas, IEEE Trans. Neural Netw. 17, 211 (2006); Fusi, Annunziato, Badoni, Salamon and Amit,
    Neural Comput. 12, 2227 (2000); Mead, Analog VLSI and Neural Systems (Addison-Wesley, 1989), chapter 5.
    Valid: weak inversion, every transistor saturated; the offset is normal, its standard deviation A_VT / (W L)^0.5.

    Raises InputError where one that acts has its threshold at or above the upper rail.
    """

    bias_current: Array = parameter(1e-12, unit="A", bounds=above(0), doc="I_b, a number or shape (n,) for a bus")
    strength: Array = parameter(1.0, unit="1", bounds=(0, None), doc="s, share of I_b that acts: 0 for no bistability")
    threshold: Array = parameter(0.9, unit="V", bounds=(0, None), doc="V_th, that parts the two basins")

    def go_together(self):
        """Raise where the threshold is no potential between the rails."""
        acting = jnp.where(self.strength > 0, self.threshold, 0.0)
        check.at_most("threshold", acting, "technology.supply_voltage", self.technology.supply_voltage, "V", strict=True)

    def ports(self):
        """The `weight` as a signal in volts, and the current `out` into its capacitor."""
        return {"weight": signal_in(self.shape()), "out": self.current_out()}

    def tail(self) -> Array:
        """s I_b, A."""
        return self.strength * self.bias("bias_current")

    def unit(self) -> Array:
        """2 U_T / kappa, V."""
        return 2 * self.technology.gate_unit()

    def above(self, voltage: Array) -> Array:
        """kappa (V - V_th + offset) / U_T of a `voltage` (V)."""
        return self.tilt({"plus": voltage, "minus": self.threshold})

    def current(self, voltage: Array) -> Array:
        """I (A) at a `voltage` (V)."""
        return self.amplified(self.above(voltage))

    def high(self, voltage: Array) -> Array:
        """The share of its tail current that is on the side of the upper rail: one half at the threshold."""
        return jax.nn.sigmoid(self.above(voltage))

    def time_on(self, capacitance: Array) -> Array:
        """tau (s) on a `capacitance` (F), in which a small distance from the threshold grows by e; infinite if switched off."""
        return self.unit() * capacitance / self.tail()

    def moved(self, voltage: Array, seconds: Array, capacitance: Array) -> Array:
        """The voltage (V) on a `capacitance` (F) after `seconds`, exactly."""
        times = seconds * self.tail() / (capacitance * self.unit())
        x = self.above(voltage) / 2
        return jnp.clip(voltage + (grown(x, times) - x) * self.unit(), 0, self.technology.supply())

    def relaxed(self, voltage: Array, seconds: Array, weight: CapacitorWeight) -> Array:
        """The voltage (V) of a leaky `weight` after `seconds`: the leakage is taken by halves at both ends, of second order."""
        moved = self.moved(weight.leaked(voltage, seconds / 2), seconds, weight.capacitance)
        return weight.leaked(moved, seconds / 2)

    def balance(self, t, p, x):
        """The amplifier's current."""
        return Balance({"out": self.sent(self.current(p["weight"]))})

    def noise(self, p, x):
        """Shot noise of four transistors and flicker noise of two."""
        return self.noises(self.above(p["weight"]))
