"""Storage rules against their published formulas, in plain NumPy loops."""

import numpy as np
import pytest

from devsim.check import InputError
from devsim.learning.storage import hebb, hebb_change, independent, pseudo_inverse, storkey, storkey_change


def bits(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).choice([-1.0, 1.0], shape)


def storkey_by_hand(patterns: np.ndarray) -> np.ndarray:
    """The formula as published, one index after the other."""
    size = patterns.shape[1]
    w = np.zeros((size, size))
    for x in patterns:
        old = w.copy()
        h = np.zeros((size, size))
        for i in range(size):
            for j in range(size):
                h[i, j] = sum(old[i, k] * x[k] for k in range(size) if k not in (i, j))
        for i in range(size):
            for j in range(size):
                w[i, j] = old[i, j] + (x[i] * x[j] - x[i] * h[j, i] - h[i, j] * x[j]) / size
    return w


def test_hebbian_weights_are_the_mean_outer_product_of_patterns():
    x = bits(1, 5, 12)
    by_hand = sum(np.outer(p, p) for p in x) / 12
    np.testing.assert_allclose(hebb(x, keep_diagonal=True), by_hand, rtol=0, atol=1e-15)
    np.testing.assert_allclose(hebb(x), by_hand - np.diag(np.diag(by_hand)), rtol=0, atol=1e-15)


def test_hebbian_changes_add_up_to_the_hebbian_weights():
    x = bits(2, 4, 9)
    np.testing.assert_allclose(sum(hebb_change(p) for p in x), hebb(x, keep_diagonal=True), rtol=0, atol=1e-15)


@pytest.mark.parametrize("keep", [False, True])
def test_storkey_equals_the_published_formula(keep):
    x = bits(3, 6, 17)
    expected = storkey_by_hand(x)
    if not keep:
        np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(storkey(x, keep_diagonal=keep), expected, rtol=0, atol=1e-12)


def test_storkey_weights_are_symmetric_and_one_pattern_is_hebbian():
    w = np.asarray(storkey(bits(4, 10, 40)))
    np.testing.assert_allclose(w, w.T, rtol=0, atol=1e-14)
    x = bits(5, 1, 21)
    np.testing.assert_allclose(storkey(x), hebb(x), rtol=0, atol=1e-15)


def test_storkey_is_incremental():
    x = bits(6, 7, 20)
    first = storkey(x[:6], keep_diagonal=True)
    np.testing.assert_allclose(first + storkey_change(first, x[6]), storkey(x, keep_diagonal=True), rtol=0, atol=1e-14)


def test_pseudo_inverse_keeps_every_pattern_exactly():
    x = bits(7, 60, 100)
    w = np.asarray(pseudo_inverse(x))
    np.testing.assert_allclose(x @ w, x, rtol=0, atol=1e-12)
    np.testing.assert_allclose(w, np.linalg.pinv(x) @ x, rtol=0, atol=1e-12)


def test_pseudo_inverse_is_a_projection_whose_trace_is_its_rank():
    x = bits(8, 20, 50)
    w = np.asarray(pseudo_inverse(x))
    np.testing.assert_allclose(w @ w, w, rtol=0, atol=1e-12)
    np.testing.assert_allclose(w, w.T, rtol=0, atol=1e-14)
    assert np.trace(w) == pytest.approx(20, abs=1e-11) and int(independent(x)) == 20


def test_pseudo_inverse_without_diagonal_shrinks_the_field_of_each_pattern():
    x = bits(9, 20, 50)
    w = np.asarray(pseudo_inverse(x))
    np.testing.assert_allclose(x @ np.asarray(pseudo_inverse(x, keep_diagonal=False)), x * (1 - np.diag(w)), rtol=0, atol=1e-12)


def test_pseudo_inverse_takes_duplicates_and_negatives():
    x = bits(10, 8, 64)
    dependent = np.concatenate([x, x[:3], -x[:2]])
    assert int(independent(dependent)) == 8
    np.testing.assert_allclose(pseudo_inverse(dependent), pseudo_inverse(x), rtol=0, atol=1e-12)


