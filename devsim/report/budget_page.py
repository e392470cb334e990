"""The report of a full error budget as a page: what costs most, how the metric answers, how much room is left."""

import dataclasses
import math

import numpy as np
import xarray as xr

from devsim.chip import Chip
from devsim.plot import words
from devsim.plot_budget import by_room
from devsim.report.page import Cell, Column, Page, Section, Table
from devsim.report.parameters import parameters_section
from devsim.report.record import Drawing
from devsim.report.report import budget_section
from devsim.units import brief, engineering, symbol, together

BUDGET, SOBOL, TOLERANCE = "budget", "sobol", "tolerance"
"""Names of the pictures, and of the sections in which they stand."""


@dataclasses.dataclass(frozen=True)
class BudgetRecord:
    """A full budget to be told of.

    chip: as it was measured. title: what it is called. told: what else is different about it, in sentences. parameters: those
    set by the user. command: the line that repeats it. seconds: how long it took.
    """

    chip: Chip
    title: str
    told: list[str]
    parameters: dict[str, float | list[float]]
    seed: int
    budget: xr.Dataset
    drawings: list[Drawing]
    command: str
    seconds: float


def budget_page(record: BudgetRecord) -> Page:
    """The report of a budget as data."""
    budget = record.budget
    told = {"chip": record.chip.name, "seed": str(record.seed), "dies": str(budget.attrs["dies"])}
    if record.parameters:
        told["set"] = ", ".join(f"{path} = {brief(value)}" for path, value in record.parameters.items())
    sections = [dataclasses.replace(budget_section(budget), drawings=_named(record, BUDGET))]
    if budget.sizes["imperfection"]:
        sections += [_tolerance(record), _derivative(budget)]
    if "sobol_first" in budget:
        sections.append(_sobol(record))
    return Page(
        title=f"{record.title}: error budget",
        subtitle=f"What each imperfection does to the {words(budget.attrs['metric'])}.",
        tiles=_tiles(budget),
        summary=[*sentences(budget), *record.told],
        sections=[*sections, parameters_section(record.chip, record.parameters)],
        command=record.command,
        attributes=budget.attrs,
        told=told | {"runs": str(budget.attrs["runs"]), "computed in": f"{record.seconds:.1f} s"},
    )


def sentences(budget: xr.Dataset) -> list[str]:
    """What a reader should know first: what costs most, what pays most, what has least room."""
    if not budget.sizes["imperfection"]:
        return ["Every imperfection is at its ideal value, so that there is nothing to rank."]
    unit = budget.attrs["units"]
    told = []
    for name, text in (("cost_alone", "Acting alone, `{}` costs most: {}"), ("gain_removed", "Removing `{}` gains most: {}")):
        row = budget.isel(imperfection=int(np.argmax(np.nan_to_num(budget[name].values, nan=-np.inf))))
        value, low = float(row[name]), float(row[f"{name}_low"])
        if value > 0:
            doubt = "" if low > 0 else ", though its interval still includes none"
            told.append(text.format(row["imperfection"].item(), engineering(value, unit, typographic=True)) + doubt + ".")
    if not told:
        told.append("No imperfection lowers the metric.")
    factors = budget["tolerance_factor"].values
    if np.isfinite(factors).any():
        row = budget.isel(imperfection=int(np.nanargmin(factors)))
        told.append(
            f"`{row['imperfection'].item()}` has the least room: at {_times(float(row['tolerance_factor']))} its present "
            f"distance from ideal the metric has lost {loss_in_words(budget)}."
        )
    return told


def loss_in_words(budget: xr.Dataset) -> str:
    """`5 % of what it is`, or an amount."""
    loss, relative = float(budget.attrs["loss"]), budget.attrs["loss_is"] != "amount"
    if relative:
        return f"{100 * loss:.3g} % of what the chip as it is reaches"
    return engineering(loss, budget.attrs["units"], typographic=True)


def tolerance_texts(row: xr.Dataset, *, typographic: bool) -> tuple[str, str]:
    """The largest value of an imperfection with its unit, and its interval; or that it was not reached, and how far was
    looked."""
    unit = str(row["unit"].item())
    value, low, high = (float(row[f"tolerance{end}"]) for end in ("", "_low", "_high"))
    if math.isfinite(value):
        texts, shown = together([value, low, high], unit, resolution=abs(value) / 10, typographic=typographic)
        interval = f"{texts[1]} to {texts[2] if math.isfinite(high) else 'beyond'}" if math.isfinite(low) else ""
        return f"{texts[0]} {shown}".strip(), interval
    last = engineering(float(row["tolerance_searched_to"]), unit, typographic=typographic)
    bounded = str(row["tolerance_never"].item()) == "bounds"
    return "not reached", f"up to {last}, its bound" if bounded else f"up to {last}"


def derivative_texts(row: xr.Dataset, *, typographic: bool) -> tuple[str, str, str]:
    """A derivative, its interval and their unit."""
    values = [float(row[f"derivative{end}"]) for end in ("", "_low", "_high")]
    texts, unit = together(
        values, str(row["derivative_unit"].item()), resolution=abs(values[2] - values[1]), typographic=typographic
    )
    return texts[0], f"{texts[1]} to {texts[2]}", unit


