"""Magnetic oscillators: amplitude and phase, and the phase alone."""

from devsim.devices.magnetic.auto_oscillator import AutoOscillator
from devsim.devices.magnetic.oscillator import Oscillator
from devsim.devices.magnetic.phase_oscillator import PhaseOscillator

__all__ = ["AutoOscillator", "Oscillator", "PhaseOscillator"]
