"""What a learning rule may ask of an array, and what an array makes of it."""

import jax
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.synaptic_array import IdealArray, Proposal

KEY = jax.random.key(41)


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_a_proposal_is_a_sum_of_outer_products():
    pre, post, weight = drawn(1, 5, 3), drawn(2, 5, 4), drawn(3, 5)
    by_hand = sum(w * np.outer(x, y) for w, x, y in zip(weight, pre, post, strict=True))
    np.testing.assert_allclose(Proposal(pre, post, weight).change(), by_hand, rtol=0, atol=1e-14)


def test_a_linear_array_learns_exactly_what_is_proposed():
    start, proposal = drawn(4, 3, 4), Proposal(drawn(1, 5, 3), drawn(2, 5, 4), drawn(3, 5))
    learnt = IdealArray(start).learn(proposal, KEY)
    np.testing.assert_allclose(learnt.weights(), start + proposal.change(), rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("pre", "post", "weight", "words"),
    [
        (drawn(1, 3), drawn(2, 5, 4), drawn(3, 5), r"`pre` must have shape \(k, rows\), but has shape \(3,\)"),
        (drawn(1, 5, 3), drawn(2, 4), drawn(3, 5), r"`post` must have shape \(k, columns\), but has shape \(4,\)"),
        (drawn(1, 5, 3), drawn(2, 5, 4), 0.1, r"`weight` must have shape \(k,\), but has shape \(\)"),
        (drawn(1, 2, 3), drawn(2, 5, 4), drawn(3, 5), r"`pre` must have one row for each of 5 weights, but has shape \(2, 3\)"),
        (
            drawn(1, 5, 3),
            drawn(2, 6, 4),
            drawn(3, 5),
            r"`post` must have one row for each of 5 weights, but has shape \(6, 4\)",
        ),
        (drawn(1, 5, 3) * np.nan, drawn(2, 5, 4), drawn(3, 5), r"`pre` must be finite"),
    ],
)
def test_a_proposal_of_wrong_shape_is_refused(pre, post, weight, words):
    with pytest.raises(InputError, match=words):
        Proposal(pre, post, weight)


def test_a_proposal_must_fit_the_array():
    with pytest.raises(InputError, match=r"`delta` must match the array's weights \(shape \(3, 4\)\), but has shape \(3, 2\)"):
        IdealArray(np.ones((3, 4))).learn(Proposal(np.ones((1, 3)), np.ones((1, 2)), np.ones(1)), KEY)
