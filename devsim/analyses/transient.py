"""The transient: a circuit over time."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.analyses.operating_point import checked_inputs, diagnosis, operating_point
from devsim.analyses.start import moved, settled
from devsim.check import InputError, SolveError
from devsim.circuit import Circuit
from devsim.compile import Plan, at_rest, input_segment, plan_of
from devsim.noise import NoiseSources
from devsim.stepping import explicit, implicit, schedule
from devsim.stepping.explicit import Explicit
from devsim.stepping.frame import Frame
from devsim.stepping.implicit import Implicit
from devsim.stepping.memory import Delays, resolved
from devsim.stepping.noise_path import NoisePath
from devsim.trajectory import UNITS, Trajectory
from devsim.waveform import Waveform

METHODS = (*explicit.METHODS, *implicit.METHODS)


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
) -> Trajectory:
    """The circuit from its operating point on, `duration` seconds in steps of `step` seconds.

    inputs: for every named input a value, or a `devsim.waveform.Waveform`. method: one of `METHODS`, or a diffrax solver
    for adaptive steps; by default Heun's explicit steps where everything stored is a part's own state and there is no
    loop, else the implicit trapezoidal rule. key: draws the noise of all parts where given; halving the step keeps the
    same noise. keep: names of nets and `part.unknown`s to keep, all nets by default. every: how many steps from one kept
    time to the next; reverse-mode derivatives then store about as much as is kept. initial: potentials (V) of nets at the
    start, held there while the rest of the circuit settles. start: a run to be continued. longest_delay: s, needed only
    where delays are traced. Delays of at least one step are resolved; shorter ones act at once.

    A pure function, to be jitted, differentiated and vmapped over circuits, inputs and keys; `duration`, `step` and what
    is kept are fixed. Raises InputError for what cannot be run. Where a step does not converge it raises SolveError,
    whose `solution` holds what was computed so far; inside a transformation the values from there on are NaN.
    """
    circuit.check_single()
    circuit.check_carrier()
    steps = _checked_steps(duration, step, every)
    inputs = {} if inputs is None else dict(inputs)
    check.mapping("inputs", inputs, "the names of the circuit's inputs to values and waveforms")
    told = {name: value(0.0) if isinstance(value, Waveform) else value for name, value in inputs.items()}
    waves = {n: v if isinstance(v, Waveform) else None for n, v in inputs.items()}
    constant = checked_inputs(circuit, told)
    if key is not None:
        check.key(key)
    late, depth = resolved(plan_of(circuit), circuit.groups, step, longest_delay)
    names = _checked_names(circuit, keep)
    adaptive = method is not None and not isinstance(method, str)
    chosen = "diffrax" if adaptive else _checked_method(circuit, method, late)
    mode = "implicit" if chosen in implicit.METHODS else "explicit"
    plan = plan_of(circuit, mode, late)
    if start is None:
        segments = _first(circuit, constant, initial, plan)
    elif initial is not None:
        raise InputError("`start` and `initial` must not both be given: a continued run starts where the other ended.")
    elif start.method != chosen:
        raise InputError(f"`start` must come from a run with the method {chosen}, but it is from {start.method}.")
    else:
        segments = None
    if adaptive:
        from devsim.stepping.adaptive import adaptive_run

        found = adaptive_run(circuit, plan, segments, constant, waves, method, step, steps, every, names, key, late)
    else:
        run = _Run(plan, chosen, names, steps, every, depth)
        begin = start.state if start is not None else segments
        found = _stepped(circuit, constant, waves, begin, jnp.asarray(step, float), key, run)
    return _reported(found)


class _Run(eqx.Module):
    """What a compiled run is compiled for."""

    plan: Plan = eqx.field(static=True)
    method: str = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    every: int = eqx.field(static=True)
    depth: int = eqx.field(static=True)


@eqx.filter_jit
def _stepped(circuit: Circuit, constant: dict, waves: dict, begin: Any, step: Array, key: Any, run: _Run) -> Trajectory:
    plan, groups = run.plan, circuit.groups

    def inputs(t: Array) -> Array:
        values = {n: constant[n] if w is None else jnp.asarray(w(t)).astype(constant[n].dtype) for n, w in waves.items()}
        return input_segment(plan, {n: jnp.broadcast_to(v, constant[n].shape) for n, v in values.items()})

    sources = NoiseSources(plan) if key is not None else None
    path = NoisePath(sources, key, run.steps, step) if sources is not None and sources.sources else None
    delays = Delays(plan, run.depth) if plan.graph.late else None
    frame = Frame(plan, groups, inputs, at_rest(plan, groups)[1], step, delays, sources, path)
    scheme = (Implicit if run.method in implicit.METHODS else Explicit)(frame, run.method)
    state = scheme.start(begin, path.start() if path else None) if isinstance(begin, list) else begin
    origin = state.n

    def record(state) -> dict[str, Array]:
        segments = scheme.segments(state)
        return {name: value_of(plan, segments, name) for name in run.names}

    blocks = run.steps // run.every
    state, values = schedule.run(scheme.advance, record, state, blocks=blocks, every=run.every)
    time = (origin + jnp.arange(blocks + 1) * run.every) * step
    failure = state.failure
    labels = tuple(each.names for each in plan.steps if each.implicit)
    units = {name: _unit(plan, name) for name in run.names}
    where = jnp.stack([failure.loop, failure.worst])
    return Trajectory(time, values, failure.status, failure.step, where, state, step, units, run.method, labels)


def value_of(plan: Plan, segments: list[Array], name: str) -> Array:
    """The value of a net or of a `part.unknown`."""
    ports = plan.netlist.net_ports()
    if name in ports:
        slot, port = plan.slot(name), ports[name]
    else:
        part, unknown = name.rsplit(".", 1)
        slot, port = plan.slots.get(("unknown", part, unknown)), plan.graph.outline(part).unknowns[unknown]
    return slot.read(segments) if slot else jnp.zeros(port.shape, complex if port.is_complex else float)


def _unit(plan: Plan, name: str) -> str:
    port = plan.netlist.net_ports().get(name)
    return UNITS[port.domain] if port else "1"


def _first(circuit: Circuit, constant: dict[str, Array], initial: Mapping[str, float] | None, plan: Plan) -> list[Array]:
    """Everything at time zero, in the layout of `plan`."""
    if initial is None:
        solution = operating_point(circuit, constant)
    else:
        solution = settled(circuit, constant, initial)
        if check.is_concrete(solution.status) and np.asarray(solution.status).any():
            raise SolveError(f"The start of the transient failed: {diagnosis(circuit, constant, solution)}")
    return moved(solution.plan, solution.segments, plan, circuit.groups)


def _reported(found: Trajectory) -> Trajectory:
    """The trajectory, or SolveError with it where a step failed."""
    if not all(check.is_concrete(leaf) for leaf in (found.status, *found.values.values())):
        return found
    if np.asarray(found.status).any():
        raise SolveError(f"The transient failed: {found.words()}; take a smaller `step`.", solution=found)
    for name, value in found.values.items():
        bad = ~np.isfinite(np.asarray(value)).reshape(len(found.time), -1).all(axis=1)
        if bad.any():
            t = float(found.time[int(np.argmax(bad))])
            raise SolveError(
                f"The transient failed: `{name}` is no longer finite at t = {t:.6g} s; take a smaller `step` or an implicit"
                " method.",
                solution=found,
            )
    return found


def _checked_steps(duration: Any, step: Any, every: int) -> int:
    for name, value in (("duration", duration), ("step", step)):
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < math.inf:
            raise InputError(f"`{name}` must be a number above 0 s, but is {check.described(value)}.")
    check.whole("every", every, 1)
    steps = round(duration / step)
    if steps < 1 or abs(steps * step - duration) > 1e-6 * step * max(1.0, steps * 1e-6):
        raise InputError(
            f"`duration` must be a whole number of steps of {step:g} s, but {duration:g} s is {duration / step:.9g}."
        )
    if steps % every:
        raise InputError(f"`every` must divide the {steps} steps of the run, but is {every}.")
    return steps


def _checked_names(circuit: Circuit, keep: Sequence[str] | None) -> tuple[str, ...]:
    nets = circuit.netlist.net_ports()
    if keep is None:
        return tuple(nets)
    if isinstance(keep, str) or not isinstance(keep, Sequence) or not all(isinstance(name, str) for name in keep):
        raise InputError(f"`keep` must be a row of names of nets and `part.unknown`s, but is {check.described(keep)}.")
    graph = plan_of(circuit).graph
    unknowns = [f"{part}.{name}" for part in circuit.netlist.names() for name in graph.outline(part).unknowns]
    for name in keep:
        if name not in nets and name not in unknowns:
            raise InputError(
                f"`keep` names `{name}`, which is neither a net nor an unknown.{check.suggest(name, [*nets, *unknowns])}"
            )
    return tuple(dict.fromkeys(keep))


def _checked_method(circuit: Circuit, method: str | None, late: frozenset) -> str:
    if method is not None:
        check.one_of("method", method, METHODS)
    plan = plan_of(circuit, "explicit", late)
    charged = charged_nets(plan)
    if method is None:
        loops = any(step.implicit for step in plan.steps)
        return "trapezoidal" if charged or loops else "heun"
    if method in explicit.METHODS and charged:
        raise InputError(
            f"`method` must be one of {', '.join(implicit.METHODS)} for a circuit with charge on its nets (`{charged[0]}`),"
            f" but is `{method}`."
        )
    return method


def charged_nets(plan: Plan) -> list[str]:
    """The pins behind which parts store charge."""
    return [
        f"{part}.{name}"
        for part in plan.netlist.names()
        for name in plan.graph.facts(part).stored
        if name in plan.graph.outline(part).ports
    ]
