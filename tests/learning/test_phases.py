"""Errors between phases, cues of phases, and the complex Hopfield network in steps."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.learning import hopfield, storage
from devsim.learning.phases import aligned, phase_error, scramble, settle

KEY = jax.random.key(8)
SIZE = 64


def random_phases(count, size=SIZE, key=KEY):
    return jnp.exp(2j * jnp.pi * jax.random.uniform(key, (count, size)))


def test_a_common_phase_is_no_error():
    patterns = random_phases(3)
    np.testing.assert_allclose(phase_error(patterns * jnp.exp(1.3j), patterns), 0, atol=1e-9)
    np.testing.assert_allclose(aligned(patterns * jnp.exp(1.3j), patterns), patterns, rtol=1e-12)


def test_the_error_is_the_root_mean_square_in_turns():
    away = 0.1 * jax.random.normal(KEY, (1, SIZE))
    away = away - jnp.mean(away)  # of small deviations the common phase is the mean
    error = phase_error(random_phases(1) * jnp.exp(1j * away), random_phases(1))
    np.testing.assert_allclose(error, jnp.std(away) / (2 * np.pi), rtol=1e-3)


def test_no_error_has_a_derivative_of_zero():
    assert float(jax.grad(lambda turn: phase_error(jnp.exp(1j * turn * jnp.arange(4)), jnp.ones(4)))(0.0)) == 0.0


def test_unrelated_phases_have_the_error_of_a_uniform_draw():
    size = 20_000
    error = phase_error(random_phases(1, size), random_phases(1, size, jax.random.key(9)))
    assert float(error[0] ** 2) == pytest.approx(1 / 12, rel=6 / np.sqrt(size))  # some of it is fitted by the common phase


def test_a_share_of_the_phases_is_replaced():
    patterns = random_phases(50)
    cues = scramble(patterns, 0.3, KEY)
    changed = jnp.sum(cues != patterns, axis=-1)
    np.testing.assert_array_equal(changed, round(0.3 * SIZE))
    np.testing.assert_allclose(jnp.abs(cues), 1, rtol=1e-12)
    drawn = np.angle(np.asarray(cues))[np.asarray(cues != patterns)]
    counts, _ = np.histogram(drawn, bins=8, range=(-np.pi, np.pi))
    assert np.sum((counts - drawn.size / 8) ** 2 / (drawn.size / 8)) < 7 + 5 * np.sqrt(14)  # chi^2 of 7 degrees of freedom
    np.testing.assert_array_equal(scramble(patterns, 0.3, KEY)[7], scramble(patterns[7], 0.3, jax.random.fold_in(KEY, 7)))


def test_the_network_in_steps_recalls_and_its_energy_falls():
    patterns = random_phases(4)
    weights = storage.pseudo_inverse(patterns, keep_diagonal=False)
    cues = scramble(patterns, 0.3, KEY)
    np.testing.assert_allclose(phase_error(settle(weights, patterns, 1), patterns), 0, atol=1e-9)
    ends = [settle(weights, cues, steps) for steps in (1, 3, 30)]
    energies = [hopfield.energy(states, weights) for states in (cues, *ends)]
    assert all(bool(jnp.all(after < before)) for before, after in itertools.pairwise(energies))
    assert float(jnp.max(phase_error(ends[-1], patterns))) < 1e-6


def test_the_energy_of_phases_is_real_and_that_of_signs_is_unchanged():
    weights = storage.hebb(random_phases(3))
    state = random_phases(2)
    expected = -0.5 * np.einsum("ci,ij,cj->c", state, weights, np.conj(state))
    np.testing.assert_allclose(hopfield.energy(state, weights), expected.real, rtol=1e-12)
    np.testing.assert_allclose(expected.imag, 0, atol=1e-12)


def test_a_field_of_zero_keeps_the_state():
    state = random_phases(1)
    np.testing.assert_array_equal(settle(jnp.zeros((SIZE, SIZE)) + 0j, state, 3), state)


def test_what_is_no_phase_is_refused():
    with pytest.raises(InputError, match="`patterns` must hold complex numbers of magnitude 1, but 64 of 64 have another"):
        scramble(2 * jnp.ones(SIZE), 0.1, KEY)
    with pytest.raises(InputError, match=r"`share` must be at least 0 and at most 1, but is 1\.5"):
        scramble(random_phases(1), 1.5, KEY)
    with pytest.raises(InputError, match="`steps` must be a whole number of at least 1"):
        settle(jnp.eye(2) + 0j, jnp.ones(2), 0)
    with pytest.raises(InputError, match="`cues` must have phases along the last axis"):
        settle(jnp.eye(2) + 0j, jnp.ones(()), 1)


def test_dependent_patterns_are_named():
    patterns = random_phases(4)
    made = jnp.concatenate([patterns, 1j * patterns[2:3]])
    with pytest.raises(InputError, match="`patterns` must be linearly independent, but pattern 4 is made of 2; leave it out"):
        storage.check_independent("patterns", made)
    half = jnp.where(jnp.arange(SIZE) < SIZE // 2, 1.0, -1.0)
    mixed = jnp.stack([jnp.ones(SIZE), half, half * 1j + 0j, 1j * jnp.ones(SIZE)])
    words = r"pattern 2 is made of 1 \(and 1 more are made of others\)"
    with pytest.raises(InputError, match=words):
        storage.check_independent("patterns", mixed)
    with pytest.raises(InputError, match="`patterns` must be at most as many as their 64 neurons, but are 65"):
        storage.check_independent("patterns", random_phases(65))
    storage.check_independent("patterns", random_phases(64))
