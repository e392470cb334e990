"""The perpendicular macrospin of `spins` in cmtj, an independent macrospin simulator in C++."""

import cmtj
import numpy as np

from devsim.physics import ELEMENTARY_CHARGE, REDUCED_PLANCK, VACUUM_PERMEABILITY
from tests.magnetic.spins import FIELD, MEFF, perpendicular


def precession(zeta, *, duration, step, every=1):
    """Times (s) and m over time at `zeta` times the threshold, by RK4; cmtj counts the current the other way."""
    spin, steady = perpendicular(), cmtj.ScalarDriver.getConstantDriver
    alpha, thickness, polarisation = float(spin.damping), float(spin.thickness), float(spin.polarisation)
    torque = zeta * alpha * (FIELD - MEFF)
    density = torque * 2 * ELEMENTARY_CHARGE * (MEFF / VACUUM_PERMEABILITY) * thickness / (REDUCED_PLANCK * polarisation)
    none, z = cmtj.CVector(0, 0, 0), cmtj.CVector(0, 0, 1)
    about = (MEFF, thickness, float(spin.area), [none, none, z], alpha, 1.0, 0.0, polarisation)
    layer = cmtj.Layer.createSTTLayer("free", cmtj.CVector(0.6, 0, 0.8), z, *about)
    layer.setReferenceLayer(z)
    junction = cmtj.Junction([layer])
    field = cmtj.AxialDriver(cmtj.NullDriver(), cmtj.NullDriver(), steady(FIELD / VACUUM_PERMEABILITY))
    junction.setLayerExternalFieldDriver("free", field)
    junction.setLayerCurrentDriver("free", steady(-density))
    junction.runSimulation(duration, step, every * step, solverMode=cmtj.SolverMode.RK4)
    log = junction.getLog()
    return np.asarray(log["time"]), np.stack([log[f"free_m{axis}"] for axis in "xyz"], axis=-1)
