"""Quantities as people write them, `1 kohm` or `[1, 2.5e-3]`, read against the unit that a parameter declares."""

import math
import re
from typing import Any

import numpy as np

from devsim.check import InputError, described, shown
from devsim.units import PREFIXES
from devsim.yaml_tree import Scalar

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?|[+-]?\.inf)\s*(\S.*)?")
_ENDLESS = re.compile(r"[+-]?\.?(inf|nan|infinity)", re.IGNORECASE)
_POWERS = {prefix: power for power, prefix in PREFIXES.items()}
_POWERS |= dict.fromkeys(("\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"), -6)
_SPELLINGS = {"\N{OHM SIGN}": "ohm", "\N{GREEK CAPITAL LETTER OMEGA}": "ohm", "Ohm": "ohm"}


def quantity(name: str, value: Any, unit: str) -> float | np.ndarray:
    """A number or, from nested lists, an array in `unit`.

    `name` is that of the parameter in errors. Raises InputError for another unit, text that is no number, a number too
    large, and lists whose lengths differ.
    """
    if not isinstance(value, list):
        return _number(name, value, unit)
    numbers = _array(name, value, unit)
    try:
        return np.array(numbers, dtype=float)
    except ValueError as error:
        raise InputError(f"`{name}` must be a number or lists of equal lengths, but its lists differ.") from error


def _array(name: str, value: Any, unit: str) -> Any:
    if isinstance(value, list):
        return [_array(name, each, unit) for each in value]
    return _number(name, value, unit)


def _number(name: str, value: Any, unit: str) -> float:
    wanted = "a number" if unit == "1" else f"a number or a number in {unit}"
    if not isinstance(value, Scalar):
        raise InputError(f"`{name}` must be {wanted}, but is {described(value)}.")
    found = _QUANTITY.fullmatch(value.strip()) if len(value) <= 400 else None
    if found is None:
        finite = ", and finite" if _ENDLESS.fullmatch(value.strip()) else ""
        raise InputError(f"`{name}` must be {wanted}{finite}, but is `{shown(value)}`.")
    number = float(found[1].replace(".inf", "inf"))
    if found[2]:
        power = power_between(found[2], unit)
        if power is None:
            kind = "a pure number" if unit == "1" else f"in {unit}"
            raise InputError(f"`{name}` must be {kind}, but is given in `{shown(found[2], 20)}`.")
        number = _scaled(found[1], power) if power else number
    if math.isinf(number) and "inf" not in found[1]:
        raise InputError(f"`{name}` must be a finite number, but `{shown(value)}` is too large.")
    return number


def _scaled(text: str, power: int) -> float:
    """The number times a power of ten, rounded once."""
    if "inf" in text:
        return float(text.replace(".inf", "inf"))
    mantissa, _, exponent = text.lower().partition("e")
    return float(f"{mantissa}e{int(exponent or 0) + power}")


def power_between(given: str, unit: str) -> int | None:
    """The power of ten between the unit `given` and `unit`, an SI prefix or none; None where it is another unit."""
    for sign, word in _SPELLINGS.items():
        given = given.replace(sign, word)
    if given == unit:
        return 0
    takes_prefix = re.match(r"[A-Za-z]+(?!\^)(?![A-Za-z])", unit) and unit != "1"
    if takes_prefix and given[1:] == unit and given[0] in _POWERS:
        return _POWERS[given[0]]
    return None
