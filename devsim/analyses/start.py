"""Where a transient starts: values of one plan in the layout of another, and nets held while the rest settles."""

from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.analyses.operating_point import from_rest
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.compile import Plan, at_rest, plan_of
from devsim.layout import REST_SEGMENT
from devsim.parameter import as_leaf
from devsim.solution import Solution


def moved(source: Plan, segments: list[Array], target: Plan, groups: tuple) -> list[Array]:
    """The values of one plan's segments, node by node, as the segments of another; unknowns it lacks are at rest."""
    rest = at_rest(target, groups)[0]
    starts = np.cumsum([0, *(s.shape[-1] for s in segments)])
    everything = jnp.concatenate(segments)

    def filled(vector: Array, slots: list[tuple]) -> Array:
        found = [(slot, source.slots[node]) for node, slot in slots if node in source.slots]
        if not found:
            return vector
        here = np.concatenate([slot.indices() for slot, _ in found])
        there = np.concatenate([starts[slot.segment] + slot.indices() for _, slot in found])
        return vector.at[here].set(everything[there])

    known = list(segments[:REST_SEGMENT]) + [filled(rest, list(target.at_rest.items()))]
    for step in target.steps:
        own = [(node, slot) for node, slot in target.slots.items() if slot.segment == step.segment]
        begin = jnp.where(step.rest >= 0, rest[np.maximum(step.rest, 0)], 0.0) if rest.size else jnp.zeros(step.size)
        known.append(filled(begin, own))
    return known


def settled(circuit: Circuit, inputs: dict[str, Array], initial: Mapping[str, float]) -> Solution:
    """The operating point with some nets held at `initial` potentials (V), as by SPICE's `.ic`.

    Raises InputError for what is no free electrical net.
    """
    check.mapping("initial", initial, "names of nets to potentials in V")
    graph = plan_of(circuit).graph
    free = [node[1] for node in graph.edges if node[0] == "potential" and graph.is_free(node)]
    held = {}
    for net, value in initial.items():
        if net not in free:
            raise InputError(
                f"`initial` must name electrical nets that no source drives, but names `{net}`.{check.suggest(net, free)}"
            )
        shape = graph.net_ports[net].shape
        if isinstance(value, str) or value is None:
            raise InputError(f"`initial` must give `{net}` a potential in V, but gives {check.described(value)}.")
        leaf = as_leaf(value)
        check.real(f"initial {net}", leaf)
        check.finite(f"initial {net}", leaf)
        if not check.fits(jnp.shape(leaf), shape):
            raise InputError(f"`initial` must give `{net}` a number or shape {shape}, but gives shape {jnp.shape(leaf)}.")
        held[net] = jnp.broadcast_to(leaf, shape).astype(float)
    return _settled(circuit, inputs, held)


@eqx.filter_jit
def _settled(circuit: Circuit, inputs: dict[str, Array], held: dict[str, Array]) -> Solution:
    plan = plan_of(circuit)
    told = from_rest(plan, circuit, inputs)
    segments, outcomes = [jnp.zeros(1), told.inputs, told.rest], []
    for step in plan.steps:
        if not step.implicit:
            segments.append(step.values(circuit.groups, segments))
            continue
        task, (start, scale) = step.at_rest(circuit.groups, segments), step.start(segments, told.scales)
        weights = task.weights
        for net, value in held.items():
            slot = plan.slots["potential", net]
            if slot.segment == step.segment:
                at = slot.indices()
                weights = weights._replace(
                    static=weights.static.at[at].set(0.0),
                    value=weights.value.at[at].set(1.0),
                    offset=weights.offset.at[at].set(-value.reshape(-1)),
                )
                start = start.at[at].set(value.reshape(-1))
        values, outcome, _ = step.solve(task._replace(weights=weights), start, scale)
        segments.append(values)
        outcomes.append(outcome)
    return Solution(segments, outcomes, circuit.groups, plan, "operating point")
