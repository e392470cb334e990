"""The figure of variants side by side: every metric of each, and how far it is from the first."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from devsim.compare import differences, summary
from devsim.plot import words
from devsim.style import INK, SERIES, SOFT, figure, styled
from devsim.units import in_brackets, scaled

LONGEST = 28
"""Characters of a variant's name that fit beside its dot."""


@styled
def variant_dots(result: xr.Dataset) -> Figure:
    """A row for each metric of a `side_by_side` result: to the left every variant with its 95 % interval and a grey tick at
    its ideal, to the right how far it is from the first, with the paired interval."""
    names = [str(name) for name in result["variant"].values]
    rows = {name: summary(result.sel(variant=name)) for name in names}
    metrics = list(next(iter(rows.values())))
    apart = differences(result)
    drawn = figure(0.5 + len(metrics) * (0.62 + 0.22 * len(names)))
    axes = drawn.subplots(len(metrics), 2, squeeze=False, width_ratios=(3, 2))
    for (left, right), metric in zip(axes, metrics, strict=True):
        _values(left, metric, {name: rows[name][metric] for name in names})
        _apart(right, names, apart[metric], rows[names[0]][metric]["unit"])
    axes[0][1].set_title("difference", fontsize=9.5)
    return drawn


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _values(axis, metric: str, rows: dict) -> None:
    known = [v for row in rows.values() for v in (row["chip"]["mean"], row["chip"]["low"], row["chip"]["high"], row["ideal"])]
    factor, unit = scaled(max((abs(v) for v in known if v is not None), default=0.0), next(iter(rows.values()))["unit"])
    for place, (row, colour) in enumerate(zip(rows.values(), SERIES * len(rows), strict=False)):
        _dot(axis, place, row["chip"], factor, colour)
        if row["ideal"] is not None:
            axis.plot([row["ideal"] / factor] * 2, [place - 0.32, place + 0.32], color=SOFT, linewidth=2)
    axis.set_yticks(range(len(rows)), [_short(name) for name in rows])
    axis.set_title(f"{words(metric)}{in_brackets(unit)}", fontsize=9.5)
    _tidy(axis, len(rows), 5)


def _apart(axis, names: list[str], rows: dict, unit: str) -> None:
    known = [v for row in rows.values() for v in row.values() if v is not None and np.isfinite(v)]
    factor, unit = scaled(max(map(abs, known), default=0.0), unit)
    axis.axvline(0, color=INK, linewidth=0.8)
    for place, (name, colour) in enumerate(zip(names, SERIES * len(names), strict=False)):
        if name in rows:
            _dot(axis, place, rows[name], factor, colour)
    axis.set_yticks([])
    axis.set_xlabel(in_brackets(unit).strip(" ()"))
    _tidy(axis, len(names), 3)


def _dot(axis, place: int, row: dict, factor: float, colour: str) -> None:
    if row["mean"] is not None:
        axis.plot(row["mean"] / factor, place, marker="o", markersize=5.5, color=colour)
    if row["low"] is not None:
        axis.plot([row["low"] / factor, row["high"] / factor], [place, place], color=colour, linewidth=2)


def _tidy(axis, count: int, ticks: int) -> None:
    axis.set_ylim(count - 0.4, -0.6)
    axis.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.grid(axis="x")
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.tick_params(length=0)
