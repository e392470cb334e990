"""One bench for each law by which pulses move a cell, in arbitrary units and in siemens."""

from functools import partial
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import Bounds
from devsim.devices.memristor.pulse import PulseCell
from devsim.devices.memristor.pulse_pair import OneSidedPair
from devsim.devices.memristor.pulse_steps import (
    ConstantStep,
    ExpStep,
    LinearStep,
    PiecewiseStep,
    PowStep,
    SoftBounds,
    SoftBoundsReference,
    StepLaw,
)
from devsim.fit.bench import Axis, Bench, Search
from devsim.fit.models.pulses import PULSE, SEARCH, STEPS, ConductanceTrace, WeightTrace
from devsim.parameter import Derived, parameter

BOUNDS = ("device.w_min", "device.w_max")
RANGE = ("device.minimum_conductance", "device.maximum_conductance")
NODES = 5
"""Multipliers of a piecewise law, from the lower to the upper bound."""
SLOPES = ("device.law.gamma_up", "device.law.gamma_down")
EXPONENTS = ("device.law.exponent_up", "device.law.exponent_down")
EXPONENTIALS = (
    "device.law.amplitude_up",
    "device.law.amplitude_down",
    "device.law.gamma_up",
    "device.law.gamma_down",
)
MULTIPLIERS = tuple(f"{side}_{k}" for side in ("up", "down") for k in range(NODES))
SLOPE_SEARCH = SEARCH | dict.fromkeys(SLOPES, Search(0.0, 1.0))
EXPONENT_SEARCH = SEARCH | dict.fromkeys(EXPONENTS, Search(0.2, 3.0))
EXPONENTIAL_SEARCH = SEARCH | {
    "device.law.amplitude_up": Search(-2.0, 0.9),
    "device.law.amplitude_down": Search(-2.0, 0.9),
    "device.law.gamma_up": Search(0.3, 6.0),
    "device.law.gamma_down": Search(0.3, 6.0),
}
MULTIPLIER_SEARCH = SEARCH | dict.fromkeys(MULTIPLIERS, Search(0.3, 2.0))


def _cell(law: StepLaw) -> PulseCell:
    return PulseCell((), law, step=0.01)


def _nodes(side: str) -> dict[str, Derived]:
    """`up_0` to `up_4`: the multipliers of one direction as numbers, which a fit can free."""
    field = f"multipliers_{side}"

    def told(k: int, bench: Bench) -> Array:
        return getattr(bench.device.law, field)[k]

    def put(k: int, bench: Bench, value: Array) -> dict:
        nodes = getattr(bench.device.law, field).at[k].set(value)
        return {"device": bench.device.put(law=bench.device.law.put(**{field: nodes}))}

    doc = "another name for one of `device.law.multipliers_" + side + "`"
    return {f"{side}_{k}": Derived(partial(told, k), partial(put, k), "1", doc, Bounds(0)) for k in range(NODES)}


class ConstantStepWeights(WeightTrace):
    """A trace in arbitrary units of steps that do not depend on the weight.

    Equations: dw = s, until the bound; the rest as `WeightTrace`.
    Source: that of `ConstantStep`.
    Valid: as the law.
    """

    name: ClassVar = "pulse-constant"
    free: ClassVar = (*STEPS, *BOUNDS)
    search: ClassVar = SEARCH
    device: PulseCell = eqx.field(default_factory=lambda: _cell(ConstantStep()))


class ConstantStepConductances(ConductanceTrace):
    """A trace in siemens of steps that do not depend on the weight.

    Equations: dw = s, until the bound; the rest as `ConductanceTrace`.
    Source: that of `ConstantStep`.
    Valid: as the law.
    """

    name: ClassVar = "pulse-constant-siemens"
    free: ClassVar = (*STEPS, *RANGE)
    search: ClassVar = SEARCH
    device: PulseCell = eqx.field(default_factory=lambda: _cell(ConstantStep()))


class LinearStepWeights(WeightTrace):
    """A trace in arbitrary units of steps that shrink in proportion to the weight.

    Equations: dw = s (1 - gamma w / b); the rest as `WeightTrace`.
    Source: that of `LinearStep`.
    Valid: the slope and its bound are one number: free `device.w_min` and `device.w_max` only where the trace reaches them.
    """

    name: ClassVar = "pulse-linear"
    free: ClassVar = (*STEPS, *SLOPES)
    search: ClassVar = SLOPE_SEARCH
    device: PulseCell = eqx.field(default_factory=lambda: _cell(LinearStep(0.5, 0.5)))


