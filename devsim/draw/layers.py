"""Which node stands in which layer, and in which order: light and signals run from left to right, few lines cross.

The way of Sugiyama, Tagawa, Toda, IEEE Trans. Syst. Man Cybern. 11, 109 (1981): directions, layers by the longest way,
bends where a line passes a layer, an order by barycentres.
"""

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Mapping

import networkx as nx
import numpy as np

from devsim.draw.diagram import Diagram, Line

SWEEPS = 24
_GIVES = ("Laser", "Source")
"""How the classes of parts are called in which light and current begin."""


@dataclasses.dataclass(frozen=True)
class Layers:
    """One connected piece of a diagram.

    order: names layer by layer, from top to bottom; a bend is `(line, layer)`. beside: the neighbours of each in the
    layers to its left and right, one entry per line.
    """

    order: list[list]
    beside: dict

    def layer_of(self) -> dict:
        """Name or bend -> its layer."""
        return {name: k for k, layer in enumerate(self.order) for name in layer}


def layered(drawn: Diagram, names: set[str]) -> Layers:
    """The layers of a connected piece of a diagram."""
    inside = [n for n in drawn.nodes if n in names]
    lines = {k: line for k, line in enumerate(drawn.lines) if line.ends[0] in names and line.ends[0] != line.ends[1]}
    rank = _ranks(drawn, inside, _directed(drawn, inside, lines))
    beside = defaultdict(list)
    layers: list[list] = [[] for _ in range(max(rank.values()) + 1)]
    for name in inside:
        layers[rank[name]].append(name)
    for k, line in lines.items():
        first, last = sorted(line.ends, key=lambda name: rank[name])
        way = [first, *((k, r) for r in range(rank[first] + 1, rank[last])), last]
        for one, other in itertools.pairwise(way):
            beside[one].append(other)
            beside[other].append(one)
        for bend in way[1:-1]:
            layers[bend[1]].append(bend)
    found = Layers(layers, {name: beside[name] for layer in layers for name in layer})
    return dataclasses.replace(found, order=_ordered(found))


def _directed(drawn: Diagram, inside: list[str], lines: Mapping[int, Line]) -> nx.DiGraph:
    """Every line from the end that gives to the end that takes, without circles."""
    graph = nx.Graph([line.ends for line in lines.values()])
    graph.add_nodes_from(inside)
    roots = _roots(drawn, graph)
    depth = {name: k for k, layer in enumerate(nx.bfs_layers(graph, roots)) for name in layer}
    place = {name: (depth[name], k) for k, name in enumerate(inside)}
    following = defaultdict(list)
    for line in lines.values():
        first, second = line.ends
        given = _giving(drawn, first, line.ports[0], graph), _giving(drawn, second, line.ports[1], graph)
        forward = given[0] > given[1] or (given[0] == given[1] and place[first] < place[second])
        following[first if forward else second].append(second if forward else first)
    directed = nx.DiGraph()
    directed.add_nodes_from(inside)
    state: dict[str, int] = {}
    for start in sorted(inside, key=lambda name: (name not in roots, place[name])):
        _without_circles(start, following, state, directed)
    return directed


def _without_circles(start: str, following: Mapping[str, list], state: dict[str, int], directed: nx.DiGraph) -> None:
    """Walk along the lines from `start`; one that comes back to where the walk has been is turned round."""
    if start in state:
        return
    state[start] = 1
    walk = [(start, iter(following.get(start, ())))]
    while walk:
        name, rest = walk[-1]
        after = next(rest, None)
        if after is None:
            state[name] = 2
            walk.pop()
            continue
        directed.add_edge(*((after, name) if state.get(after) == 1 else (name, after)))
        if after not in state:
            state[after] = 1
            walk.append((after, iter(following.get(after, ()))))


