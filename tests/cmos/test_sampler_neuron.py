"""The neuron that samples: statistics of its membrane, and the share of time that it spends at one."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from devsim.check import InputError
from devsim.devices.spiking import IntegrateAndFire, SamplerNeuron, calibrated
from devsim.ports import Noise

THRESHOLD, SIGMA, LEAK = 1.0, 0.1, 1e-8


def sampler(threshold=THRESHOLD, refractory=10e-3, noise=10e-3):
    """A membrane of 0.1 ms in a bath of noise."""
    inside = IntegrateAndFire(threshold, leak_conductance=LEAK, reset_potential=0.9, refractory_time=refractory)
    return SamplerNeuron(inside, noise_time=noise, membrane_deviation=SIGMA)


@functools.partial(jax.jit, static_argnames="steps")
def shares(neuron, means, steps, step, key):
    """The share of time at one for mean membranes (V)."""
    return neuron.occupancy(LEAK * means, steps=steps, step=step, key=key)


def test_a_membrane_that_does_not_fire_has_the_stationary_deviation():
    neuron, lanes, step = sampler(threshold=100.0), 400, 1e-4
    start = {name: jnp.broadcast_to(unknown.value, (lanes,)) for name, unknown in neuron.rest().items()}

    def forward(state, key):
        state, _ = neuron.advance(state, 0.3 * LEAK, jax.random.normal(key, (lanes,)), step)
        return state, None

    forwards = jax.jit(lambda state, key: jax.lax.scan(forward, state, jax.random.split(key, 1000))[0])
    membrane = np.asarray(forwards(start, jax.random.key(0))["membrane"])  # ten correlation times later: stationary
    assert membrane.mean() == pytest.approx(0.3, abs=5 * SIGMA / np.sqrt(lanes))
    assert membrane.std() == pytest.approx(SIGMA, rel=5 / np.sqrt(2 * lanes))


def test_slow_noise_gives_the_normal_share_and_one_half_at_the_threshold():
    means = THRESHOLD + SIGMA * jnp.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    lanes, steps, step, noise, refractory = 200, 4000, 1e-3, 1.0, 20e-3
    neuron = sampler(refractory=refractory, noise=noise)
    found = shares(neuron, jnp.repeat(means[:, None], lanes, 1), steps, step, jax.random.key(1))
    expected = norm.cdf((np.asarray(means) - THRESHOLD) / SIGMA)
    # samples a correlation time apart count as one; of visits above the threshold, those that are shorter than the refractory
    # time, (2 / (t_ref tau_n))^0.5 / (2 pi) in a second, are rounded up to it; one step passes before the next event
    error = 5 * np.sqrt(2 * expected * (1 - expected) / (lanes * steps * step / noise))
    rounded = np.sqrt(2 * refractory / noise) / (2 * np.pi) + expected * step / refractory
    assert np.all(np.abs(np.asarray(found).mean(1) - expected) < error + rounded)


def test_the_activation_is_nearly_logistic_where_the_noise_lasts_as_long_as_the_refractory_time():
    means = THRESHOLD + SIGMA * jnp.linspace(-3, 3, 13)
    found = np.asarray(shares(sampler(), jnp.repeat(means[:, None], 20, 1), 8000, 2e-4, jax.random.key(2)).mean(1))
    middle, width = calibrated(means, found)
    logistic = 1 / (1 + np.exp(-(np.asarray(means) - float(middle)) / float(width)))
    assert np.all(np.diff(found) > 0)
    assert np.abs(found - logistic).max() < 0.03
    assert 0.3 * SIGMA < float(width) < SIGMA


def test_calibration_finds_the_logistic_that_it_is_shown():
    means = jnp.linspace(-1.0, 2.0, 9)
    middle, width = calibrated(means, 1 / (1 + jnp.exp(-(means - 0.3) / 0.2)))
    assert float(middle) == pytest.approx(0.3, rel=1e-9)
    assert float(width) == pytest.approx(0.2, rel=1e-9)
    with pytest.raises(InputError, match="`shares` must have two values or more between 0 and 1"):
        calibrated(means, jnp.where(means > 0, 1.0, 0.0))


def test_the_noise_of_a_circuit_has_the_variance_of_the_bath():
    """White noise of a one-sided density S on a rate -x / tau leaves the variance S tau / 4."""
    neuron = sampler()
    told = {"input": jnp.zeros(())}, {name: jnp.asarray(unknown.value) for name, unknown in neuron.rest().items()}
    bath = neuron.noise(*told)["bath"]
    assert isinstance(bath, Noise)
    assert bath.between == ("noise_current",)
    variance = float(bath.density) * 10e-3 / 4
    assert variance * (10e-3 / (10e-3 + 1e-4)) == pytest.approx((LEAK * SIGMA) ** 2, rel=1e-12)  # behind the membrane


def test_a_sampler_is_the_neuron_inside_with_its_noise_current_added():
    neuron, noisy = sampler(), jnp.asarray(2e-9)
    state = {"membrane": jnp.asarray(0.4), "countdown": jnp.zeros(())}
    whole = neuron.balance(0.0, {"input": jnp.asarray(1e-9)}, state | {"noise_current": noisy})
    inside = neuron.neuron.balance(0.0, {"input": jnp.asarray(3e-9)}, state)
    np.testing.assert_allclose(whole.static["membrane"], inside.static["membrane"], rtol=1e-14)
    np.testing.assert_allclose(whole.static["noise_current"], 2e-9 / 10e-3, rtol=1e-14)
    assert float(whole.static["state"]) == 0.0
    assert float(neuron.state(state | {"countdown": jnp.asarray(5e-3)})) == 1.0


def test_a_sampler_needs_a_neuron():
    with pytest.raises(InputError, match="`neuron` must be"):
        SamplerNeuron(3.0)  # pyright: ignore[reportArgumentType]
