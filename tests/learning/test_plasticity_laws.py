"""A law of each rule of plasticity: exact traces, closed forms, fixed points, changes of sign."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.learning.plasticity import (
    BDSP,
    CMPDP,
    DPSS,
    HMPDP,
    MPDP,
    PSTDP,
    RDSP,
    RSTDP,
    SBCM,
    SDSP,
    TSTDP,
    VSTDP,
    ShortTerm,
    Signals,
    replay,
)

STEP = 1e-3
HALF = np.full((1, 1), 0.5)


def run(rule, pre, post, duration=0.2, **given):
    """One synapse from 0.5."""
    return replay(rule, HALF, [pre], [post], duration=duration, step=STEP, **given)


def change(rule, pre, post, **given):
    return float(run(rule, pre, post, **given).final[0, 0]) - 0.5


def test_traces_are_sums_of_exponentials_to_rounding():
    times = np.array([0.01, 0.013, 0.05])
    got = run(TSTDP(), times, times)
    t = np.asarray(got.times)[:, None] - STEP
    since = np.where(t >= times - 1e-9, t - times, np.inf)
    for name, tau in (("pre_trace", 16.8e-3), ("slow_pre_trace", 101e-3), ("post_trace", 33.7e-3), ("slow_post_trace", 125e-3)):
        np.testing.assert_allclose(got.local[name][:, 0], np.exp(-since / tau).sum(1), rtol=1e-12, atol=1e-15)


def test_weights_stop_at_their_bounds():
    every = np.arange(0.001, 0.19, 0.01)
    assert float(run(PSTDP(potentiation=0.3), every, every + 1e-3).final[0, 0]) == 1.0
    assert float(run(PSTDP(depression=0.3), every + 1e-3, every).final[0, 0]) == 0.0


def test_a_triplet_counts_as_its_closed_form():
    """Post, pre, post at distances d: the pairs and the triplet, slow traces read before their own event."""
    d, rule = 10e-3, TSTDP()
    gain = np.exp(-d / 16.8e-3) * (5e-10 + 6.2e-3 * np.exp(-2 * d / 125e-3))
    loss = np.exp(-d / 33.7e-3) * 7e-3
    assert change(rule, [0.05], [0.04, 0.06]) == pytest.approx(gain - loss, rel=1e-10)
    two = np.exp(-2 * d / 101e-3)
    loss = np.exp(-d / 33.7e-3) * (7e-3 + 2.3e-4 * two)
    assert change(rule, [0.04, 0.06], [0.05]) == pytest.approx(np.exp(-d / 16.8e-3) * 5e-10 - loss, rel=1e-10)


def test_voltage_depression_grows_with_the_square_of_the_mean_depolarisation():
    """A membrane held between the thresholds: u- is there, m is where its filter has come to."""
    held, low = -0.06, -70.6e-3
    for reference in (7.746e-3, 15.0e-3):
        m = (held - low) + (reference - (held - low)) * np.exp(-0.151 / 1.0)
        u = held + (low - held) * np.exp(-0.151 / 10e-3)
        law = -0.14 * (m / reference) ** 2 * (u - low)
        assert change(VSTDP(reference=reference), [0.15], [], membrane=held) == pytest.approx(law, rel=1e-10)


def test_voltage_potentiation_is_the_integral_of_its_law():
    """A membrane held above both thresholds from the begin, in ever smaller steps: first order in the step."""
    held, low, high, d = -0.03, -70.6e-3, -45.3e-3, 0.05
    rate, fast, slow = 80.0 * (held - high), 1 / 7e-3, 1 / 15e-3
    closed = lambda a, b: rate * slow * ((held - low) * (1 - np.exp(-d * slow)) / slow - (held - low) * np.exp(-a * fast) * b)
    law = closed(d, (1 - np.exp(-d * (slow + fast))) / (slow + fast))
    errors = []
    for step in (1e-4, 5e-5):
        begin = dict(duration=0.1, step=step, membrane=held)
        got = replay(VSTDP(depression=0.0, maximum_weight=9.0), HALF, [[d - step]], [[]], **begin).final[0, 0] - 0.5
        errors.append(abs(float(got) - law))
    assert errors[0] / law < 0.02
    assert errors[0] / errors[1] == pytest.approx(2.0, abs=0.3)


def test_a_two_state_synapse_drifts_to_the_nearer_state_and_transmits_one_of_two_values():
    rule = SDSP()
    start = np.array([[0.45, 0.55]])
    got = replay(rule, start, [[]], [[], []], duration=0.2, step=STEP, membrane=0.0)
    np.testing.assert_allclose(got.weights[49, 0], [0.45 - 3.5 * 0.05, 0.55 + 3.5 * 0.05], rtol=1e-12)
    np.testing.assert_allclose(got.final[0], [0.0, 1.0], atol=1e-12)
    np.testing.assert_array_equal(rule.efficacy(got.final, {})[0], [0.0, 1.0])


@pytest.mark.parametrize(("calcium", "up", "down"), [(2.0, 0, 0), (3.5, 0.1, -0.1), (5.0, 0.1, 0), (14.0, 0, 0)])
def test_learning_stops_where_calcium_is_out_of_its_windows(calcium, up, down):
    rule, one = SDSP(up_drift=0.0, down_drift=0.0), jnp.ones(1)
    for membrane, law in ((0.9, up), (0.1, down)):
        signals = Signals(one, 0 * one, membrane=membrane * one)
        after, _ = rule.step(jnp.asarray(HALF), {"calcium": calcium * one}, signals, 1e-6)
        assert float(after[0, 0]) - 0.5 == pytest.approx(law, abs=1e-12)


def test_activity_above_the_sliding_threshold_strengthens_and_below_it_weakens():
    rule, one = SBCM(), jnp.ones(1)
    at = {"pre_activity": 50 * one, "post_activity": 40 * one}
    for threshold in (0.0, 39.0, 40.0, 41.0, 80.0):
        after, state = rule.step(jnp.asarray(HALF), at | {"threshold": threshold * one}, Signals(0 * one, 0 * one), STEP)
        law = 1e-9 * STEP * 50 * 40 * (40 - threshold)
        assert float(after[0, 0]) - 0.5 == pytest.approx(law, abs=1e-14)
        assert float(state["threshold"][0]) == pytest.approx(40 + (threshold - 40) * np.exp(-STEP), rel=1e-12)


def test_a_membrane_in_balance_changes_nothing_and_any_other_is_pulled_back():
    area = 10e-3 * (1 - np.exp(-18.9)) - 2e-3
    for membrane in (0.3, 0.5, 0.8):
        got = change(MPDP(), [0.01], [], membrane=membrane)
        assert got == pytest.approx((0.5 - membrane) * area, rel=1e-7, abs=1e-15)


def test_a_closed_loop_settles_at_the_balance():
    """The membrane is proportional to the weight: w = th / gain is the only fixed point, from both sides."""
    rule, one, gain = MPDP(rate=20.0), jnp.ones(1), 0.8

    def one_step(carry, k):
        weights, state = carry
        pre = (k % 10 == 0) * one
        return rule.step(weights, state, Signals(pre, 0 * one, membrane=gain * weights[0]), STEP), None

    for begin in (0.1, 0.95):
        weights = jnp.full((1, 1), begin)
        (final, _), _ = jax.lax.scan(one_step, (weights, rule.begin(weights)), jnp.arange(3000))
        assert float(final[0, 0]) == pytest.approx(0.5 / gain, abs=1e-6)


def test_homeostasis_is_quiet_between_its_thresholds_and_linear_outside():
    area = 10e-3 * (1 - np.exp(-18.9)) - 2e-3
    for membrane, law in ((0.1, 0.2), (0.3, 0.0), (0.6, 0.0), (0.9, 0.0), (1.1, -0.4)):
        got = change(HMPDP(depression=2.0), [0.01], [], membrane=membrane)
        assert got == pytest.approx(law * area, rel=1e-7, abs=1e-15)


def test_homeostatic_steps_vanish_at_the_target_of_calcium():
    rule, one = CMPDP(), jnp.ones(1)
    for calcium in (0.0, 1.0, 3.0):
        signals = Signals(one, 0 * one, membrane=0.9 * one)
        after, _ = rule.step(jnp.asarray(HALF), {"calcium": calcium * one}, signals, 1e-9)
        assert float(after[0, 0]) - 0.5 == pytest.approx(0.01 + 0.001 * (1 - calcium), rel=1e-6)


def test_a_rate_dependent_synapse_never_passes_its_highest_weight():
    """And what had no presynaptic spike loses rate x_tar (w_max - w)^mu."""
    assert change(RDSP(), [], [0.1]) == pytest.approx(-0.01 * 0.4 * 0.5**0.2, rel=1e-10)
    many = np.arange(0.0, 0.2, 2e-3)
    assert 0.99 < 0.5 + change(RDSP(rate=0.1, exponent=1.0), many, many) <= 1.0


def test_a_dendrite_that_predicts_its_soma_learns_nothing():
    soma, alpha = 1.1, 0.9
    assert change(DPSS(), [0.01], [], membrane=soma, dendrite=soma / alpha) == pytest.approx(0.0, abs=1e-15)
    phi = lambda u: 1 / (1 + 0.5 * np.exp(-(u - 1.0) / 0.2))
    law = (phi(soma) - phi(alpha * 0.7)) * 10e-3 * (1 - np.exp(-18.9))
    assert change(DPSS(), [0.01], [], membrane=soma, dendrite=0.7) == pytest.approx(law, rel=1e-8)


def test_bursts_and_events_act_by_their_closed_form():
    """Spikes at 10, 20, 28 ms: an event, the second spike of its burst, and a third that is neither."""
    trace = lambda since: np.exp(-since / 50e-3)
    got = run(BDSP(), [0.0], [0.01, 0.02, 0.028])
    law = -0.1 * 0.2 * trace(0.01) + 0.1 * trace(0.02)
    assert float(got.final[0, 0]) - 0.5 == pytest.approx(law, rel=1e-12)
    average = lambda begin, at: begin * np.exp(-0.2 / 5.0) + np.exp(-(0.2 - at - STEP) / 5.0)
    np.testing.assert_allclose(got.local["events"][-1, 0], average(1.0, 0.01), rtol=1e-12)
    np.testing.assert_allclose(got.local["bursts"][-1, 0], average(0.2, 0.02), rtol=1e-12)


def test_the_usual_share_of_bursts_is_where_learning_stops():
    """Every fifth event a burst, a presynaptic trace that hardly moves: what bursts give, events take within 5 %.

    A neuron that has never seen a burst in a life of 1e15 events learns from them all.
    """
    begins = np.arange(0.0, 20.0, 0.1)
    post = np.sort(np.concatenate([begins, begins[::5] + 0.01]))
    last = {}
    for life in (1.0, 1e15):
        rule = BDSP(average_time=1.0, pre_time=1.0, rate=1e-4, usual_share=0.0, begin_events=life)
        got = replay(rule, HALF, [np.arange(0.0, 20.0, 0.017)], [post], duration=20.0, step=STEP, every=5000)
        last[life] = float(got.weights[-1, 0, 0] - got.weights[-2, 0, 0])
    bursts_alone = 1e-4 * float(got.local["pre_trace"][-1, 0]) * 10
    assert abs(last[1.0]) < 0.05 * bursts_alone
    assert last[1e15] == pytest.approx(bursts_alone, rel=0.05)


def test_eligibility_waits_for_its_reward():
    """A pair, then a reward of one step: dw = m tau_e e (1 - exp(-h / tau_e)), e decayed since the pair."""
    reward = np.zeros(200)
    reward[150] = 2.0
    got = change(RSTDP(), [0.05], [0.06], third_factor=reward)
    pair = 0.005 * np.exp(-0.01 / 20e-3)
    law = 2.0 * pair * np.exp(-(0.150 - 0.061) / 1.0) * (1 - np.exp(-STEP / 1.0))
    assert got == pytest.approx(law, rel=1e-10)


@pytest.mark.parametrize(("increment", "facilitation", "recovery"), [(0.5, 20e-3, 0.8), (0.1, 1.0, 0.1)])
def test_a_regular_train_settles_at_its_closed_form(increment, facilitation, recovery):
    """One synapse that depresses and one that facilitates."""
    rule = ShortTerm(increment=increment, facilitation_time=facilitation, recovery_time=recovery)
    got = replay(rule, HALF, [np.arange(0.0, 8.0 - 1e-9, 0.02)], [[]], duration=8.0, step=STEP)
    u = increment / (1 - (1 - increment) * np.exp(-0.02 / facilitation))
    e = np.exp(-0.02 / recovery)
    r = (1 - e) / (1 - (1 - u) * e)
    first, last = (jax.tree.map(lambda x: x[step], got.local) for step in (0, -20))
    assert float(rule.efficacy(got.weights[0], first)[0, 0]) == pytest.approx(0.5 * increment, rel=1e-12)
    assert float(rule.efficacy(got.weights[-20], last)[0, 0]) == pytest.approx(0.5 * u * r, rel=1e-9)
    assert (u * r > increment) == (facilitation > recovery)
