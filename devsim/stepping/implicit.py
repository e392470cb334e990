"""Implicit steps, for circuits with charges at nets and loops: Newton in scaled unknowns with a Jacobian kept for long."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.compile import Task, Weights
from devsim.layout import REST_SEGMENT
from devsim.newton import Kept, Outcome, nothing_kept
from devsim.stepping.frame import Failure, Frame, first_failure
from devsim.stepping.memory import Events
from devsim.stepping.noise_path import PathState

METHODS = ("trapezoidal", "backward_euler", "tr_bdf2")
_GAMMA = 2 - math.sqrt(2)
"""Where within a step the trapezoidal part of TR-BDF2 ends: both parts then have one Jacobian."""


class ImplicitState(NamedTuple):
    """n: step. segments: all values. seen: those before the events of the step, None where there are none. sides: static
    and stored side of every loop's equations there. kept: Jacobians."""

    n: Array
    segments: list[Array]
    seen: list[Array] | None
    sides: list[tuple[Array, Array]]
    kept: list[Kept]
    history: Any
    noise: PathState | None
    failure: Failure


class Implicit:
    """Steps of one scheme over a frame.

    For F + dQ/dt = 0, Q stored, F the rest; equations without Q hold at the end of the step.
    trapezoidal: Q1 - Q0 + h/2 (F1 + F0) = 0, order 2; does not damp what is much quicker than the step: the current of a
      source across a capacitor, and a capacitor that a switch discharges, ring after an edge, where tr_bdf2 does not. With
      noise currents between nets it gives kT/C exactly at any step; noise in an equation without Q (that of a source with
      resistance) has an error of first order in the step.
    backward_euler: Q1 - Q0 + h F1 = 0, order 1, damps.
    tr_bdf2: a trapezoidal step to (2 - sqrt 2) h and a backward difference to h, order 2, damps (Bank et al., IEEE Trans.
      Comput.-Aided Des. 4, 436 (1985)).
    """

    def __init__(self, frame: Frame, method: str):
        self.frame, self.method = frame, method
        self.events = Events(frame.plan)
        self.loops = [step for step in frame.plan.steps if step.implicit]
        self.dynamic = [jnp.asarray(step.dynamic) for step in self.loops]

    def start(self, segments: list[Array], noise: PathState | None) -> ImplicitState:
        """Before the first step: `segments` at time zero, whose events happen there."""
        frame, zero = self.frame, jnp.zeros(())
        history = frame.delays.start(frame.groups, segments, frame.step) if frame.delays else None
        self.find_dynamic(segments)
        seen = segments if self.events else None
        after = self.events.happen(frame.groups, segments, zero)
        kept = [nothing_kept(step.size, step.blocks) for step in self.loops]
        return ImplicitState(jnp.zeros((), int), after, seen, self._sides(after, zero), kept, history, noise, Failure.none())

    def resume(self, state: ImplicitState, noise: PathState | None) -> ImplicitState:
        """On from where an earlier run ended."""
        self.find_dynamic(state.segments)
        return state._replace(noise=noise)

    def find_dynamic(self, segments: list[Array]) -> None:
        """Which equations really hold a rate of change: a capacitance or time constant of zero makes them algebraic.

        What is stored is asked whether it changes when all values change, each by a number of its own.
        """
        wiggle = [jnp.sin(1.0 + 1.7 * jnp.arange(segment.shape[0]) + k) for k, segment in enumerate(segments)]
        self.dynamic = []
        for step in self.loops:
            stop = step.segment + 1
            stored = lambda *values, step=step: step.balance(self.frame.groups, list(values), 0.0)[1]
            _, change = jax.jvp(stored, tuple(segments[:stop]), tuple(wiggle[:stop]))
            self.dynamic.append(step.dynamic & (change != 0))

    def segments(self, state: ImplicitState) -> list[Array]:
        """Everything at the state's time, as it is before the events there."""
        return state.segments if state.seen is None else state.seen

    def advance(self, state: ImplicitState) -> ImplicitState:
        """One step."""
        frame = self.frame
        noise, injected = state.noise, {}
        if noise is not None:
            noise, injected = frame.noise_of_step(noise, state.n, state.segments)
        h = frame.step
        if self.method == "tr_bdf2":
            first = self._solved(state, _GAMMA, injected, _trapezoidal(_GAMMA * h))
            between = self._sides(first[0], (state.n + _GAMMA) * h)
            state = state._replace(kept=first[2], failure=first_failure(state.failure, state.n + 1, first[1]))
            segments, outcomes, kept = self._solved(state, 1.0, injected, _backward(h, between), first[0])
        else:
            rule = _trapezoidal(h) if self.method == "trapezoidal" else _euler(h)
            segments, outcomes, kept = self._solved(state, 1.0, injected, rule)
        failure = first_failure(state.failure, state.n + 1, outcomes)
        n, t, history = state.n + 1, (state.n + 1) * h, state.history
        if frame.delays:
            history = frame.delays.push(history, n, frame.groups, segments, t)
        after = self.events.happen(frame.groups, segments, t) if self.events else segments
        seen = segments if self.events else None
        return ImplicitState(n, after, seen, self._sides(after, t), kept, history, noise, failure)

    def _sides(self, segments: list[Array], t: Array) -> list[tuple[Array, Array]]:
        return [step.balance(self.frame.groups, segments[: step.segment + 1], t) for step in self.loops]

    def _solved(self, state: ImplicitState, ahead: float, injected: dict, rule, guess: list[Array] | None = None):
        """All values `ahead` steps after the state's: (segments, outcomes, kept Jacobians)."""
        frame = self.frame
        t, guess = (state.n + ahead) * frame.step, state.segments if guess is None else guess
        rest = state.segments[REST_SEGMENT]
        if frame.delays:
            rest = frame.delays.arrived(state.history, state.n, ahead, rest)
        segments: list[Array] = [state.segments[0], frame.inputs(t), rest]
        outcomes: list[Outcome] = []
        keeps: list[Kept] = []
        for step in frame.plan.steps:
            noise = injected.get(step.segment)
            if not step.implicit:
                segments.append(step.values(frame.groups, segments, t, noise))
                continue
            loop = len(outcomes)
            weights = rule(self.dynamic[loop], state.sides[loop], loop, 0.0 if noise is None else noise)
            task = Task(frame.groups, segments, t, weights)
            _, scale = step.start(segments, frame.scales)
            values, outcome, kept = step.solve(task, guess[step.segment], scale, state.kept[loop])
            segments = [*segments, values]
            outcomes.append(outcome)
            keeps.append(kept)
        return segments, outcomes, keeps


