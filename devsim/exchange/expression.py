"""Arithmetic in decks: numbers with SPICE suffixes, names, operators, choices, a few functions; nothing is run as code."""

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from devsim.check import InputError, shown, suggest

LONGEST, DEEPEST = 2000, 24
"""Characters of one expression, and how deep its brackets may nest."""

SUFFIXES = {"t": 12, "g": 9, "meg": 6, "k": 3, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18}
SUFFIXES |= dict.fromkeys(("\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"), -6)
"""Suffix -> power of ten; letters after it are a unit and change nothing. `mil` is 25.4e-6."""

_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)(?:e([+-]?\d{1,4}))?([a-z\u00b5\u03bc\u03c9]*)(?![\w.])")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_OPERATOR = re.compile(r"\*\*|[=!<>]=|<>|&&|\|\||[-+*/^(),<>?:]")

CONSTANTS = {"pi": math.pi, "e": math.e}
FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any]]] = {
    **{name: (1, 1, getattr(math, name)) for name in ("sqrt", "exp", "log10", "sin", "cos", "tan", "asin", "acos", "atan")},
    **{name: (1, 1, getattr(math, name)) for name in ("sinh", "cosh", "tanh", "floor", "ceil")},
    "abs": (1, 1, abs),
    "log": (1, 1, math.log),
    "ln": (1, 1, math.log),
    "int": (1, 1, math.trunc),
    "nint": (1, 1, round),
    "sgn": (1, 1, lambda x: math.copysign(1.0, x) if x else 0.0),
    "pow": (2, 2, lambda x, y: _power(x, y)),
    "min": (1, 16, min),
    "max": (1, 16, max),
}
"""Name -> fewest and most arguments, and the function; `log` is natural, as in ngspice."""


