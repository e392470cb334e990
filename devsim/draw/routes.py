"""The way of every line, and where its label stands: beside nodes and their writing, around rows, and off other lines."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray

from devsim.draw.diagram import Diagram, Line
from devsim.draw.layout import ROW_GAP
from devsim.draw.writing import APART, ARROW, LOOP, OFF, TINY, along, lead, loops, written

LETTERS = 0.09
"""Height in inches of the names of ports and nets, from below a descender to above a capital."""

Ends = dict[tuple[int, int], tuple[float, float, int]]
"""(line, which end) -> (x, y, side), side -1 at the left of a node and 1 at its right."""

Middle = tuple[float, float]
"""Middle of a writing, in inches."""


def ends_of(drawn: Diagram, where: Mapping, heights: Mapping[str, float]) -> Ends:
    """Where each line meets its nodes: on the side that faces the other end, in the order in which the lines go on.

    heights: inches of the boxes alone.
    """
    sides: dict[tuple[str, int], list] = defaultdict(list)
    for k, line in enumerate(drawn.lines):
        for end in (0, 1):
            here, there = where[line.ends[end]], where[line.ends[1 - end]]
            side = 1 if there.layer > here.layer else -1
            ahead = where.get((k, here.layer + side), there)
            level = ahead.y if ahead.row == here.row else -np.inf  # to another row: along the bottom
            if not loops(line):
                sides[line.ends[end], side].append((level, -k, k, end))
    found: Ends = {}
    for (name, side), lines in sides.items():
        place, span = where[name], heights.get(name, 0.0)
        for i, (_, _, k, end) in enumerate(sorted(lines)):
            y = place.y + span * ((i + 1) / (len(lines) + 1) - 0.5)
            found[k, end] = (place.x + side * (place.width / 2 if drawn.nodes[name].kind != "dot" else 0.0), y, side)
    return found


def port_places(drawn: Diagram, ends: Ends) -> dict[tuple[int, int], tuple[float, float, int]]:
    """(line, which end) -> (x, y, side) of the name of a port: its lower corner next to the node."""
    found = {}
    for (k, end), (x, y, side) in ends.items():
        line = drawn.lines[k]
        if line.ports[end]:
            found[k, end] = (x + side * (OFF + ARROW * (line.arrow and end == 1)), y + 0.02, side)
    return found


def obstacles(drawn: Diagram, where: Mapping, ends: Ends) -> NDArray:
    """Left, low, right and high edge of every node and of the name of every port, shape (n, 4)."""
    nodes = [where[name] for name in drawn.nodes]
    found = [(p.x - p.width / 2, p.y - p.height / 2, p.x + p.width / 2, p.y + p.height / 2) for p in nodes]
    for (k, end), (x, y, side) in port_places(drawn, ends).items():
        far = x + side * written(drawn.lines[k].ports[end], TINY)
        found.append((min(x, far), y, max(x, far), y + LETTERS))
    return np.array(found).reshape(-1, 4)


def ways(drawn: Diagram, where: Mapping, ends: Ends, heights: Mapping[str, float], blocked: NDArray) -> list[Path]:
    """The path of every line: level through layers, S-bends between them, around rows, a loop above one box."""
    turn: dict[str, int] = defaultdict(int)
    found = []
    for k, line in enumerate(drawn.lines):
        if loops(line):
            place = where[line.ends[0]]
            found.append(_loop(place.x, place.y + heights[line.ends[0]] / 2, turn[line.ends[0]]))
            turn[line.ends[0]] += 1
            continue
        short = _way(k, line, ends, where, drawn, hasty=True)
        others = blocked[[name not in line.ends for name in drawn.nodes] + [True] * (len(blocked) - len(drawn.nodes))]
        clear = not _hits(points_of(short), others, 0.01)
        found.append(short if clear else _way(k, line, ends, where, drawn, hasty=False))
    return found


def _hits(points: NDArray, rectangles: NDArray, margin: float) -> bool:
    """True where a point lies in a rectangle or nearer than `margin` inches."""
    x, y = points[:, :1], points[:, 1:]
    left, low, right, high = rectangles.T
    return bool(((x > left - margin) & (x < right + margin) & (y > low - margin) & (y < high + margin)).any())


def _way(k: int, line: Line, ends: Ends, where: Mapping, drawn: Diagram, *, hasty: bool) -> Path:
    """A line that bends only between layers; hasty: it may leave a dot before the layer of the dot ends."""
    first, last = where[line.ends[0]], where[line.ends[1]]
    step = 1 if last.layer > first.layer else -1
    bends = [where[k, layer] for layer in range(first.layer + step, last.layer, step)]
    edge = lambda place, side: place.right if side > 0 else place.left
    dots = [hasty and drawn.nodes[name].kind == "dot" for name in line.ends]
    leaves = first.x + step * first.width / 2 if dots[0] else edge(first, step)
    enters = last.x - step * last.width / 2 if dots[1] else edge(last, -step)
    (x0, y0, _), (x1, y1, _) = ends[k, 0], ends[k, 1]
    level = [
        (x0, leaves, y0, first.row),
        *((edge(p, -step), edge(p, step), p.y, p.row) for p in bends),
        (enters, x1, y1, last.row),
    ]
    vertices, codes = [(x0, y0)], [Path.MOVETO]
    for (_, x, y, row), (to_x, _, to_y, to_row) in itertools.pairwise(level):
        half = (to_x - x) / 2
        if row == to_row:
            added = Path([(x, y), (x + half, y), (to_x - half, to_y), (to_x, to_y)], [Path.MOVETO] + 3 * [Path.CURVE4])
        else:
            added = _between_rows((x, y, row), (to_x, to_y, to_row), where, k)
        vertices += list(np.asarray(added.vertices))
        codes += [Path.LINETO, *np.asarray(added.codes)[1:]]
    return Path([*vertices, (x1, y1)], [*codes, Path.LINETO])


def _loop(x: float, y: float, turn: int) -> Path:
    """From a box to itself, above it and above the loops before it."""
    wide, high = 0.1 + 0.04 * turn, y + (0.16 + LOOP * turn) / 0.75
    return Path([(x - wide, y), (x - 2 * wide, high), (x + 2 * wide, high), (x + wide, y)], [Path.MOVETO] + 3 * [Path.CURVE4])


def _between_rows(one: tuple, other: tuple, where: Mapping, k: int) -> Path:
    """From the right end of one row to the left end of the next, around the boxes."""
    lane, forward = 0.07 * (k % 5), one[2] < other[2]
    (x0, y0, row), (x1, y1, _) = (one, other) if forward else (other, one)
    upper = [p for p in where.values() if p.row == row]
    bottom = min(p.y - p.height / 2 for p in upper) - ROW_GAP / 2 - lane + 0.14
    right = max(p.right for p in upper) + 0.14 + lane
    left = min(p.left for p in where.values()) - 0.14 - lane
    points = [(x0, y0), (right, y0), (right, bottom), (left, bottom), (left, y1), (x1, y1)]
    return _rounded(points if forward else points[::-1], 0.08)


def _rounded(points: list[tuple[float, float]], radius: float) -> Path:
    """A line through corners, each rounded."""
    corners = np.asarray(points)
    vertices, codes = [corners[0]], [Path.MOVETO]
    for before, at, after in zip(corners, corners[1:], corners[2:], strict=False):
        reach = [min(radius, np.linalg.norm(p - at) / 2) / (np.linalg.norm(p - at) or 1.0) for p in (before, after)]
        vertices += [at + reach[0] * (before - at), at, at + reach[1] * (after - at)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*vertices, corners[-1]], [*codes, Path.LINETO])


def points_of(path: Path) -> NDArray:
    """Points along a path no farther apart than 0.02 inches, shape (n, 2)."""
    fine = 1e3  # curves are broken into straight pieces no longer than about one
    corners = np.asarray(path.to_polygons(Affine2D().scale(fine), closed_only=False)[0]) / fine
    lengths = np.cumsum([0.0, *np.linalg.norm(np.diff(corners, axis=0), axis=1)])
    at = np.linspace(0.0, lengths[-1], 2 + int(lengths[-1] / 0.02))
    return np.stack([np.interp(at, lengths, corners[:, i]) for i in (0, 1)], axis=1)


def label_places(drawn: Diagram, where: Mapping, ends: Ends, paths: list[Path], blocked: NDArray) -> dict[int, Middle]:
    """Line -> the middle of its label: half way where it runs level and alone, else behind the pin at its left.

    There room is kept for it.
    """
    points = [points_of(path) for path in paths]
    found: dict[int, Middle] = {}
    taken = blocked
    for k, line in enumerate(drawn.lines):
        if not line.label:
            continue
        wide = along(line) - APART
        x, y = points[k][len(points[k]) // 2]
        own = points[k][np.abs(points[k][:, 0] - x) < wide / 2]
        others = np.concatenate([np.zeros((0, 2)), *(p for j, p in enumerate(points) if j != k)])
        if loops(line):
            y += 0.09
        elif np.ptp(own[:, 1]) > 0.03 or _hits(others, _around(x, y, wide), 0.02) or _meets(_around(x, y, wide), taken):
            x, y = _behind_pin(line, k, where, ends)
        found[k] = (float(x), float(y))
        taken = np.concatenate([taken, _around(x, y, wide)])
    return found


def _behind_pin(line: Line, k: int, where: Mapping, ends: Ends) -> Middle:
    end = 0 if ends[k, 0][2] > 0 else 1
    x, y, _ = ends[k, end]
    return (x + lead(line, end) + where[line.ends[end]].right) / 2, y


def _around(x: float, y: float, wide: float) -> NDArray:
    return np.array([[x - wide / 2, y - LETTERS / 2, x + wide / 2, y + LETTERS / 2]])


def _meets(one: NDArray, others: Iterable) -> bool:
    """True where a rectangle touches one of the others."""
    left, low, right, high = np.asarray(others).reshape(-1, 4).T
    return bool(((one[0, 0] < right) & (one[0, 2] > left) & (one[0, 1] < high) & (one[0, 3] > low)).any())
