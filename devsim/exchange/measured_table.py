"""Tables of measurements as text: CSV, TSV and what instruments write around them."""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from devsim.check import InputError, shown
from devsim.exchange.measured_unit import entry_unit
from devsim.exchange.scattering_table import file_text

MOST_COLUMNS = 10_000
COMMENTS = ("#", "!", "%", "//")
MISSING = {"", "nan", "na", "n/a", "null", "none", "-", "--", "#n/a"}
"""What stands for no number, in small letters."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d{1,4})?")
_SWEEP = re.compile(r"^#\s*Test:.*Laser Sweep", re.MULTILINE)
SWEEP_UNITS = {"wavelength": "nm"}
"""Of the columns of a laser sweep as SiEPIC's test stands write it; those named channel_1, channel_2, ... are in dBm."""


class Column(NamedTuple):
    """A column as it stands in a file: its name, the unit that is written there (None: none is), and its numbers."""

    name: str
    unit: str | None
    values: np.ndarray


class _Line(NamedTuple):
    number: int
    cells: list[str]


def table_columns(path: Path) -> tuple[list[Column], dict[str, str]]:
    """The columns of a table and what there is to say of them.

    Lines that begin with one of `COMMENTS` are left out, and so is what an instrument writes before the names. The names stand
    in the last line before the numbers, else in the last comment, else they are column_1, column_2, ... A line of units may
    follow. Where every line is a name with its numbers, lines are columns. Raises InputError with the line for rows of another
    length and for text among numbers.
    """
    name = shown(path.name)
    text = file_text(path, "table").replace("\r\n", "\n").replace("\r", "\n")
    comments, lines = _lines(text, path.suffix.lower())
    if not lines:
        raise InputError(f"{name} must hold rows of numbers, but holds none.")
    sweep = bool(_SWEEP.search(text[:2000]))
    found = _lying(lines, name) if _lies(lines) else _standing(lines, comments, name)
    if sweep:
        found = [_of_sweep(column) for column in found]
    text_only = [column.name for column in found if not column.values.size]
    kept = [column for column in found if column.values.size]
    if not kept:
        raise InputError(f"{name} must hold columns of numbers, but holds none.")
    return kept, {"left_out": ", ".join(text_only)} if text_only else {}


def _lines(text: str, ending: str) -> tuple[list[str], list[_Line]]:
    """Comments, and the cells of every other line that is not blank."""
    comments, lines = [], []
    kept = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith(COMMENTS):
            comments.append(stripped.lstrip("#!%/ \t"))
        elif stripped.strip(",;"):
            kept.append((number, line))
    split = _splitter([line for _, line in kept], ending)
    for number, line in kept:
        lines.append(_Line(number, split(line)))
    return [*comments[-1:]], lines


def _splitter(lines: list[str], ending: str):
    """What cuts a line into cells, by the delimiter that most of the last lines have."""
    last = lines[-50:]
    marks = ["\t"] if ending == ".tsv" else [",", ";", "\t"]
    counts = {mark: sum(mark in line for line in last) for mark in marks}
    mark = max(marks, key=lambda mark: counts[mark])
    if counts.get(";") and counts[";"] == counts[mark]:
        mark = ";"
    if not counts[mark]:
        return lambda line: line.split()
    return lambda line: [cell.strip().strip('"').strip() for cell in _unended(line).split(mark)]


def _unended(line: str) -> str:
    """A line without the delimiter that some instruments put at its end, but not without an empty last cell."""
    return line.rstrip("\n")


def _is_number(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell)) if len(cell) <= 60 else False


def _is_missing(cell: str) -> bool:
    return cell.lower() in MISSING


def _number(cell: str, number: int, name: str) -> float:
    if _is_missing(cell):
        return np.nan
    if not _is_number(cell):
        hint = "; give decimals with a point" if re.fullmatch(r"[+-]?\d+,\d+", cell) else ""
        raise InputError(f"{name} must hold numbers below its names, but line {number} has `{shown(cell, 20)}`{hint}.")
    value = float(cell.lower().replace("d", "e"))
    if not np.isfinite(value):
        raise InputError(f"{name} must hold finite numbers, but line {number} has `{shown(cell, 20)}`.")
    return value


def _lies(lines: list[_Line]) -> bool:
    """Whether every line is a name followed by numbers, as laser sweeps are written."""
    named = [bool(line.cells[0]) and not _is_number(line.cells[0]) and not _is_missing(line.cells[0]) for line in lines]
    rest = [all(_is_number(c) or _is_missing(c) for c in line.cells[1:]) and len(line.cells) > 2 for line in lines]
    return all(named) and all(rest)


def _lying(lines: list[_Line], name: str) -> list[Column]:
    """Lines as columns."""
    count = len(lines[0].cells)
    for line in lines:
        if len(line.cells) != count:
            raise InputError(
                f"{name} must have {count - 1} numbers in every line, but line {line.number} has {len(line.cells) - 1}."
            )
    columns = []
    for line in lines:
        title, unit = split_title(line.cells[0])
        columns.append(Column(title, unit, np.array([_number(cell, line.number, name) for cell in line.cells[1:]])))
    return columns


