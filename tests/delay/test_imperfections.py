"""What makes delays differ from what was asked for, each by its closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.devices.delay import DelayChains, TappedDelays
from devsim.devices.memristor.linear import LinearCell
from devsim.part import aged
from devsim.randomness import numbered_keys
from tests.delay.composed import KEY, KINDS, SIZE, random_weights

SIDE = 32


def test_static_errors_have_the_spreads_that_were_declared():
    array = DelayChains.of(SIDE, SIDE, delay_spread=20e-12, coupling_spread=0.1, coupling=1.0)
    die = array.fabricate(KEY)
    relative = 5 / np.sqrt(2 * SIDE**2)  # five standard errors of a standard deviation
    assert np.std(die.delays() - array.delays()) == pytest.approx(20e-12, rel=relative)
    logarithm = np.log(np.abs(die.weights()))
    assert np.std(logarithm) == pytest.approx(np.sqrt(np.log1p(0.1**2)), rel=relative)
    assert np.mean(np.abs(die.weights())) == pytest.approx(1.0, abs=5 * 0.1 / SIDE)


@pytest.mark.parametrize("stages", [4, 16])
def test_write_errors_of_independent_stages_average(stages):
    noise, delay = 1e-3, 2.4e-9
    cell = LinearCell.of((stages, SIDE, SIDE), write_noise=noise)
    array = DelayChains.of(SIDE, SIDE, stages, cell, load_capacitance=2e-15).program_delays(delay, KEY)
    of_memristors = delay - stages * np.log(2) * 2e-15 * 10e3
    relative = 5 / np.sqrt(2 * SIDE**2) + 10 * noise**2
    assert np.std(array.delays()) == pytest.approx(of_memristors * noise / np.sqrt(stages), rel=relative)


def test_write_errors_add_up_from_tap_to_tap():
    rows, taps, noise = 600, 8, 1e-3
    cell = LinearCell.of((1, rows, taps - 1), write_noise=noise)
    links = np.tile(np.exp(-2j * np.pi * np.arange(taps) / taps), (rows, 1))
    array = TappedDelays.of(rows, taps, taps, cell=cell).program(links, KEY)
    of_memristor = 1 / (300e6 * taps) - np.log(2) * 1e-15 * 10e3
    variance = np.var(np.asarray(array.delays()), axis=0)
    assert variance[0] == 0
    wanted = np.arange(1, taps) * (of_memristor * noise) ** 2
    np.testing.assert_allclose(variance[1:], wanted, rtol=5 * np.sqrt(2 / rows) + 10 * noise**2)


def test_static_errors_of_a_line_add_up_to_its_taps():
    offset = 1e-12 * np.random.default_rng(1).normal(size=(2, 3))
    array = TappedDelays.of(2, 4, 4, stages=2, delay_offset=offset)
    array = array.program(np.tile([1, -1j, -1, 1j], (2, 1)), KEY)
    wanted = np.arange(4) / (4 * 300e6) + np.concatenate([np.zeros((2, 1)), np.cumsum(offset, axis=1)], axis=1)
    np.testing.assert_allclose(array.delays(), wanted, rtol=1e-13, atol=1e-24)


def test_drift_turns_every_phase_by_what_its_memristors_lose():
    exponent, seconds = 0.02, 3e4
    cell = LinearCell.of((5, SIZE, SIZE), drift=exponent)
    array = DelayChains.of(SIZE, SIZE, cell=cell).program(random_weights(2), KEY)
    old = aged(array, seconds, key=KEY)
    resistance = (1 / np.asarray(array.conductances())).sum(0)
    later = np.log(2) * 1e-15 * resistance * ((1 + seconds) ** exponent - 1)
    turned = np.asarray(array.weights()) * np.exp(-2j * np.pi * 300e6 * later)
    np.testing.assert_allclose(old.weights(), turned, atol=1e-12)


def test_read_noise_is_drawn_for_each_read_and_held_by_a_snapshot():
    cell = LinearCell.of((5, SIZE, SIZE), read_noise=0.01)
    array = DelayChains.of(SIZE, SIZE, cell=cell).program(random_weights(2), KEY)
    x = random_weights(3, 2)
    here = array.snapshot(KEY)
    np.testing.assert_allclose(array.read(x, KEY), x @ here.weights(), rtol=1e-14)
    other = jax.random.key(5)
    np.testing.assert_allclose(here.read(x, other), x @ here.weights(), rtol=1e-14)
    assert np.abs(array.read(x, other) - x @ here.weights()).max() > 1e-3
    assert here.ideal().held is None and here.program(random_weights(4), KEY).held is None
    np.testing.assert_allclose(here.conductances(), cell.program(array.cell.target, KEY).sample(KEY), rtol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_delays_alone_keep_the_norm_and_the_missing_links(kind):
    wanted = random_weights(6)
    wanted[np.random.default_rng(6).uniform(size=wanted.shape) < 0.3] = 0
    array = kind.of(SIZE, SIZE, uniformity=1.0).program(wanted, KEY)
    found = np.asarray(array.weights())
    linked = wanted != 0
    rms = np.sqrt(np.mean(np.abs(wanted[linked]) ** 2))
    assert np.all(found[~linked] == 0)
    np.testing.assert_allclose(np.abs(found[linked]), rms, rtol=1e-13)
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(wanted), rel=1e-13)
    half = np.abs(np.asarray(array.set("uniformity", 0.25).weights()))
    np.testing.assert_allclose(half[linked], 0.75 * np.abs(wanted[linked]) + 0.25 * rms, rtol=1e-13)


def test_magnitudes_are_rounded_to_their_quantum_and_scaled_by_their_gain():
    wanted = np.array([[0.24, 0.26j, -0.9, 0.1]])
    gain = np.array([[1.0, 2.0, 0.5, 1.0]])
    array = DelayChains.of(1, 4, coupling_step=0.25, coupling_gain=gain).program(wanted, KEY)
    np.testing.assert_allclose(array.weights(), [[0.25, 0.5j, -0.5, 0.0]], atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_dies_side_by_side_are_dies_one_by_one(kind):
    array = kind.of(SIZE, SIZE, delay_spread=5e-12, coupling_spread=0.05)
    wanted, keys = random_weights(7), numbered_keys(KEY, 3)
    die = lambda key: array.fabricate(key).program(wanted, key).weights()
    together = jax.vmap(die)(keys)
    for i in range(3):
        np.testing.assert_allclose(together[i], die(keys[i]), rtol=1e-12, atol=1e-13)
    assert float(jnp.std(together, axis=0).min()) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_without_links_is_silent(kind):
    array = kind.of(3, 2).program(np.zeros((3, 2)), KEY)
    assert np.all(np.asarray(array.weights()) == 0)
