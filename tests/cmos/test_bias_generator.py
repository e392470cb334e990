"""Bias currents from splitters: their ranges, their departure from a straight line, temperature and wrong settings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.cmos import BiasGenerator, Technology

CODES = jnp.arange(256.0)
SWEEP = jax.jit(lambda generator: jax.vmap(lambda code: generator.put(fine=code).currents())(CODES))
OFF = float(Technology().off_current())


def test_the_least_steps_of_the_ranges_are_the_published_ones():
    """0.28 pA, 2.2 pA, 17.6 pA, 139 pA, 1.1 nA and 8.9 nA; in all 0.49 pA to 2.28 uA."""
    steps = BiasGenerator(np.arange(6.0), 1.0).currents() - OFF
    np.testing.assert_allclose(steps, [0.27e-12, 2.2e-12, 17.4e-12, 139e-12, 1.1e-9, 8.9e-9], rtol=0.02)
    np.testing.assert_allclose(np.diff(SWEEP(BiasGenerator(5.0))), 2.28e-6 / 256, rtol=1e-9)
    assert float(BiasGenerator(0.0, 0.0).currents()) == pytest.approx(0.5e-12, rel=0.02)


def test_a_die_departs_from_a_straight_line_by_about_one_percent_and_falls_at_carries():
    """Published: 0.5 to 1.5 % of full scale, monotone in no coarse range."""
    dies = jax.vmap(lambda key: SWEEP(BiasGenerator(3.0).fabricate(key)))(jax.random.split(jax.random.key(0), 64))
    line = np.array([np.polyval(np.polyfit(CODES, each, 1), CODES) for each in np.asarray(dies)])
    departures = (dies - line).std(axis=1) / dies.max(axis=1)
    assert 0.005 < float(np.median(departures)) < 0.015
    falls = np.diff(dies, axis=1) < 0
    assert falls.any(axis=1).mean() > 0.5
    lower_ones = (np.arange(1, 256)[:, None] & 7) == 0  # a fall needs a carry over more than the last bits
    assert falls[:, ~lower_ones[:, 0]].mean() < 0.02 < falls[:, 127].mean()


def test_the_error_of_the_highest_bit_is_that_of_its_transistors():
    technology = Technology()
    dies = jax.vmap(lambda key: BiasGenerator(5.0, 128.0).fabricate(key).currents())(jax.random.split(jax.random.key(1), 4000))
    logs = np.log(np.asarray(dies) - OFF)
    one = float(technology.gate_coupling * technology.mismatch() / technology.thermal_voltage())
    assert logs.std() == pytest.approx(2**0.5 * one, rel=5 / np.sqrt(8000))  # the range's transistor and the bit's


@pytest.mark.parametrize("current", [2e-12, 71e-12, 72e-12, 3.3e-9, 1e-6, 2.27e-6])
def test_a_wanted_current_gets_the_nearest_codes(current):
    generator = BiasGenerator.of(current)
    step = float(generator.largest_current) / 256 * 8 ** (float(generator.coarse) - 5)
    assert abs(float(generator.currents()) - OFF - current) <= step / 2 * (1 + 1e-6)


def test_compensated_biases_stay_and_gate_voltages_follow_the_temperature():
    warm = Technology(temperature=330.0)
    stays = BiasGenerator.of(1e-9, technology=warm).currents() - warm.off_current()
    follows = BiasGenerator.of(1e-9, technology=warm.set("bias_compensation", 0.0)).currents() - warm.off_current()
    assert float(stays) == pytest.approx(float(BiasGenerator.of(1e-9).currents()) - OFF, rel=1e-9)
    assert float(follows) > 2e-9


def test_a_supply_error_moves_fixed_gate_voltages_only():
    fixed = Technology(bias_compensation=0.0, supply_error=0.02, supply_sensitivity=0.1)
    ratio = (BiasGenerator.of(1e-9, technology=fixed).currents() - OFF) / (BiasGenerator.of(1e-9).currents() - OFF)
    assert float(ratio) == pytest.approx(np.exp(0.7 * 0.1 * 0.02 / 0.0258520), rel=1e-4)
    assert float(BiasGenerator.of(1e-9, technology=Technology(supply_error=0.02)).currents()) == pytest.approx(
        float(BiasGenerator.of(1e-9).currents())
    )


def test_the_derivative_with_respect_to_a_code_is_that_of_the_line():
    slope = jax.grad(lambda code: BiasGenerator(3.0).put(fine=code).currents())(jnp.array(77.0))
    assert float(slope) == pytest.approx(2.28e-6 / 64 / 256, rel=1e-9)


def test_settings_that_do_not_exist_are_refused():
    with pytest.raises(InputError, match=r"`fine` must be at least 0 and at most 255, but is 256"):
        BiasGenerator(3.0, 256.0)
    with pytest.raises(InputError, match=r"`coarse` must hold whole codes, but one is 2.5"):
        BiasGenerator(2.5)
    with pytest.raises(InputError, match=r"`currents` must be at least 0 A, but is -1e-09 A"):
        BiasGenerator.of(-1e-9)
    with pytest.raises(InputError, match=r"`currents` must be at most `largest_current \* 255/256` \(2.27109e-06 A\)"):
        BiasGenerator.of(3e-6)