def _weights(dynamic: Array, static: Array | float, past: Array, noise: Array | float) -> Weights:
    """Q1 + `static` F1 + `past` = 0 where something is stored, F1 + noise = 0 elsewhere."""
    stored = dynamic.astype(past.dtype)
    offset = jnp.where(dynamic, past + static * noise, noise)
    return Weights(jnp.where(dynamic, static, 1.0), stored, jnp.zeros_like(past), offset)


def _trapezoidal(h: Array):
    def rule(dynamic, sides, loop, noise):
        f, q = sides
        return _weights(dynamic, h / 2, h / 2 * (f + noise) - q, noise)

    return rule


def _euler(h: Array):
    return lambda dynamic, sides, loop, noise: _weights(dynamic, h, -sides[1], noise)


def _backward(h: Array, between: list):
    """The second part of TR-BDF2: Q1 - Q0 - (Q_g - Q0) / (g (2 - g)) + h (1 - g) / (2 - g) F1 = 0.

    Written so that what does not change stays the same number: events look at stored times and flags.
    """
    g = _GAMMA

    def rule(dynamic, sides, loop, noise):
        before = sides[1]
        past = -before - (between[loop][1] - before) / (g * (2 - g))
        return _weights(dynamic, h * (1 - g) / (2 - g), past, noise)

    return rule
