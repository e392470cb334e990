"""Reader of Lumerical tables of scattering parameters: `.sparam`, and the `.dat` of INTERCONNECT."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from devsim import check
from devsim.check import InputError, shown
from devsim.devices.photonic.tabulated import TabulatedScatterer
from devsim.exchange.scattering_table import MOST_PORTS, file_text, port_names

_FIELD = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\s,"']+))\s*(,|$)""")
_SHAPE = re.compile(r"\(\s*(\d{1,9})\s*,\s*(\d{1,9})\s*\)")


class Block(NamedTuple):
    """One entry of the matrix: from a mode of a port to a mode of a port, `rows` of (Hz, magnitude, rad)."""

    to: str
    label: str
    to_mode: int
    source: str
    from_mode: int
    delay: float
    rows: np.ndarray


def read_lumerical(
    path: str | Path,
    *,
    mode: str | int | None = None,
    ports: Sequence[str] | None = None,
    wavelength: Any = None,
    interpolation: str = "linear",
    passive: str = "check",
) -> TabulatedScatterer:
    """The part that a Lumerical table describes.

    mode: label (`"TE"`) or number of the guided mode, needed where the file holds several; conversion between modes is
    left out. ports: new names, in the order of the file, instead of its own with `_` for other signs (`port_1`).
    wavelength, interpolation, passive: see `TabulatedScatterer.of`. An entry that the file leaves out is zero. Phases
    are those of exp(-i w t), as Lumerical and this package have them.

    Raises InputError, with the line, for what is no such table, and for a gain in a passive one.
    """
    source = shown(Path(path).name) if isinstance(path, str | Path) else ""
    found, blocks = _parsed(file_text(path, "Lumerical table"), source)
    blocks = _of_one_mode(blocks, mode, source)
    found = found or list(dict.fromkeys(name for block in blocks for name in (block.to, block.source)))
    if len(found) > MOST_PORTS:
        raise InputError(f"{source} must have at most {MOST_PORTS} ports, but has {len(found)}.")
    names = port_names(found, ports, source)
    frequencies, scattering, delay = _assembled(found, blocks, source)
    return TabulatedScatterer.of(
        names,
        frequencies,
        scattering,
        wavelength=wavelength,
        interpolation=interpolation,
        passive=passive,
        group_delay=delay,
        source=source,
    )


def _parsed(text: str, source: str) -> tuple[list[str], list[Block]]:
    """The ports that the file lists at its head, if it does, and its blocks."""
    lines = [(k, line.strip()) for k, line in enumerate(text.splitlines(), 1) if line.strip()]
    listed, blocks, at = [], [], 0
    while at < len(lines):
        number, line = lines[at]
        if line.startswith("["):
            fields = _fields(line, "[]", source, number)
            listed += [str(fields[0])] if fields and not isinstance(fields[0], float) else []
            at += 1
        else:
            header = _header(_fields(line, "()", source, number), source, number)
            rows = _rows(lines, at + 1, source)
            blocks.append(Block(*header, rows))
            at += 2 + len(rows)
    if not blocks:
        raise InputError(f"{source} must hold a Lumerical table of scattering parameters, but holds no block of numbers.")
    return listed, blocks


def _fields(line: str, brackets: str, source: str, number: int) -> list[str | float]:
    """What stands between brackets: words in quotes as words, the rest as numbers."""
    bad = InputError(
        f"Line {number} of {source} must be a header like ('port 1','TE',1,'port 2',1,'transmission'), but is `{shown(line)}`."
    )
    if line[0] != brackets[0] or line[-1] != brackets[1]:
        raise bad
    inside, at, fields = line[1:-1], 0, []
    while at < len(inside):
        found = _FIELD.match(inside, at)
        if not found:
            raise bad
        word = found[1] if found[1] is not None else found[2]
        try:
            fields.append(word if word is not None else float(found[3]))
        except ValueError:
            raise bad from None
        at = found.end()
    return fields


