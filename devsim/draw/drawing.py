"""The picture of a circuit: boxes, lines coloured by domain, flags for inputs and outputs, a symbol for ground."""

from collections import defaultdict
from pathlib import Path as File
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from devsim import check
from devsim.circuit import Circuit
from devsim.draw.diagram import Diagram, Line, Node, diagram, shortened
from devsim.draw.layout import ROW_GAP, Place, places
from devsim.files import replace_file
from devsim.style import PIXELS_PER_INCH, SOFT, styled

COLOURS = {"electrical": "#0072b2", "optical": "#d55e00", "signal": "#009e73", "spike": "#cc79a7"}
"""Of the domains; Okabe and Ito, Color Universal Design (2008)."""

PAPER = "#f6f8fa"
TITLE, SMALL, TINY = 8.5, 7.0, 6.2
"""Sizes of writing in points: names, classes, and ports and nets."""

MOST_LABELS = 45
"""Lines up to which nets and ports are named in the picture."""

GROUND = 0.2
"""Inches that the symbol for ground takes below a box."""

Ends = dict[tuple[int, int], tuple[float, float, int]]
"""(line, which end) -> (x, y, side), side -1 at the left of a node and 1 at its right."""


@styled
def draw(circuit: Circuit, *, path: str | File | None = None) -> Figure:
    """A picture of a circuit: parts as boxes, nets as lines in the colour of their domain, ground as a symbol of its own.

    A net of two pins is a line, one of more a dot; a bus is thick and says its number of lanes; signals and spikes have
    arrows. Of more than 60 parts, equal ones share a box. path: a file to write as well; its ending says the format.

    Raises InputError for what is no circuit, a format that is not known, or a path that cannot be written.
    """
    check.instance("circuit", circuit, Circuit)
    figure = _figure(diagram(circuit))
    if path is not None:
        kind = File(path).suffix.lstrip(".").lower()
        check.one_of("format", kind, figure.canvas.get_supported_filetypes())
        replace_file(File(path), lambda to: figure.savefig(to, format=kind, dpi=PIXELS_PER_INCH))
    return figure


def _figure(drawn: Diagram) -> Figure:
    labelled = len(drawn.lines) <= MOST_LABELS
    degree = _degrees(drawn)
    sizes = {name: _size(node, degree[name]) for name, node in drawn.nodes.items()}
    room = {line.ends: 0.3 + _room(line) for line in drawn.lines} if labelled else {}
    where = places(drawn, sizes, room)
    figure, axis = _paper(drawn, where)
    ends = _ends(drawn, where)
    for k, line in enumerate(drawn.lines):
        path = _way(k, line, ends, where, drawn)
        _line(axis, line, path, (ends[k, 0], ends[k, 1]), labelled)
    for name, node in drawn.nodes.items():
        _NODES[node.kind](axis, node, where[name], _domain(drawn, name), labelled)
    _legend(figure, drawn)
    return figure


def _paper(drawn: Diagram, where: dict) -> tuple[Figure, Any]:
    """An empty figure that holds all places, one inch on paper per inch of them."""
    rows = 1 + max((place.row for place in where.values()), default=0)
    side = 0.18 + (0.55 if rows > 1 else 0.0)
    left = min((p.x - p.width / 2 for p in where.values()), default=0.0) - side
    right = max((p.x + p.width / 2 for p in where.values()), default=0.0) + side
    low = min((p.y - p.height / 2 for p in where.values()), default=0.0) - 0.15
    high = max((p.y + p.height / 2 for p in where.values()), default=0.0) + 0.1 + 0.3 * _has_loops(drawn)
    spare = max(3.4 - (right - left), 0) / 2
    width, height = right - left + 2 * spare, high - low
    figure = Figure(figsize=(width, height + 0.32), layout="none")
    axis = figure.add_axes((0, 0, 1, height / (height + 0.32)))
    axis.set(xlim=(left - spare, right + spare), ylim=(low, high))
    axis.set_axis_off()
    return figure, axis


def _has_loops(drawn: Diagram) -> bool:
    return any(line.ends[0] == line.ends[1] for line in drawn.lines)


def _degrees(drawn: Diagram) -> dict[str, int]:
    degree = dict.fromkeys(drawn.nodes, 0)
    for line in drawn.lines:
        for name in line.ends:
            degree[name] += 1
    return degree


def _domain(drawn: Diagram, name: str) -> str:
    return next((line.domain for line in drawn.lines if name in line.ends), "electrical")


def _written(text: str, size: float) -> float:
    """About how many inches a text is long."""
    return 0.0079 * size * len(text)


def _room(line: Line) -> float:
    """Inches that the names along a line ask for."""
    ports = sum(_written(port, TINY) for port in line.ports)
    return ports + _written(_label(line), TINY) + 0.1


