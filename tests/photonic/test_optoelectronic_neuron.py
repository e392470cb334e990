"""The optoelectronic neuron: intervals by the closed form, published rates, energy of pulses, behaviours, noise, spreads."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from devsim.analyses.transient import transient
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.spiking import OptoelectronicNeuron
from devsim.devices.spiking.optoelectronic_presets import CURRENT, TIME
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE

CURRENTS = np.array([10e-6, 15.2e-6, 15.5e-6, 25e-6, 50e-6, 100e-6, 250e-6])
PUBLISHED = {25e-6: 20.85e6, 50e-6: 38.5e6, 100e-6: 54.5e6, 250e-6: 77.7e6}
"""Photocurrent -> rate: Lee et al., Opt. Express 30, 19360 (2022)."""


def lit(neurons):
    """The circuit of a bus of neurons alone, its light from outside."""
    nets = {"light": ("neurons.excitatory",), "shade": ("neurons.inhibitory",), "out": ("neurons.out",)}
    return Circuit(
        {"neurons": neurons},
        nets | {"spikes": ("neurons.spikes",)},
        inputs={"light": "light", "shade": "shade"},
        outputs={"out": "out", "spikes": "spikes"},
    )


@functools.partial(jax.jit, static_argnames=("duration", "step", "keep"))
def run(neurons, current, duration, step, keep=("spikes", "out"), key=None):
    """A run at constant photocurrents (n,), A, of the excitatory diodes."""
    told = {"light": jnp.sqrt(current / neurons.responsivity) + 0j, "shade": jnp.zeros(current.shape, complex)}
    return transient(lit(neurons), told, duration=duration, step=step, keep=keep, key=key)


def times(found, lane, step):
    """When a lane fired, s."""
    return np.flatnonzero(np.asarray(found["spikes"])[:, lane]) * step


def rates(found, step):
    """Mean rate between the first and the last event of every lane."""
    trains = [times(found, lane, step) for lane in range(found["spikes"].shape[1])]
    return np.array([(len(t) - 1) / (t[-1] - t[0]) if len(t) > 1 else 0.0 for t in trains])


@pytest.fixture(scope="module")
def tonic():
    step = 0.1e-9
    return run(OptoelectronicNeuron.preset("tonic", len(CURRENTS)), jnp.asarray(CURRENTS), 2e-6, step), step


def test_mean_rates_are_those_of_the_closed_form(tonic):
    """Steps are of order 2: rates move by less than 1e-4 but for the step in which the first and the last event are seen."""
    found, step = tonic
    for lane, wanted in enumerate(np.asarray(OptoelectronicNeuron().steady_rate(CURRENTS))):
        train = times(found, lane, step)
        if wanted == 0:
            assert len(train) == 0
        else:
            between = (len(train) - 1) / wanted
            assert abs(train[-1] - train[0] - between) < step + 1e-4 * between


@pytest.mark.slow
def test_an_interval_is_that_of_the_closed_form_at_a_small_step():
    step, current = 1e-12, jnp.array([25e-6, 100e-6])
    found = run(OptoelectronicNeuron.preset("tonic", 2), current, 2e-7, step, ("spikes",))
    for lane, rate in enumerate(np.asarray(OptoelectronicNeuron().steady_rate(current))):
        np.testing.assert_allclose(np.diff(times(found, lane, step)), 1 / rate, rtol=1e-4)


def test_the_closed_form_is_the_integral_of_the_membranes_equation():
    neuron = OptoelectronicNeuron(threshold=0.55, reset_potential=0.25, bias_current=2e-6)
    for current in (25e-6, 90e-6):
        slope = lambda v, current=current: 1.72e-12 / (1.5278e-3 * (v - 0.3) * (v - 0.55) + current + 2e-6)
        wanted = 8.3e-9 + quad(slope, 0.25, 0.8, epsabs=1e-16, epsrel=1e-10)[0]
        assert float(neuron.steady_rate(current)) == pytest.approx(1 / wanted, rel=1e-8)


def test_the_rheobase_is_where_firing_begins():
    neuron = OptoelectronicNeuron()
    assert float(neuron.rheobase()) == pytest.approx(1.5278e-3 * 0.2**2 / 4, rel=1e-12)
    below, above = neuron.steady_rate(neuron.rheobase() * (1 + 1e-6 * np.array([-1, 1])))
    assert below == 0 < above


def test_rates_are_the_published_ones_within_the_residual_of_the_fit(tonic):
    found = dict(zip(CURRENTS, rates(*tonic), strict=True))
    off = np.array([found[current] - rate for current, rate in PUBLISHED.items()])
    assert np.sqrt(np.mean(off**2)) < 0.45e6
    assert found[15.2e-6] == 0 < found[15.5e-6]


def test_emitted_energy_is_that_of_the_pulses(tonic):
    found, step = tonic
    energy = np.sum(np.abs(np.asarray(found["out"])) ** 2, axis=0) * step
    count = np.sum(np.asarray(found["spikes"]), axis=0)
    pulses = np.abs(np.asarray(found["out"])[-1]) > 0  # one that is still on at the end is not yet all there
    np.testing.assert_allclose((energy - count * 1.18e-12)[~pulses], 0, atol=1e-9 * energy.max())
    np.testing.assert_array_less(np.abs(energy - count * 1.18e-12)[pulses], 1.18e-12)
    np.testing.assert_allclose(np.abs(np.asarray(found["out"])).max() ** 2, 1.18e-12 / 4e-9, rtol=1e-12)


def izhikevich(told, current, duration, tolerance=1e-9):
    """Times (ms) of the events of Izhikevich's equations in mV, ms, pF and pA, by SciPy."""
    c, k, v_t, v_peak, reset, a, b, d = told
    slope = lambda t, y: [(k * y[0] * (y[0] - v_t) - y[1] + current) / c, a * (b * y[0] - y[1])]
    peak = lambda t, y: y[0] - v_peak
    peak.terminal, peak.direction = True, 1
    t, y, found = 0.0, [0.0, 0.0], []
    while t < duration:
        part = solve_ivp(slope, (t, duration), y, events=peak, rtol=tolerance, atol=tolerance)
        t = part.t[-1]
        if part.status == 1:
            found.append(t)
        y = [reset, part.y[1, -1] + d]
    return np.array(found)


