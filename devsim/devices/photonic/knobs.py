"""Knobs that many photonic parts declare alike."""

from typing import Any

from devsim.check import above
from devsim.parameter import parameter


def loss(doc: str) -> Any:
    """A knob in dB, zero where ideal."""
    return parameter(0.0, unit="dB", bounds=(0, None), ideal=0.0, doc=doc)


def carrier() -> Any:
    """The knob `wavelength`, which an analysis sets on every part that has it."""
    return parameter(1.55e-6, unit="m", bounds=above(0), doc="carrier wavelength in vacuum")
