"""The report of a run as a page: metrics, error budget, pictures, what the chip is, parameters."""

import numpy as np
import xarray as xr

from devsim.compare import summary
from devsim.plot import words
from devsim.report.page import Bar, Cell, Column, Page, Section, Table
from devsim.report.parameters import parameters_section
from devsim.report.record import Record
from devsim.report.render import render_page
from devsim.report.words import in_words
from devsim.units import brief, together

HEADLINES = 4
"""How many metrics stand in large figures at the top."""
METRICS, BUDGET = "metrics", "budget"
"""Names of the pictures every run has; the one of the budget is left to the table, which has bars of its own."""
EFFECTS = {"cost_alone": ("lost alone", "loss"), "gain_removed": ("regained", "gain")}
"""Column of an error budget -> its label and its colour."""


def render(record: Record) -> str:
    """The report of a run as one HTML file."""
    return render_page(run_page(record))


def run_page(record: Record) -> Page:
    """The report of a run as data."""
    subtitle, *about = paragraphs(record.about)
    sections = [metrics_section(record)]
    if record.budget is not None:
        sections.append(budget_section(record.budget))
    drawings = [drawing for drawing in record.drawings if drawing.name not in (METRICS, BUDGET)]
    if drawings:
        sections.append(Section("pictures", "Pictures", drawings=drawings))
    if about:
        sections.append(Section("chip", "The chip", about))
    told = {"chip": record.chip.name, "seed": str(record.seed), "dies": str(record.dies)}
    if record.parameters:
        told["set"] = ", ".join(f"{path} = {brief(value)}" for path, value in record.parameters.items())
    return Page(
        title=record.title or record.chip.name,
        subtitle=subtitle,
        tiles=_tiles(record.result),
        summary=in_words(record),
        sections=[*sections, parameters_section(record.chip, record.parameters)],
        command=record.command,
        attributes=record.result.attrs,
        told=told | {"computed in": f"{record.seconds:.1f} s"},
    )


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a docstring, each in one line; at least one, perhaps empty."""
    return [" ".join(part.split()) for part in text.strip().split("\n\n")]


def _tiles(result: xr.Dataset) -> list[tuple[str, str, str]]:
    tiles = []
    for name, row in list(summary(result).items())[:HEADLINES]:
        (mean, _, _, ideal), unit = _written(row)
        beside = "no ideal counterpart" if row["ideal"] is None else f"ideal {ideal} {unit}".strip()
        tiles.append((words(name), f"{mean} {unit}".strip(), beside))
    return tiles


def _written(row: dict) -> tuple[list[str], str]:
    """Mean, low, high and ideal of one row of a `summary` as texts in one prefix, and the unit."""
    mean, low, high = row["chip"]["mean"], row["chip"]["low"], row["chip"]["high"]
    width = None if low is None else high - low
    return together([mean, low, high, row["ideal"]], row["unit"], resolution=width, typographic=True)


def metrics_section(record: Record) -> Section:
    """Each metric: chip, interval, ideal and unit in one prefix, and what it means."""
    rows = []
    for name, row in summary(record.result).items():
        (mean, low, high, ideal), unit = _written(row)
        known = row["chip"]["low"] is not None
        rows.append(
            [
                words(name),
                Cell(mean, sort=_number(row["chip"]["mean"]), strong=True),
                Cell(f"{low} to {high}" if known else "one die", soft=not known, sort=_number(row["chip"]["low"])),
                Cell("none" if row["ideal"] is None else ideal, soft=row["ideal"] is None, sort=_number(row["ideal"])),
                unit,
                record.result[name].attrs.get("long_name", ""),
            ]
        )
    kinds = {"metric": "text", "chip": "number", "95 % interval": "number", "ideal": "number", "unit": "text", "meaning": "doc"}
    dies = "1 die" if record.dies == 1 else f"{record.dies} dies, with the 95 % interval of that mean"
    text = (
        f"The chip is the mean over {dies}. The ideal is the same graph with every imperfection at its ideal value, "
        "on the same data."
    )
    table = Table([Column(*each) for each in kinds.items()], rows)
    return Section(METRICS, "Metrics", [text], [table], [d for d in record.drawings if d.name == METRICS])


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def budget_section(budget: xr.Dataset) -> Section:
    """The budget's rows with bars on one common scale, which holds zero and every interval."""
    if not budget.sizes["imperfection"]:
        nothing = "Every imperfection is at its ideal value: there is nothing to rank."
        return Section(BUDGET, "Error budget", [nothing])
    ends = [f"{name}{end}" for name in EFFECTS for end in ("", "_low", "_high")]
    numbers = np.concatenate([[0.0], *(budget[column].values for column in ends)]).astype(float)
    span = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    columns = [Column("imperfection", "code")]
    for label, colour in EFFECTS.values():
        columns += [Column(label, "number", colour), Column(f"{label}, as a bar", "bar")]
    rows = []
    for i, path in enumerate(budget["imperfection"].values):
        row: list[Cell | Bar | str] = [str(path)]
        for name, (_, colour) in EFFECTS.items():
            row += _effect(budget.isel(imperfection=i), name, span, colour)
        rows.append(row)
    return Section(BUDGET, "Error budget", [_explained(budget)], [Table(columns, rows)])


def _effect(row: xr.Dataset, name: str, span: tuple[float, float], colour: str) -> list[Cell | Bar | str]:
    """An effect as a number and as a bar; equal decimals down the column, so that rows compare at a glance."""
    mean, low, high = (float(row[f"{name}{end}"]) for end in ("", "_low", "_high"))
    length = (span[1] - span[0]) or 1.0
    texts, unit = together([mean, low, high, length], row.attrs["units"], resolution=length / 10, typographic=True)
    note = f"{texts[1]} to {texts[2]}" if low < high else ""
    return [Cell(f"{texts[0]} {unit}".strip(), sort=mean, note=note), Bar(mean, low, high, span, colour)]


def _explained(budget: xr.Dataset) -> str:
    values, unit = together([float(budget["chip"]), float(budget["ideal"])], budget.attrs["units"], typographic=True)
    chip, ideal = (f"{value} {unit}".strip() for value in values)
    dies = "1 die" if budget.attrs["dies"] == 1 else f"{budget.attrs['dies']} dies that share every draw"
    return (
        f"What each imperfection does to the {words(budget.attrs['metric'])}. Lost alone: how far the ideal network ({ideal}) "
        f"falls when this is its only imperfection. Regained: how far the whole chip ({chip}) rises when this one is removed "
        f"and all others stay. Intervals are 95 %, paired over {dies}."
    )
