"""A loop that stops when there is nothing left to do, and still has derivatives and a batch axis.

`lax.while_loop` stops but cannot be differentiated backwards; `lax.scan` can, but always runs to its end. Here a scan of
static length skips its body by `lax.cond` once nothing is left, in blocks of about the square root of the length, so that
a loop which ends early costs about two square roots of skipped steps, and a backward pass keeps one carry per block and
recomputes the rest (Griewank and Walther, ACM Trans. Math. Softw. 26, 19 (2000)). Under `vmap` the condition is taken
over the whole batch: a batched `cond` would run both of its branches at every step.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap


@custom_vmap
def anywhere(mask: jax.Array) -> jax.Array:
    """True if any element is, in any member of a `vmap`: one answer for the whole batch."""
    return jnp.any(mask)


@anywhere.def_vmap
def _(size, batched, mask):
    return anywhere(mask), False


def bounded_loop(going: Callable, body: Callable, carry: Any, most: int) -> Any:
    """Apply `carry = body(i, carry)` for i = 0, 1, ... while any of `going(i, carry)` holds, at most `most` times.

    `going` returns a mask and may only fall with time. A body that has finished for some elements must leave them
    alone, because it is applied until the last element of the whole batch has finished.
    """
    block = max(1, math.isqrt(most))

    def one(carry, i):
        left = anywhere((i < most) & going(i, carry))
        return jax.lax.cond(left, body, lambda i, carry: carry, i, carry), None

    @jax.checkpoint
    def stretch(start, carry):
        return jax.lax.scan(one, carry, start + jnp.arange(block))[0]

    def many(carry, start):
        left = anywhere(going(start, carry))
        return jax.lax.cond(left, stretch, lambda start, carry: carry, start, carry), None

    return jax.lax.scan(many, carry, jnp.arange(0, most, block))[0]
