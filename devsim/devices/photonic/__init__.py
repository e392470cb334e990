"""Photonic parts: waves in W^0.5 at their ports, one lane for each element of their parameters."""

from devsim.devices.photonic.amplifier import OpticalAmplifier
from devsim.devices.photonic.coupler import DirectionalCoupler, Splitter
from devsim.devices.photonic.detector import BalancedDetector, CoherentDetector, Photodiode
from devsim.devices.photonic.interferometer import MachZehnder
from devsim.devices.photonic.passive import Attenuator, Isolator, Mirror, Termination
from devsim.devices.photonic.ribbon import OpticalRibbon
from devsim.devices.photonic.ring import AddDropRing, RingModulator, RingResonator
from devsim.devices.photonic.shifter import ElectroOpticPhaseShifter, PhaseShifter, ThermoOpticPhaseShifter
from devsim.devices.photonic.source import Laser
from devsim.devices.photonic.tabulated import TabulatedScatterer
from devsim.devices.photonic.waveguide import Waveguide

__all__ = [
    "AddDropRing",
    "Attenuator",
    "BalancedDetector",
    "CoherentDetector",
    "DirectionalCoupler",
    "ElectroOpticPhaseShifter",
    "Isolator",
    "Laser",
    "MachZehnder",
    "Mirror",
    "OpticalAmplifier",
    "OpticalRibbon",
    "PhaseShifter",
    "Photodiode",
    "RingModulator",
    "RingResonator",
    "Splitter",
    "TabulatedScatterer",
    "Termination",
    "ThermoOpticPhaseShifter",
    "Waveguide",
]
