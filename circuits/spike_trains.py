"""What is read from trains of spikes on a grid of time steps: rates, intervals, and what they tell of a neuron's behaviour."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

BEHAVIOURS = ("silent", "tonic", "adapting", "bursting")
MOST = 48
"""Events that are looked at for a behaviour."""
FEWEST = 4
"""Intervals from which on a behaviour is named."""
PAUSE, SLOWER = 2.0, 1.2
"""A burst ends with an interval so many times a later one; an adapting train ends with intervals so many times its first."""


def mean_rate(spikes: Array, step: Array | float) -> Array:
    """Rate (1/s) between the first and the last event of each train, `spikes` (steps, ...); 0 for fewer than two events."""
    fired = spikes > 0
    first = jnp.argmax(fired, axis=0)
    last = len(fired) - 1 - jnp.argmax(fired[::-1], axis=0)
    count = jnp.sum(fired, axis=0)
    return jnp.where(count > 1, (count - 1) / (jnp.maximum(last - first, 1) * step), 0.0)


def intervals(spikes: Array, step: Array | float) -> Array:
    """The first intervals (s) of each train, `spikes` (steps, n) -> (n, MOST - 1), NaN behind the last one."""
    counts = jnp.cumsum(spikes > 0, axis=0)
    place = jax.vmap(lambda count: jnp.searchsorted(count, jnp.arange(1, MOST + 1)), 1)(counts)
    times = jnp.where(place < len(counts), place * step, jnp.nan)
    return jnp.diff(times, axis=1)


def behaviour(told: Array) -> Int[Array, " n"]:
    """Which of `BEHAVIOURS` the intervals `told` (n, intervals) are, the second half of each row deciding on bursts."""
    known = ~jnp.isnan(told)
    count = jnp.sum(known, axis=1)
    place = jnp.arange(told.shape[1])
    late = known & (place >= count[:, None] // 2)
    longest = jnp.max(jnp.where(late, told, -jnp.inf), axis=1)
    shortest = jnp.min(jnp.where(late, told, jnp.inf), axis=1)
    steady = jnp.sum(jnp.where(late, told, 0.0), axis=1) / jnp.maximum(jnp.sum(late, axis=1), 1)
    found = jnp.where(longest > PAUSE * shortest, 3, jnp.where(steady > SLOWER * told[:, 0], 2, 1))
    return jnp.where(count < FEWEST, 0, found)
