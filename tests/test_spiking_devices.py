"""Parts with events, stepped by hand: exact for what is linear in time, of first order for the membrane."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.spiking import (
    CurrentSynapse,
    IntegrateAndFire,
    ResetSwitch,
    SpikeDelay,
    SpikeSource,
    SpikingComparator,
)
from devsim.surrogate import spike


@functools.partial(jax.jit, static_argnames="told")
def stepped(part, told, steps, step):
    """Static answers at the end of every step, of explicit Euler with events; `told(t)` gives the ports.

    The rate of an unknown is that at which its stored quantity changes, over the derivative of that quantity.
    """

    def advance(x, k):
        t = (k + 1) * step
        before = part.balance(k * step, told(k * step), x)
        stored = lambda x: part.balance(k * step, told(k * step), x).stored
        slope = jax.jvp(stored, (x,), (jax.tree.map(jnp.ones_like, x),))[1]
        x = {n: x[n] - step * before.static[n] / slope[n] for n in x}
        answer = part.balance(t, told(t), x).static
        return x | part.jump(t, told(t), x), answer

    x = {name: jnp.asarray(unknown.value) for name, unknown in part.rest().items()}
    return jax.lax.scan(advance, x, steps)[1]


def events(part, told, count, step, port="spikes"):
    """The indices of the steps in which there was an event, and the number of events there."""
    values = np.asarray(stepped(part, told, jnp.arange(count), step)[port])
    return np.flatnonzero(values), values[values != 0]


def test_a_spike_is_one_above_zero_and_has_the_slope_of_a_fast_sigmoid():
    x = jnp.array([-1.0, -1e-9, 0.0, 1e-9, 2.0])
    np.testing.assert_array_equal(spike(x, 0.3), [0, 0, 0, 1, 1])
    slopes = jax.vmap(jax.grad(spike), (0, None))(x, 0.3)
    np.testing.assert_allclose(slopes, 1 / (2 * 0.3 * (1 + np.abs(x) / 0.3) ** 2), rtol=1e-14)
    grid = jnp.linspace(-300.0, 300.0, 600001)
    area = float(jnp.sum(jax.vmap(jax.grad(spike), (0, None))(grid, 0.3)) * 1e-3)
    assert area == pytest.approx(1.0, abs=0.3 / 300 + 1e-5)  # the tails carry width / (2 range) each


# --- Comparator ------------------------------------------------------------------------------------


def wave(t):
    """A sinusoid of 5 Hz that begins below zero."""
    return {"input": -jnp.cos(2 * jnp.pi * 5 * t)}


def test_a_comparator_fires_once_per_upward_crossing():
    at, values = events(SpikingComparator(0.2), wave, 1000, 1e-3)
    crossings = (np.arccos(-0.2) / (2 * np.pi) + np.arange(5)) / 5
    np.testing.assert_array_equal(at + 1, np.floor(crossings / 1e-3) + 1)
    np.testing.assert_array_equal(values, 1.0)


def noisy(t):
    """A rise with a ripple that crosses zero many times."""
    return {"input": t - 0.5 + 0.05 * jnp.sin(400 * t)}


def test_hysteresis_and_refractory_time_leave_one_event_of_a_ripple():
    assert len(events(SpikingComparator(), noisy, 1000, 1e-3)[0]) > 3
    assert len(events(SpikingComparator(hysteresis=0.2), noisy, 1000, 1e-3)[0]) == 1
    at, _ = events(SpikingComparator(refractory_time=0.04), noisy, 1000, 1e-3)
    assert np.all(np.diff(at) >= 40)
    assert len(at) > 1


def test_a_comparator_has_a_surrogate_derivative_where_it_can_fire():
    part = SpikingComparator(0.3, surrogate_width=0.1)
    x = {"above": jnp.zeros(()), "countdown": jnp.zeros(())}
    event = lambda v, x: part.balance(0.0, {"input": v}, x).static["spikes"]
    assert float(jax.grad(event)(0.3, x)) == pytest.approx(1 / (2 * 0.1), rel=1e-14)
    assert float(jax.grad(event)(0.3, x | {"above": jnp.ones(())})) == 0.0


# --- Neuron ----------------------------------------------------------------------------------------

NEURON = IntegrateAndFire(1.0, capacitance=1e-12, leak_conductance=1e-10, resting_potential=-0.2, reset_potential=-0.1)


def driven(t):
    """A constant current of 200 pA."""
    return {"input": jnp.asarray(2e-10)}


def interval(refractory):
    """Time between events in the closed form, s."""
    end = 2e-10 / 1e-10 - 0.2
    return refractory + 1e-12 / 1e-10 * np.log((end + 0.1) / (end - 1.0))


@pytest.mark.parametrize("refractory", [0.0, 5e-3])
def test_a_neuron_fires_at_the_rate_of_the_closed_form(refractory):
    part = NEURON.set("refractory_time", refractory)
    step = 1e-5
    at, values = events(part, driven, 10000, step)
    assert len(at) > 5
    np.testing.assert_array_equal(values, 1.0)
    # explicit Euler stretches an interval by at most half a step per time constant that it lasts, the grid by two steps
    stretched = step / 2 * (interval(0.0) / 1e-2) + 2 * step
    assert np.all(np.abs(np.diff(at) * step - interval(refractory)) <= stretched)


def test_a_neuron_below_its_rheobase_never_fires():
    at, _ = events(NEURON.set("threshold", 1.81), driven, 10000, 1e-5)
    assert len(at) == 0


def test_an_electrical_neuron_shows_its_membrane_and_charges_it():
    part = IntegrateAndFire(np.ones(2), domain="electrical")
    x = {"membrane": jnp.array([0.3, 0.4]), "countdown": jnp.zeros(2)}
    balance = part.balance(0.0, {"input": jnp.array([1e-10, 0.0])}, x)
    np.testing.assert_array_equal(balance.static["input"], x["membrane"])
    np.testing.assert_allclose(balance.static["membrane"], [0.3e-10 - 1e-10, 0.4e-10], rtol=1e-14)
    np.testing.assert_allclose(balance.stored["membrane"], 1e-12 * x["membrane"], rtol=1e-14)


def test_the_count_of_events_has_a_derivative_with_respect_to_the_current():
    def count(current):
        drive = lambda t: {"input": current}
        x = {name: jnp.asarray(u.value) for name, u in NEURON.rest().items()}

        def advance(x, k):
            static = NEURON.balance(0.0, drive(0.0), x).static
            x = x | {"membrane": x["membrane"] - 1e-4 * static["membrane"] / NEURON.capacitance}
            return x | NEURON.jump(0.0, drive(0.0), x), NEURON.event(x)

        return jnp.sum(jax.lax.scan(advance, x, jnp.arange(300))[1])

    slope = float(jax.grad(count)(jnp.asarray(2e-10)))
    assert np.isfinite(slope)
    assert slope > 0


def test_thresholds_spread_and_the_membrane_is_noisy():
    part = IntegrateAndFire(np.ones(4000), threshold_spread=0.05, noise_density=1e-14)
    die = part.fabricate(jax.random.key(2))
    assert float(jnp.std(die.threshold)) == pytest.approx(0.05, abs=5 * 0.05 / np.sqrt(2 * 4000))
    noise = part.noise({}, {})["membrane"]
    assert noise.between == ("membrane",)
    np.testing.assert_allclose(noise.density, 1e-28, rtol=1e-14)


# --- What carries events ---------------------------------------------------------------------------


def one_event(t):
    """An event in the third step of a millisecond."""
    return {"input": jnp.where(jnp.abs(t - 3e-3) < 1e-4, 1.0, 0.0)}


def test_a_synapse_turns_an_event_into_its_charge():
    part = CurrentSynapse(2e-9, time_constant=5e-3)
    current = -np.asarray(stepped(part, one_event, jnp.arange(400), 1e-3)["out"])
    np.testing.assert_array_equal(current[:3], 0.0)
    np.testing.assert_allclose(current[3:9], 2e-9 * 0.8 ** np.arange(1, 7), rtol=1e-12)
    assert current.sum() * 1e-3 == pytest.approx(2e-9 * 5e-3 * 0.8, rel=1e-12)  # the sum over ends of steps


def test_a_matrix_of_weights_joins_every_lane_to_every_lane():
    weight = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    part = CurrentSynapse(weight, domain="signal")
    assert part.ports()["input"].shape == (2,)
    assert part.ports()["out"].shape == (3,)
    kicked = part.jump(0.0, {"input": jnp.array([1.0, 2.0])}, {"current": jnp.ones(3)})["current"]
    np.testing.assert_array_equal(kicked, [22.0, 43.0, 64.0])
    lanes = CurrentSynapse(np.array([1.0, 2.0])).jump(0.0, {"input": jnp.array([0.0, 1.0])}, {"current": jnp.zeros(2)})
    np.testing.assert_array_equal(lanes["current"], [0.0, 2.0])
    with pytest.raises(InputError, match="`weight` must be a number, a row or a matrix"):
        CurrentSynapse(np.zeros((2, 2, 2)))


def test_a_delay_states_what_it_was_sent():
    balance = SpikeDelay(2e-3).balance(0.0, {"input": jnp.ones(())}, {"arriving": jnp.asarray(0.5)})
    assert float(balance.static["out"]) == 0.5
    assert float(balance.stated["arriving"].value) == 1.0
    assert float(balance.stated["arriving"].delay) == 2e-3


def nothing(t):
    return {}


def test_a_source_of_spikes_loses_none():
    times = np.array([[0.0, 2.5e-3, 2.6e-3, 7e-3], [1e-3, np.inf, np.inf, np.inf]])
    out = np.asarray(stepped(SpikeSource(times), nothing, jnp.arange(20), 1e-3)["out"])
    expected = np.zeros((20, 2))
    expected[[0, 2, 6], 0] = [1, 2, 1]  # step k ends at (k + 1) ms
    expected[0, 1] = 1
    np.testing.assert_array_equal(out, expected)
    with pytest.raises(InputError, match="`times` must be a row, or a matrix with one row per lane"):
        SpikeSource(1e-3)


def closed_at_3_ms(t):
    """One volt across the switch, an event in the third step."""
    return {"a": jnp.ones(()), "b": jnp.zeros(()), "close": one_event(t)["input"]}


def test_a_reset_switch_closes_for_its_hold_time():
    part = ResetSwitch(5e-3, on_resistance=10.0, off_resistance=1e6)
    current = np.asarray(stepped(part, closed_at_3_ms, jnp.arange(20), 1e-3)["a"])
    closed = np.flatnonzero(current > 1e-3)
    np.testing.assert_array_equal(closed, [3, 4, 5, 6, 7])  # the five steps of 1 ms after that of the event
    np.testing.assert_allclose(current[closed], 0.1, rtol=1e-14)
    np.testing.assert_allclose(np.delete(current, closed), 1e-6, rtol=1e-14)
