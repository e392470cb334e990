"""`FacilitationNode` and `ResourceNode`: nodes that a spike discharges and that recover."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.parameter import deviation, parameter
from devsim.ports import Balance, Noise, Unknown, spikes_in


class Recovering(CurrentMode):
    """What both share: a log-domain low-pass filter under a constant input, discharged by pulses; v = ln(I / I_full)."""

    biases = ("time_constant_current", "discharge_current")

    time_constant_current: Array = parameter(5e-12, unit="A", bounds=above(0), doc="I_tau, that sets the time constant")
    discharge_current: Array = parameter(10e-12, unit="A", bounds=above(0), doc="I_d of a pulse that discharges")
    full_current: Array = parameter(1e-9, unit="A", bounds=above(0), doc="I_full, at which the node rests")
    capacitance: Array = parameter(1.5e-12, unit="F", bounds=above(0), doc="capacitance C")
    capacitance_spread: Array = deviation("capacitance", "1", "lognormal")
    pulse_width: Array = parameter(300e-6, unit="s", bounds=above(0), doc="length of the pulse that an event makes")

    def rest(self):
        """ln(I / I_full): nothing was used."""
        return {"log_share": Unknown(self.everywhere(jnp.zeros_like(self.full_current)))}

    def time_constant(self) -> Array:
        """tau of this die, s."""
        return self.technology.time_constant(self.capacitance, self.bias("time_constant_current"))

    def dose(self) -> Array:
        """By how much a whole pulse of I_d lowers ln I."""
        return self.pulse_width / self.technology.time_constant(self.capacitance, self.bias("discharge_current"))

    def relaxed(self, log_share: Array, seconds: Array) -> Array:
        """The state after `seconds` without an event, exactly: I_full - I falls exponentially."""
        return jnp.log1p(jnp.expm1(log_share) * jnp.exp(-seconds / self.time_constant()))

    def rate(self, log_share: Array) -> Array:
        """d ln I / dt, 1/s."""
        return jnp.expm1(-log_share) / self.time_constant()

    def noise(self, p, x):
        """Shot noise of the currents that charge and discharge the capacitor, as a rate of ln I."""
        through = self.bias("time_constant_current") * (1 + jnp.exp(-x["log_share"]))
        density = self.technology.rate_noise(self.technology.shot_noise(through), self.capacitance)
        return {"shot": Noise(self.everywhere(density), ("log_share",))}


class FacilitationNode(Recovering):
    """What a synapse holds back, and the current that grows as it does; a pin or a bus.

    Equations: tau dI/dt = I_full - I, an event multiplies I by exp(-I_d width kappa / (C U_T)): I / I_full = 1 - u of a
      synapse that facilitates, whose u grows by U (1 - u), U = 1 - exp(-I_d width kappa / (C U_T)).
      Out: I_full - m I, m the ratio of a mirror: what an event that comes now finds to release, for m = 1 - U.
    Source: Rasche and Hahnloser, Biol. Cybern. 84, 57 (2001); Boegerhausen, Suter and Liu, Neural Comput. 15, 331 (2003);
    Tsodyks and Markram, PNAS 94, 719 (1997).
    Valid: weak inversion; currents above the off current; pulses far shorter than tau.
    """

    mirror_ratio: Array = parameter(0.5, unit="1", bounds=(0, 1), doc="m, the ratio of the mirror that is subtracted")

    def ports(self):
        """The events `input`, and the current `out`."""
        return {"input": spikes_in(self.shape()), "out": self.current_out()}

    def used(self, log_share: Array) -> Array:
        """The share that an event releases."""
        return 1 - self.mirror_ratio * jnp.exp(log_share)

    def struck(self, log_share: Array, events: Array) -> Array:
        """The state after `events`."""
        return log_share - events * self.dose()

    def balance(self, t, p, x):
        """The recovery, and what an event would find."""
        v = x["log_share"]
        return Balance({"out": self.sent(self.full_current * self.used(v)), "log_share": -self.rate(v)}, {"log_share": v})

    def jump(self, t, p, x):
        """Every event discharges."""
        return {"log_share": self.struck(x["log_share"], p["input"])}


class ResourceNode(Recovering):
    """What a synapse has left to release, discharged by every event as much as it releases; a pin or a bus.

    Equations: tau dI/dt = I_full - I, an event lowers ln I by (I_d width kappa / (C U_T)) (I_release / I_full): by less than
      the factor 1 - u of the rule where u is not that for which I_d was chosen.
    Source: Boegerhausen, Suter and Liu, Neural Comput. 15, 331 (2003); Tsodyks and Markram, PNAS 94, 719 (1997).
    Valid: weak inversion; currents above the off current; pulses far shorter than tau.
    """

    def ports(self):
        """The events `input`, the current `release` that scales their pulses, and the current `out`."""
        return {"input": spikes_in(self.shape()), "release": self.current_in(), "out": self.current_out()}

    def struck(self, log_share: Array, events: Array, used: Array) -> Array:
        """The state after `events` that each use a share `used` of the pulse."""
        return log_share - events * used * self.dose()

    def balance(self, t, p, x):
        """The recovery."""
        v = x["log_share"]
        static = {"out": self.sent(self.full_current * jnp.exp(v)), "log_share": -self.rate(v)}
        return Balance(static | self.held("release"), {"log_share": v})

    def jump(self, t, p, x):
        """Every event discharges by what it releases."""
        return {"log_share": self.struck(x["log_share"], p["input"], p["release"] / self.full_current)}