def _giving(drawn: Diagram, name: str, port: str, graph: nx.Graph) -> float:
    """1 for an end that gives, -1 for one that takes, as far as its kind and its port's name tell."""
    node = drawn.nodes[name]
    if node.kind in ("input", "output", "dot"):
        return {"input": 1.0, "output": -1.0, "dot": 0.0}[node.kind]
    if node.kind == "both":
        return 1.0 if node.title.startswith("in") else 0.0
    given = port.startswith("out") - port.startswith("in") or node.subtitle.endswith(_GIVES)
    return float(given) if graph.degree(name) > 1 or given > 0 else -0.5  # a leaf between two that take, gives


def _roots(drawn: Diagram, graph: nx.Graph) -> list[str]:
    """Inputs for light, else where light begins, else inputs or sources at an end, else an end."""
    domain = {name: line.domain for line in drawn.lines for name in line.ends}
    inputs = [n for n in graph if (node := drawn.nodes[n]).kind == "input" or (node.kind == "both" and node.title[:2] == "in")]
    light = [n for n in inputs if domain[n] == "optical"] or [n for n in graph if drawn.nodes[n].subtitle.endswith("Laser")]
    if light:
        return light
    first = next(iter(graph))
    for _ in range(2):
        first, other = _farthest(graph, first), first
    for end in (other, first):
        if end in inputs:
            return [name for name in inputs if domain[name] == domain[end]]
    sources = [name for name in graph if drawn.nodes[name].subtitle.endswith("Source")]
    return sources[:1] or inputs[:1] or [min((other, first), key=lambda n: drawn.nodes[n].kind == "output")]


def _farthest(graph: nx.Graph, start: str) -> str:
    distance = nx.single_source_shortest_path_length(graph, start)
    return max(distance, key=lambda name: distance[name])


def _ranks(drawn: Diagram, inside: list[str], directed: nx.DiGraph) -> dict[str, int]:
    """Layers by the longest way; what has nothing before it stands just before what it gives to, light apart."""
    rank = dict.fromkeys(inside, 0)
    for name in nx.topological_sort(directed):
        rank[name] = max((rank[before] + 1 for before in directed.predecessors(name)), default=0)
    light = {name for line in drawn.lines if line.domain == "optical" for name in line.ends}
    last = max(rank.values())
    for name in inside:
        flag = drawn.nodes[name].kind in ("input", "output", "both") and name in light
        if not directed.in_degree(name) and directed.out_degree(name) and not flag:
            rank[name] = min(rank[after] for after in directed.successors(name)) - 1
        elif flag and directed.in_degree(name) and last - rank[name] <= 2:
            rank[name] = last
    first = min(rank.values())
    return {name: r - first for name, r in rank.items()}


def _ordered(found: Layers) -> list[list]:
    """The layers in an order of few crossings: sweeps by the mean place of neighbours, the best of them kept."""
    layers = [list(layer) for layer in found.order]
    best, fewest = [list(layer) for layer in layers], _crossings(found.beside, layers)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        forward = sweep % 2 == 0
        for k in range(1, len(layers)) if forward else range(len(layers) - 2, -1, -1):
            at = {name: i for i, name in enumerate(layers[k - 1] if forward else layers[k + 1])}
            layers[k] = _by_mean(found.beside, layers[k], at)
        if (count := _crossings(found.beside, layers)) < fewest:
            best, fewest = [list(layer) for layer in layers], count
    return best


def _by_mean(beside: Mapping, layer: list, at: Mapping) -> list:
    own = {name: i for i, name in enumerate(layer)}
    mean = {n: np.mean([at[other] for other in beside[n] if other in at] or [own[n]]) for n in layer}
    return sorted(layer, key=lambda n: (mean[n], own[n]))


def _crossings(beside: Mapping, layers: list[list]) -> int:
    """Pairs of lines between neighbouring layers that cross."""
    total = 0
    for left, right in itertools.pairwise(layers):
        at = {name: i for i, name in enumerate(right)}
        ends = [np.array([at[o] for o in beside[name] if o in at], int) for name in left]
        for i, one in enumerate(ends):
            total += sum(int((one[:, None] > other[None, :]).sum()) for other in ends[i + 1 :])
    return total
