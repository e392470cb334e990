"""Reading a first period off data: the strongest sinusoid among many rates."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

RATES = 2048
"""Candidates."""
DEGREE = 4
"""Of the polynomial that is taken away before."""


@jax.jit
def strongest(place: Array, values: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Rate (rad per unit of `place`) and phase p at place 0 of the strongest cos(rate place + p) in `values` (n,).

    low, high: the rates to look between, which are taken evenly.
    """
    smooth = _powers(place)
    rest = values - smooth @ jnp.linalg.lstsq(smooth, values)[0]

    def size(rate):
        turn = rate * place
        return jnp.sum(rest * jnp.cos(turn)), jnp.sum(rest * jnp.sin(turn))

    rates = jnp.linspace(low, high, RATES)
    cosine, sine = jax.lax.map(size, rates, batch_size=64)
    best = jnp.argmax(cosine**2 + sine**2)
    return rates[best], jnp.arctan2(-sine[best], cosine[best])


def _powers(place: Array) -> Array:
    """Powers (n, 5) of `place` brought to [-1, 1]."""
    low, high = jnp.min(place), jnp.max(place)
    unit = 2 * (place - low) / jnp.maximum(high - low, jnp.finfo(place.dtype).tiny) - 1
    return unit[:, None] ** jnp.arange(DEGREE + 1)
