"""`Axis`: the values that a sweep gives one knob, as `lin:a:b:n`, `log:a:b:n`, or a list."""

import dataclasses
import math
import re
from typing import Any, Self

import numpy as np

from devsim import check
from devsim.check import InputError

FORM = "lin:a:b:n, log:a:b:n or v1,v2,... in SI units"
LONGEST = 10_000_000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COUNT = re.compile(r"\d{1,12}", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Axis:
    """The values of the knob at `path`.

    spacing: `lin` or `log` between `values[0]` and `values[-1]`, or `listed`. count: how many there are; None where only
    the ends were told, as designs that draw their points take them.
    """

    path: str
    spacing: str
    values: tuple[float, ...]
    count: int | None

    @classmethod
    def read(cls, path: str, given: Any) -> Self:
        """The axis of a text `lin:a:b:n`, `log:a:b:n`, `lin:a:b`, `log:a:b`, `v1,v2,...`, or of a row of numbers.

        Raises InputError for anything else, n below 1, ends of a logarithmic axis that are not above zero, no values.
        """
        if isinstance(given, str):
            return cls._told(path, given.strip())
        try:
            values = np.asarray(given, float)
        except (TypeError, ValueError):
            raise InputError(f"`{path}` must be swept over {FORM}, but got {check.described(given)}.") from None
        if values.ndim > 1:
            raise InputError(f"`{path}` must be swept over a row of numbers, but got an array of shape {values.shape}.")
        return cls._listed(path, values.ravel().tolist())

    @classmethod
    def _told(cls, path: str, text: str) -> Self:
        kind, colon, rest = text.partition(":")
        if not colon:
            return cls._listed(path, [_number(path, word) for word in text.split(",")] if text else [])
        words = rest.split(":")
        if kind not in ("lin", "log") or len(words) not in (2, 3):
            raise InputError(f"`{path}` must be swept over {FORM}, but got `{text}`.")
        low, high = (_number(path, word) for word in words[:2])
        if kind == "log" and not (low > 0 and high > 0):
            raise InputError(f"`{path}` must have ends above 0 to be swept over a logarithmic axis, but got `{text}`.")
        if len(words) == 2:
            return cls(path, kind, (low, high), None)
        count = int(words[2]) if _COUNT.fullmatch(words[2].strip()) else 0
        if not 1 <= count <= LONGEST:
            wanted = f"a whole number of at least 1 and at most {LONGEST:,}"
            raise InputError(f"The number of values of `{path}` must be {wanted}, but is `{words[2]}`.")
        if count == 1 and low != high:
            raise InputError(f"`{path}` must have 2 values or more to reach from {low:g} to {high:g}, but `{text}` asks for 1.")
        return cls(path, kind, tuple(_spaced(kind, low, high, count)), count)

    @classmethod
    def _listed(cls, path: str, values: list[float]) -> Self:
        if not values:
            raise InputError(f"`{path}` must be swept over at least one value ({FORM}), but has none.")
        check.finite(path, np.asarray(values))
        return cls(path, "listed", tuple(map(float, values)), len(values))

    def at(self, share: np.ndarray) -> np.ndarray:
        """The values at shares of the axis from 0 to below 1: between its ends, or of a list the one that lies there."""
        if self.spacing == "listed":
            return np.asarray(self.values)[np.minimum((share * len(self.values)).astype(int), len(self.values) - 1)]
        low, high = self.values[0], self.values[-1]
        return low + share * (high - low) if self.spacing == "lin" else low * (high / low) ** share

    def word(self) -> str:
        """The axis as `--over` reads it back."""
        if self.spacing == "listed":
            return f"{self.path}={','.join(map(repr, self.values))}"
        ends = f"{self.path}={self.spacing}:{self.values[0]!r}:{self.values[-1]!r}"
        return ends if self.count is None else f"{ends}:{self.count}"


def _number(path: str, word: str) -> float:
    value = float(word) if _NUMBER.fullmatch(word.strip()) else math.nan
    if not math.isfinite(value):
        raise InputError(f"`{path}` must be swept over {FORM}, but `{word}` is not a finite number.")
    return value


def _spaced(kind: str, low: float, high: float, count: int) -> list[float]:
    values = np.linspace(low, high, count) if kind == "lin" else np.geomspace(low, high, count)
    values[[0, -1]] = low, high
    return values.tolist()
