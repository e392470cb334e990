"""From a circuit to one pure function of its parameters and inputs.

Values live in flat segments: ground, the inputs, the internal unknowns at rest (or as they are), then one segment per
stage of the evaluation order. Each stage evaluates the parts it needs, one vectorised `balance` per group of equal parts,
with one gather per port and one scatter per answer; a stage with a loop hands the same evaluation to Newton.
"""

import dataclasses
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import newton
from devsim.dependency import Outline
from devsim.layout import (
    FIRST_STAGE,
    GROUND_SEGMENT,
    INPUT_SEGMENT,
    REST_SEGMENT,
    Gather,
    Job,
    Slot,
    Write,
    assembled,
    filled_matrix,
    packed,
)
from devsim.netlist import Netlist
from devsim.newton import Kept, Outcome
from devsim.ordering import Graph, Node, Stage

_SCALES = {"current": 1e-3, "wave": 0.03}
"""What counts as large for a value: 1 mA, 1 mW^0.5; 1 V and 1 elsewhere."""


class Weights(NamedTuple):
    """The equations that a stage solves: `static` F + `stored` Q + `value` y + `offset` = 0, each (n,)."""

    static: Array
    stored: Array
    value: Array
    offset: Array


class Task(NamedTuple):
    """All numbers of a stage's equations: parameters, values found before, the time (s), the weights."""

    groups: tuple
    segments: list[Array]
    t: Array
    weights: Weights


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """A stage made ready to run.

    blocks: how many loops of one kind are solved side by side, each with an equal share of the values, one behind the other.
    stated: values that a part states outright, whose equation is the value less its statement. dynamic: values whose
    equation holds a rate of change. relaxing: node potentials, and unknowns that settle. rest: where an internal unknown's
    value at power-up is, -1 for other values.
    """

    segment: int
    size: int
    jobs: list[Job]
    implicit: bool
    blocks: int
    stated: np.ndarray
    dynamic: np.ndarray
    relaxing: np.ndarray
    scale: np.ndarray
    rest: np.ndarray
    names: tuple[str, ...]

    def values(self, groups: tuple, segments: list[Array], t: Array | float = 0.0, injected: Array | None = None) -> Array:
        """The values of a stage without a loop, less what noise is `injected`."""
        values = self.equations(groups, segments, t)[0]
        return values if injected is None else values - injected

    def solve(self, task: Task, start: Array, scale: Array, kept: Kept | None = None) -> tuple[Array, Outcome, Kept | None]:
        """The values of a stage with a loop, near `start`; how the solve went; what it leaves for the next one."""
        return newton.solve(self, task, start, scale, kept)

    def at_rest(self, groups: tuple, segments: list[Array], t: Array | float = 0.0) -> Task:
        """The task of an operating point: nothing stored changes."""
        zero = jnp.zeros(self.size)
        return Task(groups, segments, jnp.asarray(t, float), Weights(zero + 1, zero, zero, zero))

    def start(self, segments: list[Array], scales: Array) -> tuple[Array, Array]:
        """Where a solve begins without a better guess, and the scales of its unknowns."""
        start, scale = jnp.zeros(self.size), jnp.asarray(self.scale, float)
        if (known := self.rest >= 0).any():
            start = jnp.where(known, segments[REST_SEGMENT][self.rest], start)
            scale = jnp.where(known, scales[self.rest], scale)
        return start, scale

    def residual(self, task: Task, y: Array) -> Array:
        """What is left of the loop's equations at `y`."""
        static, stored = self.balance(task.groups, [*task.segments, y], task.t)
        weights = task.weights
        changing = weights.stored * stored if self.dynamic.any() else 0.0
        return weights.static * static + changing + weights.value * y + weights.offset

    def jacobian(self, task: Task, y: Array) -> Array:
        """Its derivative: what each part fills in, added up. No loop depends on another one beside it."""
        weights, each = task.weights, np.arange(self.size)
        entries = [(each, each, weights.value + weights.static * self.stated)]
        for is_stored, rows, columns, values in self._stamps(task.groups, [*task.segments, y], task.t, self.segment):
            weight = weights.stored if is_stored else weights.static
            entries.append((rows, columns, weight[rows] * values))
        width = self.size // self.blocks
        matrix = filled_matrix((self.size, width), [(rows, columns % width, values) for rows, columns, values in entries])
        return matrix if self.blocks == 1 else matrix.reshape(self.blocks, width, width)

    def balance(self, groups: tuple, segments: list[Array], t: Array | float) -> tuple[Array, Array]:
        """Static and stored sides of a loop's equations at the values in the last of `segments`."""
        static, stored = self.equations(groups, segments, t)
        return static + jnp.where(self.stated, segments[self.segment], 0.0), stored

    def equations(self, groups: tuple, segments: list[Array], t: Array | float) -> tuple[Array, Array]:
        """What the parts write into this stage: (static, stored), each (n,)."""
        static, stored = [], []
        for job in self.jobs:
            answers = job.answers(groups, segments, t)
            for write in job.writes:
                (stored if write.is_stored else static).append((write.destinations, write.values(answers)))
        return assembled(self.size, static), assembled(self.size, stored) if stored else jnp.zeros(self.size)

    def slopes(self, groups: tuple, segments: list[Array], t: Array | float, column: int) -> tuple[Array, Array]:
        """Derivatives of `equations` with respect to the segment `column`: (static, stored), each (n, m)."""
        shape = (self.size, segments[column].shape[-1])
        stamps = self._stamps(groups, segments, t, column)
        static, stored = (filled_matrix(shape, [stamp[1:] for stamp in stamps if stamp[0] == kind]) for kind in (False, True))
        return static, stored

    def _stamps(self, groups: tuple, segments: list[Array], t: Array | float, column: int) -> list[tuple]:
        return [stamp for job in self.jobs for stamp in job.stamps(groups, segments, t, column)]


