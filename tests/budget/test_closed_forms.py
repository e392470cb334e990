"""A chip that is a line: everything that a budget tells of it is known."""

import jax
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from devsim import error_budget
from devsim.budget import full_budget
from devsim.budget.record import plain
from devsim.check import InputError
from devsim.cli.encoding import encoded
from tests.budget.chips import Linear, draws

DIES = 6
KEY = jax.random.key(5)
SIX = ("alone", "removed", "derivative", "sobol_first", "sobol_total", "tolerance")


@pytest.fixture(scope="module")
def chip():
    return Linear.design()


@pytest.fixture(scope="module")
def budget(chip):
    return full_budget(chip, metric="answer", dies=DIES, key=KEY, loss=0.1, sobol=64)


def slopes():
    """d(answer)/d(gain), d(answer)/d(loss), d(answer)/d(mean skew) of each die: (3, dies)."""
    z, y = draws(KEY, DIES)
    return np.stack([-3 * (1 + 0.1 * z), -2 * (1 + 0.1 * y), np.full(DIES, -2.0)])


PRESENT = np.array([0.1, 0.2, 0.03])
PATHS = ["gain", "loss", "skew"]


def test_alone_and_removed_are_the_slopes_times_the_values(budget):
    cost = -slopes() * PRESENT[:, None]
    found = budget.sel(imperfection=PATHS)
    np.testing.assert_allclose(found["cost_alone"], cost.mean(axis=1), rtol=1e-9)
    np.testing.assert_allclose(found["gain_removed"], cost.mean(axis=1), rtol=1e-9)
    half = stats.t.ppf(0.975, DIES - 1) * cost.std(axis=1, ddof=1) / np.sqrt(DIES)
    np.testing.assert_allclose(found["cost_alone_high"] - found["cost_alone"], half, rtol=1e-6, atol=1e-12)
    assert float(budget["ideal"]) == pytest.approx(2.0)
    assert float(budget["chip"]) == pytest.approx(2 - cost.sum(axis=0).mean())


def test_the_costliest_comes_first_and_what_is_ideal_is_left_out(budget):
    assert list(budget["imperfection"].values) == ["loss", "gain", "skew"]


def test_the_quick_budget_tells_the_same_of_alone_and_removed(chip, budget):
    told = []
    quick = error_budget(chip, metric="answer", dies=DIES, key=KEY, progress=lambda done, total: told.append((done, total)))
    for name in quick.data_vars:
        np.testing.assert_allclose(quick[name], budget[name], rtol=1e-12)
    assert told[-1] == (8 * DIES, 8 * DIES)


def test_derivatives_are_the_slopes_by_gradient_in_the_unit_of_both(budget):
    found = budget.sel(imperfection=PATHS)
    np.testing.assert_allclose(found["derivative"], slopes().mean(axis=1), rtol=1e-9)
    np.testing.assert_allclose(found["derivative_by_difference"], found["derivative_by_gradient"], rtol=1e-6)
    half = stats.t.ppf(0.975, DIES - 1) * slopes().std(axis=1, ddof=1) / np.sqrt(DIES)
    np.testing.assert_allclose(found["derivative"] - found["derivative_low"], half, rtol=1e-6, atol=1e-9)
    assert list(found["derivative_method"].values) == ["gradient"] * 3
    assert list(found["derivative_unit"].values) == ["A/V", "A", "A"]


def test_sobol_indices_of_a_line_are_the_shares_of_the_squares(budget):
    square = (slopes().mean(axis=1) * PRESENT) ** 2
    share = square / square.sum()
    found = budget.sel(imperfection=PATHS)
    for name in ("sobol_first", "sobol_total"):
        np.testing.assert_allclose(found[name], share, atol=0.02)
        assert np.all(found[f"{name}_low"] <= share)
        assert np.all(share <= found[f"{name}_high"])
    assert budget.attrs["sobol_points"] == 64


def test_the_tolerance_is_where_the_line_has_lost_a_tenth(budget):
    allowed = 0.1 * float(budget["chip"])
    scale = 1 + allowed / (-slopes().mean(axis=1) * PRESENT)
    found = budget.sel(imperfection=PATHS)
    np.testing.assert_allclose(found["tolerance_factor"], scale, rtol=2e-3)
    np.testing.assert_allclose(found["tolerance"], scale * PRESENT, rtol=2e-3)
    of_many = 1 + 0.1 * (2 - 0.3 - 0.4 - 0.06) / (np.array([3.0, 2.0, 2.0]) * PRESENT)
    assert np.all(found["tolerance_low"] < of_many * PRESENT)
    assert np.all(of_many * PRESENT < found["tolerance_high"])
    assert list(found["tolerance_never"].values) == [""] * 3


