"""The style of the house: palette, type and the empty figure, safe for colour-blind readers.

pyplot and its global state are never touched.
"""

import io
from collections.abc import Callable
from typing import Any

import matplotlib
from matplotlib.figure import Figure

INK, SOFT, FAINT = "#1f2328", "#6e7781", "#d8dee4"
CHIP, IDEAL, LOSS, GAIN = "#0072b2", "#9aa4ae", "#d55e00", "#009e73"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Line colours of Okabe and Ito, Color Universal Design (2008)."""
DASHES = ((4, 3), (1, 1.5), (8, 3), (6, 2, 1, 2))
"""Of the levels that lines are compared with."""
WIDTH = 7.2
"""Width of a figure in inches: the column of a report."""
PIXELS_PER_INCH = 200
"""Of the PNG: twice what a report shows, for sharp screens."""

STYLE: dict[Any, Any] = {
    "font.family": ["sans-serif", "DejaVu Sans"],  # the last has the raised digits that the first may lack
    "font.sans-serif": ["Inter", "Source Sans 3", "Helvetica Neue", "Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.prop_cycle": matplotlib.cycler(color=SERIES),
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "image.cmap": "cividis",
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "text.parse_math": False,
}
styled: Callable = matplotlib.rc_context(STYLE)
"""Decorator (and context) that gives a figure the style of the house."""


@styled
def figure(height: float = 3.2, *, width: float = WIDTH) -> Figure:
    """An empty figure of the house, `width` by `height` inches; draw in it inside `with plot.styled:`."""
    return Figure(figsize=(width, height), layout="constrained")


def png(drawn: Figure) -> bytes:
    """The figure as a crisp PNG."""
    with matplotlib.rc_context(STYLE), io.BytesIO() as buffer:
        drawn.savefig(buffer, format="png", dpi=PIXELS_PER_INCH, facecolor="white", metadata={"Software": "devsim"})
        return buffer.getvalue()
