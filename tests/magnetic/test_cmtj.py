"""`Macrospin` against cmtj, an independent macrospin simulator in C++."""

import numpy as np
import pytest

from devsim.devices.magnetic import auto_oscillation
from devsim.physics import GYROMAGNETIC_RATIO, VACUUM_PERMEABILITY
from tests.magnetic.spins import frequency, perpendicular, run

pytest.importorskip("cmtj")
from tests.magnetic.cmtj_runs import precession

ALPHA = 0.01
GYRO = 2.2088e5
"""Gyromagnetic ratio of cmtj, m / (A s)."""
MU = 1.2566e-6
"""Magnetic constant of cmtj, T m / A."""
STEP, DURATION = 0.5e-12, 40e-9


def theirs(zeta):
    """Frequency and power of cmtj's macrospin."""
    time, m = precession(zeta, duration=DURATION, step=STEP)
    late = len(m) // 2
    return frequency(time[late:], m[late:]), (1 - m[-1, 2]) / 2


def test_frequency_and_power_are_those_of_cmtj():
    """After correction for its constants, the frequencies differ by alpha^2.

    Its gamma is 0.99821 of the electron's. In place of Gilbert's damping its spin torque enters beside the damping, without
    the share alpha a m x p, which turns m: so the frequency is gamma a / (2 pi alpha (1 + alpha^2)). Its magnetic constant
    is less by 2.9e-5, the demagnetising field more by as much. Methods err by (omega h)^5 / 144 alpha, less than 1e-6.
    """
    zeta = np.array([1.5, 2.0])
    spin = perpendicular(resistance=np.full(2, 1e3))
    time, m = run(spin, zeta * auto_oscillation(spin).threshold_current, duration=DURATION, step=STEP, every=4)
    late = len(m) // 2
    ours, power = frequency(time[late:], m[late:]), (1 - m[-1, :, 2]) / 2
    found = np.array([theirs(each) for each in zeta])
    ratio = GYRO / (GYROMAGNETIC_RATIO * VACUUM_PERMEABILITY)
    assert ratio == pytest.approx(0.99821, abs=1e-6)
    np.testing.assert_allclose(found[:, 0] / ours, ratio / (1 + ALPHA**2), rtol=2e-6)
    cosine = (1 - 2 * power) * MU / VACUUM_PERMEABILITY
    np.testing.assert_allclose(found[:, 1], (1 - cosine) / 2, rtol=2e-6)
