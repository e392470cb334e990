"""From a circuit to one pure function of its parameters and inputs.

Values live in flat segments: ground, the inputs, the internal unknowns at rest, then one segment per stage of the
evaluation order. Each stage evaluates the parts it needs, one vectorised `balance` per group of equal parts, with one
gather per port and one scatter per answer; a stage with a loop hands the same evaluation to Newton.
"""

import dataclasses
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import newton
from devsim.dependency import Outline
from devsim.netlist import Netlist
from devsim.newton import Outcome
from devsim.ordering import Graph, Node, Stage

GROUND_SEGMENT, INPUT_SEGMENT, REST_SEGMENT, FIRST_STAGE = range(4)
_CURRENT_SCALE = 1e-3


@dataclasses.dataclass(frozen=True)
class Slot:
    """Where a value lives: its segment, offset and shape."""

    segment: int
    offset: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return int(np.prod(self.shape, dtype=int))

    def indices(self) -> np.ndarray:
        """Its places in the segment."""
        return self.offset + np.arange(self.size)


@dataclasses.dataclass(frozen=True, eq=False)
class Gather:
    """How one told value of a group is read: places in the concatenation of some segments."""

    segments: tuple[int, ...]
    places: np.ndarray
    shape: tuple[int, ...]

    def __call__(self, segments: list[Array]) -> Array | np.ndarray:
        if self.segments == (GROUND_SEGMENT,):
            return np.zeros(self.shape)  # concrete, so that a part can see that it is told ground and skip work
        source = (
            segments[self.segments[0]] if len(self.segments) == 1 else jnp.concatenate([segments[s] for s in self.segments])
        )
        first, count = int(self.places[0]) if self.places.size else 0, self.places.size
        if np.array_equal(self.places, first + np.arange(count)):
            return jax.lax.slice(source, (first,), (first + count,)).reshape(self.shape)
        return source[self.places].reshape(self.shape)


@dataclasses.dataclass(frozen=True, eq=False)
class Write:
    """How one answer enters a stage's equations: which members, where, with which sign."""

    answer: str
    positions: np.ndarray
    destinations: np.ndarray
    sign: float


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """One group's work in one stage: the members `rows` are told the `ports` and `unknowns` and make the `writes`."""

    group: int
    rows: np.ndarray | None
    single: bool
    ports: dict[str, Gather]
    unknowns: dict[str, Gather]
    writes: list[Write]

    def answers(self, groups: tuple, segments: list[Array]) -> dict[str, Array]:
        """The static answers, each (members, ...)."""
        part = groups[self.group]
        p = {name: gather(segments) for name, gather in self.ports.items()}
        x = {name: gather(segments) for name, gather in self.unknowns.items()}
        if self.single:
            return {name: value[None] for name, value in part.balance(0.0, p, x).static.items()}
        if self.rows is not None:
            part = jax.tree.map(lambda leaf: leaf[self.rows], part)
        ground = {name: np.zeros(value.shape[1:]) for name, value in p.items() if isinstance(value, np.ndarray)}
        told = {name: value for name, value in p.items() if name not in ground}
        return jax.vmap(lambda part, p, x: part.balance(0.0, p | ground, x).static)(part, told, x)


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """A stage made ready to run."""

    size: int
    jobs: list[Job]
    implicit: bool
    stated: np.ndarray
    scale: np.ndarray
    rest: np.ndarray
    names: tuple[str, ...]

    def run(self, groups: tuple, segments: list[Array], scales: Array) -> tuple[Array, Outcome | None]:
        """The values of this stage, and how the solve went where there was one; `scales` of the internal unknowns."""
        if not self.implicit:
            return self._equations(groups, segments), None

        start, scale = jnp.zeros(self.size), jnp.asarray(self.scale, float)
        if (known := self.rest >= 0).any():
            start = jnp.where(known, segments[REST_SEGMENT][self.rest], start)
            scale = jnp.where(known, scales[self.rest], scale)
        return newton.solve(lambda y: self.residual(groups, segments, y), start, scale)

    def residual(self, groups: tuple, segments: list[Array], y: Array) -> Array:
        """What is left of the loop's equations at `y`: currents at free nets, a value less its statement elsewhere."""
        return self._equations(groups, [*segments, y]) + jnp.where(self.stated, y, 0.0)

    def _equations(self, groups: tuple, segments: list[Array]) -> Array:
        written = []
        for job in self.jobs:
            answers = job.answers(groups, segments)
            for write in job.writes:
                values = answers[write.answer]
                if not np.array_equal(write.positions, np.arange(values.shape[0])):
                    values = values[write.positions]
                written.append((write.destinations, write.sign * values.reshape(-1)))
        return assembled(self.size, written)


