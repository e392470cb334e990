"""The current-mirror integrator: hyperbolic decay, pulses and noise against closed forms and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from devsim.analyses.noise_spectrum import noise_spectrum
from devsim.analyses.transient import transient
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.cmos import MirrorIntegrator, Technology
from devsim.devices.cmos.log_domain import current_of, log_of
from devsim.devices.spiking import SpikeSource
from devsim.physics import ELEMENTARY_CHARGE, thermal_voltage

UNIT = 1.5e-12 * thermal_voltage(300.0) / 0.7
"""C U_T / kappa, C."""
NO_FLOOR = Technology(threshold=1.5)
"""Off currents far below anything."""
PART = MirrorIntegrator(technology=NO_FLOOR)
FLOOR = float(MirrorIntegrator().technology.off_current())


def solved(start, seconds, drive, floor):
    """ln(I / 1 pA) by SciPy."""
    rate = lambda t, v: (drive - (1e-12 * np.exp(v) - floor) / 10) / UNIT
    tight = dict(method="LSODA", rtol=1e-11, atol=1e-12)
    return solve_ivp(rate, (0, seconds), [np.log(start / 1e-12)], **tight).y[0, -1]


def test_the_current_decays_as_a_hyperbola():
    time = np.geomspace(1e-6, 1e3, 40)
    for start in (1e-6, 1e-9, 1e-11):
        exact = start / (1 + 0.1 * start * time / UNIT)
        found = current_of(jax.vmap(lambda t, s=start: PART.relaxed(log_of(s), t))(time))
        np.testing.assert_allclose(found, exact, rtol=1e-9)


@pytest.mark.parametrize(("start", "seconds", "drive"), [(1e-9, 2e-3, 0.0), (1e-12, 1e-2, 30e-12), (5e-8, 5e-3, 1e-9)])
def test_steps_of_the_state_solve_the_differential_equation(start, seconds, drive):
    part = MirrorIntegrator()
    found = float(part.advance(log_of(start), seconds, drive))
    assert found == pytest.approx(solved(start, seconds, drive, FLOOR), abs=1e-8)
    assert float(part.advance(log_of(start), 1e5, drive)) == pytest.approx(np.log((10 * drive + FLOOR) / 1e-12), abs=1e-9)


@pytest.mark.parametrize("start", [1e-12, 1e-9, 3e-8])
def test_a_pulse_at_the_end_of_a_step_brings_what_the_differential_equation_says(start):
    """Also where the current is above what the pulse could hold, and falls during it."""
    before = solved(start, 1e-3 - 10e-6, 0.0, 0.0)
    exact = solved(1e-12 * np.exp(before), 10e-6, 2e-9, 0.0)
    struck = PART.struck(PART.relaxed(log_of(start), 1e-3), PART.dose(jnp.array(2.0)))
    assert float(struck) == pytest.approx(exact, abs=1e-8)
    assert float(PART.struck(log_of(start), jnp.array(0.0))) == pytest.approx(float(log_of(start)), abs=1e-15)


def test_a_transient_agrees_with_steps_of_the_state():
    step = 1e-4
    parts = {"s": MirrorIntegrator(), "source": SpikeSource(step * np.array([0.5, 4.5]))}
    nets = {"in": ("s.drive",), "out": ("s.out",), "events": ("source.out", "s.input")}
    circuit = Circuit(parts, nets, inputs={"in": "in"}, outputs={"out": "out"})
    found = transient(circuit, {"in": 20e-12}, duration=20 * step, step=step, method="rk4")
    part, v, expected = parts["s"], log_of(jnp.asarray(FLOOR)), []
    for events in (1.0, 0.0, 0.0, 0.0, 1.0, *[0.0] * 15):
        v = part.advance(v, step, 20e-12)
        expected.append(float(current_of(v)))
        v = part.struck(v, part.dose(jnp.array(events)))
    np.testing.assert_allclose(np.ravel(found["out"])[1:], expected, rtol=1e-6)


def test_the_noise_of_the_logarithm_at_the_floor():
    """Variance kappa q / (C U_T), as of every capacitor at a gate in equilibrium: the gain of the mirror cancels."""
    corner = FLOOR / 10 / UNIT
    frequency = np.geomspace(1e-6 * corner, 1e6 * corner, 1201)
    nets = {"in": ("s.drive",), "out": ("s.out",), "events": ("s.input",)}
    circuit = Circuit({"s": MirrorIntegrator()}, nets, inputs={"in": "in", "e": "events"}, outputs={"out": "out"})
    found = noise_spectrum(circuit, {"in": 0.0, "e": 0.0}, output="out", frequency=frequency)
    assert float(found.integrated()) == pytest.approx(ELEMENTARY_CHARGE / UNIT * FLOOR**2, rel=1e-5, abs=0)


def test_weights_spread_as_their_mirrors_do():
    count = 20_000
    die = MirrorIntegrator(np.full(count, 1e-9)).fabricate(jax.random.key(1))
    logs = np.log(np.asarray(die.dose(jnp.ones(count))))
    assert logs.std() == pytest.approx(0.7 * 2.5e-3 / thermal_voltage(300.0), rel=5 / np.sqrt(2 * count), abs=0)


def test_derivatives_are_finite_in_single_precision_from_the_floor_to_microamperes():
    part = jax.tree.map(lambda v: v.astype(jnp.float32), MirrorIntegrator())
    end = lambda part, v, t, drive, n: part.struck(part.advance(v, t, drive), part.dose(n))
    slope = jax.jit(jax.grad(end, (0, 1, 2, 3, 4)))
    for start in (FLOOR, 1e-6):
        for seconds, drive, events in ((0.0, 0.0, 0.0), (1e-6, 1e-15, 1.0), (1e3, 1e-6, 100.0)):
            told = [jnp.asarray(v, jnp.float32) for v in (log_of(start), seconds, drive, events)]
            slopes = slope(part, *told)
            assert all(np.isfinite(v).all() for v in jax.tree.leaves(slopes)), (start, seconds, drive, events)


def test_negative_currents_and_capacitances_are_refused():
    with pytest.raises(InputError, match="`weight_current` must be above 0 A, but is -1e-09 A"):
        MirrorIntegrator(-1e-9)
    with pytest.raises(InputError, match="`capacitance` must be above 0 F, but is -1e-12 F"):
        MirrorIntegrator(capacitance=-1e-12)
