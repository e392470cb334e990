"""How the heat of one phase shifter reaches others, by distance on the chip."""

import itertools

import jax.numpy as jnp
from jaxtyping import Array

REACH = (3, 3)
"""How many half columns and modes away crosstalk is still counted."""


def felt_by_neighbours(warm: Array, share: Array, length: Array, pitch: tuple[Array, Array]) -> Array:
    """What every place (half columns, modes) of a chip feels of the other places' phases `warm`, rad.

    Equations: sum_j share exp(-(d_j - pitch_modes) / length) warm_j, at most `share` of each.
    Source: exponential in the distance d, Teofilovic et al., arXiv:2404.10589 (2024); guides without heater feel it as well:
    Quandela, arXiv:2506.05988 (2025).
    Valid: a chip whose places lie on a grid of `pitch` (m); what is further away than three of them is left out.
    """
    columns, modes = warm.shape
    total = jnp.zeros_like(warm)
    padded = jnp.pad(warm, ((REACH[0], REACH[0]), (REACH[1], REACH[1])))
    for i, j in itertools.product(range(-REACH[0], REACH[0] + 1), range(-REACH[1], REACH[1] + 1)):
        if i or j:
            distance = jnp.sqrt((i * pitch[0]) ** 2 + (j * pitch[1]) ** 2)
            factor = share * jnp.minimum(jnp.exp(-(distance - pitch[1]) / length), 1.0)
            at = slice(REACH[0] + i, REACH[0] + i + columns), slice(REACH[1] + j, REACH[1] + j + modes)
            total = total + factor * padded[at]
    return total