class Plan:
    """All that is known of a circuit before its numbers: order, layout, gathers and scatters."""

    def __init__(self, netlist: Netlist, outlines: tuple[Outline, ...], mode: str, late: frozenset[tuple[str, str]]):
        self.netlist, self.outlines = netlist, outlines
        self.graph = Graph(netlist, outlines, mode, late)
        self.slots: dict[Node, Slot] = {}
        self.lengths = {GROUND_SEGMENT: 1}
        self.rest_order: list[tuple[int, str]] = []
        self._place_inputs()
        self._place_unknowns()
        self.steps = [self._step(FIRST_STAGE + i, stage) for i, stage in enumerate(self.graph.stages())]

    def slot(self, net: str) -> Slot | None:
        """Where the value of a net lives; None for a net that does not exist, or that is zero always.

        On an optical net it is the wave that leaves the first of its pins from which one can leave.
        """
        found = self.slots.get(("potential", net)) or self.slots.get(("signal", net))
        waves = (self.slots.get(("wave", pin)) for pin in self.graph.pins_of.get(net, ()))
        return found or next((slot for slot in waves if slot), None)

    def _place_inputs(self) -> None:
        ports, offset = self.graph.net_ports, 0
        kinds = {"electrical": "potential", "optical": "input", "signal": "signal", "spike": "signal"}
        for _, net in self.netlist.inputs:
            slot = Slot(INPUT_SEGMENT, offset, ports[net].shape, ports[net].is_complex)
            self.slots[kinds[ports[net].domain], net] = slot
            offset += slot.size
        self.lengths[INPUT_SEGMENT] = offset

    def _place_unknowns(self) -> None:
        """Unknowns at rest, group by group; those that are no node stay there, the others start from there."""
        self.at_rest: dict[Node, Slot] = {}
        offset = 0
        for g, (names, outline) in enumerate(zip(self.netlist.members, self.outlines, strict=True)):
            for unknown, kind in outline.unknowns.items():
                self.rest_order.append((g, unknown))
                for part in names:
                    slot = Slot(REST_SEGMENT, offset, kind.shape, kind.is_complex)
                    self.at_rest["unknown", part, unknown] = slot
                    offset += slot.size
        self.lengths[REST_SEGMENT] = offset
        dark = self.graph.dark
        self.slots |= {n: slot for n, slot in self.at_rest.items() if n not in self.graph.edges and n not in dark}

    def _step(self, segment: int, stage: Stage) -> Step:
        nodes = sorted(stage.nodes, key=self._neighbours) if not stage.implicit else stage.nodes
        own: dict[Node, Slot] = {}
        offset = 0
        for node in nodes:
            own[node] = dataclasses.replace(self._kind(node), segment=segment, offset=offset)
            offset += own[node].size
        self.lengths[segment] = offset
        known = self.slots | own if stage.implicit else self.slots
        jobs = [self.job(g, known, wanted) for g, wanted in self._wanted(stage, own).items()]
        self.slots |= own
        every = lambda of, kind: np.concatenate([np.broadcast_to(of(n), own[n].size) for n in nodes]).astype(kind)
        return Step(
            segment,
            offset,
            jobs,
            stage.implicit,
            stage.blocks,
            every(lambda n: not self.graph.is_free(n), bool),
            every(self.graph.is_dynamic, bool),
            every(self.graph.has_inertia, bool),
            every(lambda n: _SCALES.get(n[0], 1.0), float),
            np.concatenate([self.at_rest[n].indices() if n in self.at_rest else np.full(own[n].size, -1) for n in nodes]),
            tuple(label(n) for n in nodes for _ in range(own[n].size)),
        )

    def _neighbours(self, node: Node):
        """Sort key that keeps the answers of one group and port side by side."""
        part, answer = self.graph.sources(node)[0].rsplit(".", 1) if self.graph.sources(node) else ("", "")
        group, index = self.netlist.places().get(part, (-1, -1))
        return group, answer, index

    def _kind(self, node: Node) -> Slot:
        """The shape and kind of a value, without a place."""
        if node[0] == "unknown":
            return self.at_rest[node]
        port = self.graph.port_of[node[1]] if node[0] == "wave" else self.graph.net_ports[node[1]]
        return Slot(-1, 0, port.shape, port.is_complex)

    def _wanted(self, stage: Stage, own: dict[Node, Slot]) -> dict[int, dict[tuple, list[tuple[int, np.ndarray]]]]:
        """Group -> (answer, stored?, complex?, sign) -> the members asked and where their answers go."""
        wanted: dict[int, dict] = {}
        for node, slot in own.items():
            sign = -1.0 if node[0] == "current" else 1.0
            if stage.implicit and not self.graph.is_free(node):
                sign = -sign
            changes = self.graph.is_dynamic(node)
            for pin in self.graph.sources(node):
                part, answer = pin.rsplit(".", 1)
                group, index = self.netlist.places()[part]
                facts = self.graph.facts(part)
                for is_stored, told in ((False, facts.static), (True, facts.stored if changes else {})):
                    if answer in told:
                        kind = (answer, is_stored, slot.is_complex, sign)
                        wanted.setdefault(group, {}).setdefault(kind, []).append((index, slot.indices()))
        return wanted

    def job(self, group: int, known: dict[Node, Slot] | None = None, wanted: dict | None = None) -> Job:
        """One group's work: all members with all that is known, unless told which answers are wanted."""
        names, known, wanted = self.netlist.members[group], self.slots if known is None else known, wanted or {}
        rows = np.unique([index for asked in wanted.values() for index, _ in asked]) if wanted else np.arange(len(names))
        position = {int(row): i for i, row in enumerate(rows)}
        single = len(names) == 1
        members = [names[r] for r in rows]
        told = lambda name, port: Gather.of(
            [known.get(self.graph.value_node(m, name)) for m in members], port, single, self.lengths
        )
        writes = tuple(
            Write(
                answer,
                is_stored,
                is_complex,
                np.array([position[i] for i, _ in asked]),
                np.concatenate([to for _, to in asked]),
                sign,
            )
            for (answer, is_stored, is_complex, sign), asked in wanted.items()
        )
        return Job(
            group,
            None if len(rows) == len(names) else rows,
            single,
            {name: told(name, port) for name, port in self.netlist.ports[group]},
            {name: told(name, port) for name, port in self.outlines[group].unknowns.items()},
            writes,
        )


