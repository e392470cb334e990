"""Memristors in transients: beside SciPy behind a resistor, at their bounds, and what they may not do: make power."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from devsim.analyses.transient import transient
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.electrical import Resistor
from devsim.devices.memristor import VTEAM, FilamentVCM, StanfordPKU, Yakopcic
from devsim.waveform import Sine
from tests.test_physical_cells import YAKOPCIC, filament, stanford, vteam, yakopcic


def behind(resistance, law):
    """The rate of a device behind a resistor: (drive, state) -> 1/s or m/s, by a root of the voltage between them."""

    def rate(drive, w):
        excess = lambda v: law(v, w)[0] - (drive - v) / resistance
        return law(brentq(excess, *sorted((0.0, drive)), xtol=1e-15) if drive else 0.0, w)[1]

    return rate


SERIES = {
    "vteam": (VTEAM.of(initial=1.5e-9), 100.0, Sine(0.0, 0.5, 5e6), 2e-7, behind(100.0, vteam)),
    "yakopcic": (
        Yakopcic.of(),
        300.0,
        Sine(0.0, 0.45, 100.0),
        1e-2,
        behind(300.0, lambda *a: yakopcic(*a, *YAKOPCIC["oblea-sine"])),
    ),
    "stanford": (StanfordPKU.of(initial=1.6e-9), 1e3, Sine(1.6, 0.0, 1.0), 5e-7, behind(1e3, stanford)),
    "filament": (
        FilamentVCM.of(initial=0.0008),
        500.0,
        Sine(-1.1, 0.0, 1.0),
        2e-10,
        lambda drive, w: filament(drive, w, 500.0)[1],
    ),
}
"""Device, series resistance (ohm), drive, duration (s), the written rate behind the resistor."""
STEPS = 2000


@pytest.mark.parametrize("name", ["vteam", *(pytest.param(name, marks=pytest.mark.slow) for name in list(SERIES)[1:])])
def test_a_driven_state_follows_the_written_equations_and_the_device_dissipates(name):
    device, resistance, wave, duration, rate = SERIES[name]
    parts, nets = {"r": Resistor(resistance), "m": device}, {"in": ("r.a",), "mid": ("r.b", "m.a"), "gnd": ("m.b",)}
    circuit = Circuit(parts, nets, inputs={"drive": "in"})
    run = transient(circuit, {"drive": wave}, duration=duration, step=duration / STEPS, keep=("in", "mid", "m.w"))
    v, w = np.asarray(run["mid"]), np.asarray(run["m.w"])
    power = v * (np.asarray(run["in"]) - v) / resistance
    assert np.all(power >= -1e-12 * power.max())
    low, high = (float(b) for b in device.bounds())
    assert np.all((low <= w) & (w <= high))
    scale = float(np.ptp(w))
    told = solve_ivp(
        lambda t, x: [rate(float(wave(t)), x[0] * scale) / scale],
        (0.0, duration),
        [w[0] / scale],
        method="LSODA",
        rtol=1e-6,
        atol=1e-7,
        max_step=duration / 50,
        t_eval=np.asarray(run.time),
    )
    assert told.success
    np.testing.assert_allclose(w / scale, told.y[0], atol=1e-3)


@pytest.mark.parametrize(
    ("method", "steps"), [("split", 400), ("trapezoidal", 400), pytest.param("tr_bdf2", 4000, marks=pytest.mark.slow)]
)
def test_a_state_driven_hard_against_its_bound_stays_there_within_one_step_of_its_motion(method, steps):
    device = VTEAM.of()
    circuit = Circuit({"m": device}, {"in": ("m.a",), "gnd": ("m.b",)}, inputs={"drive": "in"})
    told = {"duration": 4e-7, "step": 4e-7 / steps, "method": method, "keep": ("in", "m.w")}
    run = transient(circuit, {"drive": Sine(0.0, 1.0, 5e6)}, **told)
    v, w = jnp.asarray(run["in"]), jnp.asarray(run["m.w"])
    current = device.balance(0.0, {"a": v, "b": jnp.zeros_like(v)}, {"w": w}).static["a"]
    resistance = np.asarray(v / jnp.where(current == 0, 1.0, current))[np.asarray(v != 0)]
    assert np.all((resistance >= 50 * (1 - 1e-12)) & (resistance <= 1000 * (1 + 1e-12)))
    outside = np.maximum(-np.asarray(w), np.asarray(w) - 3e-9)
    assert outside.max() <= np.max(np.abs(np.diff(w)))
    assert np.min(w) < 1e-2 * 3e-9


def test_a_state_outside_of_its_bounds_is_the_bound_and_comes_back():
    device, below = VTEAM.of(), jnp.asarray(-1e-9)
    there = lambda v, w: device.balance(0.0, {"a": jnp.asarray(v), "b": jnp.zeros(())}, {"w": jnp.asarray(w)}).static
    assert there(0.3, below)["a"] == there(0.3, 0.0)["a"]
    assert there(-1.0, below)["w"] == 0.0
    assert -there(0.3, below)["w"] > -10 * there(0.3, 0.0)["w"] > 0


def test_states_and_bounds_that_exclude_each_other_are_refused():
    with pytest.raises(InputError, match=r"`initial` must be at most `length` \(3e-09 m\), but is 9e-09 m"):
        VTEAM.of(initial=9e-9)
    with pytest.raises(InputError, match=r"`initial` must be at most `length` \(1e-09 m\), but is 2e-09 m"):
        VTEAM.of(initial=2e-9).set("length", 1e-9)
    with pytest.raises(InputError, match=r"`minimum_gap` must be below `maximum_gap` \(1e-09 m\), but is 2e-09 m"):
        StanfordPKU.of(minimum_gap=2e-9, maximum_gap=1e-9)
    with pytest.raises(InputError, match=r"`minimum_density / maximum_density` must be at most `initial` \(0.0001\)"):
        FilamentVCM.of(initial=1e-4)
