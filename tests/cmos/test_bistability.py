"""A weight with its bistability amplifier against its closed form and SciPy: basins, rails, pulses, leak and noise."""

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
from devsim.devices.cmos import OTA, BistabilityAmplifier, CapacitorWeight, CurrentSum, Technology
from devsim.devices.cmos.rails import grown
from devsim.devices.spiking import SpikeSource
from devsim.physics import ELEMENTARY_CHARGE, thermal_voltage

UNIT = 2 * thermal_voltage(300.0) / 0.7
TIGHT = Technology(leakage_current=0.0)
AMPLIFIER, FARAD = BistabilityAmplifier(technology=TIGHT), 1e-12
TAU = float(AMPLIFIER.time_on(FARAD))
CLEAR = 0.4
"""Distance (V) from a rail at which the transistors of a drive pass it to exp(-15)."""


def time_to(start, end):
    """Seconds from one potential to another on the same side of the threshold: the integral of 1 / tanh."""
    return TAU * np.log(np.sinh((end - 0.9) / UNIT) / np.sinh((start - 0.9) / UNIT))


STEPS = 850


@functools.cache
def course(initial, drive, step, up=(), down=()):
    """Potentials (V) in time; `up` and `down` are times (s) of at most 40 pulses of 1 nA for 100 us."""
    padded = lambda times: np.array([*times, *[np.inf] * (40 - len(times))])
    parts = {
        "w": CapacitorWeight(FARAD, technology=TIGHT, voltage=initial),
        "latch": AMPLIFIER,
        "meet": CurrentSum(2),
        "up": SpikeSource(padded(up)),
        "down": SpikeSource(padded(down)),
    }
    nets = {"i": ("meet.in0",), "l": ("latch.out", "meet.in1"), "drive": ("meet.out", "w.drive")}
    nets |= {"u": ("up.out", "w.up"), "d": ("down.out", "w.down"), "pulse": ("w.up_current", "w.down_current")}
    circuit = Circuit(parts, nets | {"out": ("w.out", "latch.weight")}, inputs={"i": "i", "pulse": "pulse"})
    told = {"i": drive, "pulse": 1e-9}
    found = transient(circuit, told, duration=step * STEPS, step=step, method="rk4", keep=["out"])
    return np.asarray(found["out"]), np.asarray(found.time)


@pytest.mark.parametrize("start", [0.9 + 1e-3, 0.9 - 1e-3, 1.3])
def test_a_weight_drifts_to_the_nearer_rail_in_the_time_of_the_closed_form(start):
    rail = 1.8 if start > 0.9 else 0.0
    due = time_to(start, rail)
    voltage, time = course(start, 0.0, TAU / 50)
    moving = (np.abs(voltage - rail) > CLEAR) & (time > 0)
    assert moving.sum() > 20
    np.testing.assert_allclose([time_to(start, v) for v in voltage[moving]], time[moving], rtol=1e-6)
    late = thermal_voltage(300.0) * np.log1p(np.exp(-(time[-1] - due) / thermal_voltage(300.0)))  # a transistor without drain
    assert abs(voltage[-1] - rail) == pytest.approx(late, rel=1e-3, abs=1e-12)
    exact = jax.vmap(lambda t: AMPLIFIER.moved(jnp.asarray(start), t, FARAD))(time)
    np.testing.assert_allclose(exact[moving], voltage[moving], rtol=0, atol=1e-7)
    short = [AMPLIFIER.moved(jnp.asarray(start), due * share, FARAD) for share in (1 - 1e-9, 1 + 1e-9, 1e3)]
    np.testing.assert_allclose(short, rail, rtol=0, atol=1e-8)


def test_a_distance_grows_and_falls_as_the_hyperbolic_sine_of_it_does():
    for x in (-40.0, -2.0, -1e-3, 1e-9, 0.5, 1.5, 29.0):
        for times in (-3.0, -0.1, 0.0, 0.7, 5.0):
            y = float(grown(jnp.array(x), jnp.array(times)))
            logs = [np.abs(v) + np.log(-np.expm1(-2 * np.abs(v))) for v in (x, y)]  # of 2 sinh
            assert logs[1] - logs[0] == pytest.approx(times, abs=1e-12)
            assert y * x > 0
    np.testing.assert_array_equal(grown(jnp.zeros(3), jnp.array([-1e3, 1.0, 1e3])), 0.0)
    assert float(grown(jnp.float32(180.0), jnp.float32(-179.0))) == pytest.approx(np.arcsinh(np.exp(1.0) / 2), rel=1e-4)


