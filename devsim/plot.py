"""Figures that results and chips share: one style, safe for colour-blind readers, units on every axis.

Every function returns a `matplotlib.figure.Figure` of its own; pyplot and its global state are never touched.
"""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator, NullFormatter
from matplotlib.transforms import blended_transform_factory
from numpy.typing import ArrayLike

from devsim.compare import summary
from devsim.style import CHIP, DASHES, IDEAL, INK, LOSS, SERIES, SOFT, WIDTH, figure, styled
from devsim.style import PIXELS_PER_INCH as PIXELS_PER_INCH
from devsim.style import png as png
from devsim.units import engineering, in_brackets, scaled, together, written


def words(name: str) -> str:
    """A metric's or a path's name as words: `recall_success` is `recall success`."""
    return name.replace("_", " ")


@styled
def metric_bars(result: xr.Dataset) -> Figure:
    """Every metric of a `compare` result: the chip with its 95 % interval, the ideal beside it.

    Metrics of one unit and a like size share an axis.
    """
    rows = summary(result)
    panels = _panels(rows)
    sizes = [len(names) for names in panels]
    drawn = figure(0.55 + 0.52 * sum(sizes) + 0.45 * len(panels))
    axes = drawn.subplots(len(panels), 1, squeeze=False, height_ratios=sizes)[:, 0]
    for axis, names in zip(axes, panels, strict=True):
        _metric_panel(axis, {name: rows[name] for name in names})
    handles = [matplotlib.patches.Patch(color=CHIP), matplotlib.patches.Patch(color=IDEAL)]
    drawn.legend(handles, ["chip, with 95 % interval over dies", "ideal"], loc="outside upper left", ncols=2)
    return drawn


def _panels(rows: dict) -> list[list[str]]:
    """Names grouped by unit and by size within a factor of ten."""
    groups: dict[tuple, list[str]] = {}
    for name, row in rows.items():
        known = [abs(v) for v in (row["chip"]["mean"], row["ideal"]) if v is not None and np.isfinite(v)]
        size = max(known, default=0.0)
        like = "share" if size <= 1 and row["unit"] == "1" else (round(np.log10(size)) if size > 0 else -99)
        groups.setdefault((row["unit"], like), []).append(name)
    return list(groups.values())


