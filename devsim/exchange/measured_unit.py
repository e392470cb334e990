"""Units as they stand on measurements, `uA`, `dBm`, `1/cm`, `A/cm^2`, and what turns their numbers into SI."""

import math
import re
from typing import NamedTuple

import numpy as np

from devsim.exchange.quantity import power_between

BASES = ("V", "A", "W", "S", "ohm", "s", "Hz", "m", "K", "F", "H", "C", "T", "J", "eV", "rad", "N", "Pa", "g", "Wb")
"""Units that take an SI prefix."""
OTHERS = {
    "1": (1.0, "1"),
    "%": (0.01, "1"),
    "ppm": (1e-6, "1"),
    "min": (60.0, "s"),
    "h": (3600.0, "s"),
    "day": (86400.0, "s"),
    "deg": (math.pi / 180, "rad"),
    "Oe": (1e-4, "T"),
    "G": (1e-4, "T"),
    "sec": (1.0, "s"),
    "\N{DEGREE SIGN}": (math.pi / 180, "rad"),
    "\N{ANGSTROM SIGN}": (1e-10, "m"),
    "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}": (1e-10, "m"),
}
"""Units without a prefix: factor and SI unit."""
PURE = {"", "-", "1", "a.u.", "a. u.", "arb. u.", "au", "arb", "#"}
"""What stands for no unit at all."""
CELSIUS = {"degC", "\N{DEGREE SIGN}C", "Celsius", "celsius"}
_RAISED = str.maketrans("\N{SUPERSCRIPT TWO}\N{SUPERSCRIPT THREE}\N{SUPERSCRIPT ONE}\N{SUPERSCRIPT MINUS}", "231-")
_FACTOR = re.compile(r"(?P<sign>[*/]?)\s*(?P<unit>[^\s*/^\d]+|1)(?:\^?(?P<power>-?\d))?\s*")


class EntryUnit(NamedTuple):
    """How numbers enter: in `si` they are factor x + shift, or 10^(x / 10) times factor where `decibels`."""

    si: str
    factor: float
    shift: float = 0.0
    decibels: bool = False

    def convert(self, values: np.ndarray) -> np.ndarray:
        """The `values` in SI; too large ones become infinite."""
        with np.errstate(over="ignore"):
            return self.factor * 10.0 ** (values / 10) if self.decibels else self.factor * values + self.shift


def entry_unit(text: str) -> EntryUnit | None:
    """What a written unit says; None where it is no unit that is known."""
    text = text.strip().translate(_RAISED)
    if len(text) > 40:
        return None
    if text in PURE:
        return EntryUnit("1", 1.0)
    if text in CELSIUS:
        return EntryUnit("K", 1.0, 273.15)
    if text in ("dBm", "dBmW"):
        return EntryUnit("W", 1e-3, decibels=True)
    if text == "dBW":
        return EntryUnit("W", 1.0, decibels=True)
    if text in ("dB", "dBc"):
        return EntryUnit("1", 1.0, decibels=True)
    return _product(text)


def _product(text: str) -> EntryUnit | None:
    """A product of units and powers of them, in the order in which they stand; all after a `/` divide."""
    factor, names, place = 1.0, [], 0
    while place < len(text):
        found = _FACTOR.match(text, place)
        known = found and _single(found["unit"])
        if not found or not known or (place and not found["sign"] and found["unit"] == "1"):
            return None
        size, name = known
        power = int(found["power"] or 1) * (-1 if found["sign"] == "/" else 1)
        factor *= size**power
        names.append((name, power))
        place = found.end()
    return EntryUnit(_spelled(names), factor) if names else None


def _single(text: str) -> tuple[float, str] | None:
    """Factor and SI unit of one symbol."""
    if text in OTHERS:
        return OTHERS[text]
    if text == "cm":
        return 0.01, "m"
    for base in BASES:
        power = power_between(text, base)
        if power is not None:
            return (10.0 ** (power - 3), "kg") if base == "g" else (10.0**power, base)
    return None


def _spelled(names: list[tuple[str, int]]) -> str:
    """`A/m^2`, `1/s`, `V/(m s)`: how this package writes units."""
    kept = [(name, power) for name, power in names if name != "1" and power]
    raised = lambda name, power: name if power == 1 else f"{name}^{power}"
    above = " ".join(raised(name, power) for name, power in kept if power > 0)
    below = [raised(name, -power) for name, power in kept if power < 0]
    if not below:
        return above or "1"
    return f"{above or '1'}/{below[0] if len(below) == 1 else '(' + ' '.join(below) + ')'}"
