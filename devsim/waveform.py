"""Waveforms: what a source does in time. A waveform is called with the time (s) and answers with its value there.

The value is in the unit of the source that it drives. Every field of a value may be an array: a bus of waveforms.
"""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.check import InputError, above
from devsim.parameter import parameter
from devsim.part import Part
from devsim.ports import ageless

MANY = 64
"""Number of points from which a point is searched by halving."""


class Waveform(Part):
    """A value as a function of time, whose parameters are leaves that can be swept and fitted; `a + b` is their sum."""

    age = ageless

    @abc.abstractmethod
    def __call__(self, t: Array | float) -> Array:
        """The value at time `t` (s)."""

    def ports(self):
        """None: a waveform is a property of a source."""
        return {}

    def __add__(self, other: "Waveform") -> "Sum":
        return Sum(self, other) if isinstance(other, Waveform) else NotImplemented


class Sum(Waveform):
    """The sum of two waveforms."""

    first: Waveform
    second: Waveform

    def __call__(self, t):
        """first(t) + second(t)."""
        return self.first(t) + self.second(t)


class Phasor(Waveform):
    """A complex envelope of given amplitude and phase, for an optical input: amplitude(t) exp(i phase(t)).

    amplitude: W^0.5. phase: rad; between samples of it the light turns and keeps its power.
    """

    amplitude: Waveform
    phase: Waveform

    def __call__(self, t):
        """amplitude(t) exp(i phase(t))."""
        return self.amplitude(t) * jnp.exp(1j * self.phase(t))


class Quadratures(Waveform):
    """A complex value of given real and imaginary part: samples z are `Quadratures(Sampled(z.real, h), Sampled(z.imag, h))`."""

    real: Waveform
    imaginary: Waveform

    def __call__(self, t):
        """real(t) + i imaginary(t)."""
        return self.real(t) + 1j * self.imaginary(t)


class Constant(Waveform):
    """The same value at all times."""

    value: Array = parameter(0.0, unit="1", doc="the value, in the unit of the source")

    def __call__(self, t):
        """The value."""
        return self.value


class Step(Waveform):
    """One value up to a time, another one after a linear rise; without a rise time it jumps just after that time."""

    before: Array = parameter(0.0, unit="1", doc="value until `time`, in the unit of the source")
    after: Array = parameter(1.0, unit="1", doc="value from `time` + `rise_time` on, in the unit of the source")
    time: Array = parameter(0.0, unit="s", doc="when the rise begins")
    rise_time: Array = parameter(0.0, unit="s", bounds=(0, None), doc="duration of the rise")

    def __call__(self, t):
        """The ramp from `before` to `after`."""
        return self.before + (self.after - self.before) * ramp(t - self.time, self.rise_time)


class Pulse(Waveform):
    """Trapezoidal pulses, one or periodic: SPICE's PULSE(low high delay rise fall width period).

    Source: ngspice manual, section "Pulse", whose piecewise linear table it follows. A period of 0 is a single pulse; an
    edge of 0 s is a jump (SPICE replaces it by its printing step); a pulse longer than its period is cut by the next.
    """

    low: Array = parameter(0.0, unit="1", doc="value between pulses, in the unit of the source")
    high: Array = parameter(1.0, unit="1", doc="value during a pulse, in the unit of the source")
    delay: Array = parameter(0.0, unit="s", doc="when the first rise begins")
    rise_time: Array = parameter(0.0, unit="s", bounds=(0, None), doc="duration of the rise")
    fall_time: Array = parameter(0.0, unit="s", bounds=(0, None), doc="duration of the fall")
    width: Array = parameter(1e-6, unit="s", bounds=above(0), doc="time at the high value, without the edges")
    period: Array = parameter(0.0, unit="s", bounds=(0, None), doc="time from pulse to pulse; 0 for a single pulse")

    def __call__(self, t):
        """Rise, plateau and fall within the present period."""
        since = t - self.delay
        again = self.period > 0
        period = jnp.where(again, self.period, 1.0)
        since = jnp.where(again & (since > 0), since - period * jnp.floor(since / period), since)
        share = ramp(since, self.rise_time) - ramp(since - self.rise_time - self.width, self.fall_time)
        return self.low + (self.high - self.low) * share


