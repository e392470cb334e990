"""The bistable weight against its closed form and SciPy: basins, rails, pulses, leak and noise."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from devsim.analyses.noise_spectrum import noise_spectrum
from devsim.analyses.transient import transient
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.cmos import OTA, Bistability, Technology
from devsim.devices.spiking import SpikeSource
from devsim.physics import ELEMENTARY_CHARGE, thermal_voltage

UNIT = 2 * thermal_voltage(300.0) / 0.7
TIGHT = Technology(leakage_current=0.0)
WEIGHT = Bistability(technology=TIGHT)
TAU = float(WEIGHT.time_constant())


def time_to(start, end):
    """Seconds from one potential to another on the same side of the threshold: the integral of 1 / tanh."""
    return TAU * np.log(np.sinh((end - 0.9) / UNIT) / np.sinh((start - 0.9) / UNIT))


STEPS = 850


@functools.cache
def course(initial, drive, step, up=(), down=()):
    """Potentials (V) in time; `up` and `down` are times (s) of at most 40 events."""
    padded = lambda times: np.array([*times, *[np.inf] * (40 - len(times))])
    parts = {
        "w": Bistability(technology=TIGHT, initial=initial),
        "up": SpikeSource(padded(up)),
        "down": SpikeSource(padded(down)),
    }
    nets = {"i": ("w.drive",), "u": ("up.out", "w.up"), "d": ("down.out", "w.down"), "out": ("w.out",)}
    circuit = Circuit(parts, nets, inputs={"i": "i"}, outputs={"out": "out"})
    found = transient(circuit, {"i": drive}, duration=step * STEPS, step=step, method="rk4", keep=["out"])
    return np.asarray(found["out"]), np.asarray(found.time)


@pytest.mark.parametrize("start", [0.9 + 1e-3, 0.9 - 1e-3, 1.3])
def test_a_weight_drifts_to_the_nearer_rail_in_the_time_of_the_closed_form(start):
    rail = 1.8 if start > 0.9 else 0.0
    due = time_to(start, rail)
    voltage, time = course(start, 0.0, TAU / 50)
    moving = (time < 0.99 * due) & (time > 0)
    np.testing.assert_allclose([time_to(start, v) for v in voltage[moving]], time[moving], rtol=1e-6)
    assert voltage[-1] == rail
    exact = jax.vmap(lambda t: WEIGHT.relaxed(jnp.asarray(start), t))(time)
    np.testing.assert_allclose(exact[moving], voltage[moving], rtol=0, atol=1e-7)
    assert float(WEIGHT.relaxed(jnp.asarray(start), due * (1 - 1e-9))) == pytest.approx(rail, abs=1e-8)


def test_a_weight_at_the_threshold_stays_and_the_basins_meet_there():
    assert float(WEIGHT.relaxed(jnp.asarray(0.9), 1e3)) == 0.9
    nudges = jnp.array([-1e-6, 1e-6])
    np.testing.assert_array_equal(jax.vmap(lambda d: WEIGHT.relaxed(0.9 + d, 1e3))(nudges), [0.0, 1.8])


def test_no_step_passes_a_rail():
    """Currents that move the capacitor by many rails within a step, and pulses that overlap."""
    for drive, rail in ((1e-9, 1.8), (-1e-9, 0.0)):
        voltage, _ = course(1.0, drive, 10e-3)
        assert voltage.min() >= 0.0
        assert voltage.max() <= 1.8
        assert voltage[-1] == rail
    voltage, _ = course(1.0, 0.0, 1e-3, up=tuple(1e-3 * np.arange(2, 40)))
    assert voltage.max() == 1.8


def test_events_bring_and_take_their_charge():
    voltage, _ = course(0.9, 0.0, 1e-6, up=(2e-6,), down=(5e-6,))
    steps = np.diff(voltage)
    np.testing.assert_allclose([steps.max(), steps.min()], [0.1, -0.1], rtol=1e-4)  # I T / C, beside a little drift
    one = WEIGHT.charge(jnp.array(1.0), jnp.array(0.0))
    assert float(WEIGHT.struck(jnp.array(0.5), one)) == pytest.approx(0.6, rel=1e-12, abs=0)
    assert float(WEIGHT.struck(jnp.array(1.75), one)) == 1.8


def test_a_leak_taken_by_halves_is_of_second_order():
    part = Bistability(technology=Technology(leakage_current=0.3e-12))
    span, start = 0.5 * TAU, 0.95
    rate = lambda t, v: (1e-12 * np.tanh((v - 0.9) / UNIT) - 0.3e-12) / 1e-12
    exact = solve_ivp(rate, (0, span), [start], rtol=1e-11, atol=1e-13).y[0, -1]
    errors = []
    for count in (4, 8, 16):
        v, _ = jax.lax.scan(lambda v, _, n=count: (part.relaxed(v, span / n), None), jnp.asarray(start), None, count)
        errors.append(abs(float(v) - exact))
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4.0, rtol=0.05)


def test_an_amplifier_weaker_than_the_leak_forgets():
    kept, lost = (Bistability(drift_current=i, initial=1.8) for i in (2e-15, 0.5e-15))  # beside 1 fA of leak
    assert float(kept.rate(jnp.array(1.8), 0.0)) == 0.0
    assert float(lost.rate(jnp.array(1.8), 0.0)) == pytest.approx(-0.5e-15 / 1e-12, rel=1e-9, abs=0)
    hot = lost.set("technology.temperature", 309.0)
    assert float(hot.rate(jnp.array(1.8), 0.0)) == pytest.approx(-1.5e-15 / 1e-12, rel=1e-9, abs=0)


def test_mismatch_moves_the_border_of_the_basins():
    count = 5000
    die = Bistability(np.full(count, 1e-12), technology=Technology(leakage_current=0.0)).fabricate(jax.random.key(5))
    assert np.asarray(die.offset).std() == pytest.approx(2.5e-3, rel=5 / np.sqrt(2 * count), abs=0)
    ends = np.asarray(die.relaxed(jnp.full(count, 0.9), jnp.asarray(1e3)))
    np.testing.assert_array_equal(ends, np.where(np.asarray(die.offset) > 0, 1.8, 0.0))


def test_noise_of_a_saturated_amplifier_walks_the_potential():
    frequency = np.geomspace(1e1, 1e4, 5)
    part = Bistability(technology=TIGHT, initial=1.5)
    nets = {"i": ("w.drive",), "u": ("w.up",), "d": ("w.down",), "out": ("w.out",)}
    circuit = Circuit({"w": part}, nets, inputs={"i": "i", "u": "u", "d": "d"}, outputs={"out": "out"})
    found = noise_spectrum(circuit, {"i": 0.0, "u": 0.0, "d": 0.0}, output="out", frequency=frequency)
    walk = 2 * ELEMENTARY_CHARGE * 3e-12 / (2 * np.pi * frequency * 1e-12) ** 2
    np.testing.assert_allclose(found.density, walk, rtol=1e-6)


def test_derivatives_are_finite_wherever_the_weight_is_in_single_precision():
    part = jax.tree.map(lambda v: v.astype(jnp.float32), Bistability())
    ends = lambda part, v, t: jnp.sum(jax.vmap(part.relaxed, (0, None))(v, t))
    slope = jax.jit(jax.grad(ends, (0, 1, 2)))
    volts = jnp.array([0.0, 0.1, 0.9, 0.9 + 1e-6, 1.2, 1.8], jnp.float32)
    for seconds in (0.0, 1e-6, 1.0, 1e6):
        slopes = slope(part, volts, jnp.asarray(seconds, jnp.float32))
        assert all(np.isfinite(v).all() for v in jax.tree.leaves(slopes)), seconds


def test_bad_values_are_refused_by_name():
    with pytest.raises(InputError, match="`capacitance` must be above 0 F, but is -1e-12 F"):
        Bistability(capacitance=-1e-12)
    with pytest.raises(InputError, match="`drift_current` must be above 0 A, but is -1e-12 A"):
        Bistability(-1e-12)
    with pytest.raises(InputError, match=r"`initial` must be at most `technology.supply_voltage` \(1.8 V\), but is 2 V"):
        Bistability(initial=2.0)
    with pytest.raises(InputError, match=r"`threshold` must be below `technology.supply_voltage` \(1.8 V\), but is 1.8 V"):
        Bistability(threshold=1.8)


def test_a_pin_takes_the_current_that_a_signal_would_carry():
    """An amplifier into the capacitor, between pins and as signals."""
    ends = []
    for domain in ("electrical", "signal"):
        parts = {"w": Bistability(technology=TIGHT, initial=0.85, domain=domain), "ota": OTA(3e-12, domain=domain)}
        nets = {"c": ("ota.out", "w.drive"), "p": ("ota.plus",), "m": ("ota.minus",), "u": ("w.up",), "d": ("w.down",)}
        told = {"p": 1.0, "m": 0.9, "u": 0.0, "d": 0.0}
        circuit = Circuit(parts, nets | {"out": ("w.out",)}, inputs={n: n for n in told}, outputs={"out": "out"})
        ends.append(np.ravel(transient(circuit, told, duration=0.2, step=2e-3, method="rk4")["out"]))
    assert ends[0][-1] > 1.3
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-9)
