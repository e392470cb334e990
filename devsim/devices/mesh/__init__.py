"""Programmable meshes of interferometers, and what is learned on them."""

from devsim.devices.mesh.calibration import Fringe, calibrate, self_configure
from devsim.devices.mesh.detection import Balanced, Homodyne, Incoherent, Intensity
from devsim.devices.mesh.layout import Butterfly, Layout, Rectangular, Symmetric, Triangular
from devsim.devices.mesh.mesh import Mesh
from devsim.devices.mesh.optical_array import OpticalArray
from devsim.devices.mesh.programming import Direct, LocalCorrection, fidelity
from devsim.devices.mesh.singular import SingularValueMesh
from devsim.devices.mesh.steering import ChainRule, MeasuredLeastSquares, PerInterferometer, Perturbation

__all__ = [
    "Balanced",
    "Butterfly",
    "ChainRule",
    "Direct",
    "Fringe",
    "Homodyne",
    "Incoherent",
    "Intensity",
    "Layout",
    "LocalCorrection",
    "MeasuredLeastSquares",
    "Mesh",
    "OpticalArray",
    "PerInterferometer",
    "Perturbation",
    "Rectangular",
    "SingularValueMesh",
    "Symmetric",
    "Triangular",
    "calibrate",
    "fidelity",
    "self_configure",
]
