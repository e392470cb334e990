"""How far one pulse moves a cell: the step laws, as small parts that a pulse cell is composed with."""

import abc
from typing import ClassVar, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check, randomness
from devsim.parameter import parameter, state
from devsim.part import Part
from devsim.ports import ageless

NOISE = ("relative", "absolute")


class Limits(NamedTuple):
    """What a law may know of a cell: its steps at weight zero, its own bounds, and the nominal bounds; all of unit 1."""

    up: Array
    down: Array
    low: Array
    high: Array
    nominal_low: Array
    nominal_high: Array


class Step(NamedTuple):
    """One pulse: its mean signed change, and the size that the cell's cycle noise multiplies; weights of unit 1."""

    mean: Array
    grain: Array


class StepLaw(Part):
    """What one pulse does to a dimensionless weight w, before it is clipped to the cell's bounds.

    `drawn` names, for every quantity that differs from device to device, the state that holds a cell's deviation and
    the knob with its standard deviation; the nominal value stays where it is.
    """

    drawn: ClassVar[dict[str, str]] = {}
    age = ageless

    @abc.abstractmethod
    def step(self, weight: Array, upward: Array, limits: Limits) -> Step:
        """The change by one pulse at `weight`, up where `upward` holds and down elsewhere."""

    def reference(self, limits: Limits) -> Array:
        """The weight of the device that is subtracted from this one; the step law sees the sum of both."""
        return jnp.zeros_like(limits.up)

    def shaped(self, shape: tuple[int, ...]) -> Self:
        """The same law with room for one deviation per cell."""
        return self.put(**{n: jnp.broadcast_to(getattr(self, n), shape) for n in self.drawn}) if self.drawn else self

    def nominal(self) -> Self:
        """The same law without device-to-device deviations."""
        return self.put(**{n: jnp.zeros_like(getattr(self, n)) for n in self.drawn}) if self.drawn else self

    def fabricate(self, key: Key[Array, ""]) -> Self:
        """Draw the deviation of every cell: its standard deviation times a normal number."""
        fields = {}
        for name, deviation in self.drawn.items():
            old = getattr(self, name)
            draw = jax.random.normal(randomness.named_key(key, name), old.shape, old.dtype)
            fields[name] = getattr(self, deviation) * draw
        return self.put(**fields) if fields else self

    def ports(self):
        """None: a law is a property of a cell."""
        return {}


class ConstantStep(StepLaw):
    """Every pulse moves the weight by the same amount until the bound stops it.

    Equations: up w += s_up (1 + sigma xi);  down w -= s_dn (1 + sigma xi)
    Source: Gokmen and Vlasov, Front. Neurosci. 10, 333 (2016), table 1.
    Valid: within the bounds; the noise may turn single pulses around when sigma is of order one.
    """

    def step(self, weight, upward, limits):
        """s_up or -s_dn, whatever the weight."""
        mean = jnp.where(upward, limits.up, -limits.down) + 0 * weight
        return Step(mean, jnp.abs(mean))


class LinearStep(StepLaw):
    """The step shrinks in proportion to the weight, as in charge stores and electrochemical memories.

    Equations: up dw = s_up (1 - gamma_up w / b_max);  down dw = -s_dn (1 - gamma_dn w / b_min); noise sigma |dw| xi
    (`relative`) or sigma s xi (`absolute`). b is the cell's own bound, or the nominal one where `mean_bound` is set.
    Source: Rasch, Gokmen, Haensch, IEEE Design & Test (2020), arXiv:1906.02698; Agarwal et al., IJCNN (2016).
    Valid: gamma from 0 (constant steps) to 1 (soft bounds); above 1 the weight turns around before its bound.
    """

    drawn = {"up_deviation": "gamma_up_spread", "down_deviation": "gamma_down_spread"}
    gamma_up: Array = parameter(
        0.1, unit="1", bounds=(0, None), stage="program", ideal=0.0, doc="share of the up step lost at the upper bound"
    )
    gamma_down: Array = parameter(
        0.1, unit="1", bounds=(0, None), stage="program", ideal=0.0, doc="share of the down step lost at the lower bound"
    )
    gamma_up_spread: Array = parameter(
        0.0, unit="1", bounds=(0, None), stage="fabricate", ideal=0.0, doc="standard deviation of `gamma_up`"
    )
    gamma_down_spread: Array = parameter(
        0.0, unit="1", bounds=(0, None), stage="fabricate", ideal=0.0, doc="standard deviation of `gamma_down`"
    )
    up_deviation: Array = state(0.0, unit="1", stage="fabricate", doc="this cell's deviation from `gamma_up`")
    down_deviation: Array = state(0.0, unit="1", stage="fabricate", doc="this cell's deviation from `gamma_down`")
    noise: str = eqx.field(static=True, default="relative")
    mean_bound: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        check.one_of("noise", self.noise, NOISE)

    def step(self, weight, upward, limits):
        """Linear in the weight; |gamma + deviation| is used, so that a draw never turns the slope around."""
        up = jnp.abs(self.gamma_up + self.up_deviation)
        down = jnp.abs(self.gamma_down + self.down_deviation)
        low, high = (limits.nominal_low, limits.nominal_high) if self.mean_bound else (limits.low, limits.high)
        return _linear(weight, upward, limits, (down / _nonzero(low), up / _nonzero(high)), self.noise)


