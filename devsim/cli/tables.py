"""What the command line prints for people, and the JSON of `devsim show`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import xarray as xr

    from devsim.chip import Chip
    from devsim.cli.comparison import Comparison
    from devsim.cli.execution import Outcome
    from devsim.cli.finding import Finding

PIPE_WIDTH = 200
"""Columns where stdout is no terminal, so that `grep` and `less -S` see whole lines."""
TOP = 5
"""How many imperfections of the budget are printed."""


def console() -> Console:
    """Plain text stays plain: brackets in a path or a bound are no markup."""
    return Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def new_table(*columns: str, title: str | None = None, right: tuple[str, ...] = ()) -> Table:
    """An empty table of the house; the columns named in `right` are set to the right."""
    table = Table(
        box=None,
        header_style="dim",
        title=title,
        title_style="bold",
        title_justify="left",
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for i, name in enumerate(columns):
        table.add_column(name, justify="right" if name in right else "left", no_wrap=i == 0 or name in right)
    return table


def show_chips(summaries: dict[str, str]) -> None:
    """Name and summary of each chip."""
    table = new_table("chip", "what it is")
    for name, summary in summaries.items():
        table.add_row(Text(name, "bold cyan"), summary)
    out = console()
    out.print(
        table if summaries else "No chip is installed: packages add chips through the entry-point group `devsim.circuits`."
    )


def show_parameters(chip: Chip) -> None:
    """Every parameter as a row; states, which `devsim run --set` seldom needs, come dim."""
    from devsim.units import brief

    table = new_table("path", "value", "unit", "bounds", "stage", "ideal", "meaning", right=("value", "ideal"))
    for path, entry in chip.parameters().items():
        q = entry.quantity
        ideal = "" if q.ideal is None else brief(q.ideal)
        style = "cyan" if q.knob else "dim cyan"
        table.add_row(Text(path, style), brief(entry.value), q.unit, str(q.bounds), q.stage, ideal, Text(q.doc, "dim"))
    out = console()
    out.print(Text(chip.name, "bold"))
    out.print(table)


def parameters_json(chip: Chip) -> str:
    """One object on one line (arrays are long): the chip's name and a list of its parameters."""
    import numpy as np

    from devsim.cli.encoding import encoded

    rows = []
    for path, entry in chip.parameters().items():
        q = entry.quantity
        row: dict[str, Any] = {
            "path": path,
            "value": None if entry.value is None else np.asarray(entry.value).tolist(),
            "unit": q.unit,
        }
        row["bounds"] = {
            "low": q.bounds.low,
            "high": q.bounds.high,
            "open_low": q.bounds.open_low,
            "open_high": q.bounds.open_high,
        }
        row |= {"stage": q.stage, "ideal": q.ideal, "spreads": q.spreads, "knob": q.knob, "doc": q.doc}
        rows.append(row)
    return encoded({"chip": chip.name, "parameters": rows}, indent=None)


def show_outcome(outcome: Outcome) -> None:
    """Metrics, the top of the budget, and where the report lies."""
    out = console()
    out.print(_metrics(outcome))
    if outcome.budget is not None:
        out.print()
        out.print(_budget(outcome.budget))
    _show_report(out, outcome.folder.files)


def _show_report(out: Console, files: list[str]) -> None:
    report = next((path for path in files if path.endswith(".html")), None)
    out.print()
    out.print(Text.assemble("Report: ", (report, "bold cyan")) if report else "No report was written.", soft_wrap=True)


def show_comparison(found: Comparison) -> None:
    """The parameters that differ, metrics side by side, how far each is from the first, and where the report lies."""
    from devsim.report.variants import differing
    from devsim.units import brief

    out, names = console(), list(found.request.subjects)
    table = new_table("path", *names, "unit", right=tuple(names))
    rows = differing({name: each.chip for name, each in found.request.subjects.items()})
    for path, entries in rows.items():
        unit = next(entry.quantity.unit for entry in entries if entry is not None)
        table.add_row(Text(path, "cyan"), *("none" if entry is None else brief(entry.value) for entry in entries), unit)
    out.print(Text("Parameters that differ", "bold") if rows else "All have the same parameters.")
    if rows:
        out.print(table)
    if found.result is not None and found.result.data_vars:
        out.print()
        metrics, dies = found.told()["metrics"], found.request.dies
        title = f"Mean over the same {dies} {'die' if dies == 1 else 'dies'}, with its 95 % interval"
        out.print(Text(title, "bold"), soft_wrap=True)
        out.print(_side_by_side(metrics, "variants", names))
        out.print()
        title = f"How far above {names[0]}, with the 95 % interval paired over the dies"
        out.print(Text(title, "bold"), soft_wrap=True)
        out.print(_side_by_side(metrics, "differences", names[1:]))
    _show_report(out, found.folder.files)