def label(node: Node) -> str:
    """A value's name in messages."""
    if node[0] == "unknown":
        return f"part `{node[1]}`, unknown `{node[2]}`"
    return f"the wave that leaves `{node[1]}`" if node[0] == "wave" else f"net `{node[1]}`"


def plan_of(circuit: Any, mode: str = "rest", late: frozenset[tuple[str, str]] = frozenset()) -> Plan:
    """The plan of a circuit for one of `devsim.ordering.MODES`; made once per topology and set of shapes.

    late: the (part, unknown) pairs whose values are known from history.
    """
    structures = tuple(jax.tree.structure(group) for group in circuit.groups)
    shapes = tuple(tuple((jnp.shape(x), jnp.result_type(x)) for x in jax.tree.leaves(group)) for group in circuit.groups)
    return _plan(circuit.netlist, structures, shapes, mode, late)


@lru_cache(maxsize=256)
def _plan(netlist: Netlist, structures: tuple, shapes: tuple, mode: str, late: frozenset) -> Plan:
    return Plan(netlist, _outlines(netlist, structures, shapes), mode, late)


@lru_cache(maxsize=64)
def _outlines(netlist: Netlist, structures: tuple, shapes: tuple) -> tuple[Outline, ...]:
    outlines = []
    for names, ports, structure, leaves in zip(netlist.members, netlist.ports, structures, shapes, strict=True):
        cut = 0 if len(names) == 1 else 1
        part = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(shape[cut:], dtype) for shape, dtype in leaves])
        outlines.append(Outline(part, dict(ports)))
    return tuple(outlines)


