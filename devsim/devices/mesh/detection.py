"""What detectors make of the waves that leave a mesh: strategies from complex amplitudes to real answers.

Answers are in units of the weights: an input of one is a wave of `power`. Noise within the detectors' `bandwidth` is drawn
anew for every read.
"""

import abc
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim.check import above
from devsim.parameter import parameter
from devsim.part import Part
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE, ROOM_TEMPERATURE
from devsim.ports import ageless


class Detection(Part):
    """Detectors of one make behind every output.

    Equations: photocurrent I; variance (2 q (I + I_dark) + 4 k T / R_load + RIN I^2) bandwidth.
    Source: Saleh, Teich, Fundamentals of Photonics (2nd ed., Wiley, 2007), chapter 18.
    Valid: below saturation, averaged over one over twice the bandwidth.
    """

    pairs: ClassVar[bool] = False
    """True where two meshes are detected against each other."""
    gain: Array = parameter(1.0, unit="1", bounds=above(0), doc="answer per unit of what is detected: gain of the electronics")
    power: Array = parameter(1e-3, unit="W", bounds=above(0), doc="power of the light for an input of one")
    responsivity: Array = parameter(0.9, unit="A/W", bounds=above(0), doc="photocurrent per power of the light")
    bandwidth: Array = parameter(
        0.0, unit="Hz", bounds=(0, None), stage="read", ideal=0.0, doc="bandwidth within which detectors and laser are noisy"
    )
    dark_current: Array = parameter(1e-9, unit="A", bounds=(0, None), doc="dark current of a detector, felt by its shot noise")
    load_resistance: Array = parameter(1e4, unit="ohm", bounds=above(0), doc="resistance whose thermal noise a detector has")
    relative_intensity_noise: Array = parameter(
        0.0, unit="1/Hz", bounds=(0, None), stage="read", ideal=0.0, doc="one-sided density of the laser's relative power"
    )
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of its noise")
    age = ageless

    def ports(self):
        """None: it belongs to an array."""
        return {}

    @abc.abstractmethod
    def answer(self, cores: tuple, inputs: Array) -> Array:
        """Real answers (..., columns) of the mesh or two meshes to real `inputs` (..., rows)."""

    @abc.abstractmethod
    def answer_reverse(self, cores: tuple, inputs: Array) -> Array:
        """The same from the outputs to the inputs."""

    @abc.abstractmethod
    def weights(self, cores: tuple) -> Array:
        """Real weights (rows, columns): what one input at a time gives."""

    def deviation(self, answers: Array) -> Array:
        """Standard deviation of the noise of `answers`, in their unit."""
        unit = self.responsivity * self.power
        lit = unit * jnp.abs(answers) / self.gain
        return self.gain * jnp.sqrt(self._variance(lit, lit)) / unit

    def _variance(self, current: Array, relative: Array) -> Array:
        """A^2 of noise with a total photocurrent `current` (A), of which the laser's noise moves `relative` (A)."""
        shot = 2 * ELEMENTARY_CHARGE * (current + self.dark_current)
        thermal = 4 * BOLTZMANN * self.temperature / self.load_resistance
        return (shot + thermal + self.relative_intensity_noise * relative**2) * self.bandwidth

    def noisy(self, answers: Array, key: Key[Array, ""]) -> Array:
        """`answers` with the noise of one read."""
        return answers + self.deviation(answers) * jax.random.normal(key, answers.shape, answers.dtype)


def _square(wave: Array) -> Array:
    return jnp.real(wave) ** 2 + jnp.imag(wave) ** 2


class Intensity(Detection):
    """Photodiodes on coherent light: the power where all inputs interfere, not linear in the inputs.

    Equations: y_i = gain |sum_j U_ij x_j|^2, x_j an amplitude.
    Source: Shen et al., Nat. Photonics 11, 441 (2017).
    Valid: one laser for all inputs, in phase. `weights` are gain |U|^2, what one input at a time gives.
    """

    def answer(self, cores, inputs):
        """Interfere, then square."""
        return self.gain * _square(cores[0].answer(inputs))

    def answer_reverse(self, cores, inputs):
        """From the other side."""
        return self.gain * _square(cores[0].answer_reverse(inputs))

    def weights(self, cores):
        """Powers of the matrix."""
        return self.gain * _square(cores[0].weights())


class Incoherent(Detection):
    """Photodiodes on light of another wavelength for each input: powers add, weights are positive.

    Equations: y_i = gain sum_j |U_ij|^2 x_j, x_j a power.
    Source: Tait et al., Sci. Rep. 7, 7430 (2017), for weighting by wavelength.
    Valid: wavelengths further apart than the detectors are fast, near enough for one set of phases.
    """

    def answer(self, cores, inputs):
        """Sum of powers."""
        return inputs @ self.weights(cores)

    def answer_reverse(self, cores, inputs):
        """From the other side."""
        return inputs @ self.weights(cores).T

    def weights(self, cores):
        """Powers of the matrix."""
        return self.gain * _square(cores[0].weights())


class Homodyne(Detection):
    """Balanced detectors with a local oscillator: the real part of the amplitude.

    Equations: y_i = gain Re sum_j U_ij x_j; the photocurrent is 2 R (P_local P)^0.5 y / gain, its shot noise that of P_local;
    intensity noise acts on the signal only.
    Source: Yuen, Chan, Opt. Lett. 8, 177 (1983); Hamerly et al., Phys. Rev. X 9, 021032 (2019).
    Valid: a local oscillator much brighter than the signal and locked to its phase.
    """

    local_oscillator: Array = parameter(1e-2, unit="W", bounds=above(0), doc="power of the local oscillator")

    def answer(self, cores, inputs):
        """The quadrature in phase with the local oscillator."""
        return self.gain * jnp.real(cores[0].answer(inputs))

    def answer_reverse(self, cores, inputs):
        """From the other side."""
        return self.gain * jnp.real(cores[0].answer_reverse(inputs))

    def weights(self, cores):
        """The real part of the matrix."""
        return self.gain * jnp.real(cores[0].weights())

    def deviation(self, answers):
        """That of a current beside a strong steady one."""
        unit = 2 * self.responsivity * jnp.sqrt(self.local_oscillator * self.power)
        local = self.responsivity * self.local_oscillator
        variance = self._variance(jnp.broadcast_to(local, answers.shape), unit * jnp.abs(answers) / self.gain / 2)
        return self.gain * jnp.sqrt(variance) / unit


class Balanced(Detection):
    """Two meshes whose powers are subtracted: signed weights from incoherent light.

    Equations: y_i = gain sum_j (|U_ij|^2 - |V_ij|^2) x_j, x_j a power shared by both meshes.
    Source: balanced photodetection as in Tait et al., Sci. Rep. 7, 7430 (2017).
    Valid: as `Incoherent`; the two photodiodes are alike. Noise is that of both photocurrents.
    """

    pairs = True

    def answer(self, cores, inputs):
        """Sum of powers, then the difference."""
        return inputs @ self.weights(cores)

    def answer_reverse(self, cores, inputs):
        """From the other side."""
        return inputs @ self.weights(cores).T

    def weights(self, cores):
        """Powers of one matrix less those of the other."""
        return self.gain * (_square(cores[0].weights()) - _square(cores[1].weights()))

    def deviation(self, answers):
        """At least that of the currents' difference; the sum is not known from it, so a full input's light is taken."""
        unit = self.responsivity * self.power
        both = unit * jnp.maximum(jnp.abs(answers) / self.gain, 1.0)
        return self.gain * jnp.sqrt(self._variance(both, unit * jnp.abs(answers) / self.gain)) / unit
