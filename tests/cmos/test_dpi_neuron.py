"""The differential-pair neuron: its frequency-current curve against closed forms, and all that changes it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from devsim.analyses.transient import transient
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.cmos import DPINeuron, DPISynapse, Technology
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE

NO_FLOOR = Technology(threshold=1.5)
"""Off currents far below anything."""
PURE = DPINeuron(technology=NO_FLOOR, feedback=0.0, adaptation_current=0.0)
THERMAL = BOLTZMANN * 300 / ELEMENTARY_CHARGE
TAU = 1.5e-12 * THERMAL / (0.7 * 8e-12)
DRIVES = np.array([10e-9, 15e-9, 30e-9, 60e-9])
LANES = 4


def rested(neuron, shape):
    """The state at power-up of neurons of `shape`."""
    return {name: jnp.broadcast_to(unknown.value, shape) for name, unknown in neuron.rest().items()}


@functools.partial(jax.jit, static_argnames="steps")
def crossings(neuron, drive, inhibition, step, steps):
    """The time (s) of the first and of the last event, and the number of events."""

    def forward(carry, k):
        state, first, last, count = carry
        state, event = neuron.advance(state, drive, inhibition, step)
        at = (k + 1) * step + state["countdown"] - neuron.refractory_time()  # the countdown says when within the step
        fired = event > 0.5
        return (state, jnp.where(fired & (count == 0), at, first), jnp.where(fired, at, last), count + event), None

    zero = jnp.zeros(drive.shape)
    carry, _ = jax.lax.scan(forward, (rested(neuron, drive.shape), zero, zero, zero), jnp.arange(steps))
    return carry[1:]


def interval(neuron, drive, inhibition=0.0, step=TAU / 400, steps=12_000):
    """Mean interval between events (s) of each lane."""
    zero = jnp.zeros(LANES)
    first, last, count = crossings(neuron, jnp.asarray(drive) + zero, inhibition + zero, step, steps)
    assert float(count.min()) > 2
    return np.asarray((last - first) / (count - 1))


def closed(drive, sinks=1.0):
    """The interval without feedback."""
    steady = 0.9e-12 * (drive / (8e-12 * sinks) - 1)
    share = 0.9e-12 / steady
    phi = lambda current: share * np.log(current / 1e-12) - (1 + share) * np.log((steady - current) / 1e-12)
    return 1e-3 + TAU / sinks * (phi(1e-9) - phi(0.6e-12))


def test_the_frequency_is_that_of_the_closed_form():
    np.testing.assert_allclose(1 / interval(PURE, DRIVES), 1 / closed(DRIVES), rtol=1e-4)


def test_the_frequency_under_inhibition_is_that_of_the_closed_form():
    np.testing.assert_allclose(1 / interval(PURE, 2 * DRIVES, 4e-12), 1 / closed(2 * DRIVES, 1.5), rtol=1e-4)


def test_the_frequency_converges_with_the_square_of_the_step():
    off = [
        interval(PURE, DRIVES, step=TAU * share, steps=round(30 / share))[1] / closed(DRIVES)[1] - 1 for share in (0.08, 0.04)
    ]
    assert abs(off[0]) < 0.01
    assert 3.0 < off[0] / off[1] < 5.0 or abs(off[1]) < 1e-4


def test_the_frequency_with_feedback_off_currents_and_drains_is_that_of_the_quadrature():
    neuron = DPINeuron(feedback=2.0, adaptation_current=0.0)
    kappa, off = 0.7, float(neuron.technology.off_current())

    def duration(v, drive):
        current = np.exp(v)
        charge = drive / (8e-12 * (1 + current / 0.9e-12))
        fed_back = 2.0 * off * (current / off) ** (kappa / (kappa + 1)) / 8e-12
        return TAU / (charge + fed_back - (1 + off / 8e-12) * (1 - (off / current) ** (1 / kappa)))

    ends = np.log(0.6e-12), np.log(1e-9)
    exact = [1e-3 + quad(duration, *ends, args=(drive,), epsabs=0, epsrel=1e-9, limit=200)[0] for drive in DRIVES]
    assert exact[0] < 0.7 * closed(DRIVES)[0]  # what the feedback does
    np.testing.assert_allclose(1 / interval(neuron, DRIVES), 1 / np.array(exact), rtol=1e-4)


def test_a_neuron_below_its_rheobase_never_fires():
    zero = jnp.zeros(LANES)
    assert float(crossings(PURE, 8.8e-9 + zero, zero, TAU / 20, 12_000)[2].max()) == 0.0  # I_inf = I_spk at 8.9 nA


def test_adaptation_lengthens_the_intervals_until_they_are_steady():
    neuron = DPINeuron(adaptation_current=20e-12, adaptation_time_constant_current=0.2e-12)
    state, step = rested(neuron, ()), 1e-4
    forward = lambda state, k: neuron.advance(state, 30e-9, 0.0, step)
    gaps = np.diff(np.flatnonzero(jax.lax.scan(forward, state, jnp.arange(20_000))[1]))
    assert gaps[-1] > 1.3 * gaps[0]
    assert np.all(np.diff(gaps) >= -1)  # of the grid
    assert np.ptp(gaps[-5:]) <= 1


def test_a_circuit_fires_at_the_same_rate():
    step, drive = TAU / 2000, 10e-9  # explicit steps: a charge of 0.4 nepers in the first
    nets = {"in": ("neuron.input",), "inh": ("neuron.inhibition",), "out": ("neuron.spikes",), "m": ("neuron.membrane",)}
    circuit = Circuit({"neuron": PURE}, nets, inputs={"in": "in", "inh": "inh"}, outputs={"out": "out", "m": "m"})
    found = transient(circuit, {"in": drive, "inh": 0.0}, duration=12_000 * step, step=step, method="rk4")
    gaps = np.diff(np.flatnonzero(np.asarray(found["out"]))) * step
    assert len(gaps) > 0
    assert np.all(np.abs(gaps - closed(drive)) <= 2 * step)


def test_steps_are_stable_and_currents_positive_at_any_drive_in_single_precision():
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), DPINeuron(feedback=2.0, adaptation_current=5e-12))
    drive = jnp.logspace(-15, -6, 16, dtype=jnp.float32)
    start = {name: value.astype(jnp.float32) for name, value in rested(single, (16,)).items()}

    def forward(state, k):
        state, event = single.advance(state, jnp.where(k % 7 < 4, drive, 0), jnp.where(k % 11 < 3, drive, 0), 0.2 * TAU)
        return state, (state["log_current"], event)

    _, (log_current, events) = jax.lax.scan(forward, start, jnp.arange(1000))
    assert log_current.dtype == jnp.float32
    assert np.all(np.isfinite(log_current))
    assert np.all(np.diff(np.asarray(events.sum(0), float)) >= 0.0)
    assert float(events[:, -1].mean()) > 0.3


def test_the_derivative_of_a_rate_loss_with_respect_to_amperes_makes_relative_steps_of_order_one():
    """And a step along it lowers the loss."""
    step, steps, target = 1e-3, 150, 60.0
    drive = jnp.asarray(14e-9)
    names = ("time_constant_current", "gain_current", "spike_current", "refractory_current")

    @jax.jit
    def loss(currents):
        neuron = PURE.put(**dict(zip(names, currents, strict=True)))
        forward = lambda state, k: neuron.advance(state, drive, 0.0, step)
        _, events = jax.lax.scan(forward, rested(PURE, ()), jnp.arange(steps))
        return jnp.log(jnp.sum(events) / (steps * step) / target) ** 2

    currents = jnp.array([getattr(PURE, name) for name in names])
    value, slope = jax.value_and_grad(loss)(currents)
    relative = np.asarray(slope * currents / value)
    assert float(value) > 0.1
    assert np.all((np.abs(relative) > 1e-2) & (np.abs(relative) < 1e2)), relative
    assert relative[0] < 0 < relative[1]  # too fast: leak more, or gain less
    moved = currents * np.exp(-0.1 * relative / np.abs(relative).max())
    assert float(loss(moved)) < float(value)


def test_the_time_constant_goes_as_the_temperature_and_the_refractory_time_as_the_supply():
    warm = PURE.set("technology.temperature", 330.0).set("technology.supply_error", 0.18)
    assert float(warm.time_constant() / PURE.time_constant()) == pytest.approx(1.1, rel=1e-12)
    assert float(warm.refractory_time() / PURE.refractory_time()) == pytest.approx(1.1, rel=1e-12)


def test_frequencies_spread_from_die_to_die_and_none_is_negative_where_currents_spread_by_half():
    technology = Technology(threshold=1.5, threshold_mismatch=0.5 * THERMAL / 0.7 * 2e-6)
    die = DPINeuron(np.full(256, 1e-9), feedback=0.0, technology=technology).fabricate(jax.random.key(0))
    logs = np.log(np.asarray(die.bias("spike_current")) / 1e-9)
    assert logs.std() == pytest.approx(0.5, rel=5 / np.sqrt(2 * 256))
    zero = jnp.zeros(256)
    count = np.asarray(crossings(die, 60e-9 + zero, zero, TAU / 20, 1000)[2])
    assert 0.2 < count.std() / count.mean() < 2.0
    assert np.asarray(die.time_constant()).min() > 0
    assert np.asarray(die.refractory_time()).min() > 0


def test_an_aged_neuron_fires_later():
    old = PURE.set("technology.threshold_drift", 20e-3).age(jnp.array(3e7), jnp.array(350.0), jax.random.key(0))
    assert float(old.time_constant()) > 1.3 * float(PURE.time_constant())
    assert float(old.refractory_time()) > 1.3 * float(PURE.refractory_time())


def test_a_reset_above_the_threshold_and_negative_currents_are_refused():
    with pytest.raises(InputError, match=r"`reset_current` must be below `spike_current` \(1e-13 A\), but is 6e-13 A"):
        DPINeuron(1e-13)
    with pytest.raises(InputError, match="`gain_current` must be above 0 A, but is -1e-12 A"):
        DPINeuron(gain_current=-1e-12)
    with pytest.raises(InputError, match="`adaptation_current` must be at least 0 A, but is -1e-12 A"):
        DPINeuron(adaptation_current=-1e-12)


def test_flicker_noise_of_the_leak_is_that_of_an_integrator_with_the_same_leak():
    technology = Technology(flicker_coefficient=1e-22)
    neuron = DPINeuron(technology=technology)
    synapse = DPISynapse(
        time_constant_current=neuron.time_constant_current, capacitance=neuron.capacitance, technology=technology
    )
    told = {"input": jnp.array(0.0), "inhibition": jnp.array(0.0), "drive": jnp.array(0.0)}
    x = {"log_current": jnp.array(1.0), "log_adaptation": jnp.array(1.0)}
    one, other = (part.noise(told, x)["flicker"].density for part in (neuron, synapse))
    assert float(one) > 0
    assert float(one) == pytest.approx(float(other), rel=1e-12, abs=0)
