"""Rules that transistors compute against the ideal ones: windows, departures in closed form, stop-learning, third factor."""

import functools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.devices.cmos import CapacitorWeight
from devsim.devices.cmos.log_domain import log_of
from devsim.learning.plasticity import CSTDP, PSTDP, RSTDP, SDSP, ShortTerm, Signals, replay
from devsim.learning.plasticity.silicon import SiliconCSTDP, SiliconPSTDP, SiliconRSTDP, SiliconSDSP, SiliconShortTerm
from devsim.learning.plasticity.silicon.pair import SATURATION
from devsim.learning.plasticity.silicon.trace import PEAK, gain_current

STEP = 5e-4
LAGS = np.array([-40, -20, -10, -5, -1, 1, 5, 10, 20, 40]) * 1e-3
"""Postsynaptic less presynaptic time, s."""
IDEAL = PSTDP()


def window(rule, **options):
    """The change of a weight from one half after one pair at each of `LAGS`."""
    post = 0.1 + STEP / 2
    run = replay(rule, np.full((len(LAGS), 1), 0.5), [[post - lag] for lag in LAGS], [[post]], step=STEP, **options)
    return np.asarray(run.final)[:, 0] - 0.5


@functools.cache
def pair_windows():
    """That of the ideal rule and that of the circuit without imperfections."""
    return window(IDEAL, duration=0.2), window(SiliconPSTDP.imitating(IDEAL).ideal(), duration=0.2)


def test_the_window_of_the_circuit_is_that_of_the_rule_within_its_known_departures():
    """Saturation by one part in SATURATION, and an off current in both traces that every event samples."""
    ideal, silicon = pair_windows()
    off = float(SiliconPSTDP().technology.off_current() / gain_current(SiliconPSTDP().technology)) / PEAK
    bound = np.abs(ideal) / SATURATION + 2 * float(IDEAL.depression) * off
    assert np.all(np.abs(silicon - ideal) < bound)
    assert np.all(np.abs(silicon - ideal)[[4, 5]] > 0.5 * np.abs(ideal)[[4, 5]] / SATURATION)  # they are there


def test_the_window_of_the_circuit_is_its_closed_form():
    rule = SiliconPSTDP.imitating(IDEAL).ideal()
    off, kappa = float(rule.technology.off_current()), 0.7
    peak = PEAK * float(gain_current(rule.technology))

    def sampled(distance):
        level = off * (1 + ((peak / off) ** (1 / kappa) - 1) * np.exp(-distance / 20e-3 / kappa)) ** kappa
        return SATURATION / (1 + SATURATION * peak / level)

    gain, loss = float(IDEAL.potentiation), float(IDEAL.depression)
    rest = np.inf
    up = gain * np.where(LAGS > 0, sampled(np.abs(LAGS)), sampled(rest))
    down = loss * np.where(LAGS > 0, sampled(rest), sampled(np.abs(LAGS)))
    np.testing.assert_allclose(pair_windows()[1], up - down, rtol=0, atol=1e-12)


def test_post_after_pre_strengthens_and_before_weakens():
    silicon = pair_windows()[1]
    assert np.all(silicon[LAGS > 0] > 0)
    assert np.all(silicon[LAGS < 0] < 0)


def test_calcium_in_silicon_moves_the_weight_the_way_that_calcium_does():
    ideal_rule = CSTDP(noise=0.0)
    ideal = window(ideal_rule, duration=0.2)
    silicon = window(SiliconCSTDP.imitating(ideal_rule).ideal(), duration=0.2)
    clear = np.abs(ideal) > 2e-3
    assert clear.sum() >= 4
    assert np.all(np.sign(silicon[clear]) == np.sign(ideal[clear]))
    assert {-1.0, 1.0} == set(np.sign(ideal[clear]))


def test_reward_decides_the_sign_and_without_it_nothing_changes():
    ideal_rule = RSTDP()
    rule = SiliconRSTDP.imitating(ideal_rule).ideal()
    count = round(0.4 / STEP)
    factor = np.tile([-1.0, 0.0, 1.0], (count, 1))
    given = ([[0.02 + STEP / 2], [0.04 + STEP / 2]], [[0.03 + STEP / 2]] * 3)
    options = dict(duration=0.4, step=STEP, third_factor=factor)
    silicon = np.asarray(replay(rule, np.full((2, 3), 0.5), *given, **options).final) - 0.5
    ideal = np.asarray(replay(ideal_rule, np.full((2, 3), 0.5), *given, **options).final) - 0.5
    assert np.all(silicon[:, 1] == 0)
    assert np.all(silicon[0] * np.array([-1, 0, 1]) >= 0) and np.all(silicon[1] * np.array([1, 0, -1]) >= 0)
    slope = 0.7 * 5e-3 / (2 * 0.025852)
    # saturation of pairs and of the factor, and off currents in both traces of each pair
    bound = np.abs(ideal) * (1 / SATURATION + slope**2 / 3) + 2 * 0.00525 * 0.4 * 0.005
    assert np.all(np.abs(silicon - ideal) < bound)
    assert np.all(np.abs(ideal[:, [0, 2]]) > 10 * bound[:, [0, 2]])