class SoftBounds(StepLaw):
    """The step vanishes at the bound: the weight approaches it exponentially.

    Equations: up dw = s_up (1 - w / b_max);  down dw = -s_dn (1 - w / b_min), with the cell's own bounds and times
    `softness` in front of w; noise sigma |dw| xi (`relative`) or sigma s xi (`absolute`).
    Source: Fusi and Abbott, Nat. Neurosci. 10, 485 (2007); Frascaroli et al., Sci. Rep. 8, 7178 (2018).
    Valid: filamentary cells under identical pulses, away from abrupt set and reset.
    """

    softness: Array = parameter(
        1.0, unit="1", bounds=(0, 1), stage="program", ideal=0.0, doc="share of the step lost at the bound"
    )
    noise: str = eqx.field(static=True, default="relative")

    def __check_init__(self):
        check.one_of("noise", self.noise, NOISE)

    def step(self, weight, upward, limits):
        """Linear in the weight, zero at the bound."""
        slopes = (self.softness / _nonzero(limits.low), self.softness / _nonzero(limits.high))
        return _linear(weight, upward, limits, slopes, self.noise)


class SoftBoundsReference(StepLaw):
    """Soft bounds, with a reference device subtracted that was set to the point where up and down steps are equal.

    Equations: soft bounds for w + ref, clipped to the bounds, then minus ref;
    ref = `reference` + reference_spread xi + symmetry w*,  w* = (s_up - s_dn) / (s_up / b_max - s_dn / b_min)
    Source: Gong and Rasch et al., IEDM (2022); Gokmen and Haensch, Front. Neurosci. 14, 103 (2020).
    Valid: as `SoftBounds`; the symmetry point is that of fully soft bounds (`softness` 1).
    """

    drawn = {"deviation": "reference_spread"}
    softness: Array = parameter(
        1.0, unit="1", bounds=(0, 1), stage="program", ideal=0.0, doc="share of the step lost at the bound"
    )
    offset: Array = parameter(0.0, unit="1", stage="fabricate", ideal=0.0, doc="mean error of the reference")
    reference_spread: Array = parameter(
        0.0, unit="1", bounds=(0, None), stage="fabricate", ideal=0.0, doc="standard deviation of the reference"
    )
    symmetry: Array = parameter(1.0, unit="1", bounds=(0, 1), doc="share of the symmetry point that is subtracted")
    deviation: Array = state(0.0, unit="1", stage="fabricate", doc="this cell's error of the reference")
    noise: str = eqx.field(static=True, default="absolute")

    def __check_init__(self):
        check.one_of("noise", self.noise, NOISE)

    def step(self, weight, upward, limits):
        """Linear in the weight, zero at the bound."""
        slopes = (self.softness / _nonzero(limits.low), self.softness / _nonzero(limits.high))
        return _linear(weight, upward, limits, slopes, self.noise)

    def reference(self, limits):
        """offset + deviation + symmetry w*; w* is 0 where the cell has no bound on both sides of zero."""
        two_sided = (limits.high > 0) & (limits.low < 0)
        slope = limits.up / _nonzero(limits.high) - limits.down / _nonzero(limits.low)
        point = jnp.where(two_sided & (slope > 0), (limits.up - limits.down) / jnp.where(slope > 0, slope, 1.0), 0.0)
        return self.offset + self.deviation + self.symmetry * point


class ExpStep(StepLaw):
    """The step falls exponentially with the weight; the fit of measured ReRAM, and of the growth of PCM.

    Equations: z = 2 a w / (b_max - b_min) + b
    up dw = s_up max(0, 1 - A_up exp(gamma_up z));  down dw = -s_dn max(0, 1 - A_dn exp(-gamma_dn z))
    noise sigma (|dw| + noise_floor + noise_slope |w|) xi
    Source: Gong et al., Nat. Commun. 9, 2102 (2018); noise: Nandakumar et al., Front. Neurosci. 14, 406 (2020).
    Valid: for the pulse that was fitted; the defaults are the ReRAM of Gong et al.
    """

    amplitude_up: Array = parameter(
        -1.18445, unit="1", stage="program", ideal=0.0, doc="A_up, weight of the exponential in the up step"
    )
    amplitude_down: Array = parameter(
        -0.081404, unit="1", stage="program", ideal=0.0, doc="A_dn, weight of the exponential in the down step"
    )
    gamma_up: Array = parameter(5.0, unit="1", stage="program", doc="exponent of the up step")
    gamma_down: Array = parameter(5.0, unit="1", stage="program", doc="exponent of the down step")
    scale: Array = parameter(-0.5, unit="1", stage="program", doc="a, of the weight within its range")
    shift: Array = parameter(-0.5, unit="1", stage="program", doc="b, of the weight within its range")
    noise_floor: Array = parameter(
        0.0,
        unit="1",
        bounds=(0, None),
        stage="program",
        ideal=0.0,
        doc="cycle noise of every pulse, relative to the cell's cycle noise",
    )
    noise_slope: Array = parameter(
        0.0, unit="1", bounds=(0, None), stage="program", ideal=0.0, doc="cycle noise that grows with the weight, per weight"
    )

    def step(self, weight, upward, limits):
        """Exponential in the weight, never against the direction of the pulse."""
        z = 2 * self.scale * weight / _nonzero(limits.high - limits.low) + self.shift
        up = limits.up * jnp.maximum(0.0, 1 - self.amplitude_up * jnp.exp(self.gamma_up * z))
        down = limits.down * jnp.maximum(0.0, 1 - self.amplitude_down * jnp.exp(-self.gamma_down * z))
        mean = jnp.where(upward, up, -down)
        return Step(mean, jnp.abs(mean) + self.noise_floor + self.noise_slope * jnp.abs(weight))


