"""Guides and rings fitted to measured spectra: index, linewidth, free spectral range and loss, each with its interval."""

import functools
import os
from pathlib import Path

import jax
import numpy as np
import pytest

from devsim.devices.photonic.light import SPEED_OF_LIGHT
from devsim.exchange import read_measured
from devsim.fit import fit
from devsim.fit.catalogue import load
from devsim.fit.propagation import propagated

RADIUS = 10e-6
LENGTHS = (0, 5004, 15265, 25446)
"""Micrometres of the spirals."""
pytestmark = pytest.mark.slow


def measured(name):
    """A file of the data folder, as rows."""
    folder = os.environ.get("DEVSIM_DATA")
    if not folder:
        pytest.skip("DEVSIM_DATA is not set: no measured spectra")
    return read_measured(Path(folder) / "photonics" / "siepic" / name)


def within(interval, low, high):
    """Whether an estimate and both ends of its interval lie between two values."""
    return low <= interval.low <= interval.value <= interval.high <= high


@functools.cache
def ring():
    """Rows of both ports below the wavelength at which the laser turned off."""
    data = measured("PCM_PCMRingDoubleTER10g100_1750.mat")
    data = data.isel(row=(data.wavelength < 1.5795e-6).values)
    return {
        "wavelength": np.tile(data.wavelength.values, 2),
        "drop": np.repeat([0.0, 1.0], data.sizes["row"]),
        "power": np.concatenate([data.channel_2.values, data.channel_1.values]),
    }


@functools.cache
def fitted_ring():
    """Both ports over the whole sweep, every fourth row."""
    rows = {name: column[::4] for name, column in ring().items()}
    bench = load("add-drop-ring")().set("device.radius", RADIUS)
    columns = {"wavelength": "wavelength", "drop": "drop"}
    return fit(bench, rows, x=columns, y="power", key=jax.random.key(0), starts=0)


def test_the_double_bus_ring_has_the_group_index_of_its_strip():
    assert within(fitted_ring().parameters["device.group_index"], 4.16, 4.20)
    assert fitted_ring().residual_rms < 0.1


def test_the_linewidth_has_an_interval_and_is_about_what_half_maxima_say():
    """Those of the six resonances at the drop port span 0.16 to 0.23 nm, at steps of 0.01 nm and tops that are cut flat."""
    width = propagated(fitted_ring(), lambda bench: bench.device.linewidth(), "Hz")
    quality = propagated(fitted_ring(), lambda bench: SPEED_OF_LIGHT / 1.55e-6 / bench.device.linewidth(), "1")
    nanometres = 1e9 * 1.55e-6**2 / SPEED_OF_LIGHT
    assert within(width, 0.15 / nanometres, 0.20 / nanometres)
    assert within(quality, 8000, 10500)


@pytest.mark.parametrize(
    ("name", "hertz", "nanometres"), [("MZI_data.mat", 359.2e9, 2.88), ("PCM_PCMmziTE1_1734.mat", 224.3e9, 1.80)]
)
def test_an_interferometer_has_the_free_spectral_range_of_its_dips(name, hertz, nanometres):
    data = measured(name)
    data = data.isel(row=((data.wavelength > 1.522e-6) & (data.wavelength < 1.5795e-6)).values)
    bench = load("mzi-spectrum")()
    free = tuple("free_spectral_range" if path == "device.group_index" else path for path in bench.free)
    found = fit(bench, data, x="wavelength", y="channel_2", free=free, key=jax.random.key(0), starts=0)
    spacing = found.parameters["free_spectral_range"]
    assert within(spacing, 0.998 * hertz, 1.002 * hertz)
    near = float(np.diff(dips(data)).mean()) * 1e9
    assert spacing.value * 1.55e-6**2 / SPEED_OF_LIGHT * 1e9 == pytest.approx(nanometres, abs=0.01)
    assert near == pytest.approx(nanometres, rel=0.02)


def dips(data):
    """Wavelengths (m) of the dips between 1540 and 1560 nm."""
    from scipy.signal import find_peaks

    data = data.isel(row=((data.wavelength > 1.54e-6) & (data.wavelength < 1.56e-6)).values)
    places, _ = find_peaks(-10 * np.log10(data.channel_2.values), prominence=10)
    return data.wavelength.values[places]


def test_the_cut_back_loses_some_decibels_for_each_centimetre():
    """Mean of the decibels within 10 nm of 1310 nm; the shortest spiral lies off the line, and the interval says so."""
    rows = {"length": [], "power": []}
    for length in LENGTHS:
        data = measured(f"wgloss_spiral_{length}u.csv")
        band = np.abs(data.wavelength.values - 1310e-9) < 10e-9
        rows["length"].append(length * 1e-6)
        rows["power"].append(np.exp(np.log(data.channel_2.values[band]).mean()))
    rows = {name: np.array(column) for name, column in rows.items()}
    plain, robust = (
        fit(load("cut-back")(), rows, x="length", y="power", key=jax.random.key(0), loss=loss) for loss in ("linear", "soft_l1")
    )
    for found in (plain, robust):
        loss = found.parameters["device.loss_db_per_cm"]
        assert 3 < loss.low < loss.value < loss.high < 20
        assert loss.value == pytest.approx(7.6, abs=0.3)
    without = {name: np.delete(column, 1) for name, column in rows.items()}
    level = 10 * np.log10(without["power"])
    assert plain.parameters["device.loss_db_per_cm"].low < -np.polyfit(100 * without["length"], level, 1)[0]
