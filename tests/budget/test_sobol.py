"""Sobol indices against closed forms."""

import jax
import numpy as np
import pytest

from devsim.budget import full_budget
from devsim.budget.sobol import affordable_points, places, sobol_indices
from tests.budget.chips import PI, Ishigami, ishigami_indices


def ishigami(unit):
    x, y, z = (2 * unit.T - 1) * PI
    return (np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x))[:, None]


G = np.array([0.0, 1.0, 4.5, 9.0])


def g_function(unit):
    """Product of (|4 x - 2| + a) / (1 + a) (Saltelli and Sobol, Reliab. Eng. Syst. Saf. 50, 225 (1995))."""
    return np.prod((np.abs(4 * unit - 2) + G) / (1 + G), axis=1)[:, None]


def g_indices():
    part = 1 / (3 * (1 + G) ** 2)
    variance = np.prod(1 + part) - 1
    return part / variance, part * np.prod(1 + part) / (1 + part) / variance


@pytest.mark.parametrize(("function", "exact"), [(ishigami, ishigami_indices()), (g_function, g_indices())])
def test_the_closed_forms_are_found_and_lie_in_the_intervals(function, exact):
    found = sobol_indices(function, len(exact[0]), points=4096, rng=np.random.default_rng(1))
    for table, true in zip((found.first, found.total), exact, strict=True):
        np.testing.assert_allclose(table[:, 0], true, atol=0.03)  # five standard errors, from 40 seeds
        assert np.all(table[:, 1] - 1e-3 <= true)
        assert np.all(true <= table[:, 2] + 1e-3)


def test_intervals_narrow_with_the_root_of_the_points():
    width = lambda points: np.ptp(sobol_indices(ishigami, 3, points=points, rng=np.random.default_rng(0)).total[1, 1:])
    assert width(4096) / width(256) == pytest.approx(1 / 4, rel=0.4)


def test_a_chip_is_asked_over_its_box():
    budget = full_budget(
        Ishigami.design(), metric="value", dies=2, key=jax.random.key(0), loss=1.0, relative=False, sobol=512
    ).sel(imperfection=["x", "y", "z"])
    first, total = ishigami_indices()
    for name, true in (("sobol_first", first), ("sobol_total", total)):
        np.testing.assert_allclose(budget[name], true, atol=0.25)  # five standard errors, from 40 seeds


def test_what_does_not_vary_has_no_indices():
    found = sobol_indices(lambda unit: np.full((len(unit), 3), 0.1), 2, points=8, rng=np.random.default_rng(0))
    assert np.isnan(found.first).all()
    assert np.isnan(found.total).all()


def test_places_differ_from_the_first_sample_in_one_column_each():
    a, b, *swapped = places(3, 8, np.random.default_rng(0)).reshape(5, 8, 3)
    for i, each in enumerate(swapped):
        np.testing.assert_array_equal(each[:, i], b[:, i])
        np.testing.assert_array_equal(np.delete(each, i, 1), np.delete(a, i, 1))


def test_points_are_chosen_by_what_the_runs_afford():
    assert affordable_points(8192, 10, 8) == 64
    assert affordable_points(100, 30, 8) == 16
    assert affordable_points(10**9, 2, 2) == 4096
