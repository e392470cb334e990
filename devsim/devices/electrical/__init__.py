"""Electrical parts: passive elements, sources, transistors, amplifiers."""

from devsim.devices.electrical.amplifier import OperationalAmplifier
from devsim.devices.electrical.controlled import (
    CurrentControlledCurrentSource,
    CurrentControlledVoltageSource,
    VoltageControlledCurrentSource,
    VoltageControlledVoltageSource,
)
from devsim.devices.electrical.level_one import LevelOneMOSFET
from devsim.devices.electrical.mosfet import MOSFET
from devsim.devices.electrical.passive import ConductanceBus, Diode, Resistor, Switch
from devsim.devices.electrical.reactive import Capacitor, CoupledInductors, Inductor
from devsim.devices.electrical.ribbon import ElectricalRibbon
from devsim.devices.electrical.sources import CurrentSource, VoltageSource

__all__ = [
    "MOSFET",
    "Capacitor",
    "ConductanceBus",
    "CoupledInductors",
    "CurrentControlledCurrentSource",
    "CurrentControlledVoltageSource",
    "CurrentSource",
    "Diode",
    "ElectricalRibbon",
    "Inductor",
    "LevelOneMOSFET",
    "OperationalAmplifier",
    "Resistor",
    "Switch",
    "VoltageControlledCurrentSource",
    "VoltageControlledVoltageSource",
    "VoltageSource",
]
