"""Voltages between two rails: a current through one transistor brings a capacitor to a rail and no further."""

import jax.numpy as jnp
from jaxtyping import Array


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


def approached(distance: Array, span: Array, times: Array) -> Array:
    """What is left of a `distance` x after an amplifier of the linear range `span` L has worked on it for `times` constants.

    Equations: dx = -L tanh(x / L) d(times): sinh(x' / L) = sinh(x / L) exp(-times); exponential where x << L. Negative
      times: the amplifier drives it away.
    """
    return span * jnp.arcsinh(jnp.sinh(distance / span) * jnp.exp(-times))
