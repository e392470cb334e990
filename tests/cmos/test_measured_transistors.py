"""EKV's equations against measured transistors: one set of parameters for four temperatures and seven to nine decades."""

import functools
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import least_squares

from devsim.devices.cmos import Technology
from devsim.devices.electrical.mosfet import MOSFET
from devsim.exchange import read_iccap

DRAIN = 0.6
POINTS = 160
"""Of each transistor, padded, so that one compilation serves all."""
TRANSISTORS = {
    "nmos_W10u0_L10u0": (10e-6, 10e-6),
    "nmos_W10u0_L0u13": (10e-6, 0.13e-6),
    "nmos_W0u15_L10u0": (0.15e-6, 10e-6),
    "pmos_W10u0_L10u0": (10e-6, 10e-6),
    "pmos_W10u0_L0u13": (10e-6, 0.13e-6),
    "pmos_W0u15_L10u0": (0.15e-6, 10e-6),
}
LARGEST_RESIDUAL = {"nmos_W10u0_L10u0": 0.03, "pmos_W10u0_L10u0": 0.03}
"""Of the RMS of ln I; that of short or narrow ones, of which the model leaves out what their edges do, is 0.08."""


def curves(name):
    """(temperature (K), gate voltage, drain current) of every temperature, saturated, signs as of an n-channel transistor."""
    folder = os.environ.get("DEVSIM_DATA")
    if not folder:
        pytest.skip("DEVSIM_DATA is not set: no measured transistors")
    files = sorted((Path(folder) / "cmos").glob(f"SG13_{name}_*.mdm.gz"))
    assert len(files) == 4
    sign = 1 if name.startswith("n") else -1
    for found in map(read_iccap, files):
        current = found.id.sel(vb=0, vd=sign * DRAIN, method="nearest").values
        yield found.attrs["temperature"], sign * found.vg.values, sign * current


def transistor(x, width, length, temperature):
    """The MOSFET of fitted parameters: logarithms of what is positive."""
    return MOSFET(
        threshold=x[0],
        transconductance=jnp.exp(x[1]),
        body_effect=jnp.exp(x[2]),
        mobility_reduction=jnp.exp(x[3]),
        threshold_coefficient=x[4],
        mobility_exponent=x[5],
        width=width,
        length=length,
        length_modulation=0.0,
        temperature=temperature,
    )


def residual(x, data):
    """ln of model over measurement at every point, zero where the data are padded; x[6:] are logarithms of the floors (A)."""
    part = transistor(x, data["width"], data["length"], data["temperature"])
    rest = jnp.zeros(POINTS)
    current = part.current({"drain": rest + DRAIN, "gate": data["gate"], "source": rest, "bulk": rest})
    return data["used"] * (jnp.log(current + jnp.exp(x[6:])[data["curve"]]) - jnp.log(data["current"]))


RESIDUAL, JACOBIAN = jax.jit(residual), jax.jit(jax.jacfwd(residual))


@functools.cache
def fitted(name):
    """The parameters of the better of two starts, and the residuals of what is used."""
    rows = [(t, g, i, k) for k, (t, gate, current) in enumerate(curves(name)) for g, i in zip(gate, current, strict=True)]
    temperature, gate, current, curve = np.array([row for row in rows if row[1] > -0.05 and row[2] > 0]).T
    pad = lambda values, fill: np.concatenate([values, np.full(POINTS - len(values), fill)])
    data = {
        "temperature": pad(temperature, 300.0),
        "gate": pad(gate, 0.5),
        "current": pad(current, 1.0),
        "curve": pad(curve, 0).astype(int),
        "used": pad(np.ones_like(gate), 0.0),
        "width": TRANSISTORS[name][0],
        "length": TRANSISTORS[name][1],
    }
    ask = {"jac": lambda x: np.asarray(JACOBIAN(x, data)), "loss": "soft_l1"}
    starts = [np.r_[v, np.log([1e-4, 0.3, 0.1]), 7e-4, -1.5, np.full(4, np.log(2e-12))] for v in (0.15, 0.4)]
    found = [least_squares(lambda x: np.asarray(RESIDUAL(x, data)), start, **ask) for start in starts]
    best = min(found, key=lambda each: each.cost)
    return best.x, np.asarray(RESIDUAL(best.x, data))[: len(gate)]


@pytest.mark.parametrize("name", TRANSISTORS)
def test_one_set_of_parameters_fits_four_temperatures(name):
    _, left = fitted(name)
    assert np.sqrt(np.mean(left**2)) < LARGEST_RESIDUAL.get(name, 0.08)


def test_the_slope_factor_of_a_long_transistor_is_that_of_weak_inversion():
    """kappa of simpler fits, without the body effect, is 0.87 +- 0.02."""
    x, _ = fitted("nmos_W10u0_L10u0")
    part = transistor(x, 1e-5, 1e-5, 300.0)
    volts = lambda gate: {"drain": jnp.array(DRAIN), "gate": gate, "source": jnp.array(0.0), "bulk": jnp.array(0.0)}
    slope = jax.grad(lambda gate: jnp.log(part.current(volts(gate))))(jnp.array(0.0))
    assert float(slope) * 0.025852 == pytest.approx(0.87, abs=0.02)


def test_a_fixed_gate_voltage_gives_six_times_the_current_at_343_kelvin():
    """Measured, and as the technology says."""
    found = {round(t): np.interp(0.0, gate, current) for t, gate, current in curves("nmos_W10u0_L10u0")}
    assert found[343] / found[300] == pytest.approx(5.3, abs=0.3)
    technology = Technology.preset("ihp-sg13g2-n")
    ratio = technology.set("temperature", 343.15).off_current() / technology.set("temperature", 300.15).off_current()
    assert float(ratio) == pytest.approx(found[343] / found[300], rel=0.15)


@pytest.mark.parametrize(("process", "name"), [("ihp-sg13g2-n", "nmos_W10u0_L10u0"), ("ihp-sg13g2-p", "pmos_W10u0_L10u0")])
def test_the_processes_give_the_measured_currents_in_weak_inversion(process, name):
    """Within a quarter, 0.15 V below the threshold, from 233 to 398 K."""
    for temperature, gate, current in curves(name):
        technology = Technology.preset(process, temperature=temperature)
        warm = temperature - 300
        volts = float(technology.threshold - technology.threshold_coefficient * warm) - 0.15
        order = np.argsort(gate)
        measured = np.exp(np.interp(volts, gate[order], np.log(np.maximum(current[order], 1e-15))))
        exponent = float(technology.gate_coupling * volts / technology.thermal_voltage())
        assert float(technology.off_current()) * np.exp(exponent) == pytest.approx(measured, rel=0.25)
