"""Spin-torque oscillators in three fidelities: a magnetisation vector, amplitude and phase, the phase alone."""

from devsim.devices.magnetic.auto_oscillator import AutoOscillator
from devsim.devices.magnetic.macrospin import Macrospin
from devsim.devices.magnetic.oscillator import Oscillator
from devsim.devices.magnetic.phase_oscillator import PhaseOscillator
from devsim.devices.magnetic.precession import AutoOscillation, SteadyPrecession, auto_oscillation, steady_precession

__all__ = [
    "AutoOscillation",
    "AutoOscillator",
    "Macrospin",
    "Oscillator",
    "PhaseOscillator",
    "SteadyPrecession",
    "auto_oscillation",
    "steady_precession",
]
