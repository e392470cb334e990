"""The windows of spike-timing-dependent plasticity: post after pre strengthens, pre after post weakens."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from devsim.learning.plasticity import BDSP, CMPDP, PSTDP, RDSP, RSTDP, SDSP, TSTDP, VSTDP, Signals, published, replay

STEP, DURATION = 1e-3, 0.25
STEPS = round(DURATION / STEP)
DISTANCES = np.array([-40, -20, -10, -5, 5, 10, 20, 40]) * 1e-3
"""Postsynaptic less presynaptic time (s), one column each."""
MIDDLE = 0.12


def window(rule, *, pairs=1, **signals):
    """Change of the weight of one presynaptic neuron to as many postsynaptic ones as there are distances."""
    every = DURATION / pairs
    pre = [[MIDDLE + every * k for k in range(pairs)]]
    post = [[MIDDLE + d + every * k for k in range(pairs)] for d in DISTANCES]
    start = np.full((1, len(DISTANCES)), 0.5)
    run = replay(rule, start, pre, post, duration=DURATION, step=STEP, every=STEPS, **signals)
    return np.asarray(run.final - start)[0]


def assert_causal(change):
    """Post after pre strengthens, pre after post weakens, and less so further away."""
    assert (change[DISTANCES > 0] > 0).all()
    assert (change[DISTANCES < 0] < 0).all()
    assert (np.diff(change[DISTANCES > 0]) < 0).all()
    assert (np.diff(change[DISTANCES < 0]) < 0).all()


def firing(rest, top, low):
    """The membrane of neurons that fire at their distances: a spike of one step, then a tail."""
    t = np.arange(STEPS)[:, None] * STEP - (MIDDLE + DISTANCES)
    return np.where(np.abs(t) < STEP / 2, top, np.where(t > 0, rest + (low - rest) * np.exp(-np.maximum(t, 0) / 30e-3), rest))


def test_the_window_of_pairs_is_two_exponentials():
    change = window(PSTDP())
    law = np.where(DISTANCES > 0, 0.005 * np.exp(-DISTANCES / 20e-3), -0.00525 * np.exp(DISTANCES / 20e-3))
    np.testing.assert_allclose(change, law, rtol=1e-12)
    assert_causal(change)


def test_the_window_of_triplet_plasticity_with_a_frequent_partner_is_causal():
    """A postsynaptic spike that comes after others, as in a train, potentiates; a single pair hardly does."""
    d = 10e-3
    pre = [[0.1, 0.2]]
    post = [[0.1 + d, 0.2 + d], [0.1 - d, 0.2 - d]]
    change = np.asarray(replay(TSTDP(), np.full((1, 2), 0.5), pre, post, duration=0.25, step=STEP).final)[0] - 0.5
    assert change[0] > 0 > change[1]


def test_the_window_of_voltage_plasticity_is_causal():
    """A spike of 1 ms to 30 mV and a depolarised tail."""
    membrane = firing(-70.6e-3, 30e-3, -60e-3)
    change = window(VSTDP(), membrane=membrane)
    assert (change[DISTANCES < 0] < 0).all()
    assert (np.diff(change[DISTANCES < 0]) < 0).all()
    assert (change[DISTANCES > 0] >= 0).all()


def test_a_postsynaptic_burst_after_a_presynaptic_spike_strengthens_by_voltage():
    """u+ has to be up when the membrane fires: the second spike of a burst does it."""
    t = np.arange(STEPS) * STEP
    fires = np.isin(np.round(t / STEP), np.round((MIDDLE + np.array([5e-3, 15e-3])) / STEP))
    membrane = np.where(fires, 30e-3, -65e-3)[:, None]
    pre = [[MIDDLE], [MIDDLE + 20e-3]]
    run = replay(VSTDP(), np.full((2, 1), 0.5), pre, [[]], duration=DURATION, step=STEP, membrane=membrane)
    assert run.final[0, 0] > 0.5 > run.final[1, 0]


def test_the_window_of_spike_driven_plasticity_follows_the_membrane():
    """Presynaptic events that find the membrane near its threshold jump up, those after a reset jump down."""
    t = np.arange(STEPS)[:, None] * STEP - (MIDDLE + DISTANCES)
    membrane = np.where(t < 0, 0.95, 0.1)
    change = window(SDSP(up_drift=0.0, down_drift=0.0, calcium_jump=0.0, up_low=-1.0, down_low=-1.0), membrane=membrane)
    np.testing.assert_allclose(change, np.where(DISTANCES > 0, 0.1, -0.1), rtol=1e-12)


def test_the_window_of_membrane_steps_follows_the_membrane():
    t = np.arange(STEPS)[:, None] * STEP - (MIDDLE + DISTANCES)
    change = window(CMPDP(homeostasis=0.0), membrane=np.where(t < 0, 0.95, 0.1))
    np.testing.assert_allclose(change, np.where(DISTANCES > 0, 0.01, -0.01), rtol=1e-12)


def test_the_window_of_calcium_plasticity_is_causal():
    """Set DP without noise: pre first, calcium passes both thresholds; post first, it stays above the lower one for longer."""
    change = window(dataclasses.replace(published("DP"), noise=0.0))
    assert change[DISTANCES == 20e-3] > 0 > change[DISTANCES == -20e-3]


def test_a_rate_dependent_synapse_grows_where_the_presynaptic_spike_came_first():
    change = window(RDSP())
    law = 0.01 * (np.where(DISTANCES > 0, np.exp(-DISTANCES / 20e-3), 0.0) - 0.4) * 0.5**0.2
    np.testing.assert_allclose(change, law, rtol=1e-12)


def test_a_reward_turns_a_pair_into_its_change_and_a_punishment_into_the_opposite():
    reward = np.where(np.arange(STEPS) * STEP >= 0.2, 1.0, 0.0)
    change = window(RSTDP(), third_factor=reward)
    assert_causal(change)
    np.testing.assert_allclose(window(RSTDP(), third_factor=-reward), -change, rtol=1e-9)
    np.testing.assert_allclose(window(RSTDP(), third_factor=0.0), 0.0, atol=1e-15)


def test_a_burst_after_a_presynaptic_event_strengthens_and_a_single_spike_weakens():
    pre = [[0.1]]
    post = [[0.11, 0.12], [0.11]]
    change = np.asarray(replay(BDSP(), np.full((1, 2), 0.5), pre, post, duration=0.25, step=STEP).final)[0] - 0.5
    assert change[0] > 0 > change[1]


def test_spikes_of_one_step_count_as_presynaptic_first():
    ones = jnp.ones((1,))
    for rule, gain in ((PSTDP(), 0.005), (TSTDP(), 5e-10)):
        weights = jnp.full((1, 1), 0.5)
        after, _ = rule.step(weights, rule.begin(weights), Signals(ones, ones), STEP)
        assert float(after[0, 0]) - 0.5 == pytest.approx(gain, rel=1e-6)
