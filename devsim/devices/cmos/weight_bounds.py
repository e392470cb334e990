"""`WeightBounds`: currents into a weight that fade as it nears its rails."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.devices.cmos.rails import grown
from devsim.parameter import parameter
from devsim.ports import Balance, Noise, no_memory, signal_in


class WeightBounds(CurrentMode):
    """Two amplifiers of a wide linear range, one drawing a weight to the upper rail and one to the lower; a pin or a bus.

    Equations: I = I_up tanh((V_DD - V) / V_L) - I_down tanh(V / V_L), I_up and I_down their tail currents. Each alone moves
      the voltage of a capacitor C so that sinh((V_DD - V) / V_L) falls as exp(-t I_up / (C V_L)): exponentially where V_L is
      wide, as with the soft bounds of a rule.
    Source: Sarpeshkar, Lyon and Mead, Analog Integr. Circuits Signal Process. 13, 123 (1997): V_L = 1.7 V.
    Valid: weak inversion; mismatch of the tails comes with their currents.
    """

    linear_range: Array = parameter(1.7, unit="V", bounds=above(0), doc="V_L, over which the amplifiers are linear")
    rest = no_memory

    def ports(self):
        """The `weight` as a signal in volts, the tail currents `up` and `down`, and the current `out`."""
        return {
            "weight": signal_in(self.shape()),
            "up": self.current_in(),
            "down": self.current_in(),
            "out": self.current_out(),
        }

    def parts(self, voltage: Array, up: Array, down: Array) -> tuple[Array, Array]:
        """The currents (A) to the upper rail and to the lower."""
        share = lambda distance: jnp.tanh(jnp.maximum(distance, 0) / self.linear_range)
        return up * share(self.technology.supply() - voltage), down * share(voltage)

    def moved(self, voltage: Array, up: Array, down: Array, seconds: Array, capacitance: Array) -> Array:
        """The voltage (V) on a `capacitance` (F) after `seconds` of the upward current, then as many of the downward one."""
        supply, span = self.technology.supply(), self.linear_range
        near = lambda distance, current: span * grown(distance / span, -current * seconds / (capacitance * span))
        return jnp.clip(near(supply - near(supply - voltage, up), down), 0, supply)

    def balance(self, t, p, x):
        """The difference of the two."""
        rise, fall = self.parts(p["weight"], p["up"], p["down"])
        return Balance({"out": self.sent(rise - fall)} | self.held("up", "down"))

    def noise(self, p, x):
        """Shot noise of both amplifiers."""
        return {"shot": Noise(self.everywhere(self.technology.shot_noise(p["up"] + p["down"])), ("out",))}
