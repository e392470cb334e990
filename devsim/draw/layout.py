"""Where things stand, in inches: layers side by side, folded into rows where they are many, lines as straight as may be."""

import dataclasses
import itertools
from collections.abc import Mapping

import networkx as nx
import numpy as np
from scipy.optimize import isotonic_regression

from devsim.draw.diagram import Diagram
from devsim.draw.layers import SWEEPS, Layers, layered

GAP, ROW_GAP, BETWEEN = 0.5, 0.62, 0.17
"""Inches between layers, between rows of layers, and between neighbours in a layer."""

WIDEST = 10.2
"""Inches of a row; what is wider than `TOLERATED` is folded into rows, where that cuts no more than `FEW` lines."""

TOLERATED = 1.5 * WIDEST
FEW = 3
BEND = (0.0, 0.05)
"""Size of the bend of a line that passes a layer."""


@dataclasses.dataclass(frozen=True)
class Place:
    """The middle of a node and its size, in inches; its row, and its layer there."""

    x: float
    y: float
    width: float
    height: float
    row: int
    layer: int


def places(drawn: Diagram, sizes: Mapping[str, tuple[float, float]], room: Mapping[tuple[str, str], float]) -> dict:
    """A place for every node by name, and for every bend of a line by (line, layer).

    sizes: width and height of the nodes. room: inches that the writing along the lines between two nodes asks for.
    """
    graph = nx.Graph([line.ends for line in drawn.lines])
    graph.add_nodes_from(drawn.nodes)
    found: dict = {}
    top, row = 0.0, 0
    for names in sorted(nx.connected_components(graph), key=lambda c: (-len(c), min(c))):
        piece = layered(drawn, names)
        size = {name: sizes.get(name, BEND) for name in piece.beside}
        gaps = _gaps(piece, room)
        level = _levels(piece, size)
        for stretch in _folded(piece, size, gaps):
            placed = _row(piece, stretch, size, gaps, level, row)
            high = max(p.y + p.height / 2 for p in placed.values())
            low = min(p.y - p.height / 2 for p in placed.values())
            found |= {n: dataclasses.replace(p, y=p.y - high + top) for n, p in placed.items()}
            top -= high - low + ROW_GAP
            row += 1
    return found


def _gaps(piece: Layers, room: Mapping[tuple[str, str], float]) -> list[float]:
    """Inches after each layer: what the widest writing before the next one asks for."""
    layer = piece.layer_of()
    gaps = [GAP] * len(piece.order)
    for (one, other), asked in room.items():
        if one in layer and other in layer and one != other:
            left = min(layer[one], layer[other])
            gaps[left] = max(gaps[left], asked / abs(layer[one] - layer[other]))
    gaps[-1] = 0.0
    return gaps


def _folded(piece: Layers, size: Mapping, gaps: list[float]) -> list[range]:
    """The layers in rows of about equal width, cut where few lines pass; in one row where many would be cut."""
    widths = [max(size[n][0] for n in layer) + gap for layer, gap in zip(piece.order, gaps, strict=True)]
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


def _row(piece: Layers, stretch: range, size: Mapping, gaps: list[float], level: Mapping, row: int) -> dict:
    """Places of one row of layers, its left end at x = 0."""
    found, x = {}, 0.0
    for k in stretch:
        width = max(size[name][0] for name in piece.order[k])
        found |= {n: Place(x + width / 2, level[n], size[n][0], size[n][1], row, k) for n in piece.order[k]}
        x += width + gaps[k]
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
