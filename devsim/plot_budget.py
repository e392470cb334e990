"""Pictures of an error budget: what each imperfection costs, how the variance divides, how much room is left."""

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from devsim.plot import bar_axis, whisker, words
from devsim.style import CHIP, GAIN, IDEAL, INK, LOSS, SOFT, figure, styled
from devsim.units import engineering, in_brackets, scaled

EFFECTS = (("cost_alone", LOSS, "lost when it acts alone"), ("gain_removed", GAIN, "regained when it alone is removed"))
INDICES = (("sobol_first", IDEAL, "by itself (first order)"), ("sobol_total", CHIP, "with all it takes part in (total)"))
"""Variable, colour and label of each of two bars."""
MOST = 12
"""How many imperfections a picture shows."""
BEYOND = 1e9
"""Where a whisker ends whose end was not found: outside of every picture."""


@styled
def budget_bars(budget: xr.Dataset, *, most: int = MOST) -> Figure:
    """The imperfections of an `error_budget`, worst first: cost alone and gain when removed, with 95 % intervals."""
    return _pairs(budget, EFFECTS, f"change of {_metric(budget)}", budget.attrs.get("units", "1"), most)


@styled
def sobol_bars(budget: xr.Dataset, *, most: int = MOST) -> Figure:
    """First-order and total Sobol indices of a `full_budget`, the largest total first, with 95 % intervals."""
    ordered = budget.isel(imperfection=np.argsort(-budget["sobol_total"].values, kind="stable"))
    return _pairs(ordered, INDICES, f"share of the variance of {_metric(budget)}", "1", most)


@styled
def room_left(budget: xr.Dataset, *, most: int = MOST) -> Figure:
    """How many times farther from ideal than it is each imperfection may go before the metric has lost what is allowed.

    The least room comes first. A dot with its 95 % interval on a logarithmic axis that begins at the present value; an arrow
    for what is never reached.
    """
    drawn, axis, shown = _rows(by_room(budget), most)
    if axis is None:
        return drawn
    ends = shown[[f"tolerance_factor{end}" for end in ("", "_low", "_high")]].to_array().values
    axis.set_xscale("log")
    axis.set_xlim(1, 1.25 * float(np.max(ends[np.isfinite(ends)], initial=2.0)))
    for place in range(shown.sizes["imperfection"]):
        _room_row(axis, place, shown.isel(imperfection=place))
    _times(axis)
    axis.set_xlabel("largest distance from ideal, in multiples of the present one")
    handles = [
        matplotlib.lines.Line2D([], [], color=CHIP, marker="o", linestyle="", label="tolerance, with 95 % interval"),
        matplotlib.lines.Line2D([], [], color=GAIN, linewidth=2.2, label="never reached where it was looked for"),
    ]
    drawn.legend(handles=handles, loc="outside upper left", ncols=2)
    return drawn


def by_room(budget: xr.Dataset) -> xr.Dataset:
    """The budget with the least room first, and what is never reached last."""
    return budget.isel(imperfection=np.argsort(budget["tolerance_factor"].values, kind="stable"))


def _room_row(axis, place: int, row: xr.Dataset) -> None:
    """The room of one imperfection, and its values beside it."""
    value, low, high = (float(row[f"tolerance_factor{end}"]) for end in ("", "_low", "_high"))
    if np.isfinite(value):
        axis.plot([1, value], [place, place], color=IDEAL, linewidth=7, solid_capstyle="butt", zorder=1)
        axis.plot([value], [place], color=CHIP, marker="o", markersize=6, zorder=3)
    else:
        ends = {"xy": (1, place), "xytext": (0, place), "xycoords": axis.get_yaxis_transform()}
        axis.annotate("", **ends, arrowprops={"arrowstyle": "-|>", "color": GAIN, "linewidth": 2.2})
    if np.isfinite(value) and np.isfinite(low):
        whisker(axis, place, low, high if np.isfinite(high) else BEYOND)
    axis.text(1.02, place, _room(row), transform=axis.get_yaxis_transform(), va="center", fontsize=9)


def _room(row: xr.Dataset) -> str:
    """The present value and the largest one, as text."""
    unit = str(row["unit"].item())
    present, most = (engineering(float(row[name]), unit, typographic=True) for name in ("present", "tolerance"))
    return f"{present}  →  {most}" if np.isfinite(float(row["tolerance"])) else f"{present}  →  no limit found"


def _times(axis) -> None:
    """Ticks at 1, 2, 5 and their powers of ten, as multiples."""
    axis.xaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.grid(axis="x")
    axis.spines[["bottom"]].set_visible(False)
    axis.spines["left"].set_color(INK)
    axis.tick_params(which="both", length=0)


def _pairs(budget: xr.Dataset, bars, label: str, unit: str, most: int) -> Figure:
    """Two bars for each imperfection, with intervals."""
    drawn, axis, shown = _rows(budget, most)
    if axis is None:
        return drawn
    sizes = np.abs(shown[[name for name, _, _ in bars]].to_array().values)
    factor, prefixed = scaled(float(np.max(sizes[np.isfinite(sizes)], initial=0.0)), unit)
    for (name, colour, told), shift in zip(bars, (-0.18, 0.18), strict=True):
        places = np.arange(shown.sizes["imperfection"]) + shift
        axis.barh(places, shown[name] / factor, 0.32, color=colour, label=told)
        for place, low, high in zip(places, shown[f"{name}_low"] / factor, shown[f"{name}_high"] / factor, strict=True):
            whisker(axis, place, float(low), float(high))
    rest = budget.sizes["imperfection"] - shown.sizes["imperfection"]
    axis.set_xlabel(f"{label}{in_brackets(prefixed)}" + (f"; {rest} smaller ones are not shown" if rest else ""))
    bar_axis(axis)
    drawn.legend(loc="outside upper left", ncols=2)
    return drawn


def _rows(budget: xr.Dataset, most: int):
    """A figure with a row for each of the worst imperfections, its axis (None where there is none), and these."""
    shown = budget.isel(imperfection=slice(0, most))
    paths = [str(path) for path in shown["imperfection"].values]
    drawn = figure(1.15 + 0.46 * max(len(paths), 1))
    axis = drawn.subplots()
    if not paths:
        axis.set_axis_off()
        axis.text(0.5, 0.5, "every imperfection is at its ideal value", transform=axis.transAxes, ha="center", color=SOFT)
        return drawn, None, shown
    axis.set_yticks(range(len(paths)), paths)
    axis.set_ylim(len(paths) - 0.5, -0.5)
    return drawn, axis, shown


def _metric(budget: xr.Dataset) -> str:
    return words(str(budget.attrs.get("metric", "metric")))
