"""Every kind of page that a command leaves, small: name -> a function that makes its HTML."""

from pathlib import Path

import jax
import numpy as np

from devsim import plot
from devsim.chip import Picture
from devsim.cli.results_folder import ResultsFolder
from devsim.compare import side_by_side
from devsim.plot_variants import variant_dots
from devsim.provenance import provenance
from devsim.report.page import Bar, Cell, Column, Page, Section, Table
from devsim.report.record import Drawing
from devsim.report.render import render_page
from devsim.report.report import render
from devsim.report.variants import variants_page
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


PAGES = {"run": run_page, "comparison": comparison_page, "any": any_page}
