"""Physical constants in SI units.

Source: SI Brochure, 9th edition (BIPM, 2019), where the value is exact by definition; else CODATA 2018.
"""

BOLTZMANN = 1.380649e-23
"""Boltzmann constant, J/K."""

ELEMENTARY_CHARGE = 1.602176634e-19
"""Elementary charge, C."""

PLANCK = 6.62607015e-34
"""Planck constant, J s."""

REDUCED_PLANCK = 1.054571817e-34
"""Planck constant over 2 pi, J s."""

ELECTRON_MASS = 9.1093837015e-31
"""Electron rest mass, kg."""

VACUUM_PERMITTIVITY = 8.8541878128e-12
"""Electric constant, F/m."""

VACUUM_PERMEABILITY = 1.25663706212e-6
"""Magnetic constant, T m/A."""

GYROMAGNETIC_RATIO = 1.76085963023e11
"""Gyromagnetic ratio of the electron (its magnitude), rad/(s T)."""

ROOM_TEMPERATURE = 300.0
"""Reference temperature of the SPICE tradition, K."""


def thermal_voltage(temperature):
    """kT/q in volts at `temperature` in kelvin."""
    return BOLTZMANN * temperature / ELEMENTARY_CHARGE