def _metric_panel(axis, rows: dict) -> None:
    unit = next(iter(rows.values()))["unit"]
    numbers = [v for row in rows.values() for v in (row["chip"]["mean"], row["ideal"]) if v is not None]
    factor, shown = scaled(max(map(abs, numbers), default=0.0), unit)
    for place, row in enumerate(rows.values()):
        mean, low, high = row["chip"]["mean"], row["chip"]["low"], row["chip"]["high"]
        if row["ideal"] is not None:
            axis.barh(place + 0.2, row["ideal"] / factor, 0.3, color=IDEAL)
        if mean is not None:
            axis.barh(place - 0.14, mean / factor, 0.34, color=CHIP)
        if low is not None:
            whisker(axis, place - 0.14, low / factor, high / factor)
        _beside(axis, place - 0.14, mean, row, CHIP)
        _beside(axis, place + 0.2, row["ideal"], row, SOFT)
    axis.set_yticks(range(len(rows)), [words(name) for name in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel(in_brackets(shown).strip(" ()"))
    bar_axis(axis)


def _beside(axis, place: float, value: float | None, row: dict, colour: str) -> None:
    """The number at the right edge, so that it never covers a whisker."""
    chip = row["chip"]
    width = None if chip["low"] is None else chip["high"] - chip["low"]
    texts, shared = together([value, chip["mean"], row["ideal"]], row["unit"], resolution=width, typographic=True)
    where = blended_transform_factory(axis.transAxes, axis.transData)
    text = "no ideal" if value is None and colour == SOFT else f"{texts[0]} {shared}".strip()
    axis.text(1.02, place, text, transform=where, va="center", color=colour, fontsize=9)


def whisker(axis, place: float, low: float, high: float) -> None:
    """An interval across a horizontal bar."""
    axis.plot([low, high], [place, place], color=INK, linewidth=1.3, marker="|", markersize=6, markeredgewidth=1.3)


def bar_axis(axis) -> None:
    """Dress an axis of horizontal bars."""
    axis.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axis.grid(axis="x")
    axis.axvline(0, color=SOFT, linewidth=0.8)
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.tick_params(length=0)


@styled
def image_grid(
    rows: Mapping[str, ArrayLike],
    *,
    titles: Sequence[str] | None = None,
    reference: str | None = None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Rows of images of one size, `label -> (n, height, width)`: cue, recalled, stored.

    titles: one per column. reference: the row with which the others are compared; pixels that differ by more than half
    the range are shown in orange.
    """
    images = {label: np.asarray(row, float) for label, row in rows.items()}
    columns = max(len(row) for row in images.values())
    low, high = limits or (min(row.min() for row in images.values()), max(row.max() for row in images.values()))
    side = min((WIDTH - 0.9) / columns, 1.4)
    drawn = figure(side * len(images) + (0.35 if titles else 0.1), width=max(side * columns + 0.9, 2.5))
    axes = drawn.subplots(len(images), columns, squeeze=False)
    for line, (label, row) in zip(axes, images.items(), strict=True):
        for i, axis in enumerate(line):
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if i < len(row):
                wrong = _differs(row[i], images[reference][i], high - low) if reference and reference != label else None
                axis.imshow(_coloured(row[i], low, high, wrong), interpolation="nearest")
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", labelpad=8)
    for axis, title in zip(axes[0], titles or (), strict=False):
        axis.set_title(title, fontsize=9, fontweight="normal", loc="center")
    return drawn


def _differs(image: np.ndarray, other: np.ndarray, span: float) -> np.ndarray:
    return np.abs(image - other) > span / 2


def _coloured(image: np.ndarray, low: float, high: float, wrong: np.ndarray | None) -> np.ndarray:
    """Ink on paper; where `wrong`, a dark or a light orange."""
    level = np.clip((image - low) / ((high - low) or 1.0), 0, 1)[..., None]
    paper, ink = np.array(matplotlib.colors.to_rgb("#eef1f4")), np.array(matplotlib.colors.to_rgb(INK))
    colours = paper + level * (ink - paper)
    if wrong is not None:
        light, dark = (np.array(matplotlib.colors.to_rgb(c)) for c in ("#f6b48a", LOSS))
        colours = np.where(wrong[..., None], light + level * (dark - light), colours)
    return colours


@styled
def traces(
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    *,
    x_label: str,
    y_label: str,
    x_unit: str = "1",
    y_unit: str = "1",
    references: Mapping[str, float] | None = None,
    log_x: bool = False,
    marks: bool = False,
) -> Figure:
    """Lines over `x`: each of `series` is `(points,)`, or `(dies, points)`, of which the mean and the band that holds
    the central 90 % of the dies are drawn. `references` are dashed levels (the ideal). `marks` shows the points."""
    x = np.asarray(x, float)
    x_factor, x_shown = (1.0, x_unit) if log_x else scaled(float(np.abs(x).max()), x_unit)
    values = {label: np.asarray(y, float) for label, y in series.items()}
    levels = dict(references or {})
    size = max([float(np.nanmax(np.abs(y))) for y in values.values()] + [abs(v) for v in levels.values()])
    y_factor, y_shown = scaled(size, y_unit)
    drawn = figure()
    axis = drawn.subplots()
    for (label, y), colour in zip(values.items(), SERIES * len(values), strict=False):
        if y.ndim == 2:
            low, high = np.percentile(y, [5, 95], axis=0) / y_factor
            axis.fill_between(x / x_factor, low, high, color=colour, alpha=0.16, linewidth=0)
        mean = y.mean(axis=0) if y.ndim == 2 else y
        axis.plot(x / x_factor, mean / y_factor, color=colour, label=label, marker="o" if marks else None, markersize=4)
    for (label, level), dashes in zip(levels.items(), DASHES * len(levels), strict=False):
        axis.axhline(level / y_factor, color=SOFT, linestyle=(0, dashes), linewidth=1.3, label=label)
    if log_x:
        axis.set_xscale("log")
        plain = lambda value, _: written(value, 3, typographic=True)
        axis.xaxis.set_major_formatter(plain if x_unit == "1" else EngFormatter(sep="\N{NARROW NO-BREAK SPACE}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
    axis.grid(axis="y")
    axis.set_xlabel(f"{x_label}{in_brackets(x_shown)}")
    axis.set_ylabel(f"{y_label}{in_brackets(y_shown)}")
    if len(values) + len(levels) > 1:
        long = sum(len(label) + 7 for label in (*values, *levels)) > 95  # characters that fit beside each other
        drawn.legend(loc="outside upper left", ncols=2 if long else 4)
    return drawn


@styled
def dots(
    groups: Mapping[str, ArrayLike], *, x_label: str, x_unit: str = "1", references: Mapping[str, float] | None = None
) -> Figure:
    """A row of dots for each of `groups`, label -> values, spread a little up and down; a bar marks the mean. `references`
    are dashed levels."""
    values = {label: np.asarray(row, float).ravel() for label, row in groups.items()}
    levels = dict(references or {})
    factor, shown = scaled(max([float(np.abs(row).max()) for row in values.values()] + list(levels.values())), x_unit)
    drawn = figure(1.0 + 0.62 * len(values))
    axis = drawn.subplots()
    for place, (row, colour) in enumerate(zip(values.values(), SERIES * len(values), strict=False)):
        aside = 0.3 * np.sin(2.4 * np.arange(row.size))  # the golden angle: neighbours in order never touch
        axis.scatter(row / factor, place + aside, s=14, color=colour, alpha=0.35, linewidths=0)
        axis.plot([row.mean() / factor] * 2, [place - 0.38, place + 0.38], color=INK, linewidth=2)
        axis.text(1.02, place, f"{row.mean() / factor:.3g}", transform=axis.get_yaxis_transform(), va="center", fontsize=9)
    for (label, level), dashes in zip(levels.items(), DASHES * len(levels), strict=False):
        axis.axvline(level / factor, color=SOFT, linestyle=(0, dashes), linewidth=1.3, label=label)
    axis.set_yticks(range(len(values)), list(values))
    axis.set_ylim(len(values) - 0.5, -0.5)
    axis.grid(axis="x")
    axis.spines[["left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel(f"{x_label}{in_brackets(shown)}")
    if levels:
        drawn.legend(loc="outside upper left", ncols=4)
    return drawn


@styled
def heat_map(
    matrix: ArrayLike,
    unit: str,
    label: str,
    *,
    x_label: str = "column",
    y_label: str = "row",
    diverging: bool = False,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """A matrix as colours, with a bar that says what they mean: conductances, potentials along wires.

    diverging: red below zero, blue above it, white at it. limits: of the colours, in `unit`.
    """
    values = np.asarray(matrix, float)
    low, high = limits or (float(np.nanmin(values)), float(np.nanmax(values)))
    if diverging:
        high = max(abs(low), abs(high)) or 1.0
        low = -high
    factor, shown = scaled(max(abs(low), abs(high)), unit)
    tall = values.shape[0] / values.shape[1]
    drawn = _fitting(tall)
    axis = drawn.subplots()
    image = axis.imshow(
        values / factor,
        vmin=low / factor,
        vmax=high / factor,
        cmap="RdBu" if diverging else "cividis",
        interpolation="nearest",
        aspect="equal" if 0.2 < tall < 5 else "auto",
    )
    axis.set(xlabel=x_label, ylabel=y_label)
    axis.spines[:].set_visible(False)
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(MaxNLocator(8, integer=True))
    bar = drawn.colorbar(image, ax=axis, label=f"{label}{in_brackets(shown)}", shrink=0.9, pad=0.02)
    bar.outline.set_visible(False)
    axis.set_title(_range(values, unit), fontsize=9, fontweight="normal", color=SOFT, loc="left")
    return drawn


def _fitting(tall: float) -> Figure:
    """A figure for a matrix `tall` times as high as it is wide, with room for labels and a colour bar."""
    width = 6.2 if tall >= 0.7 else WIDTH
    return figure(min(max((width - 1.6) * tall, 1.3), 6.0) + 0.9, width=width)


def _range(values: np.ndarray, unit: str) -> str:
    low, middle, high = np.nanmin(values), np.nanmedian(values), np.nanmax(values)
    told = (engineering(float(v), unit, typographic=True) for v in (low, middle, high))
    return "lowest {}, median {}, highest {}".format(*told)
