"""A run of fixed steps, from a start to what is kept of it."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.circuit import Circuit
from devsim.compile import Given, Plan, at_rest, evaluate, input_segment
from devsim.noise import NoiseSources
from devsim.stepping import implicit, schedule
from devsim.stepping.explicit import Explicit
from devsim.stepping.frame import Frame
from devsim.stepping.implicit import Implicit
from devsim.stepping.memory import Delays
from devsim.stepping.noise_path import NoisePath
from devsim.trajectory import UNITS, Trajectory


class Run(eqx.Module):
    """What a compiled run is compiled for."""

    plan: Plan = eqx.field(static=True)
    method: str = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    every: int = eqx.field(static=True)
    depth: int = eqx.field(static=True)

    def trajectory(self, time, values, status, failed_step, failed_at, state, step) -> Trajectory:
        """What was found, with the names and units of what was kept."""
        units = {name: _unit(self.plan, name) for name in self.names}
        return Trajectory(time, values, status, failed_step, failed_at, state, step, units, self.method, self.plan)

    def read(self, segments: list[Array]) -> dict[str, Array]:
        """What is kept of all values."""
        return {name: value_of(self.plan, segments, name) for name in self.names}


@eqx.filter_jit
def fixed_run(
    circuit: Circuit, constant: dict, waves: dict, begin: Any, step: Array, key: Any, run: Run, divisions: Array | None = None
) -> Trajectory:
    """Fixed steps from the segments `begin` (None: unknowns at rest), or on from the state of an earlier run.

    divisions: how many steps are taken in place of each, `step` being one of them.
    """
    plan, groups, inputs = run.plan, circuit.groups, inputs_over_time(run.plan, constant, waves)
    sources = NoiseSources(plan) if key is not None else None
    rest, scales = at_rest(plan, groups)
    if begin is None:
        begin = evaluate(plan, groups, Given(inputs(jnp.zeros(())), rest, scales))[0]
    if key is not None and not isinstance(begin, list):
        key = jax.random.fold_in(key, begin.n)
    path = NoisePath(sources, key, run.steps, step) if sources is not None and sources.sources else None
    delays = Delays(plan, run.depth) if plan.graph.late else None
    origin = jnp.zeros((), int) if isinstance(begin, list) else begin.n
    frame = Frame(plan, groups, inputs, scales, step, origin, delays, sources, path)
    scheme = (Implicit if run.method in implicit.METHODS else Explicit)(frame, run.method)
    if isinstance(begin, list):
        begin = delays.without_events(groups, begin) if delays else begin
        state = scheme.start(begin, path.start() if path else None)
    else:
        state = scheme.resume(begin, path.start(begin.noise) if path else None)

    def record(state) -> dict[str, Array]:
        return run.read(scheme.segments(state)) if run.names else {}

    blocks, every = run.steps // run.every, run.every if divisions is None else run.every * divisions
    state, values = schedule.run(scheme.advance, record, state, blocks=blocks, every=every)
    time = (origin + jnp.arange(blocks + 1) * every) * step
    failure = state.failure
    where = jnp.stack([failure.loop, failure.worst])
    return run.trajectory(time, values, failure.status, failure.step, where, state, step)


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


def inputs_over_time(plan: Plan, constant: dict[str, Array], waves: dict[str, Any]) -> Callable[[Array], Array]:
    """The input segment at a time: values that stay, and waveforms."""

    def inputs(t: Array) -> Array:
        values = {n: constant[n] if w is None else jnp.asarray(w(t)).astype(constant[n].dtype) for n, w in waves.items()}
        return input_segment(plan, {n: jnp.broadcast_to(v, constant[n].shape) for n, v in values.items()})

    return inputs
