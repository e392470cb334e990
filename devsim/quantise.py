"""Rounding whose derivative is that of the straight line through the staircase (straight-through estimator).

Source of the estimator: Bengio, Leonard, Courville, arXiv:1308.3432 (2013).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array


def round_through(x: Array) -> Array:
    """The nearest integer; its derivative is taken as one."""
    return x + jax.lax.stop_gradient(jnp.round(x) - x)


def quantise(x: Array, step: Array) -> Array:
    """The nearest multiple of `step` (in the unit of `x`), ties to even; `x` itself where `step` is zero.

    The derivative with respect to `x` is taken as one and with respect to `step` as the error in steps,
    round(x / step) - x / step: the error grows in proportion to the step (Esser et al., ICLR 2020, eq. 3).
    """
    exact = step <= 0
    safe = jnp.where(exact, 1.0, step)
    return jnp.where(exact, x, safe * round_through(x / safe))
