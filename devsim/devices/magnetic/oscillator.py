"""`Oscillator`: what every model of an oscillator near one carrier offers to circuits and networks."""

import abc
from typing import ClassVar, Self

import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.devices.lanes import Lanes
from devsim.parameter import deviation, parameter, state
from devsim.physics import ROOM_TEMPERATURE
from devsim.ports import signal_in, signal_out


class Oscillator(Lanes):
    """A bus of self-sustained oscillators, told in the frame that rotates with their nominal frequency.

    Equations, for the envelope u of one of them (|u| = 1 while it runs freely) and the field F that others exert on it:
      own angular frequency in the frame: 2 pi f (detuning + temperature_coefficient (T - 300 K) + ageing ln(1 + t / t_0));
      feedback: du/dt contains coupling e^(-i (atan nu + feedback_phase_error)) F, F being without unit: the extra delay of
        atan nu turns the pull of an oscillator whose frequency moves with its power back to where the field points;
      second harmonic: du/dt contains second_harmonic e^(-i atan nu) u*, which makes the phases 0 and pi stable;
      what it sends: h(u) = u ((1 + s^2) / (|u|^2 + s^2))^0.5 with the softness s of the amplifier that limits it.
    Source: Slavin and Tiberkevich, IEEE Trans. Magn. 45, 1875 (2009); second harmonic: Wang and Roychowdhury, UCNC 2019,
    LNCS 11493, 232.
    Valid: fields that change slowly beside one period; detuning far below one.

    `flow`, `pull` and `kick` are the pieces of one split step: own motion, what others do, noise. States and phases are
    (..., n).
    """

    between = frozenset({"elapsed"})
    draws: ClassVar[int]
    """Standard normal draws of one kick, for each oscillator."""

    frequency: Array = parameter(
        300e6, unit="Hz", bounds=above(0), doc="nominal free-running frequency at the bias point, that of the rotating frame"
    )
    detuning: Array = parameter(
        0.0,
        unit="1",
        stage="fabricate",
        ideal=0.0,
        doc="departure of the free-running frequency from `frequency`, relative to it, a number or shape (n,)",
    )
    frequency_spread: Array = deviation("detuning", "1", each="oscillator")
    linewidth: Array = parameter(
        1e5,
        unit="Hz",
        bounds=(0, None),
        stage="read",
        ideal=0.0,
        doc="full width at half maximum of the free-running line at 300 K; proportional to the temperature",
    )
    coupling: Array = parameter(1e7, unit="1/s", bounds=(0, None), doc="feedback strength: rate at which a field of one pulls")
    feedback_phase_error: Array = parameter(
        0.0, unit="rad", ideal=0.0, doc="departure of the feedback's extra delay from atan nu, as a phase"
    )
    second_harmonic: Array = parameter(
        0.0, unit="1/s", bounds=(0, None), doc="rate at which a pump at twice the frequency pulls to the phases 0 and pi"
    )
    limiter_softness: Array = parameter(
        0.0,
        unit="1",
        bounds=(0, None),
        ideal=0.0,
        doc="amplitude below which the sending amplifier is linear, over the free-running one",
    )
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=(0, None), stage="read", doc="temperature of the film")
    temperature_coefficient: Array = parameter(
        0.0, unit="1/K", stage="read", ideal=0.0, doc="relative change of frequency for each kelvin away from 300 K"
    )
    temperature_coefficient_spread: Array = deviation("temperature_coefficient", "1/K", each="oscillator")
    ageing: Array = parameter(
        0.0, unit="1", stage="age", ideal=0.0, doc="relative change of frequency for each e-fold of age beyond `ageing_time`"
    )
    ageing_spread: Array = deviation("ageing", "1", each="oscillator")
    ageing_time: Array = parameter(3600.0, unit="s", bounds=above(0), doc="age t_0 after which ageing shows")
    initial_phase: Array = parameter(0.0, unit="rad", doc="phase at power-up, in a transient")
    bias_current: Array = parameter(100e-6, unit="A", bounds=above(0), doc="nominal bias current of each oscillator")
    resistance: Array = parameter(2e3, unit="ohm", bounds=(0, None), doc="resistance in which each bias dissipates")
    amplifier_power: Array = parameter(
        20e-6, unit="W", bounds=(0, None), doc="power of the amplifiers that send and feed back, for each oscillator"
    )
    elapsed: Array = state(0.0, unit="s", bounds=(0, None), stage="age", doc="age since fabrication")

    @classmethod
    def of(cls, count: int, **fields) -> Self:
        """A bus of `count` oscillators."""
        check.whole("count", count, 1)
        return cls(**({"detuning": jnp.zeros(count)} | fields))

    @abc.abstractmethod
    def nonlinear_coefficient(self) -> Array:
        """nu: how far the frequency moves with the power, over the rate at which power relaxes; without unit."""

    @abc.abstractmethod
    def amplitude_rate(self) -> Array:
        """Rate (1/s) at which a small departure of the amplitude relaxes; 0 where there is no amplitude."""

    @abc.abstractmethod
    def begin(self, phases: Array) -> Array:
        """The state of oscillators that run freely at `phases` (..., n), rad."""

    @abc.abstractmethod
    def flow(self, state: Array, seconds: Array) -> Array:
        """The state after `seconds` of its own motion, exactly."""

    @abc.abstractmethod
    def pull(self, state: Array, field: Array) -> Array:
        """Rate of change (1/s) of the state by the `field` (..., n, complex) and the second harmonic."""

    @abc.abstractmethod
    def kick(self, state: Array, normal: Array, seconds: Array) -> Array:
        """The state after the noise of `seconds`, drawn as `normal` (draws, ..., n)."""

    def noisy(self) -> Array:
        """Whether any noise acts at all."""
        return jnp.any(self.phase_diffusion() > 0)

    @abc.abstractmethod
    def sent(self, state: Array) -> Array:
        """What each oscillator sends, complex (..., n)."""

    def ports(self):
        """The `field` that others exert, and what is `sent`, both complex."""
        return {"field": signal_in(self.shape(), is_complex=True), "sent": signal_out(self.shape(), is_complex=True)}

    def detuned(self) -> Array:
        """Own angular frequency in the rotating frame, rad/s."""
        warm = self.temperature_coefficient * (self.temperature - ROOM_TEMPERATURE)
        old = self.ageing * jnp.log1p(self.elapsed / self.ageing_time)
        return 2 * jnp.pi * self.frequency * (self.detuning + warm + old)

    def phase_diffusion(self) -> Array:
        """D (rad^2/s): the variance of the phase of one that runs freely grows as 2 D (1 + nu^2) t = 2 pi linewidth t."""
        line = jnp.pi * self.linewidth * self.temperature / ROOM_TEMPERATURE
        return line / (1 + self.nonlinear_coefficient() ** 2)

    def feedback(self) -> Array:
        """coupling e^(-i (atan nu + error)): what turns a field into a pull on the envelope, 1/s."""
        return self.coupling * jnp.exp(-1j * (jnp.arctan(self.nonlinear_coefficient()) + self.feedback_phase_error))

    def pump(self) -> Array:
        """second_harmonic e^(-i atan nu), 1/s."""
        return self.second_harmonic * jnp.exp(-1j * jnp.arctan(self.nonlinear_coefficient()))

    def longest_step(self, strength: Array | float = 1.0) -> Array:
        """The longest step (s) of a split scheme: 0.05 over the rate of the pulls, (coupling + second_harmonic)
        (1 + nu^2)^0.5, or 0.3 over the amplitude's, whichever is shorter. strength: of the fields that are to be expected.

        Locked phases are then off by less than 3e-4 of the locking range, the square of 0.05 over 8.
        """
        pulls = (self.coupling * strength + self.second_harmonic) * jnp.sqrt(1 + self.nonlinear_coefficient() ** 2)
        fastest = jnp.maximum(jnp.max(pulls) / 0.05, jnp.max(self.amplitude_rate()) / 0.3)
        return 1 / jnp.maximum(fastest, jnp.finfo(fastest.dtype).tiny)

    def power(self) -> dict[str, Array]:
        """What all of them take, W, by name: I^2 R of the `oscillators`, and the `amplifiers`."""
        of_bias = self.everywhere(self.bias_current**2 * self.resistance)
        return {"oscillators": jnp.sum(of_bias), "amplifiers": jnp.sum(self.everywhere(self.amplifier_power))}

    def age(self, seconds, temperature, key):
        """Older: each frequency drifts by its own ageing; the temperature and the key are not used."""
        return self.put(elapsed=self.elapsed + seconds)


def limited(envelope: Array, softness: Array) -> Array:
    """u ((1 + s^2) / (|u|^2 + s^2))^0.5: the phase alone where s = 0, u itself where s is large; 0 for u = 0."""
    square = jnp.real(envelope) ** 2 + jnp.imag(envelope) ** 2 + softness**2
    return envelope * jnp.where(square > 0, jnp.sqrt((1 + softness**2) / jnp.where(square > 0, square, 1.0)), 0.0)
