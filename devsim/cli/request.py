"""What the user asked of `devsim run`, checked before anything heavy is imported or written."""

import dataclasses
import math
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from devsim import check, files, registry
from devsim.check import InputError

MOST_DIES = 1_000_000
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Request:
    """A run as asked for.

    parameters: path -> number or numbers. made_for_us: `out` is the default folder, whose parent may be made too.
    """

    chip: str
    parameters: dict[str, float | list[float]]
    dies: int
    seed: int
    out: Path
    made_for_us: bool
    budget: bool

    @classmethod
    def checked(cls, chip: str, *, settings: Iterable[str], dies: int, seed: int, out: Path | None, budget: bool) -> Self:
        """The request; InputError for an unknown chip, a malformed setting, a bad number, an impossible folder."""
        check.one_of("chip", chip, registry.chips())
        parameters = assignments(settings)
        check.within("--dies", dies, check.Bounds(1, MOST_DIES))
        if not 0 <= seed < 2**32:
            raise InputError(f"`--seed` must be at least 0 and below 2^32, but is {seed}.")
        folder = Path("runs") / chip if out is None else out
        if out is not None and str(out) in ("", "."):
            raise InputError("`--out` must name a folder of its own, but is empty or the current one.")
        files.check_folder(folder, make_parent=out is None)
        return cls(chip, parameters, dies, seed, folder, out is None, budget)

    def command(self) -> str:
        """The line that repeats the run."""
        words = ["devsim", "run", self.chip]
        for path, value in self.parameters.items():
            words += ["--set", f"{path}={','.join(map(repr, value)) if isinstance(value, list) else repr(value)}"]
        words += ["--dies", str(self.dies), "--seed", str(self.seed)]
        words += [] if self.made_for_us else ["--out", str(self.out)]
        words += [] if self.budget else ["--no-budget"]
        return shlex.join(words)


def assignments(settings: Iterable[str]) -> dict[str, float | list[float]]:
    """`["a.b=1e3", "c=1,2"]` as {"a.b": 1000.0, "c": [1.0, 2.0]}; InputError for what is no assignment of numbers."""
    told = {}
    for setting in settings:
        path, equals, text = setting.partition("=")
        path = path.strip()
        if not equals or not path or not text.strip():
            raise InputError(f"`--set` must be written PATH=VALUE, such as array.wire_resistance=2.0, but is `{setting}`.")
        if path in told:
            raise InputError(f"`--set` must give each parameter once, but gives `{path}` twice.")
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
