"""Every kind of page that a command leaves, small: name -> a function that makes its HTML."""

from pathlib import Path

import jax
import numpy as np

from devsim import plot
from devsim.budget import full_budget
from devsim.chip import Picture
from devsim.cli.results_folder import ResultsFolder
from devsim.compare import side_by_side
from devsim.fit import fit
from devsim.plot_budget import budget_bars, room_left, sobol_bars
from devsim.plot_fit import overlay
from devsim.plot_sweep import sweep_pictures
from devsim.plot_variants import variant_dots
from devsim.provenance import provenance
from devsim.report.budget_page import BUDGET, SOBOL, TOLERANCE, BudgetRecord, budget_page
from devsim.report.fit_page import fit_page
from devsim.report.page import Bar, Cell, Column, Page, Section, Table
from devsim.report.record import Drawing
from devsim.report.render import render_page
from devsim.report.report import render
from devsim.report.sweep_page import sweep_page
from devsim.report.variants import variants_page
from devsim.sweep import sweep
from tests.test_report import record
from tests.test_variability import Series


def run_page(folder: Path) -> str:
    """The report of a run, with a budget, whose every text is a trap for HTML."""
    return render(record())


def comparison_page(folder: Path) -> str:
    """The report of two variants side by side."""
    chips = {"series": Series.design(), "thin": Series.design().set("lower.resistance", 5e3)}
    result = side_by_side(chips, dies=3, key=jax.random.key(0))
    drawings = ResultsFolder(folder, print).drawn([Picture("metrics", "", "Side by side.", variant_dots(result))])
    notes = {"thin": ["It is thin."]}
    page = variants_page(chips, notes, result, drawings, command="devsim diff", attributes=provenance(), told={"seed": "0"})
    return render_page(page)


def any_page(folder: Path) -> str:
    """A page with every kind of column and cell."""
    columns = [Column("path", "code"), Column("number", "number", "loss"), Column("as a bar", "bar"), Column("why", "doc")]
    values = [3.0, -1e-9, float("nan"), 1e12, 0.0]
    rows: list = [
        [f"part{i}.knob", Cell(f"{v:g}", sort=v, note="low to high"), Bar(v, np.nan, np.nan, (-1.0, 3.0), "loss"), "`x`"]
        for i, v in enumerate(values)
    ]
    figures = [Drawing(name, name, "", plot.png(plot.heat_map([[1.0, 2.0]], "V", "drop"))) for name in ("one", "two")]
    table = Table(columns, rows, caption="All of them.", marked=frozenset([1]), small=True)
    sections = [Section("all", "All of it", ["Some `code`."], [table], figures), Section("none", "Nothing")]
    tiles = [("loss", "3 mV", "ideal 0"), ("dies", "12", "")]
    return render_page(Page("Any page", "What it is", tiles, ["In short."], sections, "devsim any", provenance()))


def sweep_page_of_a_grid(folder: Path) -> str:
    """The report of a sweep over two knobs."""
    chip, over = Series.design(), {"lower.resistance": [1e3, 2e3, 3e3], "upper.resistance": [1e3, 2e3]}
    result = sweep(chip, over, dies=3, key=jax.random.key(0))
    drawings = ResultsFolder(folder, print).drawn(sweep_pictures(result))
    page = sweep_page(result, chip, drawings, title="series", command="devsim sweep", parameters={}, told={"seed": "0"})
    return render_page(page)


def budget_page_of_everything(folder: Path) -> str:
    """The report of a full budget."""
    chip = Series.design()
    budget = full_budget(chip, metric=chip.budget_metric, dies=3, key=jax.random.key(0), sobol=8)
    made = [(BUDGET, budget_bars), (TOLERANCE, room_left), (SOBOL, sobol_bars)]
    drawings = ResultsFolder(folder, print).drawn([Picture(name, "", name, draw(budget)) for name, draw in made])
    told = BudgetRecord(chip, "series", [], {}, 0, budget, drawings, "devsim budget", 1.0)
    return render_page(budget_page(told))


def fit_page_of_a_line(folder: Path) -> str:
    """The report of a fit of one device."""
    length = np.linspace(0.0, 0.05, 6)
    found = fit(
        "cut-back", {"length": length, "power": 1e-3 * np.exp(-20 * length)}, x="length", y="power", key=jax.random.key(0)
    )
    drawings = ResultsFolder(folder, print).drawn([Picture("overlay", "", "Data and model.", overlay(found))])
    return render_page(fit_page(found, drawings, "devsim fit", seconds=1.0))


PAGES = {
    "run": run_page,
    "comparison": comparison_page,
    "any": any_page,
    "sweep": sweep_page_of_a_grid,
    "budget": budget_page_of_everything,
    "fit": fit_page_of_a_line,
}
