"""Pulse cells fitted to the measured ReRAM of Gong et al., Nat. Commun. 9, 2102 (2018): 1000 pulses up, 1000 down."""

import functools
import os
from pathlib import Path

import jax
import numpy as np
import pytest

from devsim.exchange import read_measured
from devsim.fit import fit
from devsim.fit.catalogue import load

THEIRS = 0.139
"""Residual of aihwkit's own fitter with soft bounds, in units in which the trace runs from -1 to 1."""


@functools.cache
def trace():
    """Pulses and conductances, normalised as aihwkit does it: -1 and 1 are the extremes that both directions reach."""
    folder = os.environ.get("DEVSIM_DATA")
    if not folder:
        pytest.skip("DEVSIM_DATA is not set: no measured ReRAM")
    data = read_measured(Path(folder) / "memristor" / "gong_et_al.csv")
    up, down = data.column_1.values, data.column_2.values
    low, high = max(up.min(), down.min()), min(up.max(), down.max())
    return {
        "pulse": np.repeat([1.0, -1.0], [up.size, down.size]),
        "weight": 2 * (np.concatenate([up, down]) - low) / (high - low) - 1,
    }


@functools.cache
def residual(name):
    """The RMS residual of a model, free in what it frees by default."""
    return fit(load(name)(), trace(), x="pulse", y="weight", key=jax.random.key(0)).residual_rms


def noise_floor():
    """Of one pulse to the next, which no model without noise can go below."""
    weight = trace()["weight"]
    return np.std(np.diff(weight[: weight.size // 2])) / np.sqrt(2)


@pytest.mark.slow
def test_soft_bounds_fit_better_than_by_the_reference_fitter():
    assert noise_floor() == pytest.approx(0.09, abs=0.005)
    assert noise_floor() < residual("pulse-soft-bounds") < THEIRS


@pytest.mark.slow
def test_a_power_law_fits_better_than_soft_bounds():
    assert residual("pulse-power") < 0.97 * residual("pulse-soft-bounds")
