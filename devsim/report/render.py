"""A page as one HTML file with its style, pictures and script inside, that asks nothing of the network."""

import base64
import dataclasses
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jinja2
from markupsafe import Markup, escape

from devsim.report.page import Bar, Cell, Page, Table


def render_page(page: Page) -> str:
    """The page as a string. Everything that came from outside is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("devsim", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"with_code": with_code, "base64": lambda data: base64.b64encode(data).decode()}
    return environment.get_template("page.html.jinja").render(
        page=page,
        created=_date(str(page.attributes.get("created", ""))),
        tiles=[_tile(*tile) for tile in page.tiles],
        tables={section.name: [_shown(table) for table in section.tables] for section in page.sections},
        provenance=_provenance(page),
    )


def with_code(text: str) -> Markup:
    """Escaped text in which what stands between backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _date(iso: str) -> str:
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _tile(label: str, figure: str, beside: str) -> tuple[str, str, str, str]:
    """The unit, which stands small, is the last word, if it is no number."""
    number, space, unit = figure.rpartition(" ")
    return (label, number, unit, beside) if space and not re.search(r"\d", unit) else (label, figure, "", beside)


def _shown(table: Table) -> dict[str, Any]:
    """A table as its macro wants it: every row as pairs of a column and what is in its cell."""
    kinds = [column.kind for column in table.columns]
    rows = [[_filled(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in table.rows]
    told = {"columns": table.columns, "caption": table.caption, "marked": table.marked, "small": table.small}
    return told | {"rows": [list(zip(table.columns, row, strict=True)) for row in rows], "bars": "bar" in kinds}


def _filled(cell: Cell | Bar | str, kind: str) -> Cell | dict[str, Any]:
    """The cell, with `sort` where its column is sorted by number and its text is none; what is no number comes last."""
    if isinstance(cell, Bar):
        return _bar(cell)
    cell = Cell(cell) if isinstance(cell, str) else cell
    if kind == "number" and isinstance(cell.sort, int | float) and math.isnan(cell.sort):
        return dataclasses.replace(cell, sort="")
    return cell


def _bar(bar: Bar) -> dict[str, Any]:
    """Where things stand on the scale, in per cent of its length."""
    first, last = bar.span
    place = lambda value: round(100 * (value - first) / ((last - first) or 1.0), 3)
    start, end = sorted((place(0.0), place(0.0 if math.isnan(bar.value) else bar.value)))
    told = {
        "colour": bar.colour,
        "zero": place(0.0),
        "start": start,
        "length": round(end - start, 3),
        "varies": bar.low < bar.high,
    }
    return told | ({"low": place(bar.low), "width": round(place(bar.high) - place(bar.low), 3)} if told["varies"] else {})


def _provenance(page: Page) -> list[tuple[str, str]]:
    """Label and text of everything needed to repeat it."""
    told: Mapping[str, Any] = page.attributes
    rows = list(page.told.items())
    rows += [("created", str(told["created"]))] if "created" in told else []
    versions = {name.removeprefix("version_").replace("_", "-"): v for name, v in told.items() if name.startswith("version_")}
    rows += [(name, str(version)) for name, version in versions.items()]
    return rows + [(name, str(told[name])) for name in ("python", "platform") if name in told]
