"""Circuits of subthreshold transistors: synapses, neurons and what plasticity is made of."""

from devsim.devices.cmos.axon_hillock import AxonHillock
from devsim.devices.cmos.bias_generator import BiasGenerator
from devsim.devices.cmos.bistability import BistabilityAmplifier
from devsim.devices.cmos.bump import Bump
from devsim.devices.cmos.capacitor_weight import CapacitorWeight
from devsim.devices.cmos.current_pair import CurrentPair, CurrentSteering
from devsim.devices.cmos.current_sum import CurrentSum
from devsim.devices.cmos.current_weights import CurrentWeights
from devsim.devices.cmos.dpi_neuron import DPINeuron
from devsim.devices.cmos.dpi_synapse import DPISynapse
from devsim.devices.cmos.eligibility_trace import EligibilityTrace
from devsim.devices.cmos.floating_gate import FloatingGates
from devsim.devices.cmos.log_domain_filter import LogDomainFilter
from devsim.devices.cmos.mirror_integrator import MirrorIntegrator
from devsim.devices.cmos.short_term_nodes import FacilitationNode, ResourceNode
from devsim.devices.cmos.technology import Technology
from devsim.devices.cmos.third_factor_gate import ThirdFactorGate
from devsim.devices.cmos.transconductor import OTA, DifferentialPair
from devsim.devices.cmos.weight_bounds import WeightBounds
from devsim.devices.cmos.winner_take_all import WinnerTakeAll

__all__ = [
    "OTA",
    "AxonHillock",
    "BiasGenerator",
    "BistabilityAmplifier",
    "Bump",
    "CapacitorWeight",
    "CurrentPair",
    "CurrentSteering",
    "CurrentSum",
    "CurrentWeights",
    "DPINeuron",
    "DPISynapse",
    "DifferentialPair",
    "EligibilityTrace",
    "FacilitationNode",
    "FloatingGates",
    "LogDomainFilter",
    "MirrorIntegrator",
    "ResourceNode",
    "Technology",
    "ThirdFactorGate",
    "WeightBounds",
    "WinnerTakeAll",
]