def _of_sweep(column: Column) -> Column:
    if column.unit is None and column.name in SWEEP_UNITS:
        return column._replace(unit=SWEEP_UNITS[column.name])
    if column.unit is None and re.fullmatch(r"channel_\d+", column.name):
        return column._replace(unit="dBm")
    return column


def _standing(lines: list[_Line], comments: list[str], name: str) -> list[Column]:
    """Columns that stand below their names."""
    trimmed = _without_ends(lines)
    filled = [len(line.cells) for line in trimmed if any(map(_is_number, line.cells))]
    if not filled:
        raise InputError(f"{name} must hold rows of numbers, but holds none.")
    count = Counter(filled).most_common(1)[0][0]
    if count > MOST_COLUMNS:
        raise InputError(f"{name} must have at most {MOST_COLUMNS} columns, but has {count}.")
    start = _first_of_body(trimmed, count, name)
    titles, units, body = _titles(trimmed[start:], comments, count)
    for line in body:
        if len(line.cells) != count:
            raise InputError(f"{name} must have {count} cells in every row, but line {line.number} has {len(line.cells)}.")
    columns = []
    for k, title in enumerate(titles):
        own, unit = split_title(title)
        if units and units[k]:
            unit = units[k] if unit is None else f"{unit} and {units[k]}"
        cells = [(line.number, line.cells[k]) for line in body]
        if all(not _is_number(cell) for _, cell in cells) and any(not _is_missing(cell) for _, cell in cells):
            values = np.array([])
        else:
            values = np.array([_number(cell, number, name) for number, cell in cells])
        columns.append(Column(own or f"column_{k + 1}", unit, values))
    return columns


def _without_ends(lines: list[_Line]) -> list[_Line]:
    """Lines without the empty last cells that all of them share."""
    spare = min(_empty_at_end(line.cells) for line in lines)
    return [line._replace(cells=line.cells[: len(line.cells) - spare]) for line in lines] if spare else lines


def _empty_at_end(cells: list[str]) -> int:
    count = 0
    while count < len(cells) - 1 and not cells[-1 - count]:
        count += 1
    return count


def _holds_text(line: _Line) -> bool:
    return any(not _is_number(cell) and not _is_missing(cell) for cell in line.cells)


def _is_title(line: _Line) -> bool:
    return _holds_text(line) and not any(map(_is_number, line.cells))


def _first_of_body(lines: list[_Line], count: int, name: str) -> int:
    """Where the names stand, or the numbers where there are none: after the preamble."""
    right = [len(line.cells) == count for line in lines]
    data = [any(map(_is_number, line.cells)) or not _holds_text(line) for line in lines]
    first = next(
        (k for k, line in enumerate(lines) if right[k] and _is_title(line) and all(data[k + 2 :]) and any(data[k + 1 :])), None
    )
    if first is None:
        first = next(k for k in range(len(lines)) if right[k] and data[k])
    for line in lines[:first]:
        if len(line.cells) > 1 and all(map(_is_number, line.cells)):
            raise InputError(
                f"{name} must have {count} numbers in every row and names above them, but line {line.number} has numbers too"
                f" soon, before line {lines[first].number}."
            )
    return first


def _titles(lines: list[_Line], comments: list[str], count: int) -> tuple[list[str], list[str], list[_Line]]:
    """The names, the units where a line of them follows, and the rows."""
    if not _is_title(lines[0]):
        for comment in comments:
            for mark in (",", ";", "\t", None):
                cells = [cell.strip() for cell in comment.split(mark)]
                if len(cells) == count and not any(map(_is_number, cells)):
                    return cells, [], lines
        return [""] * count, [], lines
    if len(lines) > 2 and len(lines[1].cells) == count and _is_title(lines[1]):
        units = [cell.strip("[]() ") for cell in lines[1].cells]
        if all(entry_unit(unit) for unit in units):
            return lines[0].cells, units, lines[2:]
    return lines[0].cells, [], lines[1:]


def split_title(title: str) -> tuple[str, str | None]:
    """Name and unit of `V [V]`, `I (uA)`, `wavelength/nm`; a unit in brackets counts even where nobody knows it."""
    title = title.strip()
    found = re.fullmatch(r"(.*?)\s*[\[(]([^\[\]()]*)[\])]", title)
    if found and found[1]:
        inner = re.fullmatch(r"(.*?)\s*[\[(]([^\[\]()]*)[\])]", found[1])
        if inner and inner[1] and entry_unit(inner[2]) and entry_unit(found[2]):
            return inner[1], f"{inner[2]} and {found[2]}"
        return found[1], found[2].strip()
    head, slash, tail = title.partition("/")
    if slash and head.strip() and tail.strip() and entry_unit(tail):
        return head.strip(), tail.strip()
    return title, None