def _label(line: Line) -> str:
    lanes = f" /{line.lanes}" if line.lanes > 1 else ""
    return shortened(line.label, 18) + lanes


def _size(node: Node, degree: int) -> tuple[float, float]:
    """Width and height of a node in inches, with the ground below it."""
    if node.kind == "dot":
        return 0.16, max(0.16, 0.24 if node.title else 0.16)
    if node.kind != "box":
        return _written(node.title, TITLE) + 0.42, 0.3
    wide = max(_written(node.title, TITLE) * 1.08, _written(node.subtitle, SMALL), 0.17 * len(node.grounds) + 0.2)
    high = max(0.46, 0.15 * (degree + 1) / 1.4)
    return wide + 0.26, high + (2 * GROUND if node.grounds else 0.0)


def _box_height(node: Node, place: Place) -> float:
    return place.height - (2 * GROUND if node.grounds else 0.0)


def _ends(drawn: Diagram, where: dict) -> Ends:
    """Where each line meets its nodes: on the side that faces the other end, in the order in which the lines go on."""
    sides: dict[tuple[str, int], list] = defaultdict(list)
    for k, line in enumerate(drawn.lines):
        for end in (0, 1):
            here, there = where[line.ends[end]], where[line.ends[1 - end]]
            side = 1 if there.layer > here.layer else -1
            ahead = where.get((k, here.layer + side), there)
            level = ahead.y if ahead.row == here.row else -np.inf  # to another row: along the bottom
            sides[line.ends[end], side].append((level, -k, k, end))
    found: Ends = {}
    for (name, side), lines in sides.items():
        place, node = where[name], drawn.nodes[name]
        span = _box_height(node, place) if node.kind == "box" else 0.0
        for i, (_, _, k, end) in enumerate(sorted(lines)):
            y = place.y + span * ((i + 1) / (len(lines) + 1) - 0.5)
            found[k, end] = (place.x + side * (0.0 if node.kind == "dot" else place.width / 2), y, side)
    return found


def _line(axis, line: Line, path: Path, ends: tuple, labelled: bool) -> None:
    """One connection, with its label, its lanes and its arrow."""
    colour = COLOURS[line.domain]
    axis.add_patch(PathPatch(path, fill=False, edgecolor=colour, linewidth=2.6 if line.lanes > 1 else 1.3, zorder=1))
    if line.arrow:
        x, y, side = ends[1]
        head = np.array([[0, 0], [side * 0.09, 0.04], [side * 0.09, -0.04]]) + (x, y)
        axis.add_patch(Polygon(head, closed=True, facecolor=colour, edgecolor="none", zorder=3))
    if not labelled:
        return
    loop = line.ends[0] == line.ends[1]
    for (x, y, side), port in zip(ends, line.ports, strict=True):
        if port and not loop:
            shift = side * (0.11 if line.arrow and (x, y, side) == ends[1] else 0.04)
            axis.text(x + shift, y + 0.02, port, size=TINY, color=SOFT, ha="left" if side > 0 else "right", va="bottom")
    if label := _label(line).strip():
        x, y = _middle(path)
        y += 0.09 if loop else 0.0
        back = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        axis.text(x, y, label, size=TINY, color=colour, ha="center", va="center", bbox=back, zorder=2)


def _way(k: int, line: Line, ends: Ends, where: dict, drawn: Diagram) -> Path:
    """The path of a line: S-bends from layer to layer, around the boxes from row to row, a loop above one box."""
    first, last = where[line.ends[0]], where[line.ends[1]]
    if line.ends[0] == line.ends[1]:
        return _loop(first.x, first.y + _box_height(drawn.nodes[line.ends[0]], first) / 2, k)
    step = 1 if last.layer > first.layer else -1
    bends = [where[k, layer] for layer in range(first.layer + step, last.layer, step)]
    (x, y, _), stops = ends[k, 0], [*((p.x, p.y, p) for p in bends), (*ends[k, 1][:2], last)]
    vertices, codes, row = [(x, y)], [Path.MOVETO], first.row
    for to_x, to_y, place in stops:
        if place.row != row:
            added = _between_rows((x, y, row), (to_x, to_y, place.row), where, k)
        else:
            bend = (to_x - x) / 2
            added = Path([(x, y), (x + bend, y), (to_x - bend, to_y), (to_x, to_y)], [Path.MOVETO] + 3 * [Path.CURVE4])
        vertices += list(added.vertices[1:])
        codes += list(added.codes[1:])
        x, y, row = to_x, to_y, place.row
    return Path(vertices, codes)


def _loop(x: float, y: float, k: int) -> Path:
    """From a box to itself, above it."""
    wide, high = 0.18, y + 0.36 + 0.05 * (k % 3)
    return Path([(x - wide, y), (x - 2 * wide, high), (x + 2 * wide, high), (x + wide, y)], [Path.MOVETO] + 3 * [Path.CURVE4])