def assembled(size: int, written: list[tuple[np.ndarray, Array]]) -> Array:
    """The sum of all that was written into a vector of `size`; a plain concatenation where nothing overlaps."""
    written = sorted(written, key=lambda w: w[0][0] if w[0].size else -1)
    order = np.concatenate([places for places, _ in written]) if written else np.zeros(0, int)
    if np.array_equal(order, np.arange(size)):
        return jnp.concatenate([jnp.ravel(values) for _, values in written]) if len(written) > 1 else written[0][1]
    total = jnp.zeros(size, jnp.result_type(float, *[values for _, values in written]))
    for places, values in written:
        total = total.at[places].add(values)
    return total


class Plan:
    """All that is known of a circuit before its numbers: order, layout, gathers and scatters."""

    def __init__(self, netlist: Netlist, outlines: tuple[Outline, ...]):
        self.netlist = netlist
        self.graph = Graph(netlist, outlines)
        self.kinds = self.graph.kinds
        self.slots: dict[Node, Slot] = {}
        self.lengths = {GROUND_SEGMENT: 1}
        self.rest_order: list[tuple[int, str]] = []
        self._place_inputs()
        self._place_unknowns()
        self.steps = [self._step(FIRST_STAGE + i, stage) for i, stage in enumerate(self.graph.stages())]

    def slot(self, net: str) -> Slot | None:
        """Where the value of a net lives; None for a net that does not exist, or that is a virtual ground."""
        return self.slots.get(("potential", net)) or self.slots.get(("signal", net))

    def _place_inputs(self) -> None:
        ports, offset = self.graph.net_ports, 0
        for _, net in self.netlist.inputs:
            kind = "potential" if ports[net].domain == "electrical" else "signal"
            slot = Slot(INPUT_SEGMENT, offset, ports[net].shape)
            self.slots[kind, net] = slot
            offset += slot.size
        self.lengths[INPUT_SEGMENT] = offset

    def _place_unknowns(self) -> None:
        """Unknowns at rest, group by group; those that store something stay there, the others start from there."""
        self.at_rest: dict[Node, Slot] = {}
        offset = 0
        for g, (names, kind) in enumerate(zip(self.netlist.members, self.kinds, strict=True)):
            for unknown, shape in kind.unknowns.items():
                self.rest_order.append((g, unknown))
                for part in names:
                    slot = Slot(REST_SEGMENT, offset, shape)
                    self.at_rest["unknown", part, unknown] = slot
                    offset += slot.size
        self.lengths[REST_SEGMENT] = offset
        self.slots |= {node: slot for node, slot in self.at_rest.items() if node not in self.graph.edges}

    def _step(self, segment: int, stage: Stage) -> Step:
        nodes = sorted(stage.nodes, key=self._neighbours) if not stage.implicit else stage.nodes
        own: dict[Node, Slot] = {}
        offset = 0
        for node in nodes:
            own[node] = Slot(segment, offset, self._shape(node))
            offset += own[node].size
        self.lengths[segment] = offset
        known = self.slots | own if stage.implicit else self.slots
        jobs = [self._job(g, wanted, known) for g, wanted in self._wanted(stage, own).items()]
        self.slots |= own
        every = lambda of, kind: np.concatenate([np.broadcast_to(of(n), own[n].size) for n in nodes]).astype(kind)
        return Step(
            offset,
            jobs,
            stage.implicit,
            every(lambda n: not self.graph.is_free(n), bool),
            every(self._scale, float),
            np.concatenate([self.at_rest[n].indices() if n in self.at_rest else np.full(own[n].size, -1) for n in nodes]),
            tuple(label(n) for n in nodes for _ in range(own[n].size)),
        )

    def _neighbours(self, node: Node):
        """Sort key that keeps the answers of one group and port side by side."""
        part, answer = self.graph.sources(node)[0].rsplit(".", 1) if self.graph.sources(node) else ("", "")
        group, index = self.netlist.places().get(part, (-1, -1))
        return group, answer, index

    def _shape(self, node: Node) -> tuple[int, ...]:
        return self.at_rest[node].shape if node[0] == "unknown" else self.graph.net_ports[node[1]].shape

    def _scale(self, node: Node) -> float:
        return _CURRENT_SCALE if node[0] == "current" else 1.0

    def _wanted(self, stage: Stage, own: dict[Node, Slot]) -> dict[int, dict[tuple[str, float], list[tuple[int, np.ndarray]]]]:
        """Group -> (answer, sign) -> the members asked and where their answers go."""
        wanted: dict[int, dict] = {}
        for node in own:
            sign = -1.0 if node[0] == "current" else 1.0
            if stage.implicit and not self.graph.is_free(node):
                sign = -sign
            for pin in self.graph.sources(node):
                part, answer = pin.rsplit(".", 1)
                group, index = self.netlist.places()[part]
                if answer in self.kinds[group].answers.static:
                    wanted.setdefault(group, {}).setdefault((answer, sign), []).append((index, own[node].indices()))
        return wanted

    def _job(self, group: int, wanted: dict, known: dict[Node, Slot]) -> Job:
        names = self.netlist.members[group]
        rows = np.unique([index for asked in wanted.values() for index, _ in asked])
        position = {int(row): i for i, row in enumerate(rows)}
        single = len(names) == 1
        lead = () if single else (len(rows),)
        members = [names[r] for r in rows]
        told = lambda name, shape: self._gather([known.get(self.graph.value_node(m, name)) for m in members], shape, lead)
        writes = [
            Write(answer, np.array([position[i] for i, _ in asked]), np.concatenate([to for _, to in asked]), sign)
            for (answer, sign), asked in wanted.items()
        ]
        return Job(
            group,
            None if len(rows) == len(names) else rows,
            single,
            {name: told(name, port.shape) for name, port in self.netlist.ports[group]},
            {name: told(name, shape) for name, shape in self.kinds[group].unknowns.items()},
            writes,
        )

    def _gather(self, slots: list[Slot | None], shape: tuple[int, ...], lead: tuple[int, ...]) -> Gather:
        size = int(np.prod(shape, dtype=int))
        used = sorted({slot.segment if slot else GROUND_SEGMENT for slot in slots})
        starts = dict(zip(used, np.cumsum([0, *(self.lengths[s] for s in used[:-1])]), strict=True))
        places = [starts[s.segment] + s.indices() if s else np.full(size, starts[GROUND_SEGMENT]) for s in slots]
        return Gather(tuple(used), np.concatenate(places), (*lead, *shape))


