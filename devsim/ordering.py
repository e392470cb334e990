"""What must be known before what: the values of a circuit as a graph, its loops, and the order to find them in."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from devsim.check import InputError
from devsim.dependency import ZERO, Facts, Outline
from devsim.netlist import Netlist
from devsim.ports import GROUND

Node = tuple[str, ...]
"""("potential", net), ("signal", net), ("current", net) into the port that drives `net`, ("wave", pin) that leaves `pin`,
("input", net) a wave from outside, or ("unknown", part, name)."""

MODES = ("rest", "frequency", "explicit", "implicit")
"""What is sought: `rest`, an operating point (memory held, nothing stored changes); `frequency`, small changes around it;
`explicit`, everything else at given stored unknowns; `implicit`, stored unknowns and everything else together. Delays are
transparent in the first two, and known from history in the last two."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """Values found together: `implicit` ones by solving as many equal loops as there are `blocks`, one behind the other in
    `nodes`; the others each by one evaluation."""

    nodes: tuple[Node, ...]
    implicit: bool
    blocks: int = 1


class Graph:
    """The nodes of a circuit and the edges between them; what is known beforehand (inputs, grounds) is no node.

    outlines: of one (unstacked) part of each group. late: (part, unknown) pairs that are known from history.
    """

    def __init__(self, netlist: Netlist, outlines: tuple[Outline, ...], mode: str, late: frozenset[tuple[str, str]]):
        self.netlist, self.outlines, self.mode, self.late = netlist, outlines, mode, late
        self.net_of = {pin: net for net, pins in netlist.nets for pin in pins}
        self.pins_of = dict(netlist.nets)
        self.given = {net for _, net in netlist.inputs}
        self.port_of = netlist.pin_ports()
        self.net_ports = netlist.net_ports()
        self.driver = {net: next((p for p in self.pins_of[net] if self.port_of[p].drives), None) for net in self.net_ports}
        imposed = [outline.constant_zeros() for outline in outlines]
        self.grounded = frozenset(net for net, pin in self.driver.items() if pin and self._of_pin(pin, imposed))
        self.dark = frozenset[Node]()
        self._find_dark()
        self.patterns = {part: self._pattern(part, self.dark) for part in netlist.names()}
        for group, outline in enumerate(outlines):
            self._check_answers(netlist.members[group][0], outline)
        self.edges: dict[Node, tuple[Node, ...]] = dict.fromkeys(self._nodes(), ())
        self.edges = {node: self._needs(node) for node in self.edges}

    def outline(self, part: str) -> Outline:
        """The outline of a part by name."""
        return self.outlines[self.netlist.places()[part][0]]

    def facts(self, part: str) -> Facts:
        """What a part's answers depend on, where it stands in the circuit."""
        return self.outline(part).facts(self.patterns[part])

    def _of_pin(self, pin: str, zeros: list[frozenset[str]]) -> bool:
        part, port = pin.rsplit(".", 1)
        return port in zeros[self.netlist.places()[part][0]]

    def _find_dark(self) -> None:
        """The waves and stated unknowns that are zero always: all of them but those that something makes otherwise."""
        dark: dict[str, set[Node]] = {}
        for group, outline in zip(self.netlist.members, self.outlines, strict=True):
            ports = [name for name, port in outline.ports.items() if port.domain == "optical"]
            stated = list(outline.answers(self._pattern(group[0], frozenset())).stated)
            noisy = {name for noise in outline.noises().values() for name in noise.between} if stated else set()
            stated = [name for name in stated if name not in noisy]
            if ports or stated:
                for part in group:
                    dark[part] = {("wave", f"{part}.{name}") for name in ports} | {("unknown", part, n) for n in stated}
        everything = set().union(*dark.values()) if dark else set()
        waiting = dict.fromkeys(dark)
        while waiting:
            part = next(iter(waiting))
            del waiting[part]
            static = self.outline(part).facts(self._pattern(part, everything)).static
            lit = {node for node in dark[part] if not static.get(node[-1].rsplit(".", 1)[-1], ZERO).zero}
            dark[part] -= lit
            everything -= lit
            listeners = [part] if any(node[0] == "unknown" for node in lit) else []
            partners = [self.partner(node[1]) for node in lit if node[0] == "wave"]
            listeners += [pin.rsplit(".", 1)[0] for pin in partners if pin]
            waiting |= dict.fromkeys(listeners)
        self.dark = frozenset(everything)

    def partner(self, pin: str) -> str | None:
        """The other pin of an optical net; None where the wave leaves the circuit."""
        return next((other for other in self.pins_of[self.net_of[pin]] if other != pin), None)

    def _pattern(self, part: str, dark: set[Node] | frozenset[Node]) -> frozenset[str]:
        """What a part is always told to be zero."""
        outline = self.outline(part)
        zero = {name for name in outline.unknowns if ("unknown", part, name) in dark}
        for name, port in outline.ports.items():
            net = self.net_of[f"{part}.{name}"]
            if port.domain == "electrical" and not port.drives and (net == GROUND or net in self.grounded):
                zero.add(name)
            if port.domain == "optical":
                partner = self.partner(f"{part}.{name}")
                if ("wave", partner) in dark if partner else net not in self.given:
                    zero.add(name)
        return frozenset(zero)

    def _check_answers(self, part: str, outline: Outline) -> None:
        answers = outline.answers(self.patterns[part])
        for name, port in outline.ports.items():
            if name not in answers.static:
                continue
            given = answers.static[name]
            if given.shape != port.shape:
                raise InputError(
                    f"Part `{part}` must answer at `{name}` with shape {port.shape}, but answers with"
                    f" {given.shape}; one of its parameters is an array where its ports are not."
                )
            if not port.is_complex and np.issubdtype(given.dtype, np.complexfloating):
                raise InputError(f"Part `{part}` must answer at `{name}` with real numbers, but its answer is complex.")

    def _nodes(self) -> list[Node]:
        nodes: list[Node] = []
        for net, port in self.net_ports.items():
            if port.domain == "optical":
                nodes += [node for pin in self.pins_of[net] if (node := ("wave", pin)) not in self.dark]
            elif net not in self.given and net not in self.grounded:
                nodes.append(("potential" if port.domain == "electrical" else "signal", net))
            if port.domain == "electrical" and self.driver[net] and net not in self.given:
                nodes.append(("current", net))
        for part in self.netlist.names():
            nodes += [("unknown", part, k) for k in self.outline(part).unknowns if not self.is_known(part, k)]
        return nodes

    def is_known(self, part: str, unknown: str) -> bool:
        """True for an internal unknown whose value is no node: memory, history, or zero always."""
        outline = self.outline(part)
        answers = outline.answers(self.patterns[part])
        if unknown in answers.stated:
            return ("unknown", part, unknown) in self.dark or (part, unknown) in self.late
        if unknown not in answers.stored or self.mode in ("frequency", "implicit"):
            return False
        return self.mode == "explicit" or unknown not in outline.settling

    def is_free(self, node: Node) -> bool:
        """True for a value that no part states outright: a node potential, or an internal unknown with an equation."""
        if node[0] == "unknown":
            return node[2] not in self.outline(node[1]).answers(self.patterns[node[1]]).stated
        return node[0] == "potential" and self.driver[node[1]] is None

    def is_dynamic(self, node: Node) -> bool:
        """True for a value whose equation holds the rate of change of something stored."""
        if self.mode not in ("frequency", "implicit"):
            return False
        pins = (pin.rsplit(".", 1) for pin in self.sources(node))
        return any(answer in self.facts(part).stored for part, answer in pins)

    def has_inertia(self, node: Node) -> bool:
        """True for a node potential, and for an internal unknown that settles: physics moves them towards equilibrium."""
        if node[0] == "unknown":
            return node[2] in self.outline(node[1]).settling and node[2] in self.facts(node[1]).stored
        return node[0] == "potential" and self.is_free(node)

    def sources(self, node: Node) -> tuple[str, ...]:
        """The pins (or the unknown) whose answers make up this node's equation."""
        if node[0] == "unknown":
            return (f"{node[1]}.{node[2]}",)
        if node[0] == "wave":
            return (node[1],)
        driver = self.driver[node[1]]
        if node[0] == "current":
            return tuple(pin for pin in self.pins_of[node[1]] if pin != driver)
        return (driver,) if driver else self.pins_of[node[1]]

    def _needs(self, node: Node) -> tuple[Node, ...]:
        dynamic = self.is_dynamic(node)
        needs = {node: None} if self.is_free(node) or dynamic else {}
        for pin in self.sources(node):
            part, answer = pin.rsplit(".", 1)
            static, stored = self.facts(part)
            reach = static.get(answer, ZERO).reach | (stored.get(answer, ZERO).reach if dynamic else frozenset())
            for told in sorted(reach):
                if (known_by := self.value_node(part, told)) in self.edges:
                    needs[known_by] = None
        return tuple(needs)

    def value_node(self, part: str, told: str) -> Node | None:
        """The node whose value is told to a part as `told`; of ground, virtual grounds and darkness there is none."""
        if told in self.patterns[part]:
            return None
        pin = f"{part}.{told}"
        net = self.net_of.get(pin)
        if net is None:
            return ("unknown", part, told)
        port = self.port_of[pin]
        if port.domain == "optical":
            partner = self.partner(pin)
            return ("wave", partner) if partner else ("input", net)
        if port.domain != "electrical":
            return ("signal", net)
        return ("current" if port.drives else "potential", net)

    def grounded_ports(self, group: int) -> frozenset[str]:
        """The electrical ports that every part of a group is told to be at potential zero, always."""
        told = [name for name, port in self.netlist.ports[group] if port.domain == "electrical"]
        return frozenset(n for n in told if all(n in self.patterns[part] for part in self.netlist.members[group]))

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
            stages += self._side_by_side(loops.get(depth, []))
        return stages

    def _side_by_side(self, loops: list[tuple[Node, ...]]) -> list[Stage]:
        """Loops that do not need each other as stages: those made in the same way by equal parts in one of them."""
        alike: dict[tuple, list[tuple[Node, ...]]] = {}
        for loop in loops:
            made = sorted((self._made_by(node), node) for node in loop)
            alike.setdefault(tuple(how for how, _ in made), []).append(tuple(node for _, node in made))
        return [Stage(tuple(node for loop in found for node in loop), True, len(found)) for found in alike.values()]

    def _made_by(self, node: Node) -> tuple:
        """The kind of a value, and the groups and answers that make up its equation."""
        sources = (pin.rsplit(".", 1) for pin in self.sources(node))
        return node[0], tuple(sorted((self.netlist.places()[part][0], answer) for part, answer in sources))

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
