"""The page of a sweep: what moved most, pictures of every metric, the points as a table."""

import math
from typing import Any

import numpy as np
import xarray as xr

from devsim.chip import Chip
from devsim.plot import words
from devsim.plot_sweep import metrics_of, paths_of
from devsim.report.page import Cell, Column, Page, Section, Table
from devsim.report.parameters import parameters_section
from devsim.report.record import Drawing
from devsim.units import brief, engineering, symbol, together

MOST_ROWS = 500
"""Points in the table of the page; all of them are in `sweep.nc`."""


def sweep_page(
    result: xr.Dataset,
    chip: Chip,
    drawings: list[Drawing],
    *,
    title: str,
    command: str,
    parameters: dict[str, Any],
    told: dict[str, str],
) -> Page:
    """The page of a result of `sweep`. told: further rows of provenance, label -> text."""
    headline = chip.budget_metric if chip.budget_metric in metrics_of(result) else metrics_of(result)[0]
    flat = _points(result)
    sections = [
        Section("metrics", "Metrics", [_reading(result)], drawings=drawings),
        Section("axes", "Axes", tables=[_axes(result)]),
        Section("points", "Points", tables=[_table(flat, result)]),
        parameters_section(chip, parameters),
    ]
    return Page(
        title=title,
        subtitle=f"A sweep over {_listed(f'`{path}`' for path in paths_of(result))}",
        tiles=_tiles(flat, result, headline, chip),
        summary=_sentences(flat, result, headline, chip),
        sections=sections,
        command=command,
        attributes=dict(result.attrs),
        told=told,
    )


def _points(result: xr.Dataset) -> xr.Dataset:
    """The numbers of all points in a row, without those of single dies."""
    over = [name for name, values in result.data_vars.items() if "die" not in values.dims]
    left = result[over].drop_vars(["die"], errors="ignore")
    return left if "point" in left.dims else left.stack(point=list(left.dims), create_index=False)


def _listed(names: Any) -> str:
    names = list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _at(flat: xr.Dataset, result: xr.Dataset, point: int) -> str:
    return _listed(
        f"`{path}` = {engineering(float(flat[path][point]), result[path].attrs['units'], typographic=True)}"
        for path in paths_of(result)
    )


def _ends(flat: xr.Dataset, metric: str, chip: Chip) -> tuple[int, int] | None:
    """The best and the worst point; None where no mean is a number."""
    means = flat[f"{metric}_mean"].values
    if not np.isfinite(means).any():
        return None
    low, high = int(np.nanargmin(means)), int(np.nanargmax(means))
    return (high, low) if chip.metrics[metric].higher_is_better else (low, high)


def _texts(flat: xr.Dataset, metric: str, point: int, unit: str) -> tuple[str, str]:
    """The mean with its unit, and its interval in words, empty where there is none."""
    values = [float(flat[f"{metric}_{end}"][point]) for end in ("mean", "low", "high")]
    width = None if math.isnan(values[1]) else values[2] - values[1]
    (mean, low, high), shown = together(values, unit, resolution=width, typographic=True)
    return f"{mean} {shown}".strip(), "" if math.isnan(values[1]) else f"{low} to {high}"


def _tiles(flat: xr.Dataset, result: xr.Dataset, metric: str, chip: Chip) -> list[tuple[str, str, str]]:
    points, dies = flat.sizes["point"], result.sizes["die"]
    tiles = [("points", f"{points:,}", result.attrs["design"]), ("runs", f"{points * dies:,}", f"{dies} dies at each point")]
    ends = _ends(flat, metric, chip)
    if ends is not None:
        for label, point in zip(("best", "worst"), ends, strict=True):
            figure, interval = _texts(flat, metric, point, result[metric].attrs["units"])
            tiles.append((f"{label} {words(metric)}", figure, f"95 %: {interval}" if interval else ""))
    return tiles


def _sentences(flat: xr.Dataset, result: xr.Dataset, metric: str, chip: Chip) -> list[str]:
    ends = _ends(flat, metric, chip)
    if ends is None:
        told = [f"The {words(metric)} of {result.attrs['chip']} is not a number at any point."]
    else:
        (best, _), (worst, _) = (_texts(flat, metric, point, result[metric].attrs["units"]) for point in ends)
        told = [
            f"The mean {words(metric)} of {result.attrs['chip']} is best, {best}, at {_at(flat, result, ends[0])}, "
            f"and worst, {worst}, at {_at(flat, result, ends[1])}."
        ]
    return told + warnings_of(result)


def warnings_of(result: xr.Dataset) -> list[str]:
    """A sentence for what is no finite number; none where all is well."""
    bad = int(result.attrs["not_finite"])
    if not bad:
        return []
    runs = result["status"]
    first = np.argwhere(runs.values != 0)[0]
    where = {str(dimension): int(place) for dimension, place in zip(runs.dims, first, strict=True)}
    at = ", ".join(f"`{path}` = {float(runs.isel(where)[path]):.6g}" for path in paths_of(result))
    named = _listed(f"{words(name)} {result[name].attrs['not_finite']}" for name in metrics_of(result))
    return [
        f"{bad} of {runs.size} runs have a metric that is no finite number ({named}; the first is die {where['die']} at {at}): "
        "means leave them out."
    ]


def _reading(result: xr.Dataset) -> str:
    dies = result.sizes["die"]
    if dies == 1:
        return "Every number is that of a single die; more dies give intervals."
    return f"Every point is the mean over the same {dies} dies, so that neighbours differ by the knobs and not by the draw."


def _axes(result: xr.Dataset) -> Table:
    ways = {"lin": "even", "log": "logarithmic", "listed": "listed"}
    rows: list[list[Any]] = []
    for path in paths_of(result):
        knob = result[path]
        unit, values = knob.attrs["units"], knob.values
        shown = "" if unit == "1" else symbol(unit)
        count = len(np.unique(values))
        rows.append([path, brief(values.min()), brief(values.max()), shown, f"{count}", ways[knob.attrs["spacing"]]])
        rows[-1].append(knob.attrs["long_name"])
    columns = [Column("knob", "code"), Column("lowest", "number"), Column("highest", "number"), Column("unit")]
    return Table([*columns, Column("values", "number"), Column("spacing"), Column("meaning", "doc")], rows)


def _table(flat: xr.Dataset, result: xr.Dataset) -> Table:
    paths, metrics = paths_of(result), metrics_of(result)
    columns = [Column("point"), *(Column(_header(path, result[path].attrs["units"]), "number") for path in paths)]
    columns += [Column(words(metric), "number") for metric in metrics]
    rows: list[list[Any]] = []
    for point in range(min(flat.sizes["point"], MOST_ROWS)):
        row = [Cell(f"{point}", point)]
        row += [Cell(brief(float(flat[path][point])), float(flat[path][point])) for path in paths]
        for metric in metrics:
            mean, interval = _texts(flat, metric, point, result[metric].attrs["units"])
            row.append(Cell(mean, float(flat[f"{metric}_mean"][point]), note=interval))
        rows.append(row)
    rest = flat.sizes["point"] - len(rows)
    caption = "Mean over dies, with its 95 % interval below." if result.sizes["die"] > 1 else "Of one die."
    return Table(columns, rows, caption + (f" {rest:,} further points are in `sweep.nc`." if rest else ""), small=True)


def _header(path: str, unit: str) -> str:
    return path if unit == "1" else f"{path} ({symbol(unit)})"
