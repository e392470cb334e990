"""Silicon against temperature: what the transistor models share."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.physics import ROOM_TEMPERATURE, thermal_voltage


def bandgap(temperature: Array) -> Array:
    """The gap of silicon in eV at `temperature` (K).

    Source: Varshni's law with the constants of SPICE, 1.16 - 7.02e-4 T^2 / (T + 1108).
    """
    return 1.16 - 7.02e-4 * temperature**2 / (temperature + 1108)


def surface_potential_at(nominal: Array, temperature: Array) -> Array:
    """phi (V) at `temperature` (K), `nominal` at 300 K; from the intrinsic density, which goes as T^1.5 exp(-E_g / 2kT).

    Source: SPICE2 and EKV 2.6, phi T/T0 - 3 U_T ln(T/T0) + E_g(T) - E_g(T0) T/T0.
    """
    ratio = temperature / ROOM_TEMPERATURE
    gap = bandgap(temperature) - bandgap(ROOM_TEMPERATURE) * ratio
    return nominal * ratio - 3 * thermal_voltage(temperature) * jnp.log(ratio) + gap
