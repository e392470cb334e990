"""Figures of a sweep: each metric against the knobs, with its interval over dies and the ideal beside it."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullFormatter

from devsim.chip import Picture
from devsim.plot import words
from devsim.style import CHIP, DASHES, SERIES, SOFT, WIDTH, figure, styled
from devsim.units import engineering, in_brackets, scaled, symbol

MOST_LINES = len(SERIES)
"""Lines in one figure; a grid with more values on both axes is a map."""
_DECADES = 50
"""A list of positive values that spans more than this is drawn over a logarithmic axis."""


def metrics_of(result: xr.Dataset) -> list[str]:
    """The metrics of a sweep, without what is told of them."""
    return [str(name) for name, values in result.data_vars.items() if "die" in values.dims and name != "status"]


def paths_of(result: xr.Dataset) -> list[str]:
    """The knobs that were swept, in order."""
    return [str(name) for name, values in result.coords.items() if "spacing" in values.attrs]


def sweep_pictures(result: xr.Dataset) -> list[Picture]:
    """One picture a metric: lines over one knob, a family or a map over two, points over each of more or of drawn ones."""
    return [Picture(f"{name}", words(name), _caption(result, name), sweep_figure(result, name)) for name in metrics_of(result)]


@styled
def sweep_figure(result: xr.Dataset, metric: str) -> Figure:
    """A metric of a sweep against its knobs."""
    way = _way(result)
    return {"lines": _lines, "map": _map, "points": _points}[way](result, metric)


def _way(result: xr.Dataset) -> str:
    paths, design = paths_of(result), result.attrs["design"]
    if design == "zip" or (design == "grid" and len(paths) == 1):
        return "lines"
    if design == "grid" and len(paths) == 2:
        return "lines" if min(result.sizes[path] for path in paths) <= MOST_LINES else "map"
    return "points"


def _caption(result: xr.Dataset, metric: str) -> str:
    told = result[metric].attrs["long_name"].rstrip(".")
    mean = "Mean over dies" if result.sizes["die"] > 1 else "One die"
    band = " with its 95 % interval" if result.sizes["die"] > 1 and _way(result) == "lines" else ""
    ideal = "; dashed: the ideal network" if _way(result) == "lines" and _has_ideal(result, metric) else ""
    return f"{told[:1].upper()}{told[1:]}. {mean}{band}{ideal}."


def _has_ideal(result: xr.Dataset, metric: str) -> bool:
    return bool(np.isfinite(result[f"{metric}_ideal"]).any())


def _lines(result: xr.Dataset, metric: str) -> Figure:
    paths = paths_of(result)
    grid = result.attrs["design"] == "grid"
    along, family = _turned(result, paths) if grid and len(paths) == 2 else (paths[0], None)
    factor, shown = _scale(result, metric)
    drawn = figure()
    axis = drawn.subplots()
    over = result if grid else result.sortby(along)
    x, x_unit = _knob(axis, over[along])
    members = [None] if family is None else list(range(result.sizes[family]))
    ideals = []
    for member, colour in zip(members, SERIES, strict=False):
        one = over if member is None else over.isel({family: member})
        mean, low, high, ideal = (one[f"{metric}_{end}"].values / factor for end in ("mean", "low", "high", "ideal"))
        label = None if member is None else _value(one[family])
        axis.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
        axis.plot(x, mean, color=colour, label=label, marker="o", markersize=4)
        ideals.append((ideal, colour))
    _draw_ideals(axis, x, ideals)
    rest = "" if grid or len(paths) == 1 else f"; in step with it {', '.join(paths[1:])}"
    axis.set_xlabel(f"{along}{in_brackets(x_unit)}{rest}")
    axis.set_ylabel(f"{words(metric)}{in_brackets(shown)}")
    axis.grid(axis="y")
    if family is not None or _has_ideal(result, metric):
        drawn.legend(loc="outside upper left", ncols=4, title=family, alignment="left")
    return drawn


def _draw_ideals(axis: Any, x: np.ndarray, ideals: list[tuple[np.ndarray, str]]) -> None:
    """One dashed line where all agree, otherwise one for each in its colour."""
    values = [ideal for ideal, _ in ideals if np.isfinite(ideal).any()]
    if not values:
        return
    same = all(np.array_equal(values[0], other, equal_nan=True) for other in values)
    for i, (ideal, colour) in enumerate(ideals[:1] if same else ideals):
        told = "ideal" if i == 0 else None
        dashes = (0, DASHES[0])
        shade = SOFT if same else colour
        if len(x) == 1:
            axis.axhline(float(ideal[0]), color=shade, linestyle=dashes, linewidth=1.3, label=told)
        else:
            axis.plot(x, ideal, color=shade, linestyle=dashes, linewidth=1.3, label=told)


def _turned(result: xr.Dataset, paths: list[str]) -> tuple[str, str]:
    """The longer axis along which lines run, and the one whose values make the family."""
    longer = paths[0] if result.sizes[paths[0]] >= result.sizes[paths[1]] else paths[1]
    return longer, next(path for path in paths if path != longer)


def _map(result: xr.Dataset, metric: str) -> Figure:
    down, along = paths_of(result)
    factor, shown = _scale(result, metric)
    values = result[f"{metric}_mean"].transpose(down, along).values / factor
    rows, columns = values.shape
    drawn = figure(min(max(1.3 + 0.24 * rows, 3.0), 6.0))
    axis = drawn.subplots()
    image = axis.pcolormesh(np.arange(columns + 1), np.arange(rows + 1), values, cmap="cividis")
    for side, path, count in ((axis.xaxis, along, columns), (axis.yaxis, down, rows)):
        places = np.arange(0, count, -(-count // 8))
        side.set_ticks(places + 0.5, [_value(result[path][place]) for place in places])
    axis.set(xlabel=along, ylabel=down)
    axis.spines[:].set_visible(False)
    bar = drawn.colorbar(image, ax=axis, label=f"{words(metric)}{in_brackets(shown)}", shrink=0.9, pad=0.02)
    bar.outline.set_visible(False)
    return drawn


def _points(result: xr.Dataset, metric: str) -> Figure:
    """Each knob in a panel of its own: the mean at every point over that knob."""
    paths = paths_of(result)
    factor, shown = _scale(result, metric)
    wide = min(len(paths), 3)
    tall = -(-len(paths) // wide)
    drawn = figure(0.4 + 2.5 * tall, width=WIDTH if wide > 1 else 0.7 * WIDTH)
    axes = drawn.subplots(tall, wide, squeeze=False, sharey=True)
    flat = result[[f"{metric}_mean"]].stack(all=result[f"{metric}_mean"].dims)
    for axis, path in zip(axes.flat, paths, strict=False):
        x, unit = _knob(axis, flat[path].assign_attrs(result[path].attrs))
        axis.scatter(x, flat[f"{metric}_mean"].values / factor, s=16, color=CHIP, alpha=0.6, linewidths=0)
        axis.set_xlabel(f"{path}{in_brackets(unit)}", fontsize=8.5)
        axis.grid(axis="y")
    for axis in axes.flat[len(paths) :]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel(f"{words(metric)}{in_brackets(shown)}")
    return drawn


def _knob(axis: Any, values: xr.DataArray) -> tuple[np.ndarray, str]:
    """The values of a knob as they are drawn, and their unit; sets the scale of the axis."""
    x, unit = np.asarray(values.values, float), values.attrs["units"]
    spread = x.min() > 0 and x.max() > _DECADES * x.min()
    if x.min() > 0 and (values.attrs["spacing"] == "log" or (values.attrs["spacing"] == "listed" and spread)):
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(EngFormatter(sep="\N{NARROW NO-BREAK SPACE}"))
        if x.max() > 10 * x.min():
            axis.xaxis.set_minor_formatter(NullFormatter())
        else:
            axis.xaxis.set_minor_formatter(EngFormatter(sep="\N{NARROW NO-BREAK SPACE}"))
        return x, unit
    factor, shown = scaled(float(np.abs(x).max()), unit)
    return x / factor, shown


def _scale(result: xr.Dataset, metric: str) -> tuple[float, str]:
    parts = [result[f"{metric}_{end}"].values for end in ("mean", "ideal")]
    sizes = np.abs(np.concatenate([part.ravel() for part in parts]))
    size = float(sizes[np.isfinite(sizes)].max(initial=0.0))
    return scaled(size, result[metric].attrs["units"])


def _value(knob: xr.DataArray) -> str:
    unit = knob.attrs["units"]
    return engineering(float(knob), unit, typographic=True) if unit else symbol(str(float(knob)))
