"""`PulseCell`: a memory cell that is written by identical pulses."""

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import InputError, above
from devsim.devices.memristor.bounded_loop import bounded_loop
from devsim.devices.memristor.cell import Cell
from devsim.devices.memristor.conduction import Conduction, Ohmic
from devsim.devices.memristor.pulse_presets import PRESETS
from devsim.devices.memristor.pulse_steps import ConstantStep, Limits, StepLaw
from devsim.devices.preset import look_up, sources
from devsim.parameter import as_leaf, parameter, quantities, state
from devsim.part import Part
from devsim.quantise import round_through
from devsim.randomness import named_key
from devsim.smooth import mean_exponential, root

GAIN_LAWS = ("relative", "lognormal")
_share = dict(unit="1", bounds=(0, None), ideal=0.0)


class PulseCell(Cell):
    """A cell whose conductance moves by small steps under identical pulses, or an array of such cells.

    A dimensionless hidden weight h lives within the cell's own bounds; `law` says how far one pulse moves it.

    Equations:
      s_up = `step` |gain + min(0, asymmetry) + r|,  s_dn = `step` |gain - max(0, asymmetry) - r|
      gain = 1 + step_spread xi (or exp(step_spread xi)),  r = asymmetry_spread xi
      b_max = w_max |1 + upper_spread xi|,  b_min = w_min |1 + lower_spread xi|
      a pulse: h <- clip(h + dw + cycle_noise grain xi, b_min, b_max), with dw and grain from `law`
      visible weight w = h + write_noise step xi, drawn anew by every pulse train that moves the cell
      conductance g = g_min + (g_max - g_min) (w - w_min) / (w_max - w_min), never below 0 S
      age: dh = decay_rate (rest - h) dt + diffusion dW, solved exactly, then clipped to the bounds
      a stuck cell keeps one weight, uniform over its own bounds within +-stuck_range
    Source: Gokmen and Vlasov, Front. Neurosci. 10, 333 (2016); Gong et al., Nat. Commun. 9, 2102 (2018); Gong and Rasch
    et al., IEDM (2022); in this form Rasch et al., AICAS (2021), arXiv:2104.02184. Gokmen and Vlasov give up and down
    steps that differ symmetrically around their mean; here a nominal asymmetry only ever shrinks one of them.
    Valid: pulses all of one amplitude and length, at the temperature of the fit (ageing does not depend on it). The
    default range, 20 to 100 uS, has the on/off ratio of 5 that analog oxides show; with a larger one, cells whose
    lower bound is drawn far below `w_min` would be cut off at 0 S.
    """

    law: StepLaw
    conduction: Conduction
    minimum_conductance: Array = parameter(20e-6, unit="S", bounds=(0, None), doc="conductance at weight `w_min`")
    maximum_conductance: Array = parameter(100e-6, unit="S", bounds=above(0), doc="conductance at weight `w_max`")
    w_min: Array = parameter(-1.0, unit="1", bounds=(None, 0), doc="nominal lower bound of the weight")
    w_max: Array = parameter(1.0, unit="1", bounds=above(0), doc="nominal upper bound of the weight")
    step: Array = parameter(0.001, unit="1", bounds=above(0), doc="nominal change of the weight by one pulse at weight 0")
    asymmetry: Array = parameter(
        0.0,
        unit="1",
        bounds=(-1, 1),
        stage="program",
        ideal=0.0,
        doc="share of the down (> 0) or up (< 0) step that is missing",
    )
    cycle_noise: Array = parameter(0.0, **_share, stage="program", doc="noise of every pulse, relative to its step")
    write_noise: Array = parameter(
        0.0, **_share, stage="program", doc="error of the visible weight after a write, relative to `step`"
    )
    step_spread: Array = parameter(
        0.0, **_share, stage="fabricate", doc="relative standard deviation of the step (of its logarithm for `lognormal`)"
    )
    asymmetry_spread: Array = parameter(0.0, **_share, stage="fabricate", doc="standard deviation of the asymmetry")
    upper_spread: Array = parameter(0.0, **_share, stage="fabricate", doc="relative standard deviation of the upper bound")
    lower_spread: Array = parameter(0.0, **_share, stage="fabricate", doc="relative standard deviation of the lower bound")
    stuck_probability: Array = parameter(
        0.0, unit="1", bounds=(0, 1), stage="fabricate", ideal=0.0, doc="share of cells that do not move"
    )
    stuck_range: Array = parameter(
        0.01, unit="1", bounds=(0, None), stage="fabricate", doc="largest absolute weight of a stuck cell"
    )
    decay_rate: Array = parameter(
        0.0, unit="1/s", bounds=(0, None), stage="age", ideal=0.0, doc="rate at which the weight relaxes to `rest_weight`"
    )
    decay_spread: Array = parameter(
        0.0, **_share, stage="fabricate", spreads="decay_rate", doc="relative standard deviation of the decay rate"
    )
    diffusion: Array = parameter(
        0.0,
        unit="1/s^0.5",
        bounds=(0, None),
        stage="age",
        ideal=0.0,
        doc="random walk of the weight: standard deviation after 1 s",
    )
    rest_weight: Array = parameter(0.0, unit="1", doc="weight after a reset, and to which it decays")
    rest_spread: Array = parameter(
        0.0, **_share, stage="fabricate", doc="standard deviation of the rest weight from device to device"
    )
    reset_noise: Array = parameter(0.0, **_share, stage="program", doc="standard deviation of the weight from reset to reset")
    read_noise: Array = parameter(0.0, **_share, stage="read", doc="relative standard deviation of one read")
    gain: Array = state(1.0, unit="1", stage="fabricate", doc="this cell's step relative to the nominal one")
    imbalance: Array = state(0.0, unit="1", stage="fabricate", doc="this cell's deviation from the asymmetry")
    upper: Array = state(1.0, unit="1", stage="fabricate", doc="this cell's upper bound relative to the nominal one")
    lower: Array = state(1.0, unit="1", stage="fabricate", doc="this cell's lower bound relative to the nominal one")
    rest_deviation: Array = state(0.0, unit="1", stage="fabricate", doc="this cell's deviation from the rest weight")
    stuck_draw: Array = state(
        1.0, unit="1", stage="fabricate", doc="uniform number: the cell is stuck where it is below `stuck_probability`"
    )
    stuck_place: Array = state(0.5, unit="1", stage="fabricate", doc="uniform number: where within its range a stuck cell sits")
    hidden: Array = state(0.0, unit="1", doc="the weight as pulses see it")
    write_draw: Array = state(0.0, unit="1", doc="standard normal number of the last write's error")
    gain_law: str = eqx.field(static=True, default="relative")
    reset_first: bool = eqx.field(static=True, default=False)
    most_pulses: int = eqx.field(static=True, default=1000)

    def __init__(self, shape: tuple[int, ...], law: StepLaw | None = None, conduction: Conduction | None = None, **knobs: Any):
        """A nominal array of `shape`; `knobs` are the fields above. `most_pulses` is the longest train of one call."""
        table = quantities(type(self))
        static = {"gain_law": "relative", "reset_first": False, "most_pulses": 1000}
        for name in knobs:
            if name not in static and not (name in table and table[name].knob):
                raise InputError(f"There is no knob `{name}` of a pulse cell.{check.suggest(name, [*table, *static])}")
        for name, default in static.items():
            setattr(self, name, knobs.get(name, default))
        for name, quantity in table.items():
            value = as_leaf(knobs.get(name, getattr(type(self), name)))
            per_cell = name == "decay_rate" or not quantity.knob
            setattr(self, name, jnp.broadcast_to(value, shape) if per_cell else value)
        self.law = (ConstantStep() if law is None else law).shaped(shape)
        self.conduction = Ohmic() if conduction is None else conduction

    def __check_init__(self):
        check.one_of("gain_law", self.gain_law, GAIN_LAWS)
        if not isinstance(self.most_pulses, int | np.integer) or self.most_pulses < 1:
            raise InputError(f"`most_pulses` must be a whole number of at least 1, but is {self.most_pulses!r}.")
        check.within("maximum_conductance - minimum_conductance", self._span(), above(0), "S")

    @classmethod
    def preset(cls, name: str, shape: tuple[int, ...] = (), **changes: Any) -> Self:
        """A published cell by name (see `presets()`), nominal until it is fabricated; `changes` override its knobs."""
        return cls(shape, **(look_up(PRESETS, name) | changes))

    @staticmethod
    def presets() -> dict[str, str]:
        """Preset name -> source."""
        return sources(PRESETS)

    def shape(self):
        """The shape of the array of cells."""
        return self.hidden.shape

    def fabricate(self, key):
        """Draw every cell's step, asymmetry, bounds, rest weight, decay and step law, and which cells are stuck."""
        die = Part.fabricate(self, key)

        def normal(name):
            return jax.random.normal(named_key(key, name), self.shape(), self.hidden.dtype)

        def uniform(name):
            return jax.random.uniform(named_key(key, name), self.shape(), self.hidden.dtype)

        swing = self.step_spread * normal("gain")
        return die.put(
            gain=jnp.exp(swing) if self.gain_law == "lognormal" else 1 + swing,
            imbalance=self.asymmetry_spread * normal("imbalance"),
            upper=jnp.abs(1 + self.upper_spread * normal("upper")),
            lower=jnp.abs(1 + self.lower_spread * normal("lower")),
            rest_deviation=self.rest_spread * normal("rest_deviation"),
            stuck_draw=uniform("stuck_draw"),
            stuck_place=uniform("stuck_place"),
        )

    def nominal(self) -> Self:
        """The same array before it was fabricated: no cell deviates from another, none is stuck."""
        ones, zeros = jnp.ones_like(self.hidden), jnp.zeros_like(self.hidden)
        return self.put(
            law=self.law.nominal(), gain=ones, imbalance=zeros, upper=ones, lower=ones, rest_deviation=zeros, stuck_draw=ones
        )  # fmt: skip

    def ideal(self):
        """Every imperfection at its ideal value, and what `fabricate` drew forgotten."""
        return Part.ideal(self).nominal()

    def limits(self) -> Limits:
        """Each cell's own steps at weight 0 and bounds, and the nominal bounds (all of unit 1)."""
        up = jnp.abs(self.gain + jnp.minimum(0.0, self.asymmetry) + self.imbalance)
        down = jnp.abs(self.gain - jnp.maximum(0.0, self.asymmetry) - self.imbalance)
        low, high = self.w_min * self.lower, self.w_max * self.upper
        return Limits(self.step * up, self.step * down, low, high, self.w_min, self.w_max)

    def stuck(self) -> Array:
        """True where a cell does not move; `shape()`."""
        return self.stuck_draw < self.stuck_probability

    def weight(self) -> Array:
        """The visible weight, of unit 1: hidden plus write error; the one place of a stuck cell; `shape()`."""
        low = jnp.maximum(self.w_min * self.lower, -self.stuck_range)
        high = jnp.minimum(self.w_max * self.upper, self.stuck_range)
        free = self.hidden + self.write_noise * self.step * self.write_draw
        return jnp.where(self.stuck(), low + (high - low) * self.stuck_place, free)

    def weight_of(self, conductance: Array) -> Array:
        """The weight (of unit 1) that has a `conductance` (S)."""
        return self.w_min + (conductance - self.minimum_conductance) * (self.w_max - self.w_min) / self._span()

    def _span(self) -> Array:
        return self.maximum_conductance - self.minimum_conductance

    def conductance_of(self, weight: Array) -> Array:
        """The conductance (S, at least 0) of a `weight` (of unit 1)."""
        share = (weight - self.w_min) / (self.w_max - self.w_min)
        return jnp.maximum(self.minimum_conductance + self._span() * share, 0.0)

    def conductance(self):
        """Conductance (S) of the visible weight, at least 0 S; `shape()`."""
        return self.conductance_of(self.weight())

    def sample(self, key):
        """Conductance (S) times 1 + read_noise xi, at least 0 S."""
        draw = jax.random.normal(key, self.shape(), self.hidden.dtype)
        return self.conductance() * jnp.maximum(1 + self.read_noise * draw, 0.0)

    def pulse(self, upward: Array, draw: Array) -> Array:
        """The hidden weight after one pulse, up where `upward`, with the standard normal `draw` as its cycle noise."""
        limits = self.limits()
        reference = self.law.reference(limits)
        seen = self.hidden + reference
        mean, grain = self.law.step(seen, upward, limits)
        return jnp.clip(seen + mean + self.cycle_noise * grain * draw, limits.low, limits.high) - reference

    def nudge(self, pulses, key):
        """Apply signed pulse counts, one pulse after the other; a train longer than `most_pulses` is cut there.

        Counts are rounded. The derivative with respect to a count is the noise-free change that one more pulse in its
        direction would make at the end of the train (the mean of both directions at zero); with respect to the knobs it
        is that of the pulses applied.
        """
        return _after_train(self, self._counts(pulses), key)

    def _counts(self, pulses: Any) -> Array:
        """Whole signed counts of `shape()`, cut at `most_pulses`."""
        check.finite("pulses", pulses)
        pulses = as_leaf(pulses)
        if jnp.ndim(pulses):
            check.shape("pulses", pulses, self.shape(), "the array of cells")
        pulses = jnp.broadcast_to(pulses, self.shape()).astype(self.hidden.dtype)
        return round_through(jnp.clip(pulses, -self.most_pulses, self.most_pulses))

    def _one_more(self, direction: Array) -> Array:
        """Noise-free change of the weight, counted upwards, by one more pulse (`direction` 0: the mean of both)."""
        zero = jnp.zeros_like(self.hidden)
        up = self.pulse(jnp.ones_like(zero, bool), zero) - self.hidden
        down = self.hidden - self.pulse(jnp.zeros_like(zero, bool), zero)
        change = jnp.where(direction > 0, up, jnp.where(direction < 0, down, (up + down) / 2))
        return jnp.where(self.stuck(), 0.0, change)

    def pulse_step(self):
        """Conductance (S) by one nominal pulse at the middle of the range, mean of up and down (up if `reset_first`)."""
        middle = jnp.broadcast_to((self.w_min + self.w_max) / 2, self.shape()).astype(self.hidden.dtype)
        change = self.nominal().put(hidden=middle)._one_more(jnp.full_like(middle, float(self.reset_first)))
        return change * self._span() / (self.w_max - self.w_min)

    def pulses_towards(self, target: Array) -> Array:
        """Signed pulse counts by which a nominal, noise-free cell comes nearest to `target` (S); `shape()`.

        It starts from the visible weight (one perfect read), cut to the nominal range, or from the nominal rest weight
        where writing begins with a reset. The derivative with respect to the target is 1 / (the last nominal step).
        """
        weight = jnp.clip(self.weight_of(target), self.w_min, self.w_max)
        goal = jnp.broadcast_to(weight, self.shape()).astype(self.hidden.dtype)
        start = self.rest_weight if self.reset_first else jnp.clip(self.weight(), self.w_min, self.w_max)
        start = jnp.broadcast_to(start, self.shape()).astype(self.hidden.dtype)
        fixed = jax.lax.stop_gradient(self.nominal().put(hidden=start, cycle_noise=jnp.zeros_like(self.cycle_noise)))
        counts, step = _nearest(fixed, jax.lax.stop_gradient(goal))
        distance = goal - start
        return counts + (distance - jax.lax.stop_gradient(distance)) / jnp.where(step > 0, step, jnp.inf)

    def program(self, target, key):
        """Apply `pulses_towards(target)` blindly, after a reset where `reset_first`; `target` (S) is cut to the range."""
        check.finite("target", target)
        counts = self.pulses_towards(target)
        cell = self.reset(named_key(key, "reset")) if self.reset_first else self
        return cell.nudge(counts, named_key(key, "nudge"))

    def reset(self, key: Key[Array, ""], where: Array | bool = True) -> Self:
        """Throw the cells back to their rest weight (where `where`): rest_weight + rest_deviation + reset_noise xi."""
        draw = jax.random.normal(named_key(key, "reset"), self.shape(), self.hidden.dtype)
        hit = jnp.asarray(where) & ~self.stuck()
        hidden = self._bounded(self.rest_weight + self.rest_deviation + self.reset_noise * draw)
        write = jax.random.normal(named_key(key, "write"), self.shape(), self.hidden.dtype)
        return self.put(hidden=jnp.where(hit, hidden, self.hidden), write_draw=jnp.where(hit, write, self.write_draw))

    def age(self, seconds, temperature, key):
        """Relax towards the rest weight and diffuse; exact for any `seconds`. The temperature is not modelled."""
        check.within("seconds", seconds, check.Bounds(0), "s")
        rest = self.rest_weight + self.rest_deviation
        decay = self.decay_rate * seconds
        draw = jax.random.normal(key, self.shape(), self.hidden.dtype)
        walk = self.diffusion * root(seconds * mean_exponential(-2 * decay)) * draw
        aged = self.hidden + (self.hidden - rest) * jnp.expm1(-decay) + walk
        return self.put(hidden=self._bounded(aged).astype(self.hidden.dtype))

    def _bounded(self, hidden: Array) -> Array:
        """`hidden` cut to the cell's own bounds, as seen from its reference; a cell that is beyond them may stay."""
        limits = self.limits()
        reference = self.law.reference(limits)
        low, high = limits.low - reference, limits.high - reference
        return jnp.clip(hidden, jnp.minimum(low, self.hidden), jnp.maximum(high, self.hidden))


