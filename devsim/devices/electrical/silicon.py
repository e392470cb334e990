"""Silicon against temperature and voltage: what the models of junctions and transistors share."""

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


def depletion_charge(voltage: Array, potential: Array, grading: Array, bent: Array | float) -> Array:
    """Charge of a junction over its capacitance at zero (V): the integral of its relative capacitance from 0 to `voltage`.

    The capacitance is (1 - V/phi)^-m, phi the built-in `potential` (V) and m the `grading` (below 1), and goes on along its
    tangent from the share `bent` (FC, below 1) of phi.
    Source: SPICE2 and SPICE3, parameters CJO, VJ, M and FC.
    """
    edge = bent * potential
    rest = 1 - jnp.minimum(voltage, edge) / potential
    below = potential / (1 - grading) * (1 - rest ** (1 - grading))
    beyond = jnp.maximum(voltage - edge, 0.0)
    return below + (1 - bent) ** -grading * (beyond + grading * beyond**2 / (2 * potential * (1 - bent)))
