"""Between numbers and volts: DAC, ADC, transimpedance amplifier, comparator, sample-and-hold; each a bus of channels."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import Bounds, above
from devsim.parameter import Derived, deviation, parameter, state
from devsim.part import Element
from devsim.ports import (
    Balance,
    Noise,
    Port,
    Unknown,
    ageless,
    electrical,
    no_memory,
    potential_out,
    quiet,
    signal_in,
    signal_out,
)
from devsim.quantise import quantise
from devsim.randomness import named_key


def _bits(part) -> Array:
    """The number of bits whose step this is: 2 full_scale / (2^bits - 2), so that both ends and zero are codes."""
    return jnp.log2(2 * part.full_scale / jnp.where(part.step > 0, part.step, jnp.nan) + 2)


def _from_bits(part, bits: Array) -> dict[str, Array]:
    return {"step": 2 * part.full_scale / (2**bits - 2)}


BITS = Derived(_bits, _from_bits, "bit", "resolution: another name for `step`; NaN where the step is zero", Bounds(1.5, 52))


class Channels(Element):
    """A bus of channels (n,), each with its own offset, which draw their noise anew at every read."""

    offset: Array = parameter(0.0, unit="V", stage="fabricate", ideal=0.0, doc="offset of each channel, shape (n,)")
    offset_spread: Array = deviation("offset", "V", each="channel")
    noise_draw: Array = state(0.0, unit="1", stage="read", doc="standard normal draw of the present read, shape (n,)")
    rest, age, noise = no_memory, ageless, quiet

    def snapshot(self, key):
        """The channels with the noise of one read drawn and held."""
        return self.put(noise_draw=jax.random.normal(named_key(key, "noise"), self.noise_draw.shape, self.noise_draw.dtype))


class Gains(Channels):
    """Channels with a gain of their own."""

    gain: Array = parameter(
        1.0,
        unit="1",
        bounds=above(0),
        stage="fabricate",
        ideal=1.0,
        doc="gain of each channel relative to nominal, shape (n,)",
    )
    gain_spread: Array = deviation("gain", "1", "lognormal", each="channel")


class Converter(Gains):
    """Channels that round to multiples of a step."""

    full_scale: Array = parameter(1.0, unit="V", bounds=above(0), doc="potential that stands for the largest code")
    step: Array = parameter(0.0, unit="V", bounds=(0, None), stage="read", ideal=0.0, doc="quantum of the potential")
    noise_voltage: Array = parameter(
        0.0, unit="V", bounds=(0, None), stage="read", ideal=0.0, doc="root-mean-square noise of a read"
    )
    derived = {"bits": BITS}

    @classmethod
    def of(cls, channels: int, **knobs) -> Self:
        """A bus of converters; knobs by name, `bits` among them."""
        bits = knobs.pop("bits", None)
        part = cls(**_blank(channels, gain=True) | knobs)
        return part if bits is None else part.set("bits", bits)


def _blank(channels: int, *, gain: bool) -> dict[str, Array]:
    zeros = jnp.zeros(channels)
    return {"offset": zeros, "noise_draw": zeros} | ({"gain": jnp.ones(channels)} if gain else {})


class DAC(Converter):
    """Uniform digital-to-analogue converters: a number in [-1, 1] per channel becomes a potential.

    Equations: v = gain * Q(full_scale * clip(code, -1, 1)) + offset + noise, Q rounding to multiples of `step`
    (mid-tread, so that -1, 0 and 1 are exact at any number of bits).
    Source: IEEE Std 1658-2011, Terminology and test methods of digital-to-analog converter devices.
    Valid: at low frequency; the output resistance belongs to what it drives.
    """

    def ports(self):
        """The signal `code` and the imposed potential `out`."""
        return {"code": signal_in(self.gain.shape), "out": potential_out(self.gain.shape)}

    def balance(self, t, p, x):
        """Quantise, scale and shift."""
        wanted = self.full_scale * jnp.clip(p["code"], -1.0, 1.0)
        return Balance({"out": self.gain * quantise(wanted, self.step) + self.offset + self.noise_voltage * self.noise_draw})


class ADC(Converter):
    """Uniform analogue-to-digital converters: a potential per channel becomes a number in volts.

    Equations: code = Q(clip(gain * v + offset + noise, -full_scale, full_scale)), Q rounding to multiples of `step`.
    The derivative is that of the line through the staircase, zero beyond the range.
    Source: IEEE Std 1241-2010, Terminology and test methods for analog-to-digital converters.
    Valid: at low frequency; it draws no current.
    """

    def ports(self):
        """The potential `input` and the signal `code`."""
        return {"input": electrical(self.gain.shape), "code": signal_out(self.gain.shape)}

    def balance(self, t, p, x):
        """Shift, clip and quantise."""
        seen = self.gain * p["input"] + self.offset + self.noise_voltage * self.noise_draw
        return Balance({"code": quantise(jnp.clip(seen, -self.full_scale, self.full_scale), self.step)})


class TransimpedanceAmplifier(Gains):
    """Sense amplifiers: two virtual grounds per channel, whose current difference becomes a potential.

    Equations: v_out = gain * R * s * (i_input - i_reference) + offset + noise, with s = 1 - exp(-read_time / time_constant)
    the share that has settled when the output is taken; noise of standard deviation R * density / sqrt(2 read_time),
    the noise bandwidth of an average over `read_time`.
    Source: Sackinger, Analysis and Design of Transimpedance Amplifiers (Wiley, 2017), chapters 5 and 6.
    Valid: within the amplifier's swing; the virtual ground is exact (a finite one is a resistance in front of it).
    """

    transresistance: Array = parameter(1e4, unit="ohm", doc="output potential per input current")
    read_time: Array = parameter(1e-7, unit="s", bounds=above(0), doc="time from the start of a read to its sample")
    time_constant: Array = parameter(0.0, unit="s", bounds=(0, None), stage="read", ideal=0.0, doc="1 / (2 pi bandwidth)")
    noise_density: Array = parameter(
        0.0, unit="A/Hz^0.5", bounds=(0, None), stage="read", ideal=0.0, doc="one-sided input noise current"
    )
    reference: tuple[int, ...] | None = eqx.field(static=True, default=None)

    @classmethod
    def of(cls, channels: int, *, reference: int | None = None, **knobs) -> Self:
        """A bus of amplifiers; `reference` is the width of the reference bus: `channels`, 1 (shared) or None."""
        return cls(**_blank(channels, gain=True) | knobs, reference=None if reference is None else (reference,))

    def ports(self):
        """Virtual grounds `input` (and `reference`), imposed potential `out`."""
        pins = {"input": potential_out(self.gain.shape), "out": potential_out(self.gain.shape)}
        return pins if self.reference is None else pins | {"reference": potential_out(self.reference)}

    def settled(self) -> Array:
        """Share of the final output reached after `read_time`."""
        quick = self.time_constant <= 0
        return jnp.where(quick, 1.0, -jnp.expm1(-self.read_time / jnp.where(quick, 1.0, self.time_constant)))

    def balance(self, t, p, x):
        """Current difference times transresistance."""
        current = p["input"] - p.get("reference", 0.0)
        noise = self.transresistance * self.noise_density / jnp.sqrt(2 * self.read_time) * self.noise_draw
        out = self.gain * self.transresistance * self.settled() * current + self.offset + noise
        grounds = {name: jnp.zeros(port.shape) for name, port in self.ports().items() if name != "out"}
        return Balance(grounds | {"out": out})

    def noise(self, p, x):
        """Input current noise, seen at the output."""
        return {"amplifier": Noise((self.transresistance * self.noise_density) ** 2, ("out", "out"))}


class Comparator(Channels):
    """Sign of the input: +1, -1, or 0 where it lies exactly on the threshold.

    Equations: out = sign(v - threshold - offset - noise); its derivative is that of tanh(v / surrogate_width).
    Source: Razavi, Principles of Data Conversion System Design (Wiley, 1995); surrogate gradient: Neftci et al., IEEE
    Signal Process. Mag. 36(6), 51 (2019).
    Valid: when the decision has time to settle; no metastability other than exact zero.
    """

    threshold: Array = parameter(0.0, unit="V", doc="input at which the output changes sign")
    noise_voltage: Array = parameter(
        0.0, unit="V", bounds=(0, None), stage="read", ideal=0.0, doc="root-mean-square input noise of a read"
    )
    surrogate_width: Array = parameter(
        0.1, unit="V", bounds=above(0), doc="width of the surrogate derivative; no effect on the output"
    )
    domain: str = eqx.field(static=True, default="electrical")

    def __check_init__(self):
        check.one_of("domain", self.domain, ("electrical", "signal"))

    @classmethod
    def of(cls, channels: int, *, domain: str = "electrical", **knobs) -> Self:
        """A bus of comparators whose input is `electrical`, or a `signal` in volts (behind a converter)."""
        return cls(**_blank(channels, gain=False) | knobs, domain=domain)

    def ports(self):
        """`input` and the signal `out`."""
        return {"input": Port(self.domain, self.offset.shape), "out": signal_out(self.offset.shape)}

    def balance(self, t, p, x):
        """The sign, with a surrogate derivative."""
        seen = p["input"] - self.threshold - self.offset - self.noise_voltage * self.noise_draw
        soft = jnp.tanh(seen / self.surrogate_width)
        return Balance({"out": soft + jax.lax.stop_gradient(jnp.sign(seen) - soft)})


class SampleAndHold(Element):
    """Holds what it was last told: the memory that closes a loop of signals.

    Equations: out = h; dh/dt = track (input - h) / acquisition_time - droop_rate h.
    Source: Razavi, Principles of Data Conversion System Design (Wiley, 1995), chapter 2.
    Valid: without pedestal and feed-through; at an operating point h stays where it is.
    """

    held: Array = state(unit="V", doc="value at power-up, a number or shape (n,)", stage="read")
    acquisition_time: Array = parameter(1e-8, unit="s", bounds=above(0), doc="time constant while tracking")
    droop_rate: Array = parameter(
        0.0, unit="1/s", bounds=(0, None), stage="age", ideal=0.0, doc="rate at which the held value leaks away"
    )
    domain: str = eqx.field(static=True, default="signal")
    noise = quiet

    def __check_init__(self):
        check.one_of("domain", self.domain, ("electrical", "signal"))

    def ports(self):
        """`input`, the signal `track` (1 follows, 0 holds), and the signal `out`."""
        return {"input": Port(self.domain, self.held.shape), "track": signal_in(), "out": signal_out(self.held.shape)}

    def rest(self):
        """The held value."""
        return {"value": Unknown(self.held)}

    def balance(self, t, p, x):
        """First-order tracking and droop."""
        value = x["value"]
        rate = p["track"] * (p["input"] - value) / self.acquisition_time - self.droop_rate * value
        return Balance({"out": value, "value": -rate}, {"value": value})

    def age(self, seconds, temperature, key):
        """The held value droops exponentially."""
        return self.put(held=self.held * jnp.exp(-self.droop_rate * seconds))
