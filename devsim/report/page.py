"""A page of a report as data: sections of text, tables that can be sorted, and pictures."""

import dataclasses
from typing import Any

from devsim.report.record import Drawing


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table; `kind` is `text`, `code` (a path) or `number`, which is set to the right and sorted by value."""

    label: str
    kind: str = "text"


@dataclasses.dataclass(frozen=True)
class Cell:
    """What a cell shows, and the value it is sorted by where that is not the text."""

    text: str
    sort: float | str | None = None
    strong: bool = False


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of cells under columns; a string stands for a cell that shows it. caption: a line below."""

    columns: list[Column]
    rows: list[list[Cell | str]]
    caption: str = ""


@dataclasses.dataclass(frozen=True)
class Section:
    """Part of a page: an id for links, a heading, paragraphs (with `code` between backticks), tables, then pictures."""

    name: str
    heading: str
    text: list[str] = dataclasses.field(default_factory=list)
    tables: list[Table] = dataclasses.field(default_factory=list)
    drawings: list[Drawing] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Page:
    """A whole report.

    tiles: (label, figure with unit, what stands beside it) in large figures. summary: sentences that open the page.
    command: the line that repeats it. attributes: of the result, whose versions and platform are the provenance;
    told: further rows of it, label -> text.
    """

    title: str
    subtitle: str
    tiles: list[tuple[str, str, str]]
    summary: list[str]
    sections: list[Section]
    command: str
    attributes: dict[str, Any]
    told: dict[str, str] = dataclasses.field(default_factory=dict)
