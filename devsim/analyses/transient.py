"""The transient: a circuit over time."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.analyses.operating_point import checked_inputs, diagnosis, operating_point
from devsim.analyses.start import moved, settled
from devsim.analyses.transient_checks import METHODS, check_start, checked_method, checked_names, checked_steps, positive
from devsim.check import InputError, SolveError
from devsim.circuit import Circuit
from devsim.compile import Plan, plan_of
from devsim.stepping import implicit
from devsim.stepping.adaptive import adaptive_run, check_adaptive, checked_tolerance
from devsim.stepping.fixed import Run, fixed_run
from devsim.stepping.memory import resolved
from devsim.trajectory import Trajectory
from devsim.waveform import Waveform

MOST_STEPS = 4_000_000
"""Of a refined run."""
MOST_FAILURES = 2
"""Divisions of the step after which one that does not converge is given up."""

__all__ = ["METHODS", "MOST_STEPS", "refined", "transient"]


def transient(
    circuit: Circuit,
    inputs: Mapping[str, Any] | None = None,
    *,
    duration: float,
    step: float,
    method: Any = None,
    key: Key[Array, ""] | None = None,
    keep: Sequence[str] | None = None,
    every: int = 1,
    initial: Mapping[str, float] | None = None,
    start: Trajectory | None = None,
    longest_delay: float | None = None,
    tolerance: float | None = None,
) -> Trajectory:
    """The circuit from its operating point on, `duration` seconds in steps of `step` seconds.

    The steps are as given: an edge of a waveform between two of them counts as a ramp over the whole step, so that its error
    is of first order; `refined` divides the steps until the answer no longer changes.

    inputs: for every named input a value, or a `devsim.waveform.Waveform`. method: one of `METHODS`, or a diffrax solver
    for adaptive steps; by default split steps where parts' own states are all that is stored and there is no loop, else
    implicit ones: tr_bdf2, which does not ring after jumps, where parts have events, the trapezoidal rule elsewhere.
    key: draws the noise of all parts where given; halving the step keeps the same noise, any other change of the number of
    steps draws another one. keep: names of nets and `part.unknown`s to keep, all nets by default. every: how many steps from
    one kept time to the next; reverse-mode derivatives then store about as much as is kept. initial: potentials (V) of nets
    at the start, held there while the rest of the circuit settles. start: a run to be continued. longest_delay: s, needed
    only where delays are traced. tolerance: relative error of an adaptive step, 1e-8 unless given (the absolute one is a
    hundredth of it, in units of each unknown's scale); no such step is longer than `step`, so that none misses a pulse.

    Delays of at least one step are resolved; shorter ones act at once, or, beside a longer one of a like part, after one
    step. Events of a step show in what is kept of it, their effects from the next one on; there are none before the start.

    A pure function, to be jitted, differentiated and vmapped over circuits, inputs and keys; `duration`, `step` and what
    is kept are fixed. Raises InputError for what cannot be run. Where a step does not converge it raises SolveError,
    whose `solution` holds what was computed so far; inside a transformation the values from there on are NaN.
    """
    options = {"method": method, "key": key, "keep": keep, "every": every, "initial": initial, "start": start}
    return _reported(_found(circuit, inputs, duration, step, longest_delay=longest_delay, tolerance=tolerance, **options))


def _found(
    circuit: Circuit,
    inputs: Mapping[str, Any] | None,
    duration: float,
    step: float,
    *,
    method: Any = None,
    key: Any = None,
    keep: Sequence[str] | None = None,
    every: int = 1,
    initial: Mapping[str, float] | None = None,
    start: Trajectory | None = None,
    longest_delay: float | None = None,
    tolerance: float | None = None,
    divisions: int | None = None,
) -> Trajectory:
    """The run, whether or not it succeeded; every step divided into `divisions`."""
    circuit.check_single()
    circuit.check_carrier()
    steps = checked_steps(duration, step, every)
    constant, waves = _split_inputs(circuit, inputs)
    if key is not None:
        check.key(key)
    if longest_delay is not None:
        positive("longest_delay", longest_delay)
    step = step / (divisions or 1)
    late, depth = resolved(plan_of(circuit), circuit.groups, step, longest_delay)
    names = checked_names(circuit, keep)
    adaptive = method is not None and not isinstance(method, str)
    tolerance = checked_tolerance(tolerance, adaptive)
    chosen = "diffrax" if adaptive else checked_method(circuit, method, late)
    plan = plan_of(circuit, "implicit" if chosen in implicit.METHODS else "explicit", late)
    if start is None:
        begin = _first(circuit, constant, initial, plan)
    else:
        check_start(start, initial, plan, chosen, step)
        begin = start.state
    run, h = Run(plan, chosen, names, steps, every, depth), jnp.asarray(step, float)
    if adaptive:
        check_adaptive(plan, method, key)
        return adaptive_run(circuit, constant, waves, begin, h, method, jnp.asarray(tolerance), run)
    return fixed_run(circuit, constant, waves, begin, h, key, run, None if divisions is None else jnp.asarray(divisions))


def refined(
    circuit: Circuit,
    inputs: Mapping[str, Any] | None = None,
    *,
    duration: float,
    step: float,
    tolerance: float,
    **options: Any,
) -> tuple[Trajectory, int, float]:
    """A transient whose every step is divided further until its answer no longer changes.

    tolerance: by how much a division by four more may still change what is kept, relative to the swing of each net (of
    nets that hardly move, to 1/1000 of the largest). options: as of `transient`, without `key` and `start`. Returns the
    trajectory, into how many each step was divided, and the last change; above the tolerance where `MOST_STEPS` steps were
    not enough. It looks at numbers, so that it cannot be transformed. Raises as `transient` does.
    """
    positive("tolerance", tolerance)
    for name in ("key", "start"):
        if options.get(name) is not None:
            raise InputError(f"`{name}` must not be given to a refined transient: noise has no limit, and a start one step.")
    if not isinstance(options.get("method"), str | None):
        raise InputError("`method` of a refined transient must be a name: a solver of diffrax chooses its steps itself.")
    before, change, divisions, failures = None, math.inf, 1, 0
    while True:
        found = _found(circuit, inputs, duration, step, divisions=divisions, **options)
        fails = bool(np.asarray(found.status).any())
        failures += fails
        if before is not None and not fails:
            change = _change(before, found)
        last = 4 * divisions * duration / step > MOST_STEPS or failures > MOST_FAILURES
        if change <= tolerance or last:
            return _reported(found), divisions, change
        before, divisions = None if fails else found, 4 * divisions


def _change(before: Trajectory, after: Trajectory) -> float:
    """The largest difference between two runs, relative to the swing of each of the kept values."""
    swings, moved_by = {}, {}
    for name, value in after.values.items():
        one, other = np.asarray(before.values[name]), np.asarray(value)
        swings[name] = float(np.max(np.abs(other - other[:1])))
        moved_by[name] = float(np.max(np.abs(other - one)))
    floor = 1e-3 * max(swings.values(), default=0.0)
    return max((moved_by[name] / max(swing, floor) for name, swing in swings.items() if max(swing, floor) > 0), default=0.0)


def _split_inputs(circuit: Circuit, inputs: Mapping[str, Any] | None) -> tuple[dict[str, Array], dict[str, Any]]:
    """Values at time zero, and the waveforms among the inputs."""
    check.mapping("inputs", {} if inputs is None else inputs, "the names of the circuit's inputs to values and waveforms")
    given = dict(inputs or {})
    told = {name: value(0.0) if isinstance(value, Waveform) else value for name, value in given.items()}
    return checked_inputs(circuit, told), {n: v if isinstance(v, Waveform) else None for n, v in given.items()}


def _first(circuit: Circuit, constant: dict[str, Array], initial: Mapping[str, float] | None, plan: Plan) -> list[Array] | None:
    """Everything at time zero, in the layout of `plan`; None where that is what follows from the unknowns at rest."""
    if initial is None and _follows_from_rest(plan):
        return None
    if initial is None:
        solution = operating_point(circuit, constant)
    else:
        solution = settled(circuit, constant, initial)
        if check.is_concrete(solution.status) and np.asarray(solution.status).any():
            held = ", ".join(f"`{net}`" for net in initial)
            raise SolveError(
                f"The start of the transient failed while `initial` held {held} (a source may hold one of them too):"
                f" {diagnosis(circuit, solution)}"
            )
    return moved(solution.plan, solution.segments, plan, circuit.groups)


def _follows_from_rest(plan: Plan) -> bool:
    """True where nothing settles and nothing is solved, so that an operating point would only evaluate in order."""
    explicit = plan.graph.mode == "explicit" and not any(step.implicit for step in plan.steps)
    return explicit and not plan.graph.late and not any(outline.settling for outline in plan.outlines)


def _reported(found: Trajectory) -> Trajectory:
    """The trajectory, or SolveError with it where a step failed."""
    if not all(check.is_concrete(leaf) for leaf in (found.status, *found.values.values())):
        return found
    if not all(check.is_concrete(leaf) for leaf in jax.tree.leaves(found.state)):
        return found
    if np.asarray(found.status).any():
        raise SolveError(f"The transient failed: {found.words()}; {_advice(found)}.", solution=found)
    for name, value in found.values.items():
        bad = ~np.isfinite(np.asarray(value)).reshape(len(found.time), -1).all(axis=1)
        if bad.any():
            t = float(found.time[int(np.argmax(bad))])
            raise SolveError(
                f"The transient failed: `{name}` is no longer finite at t = {t:.6g} s; {_advice(found)} or an implicit method.",
                solution=found,
            )
    if lost := found.not_finite():
        raise SolveError(
            f"The transient failed: {lost} is no longer finite at the end; {_advice(found)} or an implicit method.",
            solution=found,
        )
    return found


def _advice(found: Trajectory) -> str:
    return "give a larger `tolerance`, or take a fixed step" if found.method == "diffrax" else "take a smaller `step`"
