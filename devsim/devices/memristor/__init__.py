"""Memristors: cells by their statistics, by their pulses and by their physics; how they are written; crossbars of them."""

from devsim.devices.memristor.conduction import Cubic, Ohmic, Sinh
from devsim.devices.memristor.crossbar import Crossbar
from devsim.devices.memristor.encoding import DifferentialPairs, OffsetColumn, SingleCells
from devsim.devices.memristor.filament import FilamentVCM
from devsim.devices.memristor.linear import LinearCell
from devsim.devices.memristor.pcm import PhaseChangeCell
from devsim.devices.memristor.pulse import PulseCell
from devsim.devices.memristor.pulse_pair import OneSidedPair
from devsim.devices.memristor.pulse_steps import (
    ConstantStep,
    ExpStep,
    LinearStep,
    PiecewiseStep,
    PowStep,
    SoftBounds,
    SoftBoundsReference,
)
from devsim.devices.memristor.reram import CMOReRAM, WanReRAM
from devsim.devices.memristor.stanford import StanfordPKU
from devsim.devices.memristor.vteam import VTEAM
from devsim.devices.memristor.window import Biolek, Joglekar, NoWindow
from devsim.devices.memristor.writing import OpenLoop, WriteVerify, write
from devsim.devices.memristor.yakopcic import Yakopcic

__all__ = [
    "VTEAM",
    "Biolek",
    "CMOReRAM",
    "ConstantStep",
    "Crossbar",
    "Cubic",
    "DifferentialPairs",
    "ExpStep",
    "FilamentVCM",
    "Joglekar",
    "LinearCell",
    "LinearStep",
    "NoWindow",
    "OffsetColumn",
    "Ohmic",
    "OneSidedPair",
    "OpenLoop",
    "PhaseChangeCell",
    "PiecewiseStep",
    "PowStep",
    "PulseCell",
    "SingleCells",
    "Sinh",
    "SoftBounds",
    "SoftBoundsReference",
    "StanfordPKU",
    "WanReRAM",
    "WriteVerify",
    "Yakopcic",
    "write",
]