REGULAR, CHATTERING = (100, 0.7, 20, 95, 10, 0.03, -2, 100), (50, 1.5, 20, 85, 20, 0.03, 1, 150)


@pytest.mark.parametrize(("name", "told", "current"), [("adapting", REGULAR, 300.0), ("bursting", CHATTERING, 400.0)])
def test_behaviours_are_izhikevichs_in_other_units(name, told, current):
    step = 0.05e-9
    found = run(OptoelectronicNeuron.preset(name, 1), jnp.array([current * CURRENT]), 1e-6, step)
    train, wanted = times(found, 0, step), izhikevich(told, current, 1e-6 / TIME) * TIME
    assert len(train) == len(wanted) > 8
    np.testing.assert_allclose(train, wanted, rtol=1e-3, atol=2 * step)


def test_adapting_intervals_grow_to_a_limit_and_bursts_have_as_many_events_each():
    step = 0.2e-9
    adapting, bursting = (
        np.diff(times(run(OptoelectronicNeuron.preset(name, 1), jnp.array([4e-5]), 2e-6, step, ("spikes",)), 0, step))
        for name in ("adapting", "bursting")
    )
    assert (np.diff(adapting[:4]) > 0).all() and adapting[-1] > 1.3 * adapting[0]
    np.testing.assert_allclose(adapting[-5:], adapting[-1], atol=2 * step)
    pauses = np.flatnonzero(bursting > 3 * bursting.min())
    assert len(pauses) > 5
    np.testing.assert_array_equal(np.diff(pauses)[1:], 2)  # two events a burst, behind the first one


def test_light_on_the_inhibitory_diode_subtracts():
    neuron = OptoelectronicNeuron(imbalance=0.02)
    p = {"excitatory": jnp.asarray(0.01 + 0j), "inhibitory": jnp.asarray(0.008j)}
    wanted = 0.9 * (1.01 * 1e-4 - 0.99 * 0.64e-4)
    rest = neuron.charging(p, neuron.resting_potential, 0.0)
    assert float(rest) == pytest.approx(wanted, rel=1e-12)


def test_the_membrane_is_as_noisy_as_light_dark_and_transistors_make_it():
    neuron = OptoelectronicNeuron(dark_current=1e-9, noise_conductance=1e-5, temperature=350.0)
    p = {"excitatory": jnp.asarray(0.01 + 0j), "inhibitory": jnp.asarray(0.008j)}
    noise = neuron.noise(p, {})
    assert noise["shot"].between == noise["thermal"].between == ("membrane",)
    shot = 2 * ELEMENTARY_CHARGE * (0.9 * 1.64e-4 + 2e-9)
    np.testing.assert_allclose([noise["shot"].density, noise["thermal"].density], [shot, 4 * BOLTZMANN * 350 * 1e-5])


