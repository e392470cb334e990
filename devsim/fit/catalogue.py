"""The benches that come with devsim, by name; none is imported until it is asked for."""

import importlib
from typing import TYPE_CHECKING

from devsim import check

if TYPE_CHECKING:
    from devsim.fit.bench import Bench

MODELS: dict[str, str] = {
    "adc-transfer": "converters:ADCTransfer",
    "add-drop-ring": "resonator:BothPortsSpectrum",
    "add-drop-ring-through": "resonator:ThroughSpectrum",
    "cmo-relaxation": "retention:OxideRelaxation",
    "cut-back": "cut_back:CutBack",
    "dac-transfer": "converters:DACTransfer",
    "heater-power": "heater:HeaterPower",
    "heater-voltage": "heater:HeaterVoltage",
    "iv-filament": "sweeps:FilamentSweep",
    "iv-stanford": "sweeps:StanfordSweep",
    "iv-vteam": "sweeps:VTEAMSweep",
    "iv-yakopcic": "sweeps:YakopcicSweep",
    "mosfet-n": "transistor:NChannelCurrent",
    "mosfet-p": "transistor:PChannelCurrent",
    "mzi-spectrum": "interferometer:InterferometerSpectrum",
    "pcm-drift": "retention:PhaseChangeDrift",
    "pulse-cell-decay": "retention:WeightDecay",
    "pulse-constant": "pulse_laws:ConstantStepWeights",
    "pulse-constant-siemens": "pulse_laws:ConstantStepConductances",
    "pulse-exponential": "pulse_laws:ExpStepWeights",
    "pulse-exponential-siemens": "pulse_laws:ExpStepConductances",
    "pulse-linear": "pulse_laws:LinearStepWeights",
    "pulse-linear-siemens": "pulse_laws:LinearStepConductances",
    "pulse-one-sided-pair": "pulse_laws:OneSidedTrace",
    "pulse-piecewise": "pulse_laws:PiecewiseStepWeights",
    "pulse-piecewise-siemens": "pulse_laws:PiecewiseStepConductances",
    "pulse-power": "pulse_laws:PowStepWeights",
    "pulse-power-siemens": "pulse_laws:PowStepConductances",
    "pulse-soft-bounds": "pulse_laws:SoftBoundsWeights",
    "pulse-soft-bounds-reference": "pulse_laws:SoftBoundsReferenceWeights",
    "pulse-soft-bounds-reference-siemens": "pulse_laws:SoftBoundsReferenceConductances",
    "pulse-soft-bounds-siemens": "pulse_laws:SoftBoundsConductances",
    "ring-spectrum": "resonator:AllPassSpectrum",
    "stdp-window": "plasticity:TimingWindow",
    "sto-frequency": "oscillator:FrequencyCurrent",
}
"""Name -> `module:Class` below `devsim.fit.models`."""


def load(name: str) -> "type[Bench]":
    """The bench of that name; InputError with the nearest names where there is none."""
    check.one_of("model", name, MODELS)
    module, _, kind = MODELS[name].partition(":")
    return getattr(importlib.import_module(f"devsim.fit.models.{module}"), kind)