LEVELS = (("||",), ("&&",), ("==", "!=", "<>"), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/"))
"""Operators between two values, from those that bind least; a comparison is 1 where it holds and 0 where not."""


class Call(NamedTuple):
    """One inner node of a parsed expression: an operator or a function, and its arguments."""

    function: str
    arguments: tuple


class Branches(NamedTuple):
    """What a choice chooses between, once its condition is known; the other one is never evaluated."""

    first: Any
    second: Any


def number(text: str) -> float | None:
    """The value of `4.7k`, `10MEGohm`, `4.7kΩ` or `1e-3`, in lower or upper case; None where the text is no plain number."""
    sign = text[:1] if text[:1] in ("+", "-") else ""
    found = _NUMBER.fullmatch(text[len(sign) :].lower()) if len(text) <= 100 else None
    return None if found is None else float(sign + "1") * _valued(found)


def evaluate(text: str, names: Mapping[str, float]) -> float:
    """The finite value of an expression in lower case, with `names` for its variables.

    Raises InputError for what cannot be read, an unknown name, and a result that is not a finite real number.
    """
    plain = number(text)
    value = _value(parsed(text), names) if plain is None else plain
    if not math.isfinite(value):
        raise InputError(f"An expression must be finite, but `{shown(text, 40)}` is {value}.")
    return value


def variables(text: str) -> set[str]:
    """The names that an expression needs; InputError where it cannot be read."""
    found, left = set(), [parsed(text)]
    while left:
        node = left.pop()
        if isinstance(node, str):
            found.add(node)
        elif isinstance(node, Call):
            left.extend(node.arguments)
    return found


@lru_cache(maxsize=4096)
def parsed(text: str) -> "float | str | Call":
    """A tree of numbers, names and calls; InputError where the text is no expression."""
    if len(text) > LONGEST:
        raise InputError(f"An expression must have at most {LONGEST} characters, but has {len(text)}.")
    words = _words(text)
    tree, rest = _choice(words, 0, 0)
    if rest != len(words):
        raise InputError(
            f"The expression `{shown(text, 40)}` must end after `{words[rest - 1]}`, but goes on with `{words[rest]}`."
        )
    return tree


def _words(text: str) -> list:
    words, place = [], 0
    while place < len(text):
        if text[place] in " \t":
            place += 1
            continue
        if found := _NUMBER.match(text, place):
            words.append(_valued(found))
        elif found := (_NAME.match(text, place) or _OPERATOR.match(text, place)):
            words.append("**" if found[0] == "^" else found[0])
        else:
            raise InputError(
                f"An expression must be made of numbers, names, + - * / ** < > == ? : and functions, but"
                f" `{shown(text, 40)}` has `{shown(text[place:], 12)}`."
            )
        place = found.end()
    if not words:
        raise InputError("An expression must not be empty.")
    return words


def _valued(found: re.Match) -> float:
    mantissa, exponent, letters = found[1], int(found[2] or 0), found[3]
    if letters.startswith("mil"):
        return float(f"{mantissa}e{exponent}") * 25.4e-6
    power = SUFFIXES["meg"] if letters.startswith("meg") else SUFFIXES.get(letters[:1], 0)
    return float(f"{mantissa}e{exponent + power}")


def _choice(words: list, at: int, depth: int):
    """`a`, or `a ? b : c`, from word `at` on: the tree, and the place behind it."""
    if depth > DEEPEST:
        raise InputError(f"An expression must nest at most {DEEPEST} brackets or choices deep.")
    tree, at = _joined(words, at, depth, 0)
    if at >= len(words) or words[at] != "?":
        return tree, at
    first, at = _choice(words, at + 1, depth + 1)
    if at >= len(words) or words[at] != ":":
        raise InputError("An expression must choose by `a ? b : c`, but has no `:` for its `?`.")
    second, at = _choice(words, at + 1, depth + 1)
    return Call("?", (tree, first, second)), at


def _joined(words: list, at: int, depth: int, level: int):
    """Values joined by the operators of a level, from the left; powers too bind from the left, as in ngspice."""
    if level == len(LEVELS):
        return _signed(words, at, depth)
    tree, at = _joined(words, at, depth, level + 1)
    while at < len(words) and words[at] in LEVELS[level]:
        right, after = _joined(words, at + 1, depth, level + 1)
        tree, at = Call(words[at], (tree, right)), after
    return tree, at


def _signed(words: list, at: int, depth: int):
    minus = False
    while at < len(words) and words[at] in ("+", "-"):
        minus, at = minus != (words[at] == "-"), at + 1
    tree, at = _atom(words, at, depth)
    while at < len(words) and words[at] == "**":
        negative = at + 1 < len(words) and words[at + 1] == "-"
        right, after = _atom(words, at + 1 + negative, depth)
        tree, at = Call("**", (tree, Call("neg", (right,)) if negative else right)), after
    return (Call("neg", (tree,)) if minus else tree), at


def _atom(words: list, at: int, depth: int):
    if at >= len(words):
        raise InputError("An expression must not end with an operator.")
    word = words[at]
    if isinstance(word, float):
        return word, at + 1
    if word == "(":
        tree, at = _choice(words, at + 1, depth + 1)
        return tree, _closed(words, at)
    if not word[0].isalpha() and word[0] != "_":
        raise InputError(f"An expression must have a number, a name or a bracket where it has `{word}`.")
    if at + 1 >= len(words) or words[at + 1] != "(":
        return word, at + 1
    if word not in FUNCTIONS:
        raise InputError(f"There is no function `{shown(word, 40)}`.{suggest(word[:40], FUNCTIONS)}")
    arguments, at = [], at + 1
    while True:
        tree, at = _choice(words, at + 1, depth + 1)
        arguments.append(tree)
        if at >= len(words) or words[at] != ",":
            break
    few, most, _ = FUNCTIONS[word]
    if not few <= len(arguments) <= most:
        raise InputError(f"The function `{word}` must have {few} to {most} arguments, but has {len(arguments)}.")
    return Call(word, tuple(arguments)), _closed(words, at)


def _closed(words: list, at: int) -> int:
    if at >= len(words) or words[at] != ")":
        raise InputError("An expression must close every bracket that it opens.")
    return at + 1


def _value(tree, names: Mapping[str, float]) -> float:
    """The value of a tree. Chains of operators nest to the left as deep as they are long, hence no recursion."""
    done: list[float] = []
    left: list = [tree]
    while left:
        node = left.pop()
        if isinstance(node, float):
            done.append(node)
        elif isinstance(node, str):
            done.append(_named(node, names))
        elif isinstance(node, Call) and node.function == "?":
            left += [Branches(*node.arguments[1:]), node.arguments[0]]
        elif isinstance(node, Call):
            left += [(node.function, len(node.arguments)), *node.arguments[::-1]]
        elif isinstance(node, Branches):
            left.append(node.first if done.pop() else node.second)
        else:
            function, count = node
            arguments, done = done[len(done) - count :], done[: len(done) - count]
            done.append(_applied(function, arguments))
    return done[0]


def _named(name: str, names: Mapping[str, float]) -> float:
    if name in names:
        return names[name]
    if name in CONSTANTS:
        return CONSTANTS[name]
    raise InputError(f"There is no parameter `{shown(name, 40)}`.{suggest(name[:40], names)}")


def _applied(function: str, arguments: list[float]) -> float:
    try:
        if function in _ARITHMETIC:
            return _ARITHMETIC[function](*arguments)
        return float(FUNCTIONS[function][2](*arguments))
    except (ArithmeticError, ValueError) as error:
        shown = ", ".join(f"{a:g}" for a in arguments)
        raise InputError(f"`{function}` cannot be taken of {shown}: {error}.") from error


def _power(base: float, exponent: float) -> float:
    return math.pow(base, exponent)


_ARITHMETIC: dict[str, Callable[..., float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": _power,
    "neg": lambda a: -a,
    "<": lambda a, b: float(a < b),
    ">": lambda a, b: float(a > b),
    "<=": lambda a, b: float(a <= b),
    ">=": lambda a, b: float(a >= b),
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<>": lambda a, b: float(a != b),
    "&&": lambda a, b: float(bool(a and b)),
    "||": lambda a, b: float(bool(a or b)),
}
