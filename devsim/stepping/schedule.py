"""The loop over steps: what is kept, how often, and what is computed again for a derivative instead of being stored."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array


def run(advance: Callable, record: Callable, state: Any, *, blocks: int, every: int | Array) -> tuple[Any, Any]:
    """`every` steps, `blocks` times: (last state, records at the start of each block and at the end).

    `advance(state) -> state` is one step, `record(state)` what is kept of it. Reverse-mode derivatives store the state at
    about the square root of the number of steps and compute the others again; where `every` is an array, so that one
    compilation serves all its values, there are none.
    """

    def block(state, _):
        kept = record(state)
        if not isinstance(every, int):
            return jax.lax.fori_loop(0, every, lambda _, state: advance(state), state), kept
        if every == 1:
            return advance(state), kept
        return jax.lax.scan(lambda state, _: (advance(state), None), state, None, length=every)[0], kept

    if blocks == 1:
        state, kept = block(state, None)
        return state, jax.tree.map(lambda *pair: jnp.stack(pair), kept, record(state))
    inner = _chunk(blocks) if isinstance(every, int) and every == 1 else 1
    if inner == 1:
        state, kept = jax.lax.scan(jax.checkpoint(block), state, None, length=blocks)
    else:
        chunk = jax.checkpoint(lambda state, _: jax.lax.scan(block, state, None, length=inner))
        state, kept = jax.lax.scan(chunk, state, None, length=blocks // inner)
        kept = jax.tree.map(lambda leaf: leaf.reshape(blocks, *leaf.shape[2:]), kept)
    return state, jax.tree.map(lambda many, one: jnp.concatenate([many, one[None]]), kept, record(state))


def _chunk(blocks: int) -> int:
    """The divisor of `blocks` nearest to its square root; 1 where all are far from it."""
    root = math.sqrt(blocks)
    divisors = [d for d in range(1, math.isqrt(blocks) + 1) if blocks % d == 0]
    nearest = min(divisors + [blocks // d for d in divisors], key=lambda d: abs(math.log(d / root)))
    return nearest if root / 8 <= nearest <= 8 * root else 1
