"""Electrical parts: two-terminal elements and sources."""

from devsim.devices.electrical.passive import ConductanceBus, Diode, Resistor, Switch
from devsim.devices.electrical.sources import CurrentSource, VoltageSource

__all__ = ["ConductanceBus", "CurrentSource", "Diode", "Resistor", "Switch", "VoltageSource"]
