"""`LogDomainFilter`: a first-order filter of currents that is linear."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.devices.cmos.log_domain import current_of, log_of, settling
from devsim.parameter import deviation, parameter
from devsim.ports import Balance, Noise, Unknown, spikes_in


class LinearFilter(CurrentMode):
    """What filters share: a loop of transistors whose output is exactly linear in what flows in, above the off current I_0.

    Equations: tau dI/dt = g (I_in + pulses) - (I - I_0): the floor adds to what is steady, whence I - I_0 superposes at any I.
    """

    biases = ("time_constant_current", "gain_current")

    time_constant_current: Array = parameter(10e-12, unit="A", bounds=above(0), doc="I_tau, that discharges the capacitor")
    gain_current: Array = parameter(10e-12, unit="A", bounds=above(0), doc="I_g, that sets the gain I_g / I_tau")
    capacitance: Array = parameter(1.5e-12, unit="F", bounds=above(0), doc="capacitance C")
    capacitance_spread: Array = deviation("capacitance", "1", "lognormal")
    pulse_width: Array = parameter(10e-6, unit="s", bounds=above(0), doc="length T of the pulse that an event makes")

    def rest(self):
        """ln(I / 1 pA), at the off current."""
        return {"log_current": Unknown(self.everywhere(log_of(self.technology.off_current())))}

    def time_constant(self) -> Array:
        """tau of this die, s."""
        return self.technology.time_constant(self.capacitance, self.bias("time_constant_current"))

    def gain(self) -> Array:
        """g of this die."""
        return self.bias("gain_current") / self.bias("time_constant_current")

    def rate(self, log_current: Array, drive: Array) -> Array:
        """d ln I / dt (1/s) under a continuous current `drive` (A)."""
        steady = self.gain() * drive + self.technology.off_current()
        return (steady / current_of(log_current) - 1) / self.time_constant()

    def pulse(self, current: Array) -> Array:
        """What a pulse of `current` (A), zero for none, adds to the output, A."""
        return current * self.gain() * self.pulse_width / self.time_constant()

    def struck(self, log_current: Array, dose: Array) -> Array:
        """The state after a `dose` (A)."""
        return log_current + jnp.log1p(dose / current_of(log_current))

    def advance(self, log_current: Array, seconds: Array, drive: Array) -> Array:
        """The state after `seconds` under a constant current `drive` (A, at least 0), exactly."""
        steady = log_of(self.gain() * drive + self.technology.off_current())
        return settling(log_current, steady, seconds / self.time_constant())

    def relaxed(self, log_current: Array, seconds: Array) -> Array:
        """The state after `seconds` without input, exactly."""
        return self.advance(log_current, seconds, 0.0)

    def filtered(self, log_current: Array, drive: Array) -> Balance:
        """What leaves, and the charge on the capacitor, as the logarithm of the current that it commands."""
        static = {"out": self.sent(current_of(log_current)), "log_current": -self.rate(log_current, drive)}
        return Balance(static, {"log_current": log_current})

    def noises(self, log_current: Array, drive: Array) -> dict[str, Noise]:
        """Shot noise of the currents that charge and discharge the capacitor, as a rate of ln I."""
        steady = self.gain() * jnp.maximum(drive, 0.0) + self.technology.off_current()
        through = self.bias("time_constant_current") * (1 + steady / current_of(log_current))
        density = self.technology.rate_noise(self.technology.shot_noise(through), self.capacitance)
        return {"shot": Noise(self.everywhere(density), ("log_current",))}


class LogDomainFilter(LinearFilter):
    """First-order low-pass filters of currents and of pulses of current, exactly linear; a pin or a bus.

    Equations, with v = ln I, tau = C U_T / (kappa I_tau) and the gain g = I_g / I_tau:
      tau dI/dt = g (I_in + pulses I_w) - (I - I_0), that is tau dv/dt = (g I_in + I_0) / I - 1;
      an event adds g I_w T / tau to I. The floor I_0, the current of an open switch, is what the input never falls below.
      Noise: 2 q of the current that charges the capacitor and of I_tau; in equilibrium the variance of v is kappa q / (C U_T).
    Source: Frey, IEE Proc. G 140, 406 (1993); the Tau-cell: van Schaik and Jin, Proc. IEEE ISCAS 1, 509 (2003).
    Valid: weak inversion, saturated transistors; the sources of those of the loop at their bulks; pulses far shorter than tau,
    whose charge arrives at the end of the step in which they come.
    """

    biases = (*LinearFilter.biases, "weight_current")

    weight_current: Array = parameter(
        1e-9, unit="A", bounds=above(0), doc="I_w during a pulse, a number or shape (n,) for a bus"
    )

    def ports(self):
        """Events `input`, a current `drive` into it, and `out`."""
        return {"input": spikes_in(self.shape()), "drive": self.current_in(), "out": self.current_out()}

    def dose(self, events: Array) -> Array:
        """What the pulses of `events` add to the current, A."""
        return self.pulse(events * self.bias("weight_current"))

    def balance(self, t, p, x):
        """The filter, and the input that holds its net."""
        filtered = self.filtered(x["log_current"], p["drive"])
        return Balance(filtered.static | self.held("drive"), filtered.stored)

    def jump(self, t, p, x):
        """Every event brings its pulse."""
        return {"log_current": self.struck(x["log_current"], self.dose(p["input"]))}

    def noise(self, p, x):
        """Shot noise of the currents that charge and discharge the capacitor."""
        return self.noises(x["log_current"], p["drive"])
