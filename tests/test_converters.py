"""Converters and amplifiers against their definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.converters import ADC, DAC, Comparator, SampleAndHold, TransimpedanceAmplifier

KEY = jax.random.key(4)
CHANNELS = 4096


def out(part, name, told):
    return np.asarray(part.balance(0.0, told, {}).static[name])


@pytest.mark.parametrize("bits", [2, 3, 6, 10])
def test_a_converter_of_n_bits_has_that_many_codes_less_one_and_keeps_the_ends(bits):
    sweep = jnp.linspace(-1.2, 1.2, 20001)
    codes = np.unique(np.round(out(ADC.of(20001, bits=bits), "code", {"input": sweep}), 12))
    assert len(codes) == 2**bits - 1
    np.testing.assert_allclose([codes[0], codes[-1]], [-1, 1], rtol=1e-12)
    levels = out(DAC.of(3, bits=bits, full_scale=0.3), "out", {"code": jnp.array([-1.0, 0.0, 1.0])})
    np.testing.assert_allclose(levels, [-0.3, 0.0, 0.3], atol=1e-15)


def test_quantisation_noise_of_a_busy_signal_is_step_over_root_twelve():
    signal = jax.random.uniform(KEY, (CHANNELS,), minval=-0.99, maxval=0.99)
    adc = ADC.of(CHANNELS, bits=8)
    error = out(adc, "code", {"input": signal}) - signal
    step = float(adc.step)
    # The variance of a uniform error has the relative standard error sqrt(4/5 / n).
    assert np.var(error) == pytest.approx(step**2 / 12, rel=5 * np.sqrt(0.8 / CHANNELS))


def test_the_straight_through_derivative_is_one_inside_and_zero_beyond_the_range():
    adc = ADC.of(3, bits=4)
    slope = jax.grad(lambda v: adc.balance(0.0, {"input": v}, {}).static["code"].sum())(jnp.array([0.3, -0.77, 1.5]))
    np.testing.assert_array_equal(slope, [1, 1, 0])


def test_spreads_have_their_standard_deviations():
    adc = ADC.of(CHANNELS, offset_spread=0.01, gain_spread=0.05).fabricate(KEY)
    error = 5 / np.sqrt(2 * CHANNELS)
    assert np.std(adc.offset) == pytest.approx(0.01, rel=error)
    assert np.std(adc.gain) == pytest.approx(0.05, rel=2 * error)
    assert np.mean(adc.gain) == pytest.approx(1, abs=5 * 0.05 / np.sqrt(CHANNELS))


def test_read_noise_is_drawn_by_snapshot_and_nothing_else():
    quiet = ADC.of(CHANNELS, noise_voltage=0.02)
    noisy, again = quiet.snapshot(KEY), quiet.snapshot(KEY)
    flat = {"input": jnp.zeros(CHANNELS)}
    assert not out(quiet, "code", flat).any()
    np.testing.assert_array_equal(out(noisy, "code", flat), out(again, "code", flat))
    assert np.std(out(noisy, "code", flat)) == pytest.approx(0.02, rel=5 / np.sqrt(2 * CHANNELS))


def test_an_amplifier_settles_and_averages_its_noise():
    told = {"input": jnp.full(CHANNELS, 3e-6), "reference": jnp.full(CHANNELS, 1e-6)}
    tia = TransimpedanceAmplifier.of(CHANNELS, reference=CHANNELS, transresistance=2e4, read_time=1e-7, time_constant=5e-8)
    np.testing.assert_allclose(out(tia, "out", told), 2e4 * 2e-6 * (1 - np.exp(-2)), rtol=1e-14)
    fast = tia.set("time_constant", 0.0).set("noise_density", 1e-12).snapshot(KEY)
    noise = out(fast, "out", told) - 0.04
    assert np.std(noise) == pytest.approx(2e4 * 1e-12 / np.sqrt(2e-7), rel=5 / np.sqrt(2 * CHANNELS))


def test_a_comparator_tells_the_sign_and_zero_from_both():
    comparator = Comparator.of(3, threshold=0.5)
    np.testing.assert_array_equal(out(comparator, "out", {"input": jnp.array([0.4, 0.5, 0.6])}), [-1, 0, 1])
    slope = jax.grad(lambda v: comparator.balance(0.0, {"input": v}, {}).static["out"].sum())(jnp.array([0.5, 0.6, 9.0]))
    np.testing.assert_allclose(slope, 10 / np.cosh([0.0, 1.0, 85.0]) ** 2, atol=1e-12)


def test_a_held_value_droops_exponentially_and_droop_composes():
    hold = SampleAndHold(jnp.array([1.0, -2.0]), droop_rate=3.0)
    np.testing.assert_allclose(hold.age(0.5, 300.0, KEY).held, np.array([1.0, -2.0]) * np.exp(-1.5), rtol=1e-14)


def test_what_cannot_be_is_refused():
    for act, words in [
        (lambda: ADC.of(2, bits=1), r"`bits` must be at least 1.5 bit and at most 52 bit, but is 1 bit"),
        (lambda: ADC.of(2, full_scale=0.0), r"`full_scale` must be above 0 V, but is 0 V"),
        (lambda: Comparator.of(2, domain="optical"), r"`domain` must be one of electrical, signal, but is `optical`"),
    ]:
        with pytest.raises(InputError, match=words):
            act()
