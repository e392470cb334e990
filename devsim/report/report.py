"""The report of a run: one HTML file with its style, pictures and script inside, that asks nothing of the network."""

import base64
import math
import re
from datetime import datetime
from typing import Any

import jinja2
import numpy as np
import xarray as xr
from markupsafe import Markup, escape

from devsim.compare import summary
from devsim.plot import words
from devsim.report.record import Drawing, Record
from devsim.report.words import in_words
from devsim.units import brief, symbol, together

HEADLINES = 4
"""How many metrics stand in large figures at the top."""
METRICS, BUDGET = "metrics", "budget"
"""Names of the pictures every run has; the one of the budget is left to the table, which has bars of its own."""


def render(record: Record) -> str:
    """The page as a string. Everything that came from outside is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("devsim", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    metrics = metric_rows(record)
    drawings = [_shown(drawing) for drawing in record.drawings]
    subtitle, *about = paragraphs(record.about)
    return environment.get_template("report.html.jinja").render(
        chip=record.chip.name,
        subtitle=subtitle,
        about=about,
        created=_date(record.result.attrs.get("created", "")),
        seed=record.seed,
        dies=record.dies,
        summary=with_code(" ".join(in_words(record))),
        headlines=metrics[:HEADLINES],
        metrics=metrics,
        metric_picture=next((shown for shown in drawings if shown["name"] == METRICS), None),
        budget=None if record.budget is None else budget_table(record.budget),
        drawings=[shown for shown in drawings if shown["name"] not in (METRICS, BUDGET)],
        parameters=parameter_rows(record),
        provenance=provenance_rows(record),
        command=record.command,
    )


def paragraphs(text: str) -> list[Markup]:
    """The paragraphs of a docstring, escaped, with `names` as code; at least one, perhaps empty."""
    return [with_code(" ".join(part.split())) for part in text.strip().split("\n\n")]


def with_code(text: str) -> Markup:
    """Escaped text in which what stands between backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _date(iso: str) -> str:
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _shown(drawing: Drawing) -> dict[str, Any]:
    data = base64.b64encode(drawing.png).decode()
    return {
        "name": drawing.name,
        "title": drawing.title,
        "caption": with_code(drawing.caption),
        "width": drawing.width,
        "data": data,
    }


def metric_rows(record: Record) -> list[dict[str, Any]]:
    """Each metric as text: chip, interval, ideal and unit in one prefix, and what it means."""
    rows = []
    for name, row in summary(record.result).items():
        mean, low, high = row["chip"]["mean"], row["chip"]["low"], row["chip"]["high"]
        width = None if low is None else high - low
        texts, unit = together([mean, low, high, row["ideal"]], row["unit"], resolution=width, typographic=True)
        rows.append(
            {"name": words(name), "mean": texts[0], "low": texts[1], "high": texts[2], "ideal": texts[3], "unit": unit}
            | {"has_interval": low is not None, "has_ideal": row["ideal"] is not None}
            | {"sort": [mean, row["ideal"]], "doc": with_code(record.result[name].attrs.get("long_name", ""))}
        )
    return rows


def budget_table(budget: xr.Dataset) -> dict[str, Any]:
    """The budget's rows with bars as shares of one common scale, which holds zero and every interval."""
    columns = [f"{name}{end}" for name in ("cost_alone", "gain_removed") for end in ("", "_low", "_high")]
    numbers = np.concatenate([[0.0], *(budget[c].values for c in columns)]).astype(float)
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    span = (high - low) or 1.0
    place = lambda value: None if math.isnan(value) else round(100 * (value - low) / span, 3)
    unit = budget.attrs["units"]
    rows = []
    for i, path in enumerate(budget["imperfection"].values):
        row = {"path": str(path), "rank": i + 1}
        for name in ("cost_alone", "gain_removed"):
            mean, bottom, top = (float(budget[f"{name}{end}"].values[i]) for end in ("", "_low", "_high"))
            row[name] = {"sort": mean} | _bar(place, mean, bottom, top) | _texts([mean, bottom, top], unit, span)
        rows.append(row)
    numbers, shown = together([float(budget["chip"]), float(budget["ideal"])], unit, typographic=True)
    whole = [f"{number} {shown}".strip() for number in numbers]
    return {
        "metric": words(budget.attrs["metric"]),
        "dies": budget.attrs["dies"],
        "rows": rows,
        "chip": whole[0],
        "ideal": whole[1],
    }


def _bar(place, mean: float, low: float, high: float) -> dict[str, float | None]:
    start, end = sorted((place(0.0), place(0.0 if math.isnan(mean) else mean)))
    whisker = [place(low), place(high)]
    return {"zero": place(0.0), "start": start, "length": end - start} | dict(zip(("low_at", "high_at"), whisker, strict=True))


def _texts(values: list[float], unit: str, span: float) -> dict[str, Any]:
    """Equal decimals down the column, so that rows compare at a glance."""
    texts, shown = together([*values, span], unit, resolution=span / 10, typographic=True)
    return {"mean": texts[0], "low": texts[1], "high": texts[2], "unit": shown, "varies": values[1] < values[2]}


def parameter_rows(record: Record) -> list[dict[str, Any]]:
    """Every quantity of the chip as it was run; `set` marks those that the user chose."""
    rows = []
    for path, entry in record.chip.parameters().items():
        q = entry.quantity
        rows.append(
            {"path": path, "value": brief(entry.value), "unit": "" if q.unit == "1" else symbol(q.unit), "stage": q.stage}
            | {"ideal": "" if q.ideal is None else brief(q.ideal), "doc": with_code(q.doc), "set": path in record.parameters}
            | {"at_ideal": q.ideal is not None and bool(np.all(np.asarray(entry.value) == q.ideal))}
        )
    return rows


def provenance_rows(record: Record) -> list[tuple[str, str]]:
    """Label and text of everything needed to repeat the run."""
    told = record.result.attrs
    rows = [("chip", record.chip.name), ("seed", str(record.seed)), ("dies", str(record.dies))]
    rows += [("set", f"{path} = {brief(value)}") for path, value in record.parameters.items()]
    rows += [("computed in", f"{record.seconds:.1f} s"), ("created", str(told.get("created", "")))]
    versions = {name.removeprefix("version_").replace("_", "-"): v for name, v in told.items() if name.startswith("version_")}
    rows += [(name, str(version)) for name, version in versions.items()]
    return rows + [(name, str(told[name])) for name in ("python", "platform") if name in told]
