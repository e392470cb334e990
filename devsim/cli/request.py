"""What the user asked of `devsim run`, checked before anything heavy is imported or written."""

import dataclasses
import math
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from devsim import check, files, registry
from devsim.check import InputError

if TYPE_CHECKING:
    from devsim.part import Part

Adjustable = TypeVar("Adjustable", bound="Part")
MOST_DIES = 1_000_000
FORMS = {"--set": ("PATH=VALUE", "array.wire_resistance=2.0"), "--input": ("NAME=VALUE", "drive=0.5")}
"""Option -> how it is written, and an example."""
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
    def checked(
        cls, chip: str, *, settings: Iterable[str], dies: int | None, seed: int, out: Path | None, budget: bool
    ) -> Self:
        """The request; InputError for an unknown chip, a malformed setting, a bad number, an impossible folder.

        Without `dies` it is the chip's `usual_dies`.
        """
        check.one_of("chip", chip, registry.chips())
        parameters = assignments(settings)
        check.within("--dies", 1 if dies is None else dies, check.Bounds(1, MOST_DIES))
        if not 0 <= seed < 2**32:
            raise InputError(f"`--seed` must be at least 0 and below 2^32, but is {seed}.")
        folder = Path("runs") / chip if out is None else out
        if out is not None and str(out) in ("", "."):
            raise InputError("`--out` must name a folder of its own, but is empty or the current one.")
        files.check_folder(folder, make_parent=out is None)
        dies = registry.load(chip).usual_dies if dies is None else dies
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


def adjusted(part: Adjustable, parameters: Mapping[str, float | list[float]], hint: str) -> Adjustable:
    """A copy of a chip or circuit with knobs replaced; `hint` says where to look for those there are.

    Raises InputError for an unknown path, what is no knob, and a value that the part refuses.
    """
    for path, value in parameters.items():
        if not part.entry(path).quantity.knob:
            raise InputError(f"`{path}` is what the chip carries along, not a knob; set what makes it, {hint}.")
        try:
            part = part.set(path, value)
        except InputError:
            raise
        except (ValueError, TypeError) as error:  # a shape or a type that the part itself refuses
            raise InputError(f"`{path}` cannot be set to {value}: {error}") from error
    return part


def numbers(path: str, text: str) -> float | list[float]:
    """A number, or a list where there are commas."""
    values = [_number(path, word.strip()) for word in text.split(",")]
    return values if "," in text else values[0]


def _number(path: str, word: str) -> float:
    value = float(word) if NUMBER.fullmatch(word) else math.nan
    if not math.isfinite(value):
        raise InputError(f"`{path}` must be a finite number in SI units such as 1e-3, or numbers with commas, but is `{word}`.")
    return value
