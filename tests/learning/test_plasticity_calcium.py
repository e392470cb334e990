"""Calcium-based plasticity against the closed forms of Graupner & Brunel, PNAS 109, 3991 (2012), and its supplement."""

import dataclasses
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from devsim.learning.plasticity import Signals, published
from devsim.learning.plasticity import replay as play
from devsim.parameter import quantities

PERIOD, PAIRS, STEP = 0.3, 60, 5e-4
DISTANCES = np.array([-40, -20, -5, 10, 25, 50]) * 1e-3
"""Postsynaptic less presynaptic time (s)."""
SAME, TIME = 150, 20e-3
"""Synapses of one timing; decay of calcium (s)."""
BEGIN = 0.1
"""Presynaptic time within a period (s)."""


def whole_steps(rule):
    """The rule with its delay on the grid."""
    return dataclasses.replace(rule, delay=np.round(float(rule.delay) / STEP) * STEP)


def plain(rule):
    """Its knobs as numbers."""
    return types.SimpleNamespace(**{name: float(getattr(rule, name)) for name in quantities(rule)})


def time_above(of, distance, threshold):
    """Time (s) in a period above `threshold`, calcium from zero: tau ln(c / th) after each kick, until the next."""
    (first, a), (second, b) = sorted([(of.delay, of.pre_calcium), (distance, of.post_calcium)])
    until = lambda c: TIME * np.log(max(c / threshold, 1.0))
    return min(until(a), second - first) + until(a * np.exp(-(second - first) / TIME) + b)


def below(of, distance, begin):
    """Probability that the weight ends below w*, by the Ornstein-Uhlenbeck process without the bistable term."""
    up, down = (time_above(of, distance, th) / PERIOD for th in (of.potentiation_threshold, of.depression_threshold))
    strong, weak = of.potentiation * up, of.depression * down
    rate = strong + weak
    if rate == 0:
        return float(begin < 0.5)
    gone = np.exp(-PAIRS * PERIOD * rate / of.time_constant)
    mean = strong / rate + (begin - strong / rate) * gone
    spread = of.noise**2 * (up + down) / rate * (1 - gone**2)
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
        gentle = dataclasses.replace(rule, unstable_weight=held, **one_side)
        start = np.full((1, 1), held)
        run = play(gentle, start, [[0.1]], [[0.1 + distance]], duration=0.4, step=STEP, every=800)
        moved = abs(float(run.final[0, 0]) - held) * 150.0 / 1e-6
        assert moved == pytest.approx(time_above(plain(rule), distance, float(getattr(rule, f"{side}_threshold"))), abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["DP", "DPD", "DPD'", "P", "D", "D'"])
def test_noisy_synapses_change_state_as_often_as_the_supplement_says(name):
    """60 pairs, 150 synapses of each timing and begin: within five standard errors of the closed form.

    The closed form leaves out the bistable term, which moves the weight by at most 0.048 x 18 / 150 = 0.006 in that time.
    """
    rule = whole_steps(published(name))
    found = transitions(rule, jax.random.key(3))
    for row, begin in enumerate((0.0, 1.0)):
        law = np.array([below(plain(rule), d, begin) for d in DISTANCES])
        error = np.sqrt(np.maximum(law * (1 - law), 1 / SAME) / SAME)
        assert (np.abs(found[row] - law) < 5 * error).all(), (begin, found[row], law)


def strength(of, distance):
    """Mean change of the synaptic strength, half of the synapses begun high, b = 5."""
    up, down = 1 - below(of, distance, 0.0), below(of, distance, 1.0)
    b, beta = 5.0, 0.5
    return ((1 - up) * beta + down * (1 - beta) + b * (up * beta + (1 - down) * (1 - beta))) / (beta + (1 - beta) * b)


def test_the_published_curves_have_the_shapes_of_their_names():
    """D for depression, P for potentiation, as the timing goes from post first to pre first (their figure 2)."""
    course = np.arange(-100, 101) * 1e-3
    signs = {}
    for name in ("DP", "DPD", "DPD'", "P", "D", "D'"):
        of = plain(published(name))
        change = np.array([strength(of, d) for d in course]) - 1
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
