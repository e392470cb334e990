"""What a sweep goes over: axes, designs, and what is refused before anything is made."""

import jax
import numpy as np
import pytest

from devsim.check import InputError
from devsim.sweep.axis import Axis
from devsim.sweep.design import Design
from tests.sweep.divider import Divider

KEY = jax.random.key(3)
UPPER, SPREAD = "upper.resistance", "upper.resistance_spread"


def planned(over, kind="grid", points=None):
    return Design.planned(Divider.design(), over, kind=kind, points=points, key=KEY)


def test_axes_are_even_logarithmic_or_listed():
    assert Axis.read("a", "lin:0:1:3").values == (0.0, 0.5, 1.0)
    assert np.allclose(Axis.read("a", "log:1:100:3").values, [1, 10, 100], rtol=1e-15)
    assert Axis.read("a", "1,2.5,1e3").values == Axis.read("a", [1, 2.5, 1000]).values == (1.0, 2.5, 1000.0)
    assert Axis.read("a", "7").values == Axis.read("a", 7.0).values == Axis.read("a", "lin:7:7:1").values == (7.0,)


@pytest.mark.parametrize("text", ["lin:0:1:5", "log:1e-3:10.0:4", "lin:1:2", "0.1,0.2,1e6"])
def test_an_axis_says_how_it_is_read_back(text):
    axis = Axis.read("a", text)
    assert Axis.read("a", axis.word().removeprefix("a=")) == axis


def test_a_grid_varies_its_last_axis_fastest():
    design = planned([f"{UPPER}=1,2", f"{SPREAD}=0,0.1,0.2"])
    assert design.shape == (2, 3)
    assert design.columns[UPPER].tolist() == [1, 1, 1, 2, 2, 2]
    assert design.columns[SPREAD].tolist() == [0, 0.1, 0.2] * 2


def test_axes_in_step_make_as_many_points_as_each_has_values():
    design = planned({UPPER: "lin:1:3:3", SPREAD: [0, 0.1, 0.2]}, "zip")
    assert [design.at(k) for k in range(3)] == [{UPPER: float(k + 1), SPREAD: k / 10} for k in range(3)]


@pytest.mark.parametrize("kind", ["random", "sobol"])
def test_drawn_points_lie_between_the_ends_and_depend_on_the_key_alone(kind):
    over = {UPPER: "log:1:100", "supply": "lin:1:2", SPREAD: "0,0.1"}
    design, again = planned(over, kind, 64), planned(over, kind, 64)
    assert all(np.array_equal(design.columns[path], again.columns[path]) for path in over)
    upper, supply = design.columns[UPPER], design.columns["supply"]
    assert upper.min() >= 1 and upper.max() <= 100 and supply.min() >= 1 and supply.max() <= 2
    assert set(design.columns[SPREAD]) == {0.0, 0.1}
    if kind == "sobol":  # of 2^m points every interval of 1/2^m holds one
        for share in (np.log(upper) / np.log(100), supply - 1):
            assert sorted(np.minimum((share * 64).astype(int), 63)) == list(range(64))


MISTAKES = {
    "no knob": ([], "at least one knob"),
    "no axis": ([UPPER], "PATH=AXIS"),
    "no path": (["=1,2"], "PATH=AXIS"),
    "no values": ([f"{UPPER}="], "at least one value"),
    "empty row": ({UPPER: []}, "at least one value"),
    "unknown path": (["uper.resistance=1,2"], "Did you mean `upper.resistance`"),
    "twice": ([f"{UPPER}=1,2", f"{UPPER}=3"], "twice"),
    "none of it": ([f"{UPPER}=lin:1:2:0"], "at least 1"),
    "minus one": ([f"{UPPER}=lin:1:2:-1"], "at least 1"),
    "half": ([f"{UPPER}=lin:1:2:2.5"], "at least 1"),
    "one of two ends": ([f"{UPPER}=lin:1:2:1"], "2 values or more"),
    "no count": ([f"{UPPER}=lin:1:2"], "how many values"),
    "too many": ([f"{UPPER}=lin:1:2:99999999999"], "at most"),
    "far too many": ([f"{UPPER}=lin:1:2:9999", f"{SPREAD}=lin:0:1:9999"], "at most"),
    "log from zero": ([f"{SPREAD}=log:0:1:3"], "ends above 0"),
    "log to below": ([f"{UPPER}=log:1:-1:3"], "ends above 0"),
    "unknown spacing": ([f"{UPPER}=exp:1:2:3"], "lin:a:b:n"),
    "too long": ([f"{UPPER}=lin:1:2:3:4"], "lin:a:b:n"),
    "no number": ([f"{UPPER}=1,two"], "`two` is not a finite number"),
    "not finite": ([f"{UPPER}=1,inf"], "not a finite number"),
    "NaN": ({UPPER: [1.0, np.nan]}, "finite"),
    "an object": ({UPPER: {"low": 1}}, "lin:a:b:n"),
    "a table": ({UPPER: np.ones((2, 2))}, "row of numbers"),
    "a word": (f"{UPPER}=1,2", "mapping from paths"),
    "out of bounds": ([f"{UPPER}=-1,2"], "`upper.resistance` must be above 0 ohm"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_before_anything_is_made(mistake):
    over, expected = MISTAKES[mistake]
    with pytest.raises(InputError, match=expected):
        planned(over)


def test_what_does_not_fit_the_design_is_refused():
    with pytest.raises(InputError, match="`design` must be one of grid, random, sobol, zip"):
        planned([f"{UPPER}=1,2"], "gird")
    with pytest.raises(InputError, match=r"must have the same number of values, but have: `upper.resistance` 2, `supply` 3"):
        planned([f"{UPPER}=1,2", "supply=1,2,3"], "zip")
    with pytest.raises(InputError, match=r"`points` .* must say how many"):
        planned([f"{UPPER}=lin:1:2"], "sobol")
    with pytest.raises(InputError, match="`points` must be a whole number of at least 1"):
        planned([f"{UPPER}=lin:1:2"], "random", 0)
    with pytest.raises(InputError, match="`lin:1:2`, without a number of values"):
        planned([f"{UPPER}=lin:1:2:5"], "random", 8)
    with pytest.raises(InputError, match="`points` belongs to random and Sobol designs"):
        planned([f"{UPPER}=1,2"], "grid", 8)
