"""`AutoOscillator`: amplitude and phase of a spin-torque oscillator."""

from typing import ClassVar, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.devices.magnetic.oscillator import Oscillator, limited
from devsim.devices.magnetic.precession import AutoOscillation
from devsim.parameter import deviation, parameter
from devsim.ports import Balance, Noise, Stated
from devsim.smooth import mean_exponential, root


class AutoOscillator(Oscillator):
    """The auto-oscillator with nonlinear frequency shift: gain from the bias current, damping that grows with power.

    Equations, for the amplitude c = p_0^0.5 u of power p = |c|^2 (p_0: of the nominal bias, where u has magnitude 1):
      dc/dt = i (w + N (p - p_0)) c - [G (1 + Q p) - G zeta (1 - p)] c + feedback + second harmonic + noise,
      zeta = I (1 + bias_error + bias noise) / I_threshold;  p_0 = (zeta - 1) / (zeta + Q);
      amplitudes relax at G (zeta - 1), and nu = N p_0 / (G (zeta - 1)) = N / (G (zeta + Q));
      noise: white in both quadratures of u, each with <f f> = 2 D delta(t), so that the phase of one that runs freely
      diffuses as 2 D (1 + nu^2) t and its line has a full width at half maximum of D (1 + nu^2) / pi.
      Own motion is solved exactly: p is logistic, dp/dt = 2 p (Gamma - b p), Gamma = G (zeta - 1), b = G (zeta + Q), with
      p(t) = p e^(2 Gamma t) / d, d = 1 + (b p / Gamma)(e^(2 Gamma t) - 1), and the integral of p over t is ln(d) / (2 b).
    Source: Slavin and Tiberkevich, IEEE Trans. Magn. 45, 1875 (2009); linewidth: Kim, Tiberkevich and Slavin,
    Phys. Rev. Lett. 100, 017207 (2008).
    Valid: p well below 1; noise that moves the amplitude by far less than itself; with a nonlinear frequency shift, times
    longer than the relaxation of the amplitude.
    """

    draws: ClassVar[int] = 2

    damping_rate: Array = parameter(5e7, unit="1/s", bounds=above(0), doc="damping G of small amplitudes")
    nonlinear_damping: Array = parameter(1.0, unit="1", bounds=above(-1), doc="Q: growth of the damping with the power p")
    nonlinear_shift: Array = parameter(0.0, unit="rad/s", doc="N: change of the angular frequency with the power p")
    threshold_current: Array = parameter(
        50e-6, unit="A", bounds=above(0), doc="current at which gain and damping of small amplitudes are equal"
    )
    bias_error: Array = parameter(
        0.0,
        unit="1",
        bounds=(-1, None),
        stage="fabricate",
        ideal=0.0,
        doc="relative departure of the bias current from nominal",
    )
    bias_spread: Array = deviation("bias_error", "1", each="oscillator")
    bias_noise: Array = parameter(
        0.0, unit="A/Hz^0.5", bounds=(0, None), stage="read", ideal=0.0, doc="one-sided white noise of each bias current"
    )

    @classmethod
    def of_oscillation(cls, oscillation: AutoOscillation, current: Array | float, **fields) -> Self:
        """What `auto_oscillation` found of macrospins, biased with `current` (A), one or shape (n,); `fields` override.

        `frequency` is that of the first at its steady power, the others are detuned from it; `linewidth` is as at the
        macrospins' own temperature.
        """
        check.at_most("threshold_current", oscillation.threshold_current, "current", jnp.asarray(current), "A", strict=True)
        own = oscillation.frequency + oscillation.nonlinear_shift * oscillation.power(jnp.asarray(current)) / (2 * jnp.pi)
        frequency = jnp.ravel(own)[0]
        told = {
            "frequency": frequency,
            "detuning": own / frequency - 1,
            "linewidth": oscillation.linewidth(jnp.asarray(current)),
            "damping_rate": oscillation.damping_rate,
            "nonlinear_damping": oscillation.nonlinear_damping,
            "nonlinear_shift": oscillation.nonlinear_shift,
            "threshold_current": oscillation.threshold_current,
            "bias_current": current,
        }
        return cls(**told | fields)

    def go_together(self):
        """The nominal bias must be above threshold, else there is nothing to oscillate."""
        check.at_most("threshold_current", self.threshold_current, "bias_current", self.bias_current, "A", strict=True)

    def supercriticality(self) -> Array:
        """zeta of the nominal bias, above 1."""
        return self.bias_current / self.threshold_current

    def free_power(self) -> Array:
        """p_0 of the nominal bias."""
        zeta = self.supercriticality()
        return (zeta - 1) / (zeta + self.nonlinear_damping)

    def nonlinear_coefficient(self):
        """N / (G (zeta + Q))."""
        return self.nonlinear_shift / (self.damping_rate * (self.supercriticality() + self.nonlinear_damping))

    def amplitude_rate(self):
        """G (zeta - 1)."""
        return self.damping_rate * (self.supercriticality() - 1)

    def gain(self) -> tuple[Array, Array]:
        """(Gamma, b), 1/s: growth of small amplitudes, and how it falls with p, at the actual bias current."""
        zeta = self.supercriticality() * (1 + self.bias_error)
        return self.damping_rate * (zeta - 1), self.damping_rate * (zeta + self.nonlinear_damping)

    def rest(self):
        """The `envelope` u, at power-up of magnitude 1, and the present fluctuation of the `bias`."""
        envelope = self.quiet_wave()
        start = (envelope.value + jnp.exp(1j * self.initial_phase)).astype(envelope.value.dtype)
        return {"envelope": envelope._replace(value=start), "bias": self.silent()}

    def balance(self, t, p, x):
        """Own motion and what others do, as rates."""
        envelope, power = x["envelope"], self.free_power()
        growth, fall = self.gain()
        square = power * (jnp.real(envelope) ** 2 + jnp.imag(envelope) ** 2)
        noisy = self.damping_rate * self.supercriticality() * (1 - square) * x["bias"]
        own = growth - fall * square + noisy + 1j * (self.detuned() + self.nonlinear_shift * (square - power))
        rate = own * envelope + self.pull(envelope, p["field"])
        return Balance(
            {"sent": self.sent(envelope), "envelope": -rate},
            {"envelope": envelope},
            {"bias": Stated(jnp.zeros_like(x["bias"]))},
        )

    def noise(self, p, x):
        """Thermal noise of both quadratures, and of the bias current relative to itself."""
        return {
            "thermal": Noise(self.everywhere(4 * self.phase_diffusion()), ("envelope",)),
            "bias": Noise(self.everywhere((self.bias_noise / self.bias_current) ** 2), ("bias",)),
        }

    def begin(self, phases):
        """u = e^(i phase)."""
        return jnp.exp(1j * phases)

    def flow(self, state, seconds):
        """The logistic power and the phase that it collects."""
        growth, fall = self.gain()
        power = self.free_power()
        square = power * (jnp.real(state) ** 2 + jnp.imag(state) ** 2)
        ahead = jnp.log1p(2 * seconds * fall * square * mean_exponential(2 * growth * seconds))
        turn = self.detuned() * seconds + self.nonlinear_shift * (ahead / (2 * fall) - power * seconds)
        return state * jnp.exp(growth * seconds - ahead / 2 + 1j * turn)

    def pull(self, state, field):
        """feedback F + pump u*."""
        return self.feedback() * field + self.pump() * jnp.conj(state)

    def kick(self, state, normal, seconds):
        """Along u both noises, across it the thermal one."""
        magnitude = jnp.abs(state)
        along = jnp.where(magnitude > 0, state / jnp.where(magnitude > 0, magnitude, 1.0), 1.0)
        thermal = 2 * self.phase_diffusion() * seconds
        relative = self.bias_noise / self.bias_current * jnp.sqrt(seconds / 2)
        gain = self.damping_rate * self.supercriticality() * (1 - self.free_power() * magnitude**2) * magnitude * relative
        return state + along * jax.lax.complex(root(thermal + gain**2) * normal[0], root(thermal) * normal[1])

    def noisy(self):
        """Thermal noise, or that of the bias."""
        return super().noisy() | jnp.any(self.bias_noise > 0)

    def sent(self, state):
        """The limited envelope."""
        return limited(state, self.limiter_softness)
