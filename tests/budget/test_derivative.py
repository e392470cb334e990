"""Which estimate of a derivative counts: the gradient where differences confirm it, the difference where they do not."""

import jax
import numpy as np
import pytest

from devsim.budget.derivative import derivatives, step_scales
from devsim.budget.trials import Trials
from tests.budget.chips import Backwards, Linear, Outside

DIES = 24
KEY = jax.random.key(2)


def found(metric, chip=None):
    """The derivatives of a metric, (imperfections -> mean, low, high), and the trials they come from."""
    trials = Trials(Linear.design() if chip is None else chip, metric=metric, dies=DIES, key=KEY)
    whole = trials.values(np.ones((1, len(trials.paths))))[0]
    return derivatives(trials, whole, trials.values(step_scales(trials))), trials


def by_hand(trials, name):
    """A central difference over a quarter of the value to either side, from runs of its own."""
    i = trials.paths.index(name)
    scales = np.ones((2, len(trials.paths)))
    scales[:, i] += (0.25, -0.25)
    up, down = trials.values(scales).mean(axis=1)
    return (up - down) / (0.5 * trials.deviation[i])


@pytest.mark.parametrize(("kind", "metric", "slope"), [(Linear, "answer", -3), (Linear, "error", 3), (Backwards, "answer", -6)])
def test_a_smooth_metric_goes_by_its_gradient_with_the_size_and_sign_of_differences(kind, metric, slope):
    told, trials = found(metric, kind.design())
    assert told.method == ["gradient"] * 3
    mean, low, high = told.value[trials.paths.index("gain")]
    assert low < slope < high
    assert mean == pytest.approx(by_hand(trials, "gain"), rel=1e-6)


def test_a_metric_without_a_derivative_goes_by_differences():
    told, trials = found("answer", Outside.design())
    assert told.method == ["difference"] * 3
    assert np.isnan(told.gradient).all()
    mean, low, high = told.value[trials.paths.index("gain")]
    assert mean == pytest.approx(by_hand(trials, "gain"), rel=1e-9)
    assert low < -3 < high


@pytest.mark.parametrize("metric", ["passed", "rounded"])
def test_jumps_go_by_differences_whatever_the_gradient_says(metric):
    told, trials = found(metric, Linear.design().set("loss", 0.18))
    assert told.method == ["difference"] * 3
    loss = trials.paths.index("loss")
    assert told.value[loss, 0] == pytest.approx(by_hand(trials, "loss"), rel=1e-9)
    assert told.value[loss, 0] < 0
    assert np.all(told.gradient[:, 0] == 0) if metric == "passed" else np.all(told.gradient[:, 0] < 0)


def test_at_a_bound_the_difference_looks_towards_the_ideal():
    told, trials = found("answer", Linear.design().set("loss", 0.9))
    assert step_scales(trials)[:, trials.paths.index("loss")].max() == 1.0
    np.testing.assert_allclose(told.difference[:, 0], told.gradient[:, 0], rtol=1e-6)


def test_an_imperfection_without_effect_has_the_difference_0():
    told, _ = found("nothing")
    assert told.method == ["difference"] * 3
    assert np.all(told.value == 0)
