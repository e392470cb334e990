"""A page of a report as data: sections of text, tables that can be sorted, and pictures."""

import dataclasses
from typing import Any

from devsim.report.record import Drawing


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table.

    kind: `text`, `code` (a path), `number` (set to the right, sorted by value), `doc` (a long explanation, not sorted) or
    `bar` (a picture of the number beside it, not sorted; the label is left to screen readers). colour: of the label, that
    of its bars.
    """

    label: str
    kind: str = "text"
    colour: str = ""


@dataclasses.dataclass(frozen=True)
class Cell:
    """What a cell shows, and the value it is sorted by where that is not the text.

    note: small, below (an interval). soft: in grey. badge: a word in a frame behind the text.
    """

    text: str
    sort: float | str | None = None
    strong: bool = False
    note: str = ""
    soft: bool = False
    badge: str = ""


@dataclasses.dataclass(frozen=True)
class Bar:
    """A number as a bar from zero, with a whisker from `low` to `high` (NaN: none), on the scale `span` of its column.

    colour: `chip`, `loss` or `gain`.
    """

    value: float
    low: float
    high: float
    span: tuple[float, float]
    colour: str = "chip"


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of cells under columns; a string stands for a cell that shows it. The first column names the rows.

    caption: a line below. marked: the rows that stand out, by number. small: many rows of little weight.
    """

    columns: list[Column]
    rows: list[list[Cell | Bar | str]]
    caption: str = ""
    marked: frozenset[int] = frozenset()
    small: bool = False


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
