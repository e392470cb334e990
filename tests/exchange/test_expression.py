"""Expressions of decks: numbers, precedence, functions, and what is refused."""

import math
import time

import pytest

from devsim.check import InputError
from devsim.exchange.expression import evaluate, number, variables

NUMBERS = {
    "1": 1.0, "-2.5": -2.5, "1e3": 1e3, "1.5E-3": 1.5e-3, ".5": 0.5, "5.": 5.0, "4.7k": 4700.0, "10MEG": 1e7,
    "2m": 2e-3, "3Mil": 3 * 25.4e-6, "100n": 1e-7, "1uF": 1e-6, "22pF": 2.2e-11, "1F": 1e-15, "2t": 2e12, "1g": 1e9,
    "5V": 5.0, "1e3k": 1e6, "1µ": 1e-6, "10kohm": 1e4, "4.7kΩ": 4700.0, "10µF": 1e-5,
    "10\u03bcF": 1e-5, "1\u2126": 1.0, "5MΩ": 5e-3,
}  # fmt: skip
EXPRESSIONS = {  # as ngspice 39 evaluates them
    "-2**2": -4, "2**3**2": 64, "2^3^2": 64, "log(10)": math.log(10), "10/4/2": 1.25, "2-3-4": -5, "-2^2": -4,
    "1k*2": 2000, "sqrt(2)": math.sqrt(2), "min(1,2)": 1, "int(-2.7)": -2, "sgn(-3)": -1, "2*-3": -6, "pow(2,3)": 8,
    "ln(10)": math.log(10), "log10(100)": 2, "floor(-2.5)": -3, "nint(2.5)": 2, "-3**3": -27, "2**-1": 0.5,
    "atan(1)": math.pi / 4, "(1 + a) * b": 12, "a > 1 ? 10 : 20": 10, "a+1 <= b-2 ? 1 : 2": 2, "(a < b) + (a == 2)": 2,
    "a != 2 ? 1 : b > 3 ? 5 : 6": 5, "1 > 2 || 3 >= 3 && a <> b": 1, "-(a ? b : 1) * 2": -8, "max(a > 1 ? 7 : 1, b)": 7,
}  # fmt: skip
REFUSED = {
    "": "must not be empty", "1+": "must not end with an operator",
    "(1": "must close every bracket", "1 2": "must end after",
    "foo": "There is no parameter `foo`", "foo(1)": "There is no function `foo`", "sqrt(1,2)": "must have 1 to 1 arguments",
    "1/0": "cannot be taken of 1, 0", "sqrt(-1)": "cannot be taken of -1", "1e999": "must be finite",
    "(-1)**0.5": "cannot be taken",
    "10**99**9": "cannot be taken of",
    "exp(1e4)": "cannot be taken", "__import__('os')": "There is no function|must be made of",
    "a.b": "must be made of", "a if b": "must end after", "(" * 30 + "1": "at most 24 brackets",
    "1+" * 2000 + "1": "at most 2000",
    "lambda: 1": "must end after `lambda`", "1 ? 2": "has no `:` for its `?`",
    "1:2": "must end after", "a = 1": "must be made of",
    "1 ?": "must not end with an operator", "1?1:" * 40 + "1": "at most 24 brackets or choices",
    "1 < ? 2 : 3": "has `?`", "*": "must have a number",
}  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_with_a_suffix_is_exact(text):
    assert number(text) == NUMBERS[text]


@pytest.mark.parametrize("text", ["k", "1.2.3", "4k7", "", "--1", "1e", "0x10", "1_000"])
def test_what_is_no_number_is_none_or_has_only_a_unit(text):
    assert number(text) in (None, 1.0)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_has_the_value_that_ngspice_gives_it(text):
    assert evaluate(text, {"a": 2.0, "b": 4.0}) == pytest.approx(EXPRESSIONS[text], rel=1e-15)


@pytest.mark.parametrize("text", REFUSED)
def test_a_bad_expression_says_why(text):
    with pytest.raises(InputError, match=REFUSED[text]):
        evaluate(text, {})


def test_the_names_in_an_expression_are_known_before_its_value():
    assert variables("max(a, b_1)*2k + sin(c)/a") == {"a", "b_1", "c"}


def test_long_chains_take_time_in_proportion():
    start = time.perf_counter()
    assert evaluate("+".join(["1"] * 1000), {}) == 1000
    assert evaluate("-" * 1998 + "1", {}) == 1
    assert time.perf_counter() - start < 1


def test_only_the_branch_that_is_chosen_is_evaluated():
    assert evaluate("x > 0 ? 1/x : 0", {"x": 0.0}) == 0
    assert evaluate("x > 0 ? 1/x : 0", {"x": 4.0}) == 0.25
    assert variables("a > b ? c : d") == {"a", "b", "c", "d"}
