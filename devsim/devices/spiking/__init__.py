"""Parts that make, carry and obey events."""

from devsim.devices.spiking.comparator import SpikingComparator
from devsim.devices.spiking.neuron import IntegrateAndFire
from devsim.devices.spiking.optoelectronic import OptoelectronicNeuron
from devsim.devices.spiking.reset import ResetSwitch
from devsim.devices.spiking.sampler import SamplerNeuron, calibrated
from devsim.devices.spiking.source import SpikeSource
from devsim.devices.spiking.synapse import CurrentSynapse, SpikeDelay

__all__ = [
    "CurrentSynapse",
    "IntegrateAndFire",
    "OptoelectronicNeuron",
    "ResetSwitch",
    "SamplerNeuron",
    "SpikeDelay",
    "SpikeSource",
    "SpikingComparator",
    "calibrated",
]