def _between_rows(one: tuple, other: tuple, where: dict, k: int) -> Path:
    """From the right end of one row to the left end of the next, around the boxes."""
    lane, forward = 0.07 * (k % 5), one[2] < other[2]
    (x0, y0, row), (x1, y1, _) = (one, other) if forward else (other, one)
    upper = [p for p in where.values() if p.row == row]
    bottom = min(p.y - p.height / 2 for p in upper) - ROW_GAP / 2 - lane + 0.14
    right = max(p.x + p.width / 2 for p in upper) + 0.14 + lane
    left = min(p.x - p.width / 2 for p in where.values()) - 0.14 - lane
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


def _middle(path: Path) -> tuple[float, float]:
    """The point half way along a path."""
    fine = 1e3  # curves are broken into straight pieces no longer than about one
    points = path.to_polygons(Affine2D().scale(fine), closed_only=False)[0] / fine
    lengths = np.cumsum([0.0, *np.linalg.norm(np.diff(points, axis=0), axis=1)])
    x, y = (float(np.interp(lengths[-1] / 2, lengths, points[:, i])) for i in (0, 1))
    return x, y


def _box(axis, node: Node, place: Place, domain: str, labelled: bool) -> None:
    high = _box_height(node, place)
    corner = (place.x - place.width / 2 + 0.05, place.y - high / 2 + 0.05)
    style = {"boxstyle": "round,pad=0.05,rounding_size=0.06", "facecolor": PAPER, "edgecolor": SOFT, "linewidth": 0.9}
    axis.add_patch(FancyBboxPatch(corner, place.width - 0.1, high - 0.1, zorder=2.5, **style))
    axis.text(place.x, place.y + 0.015, node.title, size=TITLE, weight="bold", ha="center", va="bottom", zorder=4)
    axis.text(place.x, place.y - 0.015, node.subtitle, size=SMALL, color=SOFT, ha="center", va="top", zorder=4)
    for i, port in enumerate(node.grounds):
        x = place.x + place.width * ((i + 1) / (len(node.grounds) + 1) - 0.5)
        _ground(axis, x, place.y - high / 2, port if labelled else "")


def _ground(axis, x: float, y: float, port: str) -> None:
    """Ground below a box: a stem and three bars."""
    colour = COLOURS["electrical"]
    segments = [((x, x), (y, y - 0.08))] + [
        ((x - w, x + w), (y - d, y - d)) for w, d in ((0.065, 0.08), (0.04, 0.11), (0.016, 0.14))
    ]
    for xs, ys in segments:
        axis.add_line(Line2D(xs, ys, color=colour, linewidth=1.2, zorder=1, solid_capstyle="butt"))
    axis.text(x + 0.09, y - 0.1, port, size=TINY - 0.5, color=SOFT, ha="left", va="center")


def _dot(axis, node: Node, place: Place, domain: str, labelled: bool) -> None:
    axis.add_patch(Circle((place.x, place.y), 0.04, facecolor=COLOURS[domain], edgecolor="none", zorder=3))
    if labelled and node.title:
        text = shortened(node.title, 18)
        axis.text(place.x, place.y + 0.06, text, size=TINY, color=COLOURS[domain], ha="center", va="bottom", zorder=4)


def _flag(axis, node: Node, place: Place, domain: str, labelled: bool) -> None:
    """A pointed label: into the circuit for an input, out of it for an output, both for what is both."""
    w, h, tip = place.width / 2, place.height / 2 - 0.02, 0.12
    left = w if node.kind != "both" else w - tip
    outline = [(-left, h), (w - tip, h), (w, 0), (w - tip, -h), (-left, -h)] + [(-w, 0)] * (node.kind == "both")
    colour = COLOURS[domain]
    filled = {"facecolor": "white", "edgecolor": colour, "linewidth": 1.1, "zorder": 2.5}
    axis.add_patch(Polygon(np.array(outline) + (place.x, place.y), closed=True, **filled))
    x = place.x - (0.05 if node.kind != "both" else 0.0)
    axis.text(x, place.y, node.title, size=TITLE, color=colour, ha="center", va="center_baseline", zorder=4)


def _legend(figure: Figure, drawn: Diagram) -> None:
    domains = [domain for domain in COLOURS if any(line.domain == domain for line in drawn.lines)]
    handles = [Line2D([], [], color=COLOURS[domain], linewidth=1.8, label=domain) for domain in domains]
    figure.legend(handles=handles, loc="upper left", ncols=4, fontsize=SMALL + 0.5, frameon=False, borderaxespad=0.3)


_NODES = {"box": _box, "dot": _dot, "input": _flag, "output": _flag, "both": _flag}