@pytest.mark.slow
def test_noise_makes_intervals_irregular_by_what_its_charge_is():
    """Below the peak the variance of the charge over an interval T is S T / 2; far above the rheobase it is over the current
    squared, since what the membrane itself adds is small."""
    step, current, conductance = 0.1e-9, 400e-6, 100.0
    lanes = 16
    neurons = OptoelectronicNeuron.preset("tonic", lanes, noise_conductance=conductance, refractory_time=0.0, gain=1e-6)
    found = run(neurons, jnp.full(lanes, current), 4e-7, step, ("spikes",), jax.random.key(1))
    intervals = np.concatenate([np.diff(times(found, lane, step)) for lane in range(lanes)])
    interval = 1.72e-12 * 0.8 / current
    density = 4 * BOLTZMANN * 300 * conductance + 2 * ELEMENTARY_CHARGE * current
    wanted = np.sqrt(density * interval / 2) / current
    grid = step / np.sqrt(6)  # of two times rounded to the grid
    assert np.mean(intervals) == pytest.approx(interval, rel=0.01)
    assert np.std(intervals) == pytest.approx(np.hypot(wanted, grid), rel=5 / np.sqrt(2 * len(intervals)) + 0.05)


def test_spreads_are_drawn_lane_by_lane():
    neurons = OptoelectronicNeuron.of(4000, threshold_spread=5e-3, capacitance_spread=0.02, pulse_energy_spread=0.05)
    die = neurons.fabricate(jax.random.key(2))
    for name, wanted in (("threshold", 5e-3), ("capacitance", 0.02 * 1.72e-12), ("pulse_energy", 0.05 * 1.18e-12)):
        assert float(jnp.std(getattr(die, name))) == pytest.approx(wanted, rel=5 / np.sqrt(2 * 4000))


def test_a_warm_neuron_has_a_lower_threshold_and_weaker_pulses():
    warm = OptoelectronicNeuron(temperature=340.0, threshold_drift=-1e-3, laser_drift=0.01)
    assert float(warm.rheobase()) == pytest.approx(1.5278e-3 * 0.16**2 / 4, rel=1e-12)
    assert float(warm.warm_energy()) == pytest.approx(1.18e-12 * np.exp(-0.4), rel=1e-12)


def test_energy_per_spike_is_what_flows_in_an_interval():
    neuron = OptoelectronicNeuron()
    told = neuron.energy_per_spike(jnp.asarray(5e-5), jnp.asarray(1e-5), jnp.asarray(2e7))
    wanted = {"laser": 1.18e-12 / 0.2, "photodiodes": 0.9 * 6e-5 / 2e7, "bias": 1e-5 / 2e7, "light": 6e-5 / 2e7}
    assert set(told) == set(wanted)
    for name, value in wanted.items():
        assert float(told[name]) == pytest.approx(value, rel=1e-9), name


def test_surrogate_derivatives_have_the_sign_of_the_rate():
    """More light makes more events and more light; a higher threshold fewer."""

    def emitted(current, threshold):
        neurons = OptoelectronicNeuron.preset("tonic", 1, threshold=threshold)
        found = run(neurons, current[None], 1e-7, 0.2e-9)
        return jnp.sum(found["spikes"]), jnp.sum(jnp.abs(found["out"]))

    slopes = jax.jacfwd(emitted, argnums=(0, 1))(jnp.asarray(5e-5), jnp.asarray(0.5))
    for by_current, by_threshold in slopes:
        assert np.isfinite(by_current) and by_current > 0
        assert np.isfinite(by_threshold) and by_threshold < 0


def test_bad_values_are_refused_in_words():
    with pytest.raises(InputError, match=r"`preset` must be one of .*tonic"):
        OptoelectronicNeuron.preset("tonik", 2)
    with pytest.raises(InputError, match="`reset_potential` must be below `peak_potential`"):
        OptoelectronicNeuron(reset_potential=0.9)
    with pytest.raises(InputError, match="`capacitance` must be above 0 F"):
        OptoelectronicNeuron(capacitance=0.0)
    with pytest.raises(InputError, match="`count` must be"):
        OptoelectronicNeuron.of(0)


def test_presets_say_where_they_come_from():
    assert set(OptoelectronicNeuron.presets()) == {"tonic", "adapting", "bursting"}
    assert all("20" in source for source in OptoelectronicNeuron.presets().values())