class LinearStepConductances(ConductanceTrace):
    """A trace in siemens of steps that shrink in proportion to the weight.

    Equations: dw = s (1 - gamma w / b); the rest as `ConductanceTrace`.
    Source: that of `LinearStep`.
    Valid: the slope and its bound are one number: free `device.w_min` and `device.w_max` only where the trace reaches them.
    """

    name: ClassVar = "pulse-linear-siemens"
    free: ClassVar = (*STEPS, *SLOPES)
    search: ClassVar = SLOPE_SEARCH
    device: PulseCell = eqx.field(default_factory=lambda: _cell(LinearStep(0.5, 0.5)))


class SoftBoundsWeights(WeightTrace):
    """A trace in arbitrary units of steps that vanish at the bounds.

    Equations: dw = s (1 - w / b); the rest as `WeightTrace`.
    Source: that of `SoftBounds`.
    Valid: as the law.
    """

    name: ClassVar = "pulse-soft-bounds"
    free: ClassVar = (*STEPS, *BOUNDS)
    search: ClassVar = SEARCH
    device: PulseCell = eqx.field(default_factory=lambda: _cell(SoftBounds()))


class SoftBoundsConductances(ConductanceTrace):
    """A trace in siemens of steps that vanish at the bounds.

    Equations: dw = s (1 - w / b); the rest as `ConductanceTrace`.
    Source: that of `SoftBounds`.
    Valid: as the law.
    """

    name: ClassVar = "pulse-soft-bounds-siemens"
    free: ClassVar = (*STEPS, *RANGE)
    search: ClassVar = SEARCH
    device: PulseCell = eqx.field(default_factory=lambda: _cell(SoftBounds()))


class SoftBoundsReferenceWeights(WeightTrace):
    """A trace in arbitrary units of steps that vanish at the bounds, less a reference at the symmetry point.

    Equations: as `SoftBoundsReference`; the rest as `WeightTrace`.
    Source: that of `SoftBoundsReference`.
    Valid: as the law; since the reference hides it, the asymmetry stays as it is set.
    """

    name: ClassVar = "pulse-soft-bounds-reference"
    free: ClassVar = ("start", "device.step", *BOUNDS)
    search: ClassVar = SEARCH
    device: PulseCell = eqx.field(default_factory=lambda: _cell(SoftBoundsReference()))


class SoftBoundsReferenceConductances(ConductanceTrace):
    """A trace in siemens of steps that vanish at the bounds, less a reference at the symmetry point.

    Equations: as `SoftBoundsReference`; the rest as `ConductanceTrace`.
    Source: that of `SoftBoundsReference`.
    Valid: as the law; since the reference hides it, the asymmetry stays as it is set.
    """

    name: ClassVar = "pulse-soft-bounds-reference-siemens"
    free: ClassVar = ("start", "device.step", *RANGE)
    search: ClassVar = SEARCH
    device: PulseCell = eqx.field(default_factory=lambda: _cell(SoftBoundsReference()))


class PowStepWeights(WeightTrace):
    """A trace in arbitrary units of steps that are a power of the distance to the bound.

    Equations: dw = s (distance / range)^gamma; the rest as `WeightTrace`.
    Source: that of `PowStep`.
    Valid: as the law.
    """

    name: ClassVar = "pulse-power"
    free: ClassVar = (*STEPS, *BOUNDS, *EXPONENTS)
    search: ClassVar = EXPONENT_SEARCH
    device: PulseCell = eqx.field(default_factory=lambda: _cell(PowStep()))


class PowStepConductances(ConductanceTrace):
    """A trace in siemens of steps that are a power of the distance to the bound.

    Equations: dw = s (distance / range)^gamma; the rest as `ConductanceTrace`.
    Source: that of `PowStep`.
    Valid: as the law.
    """

    name: ClassVar = "pulse-power-siemens"
    free: ClassVar = (*STEPS, *RANGE, *EXPONENTS)
    search: ClassVar = EXPONENT_SEARCH
    device: PulseCell = eqx.field(default_factory=lambda: _cell(PowStep()))


class ExpStepWeights(WeightTrace):
    """A trace in arbitrary units of steps that fall exponentially with the weight.

    Equations: dw = s max(0, 1 - A exp(+-gamma 2 w / range)); the rest as `WeightTrace`.
    Source: that of `ExpStep`.
    Valid: the bounds only scale the exponents: set them to what the trace spans.
    """

    name: ClassVar = "pulse-exponential"
    free: ClassVar = (*STEPS, *EXPONENTIALS)
    search: ClassVar = EXPONENTIAL_SEARCH
    device: PulseCell = eqx.field(default_factory=lambda: _cell(ExpStep(scale=1.0, shift=0.0)))


