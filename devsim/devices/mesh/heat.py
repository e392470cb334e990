"""How the heat of one phase shifter reaches others, by distance on the chip."""

import itertools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.devices.mesh.rule import with_rule

REACH = (3, 3)
"""How many half columns and modes away crosstalk is still counted."""


def felt_by_neighbours(warm: Array, share: Array, length: Array, pitch: tuple[Array, Array], *, plain: bool = False) -> Array:
    """What every place (half columns, modes) of a chip feels of the other places' phases `warm`, rad.

    Equations: sum_j share exp(-(d_j - pitch_modes) / length) warm_j, at most `share` of each.
    Source: exponential in the distance d, Teofilovic et al., arXiv:2404.10589 (2024); guides without heater feel it as well:
    Quandela, arXiv:2506.05988 (2025).
    Valid: a chip whose places lie on a grid of `pitch` (m); what is further away than three of them is left out. plain: without
    the own reverse rule, which knows no forward mode.
    """
    rows, columns = (np.arange(reach + 1) for reach in REACH)
    distance = jnp.sqrt((rows[:, None] * pitch[0]) ** 2 + (columns * pitch[1]) ** 2)
    factor = share * jnp.minimum(jnp.exp(-(distance - pitch[1]) / length), 1.0)
    factor = factor.at[0, 0].set(0.0).astype(warm.dtype)
    return _spread(warm, factor) if plain else _ruled(warm, factor)


def _moved(warm: Array) -> Iterator[tuple[int, int, Array]]:
    """(how far in rows, in columns, `warm` seen from there) for every place within reach."""
    padded = jnp.pad(warm, [(reach, reach) for reach in REACH])
    for i, j in itertools.product(*(range(-reach, reach + 1) for reach in REACH)):
        at = tuple(slice(reach + n, reach + n + size) for reach, n, size in zip(REACH, (i, j), warm.shape, strict=True))
        yield abs(i), abs(j), padded[at]


@jax.jit
def _spread(warm: Array, factor: Array) -> Array:
    """Sums of shifted arrays, which a CPU does in one pass; its convolution of 32-bit numbers takes thirty times as long."""
    found = jnp.zeros_like(warm)
    for i, j, seen in _moved(warm):
        found = found + factor[i, j] * seen
    return found


def _transposed(kept: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
    """What a place feels of another, that one feels of it: the sum is its own transpose."""
    warm, factor = kept
    flat = g.reshape(-1)
    change = jnp.zeros_like(factor)
    for i, j, seen in _moved(warm):
        change = change.at[i, j].add(flat @ seen.reshape(-1))
    return _spread(g, factor), change


_ruled = with_rule(lambda warm, factor: (_spread(warm, factor), (warm, factor)), _transposed)
