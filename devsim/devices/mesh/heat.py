"""How the heat of one phase shifter reaches others, by distance on the chip."""

import jax
import jax.numpy as jnp
import numpy as np
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
    rows, columns = (np.arange(-reach, reach + 1) for reach in REACH)
    distance = jnp.sqrt((rows[:, None] * pitch[0]) ** 2 + (columns * pitch[1]) ** 2)
    factor = share * jnp.minimum(jnp.exp(-(distance - pitch[1]) / length), 1.0)
    factor = factor.at[REACH].set(0.0).astype(warm.dtype)
    padded = jnp.pad(warm, [(reach, reach) for reach in REACH])
    return jax.scipy.signal.convolve2d(padded, factor, mode="valid", precision=jax.lax.Precision.HIGHEST)
