"""How long the writing of a picture is, and how much room nodes and lines ask for because of it."""

import functools
from collections import Counter

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextPath

from devsim.draw.diagram import Diagram, Line, Node

TITLE, SMALL, TINY = 8.5, 7.0, 6.2
"""Sizes of writing in points: names, classes, and ports and nets."""

BELOW = TINY - 0.5
"""Of a grounded port, beside its symbol."""

GROUND, LOOP, PITCH = 0.2, 0.19, 0.13
"""Inches of a symbol for ground below a box, of each line from a box to itself above it, and between pins."""

OFF, ARROW, APART = 0.04, 0.07, 0.05
"""Inches from a node to the name of a port, more of it where an arrow ends, and between one name and the next."""

HINTED = 1.09
"""How much longer a text of this size may become where its letters are fitted to the pixels of a screen."""

SYMBOL = 0.065
"""Half the width of a symbol for ground, in inches."""


def font_families() -> list[str]:
    """The font that the style in force finds, by its own name, so that it stays where the figure is shown under another.

    And the one that matplotlib brings, for what the first lacks.
    """
    return list(dict.fromkeys([get_font(findfont(FontProperties())).family_name, "DejaVu Sans"]))


@functools.lru_cache(maxsize=4096)
def written(text: str, size: float, weight: str = "normal") -> float:
    """How many inches a text is long."""
    if not text.strip():
        return 0.0
    return HINTED * float(TextPath((0, 0), text, size, prop=FontProperties(weight=weight)).get_extents().x1) / 72


def loops(line: Line) -> bool:
    """True for a line from a box to itself."""
    return line.ends[0] == line.ends[1]


def lead(line: Line, end: int) -> float:
    """Inches from a node along which the name of its port is written, and an arrow drawn."""
    arrow = ARROW * (line.arrow and end == 1)
    return arrow + (OFF + written(line.ports[end], TINY) + APART if line.ports[end] else 0.0)


def along(line: Line) -> float:
    """Inches that the label of a line takes."""
    return written(line.label, TINY) + 2 * APART if line.label else 0.0


def ground_slots(node: Node) -> list[float]:
    """Inches of each symbol for ground below a box with the port's name to its right."""
    return [2 * SYMBOL + APART + written(port, BELOW) + APART for port in node.grounds]


def box_heights(drawn: Diagram) -> dict[str, float]:
    """Inches of every box alone: room for all its pins on one side."""
    degree = Counter(name for line in drawn.lines for name in line.ends)
    return {name: max(0.46, PITCH * (degree[name] + 1)) for name, node in drawn.nodes.items() if node.kind == "box"}


def sizes(drawn: Diagram) -> dict[str, tuple[float, float]]:
    """Width and height of every node in inches, as much above its middle as below, with the ground and the loops."""
    looped = Counter(line.ends[0] for line in drawn.lines if loops(line))
    heights = box_heights(drawn)
    return {name: _size(node, heights.get(name, 0.0), looped[name]) for name, node in drawn.nodes.items()}


def _size(node: Node, alone: float, looped: int) -> tuple[float, float]:
    if node.kind == "dot":
        return (written(node.title, TINY) + APART, 0.24) if node.title else (0.16, 0.16)
    if node.kind != "box":
        return written(node.title, TITLE) + 0.42, 0.3
    wide = max(written(node.title, TITLE, "bold"), written(node.subtitle, SMALL), sum(ground_slots(node)) - 0.12)
    beyond = max(GROUND if node.grounds else 0.0, LOOP * looped + 0.08 if looped else 0.0)
    return wide + 0.26, alone + 2 * beyond
