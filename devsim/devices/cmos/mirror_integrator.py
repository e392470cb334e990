"""`MirrorIntegrator`: a synapse of a current mirror with a capacitor at its gates."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.devices.cmos.log_domain import current_of, log_of
from devsim.parameter import deviation, parameter
from devsim.ports import Balance, Noise, Unknown, spikes_in
from devsim.smooth import mean_exponential


class MirrorIntegrator(CurrentMode):
    """Current-mirror integrators: pulses of current in, a current out that decays as a hyperbola; a pin or a bus.

    Equations, with v = ln I and the mirror's gain A: (C U_T / kappa) dv/dt = I_in + pulses I_w - (I - I_0) / A.
      Decay: I(t) = I / (1 + t / t_I), t_I = A C U_T / (kappa I), down to the off current I_0; steady state A I_in + I_0;
      under a constant current 1/I relaxes exponentially, with C U_T / (kappa (I_in + I_0 / A)).
      Noise: 2 q of the current that charges the capacitor and of I / A.
    Source: Boahen, Neuromorphic Systems Engineering (Kluwer, 1998), chapter 11; Analog Integr. Circuits Signal Process. 13, 53
    (1997); compared with others: Bartolozzi and Indiveri, Neural Comput. 19, 2581 (2007).
    Valid: weak inversion, saturated transistors; a pulse fills the end of the step in which it comes, which must be longer; of
    several in one step the currents add.
    """

    biases = ("weight_current",)

    weight_current: Array = parameter(1e-9, unit="A", bounds=above(0), doc="I_w during a pulse, a number or shape (n,)")
    mirror_gain: Array = parameter(
        10.0, unit="1", bounds=above(0), doc="A, exp of the diode's source potential over U_T times the ratio of W/L"
    )
    capacitance: Array = parameter(1.5e-12, unit="F", bounds=above(0), doc="capacitance C")
    capacitance_spread: Array = deviation("capacitance", "1", "lognormal")
    pulse_width: Array = parameter(10e-6, unit="s", bounds=above(0), doc="length T of the pulse that an event makes")

    def ports(self):
        """Events `input`, a current `drive` into it, and `out`."""
        return {"input": spikes_in(self.shape()), "drive": self.current_in(), "out": self.current_out()}

    def rest(self):
        """ln(I / 1 pA), at the off current."""
        return {"log_current": Unknown(self.everywhere(log_of(self.technology.off_current())))}

    def charge_unit(self) -> Array:
        """C U_T / kappa (C), which raises ln I by one."""
        return self.capacitance * self.technology.gate_unit()

    def rate(self, log_current: Array, drive: Array) -> Array:
        """d ln I / dt (1/s) under a continuous current `drive` (A)."""
        leak = (current_of(log_current) - self.technology.off_current()) / self.mirror_gain
        return (drive - leak) / self.charge_unit()

    def dose(self, events: Array) -> Array:
        """By how much the pulses of `events` raise ln I, but for what leaks meanwhile."""
        return events * self.bias("weight_current") * self.pulse_width / self.charge_unit()

    def struck(self, log_current: Array, dose: Array) -> Array:
        """The state after a `dose` within the last `pulse_width` of a step, which the state has leaked through already."""
        leaked = self.pulse_width * current_of(log_current) / (self.mirror_gain * self.charge_unit())
        return log_current - jnp.log(jnp.exp(-dose) + leaked * (mean_exponential(-dose) - jnp.exp(-dose)))

    def advance(self, log_current: Array, seconds: Array, drive: Array) -> Array:
        """The state after `seconds` under a constant current `drive` (A, at least 0), exactly."""
        speed = seconds / (self.mirror_gain * self.charge_unit())
        times = speed * (self.mirror_gain * drive + self.technology.off_current())
        return log_current - jnp.log(jnp.exp(-times) + speed * current_of(log_current) * mean_exponential(-times))

    def relaxed(self, log_current: Array, seconds: Array) -> Array:
        """The state after `seconds` without input, exactly."""
        return self.advance(log_current, seconds, 0.0)

    def balance(self, t, p, x):
        """The charge on the capacitor, as the logarithm of the current that it commands."""
        v = x["log_current"]
        static = {"out": self.sent(self.everywhere(current_of(v))), "log_current": -self.rate(v, p["drive"])}
        return Balance(static | self.held("drive"), {"log_current": v})

    def jump(self, t, p, x):
        """Every event brings its pulse."""
        return {"log_current": self.struck(x["log_current"], self.dose(p["input"]))}

    def noise(self, p, x):
        """Shot noise of the currents that charge and discharge the capacitor, as a rate of ln I."""
        off = self.technology.off_current() / self.mirror_gain
        through = jnp.maximum(p["drive"], 0.0) + off + current_of(x["log_current"]) / self.mirror_gain
        density = self.technology.rate_noise(self.technology.shot_noise(through), self.capacitance)
        return {"shot": Noise(self.everywhere(density), ("log_current",))}