class ExpStepConductances(ConductanceTrace):
    """A trace in siemens of steps that fall exponentially with the weight.

    Equations: dw = s max(0, 1 - A exp(+-gamma 2 w / range)); the rest as `ConductanceTrace`.
    Source: that of `ExpStep`.
    Valid: the bounds only scale the exponents: set them to what the trace spans.
    """

    name: ClassVar = "pulse-exponential-siemens"
    free: ClassVar = (*STEPS, *EXPONENTIALS)
    search: ClassVar = EXPONENTIAL_SEARCH
    device: PulseCell = eqx.field(default_factory=lambda: _cell(ExpStep(scale=1.0, shift=0.0)))


class PiecewiseStepWeights(WeightTrace):
    """A trace in arbitrary units of steps between measured multipliers, five in each direction.

    Equations: dw = s m(u), m piecewise linear over the range; `up_0` to `up_4` and `down_0` to `down_4` name the
    multipliers one by one; the rest as `WeightTrace`.
    Source: that of `PiecewiseStep`.
    Valid: the multipliers carry the size of the step, which stays; the bounds are what the trace spans.
    """

    name: ClassVar = "pulse-piecewise"
    free: ClassVar = ("start", *MULTIPLIERS)
    search: ClassVar = MULTIPLIER_SEARCH
    derived: ClassVar = _nodes("up") | _nodes("down")
    device: PulseCell = eqx.field(default_factory=lambda: _cell(PiecewiseStep((1.0,) * NODES, (1.0,) * NODES)))


class PiecewiseStepConductances(ConductanceTrace):
    """A trace in siemens of steps between measured multipliers, five in each direction.

    Equations: dw = s m(u), m piecewise linear over the range; `up_0` to `up_4` and `down_0` to `down_4` name the
    multipliers one by one; the rest as `ConductanceTrace`.
    Source: that of `PiecewiseStep`.
    Valid: the multipliers carry the size of the step, which stays; the bounds are what the trace spans.
    """

    name: ClassVar = "pulse-piecewise-siemens"
    free: ClassVar = ("start", *MULTIPLIERS)
    search: ClassVar = MULTIPLIER_SEARCH
    derived: ClassVar = _nodes("up") | _nodes("down")
    device: PulseCell = eqx.field(default_factory=lambda: _cell(PiecewiseStep((1.0,) * NODES, (1.0,) * NODES)))


class OneSidedTrace(Bench):
    """The weight of a pair of cells that only grow, from a reset: pulses up go to one, pulses down to the other.

    Equations: h+ = pulse(h+) at a pulse up, h- = pulse(h-) at a pulse down, both from their rest weight; y = offset +
    scale (h+ - h-).
    Source: Boybat et al., Nat. Commun. 9, 2514 (2018).
    Valid: until one cell is full and the pair needs a refresh.
    """

    name: ClassVar = "pulse-one-sided-pair"
    inputs: ClassVar = PULSE
    output: ClassVar = Axis("1", "weight of the pair after the pulse")
    free: ClassVar = ("device.plus.step", "device.minus.step", "device.plus.law.gamma_up", "device.minus.law.gamma_up")
    search: ClassVar = {
        "device.plus.step": Search(1e-4, 0.1, logarithmic=True),
        "device.minus.step": Search(1e-4, 0.1, logarithmic=True),
        "device.plus.law.gamma_up": Search(0.3, 5.0),
        "device.minus.law.gamma_up": Search(0.3, 5.0),
        "scale": Search(0.1, 10.0, logarithmic=True),
        "offset": Search(-1.0, 1.0),
    }
    device: OneSidedPair = eqx.field(default_factory=lambda: OneSidedPair.preset("pcm", ()))
    scale: Array = parameter(1.0, unit="1", bounds=(1e-12, None), doc="reading per weight")
    offset: Array = parameter(0.0, unit="1", doc="reading at weight 0")

    def predict(self, inputs):
        """The difference of both cells after each pulse."""

        def one(weights, sign):
            plus, minus = weights
            up = _at(self.device.plus, plus).pulse(jnp.array(True), jnp.zeros_like(plus))
            down = _at(self.device.minus, minus).pulse(jnp.array(True), jnp.zeros_like(minus))
            now = jnp.where(sign > 0, up, plus), jnp.where(sign < 0, down, minus)
            return now, now[0] - now[1]

        rest = lambda cell: (cell.rest_weight + 0 * cell.hidden).astype(cell.hidden.dtype)
        first = rest(self.device.plus), rest(self.device.minus)
        return self.offset + self.scale * jax.lax.scan(one, first, inputs["pulse"])[1]


def _at(cell: PulseCell, hidden: Array) -> PulseCell:
    return eqx.tree_at(lambda cell: cell.hidden, cell, hidden)
