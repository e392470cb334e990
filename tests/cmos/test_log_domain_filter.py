"""The log-domain filter is a linear filter: superposition, its response in closed form, its noise."""

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
from devsim.devices.cmos import LogDomainFilter
from devsim.devices.cmos.log_domain import current_of, log_of
from devsim.devices.spiking import SpikeSource
from devsim.physics import ELEMENTARY_CHARGE, thermal_voltage

UT = thermal_voltage(300.0)
PART = LogDomainFilter(gain_current=30e-12)
TAU, FLOOR = float(PART.time_constant()), float(PART.technology.off_current())


def circuit(part, times=(np.inf,)):
    nets = {"in": ("f.drive",), "out": ("f.out",), "events": ("source.out", "f.input")}
    parts = {"f": part, "source": SpikeSource(np.array(times))}
    return Circuit(parts, nets, inputs={"in": "in"}, outputs={"out": "out"})


def after(drives, start=FLOOR, step=TAU / 3):
    """Currents (A) at the end of steps with constant currents `drives` (A) in."""
    advance = lambda v, drive: (PART.advance(v, step, drive),) * 2
    return current_of(jax.lax.scan(advance, log_of(jnp.asarray(start)), drives)[1])


def test_the_response_to_two_inputs_is_the_sum_of_the_responses():
    rng = np.random.default_rng(1)
    one, other = jnp.asarray(10 ** rng.uniform(-12, -8, (2, 200)))
    both = after(one + 3 * other) - FLOOR
    np.testing.assert_allclose(both, (after(one) - FLOOR) + 3 * (after(other) - FLOOR), rtol=1e-10)


def test_a_step_is_answered_exponentially_by_steps_of_the_state_and_by_the_transient():
    time = TAU * np.linspace(0, 5, 501)
    exact = FLOOR + 6 * FLOOR * -np.expm1(-time / TAU)
    found = transient(circuit(PART), {"in": 2 * FLOOR}, duration=time[-1], step=time[1], method="rk4")
    np.testing.assert_allclose(np.ravel(found["out"]), exact, rtol=1e-6)
    jumps = jax.vmap(lambda t: PART.advance(log_of(jnp.asarray(FLOOR)), t, 2 * FLOOR))(time)
    np.testing.assert_allclose(current_of(jumps), exact, rtol=1e-12)


def test_steps_of_the_state_solve_the_differential_equation():
    for start, drive in ((1e-8, 3e-11), (2e-12, 5e-9), (1e-9, 0.0)):
        rate = lambda t, v, drive=drive: ((3 * drive + FLOOR) / (1e-12 * np.exp(v)) - 1) / TAU
        exact = solve_ivp(rate, (0, 2 * TAU), [float(log_of(start))], method="LSODA", rtol=1e-11, atol=1e-12).y[0, -1]
        assert float(PART.advance(log_of(start), 2 * TAU, drive)) == pytest.approx(exact, abs=1e-8)
    assert float(PART.relaxed(log_of(1e-9), 1e6)) == pytest.approx(float(log_of(FLOOR)), abs=1e-12)


def test_events_add_up_from_any_current():
    step = TAU / 20
    found = transient(circuit(PART, step * np.array([1.5, 5.5, 5.5])), {"in": 0.0}, duration=20 * step, step=step, method="rk4")
    current, kick = np.ravel(found["out"]), 3 * 1e-9 * 10e-6 / TAU
    assert kick > 10 * FLOOR
    expected = [FLOOR]
    for events in (0, 1, 0, 0, 0, 2, *[0] * 14):
        expected.append(FLOOR + (expected[-1] - FLOOR) * np.exp(-0.05) + events * kick)
    relaxed = FLOOR + (np.array(expected) - FLOOR) * np.exp(-0.05)  # what a step brings shows from the next one on
    np.testing.assert_allclose(current[1:], relaxed[:-1], rtol=1e-6)


@functools.cache
def equilibrium(part_drive):
    """Samples of ln I under noise, of 400 filters over 20 time constants after 6."""
    part = LogDomainFilter(weight_current=np.full(400, 1e-9))
    nets = {"in": ("f.drive",), "out": ("f.out",), "events": ("f.input",)}
    filters = Circuit({"f": part}, nets, inputs={"in": "in", "e": "events"}, outputs={"out": "out"})
    told = {"in": np.full(400, part_drive), "e": np.zeros(400)}
    tau = float(part.time_constant())
    found = transient(filters, told, duration=30 * tau, step=tau / 50, key=jax.random.key(2), method="heun", every=50)
    return np.log(np.asarray(found["out"])[10:])


@pytest.mark.slow
def test_the_logarithm_in_equilibrium_varies_by_kappa_q_over_the_charge_of_a_thermal_voltage():
    logs = equilibrium(FLOOR)
    expected = 0.7 * ELEMENTARY_CHARGE / (1.5e-12 * UT)
    independent = logs.size / 2.2  # samples a time constant apart: (1 + r^2) / (1 - r^2) with r^2 = exp(-2), and more
    assert logs.var() == pytest.approx(expected, rel=5 * np.sqrt(2 / independent), abs=0)


def test_the_noise_spectrum_integrates_to_that_variance():
    frequency = np.geomspace(1e-6 / TAU, 1e6 / TAU, 1201)
    part = LogDomainFilter()
    nets = {"in": ("f.drive",), "out": ("f.out",), "events": ("f.input",)}
    one = Circuit({"f": part}, nets, inputs={"in": "in", "e": "events"}, outputs={"out": "out"})
    # memory is held where it is, at the floor; a filter without input is in equilibrium there
    found = noise_spectrum(one, {"in": 0.0, "e": 0.0}, output="out", frequency=frequency)
    expected = 0.7 * ELEMENTARY_CHARGE / (1.5e-12 * UT) * FLOOR**2
    assert float(found.integrated()) == pytest.approx(expected, rel=1e-5, abs=0)


def test_gains_and_times_spread_apart():
    count = 20_000
    die = LogDomainFilter(weight_current=np.full(count, 1e-9)).fabricate(jax.random.key(1))
    sigma = 0.7 * 2.5e-3 / UT
    assert np.log(np.asarray(die.gain())).std() == pytest.approx(sigma * 2**0.5, rel=5 / np.sqrt(2 * count), abs=0)
    assert np.log(np.asarray(die.time_constant())).std() == pytest.approx(sigma, rel=5 / np.sqrt(2 * count), abs=0)


def test_derivatives_are_finite_in_single_precision_from_the_floor_to_microamperes():
    part = jax.tree.map(lambda v: v.astype(jnp.float32), PART)
    end = lambda part, v, t, drive: jnp.sum(part.struck(part.advance(v, t, drive), part.dose(jnp.float32(1.0))))
    slope = jax.jit(jax.grad(end, (0, 1, 2, 3)))
    for start in (FLOOR, 1e-6):
        for seconds in (0.0, 1e-6, 1e3):
            for drive in (0.0, 1e-15, 1e-6):
                told = [jnp.asarray(v, jnp.float32) for v in (log_of(start), seconds, drive)]
                slopes = slope(part, *told)
                assert all(np.isfinite(v).all() for v in jax.tree.leaves(slopes)), (start, seconds, drive)


def test_negative_currents_and_capacitances_are_refused():
    with pytest.raises(InputError, match=r"`capacitance` must be above 0 F, but is -1\.5e-12 F"):
        LogDomainFilter(capacitance=-1.5e-12)
    with pytest.raises(InputError, match="`gain_current` must be above 0 A, but is -1e-12 A"):
        LogDomainFilter(gain_current=-1e-12)