def _header(fields: list, source: str, number: int) -> tuple[str, str, int, str, int, float]:
    """(to, label, mode there, from, mode there, group delay) of a block."""
    kinds = (str, str, float, str, float, str)
    fits = len(fields) >= 6 and all(isinstance(f, kind) for f, kind in zip(fields, kinds, strict=False))
    if not fits or not all(fields[k].is_integer() for k in (2, 4)):
        raise InputError(
            f"Line {number} of {source} must give port, mode label, mode number, port, mode number and kind, but gives"
            f" `{shown(', '.join(map(str, fields)))}`."
        )
    to, label, to_mode, start, from_mode, kind = fields[:6]
    if kind != "transmission":
        raise InputError(f"Line {number} of {source} must begin a `transmission`, but begins a `{shown(kind)}`.")
    rest = fields[6:]
    if len(rest) > 1 or any(not isinstance(f, float) or not np.isfinite(f) for f in rest):
        raise InputError(
            f"Line {number} of {source} must give no more than a group delay, but sweeps"
            f" `{shown(', '.join(map(str, rest)))}`; export one point of the sweep."
        )
    return to, label, int(to_mode), start, int(from_mode), rest[0] if rest else 0.0


def _rows(lines: list[tuple[int, str]], at: int, source: str) -> np.ndarray:
    """The numbers of the block whose shape stands at `lines[at]`, (k, 3)."""
    number, line = lines[at] if at < len(lines) else (lines[-1][0] + 1, "")
    shape = _SHAPE.fullmatch(line)
    if not shape or int(shape[2]) != 3 or int(shape[1]) < 1:
        raise InputError(f"Line {number} of {source} must give the shape of a block like (51,3), but is `{shown(line)}`.")
    count = int(shape[1])
    rows = [line for _, line in lines[at + 1 : at + 1 + count]]
    try:
        found = np.array([[float(word) for word in row.split()] for row in rows])
    except ValueError:
        found = np.zeros(0)
    if found.shape != (count, 3) or not np.isfinite(found).all():
        raise InputError(
            f"{source} must have {count} rows of three finite numbers (Hz, magnitude, rad) after line {number}, but has not."
        )
    return found


def _of_one_mode(blocks: list[Block], mode: str | int | None, source: str) -> list[Block]:
    """The blocks that begin and end in the mode that was asked for, or in the only one there is."""
    labels = {(block.to_mode, block.label) for block in blocks}
    numbers = sorted({k for block in blocks for k in (block.to_mode, block.from_mode)})
    told = ", ".join(f"{k} ({shown(label)})" for k, label in sorted(labels)[:8])
    if mode is None:
        chosen = numbers
    elif isinstance(mode, str):
        chosen = sorted({k for k, label in labels if label.lower() == mode.lower()})
    else:
        check.whole("mode", mode, 0)
        chosen = [k for k in numbers if k == mode]
    if len(chosen) != 1:
        given = "none was given" if mode is None else f"`{shown(str(mode))}` was given"
        raise InputError(f"`mode` must be one of those in {source}, {told}, but {given}.")
    kept = [block for block in blocks if block.to_mode == block.from_mode == chosen[0]]
    if not kept:
        raise InputError(f"`mode` must pass through {source}, but mode {chosen[0]} is only converted there.")
    return kept


def _assembled(names: list[str], blocks: list[Block], source: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies (k,), the matrices (k, n, n) and the group delays taken out of them (n, n)."""
    place = {name: k for k, name in enumerate(names)}
    frequencies = blocks[0].rows[:, 0]
    order = np.argsort(frequencies, kind="stable")
    scattering = np.zeros((frequencies.size, len(names), len(names)), complex)
    delay = np.zeros(scattering.shape[1:])
    seen = set()
    for block in blocks:
        pair = f"from `{shown(block.source)}` to `{shown(block.to)}`"
        if not {block.to, block.source} <= place.keys():
            raise InputError(f"{source} must list all its ports at its head, but not those of the block {pair}.")
        if (block.to, block.source) in seen:
            raise InputError(f"{source} must give each entry once, but gives the one {pair} twice.")
        if not np.array_equal(block.rows[:, 0], frequencies):
            raise InputError(f"{source} must have the same frequencies in every block, but not in the one {pair}.")
        seen.add((block.to, block.source))
        at = place[block.to], place[block.source]
        scattering[:, *at] = (block.rows[:, 1] * np.exp(1j * block.rows[:, 2]))[order]
        delay[at] = block.delay
    return frequencies[order], scattering, delay