def label(node: Node) -> str:
    """A value's name in messages."""
    return f"part `{node[1]}`, unknown `{node[2]}`" if node[0] == "unknown" else f"net `{node[1]}`"


def plan_of(circuit: Any) -> Plan:
    """The plan of a circuit; made once per topology and set of shapes."""
    structures = tuple(jax.tree.structure(group) for group in circuit.groups)
    shapes = tuple(tuple((jnp.shape(x), jnp.result_type(x)) for x in jax.tree.leaves(group)) for group in circuit.groups)
    return _plan(circuit.netlist, structures, shapes)


@lru_cache(maxsize=256)
def _plan(netlist: Netlist, structures: tuple, shapes: tuple) -> Plan:
    outlines = []
    for names, ports, structure, leaves in zip(netlist.members, netlist.ports, structures, shapes, strict=True):
        cut = 0 if len(names) == 1 else 1
        part = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(shape[cut:], dtype) for shape, dtype in leaves])
        outlines.append(Outline(part, dict(ports)))
    return Plan(netlist, tuple(outlines))


def at_rest(plan: Plan, circuit: Any) -> tuple[Array, Array]:
    """Internal unknowns at power-up, and their scales."""
    values, scales = [jnp.zeros(0)], [jnp.zeros(0)]
    for group, unknown in plan.rest_order:
        single = len(circuit.netlist.members[group]) == 1
        rest = lambda part, unknown=unknown: tuple(jnp.broadcast_arrays(*part.rest()[unknown]))
        value, scale = rest(circuit.groups[group]) if single else jax.vmap(rest)(circuit.groups[group])
        values.append(jnp.ravel(value).astype(float))
        scales.append(jnp.ravel(scale).astype(float))
    return jnp.concatenate(values), jnp.concatenate(scales)


def evaluate(plan: Plan, circuit: Any, inputs: dict[str, Array]) -> tuple[list[Array], list[Outcome]]:
    """Every segment of the circuit's values, and the outcome of each solve."""
    given = [jnp.ravel(jnp.asarray(inputs[name], float)) for name, _ in plan.netlist.inputs]
    rest, scales = at_rest(plan, circuit)
    segments = [jnp.zeros(1), jnp.concatenate(given) if given else jnp.zeros(0), rest]
    outcomes = []
    for step in plan.steps:
        values, outcome = step.run(circuit.groups, segments, scales)
        segments.append(values)
        outcomes += [outcome] if outcome is not None else []
    return segments, outcomes