class PowStep(StepLaw):
    """The step is a power of the distance to the bound.

    Equations: up dw = s_up ((b_max - w) / R)^g_up;  down dw = -s_dn ((w - b_min) / R)^g_dn;  R = b_max - b_min
    Source: Fusi and Abbott, Nat. Neurosci. 10, 485 (2007); Rasch et al., AICAS (2021), arXiv:2104.02184.
    Valid: exponents from 0 (constant steps); at exponent 1 the step at mid-range is half of `step`.
    """

    exponent_up: Array = parameter(1.0, unit="1", bounds=(0, None), stage="program", ideal=0.0, doc="exponent of the up step")
    exponent_down: Array = parameter(
        1.0, unit="1", bounds=(0, None), stage="program", ideal=0.0, doc="exponent of the down step"
    )

    def step(self, weight, upward, limits):
        """A power of the distance to the bound, zero at it."""
        span = _nonzero(limits.high - limits.low)
        up = limits.up * _power((limits.high - weight) / span, self.exponent_up)
        down = limits.down * _power((weight - limits.low) / span, self.exponent_down)
        mean = jnp.where(upward, up, -down)
        return Step(mean, jnp.abs(mean))


class PiecewiseStep(StepLaw):
    """The step is interpolated between measured multipliers, at equal distances over the cell's own range.

    Equations: up dw = s_up m_up(u), down dw = -s_dn m_dn(u), u = (w - b_min) / (b_max - b_min), m piecewise linear
    Source: Rasch et al., AICAS (2021), arXiv:2104.02184; the multipliers are the user's own measurement.
    Valid: between the nodes; beyond the bounds the outer multipliers hold.
    """

    multipliers_up: Array = parameter(
        (1.0, 1.0),
        unit="1",
        bounds=(0, None),
        stage="program",
        ideal=1.0,
        doc="up step relative to `step` at the nodes, from the lower to the upper bound",
    )
    multipliers_down: Array = parameter(
        (1.0, 1.0), unit="1", bounds=(0, None), stage="program", ideal=1.0, doc="the same for the down step"
    )

    def __check_init__(self):
        for name in ("multipliers_up", "multipliers_down"):
            if jnp.ndim(getattr(self, name)) != 1:
                raise check.InputError(f"`{name}` must be a list of numbers, but has shape {jnp.shape(getattr(self, name))}.")

    def step(self, weight, upward, limits):
        """Linear interpolation between the nodes."""
        share = (weight - limits.low) / _nonzero(limits.high - limits.low)
        up, down = _between(share, self.multipliers_up), _between(share, self.multipliers_down)
        mean = jnp.where(upward, limits.up * up, -limits.down * down)
        return Step(mean, jnp.abs(mean))


def _linear(weight: Array, upward: Array, limits: Limits, slopes: tuple[Array, Array], noise: str) -> Step:
    """Steps s (1 - slope w) with the slopes of the down and of the up step."""
    size = jnp.where(upward, limits.up, limits.down)
    change = size * (1 - jnp.where(upward, slopes[1], slopes[0]) * weight)
    return Step(jnp.where(upward, change, -change), jnp.abs(change) if noise == "relative" else size + 0 * change)


def _between(share: Array, nodes: Array) -> Array:
    """Linear interpolation of equally spaced `nodes` at `share` (0 to 1) of their extent."""
    if nodes.shape[0] == 1:
        return nodes[0] + 0 * share
    place = jnp.clip(share, 0.0, 1.0) * (nodes.shape[0] - 1)
    before = jnp.clip(place.astype(int), 0, nodes.shape[0] - 2)
    return nodes[before] + (place - before) * (nodes[before + 1] - nodes[before])


def _power(base: Array, exponent: Array) -> Array:
    """base^exponent; 0 where the base is not positive, with a finite derivative there."""
    positive = base > 0
    return jnp.where(positive, jnp.where(positive, base, 1.0) ** exponent, 0.0)


def _nonzero(value: Array) -> Array:
    """`value`, or infinity where it is zero: a quotient by it vanishes, and so does its derivative."""
    return jnp.where(value == 0, jnp.inf, value)
