"""The loop over steps: what is kept, how often, and what is computed again for a derivative instead of being stored."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

FEW = 64
"""Steps of a block up to which their values are all stored while the block is differentiated."""


def run(advance: Callable, record: Callable, state: Any, *, blocks: int, every: int | Array) -> tuple[Any, Any]:
    """`every` steps, `blocks` times: (last state, records at the start of each block and at the end).

    `advance(state) -> state` is one step, `record(state)` what is kept of it. Reverse-mode derivatives store the state at
    every block, and within a block at about the square root of the number of its steps, and compute the others again; where
    all steps are kept, they too store the square root of their number. Where `every` is an array, so that one compilation
    serves all its values, there are no such derivatives.
    """
    step = lambda state, _: (advance(state), None)

    def block(state, _):
        kept = record(state)
        if not isinstance(every, int):
            return jax.lax.fori_loop(0, every, lambda _, state: advance(state), state), kept
        if every == 1:
            return advance(state), kept
        if every <= FEW:
            return jax.lax.scan(step, state, None, length=every)[0], kept
        return _in_chunks(step, state, every)[0], kept

    if blocks == 1:
        state, kept = block(state, None)
        return state, jax.tree.map(lambda *pair: jnp.stack(pair), kept, record(state))
    if isinstance(every, int) and every == 1:
        state, kept = _in_chunks(block, state, blocks)
    else:
        state, kept = jax.lax.scan(jax.checkpoint(block), state, None, length=blocks)
    return state, jax.tree.map(lambda many, one: jnp.concatenate([many, one[None]]), kept, record(state))


def _in_chunks(body: Callable, state: Any, length: int) -> tuple[Any, Any]:
    """A scan of `body` whose derivative stores the states between chunks of about the square root of `length`."""
    size = _chunk(length)
    chunk = jax.checkpoint(lambda state, _: jax.lax.scan(body, state, None, length=size))
    state, kept = jax.lax.scan(chunk, state, None, length=length // size)
    kept = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), kept)
    if left := length % size:
        state, rest = jax.checkpoint(lambda state: jax.lax.scan(body, state, None, length=left))(state)
        kept = jax.tree.map(lambda many, few: jnp.concatenate([many, few]), kept, rest)
    return state, kept


def _chunk(length: int) -> int:
    """The divisor of `length` nearest to its square root; that root itself, rounded, where all are far from it."""
    root = math.sqrt(length)
    divisors = [d for d in range(1, math.isqrt(length) + 1) if length % d == 0]
    nearest = min(divisors + [length // d for d in divisors], key=lambda d: abs(math.log(d / root)))
    return nearest if root / 4 <= nearest <= 4 * root else round(root)
