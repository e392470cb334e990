"""Where things stand, in inches: layers side by side, folded into rows where they are many, lines as straight as may be.

Beside its nodes a layer holds the writing at their pins. Through a layer every line runs level, so that none strikes that
writing or a node; between the layers lines bend, and nothing else is there.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np
from scipy.optimize import isotonic_regression

from devsim.draw.diagram import Diagram
from devsim.draw.layers import SWEEPS, Layers, layered

GAP, WIDEST_GAP, SLOPE, ROW_GAP, BETWEEN = 0.34, 0.9, 0.14, 0.62, 0.17
"""Inches between layers: `GAP`, and more by `SLOPE` where a line rises; between rows of layers; between neighbours."""

WIDEST = 10.2
"""Inches of a row; what is wider than `TOLERATED` is folded into rows, where that cuts no more than `FEW` lines."""

TOLERATED = 1.5 * WIDEST
FEW = 3
BEND = (0.0, 0.05)
"""Size of the bend of a line that passes a layer."""


@dataclasses.dataclass(frozen=True)
class Place:
    """The middle of a node and its size, in inches; its row, its layer, and where that begins and ends with its writing."""

    x: float
    y: float
    width: float
    height: float
    row: int
    layer: int
    left: float
    right: float


def places(drawn: Diagram, sizes: Mapping[str, tuple[float, float]], writing: Sequence[tuple[float, float, float]]) -> dict:
    """A place for every node by name, and for every bend of a line by (line, layer).

    sizes: width and height of the nodes. writing: inches that each line asks for at its first end, at its second, and
    for its name, which has room behind the pin at its left.
    """
    graph = nx.Graph([line.ends for line in drawn.lines])
    graph.add_nodes_from(drawn.nodes)
    found: dict = {}
    top, row = 0.0, 0
    for names in sorted(nx.connected_components(graph), key=lambda c: (-len(c), min(c))):
        piece = layered(drawn, names)
        size = {name: sizes.get(name, BEND) for name in piece.beside}
        level = _levels(piece, size)
        columns, gaps = _columns(drawn, piece, size, writing), _gaps(piece, level)
        for stretch in _folded(piece, columns, gaps):
            placed = _row(piece, stretch, size, columns, gaps, level, row)
            high = max(p.y + p.height / 2 for p in placed.values())
            low = min(p.y - p.height / 2 for p in placed.values())
            found |= {n: dataclasses.replace(p, y=p.y - high + top) for n, p in placed.items()}
            top -= high - low + ROW_GAP
            row += 1
    return found


def _columns(drawn: Diagram, piece: Layers, size: Mapping, writing: Sequence) -> list[tuple[float, float]]:
    """Inches that each layer takes to the left and to the right of its middle, the writing at its pins with it."""
    layer = piece.layer_of()
    asked = {name: [0.0, 0.0] for name in layer}
    for line, (first, second, along) in zip(drawn.lines, writing, strict=True):
        one, other = line.ends
        if one not in layer or one == other:
            continue
        for name, beyond, inches in ((one, other, first), (other, one, second)):
            right = layer[beyond] > layer[name]
            asked[name][right] = max(asked[name][right], inches + along * right)
    reach = lambda names, side: max(size[n][0] / 2 + asked[n][side] for n in names)
    return [(reach(names, 0), reach(names, 1)) for names in piece.order]


def _gaps(piece: Layers, level: Mapping) -> list[float]:
    """Inches after each layer: the more, the farther a line rises or falls there."""
    layer = piece.layer_of()
    rise = [0.0] * len(piece.order)
    for name, others in piece.beside.items():
        for other in others:
            left = min(layer[name], layer[other])
            rise[left] = max(rise[left], abs(level[name] - level[other]))
    return [*(min(GAP + SLOPE * high, WIDEST_GAP) for high in rise[:-1]), 0.0]


def _folded(piece: Layers, columns: list[tuple[float, float]], gaps: list[float]) -> list[range]:
    """The layers in rows of about equal width, cut where few lines pass; in one row where many would be cut."""
    widths = [sum(column) + gap for column, gap in zip(columns, gaps, strict=True)]
    edges = np.concatenate([[0.0], np.cumsum(widths)])
    rows = int(np.ceil(edges[-1] / WIDEST)) if edges[-1] > TOLERATED else 1
    layer = piece.layer_of()
    cut = [0] * (len(widths) + 1)
    for name, others in piece.beside.items():
        for other in others:
            cut[max(layer[name], layer[other])] += 1  # each line twice
    breaks = [0]
    for k in range(1, rows):
        near = [j for j in range(breaks[-1] + 1, len(widths)) if abs(edges[j] - edges[-1] * k / rows) < 0.35 * edges[-1] / rows]
        best = min(near, key=lambda j: (cut[j], abs(edges[j] - edges[-1] * k / rows)), default=None)
        if best is None or cut[best] > 2 * FEW:
            return [range(len(widths))]
        breaks.append(best)
    return [range(a, b) for a, b in zip(breaks, [*breaks[1:], len(widths)], strict=True)]


def _row(piece: Layers, stretch: range, size: Mapping, columns: list, gaps: list[float], level: Mapping, row: int) -> dict:
    """Places of one row of layers, its left end at x = 0."""
    found, start = {}, 0.0
    for k in stretch:
        x, end = start + columns[k][0], start + sum(columns[k])
        found |= {n: Place(x, level[n], size[n][0], size[n][1], row, k, start, end) for n in piece.order[k]}
        start = end + gaps[k]
    return found


def _levels(piece: Layers, size: Mapping) -> dict:
    """Heights at which lines are as straight as the order and the sizes allow: projected means, swept back and forth."""
    layers, beside = piece.order, piece.beside
    apart = lambda a, b: (size[a][1] + size[b][1]) / 2 + (BETWEEN if isinstance(a, str) or isinstance(b, str) else 0.06)
    offsets = [np.cumsum([0.0, *(apart(a, b) for a, b in itertools.pairwise(layer))]) for layer in layers]
    y: dict = {}
    for layer, offset in zip(layers, offsets, strict=True):
        y |= dict(zip(layer, offset[-1] / 2 - offset, strict=True))
    pull = {name: 4.0 if isinstance(name, tuple) else 0.01 if len(others) == 1 else 1.0 for name, others in beside.items()}
    for sweep in range(2 * SWEEPS):
        for k in range(len(layers)) if sweep % 2 == 0 else range(len(layers) - 1, -1, -1):
            near = [np.array([(y[o], pull[o]) for o in beside[name]]).reshape(-1, 2) for name in layers[k]]
            weight = np.array([max(pairs[:, 1].sum(), 0.001) * pull[n] for n, pairs in zip(layers[k], near, strict=True)])
            wanted = [pairs.prod(axis=1).sum() / pairs[:, 1].sum() if len(pairs) else 0.0 for pairs in near]
            fitted = isotonic_regression(np.array(wanted) + offsets[k], weights=weight, increasing=False).x - offsets[k]
            y |= dict(zip(layers[k], fitted, strict=True))
    return y