def test_pseudo_inverse_takes_a_pattern_that_is_a_mixture_of_others():
    four = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1.0]])
    mixture = (four[0] + four[1] + four[2] - four[3]) / 2
    x = np.tile(np.concatenate([four, [mixture]]), 3)
    assert int(independent(x)) == 4
    np.testing.assert_allclose(x @ np.asarray(pseudo_inverse(x)), x, rtol=0, atol=1e-12)


def test_pseudo_inverse_of_as_many_patterns_as_neurons_is_the_identity():
    np.testing.assert_allclose(pseudo_inverse(bits(11, 31, 31)), np.eye(31), rtol=0, atol=1e-11)


def test_integer_patterns_are_welcome():
    x = bits(12, 3, 10)
    for rule in (hebb, storkey, pseudo_inverse):
        np.testing.assert_array_equal(rule(x.astype(int)), rule(x))


@pytest.mark.parametrize("rule", [hebb, storkey, pseudo_inverse, independent])
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.nan, r"`patterns` must hold only -1 and \+1, but 1 of 12 values are neither \(first nan at index \(1, 2\)\)"),
        (0.0, r"first 0 at index \(1, 2\)\); `2.0 \* \(picture > level\) - 1` makes them"),
        (np.inf, r"first inf at index"),
    ],
)
def test_a_pattern_that_is_not_bipolar_is_refused(rule, bad, words):
    x = bits(13, 3, 4)
    x[1, 2] = bad
    with pytest.raises(InputError, match=words):
        rule(x)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4), (0, 4)])
def test_patterns_without_two_axes_are_refused(shape):
    with pytest.raises(InputError, match=r"`patterns` must have shape \(patterns, neurons\)"):
        hebb(np.ones(shape))


def test_more_patterns_than_neurons_are_refused_by_the_pseudo_inverse():
    with pytest.raises(
        InputError, match=r"at most as many as their 5 neurons for the pseudo-inverse, but are 6: leave some out"
    ):
        pseudo_inverse(bits(14, 6, 5))


def phasors(seed: int, *shape: int) -> np.ndarray:
    return np.exp(1j * np.random.default_rng(seed).uniform(0, 2 * np.pi, shape))


def test_hebbian_weights_of_phases_are_the_mean_product_of_each_pair():
    x = phasors(1, 5, 12)
    by_hand = sum(np.outer(p.conj(), p) for p in x) / 12
    np.testing.assert_allclose(hebb(x, keep_diagonal=True), by_hand, rtol=0, atol=1e-15)
    np.testing.assert_allclose(sum(hebb_change(p) for p in x), by_hand, rtol=0, atol=1e-15)


def test_stored_phases_are_exact_fixed_phases_of_hermitian_weights():
    x = phasors(2, 12, 192)
    w = np.asarray(pseudo_inverse(x))
    np.testing.assert_allclose(w, w.conj().T, rtol=0, atol=1e-14)
    np.testing.assert_allclose(w @ w, w, rtol=0, atol=1e-13)
    np.testing.assert_allclose(x @ w, x, rtol=0, atol=1e-12)
    assert independent(x) == 12 and np.trace(w).real == pytest.approx(12, abs=1e-12)
    field = x @ np.asarray(pseudo_inverse(x, keep_diagonal=False))
    np.testing.assert_allclose(field, (1 - np.diag(w).real) * x, rtol=0, atol=1e-12)


def test_patterns_of_plus_and_minus_one_are_phases_too():
    x = bits(3, 4, 20)
    for rule in (hebb, pseudo_inverse):
        np.testing.assert_allclose(rule(x + 0j), rule(x), rtol=0, atol=1e-14)


def test_phases_of_another_magnitude_are_refused():
    x = phasors(4, 2, 3)
    x[1, 2] *= 2
    with pytest.raises(InputError, match=r"magnitude 1, but 1 of 6 .* \(first 2 at index \(1, 2\)\); `jnp.exp\(1j \* phase\)`"):
        pseudo_inverse(x)
    with pytest.raises(InputError, match="`patterns` must hold only -1 and \\+1 here, but are complex"):
        storkey(phasors(5, 2, 3))
