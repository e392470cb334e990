"""`EligibilityTrace`: what a synapse remembers of coincidences until it is told what they were worth."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.devices.cmos.log_domain import UNIT, current_of, discharged, log_of
from devsim.parameter import deviation, parameter
from devsim.ports import Balance, Noise, Unknown, spikes_in


class EligibilityTrace(CurrentMode):
    """Log-domain low-pass filters that events of one neuron charge with a current of the other; a pin or a bus.

    Equations, v = ln I, tau = C U_T / (kappa I_tau): tau dv/dt = (I_g / I_tau) I_in / I - (1 - (I_0 / I)^(1/kappa)):
      linear: each event adds (I_g / I_tau) I_in width / tau, which then falls as exp(-t / tau), to the off current I_0.
    Source: the log-domain filter of Frey, IEE Proc. G 140, 406 (1993), as the tau-cell of van Schaik and Jin, Proc. ISCAS
    (2003), p. 293; eligibility: Izhikevich, Cereb. Cortex 17, 2443 (2007).
    Valid: weak inversion; pulses far shorter than tau, whose charge arrives at the end of the step in which they come.
    """

    biases = ("time_constant_current", "gain_current")

    time_constant_current: Array = parameter(2e-12, unit="A", bounds=above(0), doc="I_tau, that discharges the capacitor")
    gain_current: Array = parameter(2e-12, unit="A", bounds=above(0), doc="I_g, that sets the gain I_g / I_tau")
    capacitance: Array = parameter(25e-12, unit="F", bounds=above(0), doc="capacitance C")
    capacitance_spread: Array = deviation("capacitance", "1", "lognormal")
    pulse_width: Array = parameter(100e-6, unit="s", bounds=above(0), doc="length of the pulse that an event makes")

    def ports(self):
        """Events `gate`, the current `input` that they let in, and the current `out`."""
        return {"gate": spikes_in(self.shape()), "input": self.current_in(), "out": self.current_out()}

    def rest(self):
        """ln(I / 1 pA), at the off current."""
        return {"log_current": Unknown(self.everywhere(self.floor()))}

    def floor(self) -> Array:
        """ln(I_0 / 1 pA)."""
        return log_of(self.technology.off_current())

    def time_constant(self) -> Array:
        """tau of this die, s."""
        return self.technology.time_constant(self.capacitance, self.bias("time_constant_current"))

    def struck(self, log_current: Array, current: Array) -> Array:
        """The state after a pulse of `current` (A), zero for none."""
        added = current * self.bias("gain_current") / self.bias("time_constant_current")
        return jnp.log(jnp.exp(log_current) + added * self.pulse_width / (self.time_constant() * UNIT))

    def relaxed(self, log_current: Array, seconds: Array) -> Array:
        """The state after `seconds` without an event, exactly."""
        return discharged(log_current, self.floor(), seconds / self.time_constant(), self.technology.gate_coupling)

    def balance(self, t, p, x):
        """The charge on the capacitor, as the logarithm of the current that it commands."""
        v = x["log_current"]
        leak = -jnp.expm1(-(v - self.floor()) / self.technology.gate_coupling) / self.time_constant()
        return Balance({"out": self.sent(current_of(v)), "log_current": leak} | self.held("input"), {"log_current": v})

    def jump(self, t, p, x):
        """Every event lets its pulse in."""
        return {"log_current": self.struck(x["log_current"], p["gate"] * jnp.maximum(p["input"], 0))}

    def noise(self, p, x):
        """Shot noise of the current that discharges the capacitor, as a rate of ln I."""
        technology = self.technology
        density = technology.rate_noise(technology.shot_noise(self.bias("time_constant_current")), self.capacitance)
        return {"shot": Noise(self.everywhere(density), ("log_current",))}
