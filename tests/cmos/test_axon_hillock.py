"""The Axon-Hillock circuit: exact frequencies, what they follow, and what happens where they end."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.transient import transient
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.cmos import AxonHillock, Technology
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE

RESET, SUPPLY, FED_BACK = 1e-9, 1.8, 0.2e-12
DRIVES = np.array([0.01, 0.3, 0.5, 0.9]) * RESET


@functools.partial(jax.jit, static_argnames="steps")
def course(neuron, drive, step, steps):
    """Membranes (V), outputs (1 or 0) and events after every step."""
    state = {name: jnp.broadcast_to(unknown.value, drive.shape) for name, unknown in neuron.rest().items()}

    def forward(state, k):
        state, event = neuron.advance(state, drive, step)
        return state, (state["membrane"], state["high"], event)

    return jax.lax.scan(forward, state, jnp.arange(steps))[1]


def frequency(drive, supply=SUPPLY, fed_back=FED_BACK, reset=RESET):
    """Mead's closed form, Hz."""
    return drive / (fed_back * supply) * (1 - drive / reset)


def measured(neuron, drive, steps=4000):
    """Frequencies (Hz): the events between the first and the last, located by the slope of the membrane after them."""
    step = 0.0437 / float(np.max(frequency(drive)))
    membrane, high, event = (np.asarray(found) for found in course(neuron, jnp.asarray(drive), step, steps))
    found = []
    for lane, into in enumerate(drive):
        at = np.flatnonzero((event[:, lane] > 0) & (high[:, lane] > 0))  # still high at the end of the step
        top = SUPPLY / 2 + SUPPLY * FED_BACK / 1.2e-12
        late = (top - membrane[at, lane]) * 1.2e-12 / (RESET - into)
        times, between = at * step - late, np.cumsum(event[:, lane])[at]
        found.append((between[-1] - between[0]) / (times[-1] - times[0]))
    return np.array(found)


def test_the_frequency_is_exact():
    np.testing.assert_allclose(measured(AxonHillock(), DRIVES), frequency(DRIVES), rtol=1e-9)


def test_the_output_is_high_for_its_share_of_the_time():
    """t_high f = I_in / I_r, to one step for each of the two ends of the run."""
    _, high, _ = course(AxonHillock(), jnp.asarray(DRIVES[1:]), 1e-5, 20_000)
    settled = np.asarray(high)[2000:]
    np.testing.assert_allclose(settled.mean(0), DRIVES[1:] / RESET, atol=2 * 0.36e-3 / 10e-12 * RESET / 18_000)


def test_frequency_falls_as_the_supply_rises():
    drifted = AxonHillock(technology=Technology(supply_error=0.09))
    count = lambda neuron: np.asarray(course(neuron, jnp.array([0.3e-9]), 1e-5, 50_000)[2]).sum()
    assert count(drifted) / count(AxonHillock()) == pytest.approx(1 / 1.05, abs=2 / 290)


def test_from_the_reset_current_on_the_output_stays_high():
    _, high, event = course(AxonHillock(), jnp.array([1.0, 1.5]) * RESET, 1e-5, 2000)
    np.testing.assert_array_equal(np.asarray(event).sum(0), 1.0)
    np.testing.assert_array_equal(np.asarray(high)[-1], 1.0)


def test_no_current_no_event():
    membrane, _, event = course(AxonHillock(), jnp.zeros(1), 1e-3, 10)
    assert np.asarray(membrane).max() == 0.0 == np.asarray(event).max()


def test_a_circuit_fires_at_the_same_frequency():
    step, drive = 5e-6, 0.3e-9
    nets = {"in": ("neuron.input",), "spikes": ("neuron.spikes",), "out": ("neuron.output",)}
    circuit = Circuit({"neuron": AxonHillock()}, nets, inputs={"in": "in"}, outputs={"out": "out", "spikes": "spikes"})
    found = transient(circuit, {"in": drive}, duration=2000 * step, step=step, method="rk4")
    at = np.flatnonzero(np.asarray(found["spikes"]))
    assert len(at) > 3
    gaps = np.diff(at) * step * frequency(drive) - 1
    # an overshoot, within drive per step, falls at I_r - I_in; each end is on the grid
    assert np.all(np.abs(gaps) <= 4 * step * frequency(drive))
    assert set(np.unique(np.asarray(found["out"]))) == {0.0, SUPPLY}


def test_frequencies_spread_with_the_capacitor_and_the_mirror_and_stay_positive():
    technology = Technology(threshold_mismatch=0.5 * BOLTZMANN * 300 / ELEMENTARY_CHARGE / 0.7 * 2e-6)
    die = AxonHillock(np.full(2000, RESET), technology=technology, feedback_capacitance_spread=0.5).fabricate(jax.random.key(0))
    resets, capacitors = np.asarray(die.bias("reset_current")), np.asarray(die.feedback_capacitance)
    assert resets.min() > 0
    assert capacitors.min() > 0
    assert np.log(resets).std() == pytest.approx(0.5, rel=5 / np.sqrt(2 * 2000))
    assert np.log(capacitors).std() == pytest.approx(np.sqrt(np.log(1.25)), rel=5 / np.sqrt(2 * 2000))


def test_the_derivative_of_a_count_with_respect_to_the_current_is_positive():
    def count(scale):
        return jnp.sum(course(AxonHillock(), scale * jnp.array([0.3e-9]), 2e-4, 100)[2])

    slope = float(jax.grad(count)(1.0))
    assert np.isfinite(slope)
    assert slope > 0


def test_bad_values_are_refused():
    with pytest.raises(InputError, match="`reset_current` must be above 0 A, but is -1e-09 A"):
        AxonHillock(-1e-9)
    with pytest.raises(InputError, match=r"`switching_share` must be above 0 and at most 1, but is 1\.5"):
        AxonHillock(switching_share=1.5)
