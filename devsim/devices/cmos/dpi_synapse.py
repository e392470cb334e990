"""`DPISynapse`: the differential-pair integrator."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import InputError, above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.devices.cmos.log_domain import charged, current_of, discharged, log_of
from devsim.parameter import deviation, parameter, state
from devsim.ports import Balance, Noise, Unknown, spikes_in
from devsim.randomness import named_key


class DPISynapse(CurrentMode):
    """Log-domain synapses: pulses of current in, a current out that decays exponentially; a pin or a bus.

    Equations, exact for saturated transistors, with v = ln I and tau = C U_T / (kappa I_tau):
      tau dv/dt = (I_in + sum of pulses I_w) / (I_tau (1 + I / I_th)) - (1 - (I_0 / I)^(1/kappa))
      Far above I_0: discharge I ~ exp(-t / tau); steady state I = I_th (I_in / I_tau - 1); where I >> I_th, linear with the
      gain I_th / I_tau; charge from I_1 to I_2 < I_ss takes tau (Phi(I_2) - Phi(I_1)),
      Phi(I) = (I_th / I_ss) ln I - (1 + I_th / I_ss) ln(I_ss - I).
      The last bracket is the drain of the transistor that discharges: the current ends at I_0, that of an open switch.
    Source: Bartolozzi and Indiveri, Neural Comput. 19, 2581 (2007); Chicca, Stefanini, Bartolozzi and Indiveri, Proc. IEEE
    102, 1367 (2014).
    Valid: weak inversion; pulses far shorter than tau, whose charge arrives at the end of the step in which they come.

    Raises InputError for weights that are no number, row or matrix.
    """

    between = CurrentMode.between | {"weight_current", "weight_shift"}
    biases = ("time_constant_current", "gain_current")

    weight_current: Array = parameter(
        50e-12,
        unit="A",
        bounds=(0, None),
        doc="I_w during a pulse: a number, shape (n,) lane by lane, or (before, after) from every lane to every",
    )
    time_constant_current: Array = parameter(10e-12, unit="A", bounds=above(0), doc="I_tau, that discharges the capacitor")
    gain_current: Array = parameter(10e-12, unit="A", bounds=above(0), doc="I_th, that sets the gain I_th / I_tau")
    capacitance: Array = parameter(1.5e-12, unit="F", bounds=above(0), doc="capacitance C")
    capacitance_spread: Array = deviation("capacitance", "1", "lognormal")
    pulse_width: Array = parameter(10e-6, unit="s", bounds=above(0), doc="length of the pulse that an event makes")
    weight_shift: Array = state(
        0.0, unit="V", stage="fabricate", doc="threshold errors of the weights' mirrors, as the weights"
    )

    def check_shapes(self):
        """Raise where the columns of the weights are not the lanes of the other parameters."""
        weights = jnp.shape(self.weight_current)
        if len(weights) > 2:
            raise InputError(f"`weight_current` must be a number, a row or a matrix, but has shape {weights}.")
        if check.broadcast(super().shape(), weights[-1:]) is None:
            raise InputError(
                f"`weight_current` must have a column for each of the lanes {super().shape()} of the other parameters, but has"
                f" shape {weights}."
            )

    def shape(self):
        """`()` for one lane, `(after,)` for the columns of the weights."""
        return jnp.broadcast_shapes(super().shape(), self.weight_current.shape[-1:])

    def ports(self):
        """Events `input`, a current `drive` into it, and `out`."""
        before = self.weight_current.shape[:1] if self.weight_current.ndim == 2 else self.shape()
        return {"input": spikes_in(before), "drive": self.current_in(), "out": self.current_out()}

    def fabricate(self, key):
        """One physical die: every capacitor, bias and weight is drawn."""
        die = super().fabricate(key)
        weights = self.weight_current
        wide = weights if weights.ndim == 2 else self.everywhere(weights)
        shift = self.technology.drawn_shifts(wide.shape, named_key(key, "weight_shift"))
        return die.put(weight_current=wide, weight_shift=self.weight_shift + shift)

    def ideal(self):
        """Without imperfections, those that are drawn included."""
        return super().ideal().put(weight_shift=jnp.zeros(()))

    def rest(self):
        """ln(I / 1 pA), at the off current."""
        off = jnp.broadcast_to(log_of(self.technology.off_current()), self.shape())
        return {"log_current": Unknown(off)}

    def time_constant(self) -> Array:
        """tau of this die, s."""
        return self.technology.time_constant(self.capacitance, self.bias("time_constant_current"))

    def rate(self, log_current: Array, drive: Array) -> Array:
        """d ln I / dt (1/s) under a continuous current `drive` (A)."""
        technology = self.technology
        current, gain = current_of(log_current), self.bias("gain_current")
        charge = drive / (self.bias("time_constant_current") * (1 + current / gain))
        leak = 1 - (technology.off_current() / current) ** (1 / technology.gate_coupling)
        return (charge - leak) / self.time_constant()

    def dose(self, events: Array) -> Array:
        """What the pulses of `events` (..., before) bring, as `charged` counts it."""
        weights = self.technology.bias(self.weight_current, self.weight_shift)
        total = events @ weights if weights.ndim == 2 else events * weights
        return total * self.pulse_width / (self.bias("time_constant_current") * self.time_constant())

    def struck(self, log_current: Array, dose: Array) -> Array:
        """The state after a `dose`."""
        gain = log_of(self.bias("gain_current"))
        return charged(log_current - gain, dose) + gain

    def relaxed(self, log_current: Array, seconds: Array) -> Array:
        """The state after `seconds` without input, exactly."""
        technology = self.technology
        floor = log_of(technology.off_current())
        return discharged(log_current, floor, seconds / self.time_constant(), technology.gate_coupling)

    def balance(self, t, p, x):
        """The charge on the capacitor, as the logarithm of the current that it commands."""
        v = x["log_current"]
        static = {"out": self.sent(current_of(v)), "log_current": -self.rate(v, p["drive"])}
        return Balance(static | self.held("drive"), {"log_current": v})

    def jump(self, t, p, x):
        """Every event brings its pulse."""
        return {"log_current": self.struck(x["log_current"], self.dose(p["input"]))}

    def noise(self, p, x):
        """Shot noise of what charges and discharges the capacitor, flicker noise of the latter, as rates of ln I."""
        technology, current = self.technology, current_of(x["log_current"])
        leak = self.bias("time_constant_current")
        through = leak + p["drive"] / (1 + current / self.bias("gain_current"))
        rate = lambda density: self.everywhere(technology.rate_noise(density, self.capacitance))
        return {
            "shot": Noise(rate(technology.shot_noise(through)), ("log_current",)),
            "flicker": Noise(rate(technology.flicker_noise(leak)), ("log_current",), "flicker", 1.0),
        }