class Sine(Waveform):
    """A damped sinusoid that begins after a delay: SPICE's SIN(offset amplitude frequency delay damping phase).

    Equations: offset + amplitude sin(2 pi frequency s + phase) exp(-damping s) with s = t - delay, s = 0 before.
    Source: ngspice manual, section "Sinusoidal"; the phase is in radians here and in degrees there.
    """

    offset: Array = parameter(0.0, unit="1", doc="mean value, in the unit of the source")
    amplitude: Array = parameter(1.0, unit="1", doc="peak over the mean, in the unit of the source")
    frequency: Array = parameter(1e3, unit="Hz", bounds=(0, None), doc="frequency")
    delay: Array = parameter(0.0, unit="s", doc="when it begins")
    damping: Array = parameter(0.0, unit="1/s", doc="rate at which the amplitude decays")
    phase: Array = parameter(0.0, unit="rad", doc="phase at the beginning")

    def __call__(self, t):
        """The value at rest before the delay, the damped sinusoid after it."""
        since = jnp.maximum(t - self.delay, 0.0)
        swing = jnp.sin(2 * jnp.pi * self.frequency * since + self.phase) * jnp.exp(-self.damping * since)
        return self.offset + self.amplitude * swing


class Exponential(Waveform):
    """An exponential rise and an exponential fall: SPICE's EXP(low high td1 tau1 td2 tau2).

    Equations: low + (high - low) ((1 - exp(-(t - td1)+/tau1)) - (1 - exp(-(t - td2)+/tau2))).
    Source: ngspice manual, section "Exponential".
    """

    low: Array = parameter(0.0, unit="1", doc="value at first, in the unit of the source")
    high: Array = parameter(1.0, unit="1", doc="value that the rise tends to, in the unit of the source")
    rise_delay: Array = parameter(0.0, unit="s", doc="when the rise begins")
    rise_time_constant: Array = parameter(1e-6, unit="s", bounds=above(0), doc="time constant of the rise")
    fall_delay: Array = parameter(1e-5, unit="s", doc="when the fall begins")
    fall_time_constant: Array = parameter(1e-6, unit="s", bounds=above(0), doc="time constant of the fall")

    def __call__(self, t):
        """Rise less fall."""
        gone = lambda delay, constant: -jnp.expm1(-jnp.maximum(t - delay, 0.0) / constant)
        rise, fall = gone(self.rise_delay, self.rise_time_constant), gone(self.fall_delay, self.fall_time_constant)
        return self.low + (self.high - self.low) * (rise - fall)


class PiecewiseLinear(Waveform):
    """Straight lines between points, constant before the first and after the last; two points at one time are a jump.

    At the time of a jump itself the value is still the earlier one. Raises InputError where times fall or do not match.
    """

    times: Array = parameter(unit="s", doc="times of the points, ascending, shape (points,)")
    values: Array = parameter(unit="1", doc="values there, in the unit of the source, shape (points,) or (points, n)")

    def __check_init__(self):
        points = np.shape(self.times)
        if len(points) != 1 or points[0] < 1 or np.shape(self.values)[:1] != points:
            given = f"{points} and {np.shape(self.values)}"
            raise InputError(f"`times` must be a row with one time per row of `values`, but the shapes are {given}.")
        if check.is_concrete(self.times) and (falls := np.flatnonzero(np.diff(np.asarray(self.times)) < 0)).size:
            raise InputError(f"`times` must ascend, but falls after index {int(falls[0])}.")

    def __call__(self, t):
        """Interpolate between the two points around `t`."""
        last = self.times.shape[0] - 1
        method = "compare_all" if last < MANY else "scan"
        right = jnp.clip(jnp.searchsorted(self.times, t, side="left", method=method), min(1, last), last)
        left = jnp.maximum(right - 1, 0)
        share = ramp(t - self.times[left], self.times[right] - self.times[left])
        return self.values[left] + (self.values[right] - self.values[left]) * share


class Sampled(Waveform):
    """Values at a fixed interval from time zero, joined by straight lines or held; constant before and after.

    A held value begins at its sample, to within a millionth of the interval. Raises InputError without samples.
    """

    values: Array = parameter(unit="1", doc="samples, in the unit of the source, shape (samples,) or (samples, n)")
    interval: Array = parameter(unit="s", bounds=above(0), doc="time from sample to sample")
    hold: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        if np.ndim(self.values) < 1 or np.shape(self.values)[0] < 1:
            raise InputError(f"`values` must have at least one sample along its first axis, but has shape {self.values.shape}.")
        check.instance("hold", self.hold, bool)

    def __call__(self, t):
        """The sample that holds, or the straight line between two."""
        last = self.values.shape[0] - 1
        place = jnp.clip(t / self.interval, 0, last)
        if self.hold:
            return self.values[jnp.floor(place + 1e-6).astype(int)]
        left = jnp.minimum(jnp.floor(place).astype(int), max(last - 1, 0))
        right = jnp.minimum(left + 1, last)
        return self.values[left] + (self.values[right] - self.values[left]) * (place - left)


def ramp(since: Array, duration: Array) -> Array:
    """0 until `since` = 0, then linearly to 1 within `duration` (s); where that is zero, 1 as soon as `since` > 0."""
    sudden = duration <= 0
    linear = jnp.clip(since / jnp.where(sudden, 1.0, duration), 0.0, 1.0)
    return jnp.where(sudden, (since > 0).astype(linear.dtype), linear)
