"""Delays are phases: what is written is what comes back, as far as taps and bits allow."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.devices.delay import DelayChains, TappedDelays
from tests.delay.composed import KEY, KINDS, SIZE, phase_between, random_weights

EXACT = 1e-12
"""Two periods of phase, a few dozen roundings of 1e-16 each, magnitudes below 5."""


@pytest.mark.parametrize("kind", KINDS)
def test_an_exact_array_returns_the_weights_that_were_programmed(kind):
    wanted = random_weights(1)
    found = kind.of(SIZE, SIZE).ideal().program(wanted, KEY).weights()
    assert found.dtype == jnp.complex128
    np.testing.assert_allclose(found, wanted, atol=EXACT)


@pytest.mark.parametrize("kind", KINDS)
def test_both_halves_of_the_circle_and_their_borders_are_within_the_lines(kind):
    angle = np.concatenate([np.linspace(-np.pi, np.pi, 9), [1e-17, -1e-17, -1e-9, 0.0, -np.pi + 1e-15, 2.0, -2.0]])
    wanted = np.exp(1j * angle).reshape(4, 4)
    array = kind.of(4, 4).ideal().program(wanted, KEY)
    np.testing.assert_allclose(array.weights(), wanted, atol=EXACT)
    period = 1 / float(array.frequency)
    assert np.all(np.asarray(array.delays()) >= 0) and np.all(np.asarray(array.delays()) <= float(array.shortest()) + period)


def test_the_phase_of_the_shortest_delay_is_written_as_the_shortest_delay_however_it_is_rounded():
    array = DelayChains.of(SIZE, SIZE, inverter_resistance=1e5)
    shortest = float(array.shortest())
    magnitude = np.random.default_rng(2).uniform(0.5, 2.0, (SIZE, SIZE))  # so that phases are rounded up and down
    wanted = magnitude * np.exp(-2j * np.pi * 300e6 * shortest)
    np.testing.assert_allclose(array.program(wanted, KEY).delays(), shortest, rtol=1e-13)


def test_a_real_matrix_is_made_of_delays_of_no_and_of_half_a_period():
    wanted = np.array([[1.0, -1.0], [-2.0, 0.5]])
    array = DelayChains.of(2, 2).program(wanted, KEY)
    np.testing.assert_allclose(array.weights(), wanted, atol=EXACT)
    np.testing.assert_allclose(np.mod(300e6 * array.delays() + 0.25, 1.0), np.where(wanted > 0, 0.25, 0.75), atol=1e-13)


def test_a_chain_delays_by_the_sum_of_its_rc_stages():
    conductance = np.array([[[1e-5, 2e-5]], [[5e-5, 1e-4]], [[3e-6, 1e-6]]])
    array = DelayChains.of(1, 2, stages=3, load_capacitance=2e-15, inverter_resistance=15e3, coupling=1.0)
    array = array.put(cell=array.cell.program(conductance, KEY))
    delay = np.log(2) * 2e-15 * (3 * 15e3 + (1 / conductance).sum(0))
    np.testing.assert_allclose(array.delays(), delay, rtol=1e-14)
    np.testing.assert_allclose(array.weights(), np.exp(-2j * np.pi * 300e6 * delay), atol=1e-13)


def test_the_stages_of_a_chain_share_a_delay_alike():
    array = DelayChains.of(2, 3, stages=4, load_capacitance=2e-15)
    found = array.program_delays(2.5e-9, KEY)
    np.testing.assert_allclose(found.delays(), 2.5e-9, rtol=1e-14)
    np.testing.assert_allclose(found.stage_delay(found.conductances()), 2.5e-9 / 4, rtol=1e-14)


def test_five_stages_of_a_femtofarad_span_a_period_of_the_default_carrier():
    array = DelayChains.of(1, 1)
    span = 5 * np.log(2) * 1e-15 * (1e6 - 1e4)
    assert float(array.longest() - array.shortest()) == pytest.approx(span, rel=1e-12)
    assert span > 1 / 300e6


@pytest.mark.parametrize("bits", [2, 4])
def test_rounding_to_n_bits_errs_by_at_most_half_a_step_and_uniformly(bits):
    side = 32
    angle = np.random.default_rng(bits).uniform(-np.pi, np.pi, (side, side))
    wanted = np.exp(1j * angle)
    error = phase_between(DelayChains.of(side, side, delay_bits=bits).program(wanted, KEY).weights(), wanted)
    step = 2 * np.pi / 2**bits
    assert np.abs(error).max() <= step / 2 + EXACT
    deviation = step**2 * np.sqrt(1 / 80 - 1 / 144)  # of the square of what is uniform in one step
    assert abs((error**2).mean() - step**2 / 12) <= 5 * deviation / side


def test_rounding_wraps_around_the_period():
    share = np.array([[-0.49, 0.49, -0.51, -1.0]]) / 2**3  # of a period, in quanta of three bits
    found = DelayChains.of(1, 4, delay_bits=3).program(np.exp(-2j * np.pi * share), KEY).weights()
    np.testing.assert_allclose(found, np.exp(-2j * np.pi * np.array([[0, 0, -1, -1]]) / 8), atol=EXACT)
    taps = TappedDelays.of(1, 4, taps=8).program(np.exp(-2j * np.pi * share), KEY)
    np.testing.assert_allclose(taps.weights(), found, atol=EXACT)
    np.testing.assert_allclose(taps.delays()[0] * 8 * 300e6, [0, 0, 7, 7], atol=EXACT)


@pytest.mark.parametrize(("bits", "taps"), [(3, 8), (4, 16)])
def test_taps_equal_chains_of_as_many_levels(bits, taps):
    wanted = random_weights(bits)
    chains = DelayChains.of(SIZE, SIZE, delay_bits=bits).program(wanted, KEY)
    tapped = TappedDelays.of(SIZE, SIZE, taps=taps).program(wanted, KEY)
    np.testing.assert_allclose(tapped.weights(), chains.weights(), atol=EXACT)
    assert float(chains.get("delay_bits")) == pytest.approx(bits, rel=1e-14)


def test_a_line_of_two_stages_from_tap_to_tap_has_the_same_taps():
    wanted = random_weights(9)
    one, two = (TappedDelays.of(SIZE, SIZE, taps=8, stages=s).program(wanted, KEY) for s in (1, 2))
    np.testing.assert_allclose(two.weights(), one.weights(), atol=EXACT)


@pytest.mark.parametrize("kind", KINDS)
def test_a_nudge_of_nothing_leaves_a_die_with_its_static_errors_as_it_is(kind):
    die = (
        kind.of(SIZE, SIZE, delay_spread=20e-12, coupling_spread=0.1, uniformity=0.25)
        .fabricate(KEY)
        .program(random_weights(1), KEY)
    )
    again = die
    for _ in range(3):
        again = again.nudge(np.zeros((SIZE, SIZE)), KEY)
    np.testing.assert_allclose(again.weights(), die.weights(), rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_nudge_adds_to_the_weights_that_are_there(kind):
    first, change = random_weights(3), random_weights(4)
    array = kind.of(SIZE, SIZE).ideal().program(first, KEY).nudge(change, KEY)
    np.testing.assert_allclose(array.weights(), first + change, atol=EXACT)


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_stays_single_and_is_as_exact_as_it_can_be(kind):
    narrow = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), kind.of(SIZE, SIZE).ideal())
    wanted = random_weights(5)
    found = narrow.program(wanted.astype(np.complex64), KEY).weights()
    assert found.dtype == jnp.complex64
    rounding = 2 * np.pi * 2 * 2**-24 * 16  # two periods of phase, sixteen roundings on their way
    np.testing.assert_allclose(found, wanted, atol=rounding * np.abs(wanted).max())
