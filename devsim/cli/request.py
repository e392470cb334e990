"""What the user asked of a command, checked before anything heavy is imported or written."""

import math
import re
from collections.abc import Iterable
from pathlib import Path

from devsim import check, files
from devsim.check import InputError

MOST_DIES = 1_000_000
FORMS = {
    "--set": ("PATH=VALUE", "array.wire_resistance=2.0"),
    "--input": ("NAME=VALUE", "drive=0.5"),
    "--scale": ("PATTERN=FACTOR", "array.*_spread=2"),
    "--vary": ("LEVEL:PATH=DEVIATION", "die:array.wire_resistance=0.1"),
}
"""Option -> how it is written, and an example."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def checked_dies(dies: int | None) -> None:
    """Raise InputError where `--dies` is no number of dies that can be made."""
    check.within("--dies", 1 if dies is None else dies, check.Bounds(1, MOST_DIES))


def checked_seed(seed: int) -> None:
    """Raise InputError where `--seed` is no seed."""
    if not 0 <= seed < 2**32:
        raise InputError(f"`--seed` must be at least 0 and below 2^32, but is {seed}.")


def checked_folder(out: Path | None, usual: str) -> Path:
    """The folder for the results: `--out`, or `runs/USUAL`. InputError where it cannot be one."""
    folder = Path("runs") / usual if out is None else out
    if out is not None and str(out) in ("", "."):
        raise InputError("`--out` must name a folder of its own, but is empty or the current one.")
    files.check_folder(folder, make_parent=out is None)
    return folder


def assignments(settings: Iterable[str], option: str = "--set") -> dict[str, float | list[float]]:
    """`["a.b=1e3", "c=1,2"]` as {"a.b": 1000.0, "c": [1.0, 2.0]}; InputError for what is no assignment of numbers.

    `option` is the one that gave them, for errors.
    """
    told = {}
    for setting in settings:
        path, equals, text = setting.partition("=")
        path = path.strip()
        if not equals or not path or not text.strip():
            form, example = FORMS[option]
            raise InputError(f"`{option}` must be written {form}, such as {example}, but is `{setting}`.")
        if path in told:
            raise InputError(f"`{option}` must give each parameter once, but gives `{path}` twice.")
        told[path] = numbers(path, text)
    return told


def numbers(path: str, text: str) -> float | list[float]:
    """A number, or a list where there are commas."""
    values = [_number(path, word.strip()) for word in text.split(",")]
    return values if "," in text else values[0]


def _number(path: str, word: str) -> float:
    value = float(word) if NUMBER.fullmatch(word) else math.nan
    if not math.isfinite(value):
        raise InputError(f"`{path}` must be a finite number in SI units such as 1e-3, or numbers with commas, but is `{word}`.")
    return value