STEP_OF = eqx.filter_jit(lambda rule, *given: rule.step(*given, jnp.array(1e-9)))


def learned(rule, calcium, membrane):
    """The change of a weight from one half at a presynaptic event, with `calcium` in units of one event's, per neuron."""
    calcium, membrane = np.broadcast_arrays(np.atleast_1d(calcium), membrane)
    state = {"calcium": log_of(calcium * PEAK * gain_current(rule.technology))}
    signals = Signals(jnp.ones(1), jnp.zeros(calcium.shape), jnp.asarray(membrane))
    weights, _ = STEP_OF(rule, jnp.full((1, len(calcium)), 0.5), state, signals)
    return np.asarray(weights)[0] - 0.5


def test_learning_stops_where_calcium_is_outside_of_its_window():
    """Beyond an edge by a ratio r, 1 / (1 + r^40) of a jump is left; the comparators' share, and nothing else."""
    ideal = SDSP(up_drift=0.0, down_drift=0.0)
    rule = SiliconSDSP.imitating(ideal).ideal()
    far = 1.2
    outside = np.array([3.0 / far, 13.0 * far])
    rest = 0.1 / (1 + far**40)
    assert np.all(np.abs(learned(rule, outside, 1.2)) < 1.001 * rest)
    assert np.all(np.abs(learned(rule, np.array([3.0 / far, 4.0 * far]), 0.4)) < 1.001 * rest)
    np.testing.assert_allclose(learned(rule, 6.0, 1.2), 0.1, rtol=2e-4)
    middle = np.sqrt(12.0)
    np.testing.assert_allclose(learned(rule, middle, 0.4), -0.1 / (1 + (3 / 4) ** 20) ** 2, rtol=1e-3)


def test_the_membrane_decides_the_sign_within_a_thermal_voltage():
    rule = SiliconSDSP.imitating(SDSP(up_drift=0.0, down_drift=0.0)).ideal()
    change = learned(rule, 3.5, np.array([0.4, 0.79, 0.8, 0.81, 1.2]))
    assert np.all(np.diff(change) > 0)
    share = 1 / (1 + np.exp(-0.7 * 0.01 / 0.025852))
    assert change[3] - change[2] == pytest.approx(change[4] * (share - 0.5) - change[0] * (share - 0.5), rel=1e-3)


def test_weights_drift_to_the_nearer_rail():
    rule = SiliconSDSP.imitating(SDSP()).ideal()
    start = np.array([0.3, 0.49, 0.51, 0.8])
    np.testing.assert_array_equal(rule.weights(rule.kept(rule.voltage(start), 10.0)), [0, 0, 1, 1])
    moved = np.asarray(rule.weights(rule.kept(rule.voltage(start[[0, 3]]), 0.01))) - start[[0, 3]]
    # tanh(0.2 V_DD / (2 U_T / kappa)) of the drift of the rule
    np.testing.assert_allclose(moved, np.array([-1, 1]) * 3.5 * 0.01 * np.tanh(0.2 * 1.8 * 0.7 / 0.051704), rtol=1e-3)


def test_short_term_nodes_release_as_the_rule_within_what_the_discharge_departs():
    """The resource keeps (1 - U)^(u / U) of itself where the rule keeps 1 - u; never more than e^-u less 1 - u apart."""
    ideal_rule = ShortTerm(increment=0.3, facilitation_time=50e-3, recovery_time=200e-3)
    rule = SiliconShortTerm.imitating(ideal_rule).ideal()
    times = [np.array([0.02, 0.05, 0.07, 0.13]) + STEP / 2]
    options = dict(duration=0.2, step=STEP)
    ideal = replay(ideal_rule, np.array([[0.5]]), times, [[]], **options)
    silicon = replay(rule, np.array([[0.5]]), times, [[]], **options)
    u, r = (np.asarray(ideal.local[name])[:, 0] for name in ("utilisation", "resource"))
    held = np.exp(np.asarray(silicon.local["facilitation"])[:, 0])
    np.testing.assert_allclose(1 - held, u, rtol=0, atol=1e-9)
    first = round(0.05 / STEP)
    kept = np.exp(np.asarray(silicon.local["resource"])[:, 0])
    np.testing.assert_allclose(kept[:first], r[:first], rtol=0, atol=1e-9)
    most = float(u.max())
    bound = 4 * abs(0.7 ** (most / 0.3) - (1 - most))  # four events, each at most this far
    assert np.abs(kept - r).max() < bound
    released = np.asarray(silicon.local["released"])
    np.testing.assert_allclose(rule.efficacy(jnp.array([[0.5]]), {"released": released[-1]}), 0.5 * released[-1:], rtol=1e-12)


def test_a_leaky_weight_forgets_what_the_capacitor_says():
    rule = SiliconPSTDP.imitating(IDEAL, weight=CapacitorWeight(capacitance=0.5e-12)).set("technology.leakage_current", 2e-15)
    signals = Signals(jnp.zeros(1), jnp.zeros(1))
    weights = jnp.array([[0.5]])
    after, _ = rule.step(weights, rule.begin(weights), signals, jnp.array(1e-2))
    assert float(weights[0, 0] - after[0, 0]) == pytest.approx(4e-3 * 1e-2 / 1.8, rel=1e-9)
