"""Where a transient starts: values of one plan in the layout of another, and nets held while the rest settles."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.analyses.operating_point import from_rest
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.compile import Plan, Task, Weights, at_rest, plan_of
from devsim.layout import REST_SEGMENT, Slot, packed
from devsim.newton import Outcome
from devsim.ordering import Node
from devsim.parameter import as_leaf
from devsim.ports import Port
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


class PowerUp(dict[str, float]):
    """Where everything that is stored starts, by names as of `initial`: SPICE's `uic`. What is not named is empty.

    Charges are those of the potentials named, fluxes those of the currents named, each zero elsewhere; all else follows from
    them at once, sources switched on. The values must not fit each other: a capacitor behind a source of 1 V that starts
    empty lifts its other end by 1 V. Two backward steps of `within` seconds each find it, so that a current that only
    jumps does not remain; `within` must be short beside what is looked for.
    """

    def __init__(self, values: Mapping[str, float], within: float):
        super().__init__(values)
        self.within = within


def settled(circuit: Circuit, inputs: dict[str, Array], initial: Mapping[str, float]) -> Solution:
    """The operating point with some nets (V) and internal unknowns `part.unknown` held at `initial`, as by SPICE's `.ic`.

    A `PowerUp` tells where all that is stored starts instead. Raises InputError for what cannot be held.
    """
    check.mapping("initial", initial, "names of nets to potentials in V")
    plan = plan_of(circuit)
    free = {node[1]: node for node in plan.graph.edges if node[0] == "potential" and plan.graph.is_free(node)}
    stored = {
        f"{part}.{name}": ("unknown", part, name)
        for part in plan.netlist.names()
        for name in plan.graph.facts(part).stored
        if name in plan.graph.outline(part).unknowns
    }
    held = {}
    for name, value in initial.items():
        if name not in free and name not in stored:
            known = [*free, *stored]
            raise InputError(
                f"`initial` must name electrical nets that no source drives, but names `{name}`, which is no stored"
                f" `part.unknown` either.{check.suggest(name, known)}"
            )
        node = free.get(name) or stored[name]
        port = plan.graph.net_ports[name] if name in free else plan.graph.outline(node[1]).unknowns[node[2]]
        held[node] = _value(name, value, port)
    if isinstance(initial, PowerUp):
        plan = plan_of(circuit, "implicit")
        return Solution(*_powered(circuit, inputs, held, jnp.asarray(initial.within, float)), circuit.groups, plan, "power-up")
    return Solution(*_settled(circuit, inputs, held), circuit.groups, plan, "operating point")


def _value(name: str, value: Any, port: Port) -> Array:
    """A value to start from, as real numbers in the shape of its port."""
    if isinstance(value, str) or value is None:
        raise InputError(f"`initial` must give `{name}` a potential in V, but gives {check.described(value)}.")
    leaf = as_leaf(value)
    if not port.is_complex:
        check.real(f"initial {name}", leaf)
    check.finite(f"initial {name}", leaf)
    if not check.fits(jnp.shape(leaf), port.shape):
        raise InputError(f"`initial` must give `{name}` a number or shape {port.shape}, but gives shape {jnp.shape(leaf)}.")
    return packed(jnp.broadcast_to(leaf, port.shape), port.is_complex).reshape(-1)


Held = dict[Node, Array]
Found = tuple[list[Array], list[Outcome]]


def _with_held(segment: Array, slots: Mapping[Node, Slot], number: int, held: Held) -> Array:
    """A segment in which the values that are held stand where their slots are."""
    for node, value in held.items():
        slot = slots.get(node)
        if slot is not None and slot.segment == number:
            segment = segment.at[slot.indices()].set(value.astype(segment.dtype))
    return segment


@eqx.filter_jit
def _settled(circuit: Circuit, inputs: dict[str, Array], held: Held) -> Found:
    plan = plan_of(circuit)
    told = from_rest(plan, circuit, inputs)
    segments, outcomes = [jnp.zeros(1), told.inputs, _with_held(told.rest, plan.at_rest, REST_SEGMENT, held)], []
    for step in plan.steps:
        if not step.implicit:
            segments.append(step.values(circuit.groups, segments))
            continue
        task, (start, scale) = step.at_rest(circuit.groups, segments), step.start(segments, told.scales)
        put = lambda vector, values, step=step: _with_held(vector, plan.slots, step.segment, values)
        fixed = put(jnp.zeros(step.size), {node: jnp.ones_like(value) for node, value in held.items()})
        start = put(start, held)
        weights = Weights((1 - fixed) * task.weights.static, task.weights.stored, fixed, -fixed * start)
        values, outcome, _ = step.solve(task._replace(weights=weights), start, scale)
        segments.append(values)
        outcomes.append(outcome)
    return segments, outcomes


@eqx.filter_jit
def _powered(circuit: Circuit, inputs: dict[str, Array], held: Held, within: Array) -> Found:
    """All values after two backward steps F + (Q - Q0) / h = 0 from what is `held`, zero elsewhere."""
    plan, groups = plan_of(circuit, "implicit"), circuit.groups
    told = from_rest(plan, circuit, inputs)
    rest = _with_held(told.rest, plan.at_rest, REST_SEGMENT, held)
    known = [jnp.zeros(1), told.inputs, rest]
    before = list(known)
    for step in plan.steps:
        empty = step.start(before, told.scales)[0] if step.implicit else step.values(groups, before)
        before.append(_with_held(empty, plan.slots, step.segment, held))

    def ahead(before: list[Array], _: None) -> Found:
        segments, outcomes = list(known), []
        for step in plan.steps:
            if not step.implicit:
                segments.append(step.values(groups, segments))
                continue
            stored = step.balance(groups, before[: step.segment + 1], 0.0)[1]
            share = jnp.where(step.dynamic, 1 / within, 0.0)
            weights = Weights(jnp.ones(step.size), share, jnp.zeros(step.size), -share * stored)
            task, scale = Task(groups, segments, jnp.zeros(()), weights), step.start(segments, told.scales)[1]
            values, outcome = step.solve(task, before[step.segment], scale)[:2]
            segments = [*segments, values]
            outcomes.append(outcome)
        return segments, outcomes

    segments, outcomes = jax.lax.scan(ahead, before, length=2)
    return segments, jax.tree.map(lambda each: each[-1], outcomes)
