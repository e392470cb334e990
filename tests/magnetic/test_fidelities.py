"""One oscillator in three fidelities: the power and the phase of a macrospin against those of its models, in their range."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.magnetic import AutoOscillator, PhaseOscillator, auto_oscillation, steady_precession
from tests.magnetic.spins import perpendicular, run

EXCESS = np.array([0.02, 0.04])
"""By how much the bias is above the threshold."""


def pair():
    """Perpendicular macrospins, their currents, and their models."""
    spin = perpendicular(resistance=np.full(2, 1e3))
    small = auto_oscillation(spin)
    current = (1 + EXCESS) * small.threshold_current
    return spin, current, AutoOscillator.of_oscillation(small, current)


def test_steady_power_and_frequency_agree_to_first_order_above_the_threshold():
    spin, current, model = pair()
    exact = steady_precession(spin, current)
    frequency = model.frequency * (1 + model.detuning)
    power = np.asarray(model.free_power() / exact.power - 1)
    shifted = np.asarray((frequency - exact.frequency) / (exact.frequency - auto_oscillation(spin).frequency))
    for error in (power, shifted):
        assert np.all(np.abs(error) < EXCESS)
        assert error[1] / error[0] == pytest.approx(2, rel=0.1)


def test_power_grows_as_that_of_the_macrospin():
    """From a thousandth of the steady power on; the power itself, up to 0.007, is the scale of what the model leaves out."""
    spin, current, model = pair()
    start = 1e-3 * model.free_power()
    angle = np.arccos(1 - 2 * np.asarray(start))
    tilted = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=-1)
    time, m = run(spin.put(initial=jnp.asarray(tilted)), current, duration=3e-7, step=1e-12, every=1000)
    power = (1 - m[..., 2]) / 2
    envelope = jnp.sqrt(start / model.free_power()) + 0j
    flows = jax.vmap(lambda t: model.flow(envelope, t))(jnp.asarray(time))
    expected = np.asarray(model.free_power()) * np.abs(flows) ** 2
    assert np.all(expected[-1] / expected[0] > 100)
    np.testing.assert_allclose(power, expected, rtol=3 * EXCESS.max())


def test_a_bias_below_the_threshold_is_refused():
    spin, current, _ = pair()
    with pytest.raises(InputError, match="`threshold_current` must be below `current`"):
        AutoOscillator.of_oscillation(auto_oscillation(spin), 0.9 * current)


def test_the_phase_alone_follows_from_the_amplitude():
    _, _, model = pair()
    phase = PhaseOscillator.reduced(model)
    np.testing.assert_allclose(phase.nonlinearity, model.nonlinear_coefficient())
    np.testing.assert_allclose(phase.detuned(), model.detuned())
    np.testing.assert_allclose(phase.nonlinearity, 1 / 0.01, rtol=0.05)  # of a macrospin about its polariser, 1 / alpha