def test_the_ends_of_the_tolerance_are_those_of_the_loss(budget):
    z, y = draws(KEY, DIES)
    whole = 2 - 0.3 * (1 + 0.1 * z) - 0.4 * (1 + 0.1 * y) - 0.06
    beyond = lambda s: (s - 1) * 0.3 * (1 + 0.1 * z) - 0.1 * whole
    row = budget.sel(imperfection="gain")
    for end, side in (("low", 1), ("high", -1)):
        values = beyond(float(row[f"tolerance_factor_{end}"]))
        edge = values.mean() + side * stats.t.ppf(0.975, DIES - 1) * values.std(ddof=1) / np.sqrt(DIES)
        assert abs(edge) < 0.03 * 0.3 * float(row["tolerance_factor"])  # the width of the bracket times the slope


def test_a_loss_that_is_not_reached_is_said_not_numbered(chip):
    found = full_budget(chip, metric="answer", dies=2, key=KEY, loss=1.7, relative=False, sobol=0)
    row = found.sel(imperfection="loss")
    assert np.isnan(float(row["tolerance"]))
    assert row["tolerance_never"].item() == "bounds"
    assert float(row["tolerance_searched_to"]) == 1.0
    far = full_budget(chip, metric="answer", dies=2, key=KEY, loss=1e4, relative=False, sobol=0)
    row = far.sel(imperfection="gain")
    assert row["tolerance_never"].item() == "factor"
    assert float(row["tolerance_searched_to"]) == pytest.approx(102.4)
    assert "sobol_first" not in far


def test_a_metric_that_falls_has_the_same_tolerances(chip, budget):
    lost = 0.1 * float(budget["chip"])
    found = full_budget(chip, metric="error", dies=DIES, key=KEY, loss=lost, relative=False, sobol=0)
    np.testing.assert_allclose(found["cost_alone"], budget["cost_alone"], rtol=1e-9)
    np.testing.assert_allclose(found["tolerance"], budget["tolerance"], rtol=2e-3)


def test_the_record_holds_six_answers_for_each(budget):
    told = plain(budget)
    assert (told["metric"], told["unit"], list(told["imperfections"])) == ("answer", "A", ["loss", "gain", "skew"])
    for row in told["imperfections"].values():
        for name in SIX:
            assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"], name
    assert encoded(told)


def test_a_chip_with_nothing_to_rank_has_an_empty_budget(chip):
    found = full_budget(chip.ideal(), metric="answer", dies=2, key=KEY)
    assert found.sizes["imperfection"] == 0
    assert float(found["chip"]) == float(found["ideal"]) == 2.0
    assert plain(found)["imperfections"] == {}


def test_a_budget_is_kept_in_a_file(budget, tmp_path):
    budget.to_netcdf(tmp_path / "budget.nc", engine="h5netcdf")
    kept = xr.load_dataset(tmp_path / "budget.nc", engine="h5netcdf")
    assert plain(kept) == plain(budget)


WRONG = {
    "`metric` must be one of answer, .*Did you mean `answer`": {"metric": "anser"},
    "`dies` must be a whole number of at least 2, but is 1": {"dies": 1},
    "`loss` must be above 0, but is 0": {"loss": 0.0},
    "`loss` must be above 0 A, but is -1 A": {"loss": -1.0, "relative": False},
    "`loss` must be finite": {"loss": float("inf")},
    "`sobol` must be 0 or a power of two from 2 to 1048576, such as 64, but is 48": {"sobol": 48},
    "`sobol` must be a whole number of at least 0, but is -2": {"sobol": -2},
    "A `loss` relative to `nothing` needs a chip where that is not 0": {"metric": "nothing"},
}


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_asked_is_refused_in_words(words, chip):
    asked = {"metric": "answer", "dies": 2, "key": KEY, "sobol": 0} | WRONG[words]
    with pytest.raises(InputError, match=words):
        full_budget(chip, **asked)