def at_rest(plan: Plan, groups: tuple) -> tuple[Array, Array]:
    """Internal unknowns at power-up, and their scales, as real numbers."""
    values, scales = [jnp.zeros(0)], [jnp.zeros(0)]
    for group, unknown in plan.rest_order:
        kind = plan.outlines[group].unknowns[unknown]
        single = len(plan.netlist.members[group]) == 1

        def rest(part, unknown=unknown, kind=kind):
            value, scale = jnp.broadcast_arrays(*part.rest()[unknown][:2])
            return packed(value, kind.is_complex), packed(scale.real * (1 + 1j) if kind.is_complex else scale, kind.is_complex)

        value, scale = rest(groups[group]) if single else jax.vmap(rest)(groups[group])
        values.append(jnp.ravel(value))
        scales.append(jnp.ravel(scale))
    return jnp.concatenate(values), jnp.concatenate(scales)


def input_segment(plan: Plan, inputs: dict[str, Array]) -> Array:
    """The inputs' values as one segment."""
    ports = plan.graph.net_ports
    values = [packed(inputs[name], ports[net].is_complex) for name, net in plan.netlist.inputs]
    return jnp.concatenate(values) if values else jnp.zeros(0)


class Given(NamedTuple):
    """What an evaluation starts from.

    inputs: the input segment. rest: internal unknowns at power-up or as they are. scales: theirs. t: time, s.
    injected: segment -> noise in its equations. guess: segments of an evaluation nearby, where loops begin.
    """

    inputs: Array
    rest: Array
    scales: Array
    t: Array | float = 0.0
    injected: dict[int, Array] = {}
    guess: list[Array] | None = None


def evaluate(plan: Plan, groups: tuple, told: Given) -> tuple[list[Array], list[Outcome]]:
    """Every segment of the circuit's values, and the outcome of each solve."""
    segments, outcomes = [jnp.zeros(1), told.inputs, told.rest], []
    for step in plan.steps:
        noise = told.injected.get(step.segment)
        if step.implicit:
            task = step.at_rest(groups, segments, told.t)
            if noise is not None:
                task = task._replace(weights=task.weights._replace(offset=noise))
            start, scale = step.start(segments, told.scales)
            start = start if told.guess is None else told.guess[step.segment]
            values, outcome, _ = step.solve(task, start, scale)
            outcomes.append(outcome)
        else:
            values = step.values(groups, segments, told.t, noise)
        segments.append(values)
    return segments, outcomes
