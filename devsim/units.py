"""Numbers with units as people read them: `12.3 uS`, and several numbers in one prefix with equal decimals."""

import math
import re
from collections.abc import Sequence

import numpy as np

PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
LARGEST = {"s": 0, "m": 3, "K": 0} | dict.fromkeys(("A", "C", "F", "H", "Hz", "J", "S", "V", "W", "Wb", "eV", "ohm"), 12)
"""Units that take a prefix, and the power of ten of the largest one they take: nobody says kiloseconds."""
SIGNS = {"u": "µ", "ohm": "Ω"}
NOTHING = "-"


def scaled(size: float, unit: str) -> tuple[float, str]:
    """The factor that divides values of about `size` in `unit`, and the unit of what remains: (1e-06, "uS").

    Only the first symbol takes the prefix (`mV/s`); pure numbers and powers (`m^2`) take none.
    """
    head, rest = _split(unit)
    if head not in LARGEST or not math.isfinite(size) or size == 0:
        return 1.0, unit
    power = 3 * math.floor(math.log10(abs(size) * (1 + 1e-12)) / 3)
    power = min(max(power, min(PREFIXES)), LARGEST[head])
    return 10.0**power, f"{PREFIXES[power]}{head}{rest}"


def engineering(value: float | None, unit: str, *, digits: int = 3, typographic: bool = False) -> str:
    """A number with its prefixed unit, `12.3 uS`; `-` for no number. `typographic` writes µ, Ω and × 10."""
    if value is None or math.isnan(value):
        return NOTHING
    factor, shown = scaled(_rounded(value, digits), unit)
    number = written(_rounded(value / factor, digits), digits, typographic=typographic)
    return number if unit == "1" else f"{number} {symbol(shown) if typographic else shown}"


def together(
    values: Sequence[float | None], unit: str, *, resolution: float | None = None, typographic: bool = False
) -> tuple[list[str], str]:
    """Several numbers in one prefix, with the decimals that `resolution` (the width of an interval) deserves.

    Returns the texts and the unit they share, empty for a pure number.
    """
    finite = [abs(v) for v in values if v is not None and math.isfinite(v)]
    size = max(finite, default=0.0)
    factor, shown = scaled(_rounded(size, 4), unit)
    decimals = _decimals(min(resolution or size / 100, size) / factor)
    too_wide = not 1e-4 <= size / factor < 1e5 if size else False
    texts = []
    for value in values:
        if value is None or not math.isfinite(value):
            texts.append(NOTHING if value is None or math.isnan(value) else str(value))
        elif too_wide:
            texts.append(written(value / factor, 4, typographic=typographic))
        else:
            texts.append(_fixed(value / factor, decimals, typographic))
    return texts, "" if unit == "1" else symbol(shown) if typographic else shown


def brief(value, *, digits: int = 6) -> str:
    """A number, or what an array holds, in the plain form that `--set` reads back: `1e-06`, `64x64: 0 to 2e-05`."""
    if value is None:
        return NOTHING
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{array.item():.{digits}g}"
    dimensions = "x".join(str(n) for n in array.shape) if array.ndim > 1 else f"{array.size} value{'s' * (array.size != 1)}"
    if array.size == 0 or np.iscomplexobj(array):
        return dimensions
    low, high = float(array.min()), float(array.max())
    return f"{dimensions}: {low:.{digits}g}" + ("" if low == high else f" to {high:.{digits}g}")


def symbol(unit: str) -> str:
    """The unit with µ and Ω where plain text has u and ohm."""
    head, rest = _split(unit)
    if head.endswith("ohm"):
        head = head[:-3] + SIGNS["ohm"]
    if head.startswith("u") and len(head) > 1:
        head = SIGNS["u"] + head[1:]
    return head + rest if head else unit


def in_brackets(unit: str) -> str:
    """` (µS)` for an axis label; nothing for a pure number."""
    return "" if unit in ("1", "") else f" ({symbol(unit)})"


def written(value: float, digits: int, *, typographic: bool = False) -> str:
    """At most `digits` (up to 6) significant digits; powers of ten as 1.2e-05, or 1.2 × 10⁻⁵ where `typographic`."""
    text = f"{_rounded(value, digits) + 0.0:.6g}"
    mantissa, mark, power = text.partition("e")
    if not typographic:
        return text
    minus = lambda number: number.replace("-", "−")
    raised = str(int(power or 0)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{minus(mantissa)} × 10{raised}" if mark else minus(mantissa)


def _split(unit: str) -> tuple[str, str]:
    """The first symbol and what follows; nothing first where that symbol is a power of itself."""
    found = re.fullmatch(r"([A-Za-z]+)((?!\^).*)", unit)
    return (found[1], found[2]) if found else ("", unit)


def _fixed(value: float, decimals: int, typographic: bool) -> str:
    text = f"{value:.{decimals}f}"
    text = text.removeprefix("-") if float(text) == 0 else text
    return text.replace("-", "−") if typographic else text


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def _decimals(resolution: float) -> int:
    """Decimals that show two digits of `resolution`."""
    if not math.isfinite(resolution) or resolution == 0:
        return 3
    return min(max(1 - math.floor(math.log10(abs(resolution))), 0), 6)
