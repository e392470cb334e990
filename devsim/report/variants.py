"""The report of variants side by side as a page: metrics, differences, and the parameters that differ."""

import numpy as np
import xarray as xr

from devsim.chip import Chip
from devsim.compare import differences, summary
from devsim.plot import words
from devsim.report.page import Cell, Column, Page, Section, Table
from devsim.report.parameters import parameters_section
from devsim.report.record import Drawing
from devsim.report.report import paragraphs
from devsim.units import NOTHING, brief, symbol, together

METRICS = "metrics"
HEADLINES = 4


def differing(chips: dict[str, Chip]) -> dict[str, list]:
    """Path -> the entry of each chip (None where it has none), for every quantity that is not the same in all."""
    tables = [chip.parameters() for chip in chips.values()]
    paths = list(dict.fromkeys(path for table in tables for path in table))
    told = {}
    for path in paths:
        entries = [table.get(path) for table in tables]
        values = [None if entry is None else np.asarray(entry.value) for entry in entries]
        if any(v is None or values[0] is None or not np.array_equal(v, values[0]) for v in values):
            told[path] = entries
    return told


def variants_page(
    chips: dict[str, Chip],
    notes: dict[str, list[str]],
    result: xr.Dataset | None,
    drawings: list[Drawing],
    *,
    command: str,
    attributes: dict,
    told: dict[str, str],
) -> Page:
    """The page. notes: variant -> what is different about it, in sentences. result: of `side_by_side`, or None."""
    names = list(chips)
    sections = [_parameters(chips)]
    if result is not None:
        sections += [_metrics(result, drawings), *([_differences(result)] if result.data_vars else [])]
    different = [f"`{name}`: {' '.join(sentences)}" for name, sentences in notes.items() if sentences]
    first = next(iter(chips.values()))
    about = [f"`{names[0]}`: {paragraphs(first.about())[0]}"]
    return Page(
        title=f"{', '.join(names[:-1])} and {names[-1]}",
        subtitle="The same dies, seed and task." if result is not None else "What differs on the drawings.",
        tiles=[] if result is None else _tiles(result, first.budget_metric),
        summary=_summary(chips, result),
        sections=[
            *sections,
            Section("variants", "The variants", about + different),
            _renamed(parameters_section(first), names[0]),
        ],
        command=command,
        attributes=attributes,
        told=told,
    )


def _renamed(section: Section, name: str) -> Section:
    return Section(section.name, f"Parameters of {name}", section.text, section.tables)


def _told(row: dict, unit: str) -> tuple[list[str], str]:
    """Mean, low and high as texts in one prefix, and the unit."""
    width = None if row["low"] is None else row["high"] - row["low"]
    return together([row["mean"], row["low"], row["high"]], unit, resolution=width, typographic=True)


def _cell(row: dict, unit: str, *, strong: bool = False) -> Cell:
    (mean, low, high), shown = _told(row, unit)
    sort = float("nan") if row["mean"] is None else row["mean"]
    note = f"{low} to {high}" if row["low"] is not None and row["low"] < row["high"] else ""
    return Cell(mean if mean == NOTHING else f"{mean} {shown}".strip(), sort=sort, note=note, strong=strong)


def _metrics(result: xr.Dataset, drawings: list[Drawing]) -> Section:
    if not result.data_vars:
        return Section(METRICS, "Metrics", ["The chips have no metric in common."])
    names = [str(name) for name in result["variant"].values]
    rows = {name: summary(result.sel(variant=name)) for name in names}
    table = []
    for metric, first in rows[names[0]].items():
        cells = [_cell(rows[name][metric]["chip"], first["unit"], strong=True) for name in names]
        ideal = _cell({"mean": first["ideal"], "low": None, "high": None}, first["unit"])
        table.append([words(metric), *cells, ideal, result[metric].attrs.get("long_name", "")])
    columns = [
        Column("metric"),
        *(Column(name, "number") for name in names),
        Column("ideal", "number"),
        Column("meaning", "doc"),
    ]
    count = result.sizes["die"]
    text = f"Means over {count} {'die' if count == 1 else 'dies'}, with their 95 % intervals; the ideal is that of {names[0]}."
    return Section(METRICS, "Metrics", [text], [Table(columns, table)], drawings)


