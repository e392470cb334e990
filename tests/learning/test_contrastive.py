"""Contrastive learning against the gradient that it should become, and on the task that it should solve."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.learning import baselines
from devsim.learning.activation import Sigmoid
from devsim.learning.contrastive import Contrast, ContrastiveHebbian, GeneRec
from devsim.learning.feedback import Backpropagation
from devsim.learning.network import ideal_network
from devsim.learning.settling import Settling
from devsim.learning.train import trained

from .networks import binary_map, cosine, deep, drawn, flat, half_crossbar

KEY = jax.random.key(43)
INPUTS, TARGETS = drawn(1, 5, 6), drawn(2, 5, 3)


def wanted(rule) -> np.ndarray:
    return flat(rule.proposals(deep(), INPUTS, TARGETS, KEY))


def gradient() -> np.ndarray:
    return wanted(Backpropagation(1.0))


@pytest.mark.parametrize("law", [ContrastiveHebbian, GeneRec])
def test_with_weak_feedback_contrastive_learning_is_backpropagation(law):
    found = [wanted(law(1.0, Settling(g, 0.5, 150))) for g in (0.2, 0.05, 0.01)]
    cosines = [cosine(x, gradient()) for x in found]
    assert cosines == sorted(cosines) and cosines[-1] > 0.999, cosines


@pytest.mark.parametrize("law", [ContrastiveHebbian, GeneRec])
def test_its_deviation_from_backpropagation_is_of_first_order_in_the_feedback(law):
    error = [np.linalg.norm(wanted(law(1.0, Settling(g, 0.5, 150))) - gradient()) for g in (0.004, 0.002)]
    assert error[0] / error[1] == pytest.approx(2, rel=0.03)


@pytest.mark.parametrize(("centred", "order"), [(False, 1), (True, 2)])
def test_a_centred_nudge_is_exact_to_one_order_more(centred, order):
    at = lambda beta: wanted(ContrastiveHebbian(1.0, Settling(0.3, 0.5, 150), Contrast(beta, centred)))
    limit = wanted(ContrastiveHebbian(1.0, Settling(0.3, 0.5, 150), Contrast(1e-4, True)))
    error = [np.linalg.norm(at(beta) - limit) for beta in (0.08, 0.04)]
    assert error[0] / error[1] == pytest.approx(2**order, rel=0.05)


def test_phases_of_opposite_sign_average_to_the_centred_one():
    settling = Settling(0.1, 0.5, 60)
    plus, minus, both = (wanted(ContrastiveHebbian(1.0, settling, Contrast(b, c))) for b, c in ((0.3, 0), (-0.3, 0), (0.3, 1)))
    np.testing.assert_allclose(both, (plus + minus) / 2, rtol=0, atol=1e-12)


def test_the_last_layer_of_a_clamped_network_learns_by_the_delta_rule():
    # Held outputs change nothing below but through the feedback; with GeneRec the presynaptic side is the free phase.
    settling = Settling(0.1, 0.5, 100)
    proposal = GeneRec(0.7, settling).proposals(deep(), INPUTS, TARGETS, KEY)[-1]
    free = settling.settle(deep(), INPUTS, KEY)
    np.testing.assert_allclose(proposal.change(), 0.7 * free[1].T @ (TARGETS - free[2]) / 5, rtol=0, atol=1e-12)


def learnt(rate: float, seeds: int):
    """Errors before and after 2000 full-batch epochs of eight binary patterns on 4-4-4, and of the baselines; per seed."""

    def one(key):
        inputs, targets = binary_map(key)
        unit = Sigmoid(4.0, 0.5)
        network = ideal_network((4, 4, 4), jax.random.fold_in(key, 2), hidden=unit, output=unit)
        _, errors = trained(network, ContrastiveHebbian(rate, Settling(0.05, 0.5, 30)), inputs, targets, 2000, key)
        return errors[0], errors[-1], baselines.least_squares(inputs, targets), baselines.best_constant(targets)

    keys = jax.vmap(lambda i: jax.random.fold_in(KEY, i))(jnp.arange(seeds))
    return np.asarray(jax.jit(jax.vmap(one))(keys))


def test_contrastive_learning_on_ideal_arrays_learns_what_no_affine_map_can():
    untrained, error, affine, constant = learnt(0.5, 8)
    assert error.mean() < 0.5 * affine.mean() < affine.mean() < constant.mean() < untrained.mean()
    assert (error < affine).sum() >= 7, (error, affine)


@pytest.mark.slow
def test_it_learns_through_a_noisy_crossbar_too():
    inputs, targets = binary_map(KEY)
    network = half_crossbar((4, 4, 4), 8, maximum_weight=4.0, step=0.005, step_spread=0.3, read_noise=0.02)
    rule = ContrastiveHebbian(1.0, Settling(0.3, 0.5, 20), Contrast())
    _, errors = jax.jit(lambda: trained(network, rule, inputs, targets, 150, KEY))()[:2]
    assert errors[-20:].mean() < 0.8 * baselines.best_constant(targets) < errors[0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ContrastiveHebbian(-0.1), r"`rate` must be at least 0, but is -0.1"),
        (lambda: GeneRec(np.nan), r"`rate` must be at least 0, but is nan"),
        (lambda: Contrast(0.0), r"`nudging` must not be 0"),
        (lambda: Contrast(np.inf), r"`nudging` must be finite"),
        (
            lambda: ContrastiveHebbian(0.1).proposals(deep(), INPUTS, TARGETS[:, :2], KEY),
            r"`targets` must have shape \(samples, 3\), but has shape \(5, 2\)",
        ),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(InputError, match=words):
        call()
