"""Voltages between two rails: a current through one transistor brings a capacitor to a rail and no further."""

import jax.numpy as jnp
from jaxtyping import Array

STEEP = 30.0
"""Argument from which on the hyperbolic sine is half an exponential, to rounding."""

LEAST, LONGEST = 1e-30, 80.0
"""A distance that no potential resolves, and the time constants after which any that one resolves has passed `STEEP`."""


def emptied(height: Array, charge: Array) -> Array:
    """The height u >= 0 above the lower rail, in thermal voltages, after a `charge` a >= 0, in those times the capacitance.

    Equations: du = -(1 - exp(-u)) da, a transistor with the capacitor at its drain, or a reverse-biased junction:
      exp(u') - 1 = (exp(u) - 1) exp(-a): as much as the charge as long as u > 4, and never below zero.
    """
    left = height - charge
    over = (1 - jnp.exp(-jnp.where(left > 0, charge, height))) * jnp.exp(-jnp.abs(left))
    return jnp.maximum(left, 0) + jnp.log(1 + over)


def opening(height: Array) -> Array:
    """The share 1 - exp(-u) of its current that a transistor passes, its drain `height` thermal voltages above its source."""
    return -jnp.expm1(-jnp.maximum(height, 0))


def grown(x: Array, times: Array) -> Array:
    """The y for which sinh(y) = sinh(x) exp(times), however long: a distance in linear ranges of the amplifier that moves it.

    Equations: dy = tanh(y) d(times), `times` in time constants of a small distance: positive where the amplifier drives the
      voltage away, negative where it draws it near.
    """
    size = jnp.abs(x)
    least = jnp.maximum(size, LEAST)
    logarithm = least + jnp.log(-jnp.expm1(-2 * least)) + times  # of 2 sinh(y)
    far, short = logarithm > STEEP, size < 1
    small = jnp.sinh(jnp.where(short, x, 0.0)) * jnp.exp(jnp.minimum(times, LONGEST))
    large = jnp.sign(x) * jnp.exp(jnp.minimum(logarithm, STEEP)) / 2
    near = jnp.arcsinh(jnp.where(far, 0.0, jnp.where(short, small, large)))
    return jnp.where(far, jnp.sign(x) * logarithm, near)
