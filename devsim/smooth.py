"""Functions whose value or derivative needs care at zero."""

import jax.numpy as jnp
from jaxtyping import Array


def root(x: Array) -> Array:
    """Square root of what is positive, zero of the rest; the derivative at zero is taken as zero."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)


def mean_exponential(z: Array) -> Array:
    """(exp(z) - 1) / z, the mean of exp over [0, z]; 1 at zero."""
    small = jnp.abs(z) < 1e-5
    safe = jnp.where(small, 1.0, z)
    return jnp.where(small, 1 + z / 2 + z**2 / 6, jnp.expm1(safe) / safe)
