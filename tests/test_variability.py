"""Levels of variability: switched, scaled and added, each alone and all together."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.budget import error_budget
from devsim.check import InputError
from devsim.chip import Chip, Metric
from devsim.circuit import Circuit
from devsim.compare import compare, one_die
from devsim.devices.electrical.passive import Resistor
from devsim.devices.electrical.sources import VoltageSource
from devsim.parameter import parameter
from devsim.randomness import named_key, numbered_keys
from devsim.runs import measured
from devsim.variability import LEVELS, Varied, scaled, varied

KEY = jax.random.key(3)
DRAWS = 4000
FIVE = 5 / np.sqrt(DRAWS)
"""Five standard errors of a standard deviation, relative, are FIVE / sqrt(2); of a correlation, FIVE."""
UPPER, LOWER = 1e3, 2e3
SPREAD = 0.02


class Series(Chip):
    """Two resistors in series, told by an ohmmeter with an offset and noise: linear in all that varies."""

    circuit: Circuit
    offset: jax.Array = parameter(7.0, unit="ohm", doc="of the meter", ideal=0.0)
    noise: jax.Array = parameter(9.0, unit="ohm", bounds=(0, None), stage="read", ideal=0.0, doc="of one reading")

    name: ClassVar[str] = "series"
    budget_metric: ClassVar[str] = "total"
    metrics: ClassVar[dict[str, Metric]] = {"total": Metric("ohm", "as the meter tells it", higher_is_better=False)}

    @classmethod
    def design(cls):
        """1 kohm of 2 % and 2 kohm without spread."""
        parts = {"supply": VoltageSource(1.0), "upper": Resistor(UPPER, resistance_spread=SPREAD), "lower": Resistor(LOWER)}
        nets = {"top": ("supply.plus", "upper.a"), "middle": ("upper.b", "lower.a"), "gnd": ("supply.minus", "lower.b")}
        return cls(Circuit(parts, nets))

    def task(self, key):
        """Nothing."""
        return jnp.zeros(())

    def build(self, task, key):
        """A pair of resistors."""
        return self.put(circuit=self.circuit.fabricate(key))

    def measure(self, task, key):
        """One reading."""
        resistors = self.circuit["upper"].resistance + self.circuit["lower"].resistance
        return {"total": resistors + self.offset + self.noise * jax.random.normal(key, ())}


@pytest.fixture(scope="module")
def chip():
    return Series.design()


def totals(chip, key=KEY):
    """What the meter tells of many dies."""
    keys = numbered_keys(key, DRAWS)
    return np.asarray(jax.jit(jax.vmap(lambda k: one_die((chip, jnp.zeros(())), k)["total"]))(keys))


def values(chip):
    return {path: np.asarray(entry.value).tolist() for path, entry in chip.parameters().items()}


def test_all_levels_and_the_drawing_leave_the_chip_as_it_is(chip):
    assert values(varied(chip, only=[*LEVELS, "design"])) == values(chip)
    assert values(varied(chip, only=["design", "fabricate", "program", "age", "read"])) == values(chip)
    both = varied(chip, process={"lower.resistance": 0.1}, die={"offset": 2.0}, key=KEY)
    assert values(varied(both, only=[*LEVELS, "design"])) == values(both)
    assert varied(chip) is chip


def test_no_level_leaves_the_ideal_chip(chip):
    both = varied(chip, process={"lower.resistance": 0.1}, die={"offset": 2.0}, key=KEY)
    assert values(varied(both, only=[])) == values(both.ideal())
    assert totals(varied(both, only=[])) == pytest.approx(UPPER + LOWER, rel=1e-6)


@pytest.mark.parametrize(
    ("only", "left"),
    [
        ("process", {"process.lower.resistance"}),
        ("die", {"die.offset"}),
        ("device", {"upper.resistance_spread"}),
        ("cycle", {"noise"}),
        ("read", {"noise"}),
        ("age", set()),
        ("design", {"offset"}),
        ("fabricate", {"process.lower.resistance", "die.offset", "upper.resistance_spread"}),
        (["device", "cycle"], {"upper.resistance_spread", "noise"}),
    ],
)
def test_a_level_leaves_its_own_imperfections(chip, only, left):
    both = varied(chip, process={"lower.resistance": 0.1}, die={"offset": 2.0}, key=KEY)
    found = varied(both, only=only)
    assert {path for path, e in found.imperfections().items() if np.any(e.value != e.quantity.ideal)} == left
    assert all(found.get(path) == both.get(path) for path in left)


def test_a_factor_of_one_changes_nothing_and_two_doubles_what_is_drawn(chip):
    assert values(scaled(chip, "*", 1.0)) == values(chip)
    quiet = varied(chip, only="device")
    once, twice = (totals(scaled(quiet, "upper.*_spread", factor)) - UPPER - LOWER for factor in (1e-4, 2e-4))
    second_order = UPPER * (2e-4 * SPREAD * 5) ** 2  # a log-normal draw of up to five deviations is not quite linear
    assert twice == pytest.approx(2 * once, abs=second_order)
    assert np.abs(once).max() > 1e3 * second_order


def test_what_is_ideal_at_one_is_scaled_about_one():
    from devsim.devices.cmos import Technology

    technology = Technology().set("bias_compensation", 0.75)
    assert scaled(technology, "bias_compensation", 2.0).get("bias_compensation") == pytest.approx(0.5)


def test_dies_differ_by_a_factor_and_lots_shift_them_all(chip):
    quiet = varied(chip, only=[])
    dies = totals(varied(quiet, die={"lower.resistance": 0.1})) - UPPER
    assert dies.std() == pytest.approx(0.1 * LOWER, rel=FIVE)
    assert dies.mean() == pytest.approx(LOWER, rel=0.1 * FIVE)
    assert dies.min() > 0
    lot = totals(varied(quiet, process={"lower.resistance": 0.1}, key=KEY))
    assert lot.std() < 1e-6 * lot.mean()
    assert abs(lot[0] - UPPER - LOWER) > 1.0
    other = totals(varied(quiet, process={"lower.resistance": 0.1}, key=jax.random.key(4)))
    assert abs(other[0] - lot[0]) > 1.0


def test_a_knob_of_either_sign_moves_by_its_own_unit(chip):
    moved = totals(varied(varied(chip, only=[]), die={"offset": 2.0})) - UPPER - LOWER
    assert moved.std() == pytest.approx(2.0, rel=FIVE)
    assert moved.min() < 0 < moved.max()


def test_variances_of_independent_levels_add_up(chip):
    """Over lots, each with dies of its own: process, die, device and cycle."""
    process, die = {"lower.resistance": 0.01}, {"offset": 15.0}

    def over_lots(only):
        def total(i):
            key = jax.random.fold_in(KEY, i)
            made = varied(chip, process=process, die=die, key=named_key(key, "seed"), only=only)
            return one_die((made, jnp.zeros(())), key)["total"]

        return np.asarray(jax.jit(jax.vmap(total))(jnp.arange(DRAWS)))

    each = {level: over_lots([level]).var() for level in ("process", "die", "device", "cycle")}
    expected = {"process": (0.01 * LOWER) ** 2, "die": 15.0**2, "device": (SPREAD * UPPER) ** 2, "cycle": 9.0**2}
    for level, variance in expected.items():
        assert each[level] == pytest.approx(variance, rel=FIVE * np.sqrt(2)), level
    assert over_lots(list(LEVELS)).var() == pytest.approx(sum(each.values()), rel=2 * FIVE)


def test_a_level_that_is_off_does_not_change_what_others_draw(chip):
    both = varied(chip, process={"lower.resistance": 0.1}, die={"offset": 2.0}, key=KEY)
    device = totals(varied(both, only="device")) - UPPER - LOWER
    assert device == pytest.approx(totals(varied(chip, only="device")) - UPPER - LOWER, abs=1e-3)


def test_deviations_are_knobs_like_every_other(chip):
    both = varied(chip, process={"lower.resistance": 0.1}, die={"offset": 2.0}, key=KEY)
    entry = both.imperfections()["die.offset"]
    assert (entry.quantity.unit, entry.quantity.stage, entry.quantity.ideal) == ("ohm", "fabricate", 0.0)
    assert entry.quantity.doc == "standard deviation of offset from die to die"
    assert both.imperfections()["process.lower.resistance"].quantity.unit == "1"
    assert both.set("die.offset", 4.0).get("die.offset") == 4.0
    assert scaled(both, "process.*", 3.0).get("process.lower.resistance") == pytest.approx(0.3)
    assert both.set("lower.resistance", 5.0).get("lower.resistance") == 5.0
    again = varied(both, die={"upper.resistance": 0.1})
    assert isinstance(again, Varied) and isinstance(again.chip, Series) and set(again.die) == {"offset", "upper.resistance"}


def test_they_stand_in_budgets_sweeps_and_comparisons(chip):
    both = varied(chip, process={"lower.resistance": 0.1}, die={"offset": 2.0}, key=KEY)
    budget = error_budget(both, metric="total", dies=4, key=KEY)
    assert {"process.lower.resistance", "die.offset", "noise"} <= set(budget["imperfection"].values)
    found = measured(both, {"die.offset": [0.0, 2.0]}, dies=3, key=KEY)["total"]
    result = compare(both, dies=3, key=KEY)
    assert found[1] == pytest.approx(result["total"].values, rel=1e-6)
    assert found[0] == pytest.approx(compare(both.set("die.offset", 0.0), dies=3, key=KEY)["total"].values, rel=1e-6)
    assert result.attrs["chip"] == "series"
    assert float(result["total_ideal"]) == pytest.approx(UPPER + LOWER)


def test_a_derivative_with_respect_to_a_deviation_is_that_of_differences(chip):
    both = varied(chip, die={"lower.resistance": 0.1})
    total = jax.jit(lambda deviation: one_die((both.set("die.lower.resistance", deviation), jnp.zeros(())), KEY)["total"])
    step = 1e-2
    difference = float(total(0.1 + step) - total(0.1 - step)) / (2 * step)
    assert float(jax.grad(total)(0.1)) == pytest.approx(difference, rel=10 * step)
    assert np.isfinite(jax.grad(total)(0.0))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            {"only": ["devise"]},
            "`only` must be one of age, cycle, design, device, die, fabricate, process.*Did you mean `device`",
        ),
        (
            {"scale": {"uper.*_spread": 2.0}},
            r"`uper\.\*_spread` must match an imperfection, but matches none\. Did you mean `upper",
        ),
        ({"scale": {"noise": -1.0}}, "`noise` must be at least 0, but is -1"),
        ({"die": {"uper.resistance": 0.1}}, "There is no parameter `uper.resistance`. Did you mean `upper.resistance`"),
        ({"die": {"upper.resistance": -0.1}}, "`die:upper.resistance` must be at least 0, but is -0.1"),
        ({"die": {"upper.resistance": [0.1, 0.2]}}, r"`die:upper.resistance` must be a number, but has shape \(2,\)"),
        ({"die": {"lower.resistance_spread": 0.1}}, "relative to a value above 0, but `lower.resistance_spread` is 0"),
        ({"process": {"upper.resistance": 0.1}}, r"`key` must be made by `jax.random.key\(seed\)`, but is None"),
    ],
)
def test_what_cannot_vary_is_refused_in_words(chip, asked, words):
    with pytest.raises(InputError, match=words):
        varied(chip, **asked)


def test_a_chip_is_wrapped_not_designed():
    with pytest.raises(InputError, match="`Varied` must wrap a chip"):
        Varied.design()
