"""What events do to a matrix of weights: each touches the row or the column of its neuron."""

from collections.abc import Callable

from jaxtyping import Array

from devsim.learning.plasticity.plasticity import Plasticity

Change = Callable[..., Array]
"""(weights, presynaptic variable, ..., postsynaptic variable, ...) -> change per event, element by element."""


def at_pre(rule: Plasticity, weights: Array, events: Array, change: Change, *, pre: tuple = (), post: tuple = ()) -> Array:
    """`weights` (pre, post) after the presynaptic `events` (pre,): w + event change(w, *pre, *post), within the bounds.

    pre: variables (pre,), which the change sees in the row of each neuron. post: variables (post,), in each column.
    """
    rows = tuple(value[:, None] for value in pre)
    return rule.within(weights + events[:, None] * change(weights, *rows, *post))


def at_post(rule: Plasticity, weights: Array, events: Array, change: Change, *, pre: tuple = (), post: tuple = ()) -> Array:
    """`weights` (pre, post) after the postsynaptic `events` (post,), like `at_pre`."""
    rows = tuple(value[:, None] for value in pre)
    return rule.within(weights + events * change(weights, *rows, *post))
