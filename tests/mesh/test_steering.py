"""Strategies that turn a wanted change of weights into phases."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.mesh import (
    Balanced,
    ChainRule,
    Homodyne,
    Incoherent,
    Intensity,
    MeasuredLeastSquares,
    Mesh,
    OpticalArray,
    PerInterferometer,
    Perturbation,
    SingularValueMesh,
)
from devsim.devices.mesh.steering import gain
from devsim.devices.synaptic_array import Proposal
from tests.mesh.composed import KEY, by_hand, weights, with_random_phases

CORE = with_random_phases(Mesh.of(4, splitter_error=0.03), 1)
ARRAYS = {
    "intensity": OpticalArray.of(CORE, Intensity()),
    "incoherent": OpticalArray.of(CORE, Incoherent()),
    "homodyne": OpticalArray.of(CORE, Homodyne(gain=2.0)),
    "balanced": OpticalArray.of(CORE, Balanced(), other=with_random_phases(CORE, 2)),
    "singular values": OpticalArray.of(
        SingularValueMesh.of(4, 4).put(
            first=CORE, last=with_random_phases(CORE, 3), attenuations=jnp.array([0.9, 0.5, 0.3, -0.2])
        ),
        Homodyne(),
    ),
    "complex mesh": CORE,
}
learn = jax.jit(lambda array, proposal, key: array.learn(proposal, key))


def proposal(scale, seed=0):
    rng = np.random.default_rng(seed)
    return Proposal(rng.uniform(0, 1, (3, 4)), rng.normal(size=(3, 4)), scale * rng.choice([-1.0, 1.0], 3))


def gained(array, wanted):
    return float(gain(array.answer(wanted.pre), wanted))


@pytest.mark.parametrize("name", ARRAYS)
def test_the_chain_rule_is_the_gradient_of_the_gain(name):
    """Central differences along three directions, h^2 / 6 times a third derivative of a few times the gradient."""
    array, wanted = ARRAYS[name].put(steering=ChainRule()), proposal(1.0)
    change = array.steering.change(array, wanted, KEY)
    score = jax.jit(lambda s: gain(array.tuned(s).answer(wanted.pre), wanted))
    rng, h = np.random.default_rng(1), 1e-4
    for _ in range(3):
        v = rng.normal(size=change.shape)
        v = v / np.linalg.norm(v)
        slope = (score(array.settings() + h * v) - score(array.settings() - h * v)) / (2 * h)
        assert abs(slope - change @ v) < 1e-6 * float(jnp.linalg.norm(change))


LONG = {("balanced", MeasuredLeastSquares), ("singular values", MeasuredLeastSquares), ("incoherent", MeasuredLeastSquares)}
STEPS = [
    pytest.param(
        name, steering, marks=[pytest.mark.slow] * ((name, type(steering)) in LONG), id=f"{name}-{type(steering).__name__}"
    )
    for name in ("incoherent", "homodyne", "balanced", "singular values")
    for steering in (ChainRule(), Perturbation(directions=40), MeasuredLeastSquares(share=1.0))
]


@pytest.mark.parametrize(("name", "steering"), STEPS)
def test_a_small_step_gains(name, steering):
    """To first order by |gradient|^2 along the gradient; every strategy goes up."""
    array, wanted = ARRAYS[name].put(steering=steering), proposal(1e-3)
    before, after = gained(array, wanted), gained(learn(array, wanted, KEY), wanted)
    assert after > before
    if isinstance(steering, ChainRule):
        square = float(jnp.sum(steering.change(array, wanted, KEY) ** 2))
        assert after - before == pytest.approx(square, rel=0.02)


def test_perturbations_average_to_the_gradient():
    """5 standard errors over 4000 keys, and c^2 / 2 of third derivatives, each at most the sum |weight| |post| |pre| of J."""
    array, wanted = ARRAYS["homodyne"], proposal(1.0)
    draws = 4000
    steering = Perturbation(step=0.01)
    each = jax.jit(jax.vmap(lambda key: steering.change(array, wanted, key)))(jax.random.split(KEY, draws))
    each, exact = np.asarray(each), np.asarray(ChainRule().change(array, wanted, KEY))
    error = each.std(0, ddof=1) / np.sqrt(draws)
    largest = 2.0 * float(jnp.sum(jnp.linalg.norm(wanted.pre, axis=1) * jnp.linalg.norm(wanted.post, axis=1)))
    bias = 0.01**2 / 2 * largest * exact.size
    assert np.all(abs(each.mean(0) - exact) < 5 * error + bias)
    assert np.max(abs(exact)) > 5 * np.max(5 * error + bias)


@pytest.mark.slow
def test_more_directions_make_perturbations_less_noisy():
    """Variance falls as one over their number: 200 draws of each, five standard errors of a ratio of variances."""
    array, wanted = ARRAYS["homodyne"], proposal(1.0)
    spread = lambda n: jax.jit(jax.vmap(lambda key: Perturbation(directions=n).change(array, wanted, key)), static_argnums=())(
        jax.random.split(KEY, 200)
    ).var(0)
    ratio = np.sum(spread(1)) / np.sum(spread(16))
    assert abs(ratio / 16 - 1) < 5 * np.sqrt(2 * 2 / 200)


@pytest.mark.slow
def test_measured_least_squares_reaches_what_the_gradient_does_not():
    """A change that the mesh can make: what is left falls to less than 5 per cent in eight rounds, a tenth of what one step
    along the gradient leaves."""
    array = ARRAYS["homodyne"]
    rng = np.random.default_rng(5)
    goal = array.tuned(array.settings() + 0.3 * rng.normal(size=array.settings().shape))
    delta = goal.weights() - array.weights()
    left = {}
    for steering in (ChainRule(), MeasuredLeastSquares(share=1.0, rounds=8)):
        found = jax.jit(lambda a, d: a.nudge(d, KEY))(array.put(steering=steering), delta)
        left[type(steering).__name__] = float(jnp.linalg.norm(goal.weights() - found.weights()) / jnp.linalg.norm(delta))
    assert left["MeasuredLeastSquares"] < 0.05
    assert left["MeasuredLeastSquares"] < left["ChainRule"] / 10


def test_measured_least_squares_never_ends_further_away():
    """The best of what was tried includes no step at all: without noise the residual cannot grow."""
    array = ARRAYS["incoherent"].put(steering=MeasuredLeastSquares(share=0.3))
    nudged = jax.jit(lambda a, d: a.nudge(d, KEY))
    for seed in range(3):
        delta = 0.3 * np.random.default_rng(seed).normal(size=(4, 4))
        found = nudged(array, delta)
        assert jnp.linalg.norm(array.weights() + delta - found.weights()) <= np.linalg.norm(delta) * (1 + 1e-12)


@pytest.mark.parametrize("incoherent", [True, False])
def test_the_published_rule_uses_powers_at_each_interferometer(incoherent):
    """Two modes, one interferometer: D is the sum of weighted outer products of its powers."""
    mesh = with_random_phases(Mesh.of(2), 4)
    array = OpticalArray.of(mesh, Incoherent() if incoherent else Intensity(), steering=PerInterferometer())
    rng = np.random.default_rng(6)
    wanted = Proposal(rng.uniform(0, 1, (3, 2)), np.zeros((3, 2)), rng.normal(size=3))
    pre, weight = np.asarray(wanted.pre), np.asarray(wanted.weight)
    u = by_hand(mesh.put(phases=mesh.phases.at[-2:].set(0.0)))
    x, y = (pre, pre @ (np.abs(u) ** 2).T) if incoherent else (pre**2, np.abs(pre @ u.T) ** 2)
    d = np.einsum("k,ki,kj->ij", weight, y, x)
    half = float(mesh.phases[0]) / 2
    expected = 2 * (d[0, 0] / np.cos(half) - d[0, 1] / np.sin(half) - d[1, 0] / np.sin(half) - d[1, 1] / np.cos(half))
    change = np.asarray(array.steering.change(array, wanted, KEY))
    np.testing.assert_allclose(change, [expected, 0, 0, 0], rtol=1e-12, atol=1e-14)


def test_the_published_rule_needs_one_mesh():
    for name in ("balanced", "singular values"):
        array = ARRAYS[name].put(steering=PerInterferometer())
        with pytest.raises(InputError, match="The rule per interferometer needs an array of one unitary mesh"):
            array.learn(proposal(0.1), KEY)


def test_a_nudge_is_a_proposal_of_single_inputs():
    array = ARRAYS["incoherent"]
    delta = 0.01 * np.random.default_rng(7).normal(size=(4, 4))
    by_nudge = array.nudge(delta, KEY)
    by_hand_made = array.learn(Proposal(np.eye(4), delta, np.ones(4)), KEY)
    np.testing.assert_allclose(weights(by_nudge), weights(by_hand_made), rtol=0, atol=1e-15)


def test_learning_keeps_phases_in_the_range_of_their_drivers():
    far = jnp.linspace(-20.0, 20.0, CORE.phases.size)
    phases = np.asarray(CORE.tuned(far).phases)
    assert np.all((phases >= 0) & (phases <= 4 * np.pi))
    np.testing.assert_allclose(np.exp(1j * phases), np.exp(1j * np.asarray(far)), rtol=0, atol=1e-13)
