"""Voltages on capacitors: what charges do near the rails, what leaks, what soft bounds make of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from devsim.check import InputError
from devsim.devices.cmos import CapacitorWeight, Technology, WeightBounds
from devsim.devices.cmos.rails import emptied
from devsim.physics import BOLTZMANN, thermal_voltage

UT = float(thermal_voltage(300.0))


def integrated(rate, start, seconds):
    """V after `seconds` of dV/dt = rate(V), by SciPy."""
    return solve_ivp(lambda t, v: rate(v), (0, seconds), [start], rtol=1e-11, atol=1e-13, method="LSODA").y[0, -1]


def test_a_charge_brings_a_voltage_to_the_rail_as_the_differential_equation_says():
    for height, charge in [(30.0, 5.0), (3.0, 2.9), (3.0, 3.0), (3.0, 3.1), (0.01, 1.0), (2.0, 20.0), (0.0, 1.0), (5.0, 0.0)]:
        exact = solve_ivp(lambda t, u: -(1 - np.exp(-u)), (0, charge), [height], rtol=1e-11, atol=1e-13).y[0, -1]
        np.testing.assert_allclose(emptied(height, charge), exact, rtol=0, atol=1e-8)


def test_the_slopes_of_an_emptied_capacitor_are_those_of_its_equation():
    u, a = jnp.array([30.0, 3.0, 3.0, 0.01, 0.0, 5.0]), jnp.array([5.0, 2.9, 3.1, 1.0, 1.0, 0.0])
    left = np.asarray(emptied(u, a))
    by_charge = jax.vmap(jax.grad(emptied, 1))(u, a)
    by_height = jax.vmap(jax.grad(emptied))(u, a)
    np.testing.assert_allclose(by_charge, -(1 - np.exp(-left)), rtol=0, atol=1e-12)
    np.testing.assert_allclose(by_height, np.exp(np.asarray(u - a) - left), rtol=1e-12)


def test_pulses_move_the_voltage_by_their_charge_and_never_past_a_rail():
    weight = CapacitorWeight(capacitance=2e-12, pulse_width=100e-6)
    step = 1e-9 * 100e-6 / 2e-12
    # far from the rails the charge counts to exp(-V / U_T)
    assert float(weight.pulsed_up(0.9, 1e-9)) == pytest.approx(0.9 + step, abs=UT * np.exp(-(0.9 - step) / UT) + 4e-16)
    assert float(weight.pulsed_down(0.9, 1e-9)) == pytest.approx(0.9 - step, abs=UT * np.exp(-(0.9 - step) / UT) + 4e-16)
    assert 1.8 - 1e-12 < float(weight.pulsed_up(1.7, 1e-7)) <= 1.8
    assert 0 <= float(weight.pulsed_down(0.1, 1e-7)) < 1e-12


def test_a_weight_left_alone_falls_by_the_leakage_over_its_capacitance():
    weight = CapacitorWeight(capacitance=1e-12, technology=Technology(leakage_current=1e-15))
    assert float(weight.leaked(0.9, 10.0)) == pytest.approx(0.9 - 10e-3, rel=1e-12)
    rate = lambda v: -1e-3 * (1 - np.exp(-v / UT))
    assert float(weight.leaked(0.05, 60.0)) == pytest.approx(integrated(rate, 0.05, 60.0), abs=1e-10)


@pytest.mark.parametrize("kelvin", [8.0, 9.0, 10.0])
def test_leakage_doubles_with_every_stated_kelvin(kelvin):
    lost = []
    for steps in (0, 1, 2):
        technology = Technology(leakage_doubling=kelvin, temperature=300 + steps * kelvin)
        lost.append(0.9 - float(CapacitorWeight(technology=technology).leaked(0.9, 10.0)))
    np.testing.assert_allclose(lost, lost[0] * np.array([1, 2, 4]), rtol=1e-12)


def test_a_write_freezes_the_thermal_noise_of_its_capacitor():
    weight, count = CapacitorWeight(write_noise=1.0, capacitance=1e-12), 20_000
    events = jnp.arange(count) % 2
    noise = np.asarray(weight.jittered(jnp.full(count, 0.9), events, jax.random.key(0))) - 0.9
    assert np.all(noise[::2] == 0)
    expected = np.sqrt(BOLTZMANN * 300 / 1e-12)
    assert noise[1::2].std() == pytest.approx(expected, rel=5 / np.sqrt(count))
    silent = weight.ideal().jittered(jnp.full(3, 0.9), jnp.ones(3), jax.random.key(0))
    np.testing.assert_array_equal(silent, 0.9)


def test_mirrors_of_pulses_spread_and_none_turns_round():
    technology = Technology(threshold_mismatch=0.5 * UT / 0.7 * 2e-6)
    die = CapacitorWeight(np.full(4000, 1e-12), technology=technology).fabricate(jax.random.key(1))
    for way in ("up", "down"):
        logs = np.log(np.asarray(die.copied(way, 1e-9)) / 1e-9)
        assert logs.std() == pytest.approx(0.5, rel=5 / np.sqrt(8000))


def test_soft_bounds_are_those_of_their_equation_and_exponential_where_they_are_wide():
    bounds = WeightBounds()
    exact = integrated(lambda v: 2 * np.tanh((1.8 - v) / 1.7), 0.3, 0.5)
    assert float(bounds.moved(0.3, 2e-12, 0.0, 0.5, 1e-12)) == pytest.approx(exact, abs=1e-9)
    wide = WeightBounds(linear_range=1e3)
    assert float(wide.moved(0.3, 0.0, 2e-9, 0.5, 1e-12)) == pytest.approx(0.3 * np.exp(-1.0), rel=1e-6)


def test_what_a_weight_cannot_be_is_refused():
    with pytest.raises(InputError, match="`capacitance` must be above 0 F, but is -1e-12 F"):
        CapacitorWeight(-1e-12)
    with pytest.raises(InputError, match="`write_noise` must be at least 0, but is -1"):
        CapacitorWeight(write_noise=-1.0)
