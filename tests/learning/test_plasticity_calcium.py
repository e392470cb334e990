"""Calcium-based plasticity against the closed forms of Graupner & Brunel, PNAS 109, 3991 (2012), and its supplement."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from devsim.learning.plasticity import Signals, published
from devsim.learning.plasticity import replay as play

PERIOD, PAIRS, STEP = 1.0, 60, 5e-4
DISTANCES = np.array([-40, -20, -5, 10, 25, 50]) * 1e-3
"""Postsynaptic less presynaptic time (s)."""
SAME, TIME = 250, 20e-3
"""Synapses of one timing; decay of calcium (s)."""
BEGIN = 0.3
"""Presynaptic time within a period (s)."""


def whole_steps(rule):
    """The rule with its delay on the grid."""
    return dataclasses.replace(rule, delay=np.round(float(rule.delay) / STEP) * STEP)


def time_above(rule, distance, threshold):
    """Time (s) in a period above `threshold`, calcium from zero: tau ln(c / th) after each kick, until the next."""
    kicks = sorted([(float(rule.delay), float(rule.pre_calcium)), (distance, float(rule.post_calcium))])
    (first, a), (second, b) = kicks
    gap = second - first
    both = a * np.exp(-gap / TIME) + b
    until = lambda c: TIME * np.log(max(c / threshold, 1.0))
    if gap == 0:
        return until(a + b)
    return min(until(a), gap) + until(both)


def fractions(rule, distance):
    """Shares of the time above the thresholds of potentiation and depression."""
    limits = float(rule.potentiation_threshold), float(rule.depression_threshold)
    return tuple(time_above(rule, distance, limit) / PERIOD for limit in limits)


def below(rule, distance, begin):
    """Probability that the weight ends below w*, by the Ornstein-Uhlenbeck process without the bistable term."""
    up, down = fractions(rule, distance)
    strong, weak = float(rule.potentiation) * up, float(rule.depression) * down
    rate = strong + weak
    if rate == 0:
        return float(begin < 0.5)
    gone = np.exp(-PAIRS * PERIOD * rate / float(rule.time_constant))
    mean = strong / rate + (begin - strong / rate) * gone
    spread = float(rule.noise) ** 2 * (up + down) / rate * (1 - gone**2)
    return 0.5 * (1 + erf((0.5 - mean) / np.sqrt(spread)))


@jax.jit
def after_pairs(rule, weights, pre, post, key):
    """Weights after the pairs; `pre`, `post`: events of one period (steps, neurons)."""
    count = pre.shape[0]

    def one(carry, index):
        now = Signals(pre[index % count], post[index % count])
        return rule.step(*carry, now, STEP, jax.random.fold_in(key, index)), None

    return jax.lax.scan(one, (weights, rule.begin(weights)), jnp.arange(PAIRS * count))[0][0]


def transitions(rule, key):
    """Shares (2, timings) of simulated synapses that end below w*, begun at 0 and at 1."""
    steps = round(PERIOD / STEP)
    at = np.round((BEGIN + DISTANCES) / STEP).astype(int)
    post = np.zeros((steps, len(DISTANCES) * SAME))
    post[np.repeat(at, SAME), np.arange(post.shape[1])] = 1
    pre = np.zeros((steps, 2))
    pre[round(BEGIN / STEP)] = 1
    weights = jnp.broadcast_to(jnp.array([[0.0], [1.0]]), (2, post.shape[1]))
    final = after_pairs(rule, weights, jnp.asarray(pre), jnp.asarray(post), key)
    return np.asarray(final < 0.5).reshape(2, len(DISTANCES), SAME).mean(-1)


@pytest.mark.parametrize("name", ["DP", "DPD", "DPD'", "P", "D", "D'"])
@pytest.mark.parametrize("distance", [-30e-3, -5e-3, 5e-3, 30e-3])
def test_time_above_a_threshold_is_its_closed_form(name, distance):
    """From the drift of a weight that is held: one pair, exact to rounding whatever the step."""
    rule = whole_steps(dataclasses.replace(published(name), noise=0.0))
    for side, held in (("potentiation", 0.0), ("depression", 1.0)):
        one_side = {"potentiation": 0.0, "depression": 0.0, side: 1e-6}
        gentle = dataclasses.replace(rule, time_constant=150.0, unstable_weight=0.5, **one_side)
        start = np.full((1, 1), held)
        run = play(gentle, start, [[0.1]], [[0.1 + distance]], duration=0.4, step=STEP, every=800)
        moved = abs(float(run.final[0, 0]) - held) * 150.0 / 1e-6
        assert moved == pytest.approx(time_above(rule, distance, float(getattr(rule, f"{side}_threshold"))), abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["DP", "DPD", "DPD'", "P", "D", "D'"])
def test_noisy_synapses_change_state_as_often_as_the_supplement_says(name):
    """60 pairs at 1 Hz, 250 synapses of each timing and begin: within five standard errors of the closed form.

    The closed form leaves out the bistable term, which moves the weight by at most 0.048 x 60 / 150 = 0.019 in that time.
    """
    rule = whole_steps(published(name))
    found = transitions(rule, jax.random.key(3))
    for row, begin in enumerate((0.0, 1.0)):
        law = np.array([below(rule, d, begin) for d in DISTANCES])
        error = np.sqrt(np.maximum(law * (1 - law), 1 / SAME) / SAME)
        assert (np.abs(found[row] - law) < 5 * error).all(), (begin, found[row], law)


def strength(rule, distance):
    """Mean change of the synaptic strength, half of the synapses begun high, b = 5."""
    up, down = 1 - below(rule, distance, 0.0), below(rule, distance, 1.0)
    b, beta = 5.0, 0.5
    return ((1 - up) * beta + down * (1 - beta) + b * (up * beta + (1 - down) * (1 - beta))) / (beta + (1 - beta) * b)


def test_the_published_curves_have_the_shapes_of_their_names():
    """D for depression, P for potentiation, as the timing goes from post first to pre first (their figure 2)."""
    course = np.arange(-100, 101) * 1e-3
    signs = {}
    for name in ("DP", "DPD", "DPD'", "P", "D", "D'"):
        change = np.array([strength(published(name), d) for d in course]) - 1
        letters = ["P" if c > 0.02 else "D" for c in change if abs(c) > 0.02]
        signs[name] = "".join(letter for k, letter in enumerate(letters) if k == 0 or letters[k - 1] != letter)
    assert signs == {"DP": "DP", "DPD": "DPD", "DPD'": "DPD", "P": "P", "D": "D", "D'": "D"}


def test_presynaptic_calcium_comes_after_its_delay_and_the_oldest_events_on_their_way_are_lost():
    rule = dataclasses.replace(published("DP"), noise=0.0, delay=5e-3)
    one = lambda times: play(rule, np.full((1, 1), 0.5), [times], [[]], duration=0.02, step=1e-3)
    calcium = np.asarray(one([2e-3, 4e-3]).local["pre_calcium"])[:, 0]
    t = np.arange(20) * 1e-3
    law = sum(np.where(t >= at - 1e-9, np.exp(-(t - at) / TIME), 0.0) for at in (7e-3, 9e-3))
    np.testing.assert_allclose(calcium, law, rtol=1e-12)
    few = dataclasses.replace(rule, pending_spikes=1)
    lost = play(few, np.full((1, 1), 0.5), [[2e-3, 4e-3]], [[]], duration=0.02, step=1e-3).local["pre_calcium"]
    assert float(lost[8, 0]) == 0.0 < float(lost[9, 0])
