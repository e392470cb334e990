"""Circuits of subthreshold transistors: synapses, neurons and what plasticity is made of."""

from devsim.devices.cmos.dpi_synapse import DPISynapse
from devsim.devices.cmos.technology import Technology

__all__ = ["DPISynapse", "Technology"]
