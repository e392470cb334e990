"""The differential-pair integrator against its closed form, and the laws of its mismatch and temperature."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import wrightomega

from devsim.analyses.transient import transient
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.cmos import DPISynapse, Technology
from devsim.devices.cmos.log_domain import UNIT, log_of, log_omega
from devsim.devices.spiking import SpikeSource
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE

NO_FLOOR = Technology(threshold=1.5)
"""Off currents far below anything."""
TAU = 1.5e-12 * BOLTZMANN * 300 / ELEMENTARY_CHARGE / (0.7 * 10e-12)
GAIN, DRIVE = 30e-12, 400e-12
STEADY = GAIN * (DRIVE / 10e-12 - 1)


@functools.cache
def course(drive, weight, steps=400):
    """Currents (A) in time after one pulse of `weight` (A), under a constant drive (A); the times (s)."""
    step = TAU / 100
    parts = {
        "synapse": DPISynapse(technology=NO_FLOOR, gain_current=GAIN, weight_current=weight),
        "source": SpikeSource(np.array([step])),
    }
    nets = {"in": ("synapse.drive",), "out": ("synapse.out",), "events": ("source.out", "synapse.input")}
    circuit = Circuit(parts, nets, inputs={"in": "in"}, outputs={"out": "out"})
    found = transient(circuit, {"in": drive}, duration=steps * step, step=step, method="rk4")
    return np.asarray(found["out"])[2:], np.asarray(found.time)[2:]


def charging_time(before, after):
    """Seconds from one current to another by the implicit closed form."""
    share = GAIN / STEADY
    phi = lambda current: share * np.log(current / UNIT) - (1 + share) * np.log((STEADY - current) / UNIT)
    return TAU * (phi(after) - phi(before))


def test_the_logarithm_of_wright_omega_is_that_of_scipy():
    y = np.concatenate([-np.logspace(-3, 2, 40), np.logspace(-6, 8, 200)])
    np.testing.assert_allclose(log_omega(jnp.asarray(y)), np.log(wrightomega(y).real), rtol=4e-16, atol=3e-15)
    slope = jax.vmap(jax.grad(log_omega))(jnp.asarray(y))
    np.testing.assert_allclose(slope, 1 / (1 + wrightomega(y).real), rtol=1e-12)


def test_charge_follows_the_implicit_closed_form():
    current, time = course(DRIVE, 1.8e-7, 800)
    assert current[0] < 0.05 * STEADY < 0.9 * STEADY < current[-1]
    np.testing.assert_allclose(charging_time(current[:-1], current[1:]), np.diff(time), rtol=1e-6)


def test_discharge_is_exponential():
    current, time = course(0.0, 2e-6)
    np.testing.assert_allclose(np.log(current / current[0]), -(time - time[0]) / TAU, rtol=0, atol=1e-9)


def test_the_steady_current_is_the_gain_times_the_excess():
    current, _ = course(DRIVE, 1.8e-7, 3000)
    assert current[-1] == pytest.approx(STEADY, rel=1e-6)


def test_short_pulses_bring_what_the_differential_equation_says():
    """From rest, where the linear formula is off by thousands, and from a current where it is nearly right."""
    synapse = DPISynapse(technology=NO_FLOOR, time_constant_current=87e-12, gain_current=8.7e-9, weight_current=10e-9)
    tau, width = float(synapse.time_constant()), 10e-6
    for start in (0.5e-12, 1e-10, 1e-8, 1e-7):
        rate = lambda t, v: (10e-9 / (87e-12 * (1 + np.exp(v) * UNIT / 8.7e-9)) - 1) / tau
        exact = solve_ivp(rate, (0, width), [np.log(start / UNIT)], rtol=1e-12, atol=1e-12).y[0, -1]
        rested = synapse.relaxed(jnp.log(start / UNIT), width)
        struck = synapse.struck(rested, synapse.dose(jnp.array(1.0)))
        share = width / tau
        assert abs(float(struck) - exact) < (10e-9 / 87e-12) * share**2  # splitting: the leak is not within the pulse


def test_an_idle_synapse_ends_at_the_off_current():
    synapse = DPISynapse()
    floor = log_of(synapse.technology.off_current())
    kappa, tau = 0.7, float(synapse.time_constant())
    exact = solve_ivp(
        lambda t, v: -(1 - np.exp(-(v - float(floor)) / kappa)) / tau, (0, 5 * tau), [floor + 4.0], rtol=1e-11, atol=1e-12
    ).y[0, -1]
    np.testing.assert_allclose(synapse.relaxed(floor + 4.0, 5 * tau), exact, rtol=0, atol=1e-8)
    np.testing.assert_allclose(synapse.relaxed(floor + 4.0, 1e4), floor, atol=1e-12)
    assert float(synapse.rate(floor, 0.0)) == 0.0


@pytest.mark.parametrize("process", ["ihp-sg13g2-n", "ihp-sg13g2-p"])
def test_subthreshold_currents_spread_by_kappa_sigma_over_the_thermal_voltage(process):
    count, width = 20_000, 3e-6
    technology = Technology.preset(process, width=width, length=width)
    die = DPISynapse(np.full(count, 1e-12), technology=technology).fabricate(jax.random.key(0))
    sigma = float(technology.threshold_mismatch) / width
    expected = float(technology.gate_coupling) * sigma / (BOLTZMANN * 300 / ELEMENTARY_CHARGE)
    for name in ("time_constant_current", "gain_current"):
        logs = np.log(np.asarray(die.bias(name)) / 10e-12)
        assert logs.std() == pytest.approx(expected, rel=5 / np.sqrt(2 * count))
        assert abs(logs.mean()) < 5 * expected / np.sqrt(count)


def test_no_current_is_negative_where_they_spread_by_half():
    technology = Technology(threshold_mismatch=0.5 * 0.02585 / 0.7 * 2e-6)
    die = DPISynapse(np.full(20_000, 1e-12), technology=technology).fabricate(jax.random.key(1))
    gains = np.asarray(die.bias("gain_current"))
    assert np.log(gains).std() == pytest.approx(0.5, rel=0.05)
    assert gains.min() > 0
    assert np.asarray(die.time_constant()).min() > 0


def test_a_compensated_bias_stays_and_a_gate_voltage_follows_the_transistor():
    technology = Technology.preset("ihp-sg13g2-n", temperature=343.0)
    assert float(technology.bias(1e-9)) == pytest.approx(1e-9, rel=1e-12)
    held = technology.set("bias_compensation", 0.0)
    off = technology.set("temperature", 300.0).off_current()
    assert float(held.bias(off)) == pytest.approx(float(technology.off_current()), rel=1e-9)  # the gate at zero volts
    assert 5.0 < float(technology.off_current() / off) < 7.0  # measured: 5.8


def test_the_time_constant_goes_as_the_temperature_where_biases_are_currents():
    warm = DPISynapse(technology=Technology(temperature=330.0))
    assert float(warm.time_constant() / DPISynapse().time_constant()) == pytest.approx(1.1, rel=1e-12)


def test_ageing_composes_and_lowers_currents():
    technology = Technology(threshold_drift=20e-3)
    key = jax.random.key(0)
    once = technology.age(jnp.array(3e7), jnp.array(350.0), key)
    twice = technology.age(jnp.array(1e7), jnp.array(350.0), key).age(jnp.array(2e7), jnp.array(350.0), key)
    assert float(once.drift()) == pytest.approx(float(twice.drift()), rel=1e-12)
    assert float(technology.drift()) == 0.0
    assert float(once.bias(1e-9)) < 0.7e-9


def test_weights_that_have_no_column_for_each_lane_are_refused():
    with pytest.raises(InputError, match=r"`weight_current` must have a column for each of the lanes \(2,\).*shape \(4, 3\)"):
        DPISynapse(np.ones((4, 3)), gain_current=np.full(2, 1e-12))
    with pytest.raises(InputError, match="`time_constant_current` must be above 0 A, but is -1e-12 A"):
        DPISynapse(time_constant_current=-1e-12)
    with pytest.raises(InputError, match="`weight_current` must be at least 0 A, but is -1e-12 A"):
        DPISynapse(-1e-12)


def test_noise_at_a_bias_has_the_variance_of_a_capacitor():
    """Far above I_th charge and discharge each make shot noise: var(ln I) = kappa q / (C U_T), k T / (kappa C) in volts."""
    synapse = DPISynapse(technology=NO_FLOOR, gain_current=1e-13, domain="electrical")
    drive, steady = 500e-12, 1e-13 * (500e-12 / 10e-12 - 1)
    told, x = {"drive": jnp.array(drive)}, {"log_current": log_of(steady)}
    slope = -float(jax.grad(synapse.rate)(x["log_current"], told["drive"]))
    variance = float(synapse.noise(told, x)["shot"].density) / (4 * slope)
    exact = 0.7 * ELEMENTARY_CHARGE / (1.5e-12 * BOLTZMANN * 300 / ELEMENTARY_CHARGE)
    assert variance == pytest.approx(exact, rel=0.03)  # I_th / I is a fiftieth


def test_flicker_noise_is_that_of_the_gate_through_the_transistor():
    technology = Technology(flicker_coefficient=1e-22)
    one = DPISynapse(technology=technology)
    density = one.noise({"drive": jnp.array(0.0)}, {"log_current": jnp.array(2.0)})["flicker"].density
    through = 0.7 * 10e-12 / 0.025852 * np.sqrt(1e-22 / 4e-12)
    assert float(density) == pytest.approx((0.7 / (1.5e-12 * 0.025852) * through) ** 2, rel=1e-4)
