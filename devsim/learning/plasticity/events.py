"""What events do to a matrix of weights: each touches the row or the column of its neuron."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.learning.plasticity.plasticity import Fired, Plasticity, Signals

Change = Callable[..., Array]
"""(weights, presynaptic variable, ..., postsynaptic variable, ...) -> change per event, element by element."""


def at_pre(rule: Plasticity, weights: Array, signals: Signals, change: Change, *, pre: tuple = (), post: tuple = ()) -> Array:
    """`weights` (pre, post) after the presynaptic events: w + event change(w, *pre, *post), within the bounds of the rule.

    pre: variables (pre,), which the change sees in the row of each neuron. post: variables (post,), in each column.
    """
    rows, columns = [value[:, None] for value in pre], [value[None] for value in post]
    if signals.pre_fired is None:
        return rule.within(weights + signals.pre[:, None] * change(weights, *rows, *columns))
    return along(rule, weights, signals.pre_fired, change, 0, rows, columns)


def at_post(rule: Plasticity, weights: Array, signals: Signals, change: Change, *, pre: tuple = (), post: tuple = ()) -> Array:
    """`weights` (pre, post) after the postsynaptic events, like `at_pre`."""
    rows, columns = [value[:, None] for value in pre], [value[None] for value in post]
    if signals.post_fired is None:
        return rule.within(weights + signals.post * change(weights, *rows, *columns))
    return along(rule, weights, signals.post_fired, change, 1, rows, columns)


def along(rule: Plasticity, weights: Array, fired: Fired, change: Change, axis: int, rows: list, columns: list) -> Array:
    """`weights` after one event of each neuron that fired, slice by slice, so that the others are not touched at all."""

    def one(weights, event):
        neuron, real = event
        cut = lambda value: jax.lax.dynamic_slice_in_dim(value, neuron, 1, axis)
        old = cut(weights)
        seen = [cut(v) for v in rows] + columns if axis == 0 else rows + [cut(v) for v in columns]
        new = jnp.where(real, rule.within(old + change(old, *seen)), old)
        return jax.lax.dynamic_update_slice_in_dim(weights, new, neuron, axis), None

    places = jnp.arange(fired.neurons.shape[0])
    return jax.lax.scan(one, weights, (fired.neurons, places < fired.count))[0]
