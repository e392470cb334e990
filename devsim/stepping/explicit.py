"""Explicit and split steps, for circuits whose stored quantities are their own states."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.compile import Given, evaluate
from devsim.layout import REST_SEGMENT
from devsim.newton import Outcome
from devsim.smooth import mean_exponential
from devsim.stepping.frame import Failure, Frame, first_failure
from devsim.stepping.memory import Events, memory_of
from devsim.stepping.noise_path import PathState

METHODS = ("euler", "heun", "rk4", "split")


class ExplicitState(NamedTuple):
    """n: step. rest: the segment of unknowns. segments: everything at this step, where a step needs it."""

    n: Array
    rest: Array
    segments: list[Array] | None
    history: Any
    noise: PathState | None
    failure: Failure


class Explicit:
    """Steps of one scheme over a frame.

    euler: order 1. heun: the trapezoid predicted by Euler, order 2. rk4: the classical scheme of Runge and Kutta, order 4.
    split: every stored unknown relaxes exactly at its own rate while the others act on it at the midpoint, order 2 and
    stable for quick relaxation (the exponential midpoint rule, Hochbruck and Ostermann, Acta Numerica 19, 209 (2010)).
    With noise, which is constant over a step and as strong as at its start: in the sense of Ito, Euler-Maruyama and its like.
    """

    def __init__(self, frame: Frame, method: str):
        self.frame, self.method = frame, method
        self.memory, self.events = memory_of(frame.plan), Events(frame.plan)
        sources = frame.sources.sources if frame.sources else []
        places = [place for source in sources for place in (source.into, source.out_of) if place is not None]
        noisy = any((place.segment > REST_SEGMENT).any() for place in places)
        loops = any(step.implicit for step in frame.plan.steps)
        self.eventful = bool(self.events or frame.delays or noisy or loops)

    def start(self, segments: list[Array], noise: PathState | None) -> ExplicitState:
        """Before the first step: `segments` at time zero, whose events happen there."""
        frame = self.frame
        history = frame.delays.start(frame.groups, segments, frame.step) if frame.delays else None
        kept = segments if self.eventful else None
        rest = self.events.happen(frame.groups, segments, jnp.zeros(()))[REST_SEGMENT]
        return ExplicitState(jnp.zeros((), int), rest, kept, history, noise, Failure.none())

    def resume(self, state: ExplicitState, noise: PathState | None) -> ExplicitState:
        """On from where an earlier run ended."""
        return state._replace(noise=noise)

    def segments(self, state: ExplicitState) -> list[Array]:
        """Everything at the state's time."""
        if state.segments is not None:
            return state.segments
        return self._evaluate(state, state.rest, 0.0, {})[0]

    def advance(self, state: ExplicitState) -> ExplicitState:
        """One step."""
        frame = self.frame
        noise, injected = state.noise, {}
        if noise is not None:
            noise, injected = frame.noise_of_step(noise, state.n, self.segments(state))
        rest = self._advanced(state, injected)
        if not self.eventful:
            return state._replace(n=state.n + 1, rest=rest, noise=noise)
        segments, outcomes = self._evaluate(state, rest, 1.0, injected)
        failure = first_failure(state.failure, state.n + 1, outcomes)
        n, t, history = state.n + 1, (state.n + 1) * frame.step, state.history
        if frame.delays:
            history = frame.delays.push(history, n, frame.groups, segments, t)
        rest = self.events.happen(frame.groups, segments, t)[REST_SEGMENT] if self.events else segments[REST_SEGMENT]
        return ExplicitState(n, rest, segments, history, noise, failure)

    def _evaluate(self, state: ExplicitState, rest: Array, ahead: float, injected: dict) -> tuple[list[Array], list[Outcome]]:
        """Everything at `ahead` steps after the state's, at given stored unknowns."""
        frame = self.frame
        if frame.delays:
            rest = frame.delays.arrived(state.history, state.n, ahead, rest)
        t = (state.n + ahead) * frame.step
        told = Given(frame.inputs(t), rest, frame.scales, t, injected, state.segments)
        return evaluate(frame.plan, frame.groups, told)

    def _advanced(self, state: ExplicitState, injected: dict) -> Array:
        """The stored unknowns one step later."""
        h, m = self.frame.step, state.rest
        kick = injected.get(REST_SEGMENT, 0.0)

        def rate(m: Array, ahead: float) -> Array:
            segments, _ = self._evaluate(state, m, ahead, injected)
            return _once(state.n, self.memory.rates(self.frame.groups, segments, (state.n + ahead) * h, kick))

        first = rate(m, 0.0)
        if self.method == "euler":
            return m + h * first
        if self.method == "heun":
            return m + h / 2 * (first + rate(m + h * first, 1.0))
        if self.method == "rk4":
            second = rate(m + h / 2 * first, 0.5)
            third = rate(m + h / 2 * second, 0.5)
            return m + h / 6 * (first + 2 * second + 2 * third + rate(m + h * third, 1.0))
        own = self._own_rate(state, m, injected)
        middle = m + h / 2 * mean_exponential(h / 2 * own) * first
        return m + h * mean_exponential(h * own) * (rate(middle, 0.5) + own * (m - middle))

    def _own_rate(self, state: ExplicitState, m: Array, injected: dict) -> Array:
        """How quickly every stored unknown changes its own rate, all that its part is told held, 1/s.

        Of an array of like unknowns, the sum of what all of them change: exact where each has an equation of its own.
        """
        segments, _ = self._evaluate(state, m, 0.0, injected)
        before, rest, after = segments[:REST_SEGMENT], segments[REST_SEGMENT], segments[REST_SEGMENT + 1 :]
        t = state.n * self.frame.step
        alone = lambda m: self.memory.rates(self.frame.groups, [*before, m, *after], t)
        own = jnp.zeros_like(m)
        for places in self.memory.kinds():
            chosen = jnp.zeros_like(m).at[places].set(1.0)
            own += chosen * jax.jvp(alone, (rest,), (chosen,))[1]
        return _once(state.n, own)


def _once(n: Array, value: Array) -> Array:
    """The value, behind a condition that always holds.

    Else the compiler fuses the stages of a step and evaluates the first one again for every reader of the second, which
    takes twice as long.
    """
    return jax.lax.cond(n >= 0, lambda value: value, jnp.zeros_like, value)
