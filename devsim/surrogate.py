"""Events with a derivative: a step whose slope is that of a smooth stand-in (surrogate gradient).

Source: Zenke & Ganguli, Neural Comput. 30, 1514 (2018); Neftci, Mostafa & Zenke, IEEE Signal Process. Mag. 36(6), 51 (2019).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array


def spike(x: Array, width: Array) -> Array:
    """1.0 where `x` > 0, else 0.0, exactly; the derivative is that of a fast sigmoid of `width` (in the unit of `x`).

    That is 1 / (2 width (1 + |x| / width)^2) with respect to `x`: it integrates to one and is largest at the threshold.
    """
    ratio = x / width
    soft = 0.5 * ratio / (1 + jnp.abs(ratio))
    return (x > 0).astype(soft.dtype) + (soft - jax.lax.stop_gradient(soft))