def _side_by_side(metrics: dict[str, Any], which: str, names: list[str]) -> Table:
    from devsim.units import together

    table = new_table("metric", *names, "unit", right=tuple(names))
    for metric, row in metrics.items():
        told = [row[which][name] for name in names]
        width = max((each["high"] - each["low"] for each in told if each["low"] is not None), default=None)
        texts, unit = together([each[end] for each in told for end in ("mean", "low", "high")], row["unit"], resolution=width)
        shown = lambda mean, low, high: mean if low == "-" else f"{mean} [{low}, {high}]"
        cells = [shown(*texts[i : i + 3]) for i in range(0, len(texts), 3)]
        table.add_row(Text(metric, "cyan"), *cells, unit)
    return table


def _metrics(outcome: Outcome) -> Table:
    from devsim.compare import summary
    from devsim.units import together

    subject, dies = outcome.request.subject, outcome.request.dies
    title = f"{subject.name}: mean over {dies} {'die' if dies == 1 else 'dies'} with its 95 % interval, beside the ideal"
    table = new_table("metric", "chip", "95 %", "ideal", "unit", "meaning", title=title, right=("chip", "95 %", "ideal"))
    for name, row in summary(outcome.result).items():
        mean, low, high = row["chip"]["mean"], row["chip"]["low"], row["chip"]["high"]
        width = None if low is None else high - low
        texts, unit = together([mean, low, high, row["ideal"]], row["unit"], resolution=width)
        interval = "" if low is None else f"[{texts[1]}, {texts[2]}]"
        meaning = Text(subject.chip.metrics[name].doc, "dim")
        table.add_row(Text(name, "cyan"), Text(texts[0], "bold"), interval, texts[3], unit, meaning)
    return table


def _budget(budget: xr.Dataset) -> Table | str:
    from devsim.units import together

    count = budget.sizes["imperfection"]
    if not count:
        return "Error budget: every imperfection is at its ideal value."
    title = f"Error budget of {budget.attrs['metric']}: the {min(TOP, count)} costliest of {count} imperfections"
    columns = ("imperfection", "lost alone", "95 % of loss", "regained if removed", "95 % of gain")
    table = new_table(*columns, title=title, right=columns[1:])
    span = float(max(abs(budget["cost_alone"]).max(), abs(budget["gain_removed"]).max()))
    for i in range(min(TOP, count)):
        row = budget.isel(imperfection=i)
        cells = []
        for name in ("cost_alone", "gain_removed"):
            values = [float(row[f"{name}{end}"]) for end in ("", "_low", "_high")]
            texts, unit = together([*values, span], budget.attrs["units"], resolution=span / 10)
            cells += [f"{texts[0]} {unit}".strip(), "" if texts[1] == "-" else f"[{texts[1]}, {texts[2]}]"]
        table.add_row(Text(str(row["imperfection"].item()), "cyan"), *cells)
    return table


def show_rows(title: str, columns: tuple[str, ...], cells: list[tuple[str, ...]]) -> None:
    """A table of numbers under its title."""
    table = new_table(*columns, title=title, right=columns)
    for row in cells:
        table.add_row(*row)
    console().print(table)


def show_finding(found: Finding) -> None:
    """The tables of an analysis, and where its files lie."""
    out = console()
    for rows in found.tables:
        table = new_table(*rows.columns, right=rows.columns[1:])
        for name, *cells in rows.cells:
            table.add_row(Text(name, "cyan"), *cells)
        if rows.title:
            out.print(Text(rows.title, "bold"), soft_wrap=True)
        out.print(table)
        out.print()
    for path in found.files:
        out.print(Text.assemble("File: ", (str(path), "bold cyan")), soft_wrap=True)
