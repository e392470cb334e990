"""Meshes that learn irises by random feedback: the comparison is fair, the rule is the named one, and the bar is met."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from circuits.layers import Feedback, holding, network_of, taught, with_random_phases
from circuits.photonic_random_backprop import (
    BATCH,
    CLASSES,
    METHODS,
    RATES,
    SPLITS,
    PhotonicRandomBackprop,
    batches,
    iris,
    parts,
    scaled,
)
from devsim.analyses.operating_point import operating_point
from devsim.compare import compare
from devsim.devices.mesh import MeasuredLeastSquares, Perturbation
from devsim.learning import Backpropagation, RandomBackpropagation, ReadoutOnly, baselines, ideal_network
from devsim.learning.activation import Sigmoid

KEY = jax.random.key(12)


@pytest.fixture(scope="module")
def chip():
    return PhotonicRandomBackprop.design()


def test_the_splits_are_stratified_and_no_test_sample_is_trained_on():
    _, labels = iris()
    for k, (training, tests) in enumerate(parts(labels, SPLITS, 0)):
        assert not set(training) & set(tests)
        np.testing.assert_allclose(np.bincount(labels[tests]), len(tests) / CLASSES, atol=1)
        order = batches(training, k)
        assert set(order.ravel()) <= set(training)
        assert all(len(set(batch)) == BATCH for batch in order.reshape(-1, BATCH))


def test_features_are_scaled_by_the_training_part_alone():
    measured, labels = iris()
    training, tests = parts(labels, 1, 0)[0]
    changed = measured.copy()
    changed[tests] *= 3
    np.testing.assert_array_equal(scaled(measured, training)[training], scaled(changed, training)[training])
    assert abs(scaled(measured, training)[training]).max() == 1


@pytest.mark.parametrize(
    ("random", "share", "rule"),
    [
        (1.0, 0.0, lambda matrix: RandomBackpropagation((matrix,), 0.3, output_derivative=False)),
        (0.0, 1.0, lambda matrix: Backpropagation(0.3, output_derivative=False)),
        (0.0, 0.0, lambda matrix: ReadoutOnly(0.3, output_derivative=False)),
    ],
)
def test_each_method_learns_as_the_rule_of_that_name(random, share, rule):
    network = ideal_network((4, 4, 3), KEY, output=Sigmoid())
    draw = np.random.default_rng(0)
    inputs, targets, matrix = draw.normal(size=(6, 4)), draw.uniform(size=(6, 3)), jnp.asarray(draw.normal(size=(3, 4)))
    assert (random, share) in METHODS.values()
    found = Feedback((random * matrix,), share, 0.3).proposals(network, inputs, targets, KEY)
    wanted = rule(matrix).proposals(network, inputs, targets, KEY)
    for one, other, array in zip(found, wanted, network.arrays, strict=True):
        expected = jnp.zeros_like(array.weights()) if other is None else other.change()
        assert one is not None
        np.testing.assert_allclose(one.change(), expected, atol=1e-14)


def test_the_circuit_answers_as_the_network_that_learns(chip):
    features = jnp.array([0.5, -1.0, 0.2, 0.9])

    @jax.jit
    def both(circuit):
        network = with_random_phases(network_of(circuit), KEY)
        answer = operating_point(holding(circuit, network), {"features": features})["answer"]
        return answer, network.predict(features[None], KEY)[0]

    answer, wanted = both(chip.ideal().circuit)
    np.testing.assert_allclose(answer, wanted, atol=1e-12)


def test_knobs_of_both_meshes_have_paths(chip):
    for name in ("hidden", "output"):
        assert float(chip.get(f"{name}.core.splitter_spread")) == 0.02
        assert float(chip.get(f"{name}.core.phase_bits")) == pytest.approx(8)
    assert float(chip.set("hidden.core.loss_db", 1.0).get("hidden.core.loss_db")[0, 0]) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("steering", [Perturbation(directions=4), MeasuredLeastSquares(rounds=2)])
def test_a_die_learns_irises_from_measurements_alone(steering):
    """No model of the chip: on a training part, the cross entropy falls, and more than a half is named rightly."""
    measured, labels = iris()
    training, _ = parts(labels, 1, 0)[0]
    features, targets = jnp.asarray(scaled(measured, training)), jax.nn.one_hot(labels, CLASSES, dtype=float)
    rule = Feedback((jax.random.normal(KEY, (CLASSES, 4)) / 2,), 0.0, 0.3)

    @jax.jit
    def learned(chip, order):
        start = with_random_phases(network_of(chip.build(None, KEY).circuit), KEY)
        network = taught(start, rule, features, targets, order, KEY)
        return [net.predict(features, KEY) for net in (start, network)]

    order = batches(training, 0).reshape(-1, BATCH)[:200]
    before, after = learned(PhotonicRandomBackprop.design(steering), order)
    loss = lambda answers: float(-jnp.mean(jnp.sum(targets * jnp.log(answers) + (1 - targets) * jnp.log1p(-answers), -1)))
    assert loss(after) < 0.8 * loss(before)
    assert float(baselines.accuracy(after, labels)) > 0.6


@pytest.mark.slow
def test_random_backpropagation_reaches_linear_regression_on_irises(chip):
    task = chip.task(KEY)
    assert set(np.unique(task.lessons.rates)) <= set(RATES)
    found = compare(chip, dies=8, key=KEY, task=task)
    mean = {name: float(found[name].mean()) for name in chip.metrics}
    assert mean["accuracy_linear_regression"] == pytest.approx(0.836)
    assert mean["accuracy_rpb"] > mean["accuracy_linear_regression"], mean
    assert mean["accuracy_backprop"] >= mean["accuracy_rpb"] >= mean["accuracy_frozen_first_layer"], mean


@pytest.mark.slow
def test_every_picture_can_be_drawn(chip):
    from devsim.plot import png

    drawn = chip.pictures(chip.task(KEY), KEY)
    assert [p.name for p in drawn] == ["accuracy", "learning", "confusion"]
    assert all(png(p.figure).startswith(b"\x89PNG") and p.caption.endswith(".") for p in drawn)
