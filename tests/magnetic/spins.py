"""Macrospins of the two textbook geometries, driven by a voltage, and what is read from their trajectories."""

import numpy as np

from devsim import Circuit, transient
from devsim.devices.magnetic import Macrospin
from devsim.physics import VACUUM_PERMEABILITY

MEFF = 0.9
FIELD = 1.2
"""T, of the perpendicular geometry: m along z is stable, and the frequency rises with the angle."""


def perpendicular(**knobs):
    """All along z: a thin film in a strong field across it."""
    told = {"saturation_magnetisation": MEFF / VACUUM_PERMEABILITY, "field_z": FIELD, "initial": (0.6, 0.0, 0.8)}
    return Macrospin(**{**told, "magnetoresistance": 0.0, "temperature": 0.0, **knobs})


def in_plane(**knobs):
    """Field, easy axis and polariser along x, the hard axis across the film."""
    along = {"easy_axis": (1.0, 0.0, 0.0), "polariser": (1.0, 0.0, 0.0), "field_x": 0.1}
    told = {"saturation_magnetisation": 0.8 / VACUUM_PERMEABILITY, "initial": (1.0, 0.0, 0.0), **along}
    return Macrospin(**{**told, "magnetoresistance": 0.0, "temperature": 0.0, **knobs})


def circuit(spin):
    """The macrospin between an ideal driver and ground."""
    inputs, outputs = {"drive": "drive"}, {"drive": "drive"}
    nets = {"drive": ("spin.top",), "gnd": ("spin.bottom",)}
    return Circuit({"spin": spin}, nets, inputs=inputs, outputs=outputs)


def run(spin, current, *, duration, step, every=1, key=None, method="rk4"):
    """Times (s) and m over time (times, ..., 3) at a steady current (A); without magnetoresistance, that of R."""
    drive = {"drive": np.broadcast_to(current * spin.resistance, spin.shape())}
    told = {"duration": duration, "step": step, "every": every, "key": key, "method": method, "keep": ["spin.m"]}
    found = transient(circuit(spin), drive, **told)
    return np.asarray(found.time), np.asarray(found["spin.m"])


def azimuth(m, across=(0, 1)):
    """The angle of m about an axis, over time, without jumps of 2 pi."""
    first, second = across
    return np.unwrap(np.arctan2(m[..., second], m[..., first]), axis=0)


def frequency(time, m, across=(0, 1)):
    """Turns per second of m about an axis: the slope of its angle."""
    angle = azimuth(m, across)
    return np.polyfit(time, angle.reshape(len(time), -1), 1)[0].reshape(angle.shape[1:]) / (2 * np.pi)
