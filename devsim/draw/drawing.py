"""The picture of a circuit: boxes, lines coloured by domain, flags for inputs and outputs, a symbol for ground."""

from dataclasses import replace
from pathlib import Path as File
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from devsim import check
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.draw.diagram import Diagram, Line, Node, diagram
from devsim.draw.layout import Place, places
from devsim.draw.routes import Ends, ends_of, label_places, obstacles, port_places, ways
from devsim.draw.writing import (
    APART,
    BELOW,
    SMALL,
    SYMBOL,
    TINY,
    TITLE,
    along,
    box_heights,
    font_families,
    ground_slots,
    lead,
    sizes,
)
from devsim.files import replace_file
from devsim.style import PIXELS_PER_INCH, SOFT, styled

COLOURS = {"electrical": "#0072b2", "optical": "#d55e00", "signal": "#009e73", "spike": "#cc79a7"}
"""Of the domains; Okabe and Ito, Color Universal Design (2008)."""

PAPER = "#f6f8fa"
MOST_PORTS, MOST_LABELS = 45, 120
"""Lines up to which ports, and up to which nets are named in the picture."""

FORMATS = ("png", "svg", "pdf")
"""Endings of the files that a picture is written to."""


@styled
def draw(circuit: Circuit, *, path: str | File | None = None) -> Figure:
    """A picture of a circuit: parts as boxes, nets as lines in the colour of their domain, ground as a symbol of its own.

    A net of two pins is a line, one of more a dot; a bus is thick and says its number of lanes; signals and spikes have
    arrows. Of more than 60 parts, equal ones share a box. path: a file to write as well, .png, .svg or .pdf.

    Raises InputError for what is no circuit, another ending, or a path that cannot be written.
    """
    check.instance("circuit", circuit, Circuit)
    kind = picture_format("path", path) if path is not None else ""
    with rc_context({"font.family": font_families()}):
        figure = _figure(diagram(circuit))
    if path is not None:
        replace_file(File(path), lambda to: figure.savefig(to, format=kind, dpi=PIXELS_PER_INCH))
    return figure


def picture_format(name: str, path: str | File) -> str:
    """The format that a path's ending says; raises InputError for one that a picture is not written in, under `name`."""
    kind = File(path).suffix.lstrip(".").lower()
    if kind not in FORMATS:
        endings = [f".{ending}" for ending in FORMATS]
        raise InputError(f"`{name}` must end in {', '.join(endings[:-1])} or {endings[-1]}, but is `{path}`.")
    return kind


def _figure(drawn: Diagram) -> Figure:
    told = _told(drawn)
    where = places(told, sizes(told), [(lead(line, 0), lead(line, 1), along(line)) for line in told.lines])
    heights = box_heights(told)
    ends = ends_of(told, where, heights)
    blocked = obstacles(told, where, ends)
    paths = ways(told, where, ends, heights, blocked)
    figure, axis = _paper(where)
    for k, (line, path) in enumerate(zip(told.lines, paths, strict=True)):
        _line(axis, line, path, ends.get((k, 1)))
    _names(axis, told, ends, label_places(told, where, ends, paths, blocked))
    for name, node in told.nodes.items():
        _NODES[node.kind](axis, node, where[name], _domain(told, name), heights.get(name, 0.0))
    _legend(figure, told)
    return figure


def _told(drawn: Diagram) -> Diagram:
    """The same, without the names of ports where there are many lines, and of nets where there are too many."""
    if len(drawn.lines) <= MOST_PORTS:
        return drawn
    named = len(drawn.lines) <= MOST_LABELS
    title = lambda node: node.title if named or node.kind != "dot" else ""
    blank = lambda node: replace(node, title=title(node), grounds=("",) * len(node.grounds))
    lines = tuple(replace(line, ports=("", ""), label=line.label if named else "") for line in drawn.lines)
    return Diagram({name: blank(node) for name, node in drawn.nodes.items()}, lines)