def _times(factor: float) -> str:
    return f"{factor:.3g} times"


def _named(record: BudgetRecord, name: str) -> list[Drawing]:
    return [drawing for drawing in record.drawings if drawing.name == name]


def _tiles(budget: xr.Dataset) -> list[tuple[str, str, str]]:
    metric, unit = words(budget.attrs["metric"]), budget.attrs["units"]
    shown = lambda name: engineering(float(budget[name]), unit, typographic=True)
    tiles = [(metric, shown("chip"), f"ideal {shown('ideal')}")]
    if not budget.sizes["imperfection"]:
        return tiles
    worst = budget.isel(imperfection=0)
    cost = engineering(float(worst["cost_alone"]), unit, typographic=True)
    tiles.append(("costs most alone", cost, str(worst["imperfection"].item())))
    factors = budget["tolerance_factor"].values
    if np.isfinite(factors).any():
        least = budget.isel(imperfection=int(np.nanargmin(factors)))
        tiles.append(("least room", f"{float(least['tolerance_factor']):.3g}×", str(least["imperfection"].item())))
    return tiles


def _tolerance(record: BudgetRecord) -> Section:
    budget, rows = by_room(record.budget), []
    for i, path in enumerate(budget["imperfection"].values):
        row = budget.isel(imperfection=i)
        value, note = tolerance_texts(row, typographic=True)
        factor, low, high = (float(row[f"tolerance_factor{end}"]) for end in ("", "_low", "_high"))
        known = math.isfinite(factor)
        present = engineering(float(row["present"]), str(row["unit"].item()), typographic=True)
        between = f"{low:.3g} to {f'{high:.3g}' if math.isfinite(high) else 'beyond'}" if known and math.isfinite(low) else ""
        rows.append(
            [
                str(path),
                Cell(present, sort=float(row["present"])),
                Cell(value, sort=float(row["tolerance"]), strong=known, soft=not known, note=note),
                Cell(f"{factor:.3g}×" if known else "", sort=factor, note=between),
            ]
        )
    kinds = {"imperfection": "code", "present value": "number", "largest value": "number", "times the present": "number"}
    text = (
        f"The largest value of each imperfection, all others as they are, at which the {words(budget.attrs['metric'])} has "
        f"lost no more than {loss_in_words(budget)}. Values are looked for from the present one outwards, to the bound or to "
        "1,024 times the present distance from ideal; the interval, 95 %, is where that of the loss meets what is allowed."
    )
    return Section(
        TOLERANCE, "Room left", [text], [Table([Column(*k) for k in kinds.items()], rows)], _named(record, TOLERANCE)
    )


def _derivative(budget: xr.Dataset) -> Section:
    rows = []
    for i, path in enumerate(budget["imperfection"].values):
        row = budget.isel(imperfection=i)
        value, interval, unit = derivative_texts(row, typographic=True)
        rows.append(
            [
                str(path),
                Cell(value, sort=float(row["derivative"]), strong=True, note=interval),
                symbol(unit),
                str(row["derivative_method"].item()),
            ]
        )
    kinds = {"imperfection": "code", "derivative": "number", "unit": "text", "by": "text"}
    text = (
        f"How the {words(budget.attrs['metric'])} changes with each imperfection at its present value, with the 95 % interval "
        "over dies. By gradient: automatic differentiation through build and measure, where it agrees die by die with "
        "differences. By difference: over a quarter of the distance from ideal to either side, on the same dies and draws, "
        "where it does not, as for shares of successes and behind quantisers."
    )
    return Section("derivative", "Derivatives", [text], [Table([Column(*each) for each in kinds.items()], rows)])


def _sobol(record: BudgetRecord) -> Section:
    budget, rows = record.budget, []
    for i, path in enumerate(budget["imperfection"].values):
        row, cells = budget.isel(imperfection=i), []
        for name in ("sobol_first", "sobol_total"):
            value, low, high = (float(row[f"{name}{end}"]) for end in ("", "_low", "_high"))
            known = math.isfinite(value)
            cells.append(Cell(f"{value:.2f}" if known else "", sort=value, note=f"{low:.2f} to {high:.2f}" if known else ""))
        rows.append([str(path), *cells])
    points, dies = budget.attrs["sobol_points"], budget.attrs["sobol_dies"]
    text = (
        f"How the variance of the {words(budget.attrs['metric'])}, its mean over {dies} dies, divides, every imperfection "
        "uniform between its ideal and its present value: by itself, and with all combinations it takes part in. From "
        f"{points} Sobol points in each of two samples, {points * (len(rows) + 2)} settings in all; 95 % intervals by "
        "bootstrap over points and dies. Where nothing varies there are none."
    )
    kinds = {"imperfection": "code", "first order": "number", "total": "number"}
    return Section(SOBOL, "Sobol indices", [text], [Table([Column(*k) for k in kinds.items()], rows)], _named(record, SOBOL))