@eqx.filter_jit
def _after_train(cell: PulseCell, counts: Array, key: Key[Array, ""]) -> PulseCell:
    """`cell` after whole signed pulse `counts`, one pulse after the other."""
    upward = counts > 0
    left = jnp.where(cell.stuck(), 0, jnp.abs(jax.lax.stop_gradient(counts)))
    train = named_key(key, "train")

    def apply(i, hidden):
        draw = jax.random.normal(jax.random.fold_in(train, i), hidden.shape, hidden.dtype)
        moved = _at(cell, hidden).pulse(upward, draw)
        return jnp.where(i < left, moved, hidden)

    hidden = bounded_loop(lambda i, hidden: i < left, apply, cell.hidden, cell.most_pulses)
    fraction = counts - jax.lax.stop_gradient(counts)
    hidden = hidden + fraction * jax.lax.stop_gradient(_at(cell, hidden)._one_more(jnp.sign(counts)))
    draw = jax.random.normal(named_key(key, "write"), cell.shape(), hidden.dtype)
    return cell.put(hidden=hidden, write_draw=jnp.where(left > 0, draw, cell.write_draw))


@eqx.filter_jit
def _nearest(cell: PulseCell, goal: Array) -> tuple[Array, Array]:
    """Signed counts that bring `cell` nearest to `goal`, and the size of the step that would follow."""
    upward, zero = goal > cell.hidden, jnp.zeros_like(goal)

    def after(hidden):
        return _at(cell, hidden).pulse(upward, zero)

    def nearer(hidden):
        return jnp.abs(after(hidden) - goal) < jnp.abs(hidden - goal)

    def body(carry):
        count, hidden = carry
        go = nearer(hidden)
        return count + go, jnp.where(go, after(hidden), hidden)

    def going(carry):
        return jnp.any(nearer(carry[1])) & (jnp.max(carry[0], initial=0) < cell.most_pulses)

    count, hidden = jax.lax.while_loop(going, body, (zero, cell.hidden))
    return jnp.where(upward, count, -count), jnp.abs(after(hidden) - hidden)


def _at(cell: PulseCell, hidden: Array) -> PulseCell:
    """`cell` with another hidden weight; nothing is checked."""
    return eqx.tree_at(lambda cell: cell.hidden, cell, hidden)
