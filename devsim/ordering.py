"""What must be known before what: the values of a circuit as a graph, its loops, and the order to find them in."""

import dataclasses
from collections.abc import Mapping

from devsim.check import InputError
from devsim.dependency import Outline
from devsim.netlist import Netlist
from devsim.ports import GROUND, Balance

Node = tuple[str, ...]
"""("potential", net), ("signal", net), ("current", net) into the port that drives `net`, or ("unknown", part, name)."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """Values found together: `implicit` ones by solving a loop, the others each by one evaluation."""

    nodes: tuple[Node, ...]
    implicit: bool


@dataclasses.dataclass(frozen=True)
class Traits:
    """What one group of equal parts depends on and answers, and the shapes of its internal unknowns."""

    depends: Mapping[str, frozenset[str]]
    answers: Balance
    unknowns: Mapping[str, tuple[int, ...]]


class Graph:
    """The nodes of a circuit and the edges between them; what is known beforehand (inputs, grounds) is no node.

    outlines: of one (unstacked) part of each group.
    """

    def __init__(self, netlist: Netlist, outlines: tuple[Outline, ...]):
        self.netlist = netlist
        self.net_of = {pin: net for net, pins in netlist.nets for pin in pins}
        self.pins_of = dict(netlist.nets)
        self.given = {net for _, net in netlist.inputs}
        self.port_of = netlist.pin_ports()
        self.net_ports = netlist.net_ports()
        self.driver = {net: next((p for p in self.pins_of[net] if self.port_of[p].drives), None) for net in self.net_ports}
        zeros = [outline.constant_zeros() for outline in outlines]
        self.grounded = frozenset(net for net, pin in self.driver.items() if pin and self._of_pin(pin, zeros))
        self.kinds = tuple(self._traits(g, outline) for g, outline in enumerate(outlines))
        self.edges: dict[Node, tuple[Node, ...]] = dict.fromkeys(self._nodes(), ())
        self.edges = {node: self._needs(node) for node in self.edges}

    def _of_pin(self, pin: str, zeros: list[frozenset[str]]) -> bool:
        part, port = pin.rsplit(".", 1)
        return port in zeros[self.netlist.places()[part][0]]

    def _traits(self, group: int, outline: Outline) -> Traits:
        grounded = self.grounded_ports(group)
        answers = outline.answers(grounded)
        for name, port in outline.ports.items():
            if name in answers.static and answers.static[name].shape != port.shape:
                raise InputError(
                    f"Part `{self.netlist.members[group][0]}` must answer at `{name}` with shape {port.shape}, but answers with"
                    f" {answers.static[name].shape}; one of its parameters is an array where its ports are not."
                )
        return Traits(outline.dependencies(grounded), answers, outline.unknowns)

    def _nodes(self) -> list[Node]:
        nodes: list[Node] = []
        for net, port in self.net_ports.items():
            if net not in self.given:
                if net not in self.grounded:
                    nodes.append(("potential" if port.domain == "electrical" else "signal", net))
                if port.domain == "electrical" and self.driver[net]:
                    nodes.append(("current", net))
        for group, kind in zip(self.netlist.members, self.kinds, strict=True):
            free = [k for k in kind.unknowns if k not in kind.answers.stored]
            nodes += [("unknown", part, k) for part in group for k in free]
        return nodes

    def is_free(self, node: Node) -> bool:
        """True for a value that no part states outright: a node potential or an internal unknown."""
        return node[0] == "unknown" or (node[0] == "potential" and self.driver[node[1]] is None)

    def sources(self, node: Node) -> tuple[str, ...]:
        """The pins (or the unknown) whose static answers make up this node's equation."""
        if node[0] == "unknown":
            return (f"{node[1]}.{node[2]}",)
        driver = self.driver[node[1]]
        if node[0] == "current":
            return tuple(pin for pin in self.pins_of[node[1]] if pin != driver)
        return (driver,) if driver else self.pins_of[node[1]]

    def _needs(self, node: Node) -> tuple[Node, ...]:
        needs = {node: None} if self.is_free(node) else {}
        for pin in self.sources(node):
            part, answer = pin.rsplit(".", 1)
            for told in self.kinds[self.netlist.places()[part][0]].depends.get(answer, ()):
                if (known_by := self.value_node(part, told)) in self.edges:
                    needs[known_by] = None
        return tuple(needs)

    def value_node(self, part: str, told: str) -> Node | None:
        """The node whose value is told to a part as `told`; of ground and of virtual grounds there is none."""
        net = self.net_of.get(f"{part}.{told}")
        if net is None:
            return ("unknown", part, told)
        port = self.port_of[f"{part}.{told}"]
        if port.domain == "signal":
            return ("signal", net)
        return ("current" if port.drives else "potential", net)

    def grounded_ports(self, group: int) -> frozenset[str]:
        """The ports that every part of a group is told to be at potential zero, always."""
        told = [name for name, port in self.netlist.ports[group] if port.domain == "electrical" and not port.drives]
        ground = self.grounded | {GROUND}
        return frozenset(n for n in told if all(self.net_of[f"{part}.{n}"] in ground for part in self.netlist.members[group]))

    def stages(self) -> list[Stage]:
        """The order of evaluation: loops as implicit stages, the rest gathered level by level."""
        level: dict[Node, int] = {}
        plain: dict[int, list[Node]] = {}
        loops: dict[int, list[tuple[Node, ...]]] = {}
        for component in strongly_connected(self.edges):
            inside = set(component)
            before = [level[n] for node in component for n in self.edges[node] if n not in inside]
            depth = 1 + max(before, default=-1)
            level |= dict.fromkeys(component, depth)
            if len(component) == 1 and component[0] not in self.edges[component[0]]:
                plain.setdefault(depth, []).append(component[0])
            else:
                self._check_closed(component)
                loops.setdefault(depth, []).append(component)
        stages = []
        for depth in range(1 + max(level.values(), default=-1)):
            if depth in plain:
                stages.append(Stage(tuple(plain[depth]), implicit=False))
            stages += [Stage(tuple(loop), implicit=True) for loop in loops.get(depth, [])]
        return stages

    def _check_closed(self, component: tuple[Node, ...]) -> None:
        if all(node[0] == "signal" for node in component):
            pins = " -> ".join(f"`{self.driver[node[1]]}`" for node in reversed(component))
            raise InputError(
                f"The loop of signals {pins} has neither memory nor physics to close it; put a part with memory "
                "(a sample-and-hold) into it."
            )


def strongly_connected(edges: Mapping[Node, tuple[Node, ...]]) -> list[tuple[Node, ...]]:
    """Strongly connected components, each after all it depends on (Tarjan, SIAM J. Comput. 1, 146 (1972))."""
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    stack: list[Node] = []
    on_stack: set[Node] = set()
    found: list[tuple[Node, ...]] = []

    def visit(node: Node) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        on_stack.add(node)

    for root in edges:
        if root in index:
            continue
        visit(root)
        work = [(root, iter(edges[root]))]
        while work:
            node, needs = work[-1]
            for need in needs:
                if need not in index:
                    visit(need)
                    work.append((need, iter(edges[need])))
                    break
                if need in on_stack:
                    low[node] = min(low[node], index[need])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    cut = stack.index(node)
                    found.append(tuple(stack[cut:]))
                    on_stack.difference_update(stack[cut:])
                    del stack[cut:]
    return found
