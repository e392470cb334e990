"""Light in numbers: envelopes in W^0.5 with the field Re[a exp(-i w t)], decibels, phases, photons."""

import math

import jax.numpy as jnp
from jaxtyping import Array

from devsim.physics import PLANCK

SPEED_OF_LIGHT = 299_792_458.0
"""Speed of light in vacuum, m/s (exact)."""


def weakened(loss_db: Array) -> Array:
    """The factor on a wave that loses `loss_db` decibels of its power."""
    return jnp.exp(-math.log(10) / 20 * loss_db)


def turned(phase: Array) -> Array:
    """exp(i phase): what a delay does to a wave; `phase` in rad grows along the path."""
    return jnp.exp(1j * phase)


def power(wave: Array) -> Array:
    """|wave|^2 in W, differentiable at zero."""
    return jnp.real(wave) ** 2 + jnp.imag(wave) ** 2


def photon_energy(wavelength: Array) -> Array:
    """h c / wavelength, in J."""
    return PLANCK * SPEED_OF_LIGHT / wavelength
