"""Memories of phases: cues, errors, and the complex Hopfield network in steps.

Patterns and states are complex (..., N) of magnitude 1. Nothing here minds a phase that is common to all N: a network of
oscillators has no other clock.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import Bounds, InputError
from devsim.learning.hopfield import cue_keys, flip
from devsim.parameter import as_leaf
from devsim.randomness import named_key
from devsim.smooth import root

TURN = 2 * np.pi
ROUNDING = 1e-4
"""By how much a magnitude may be off one: phases from 32-bit numbers are welcome."""


def phasors(name: str, values: Array) -> Array:
    """`values` (..., N) as complex numbers of magnitude 1; InputError where they are not."""
    values = jnp.asarray(values)
    if values.ndim < 1 or values.size == 0:
        raise InputError(f"`{name}` must have phases along the last axis, but has shape {values.shape}.")
    values = values.astype(jnp.result_type(values, jnp.complex64))
    check.magnitude_one(name, values, ROUNDING)
    return values


def aligned(states: Array, patterns: Array) -> Array:
    """`states` (..., N) turned by the common phase that brings them nearest to `patterns`."""
    common = jnp.sum(jnp.conj(patterns) * states, axis=-1, keepdims=True)
    size = jnp.abs(common)
    return states * jnp.where(size > 0, jnp.conj(common) / jnp.where(size > 0, size, 1.0), 1.0)


def phase_error(states: Array, patterns: Array) -> Array:
    """Root of the mean square over N of the difference of phases, in turns (2 pi rad), after the common phase is removed.

    0 is a perfect recall, 0.289 (1 / 12^0.5) a random one.
    """
    away = jnp.angle(aligned(states, patterns) * jnp.conj(patterns))
    return root(jnp.mean(away**2, axis=-1)) / TURN


def scramble(patterns: Array, share: Array | float, key: Key[Array, "..."]) -> Array:
    """`patterns` (..., N) with exactly round(share N) of the phases of each, drawn at random, replaced by random ones.

    `share` is a number or one for each pattern (...). Keys as in `recall`: one, or one each.
    """
    patterns = phasors("patterns", patterns)
    check.within("share", as_leaf(share), Bounds(0, 1))
    chosen = flip(jnp.ones(patterns.shape), share, key) < 0
    lead, size = patterns.shape[:-1], patterns.shape[-1]
    draw = lambda key: jax.random.uniform(named_key(key, "phases"), (size,), maxval=TURN)
    turns = jax.vmap(draw)(cue_keys(key, lead)).reshape(patterns.shape)
    return jnp.where(chosen, jnp.exp(1j * turns).astype(patterns.dtype), patterns)


def settle(weights: Array, cues: Array, steps: int) -> Array:
    """The complex Hopfield network in synchronous steps s' = f / |f|, f = s W, from `cues` (..., N): where they end.

    Source: Jankowski, Lozowski and Zurada, IEEE Trans. Neural Netw. 7, 1491 (1996), with continuous phases as Noest,
    Phys. Rev. A 38, 2196 (1988). A field of zero keeps the state. Raises InputError for fewer than one step.
    """
    check.whole("steps", steps, 1)
    cues = phasors("cues", cues)

    def step(state: Array, _) -> tuple[Array, None]:
        field = state @ weights
        size = jnp.abs(field)
        return jnp.where(size > 0, field / jnp.where(size > 0, size, 1.0), state), None

    return jax.lax.scan(step, cues.astype(jnp.result_type(cues, weights)), None, length=steps)[0]