def test_a_weight_at_the_threshold_stays_and_the_basins_meet_there():
    nudges = jnp.array([-1e-6, 0.0, 1e-6])
    np.testing.assert_array_equal(AMPLIFIER.moved(0.9 + nudges, 1e3, FARAD), [0.0, 0.9, 1.8])
    assert float(AMPLIFIER.set("strength", 0.0).moved(0.7, 1e3, FARAD)) == 0.7


def test_no_step_passes_a_rail():
    """Currents that move the capacitor by many rails within a step, and pulses that overlap."""
    for drive, rail in ((1e-9, 1.8), (-1e-9, 0.0)):
        voltage, _ = course(1.0, drive, 10e-3)
        assert voltage.min() >= 0.0
        assert voltage.max() <= 1.8
        assert voltage[-1] == rail
    voltage, _ = course(1.0, 0.0, 1e-3, up=tuple(1e-3 * np.arange(2, 40)))
    assert 1.8 - 1e-6 < voltage.max() <= 1.8


def test_events_bring_and_take_their_charge():
    voltage, _ = course(0.9, 0.0, 1e-6, up=(2e-6,), down=(5e-6,))
    steps = np.diff(voltage)
    np.testing.assert_allclose([steps.max(), steps.min()], [0.1, -0.1], rtol=1e-4)  # I T / C, beside a little drift


def test_a_leak_taken_by_halves_is_of_second_order():
    leaky = Technology(leakage_current=0.3e-12)
    amplifier, weight = BistabilityAmplifier(technology=leaky), CapacitorWeight(FARAD, technology=leaky)
    span, start = 0.5 * TAU, 0.95
    rate = lambda t, v: (1e-12 * np.tanh((v - 0.9) / UNIT) - 0.3e-12) / FARAD
    exact = solve_ivp(rate, (0, span), [start], rtol=1e-11, atol=1e-13).y[0, -1]
    errors = []
    for count in (4, 8, 16):
        step = lambda v, _, n=count: (amplifier.relaxed(v, span / n, weight), None)
        errors.append(abs(float(jax.lax.scan(step, jnp.asarray(start), None, count)[0]) - exact))
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4.0, rtol=0.05)


def test_an_amplifier_weaker_than_the_leak_forgets():
    """Beside 1 fA of leak, 3 fA where it is 14 K warmer; 0.3 V below the rail a drive is itself to exp(-11)."""
    nothing = dict.fromkeys(("up", "down", "up_current", "down_current"), jnp.zeros(()))

    def falling(bias, kelvin=300.0):
        technology, voltage = Technology(temperature=kelvin), jnp.asarray(1.5)
        drive = BistabilityAmplifier(bias, technology=technology).current(voltage)
        weight = CapacitorWeight(FARAD, technology=technology)
        return float(weight.balance(0.0, nothing | {"drive": drive}, {"voltage": voltage}).static["voltage"])

    assert falling(2e-15) == pytest.approx(-1e-15, rel=3e-5, abs=0)
    assert falling(0.5e-15) == pytest.approx(0.5e-15, rel=3e-5, abs=0)
    assert falling(0.5e-15, 309.0) == pytest.approx(1.5e-15, rel=3e-5, abs=0)


def test_mismatch_moves_the_border_of_the_basins():
    count = 5000
    die = BistabilityAmplifier(np.full(count, 1e-12), technology=TIGHT).fabricate(jax.random.key(5))
    assert np.asarray(die.offset).std() == pytest.approx(2.5e-3, rel=5 / np.sqrt(2 * count), abs=0)
    ends = np.asarray(die.moved(jnp.full(count, 0.9), jnp.asarray(1e3), FARAD))
    np.testing.assert_array_equal(ends, np.where(np.asarray(die.offset) > 0, 1.8, 0.0))


