"""Physical constants in SI units.

Source: SI Brochure, 9th edition (BIPM, 2019): the values are exact by definition.
"""

BOLTZMANN = 1.380649e-23
"""Boltzmann constant, J/K."""

ELEMENTARY_CHARGE = 1.602176634e-19
"""Elementary charge, C."""

ROOM_TEMPERATURE = 300.0
"""Reference temperature of the SPICE tradition, K."""


def thermal_voltage(temperature):
    """kT/q in volts at `temperature` in kelvin."""
    return BOLTZMANN * temperature / ELEMENTARY_CHARGE
