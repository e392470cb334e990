"""What `devsim budget` prints for people."""

from __future__ import annotations

import math

import xarray as xr
from rich.text import Text

from devsim.cli.budget_run import Ranked
from devsim.cli.tables import console, new_table
from devsim.report.budget_page import derivative_texts, loss_in_words, sentences, tolerance_texts
from devsim.units import engineering, together


def show(found: Ranked) -> None:
    """Every imperfection, worst first, in two tables; then where the report lies."""
    budget, out = found.budget, console()
    unit = budget.attrs["units"]
    chip, ideal = (engineering(float(budget[name]), unit) for name in ("chip", "ideal"))
    dies, metric = budget.attrs["dies"], budget.attrs["metric"]
    out.print(Text(f"{found.asked.subject.name}: error budget of {metric}, {chip} (ideal {ideal}), over {dies} dies", "bold"))
    if budget.sizes["imperfection"]:
        out.print(_effects(budget))
        out.print()
        out.print(_room(budget))
        out.print()
    for sentence in sentences(budget):
        out.print(Text(sentence.replace("`", "")), soft_wrap=True)
    report = next((path for path in found.files if path.endswith(".html")), "")
    out.print(Text.assemble("Report: ", (report, "bold cyan")), soft_wrap=True)


def _effects(budget: xr.Dataset):
    columns = ("imperfection", "lost alone", "95 %", "regained if removed", "95 %", "Sobol first", "total")
    columns = columns if "sobol_first" in budget else columns[:-2]
    table = new_table(*columns, right=columns[1:])
    span = float(max(abs(budget["cost_alone"]).max(), abs(budget["gain_removed"]).max()))
    for i, path in enumerate(budget["imperfection"].values):
        row, cells = budget.isel(imperfection=i), []
        for name in ("cost_alone", "gain_removed"):
            values = [float(row[f"{name}{end}"]) for end in ("", "_low", "_high")]
            texts, unit = together([*values, span], budget.attrs["units"], resolution=span / 10)
            cells += [f"{texts[0]} {unit}".strip(), f"[{texts[1]}, {texts[2]}]"]
        if "sobol_first" in budget:
            shares = [float(row[name]) for name in ("sobol_first", "sobol_total")]
            cells += ["-" if math.isnan(share) else f"{share:.2f}" for share in shares]
        table.add_row(Text(str(path), "cyan"), *cells)
    return table


def _room(budget: xr.Dataset):
    columns = ("imperfection", "present", "largest", "95 %", "times", "derivative", "95 %", "unit", "by")
    title = f"Largest value of each at which {budget.attrs['metric']} has lost no more than {loss_in_words(budget)}"
    table = new_table(*columns, title=title, right=columns[1:7])
    for i, path in enumerate(budget["imperfection"].values):
        row = budget.isel(imperfection=i)
        value, interval = tolerance_texts(row, typographic=False)
        factor = float(row["tolerance_factor"])
        slope, between, unit = derivative_texts(row, typographic=False)
        table.add_row(
            Text(str(path), "cyan"),
            engineering(float(row["present"]), str(row["unit"].item())),
            value,
            interval,
            "" if math.isnan(factor) else f"{factor:.3g}",
            slope,
            between,
            unit,
            str(row["derivative_method"].item()),
        )
    return table
