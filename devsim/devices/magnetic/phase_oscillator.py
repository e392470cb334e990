"""`PhaseOscillator`: the phase alone of an oscillator whose amplitude relaxes quickly."""

from typing import ClassVar, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.magnetic.auto_oscillator import AutoOscillator
from devsim.devices.magnetic.oscillator import Oscillator
from devsim.parameter import parameter, quantities
from devsim.ports import Balance, Noise
from devsim.smooth import root


class PhaseOscillator(Oscillator):
    """The phase model: an oscillator of constant amplitude, pulled by what others send.

    Equations: with the pull J = feedback F + pump e^(-i phi) on the envelope e^(i phi),
      d phi/dt = own frequency + Im(e^(-i phi) J) + nu Re(e^(-i phi) J) + noise.
      For the field of one other oscillator, ahead by D, and a feedback turned by atan nu: coupling (1 + nu^2)^0.5 sin D,
      Adler's equation; locking while |own frequency| < coupling (1 + nu^2)^0.5 |F|.
      The noise is white and makes the line of one that runs freely a Lorentzian of the `linewidth`.
    Source: Adler, Proc. IRE 34, 351 (1946); Sakaguchi and Kuramoto, Prog. Theor. Phys. 76, 576 (1986); Slavin and Tiberkevich,
    IEEE Trans. Magn. 45, 1875 (2009).
    Valid: pulls far slower than the relaxation of the amplitude, which raise it by little.
    """

    draws: ClassVar[int] = 1

    nonlinearity: Array = parameter(0.0, unit="1", doc="nu, the nonlinear coefficient of the frequency")

    bias_linewidth: Array = parameter(
        0.0, unit="Hz", bounds=(0, None), stage="read", ideal=0.0, doc="what noise that is not thermal adds to the line"
    )

    @classmethod
    def reduced(cls, oscillator: AutoOscillator) -> Self:
        """What is left of `oscillator` when its amplitude follows at once.

        Its bias error becomes a detuning of N dp_0/dzeta zeta bias_error, its bias noise the `bias_linewidth`.
        """
        shared = {name: getattr(oscillator, name) for name in quantities(Oscillator)}
        zeta, growth = oscillator.supercriticality(), oscillator.nonlinear_damping
        slope = oscillator.nonlinear_shift * (1 + growth) * zeta / (zeta + growth) ** 2
        detuning = oscillator.detuning + slope * oscillator.bias_error / (2 * jnp.pi * oscillator.frequency)
        spread = slope * oscillator.bias_spread / (2 * jnp.pi * oscillator.frequency)
        wobble = (slope * oscillator.bias_noise / oscillator.bias_current) ** 2 / (4 * jnp.pi)
        shared["detuning"] = detuning
        shared["frequency_spread"] = jnp.hypot(oscillator.frequency_spread, spread)
        return cls(**shared, nonlinearity=oscillator.nonlinear_coefficient(), bias_linewidth=wobble)

    def nonlinear_coefficient(self):
        """`nonlinearity`."""
        return self.nonlinearity

    def phase_diffusion(self):
        """That of the thermal line, and of what bias noise adds to it."""
        return super().phase_diffusion() + jnp.pi * self.bias_linewidth / (1 + self.nonlinearity**2)

    def amplitude_rate(self):
        """0: the amplitude is constant."""
        return jnp.zeros_like(self.nonlinearity)

    def rest(self):
        """The `phase` in the rotating frame, rad."""
        phase = self.silent()
        return {"phase": phase._replace(value=phase.value + self.initial_phase)}

    def balance(self, t, p, x):
        """Own motion and what others do, as rates."""
        phase = x["phase"]
        rate = self.detuned() + self.pull(phase, p["field"])
        return Balance({"sent": self.sent(phase), "phase": -rate}, {"phase": phase})

    def noise(self, p, x):
        """White frequency noise."""
        density = 4 * self.phase_diffusion() * (1 + self.nonlinearity**2)
        return {"frequency": Noise(self.everywhere(density), ("phase",))}

    def begin(self, phases):
        """The phases themselves."""
        return self.everywhere(jnp.zeros_like(self.detuning)) + phases

    def flow(self, state, seconds):
        """A steady turn."""
        return state + self.detuned() * seconds

    def pull(self, state, field):
        """Im + nu Re of the pull, seen from the envelope."""
        envelope = self.sent(state)
        seen = jnp.conj(envelope) * (self.feedback() * field + self.pump() * jnp.conj(envelope))
        return jnp.imag(seen) + self.nonlinearity * jnp.real(seen)

    def kick(self, state, normal, seconds):
        """A step of the phase's random walk."""
        return state + root(2 * self.phase_diffusion() * (1 + self.nonlinearity**2) * seconds) * normal[0]

    def sent(self, state):
        """e^(i phase): limiting leaves it as it is."""
        return jax.lax.complex(jnp.cos(state), jnp.sin(state))