def _differences(result: xr.Dataset) -> Section:
    first, *names = [str(name) for name in result["variant"].values]
    rows = []
    for metric, apart in differences(result).items():
        cells = [_cell(apart[name], result[metric].attrs["units"], strong=_sure(apart[name])) for name in names]
        rows.append([words(metric), *cells])
    columns = [Column("metric"), *(Column(name, "number") for name in names)]
    text = (
        f"How far each is above {first}, die by die: the intervals are 95 % and paired, so that what the dies share does not "
        "widen them. What stands out differs from zero."
    )
    return Section("differences", "Differences", [text], [Table(columns, rows)])


def _sure(row: dict) -> bool:
    return row["low"] is not None and (row["low"] > 0 or row["high"] < 0)


def _parameters(chips: dict[str, Chip]) -> Section:
    found = differing(chips)
    if not found:
        return Section("different", "Parameters that differ", ["None: all have the same parameters."])
    rows = []
    for path, entries in found.items():
        known = next(entry for entry in entries if entry is not None)
        unit = "" if known.quantity.unit == "1" else symbol(known.quantity.unit)
        values = [Cell("none", soft=True) if entry is None else brief(entry.value) for entry in entries]
        rows.append([path, *values, unit, known.quantity.doc])
    columns = [Column("path", "code"), *(Column(name, "number") for name in chips), Column("unit"), Column("meaning", "doc")]
    return Section("different", "Parameters that differ", ["In SI units."], [Table(columns, rows)])


def _tiles(result: xr.Dataset, metric: str) -> list[tuple[str, str, str]]:
    if metric not in result:
        return []
    unit, apart, tiles = result[metric].attrs["units"], differences(result)[metric], []
    for name in [str(name) for name in result["variant"].values][:HEADLINES]:
        (mean, _, _), shown = _told(summary(result.sel(variant=name))[metric]["chip"], unit)
        beside = words(metric)
        if name in apart:
            beside = f"{_signed(apart[name], unit)} {words(metric)}"
        tiles.append((name, f"{mean} {shown}".strip(), beside))
    return tiles


def _signed(row: dict, unit: str) -> str:
    (mean, _, _), shown = _told(row, unit)
    return f"{'+' if (row['mean'] or 0) > 0 else ''}{mean} {shown}".strip()


def _summary(chips: dict[str, Chip], result: xr.Dataset | None) -> list[str]:
    """What differs most on the metric by which the first chip's imperfections are ranked."""
    names = list(chips)
    count = len(differing(chips))
    told = [f"{count} parameter{'s differ' if count != 1 else ' differs'} between them."]
    metric = next(iter(chips.values())).budget_metric
    if result is None or metric not in result:
        return told
    apart, unit = differences(result)[metric], result[metric].attrs["units"]
    return told + [_sentence(words(metric), name, names[0], apart[name], unit) for name in names[1:]]


def _sentence(metric: str, name: str, first: str, row: dict, unit: str) -> str:
    """How far a variant is from the first, and whether the interval can tell."""
    if row["mean"] is None:
        return f"The {metric} of `{name}` is not a number."
    if row["mean"] == 0 and row["low"] == row["high"]:
        return f"The {metric} of `{name}` is that of `{first}`."
    (mean, low, high), shown = _told(row, unit)
    amount = f"{mean.removeprefix('−')} {shown}".strip()
    between = "" if row["low"] is None else f" (95 % interval of the difference {low} to {high})"
    doubt = "" if row["low"] is None or _sure(row) else "; with this many dies the two cannot be told apart"
    return f"The {metric} of `{name}` is {amount} {'above' if row['mean'] > 0 else 'below'} that of `{first}`{between}{doubt}."