def test_noise_of_a_saturated_amplifier_walks_the_potential():
    """Of four transistors, two of which carry all: 2 q 3 I_b."""
    frequency = np.geomspace(1e1, 1e4, 5)
    parts = {"w": CapacitorWeight(FARAD, technology=TIGHT, voltage=1.4), "latch": AMPLIFIER}
    nets = {"l": ("latch.out", "w.drive"), "u": ("w.up",), "d": ("w.down",), "out": ("w.out", "latch.weight")}
    told = {"u": 0.0, "d": 0.0, "pulse": 0.0}
    nets |= {"pulse": ("w.up_current", "w.down_current")}
    circuit = Circuit(parts, nets, inputs={name: name for name in told}, outputs={"out": "out"})
    found = noise_spectrum(circuit, told, output="out", frequency=frequency)
    walk = 2 * ELEMENTARY_CHARGE * 3e-12 / (2 * np.pi * frequency * FARAD) ** 2
    np.testing.assert_allclose(found.density, walk, rtol=2e-6)  # 1 - tanh of 0.5 V is 2.7e-6, a third of the noise


def test_derivatives_are_finite_wherever_the_weight_is_in_single_precision():
    parts = jax.tree.map(lambda v: v.astype(jnp.float32), (BistabilityAmplifier(), CapacitorWeight()))
    ends = lambda parts, v, t: jnp.sum(jax.vmap(parts[0].relaxed, (0, None, None))(v, t, parts[1]))
    slope = jax.jit(jax.grad(ends, (0, 1, 2)))
    volts = jnp.array([0.0, 0.1, 0.9, 0.9 + 1e-6, 1.2, 1.8], jnp.float32)
    for seconds in (0.0, 1e-6, 1.0, 1e6):
        slopes = slope(parts, volts, jnp.asarray(seconds, jnp.float32))
        assert all(np.isfinite(v).all() for v in jax.tree.leaves(slopes)), seconds


def test_bad_values_are_refused_by_name():
    with pytest.raises(InputError, match="`bias_current` must be above 0 A, but is -1e-12 A"):
        BistabilityAmplifier(-1e-12)
    with pytest.raises(InputError, match=r"`voltage` must be at most `technology.supply_voltage` \(1.8 V\), but is 2 V"):
        CapacitorWeight(voltage=2.0)
    with pytest.raises(InputError, match=r"`threshold` must be below `technology.supply_voltage` \(1.8 V\), but is 1.8 V"):
        BistabilityAmplifier(threshold=1.8)
    assert BistabilityAmplifier(strength=0.0, technology=Technology(supply_voltage=0.8)).shape() == ()


def test_currents_meet_on_a_pin_as_they_do_in_a_sum():
    """The weight's own amplifier and another one, between pins and as signals."""
    ends = []
    for domain in ("electrical", "signal"):
        parts = {
            "w": CapacitorWeight(FARAD, technology=TIGHT, voltage=0.85, domain=domain),
            "latch": BistabilityAmplifier(technology=TIGHT, domain=domain),
            "ota": OTA(3e-12, domain=domain),
        }
        nets = {"c": ("latch.out", "ota.out", "w.drive")}
        if domain == "signal":
            parts |= {"meet": CurrentSum(2)}
            nets = {"a": ("latch.out", "meet.in0"), "b": ("ota.out", "meet.in1"), "c": ("meet.out", "w.drive")}
        told = {"p": 1.0, "m": 0.9, "u": 0.0, "d": 0.0} | ({"i+": 0.0, "i-": 0.0} if domain == "signal" else {})
        nets |= {"p": ("ota.plus",), "m": ("ota.minus",), "u": ("w.up",), "d": ("w.down",), "out": ("w.out", "latch.weight")}
        nets |= {"i+": ("w.up_current",), "i-": ("w.down_current",)}
        circuit = Circuit(parts, nets, inputs={n: n for n in told}, outputs={n: n for n in ("out", "i+", "i-")})
        ends.append(np.ravel(transient(circuit, told, duration=0.2, step=2e-3, method="rk4")["out"]))
    assert ends[0][-1] > 1.3
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-9)
