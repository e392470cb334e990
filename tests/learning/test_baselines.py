"""Baselines against drawn guesses, NumPy and scikit-learn."""

import jax
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from devsim.check import InputError
from devsim.learning.baselines import (
    accuracy,
    affine,
    best_constant,
    error,
    least_squares,
    one_hot,
    regression_accuracy,
    uniform_guess,
)

from .networks import drawn


def test_the_error_sums_over_outputs_and_averages_over_samples():
    assert error(np.array([[3.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 4.0], [0.0, 0.0]])) == pytest.approx(np.sqrt(25 / 2))


def test_a_uniform_guess_errs_as_much_as_drawn_guesses():
    targets = np.random.default_rng(1).uniform(size=(8, 4))
    guesses = np.random.default_rng(2).uniform(size=(20000, 8, 4))
    squares = np.asarray(error(guesses, targets)) ** 2
    tolerance = 5 * squares.std() / np.sqrt(len(squares))
    assert float(uniform_guess(targets)) ** 2 == pytest.approx(squares.mean(), abs=tolerance)


def test_no_constant_is_better_than_the_best():
    targets = drawn(3, 20, 3)
    best = float(best_constant(targets))
    assert all(best < float(error(targets.mean(0) + 0.1 * step, targets)) for step in np.concatenate([np.eye(3), -np.eye(3)]))


def test_the_affine_fit_is_that_of_scikit_learn():
    x, y, tests = drawn(4, 30, 5), drawn(5, 30, 2), drawn(6, 7, 5)
    np.testing.assert_allclose(affine(x, y, tests), LinearRegression().fit(x, y).predict(tests), rtol=0, atol=1e-12)
    assert float(least_squares(x, y)) < float(best_constant(y))


def test_regression_tells_separable_classes_apart():
    x = np.concatenate([drawn(7, 20, 2) + 10, drawn(8, 20, 2) - 10])
    labels = np.repeat([0, 1], 20)
    assert regression_accuracy(x, labels, x, labels, 2) == 1
    assert regression_accuracy(x, labels, x, 1 - labels, 2) == 0


def test_accuracy_counts_the_largest_output():
    assert accuracy(np.array([[0.1, 0.2], [0.3, 0.2], [0.0, 1.0]]), np.array([1, 0, 0])) == pytest.approx(2 / 3)
    np.testing.assert_array_equal(one_hot([2, 0], 3), [[0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: one_hot([0, 3], 3), r"`labels` must be from 0 to 2 for 3 classes, but hold 3"),
        (lambda: one_hot([0, -1], 3), r"`labels` must be from 0 to 2 for 3 classes, but hold -1"),
        (lambda: one_hot([0.5, 1.0], 3), r"`labels` must be whole numbers of shape \(samples,\), but are float64"),
        (
            lambda: one_hot([[0, 1]], 3),
            r"`labels` must be whole numbers of shape \(samples,\), but are int64 of shape \(1, 2\)",
        ),
        (lambda: one_hot([0], 1), r"`classes` must be a whole number of at least 2, but is 1"),
        (lambda: best_constant(np.ones(3)), r"`targets` must have shape \(samples, units\), but has shape \(3,\)"),
        (lambda: uniform_guess([[np.nan]]), r"`targets` must be finite"),
        (lambda: least_squares(np.ones((3, 2)), np.ones((4, 1))), r"`targets` must be one for each sample, but are 4 for 3"),
        (lambda: affine(np.ones((3, 2)), np.ones((3, 1)), np.ones((3, 4))), r"`test_inputs` must match the inputs"),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_baselines_run_inside_transformations():
    targets = np.random.default_rng(9).uniform(size=(3, 8, 4))
    np.testing.assert_allclose(jax.jit(jax.vmap(best_constant))(targets)[1], best_constant(targets[1]), rtol=1e-14)
