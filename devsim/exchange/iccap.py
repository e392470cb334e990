"""Reader of measurements as IC-CAP writes them (`.mdm`)."""

import gzip
import itertools
import math
import re
import zlib
from pathlib import Path

import numpy as np
import xarray as xr

from devsim.check import InputError, shown
from devsim.exchange.text import LARGEST, text_of

WHAT = "IC-CAP file"
UNITS = {"V": "V", "I": "A", "F": "Hz", "T": "s"}
"""Kind of an input or output of the file -> its unit."""
ZERO_CELSIUS = 273.15
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\Z")


def read_iccap(source: str | bytes | Path) -> xr.Dataset:
    """What was measured, as variables (and their units) over what was swept.

    source: a path, of a file that may be gzipped (`.mdm.gz`); or the text. Inputs that were stepped become dimensions in their
    order, the innermost sweep the last one; inputs that stayed become coordinates without a dimension. A point that was not
    measured is NaN. attributes: the `ICCAP_VALUES` of the header, and `temperature` (K) where it says `TEMP` (in Celsius).
    Raises InputError for what is no such file, with the number of the line.
    """
    text, path = text_of(_unzipped(source), what=WHAT)
    name = shown(path.name if path else getattr(source, "name", WHAT))
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    kinds, values = _header(lines, name)
    blocks = list(_blocks(lines, name))
    if not blocks:
        raise InputError(f"{name} must hold data between BEGIN_DB and END_DB, but holds none.")
    return _gathered(blocks, kinds, values, name)


def _unzipped(source: str | bytes | Path) -> str | bytes | Path:
    if isinstance(source, bytes) or (isinstance(source, str) and "\n" in source) or not str(source).endswith(".gz"):
        return source
    try:
        with gzip.open(source, "rb") as file:
            return file.read(LARGEST + 1)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"The {WHAT} `{shown(str(source))}` cannot be read: {shown(str(error)) or 'it is broken'}.") from error


def _header(lines: list[tuple[int, str]], name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Kind of every input and output; the values the header states."""
    kinds, values, section = {}, {}, ""
    for _, line in itertools.takewhile(lambda entry: entry[1] != "END_HEADER", lines):
        if line.startswith("ICCAP_"):
            section = line
        elif line and section in ("ICCAP_INPUTS", "ICCAP_OUTPUTS"):
            words = line.split()
            kinds[words[0]] = words[1] if len(words) > 1 else ""
        elif section == "ICCAP_VALUES" and (found := re.match(r'(\S+)\s+"(.*)"', line)):
            values[found[1]] = found[2].strip()
    if not kinds:
        raise InputError(f"{name} must begin with a header of ICCAP_INPUTS and ICCAP_OUTPUTS, but has none.")
    return kinds, values


def _blocks(lines: list[tuple[int, str]], name: str):
    """(what stays, columns, rows) of every block of data."""
    stays, columns, rows = None, None, []
    for number, line in lines:
        if line == "BEGIN_DB":
            stays, columns, rows = {}, None, []
        elif line == "END_DB" and stays is not None:
            if not columns or not rows:
                raise InputError(
                    f"{name} must have a row of names (`#...`) and data in each block, but line {number} ends one."
                )
            yield stays, columns, np.array(rows)
            stays = None
        elif stays is not None and line:
            words = line.split()
            if words[0] == "ICCAP_VAR":
                if len(words) != 3:
                    raise InputError(f"{name} must give a name and a value after ICCAP_VAR, but line {number} does not.")
                stays[words[1]] = _number(words[2], number, name)
            elif line.startswith("#"):
                columns = line[1:].split()
            else:
                rows.append([_number(word, number, name) for word in words])
                if not columns or len(words) != len(columns):
                    wanted = "names first" if not columns else f"{len(columns)} numbers"
                    raise InputError(f"{name} must have {wanted}, but line {number} has {len(words)} numbers.")
    if stays is not None:
        raise InputError(f"{name} must close its last block with END_DB, but ends before.")


def _number(word: str, number: int, name: str) -> float:
    value = float(word) if _NUMBER.match(word) else math.inf
    if not math.isfinite(value):
        raise InputError(f"{name} must hold numbers, but line {number} has `{shown(word, 20)}`.")
    return value


def _gathered(blocks: list, kinds: dict[str, str], values: dict[str, str], name: str) -> xr.Dataset:
    """Blocks of one form as one dataset."""
    columns, steps = blocks[0][1], list(blocks[0][0])
    for stays, own, rows in blocks:
        if own != columns or list(stays) != steps:
            raise InputError(f"{name} must have the same names in all blocks, but one has {shown(' '.join([*stays, *own]))}.")
        if not np.array_equal(rows[:, 0], blocks[0][2][:, 0]):
            raise InputError(f"{name} must sweep `{shown(columns[0])}` alike in all blocks, but one differs.")
    if len(set(columns + steps)) < len(columns + steps):
        raise InputError(f"{name} must give every column another name, but has {shown(' '.join(steps + columns))}.")
    levels = {step: sorted({stays[step] for stays, _, _ in blocks}) for step in steps}
    moving = [step for step in steps if len(levels[step]) > 1]
    shape = [len(levels[step]) for step in moving]
    if math.prod(shape) * blocks[0][2].size > LARGEST:
        raise InputError(f"{name} must step its inputs on a grid, but steps them to {math.prod(shape)} combinations.")
    if len({tuple(stays.values()) for stays, _, _ in blocks}) < len(blocks):
        raise InputError(f"{name} must step its inputs to each combination once, but has one of them twice.")
    table = np.full((*shape, *blocks[0][2].shape), np.nan)
    for stays, _, rows in blocks:
        table[tuple(levels[step].index(stays[step]) for step in moving)] = rows
    unit = lambda column: {"units": UNITS.get(kinds.get(column, ""), "1")}
    coords = {
        step: ((step,) if step in moving else (), levels[step] if step in moving else levels[step][0], unit(step))
        for step in steps
    }
    coords[columns[0]] = ((columns[0],), blocks[0][2][:, 0], unit(columns[0]))
    variables = {column: ((*moving, columns[0]), table[..., k], unit(column)) for k, column in enumerate(columns) if k}
    attributes: dict = dict(values)
    if _NUMBER.match(values.get("TEMP", "")):
        attributes["temperature"] = float(values["TEMP"]) + ZERO_CELSIUS
    return xr.Dataset(variables, coords, attributes)
