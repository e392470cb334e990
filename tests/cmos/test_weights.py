"""Weights that are switched currents, and weights that are charge on floating gates."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.cmos import CurrentWeights, FloatingGates, Technology
from devsim.part import aged
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE

KEY = jax.random.key(3)
TARGET = jnp.asarray(np.random.default_rng(0).uniform(-0.9, 0.9, (5, 4)))


# --- Switched currents -----------------------------------------------------------------------------


def test_a_target_gets_the_nearest_of_its_codes():
    array = CurrentWeights.of(5, 4).program(TARGET, KEY)
    np.testing.assert_allclose(array.weights(), np.round(15 * TARGET) / 15, rtol=1e-12, atol=1e-12)
    assert float(jnp.max(CurrentWeights.of(1, 1).program(jnp.array([[7.0]]), KEY).weights())) == pytest.approx(1.0)


def test_each_mirror_of_a_die_is_off_by_its_own_log_normal_factor():
    array = CurrentWeights.of(200, 100).program(jnp.full((200, 100), 8 / 15), KEY).fabricate(KEY)
    logs = np.log(np.asarray(array.weights()) * 15 / 8)
    technology = Technology()
    sigma = float(technology.gate_coupling * technology.mismatch() / technology.thermal_voltage())
    assert logs.std() == pytest.approx(sigma, rel=5 / np.sqrt(2 * logs.size))
    np.testing.assert_allclose(array.ideal().weights(), 8 / 15)


def test_changes_of_less_than_a_step_are_made_on_average():
    array = CurrentWeights.of(300, 300).program(jnp.full((300, 300), 5 / 15), KEY)
    moved = np.asarray(array.nudge(jnp.full((300, 300), 0.3 / 15), KEY).code)
    assert set(np.unique(moved)) == {5.0, 6.0}
    assert moved.mean() == pytest.approx(5.3, abs=5 * np.sqrt(0.21 / moved.size))
    down = np.asarray(array.nudge(jnp.full((300, 300), -0.3 / 15), KEY).code)
    assert down.mean() == pytest.approx(4.7, abs=5 * np.sqrt(0.21 / moved.size))


def test_the_derivative_is_that_of_the_straight_line():
    slope = jax.grad(lambda w: CurrentWeights.of(1, 1).program(w, KEY).weights()[0, 0])(jnp.array([[0.31]]))
    assert float(slope[0, 0]) == pytest.approx(1.0, rel=1e-9)


def test_codes_survive_their_range():
    assert CurrentWeights.of(1, 1, bits=2).highest() == 3
    with pytest.raises(InputError, match="`bits` must be a whole number of at least 1, but is 0"):
        CurrentWeights.of(2, 2, bits=0)


# --- Floating gates --------------------------------------------------------------------------------


def test_gates_hold_what_is_written():
    array = FloatingGates.of(5, 4).program(TARGET, KEY)
    np.testing.assert_allclose(array.weights(), TARGET, rtol=1e-12)
    np.testing.assert_allclose(array.nudge(0.05 + 0 * TARGET, KEY).weights(), TARGET + 0.05, rtol=1e-12)
    inputs = jnp.arange(5.0)
    np.testing.assert_allclose(array.read(inputs, KEY), inputs @ TARGET, rtol=1e-12)
    np.testing.assert_allclose(array.read_reverse(inputs[:4], KEY), TARGET @ inputs[:4], rtol=1e-12)


def test_a_write_error_of_the_gate_is_log_normal_in_the_current():
    array = FloatingGates.of(200, 100, write_noise=1e-3).program(jnp.full((200, 100), 0.5), KEY)
    logs = np.log1p(np.asarray(array.weights())) - np.log(1.5)
    assert logs.std() == pytest.approx(0.7 * 1e-3 / (BOLTZMANN * 300 / ELEMENTARY_CHARGE), rel=5 / np.sqrt(2 * logs.size))


def test_charge_leaks_by_arrhenius_and_composes():
    array = FloatingGates.of(5, 4, loss_rate=1e-9).program(TARGET, KEY)
    old = aged(array, 1e7, temperature=350.0, key=KEY)
    hot = np.exp(ELEMENTARY_CHARGE / BOLTZMANN * (1 / 300 - 1 / 350))
    np.testing.assert_allclose(old.voltage, array.voltage * np.exp(-1e-2 * hot), rtol=1e-12)
    halves = aged(aged(array, 4e6, temperature=350.0, key=KEY), 6e6, temperature=350.0, key=KEY)
    np.testing.assert_allclose(halves.voltage, old.voltage, rtol=1e-12)


def test_a_gate_written_cold_holds_less_when_it_is_warm():
    array = FloatingGates.of(1, 1).program(jnp.array([[0.5]]), KEY)
    warm = array.set("technology.temperature", 330.0).weights()[0, 0]
    assert float(warm) == pytest.approx(1.5 ** (1 / 1.1) - 1, rel=1e-9)


def test_weights_without_rows_are_refused():
    with pytest.raises(InputError, match="`voltage` must have rows and columns"):
        FloatingGates(jnp.zeros(3))
    with pytest.raises(InputError, match=r"`target` must match the array's weights \(shape \(5, 4\)\)"):
        FloatingGates.of(5, 4).program(jnp.zeros((4, 5)), KEY)