def _paper(where: dict) -> tuple[Figure, Any]:
    """An empty figure that holds all places, one inch on paper per inch of them."""
    rows = 1 + max((place.row for place in where.values()), default=0)
    side = 0.18 + (0.55 if rows > 1 else 0.0)
    left = min((p.left for p in where.values()), default=0.0) - side
    right = max((p.right for p in where.values()), default=0.0) + side
    low = min((p.y - p.height / 2 for p in where.values()), default=0.0) - 0.15
    high = max((p.y + p.height / 2 for p in where.values()), default=0.0) + 0.1
    spare = max(3.4 - (right - left), 0) / 2
    width, height = right - left + 2 * spare, high - low
    figure = Figure(figsize=(width, height + 0.32), layout="none")
    axis = figure.add_axes((0, 0, 1, height / (height + 0.32)))
    axis.set(xlim=(left - spare, right + spare), ylim=(low, high))
    axis.set_axis_off()
    return figure, axis


def _domain(drawn: Diagram, name: str) -> str:
    return next((line.domain for line in drawn.lines if name in line.ends), "electrical")


def _line(axis, line: Line, path: Path, end: tuple | None) -> None:
    """One connection, thick where it has lanes, with an arrow at its second end where it has one."""
    colour = COLOURS[line.domain]
    axis.add_patch(PathPatch(path, fill=False, edgecolor=colour, linewidth=2.6 if line.lanes > 1 else 1.3, zorder=1))
    if line.arrow and end is not None:
        x, y, side = end
        head = np.array([[0, 0], [side * 0.09, 0.04], [side * 0.09, -0.04]]) + (x, y)
        axis.add_patch(Polygon(head, closed=True, facecolor=colour, edgecolor="none", zorder=3))


def _names(axis, drawn: Diagram, ends: Ends, labels: dict[int, tuple[float, float]]) -> None:
    """The names of ports beside their nodes, and of nets on their lines."""
    for (k, end), (x, y, side) in port_places(drawn, ends).items():
        port = drawn.lines[k].ports[end]
        axis.text(x, y, port, size=TINY, color=SOFT, ha="left" if side > 0 else "right", va="bottom")
    for k, (x, y) in labels.items():
        line = drawn.lines[k]
        back = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        axis.text(x, y, line.label, size=TINY, color=COLOURS[line.domain], ha="center", va="center", bbox=back, zorder=2)


def _box(axis, node: Node, place: Place, domain: str, high: float) -> None:
    corner = (place.x - place.width / 2 + 0.05, place.y - high / 2 + 0.05)
    style = {"boxstyle": "round,pad=0.05,rounding_size=0.06", "facecolor": PAPER, "edgecolor": SOFT, "linewidth": 0.9}
    axis.add_patch(FancyBboxPatch(corner, place.width - 0.1, high - 0.1, zorder=2.5, **style))
    axis.text(place.x, place.y + 0.015, node.title, size=TITLE, weight="bold", ha="center", va="bottom", zorder=4)
    axis.text(place.x, place.y - 0.015, node.subtitle, size=SMALL, color=SOFT, ha="center", va="top", zorder=4)
    slots = ground_slots(node)
    starts = place.x - sum(slots) / 2 + np.cumsum([0.0, *slots])[:-1]
    for start, port in zip(starts, node.grounds, strict=True):
        _ground(axis, float(start) + SYMBOL, place.y - high / 2, port)


def _ground(axis, x: float, y: float, port: str) -> None:
    """Ground below a box: a stem and three bars."""
    colour = COLOURS["electrical"]
    segments = [((x, x), (y, y - 0.08))] + [
        ((x - w, x + w), (y - d, y - d)) for w, d in ((SYMBOL, 0.08), (0.04, 0.11), (0.016, 0.14))
    ]
    for xs, ys in segments:
        axis.add_line(Line2D(xs, ys, color=colour, linewidth=1.2, zorder=1, solid_capstyle="butt"))
    axis.text(x + SYMBOL + APART / 2, y - 0.1, port, size=BELOW, color=SOFT, ha="left", va="center")


def _dot(axis, node: Node, place: Place, domain: str, high: float) -> None:
    axis.add_patch(Circle((place.x, place.y), 0.04, facecolor=COLOURS[domain], edgecolor="none", zorder=3))
    axis.text(place.x, place.y + 0.06, node.title, size=TINY, color=COLOURS[domain], ha="center", va="bottom", zorder=4)


def _flag(axis, node: Node, place: Place, domain: str, high: float) -> None:
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
