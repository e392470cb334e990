"""Events in a transient: each counts once, delays share it between steps, switches and comparators oscillate."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.transient import transient
from devsim.circuit import Circuit
from devsim.compile import plan_of
from devsim.devices.electrical import Capacitor, Resistor, VoltageSource
from devsim.devices.spiking import (
    CurrentSynapse,
    IntegrateAndFire,
    ResetSwitch,
    SpikeDelay,
    SpikeSource,
    SpikingComparator,
)
from devsim.stepping.memory import resolved

STEP, STEPS = 1e-3, 16
LATE = np.array([5.0, 5.25])

DELAYED = Circuit(
    {
        "source": SpikeSource([[0.0, 3e-3], [0.0, 9e-3]]),
        "delay": SpikeDelay(LATE * STEP),
        "synapse": CurrentSynapse(np.ones(2), time_constant=1e9, domain="signal"),
        "comparator": SpikingComparator(0.5, domain="signal"),
    },
    {
        "sent": ("source.out", "delay.input"),
        "late": ("delay.out", "synapse.input"),
        "current": ("synapse.out",),
        "level": ("comparator.input",),
        "fired": ("comparator.spikes",),
    },
    inputs={"level": "level"},
    outputs={"current": "current", "fired": "fired"},
)
"""Two lanes with events at power-up, one of which arrives between two steps; a comparator that starts above."""


def delayed(circuit=DELAYED, **told):
    return transient(circuit, {"level": 1.0}, duration=STEPS * STEP, step=STEP, **told)


@pytest.mark.parametrize("method", ["split", "tr_bdf2"])
def test_every_event_counts_once_from_power_up_on(method):
    run = delayed(method=method)
    sent = np.zeros((STEPS + 1, 2))
    sent[[0, 3], 0] = sent[[0, 9], 1] = 1
    np.testing.assert_array_equal(run["sent"], sent)
    late = np.zeros((STEPS + 1, 2))
    late[[5, 8], 0] = 1
    late[[5, 14], 1], late[[6, 15], 1] = 0.75, 0.25
    np.testing.assert_allclose(run["late"], late, rtol=1e-12, atol=0)
    np.testing.assert_allclose(run["current"][-1], [2.0, 2.0], rtol=STEPS * STEP / 1e9 + 1e-12)
    np.testing.assert_array_equal(run["fired"], np.arange(STEPS + 1) == 0)


def test_a_delay_moves_the_mean_time_of_an_event_one_to_one():
    """Shares of a and 1 - a in neighbouring steps keep the mean time: two events, so a derivative of two."""
    first_moment = lambda late: jnp.sum(late * jnp.arange(STEPS + 1)[:, None] * STEP, axis=0)
    circuit = Circuit(
        {"source": DELAYED["source"], "delay": DELAYED["delay"]},
        {"sent": ("source.out", "delay.input"), "late": ("delay.out",)},
        outputs={"late": "late"},
    )
    run = lambda delay: transient(circuit.set("delay.delay", delay), duration=STEPS * STEP, step=STEP, longest_delay=0.01)
    slopes = jax.jacfwd(lambda delay: first_moment(run(delay)["late"]))(LATE * STEP)
    np.testing.assert_allclose(slopes, [[2.0, 0.0], [0.0, 2.0]], rtol=1e-12, atol=1e-12)


def test_an_event_shared_by_two_steps_still_closes_a_switch():
    """Of the shares one has a half at least."""
    switch = ResetSwitch(5e-3)
    state = {"countdown": jnp.zeros(()), "closed": jnp.zeros(())}
    closed = lambda share: float(switch.jump(0.0, {"close": jnp.asarray(share)}, state)["closed"])
    assert [max(closed(share), closed(1 - share)) for share in (0.0, 0.3, 0.5, 0.9)] == [1.0] * 4
    assert closed(0.3) == 0.0


def test_the_method_chosen_is_the_same_inside_a_transformation():
    """The result's method is static, so that tracing a run tells it."""
    circuit = Circuit(
        {"n": IntegrateAndFire()}, {"i": ("n.input",), "beat": ("n.spikes",)}, inputs={"i": "i"}, outputs={"b": "beat"}
    )
    run = lambda c: transient(c, {"i": 1e-9}, duration=1e-3, step=1e-4)
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), circuit)
    traced = [jax.eval_shape(lambda: run(circuit)), jax.eval_shape(run, circuit), jax.eval_shape(jax.vmap(run), stacked)]
    assert [each.method for each in traced] == ["split"] * 3


def damping(z):
    """By how much one step of TR-BDF2 multiplies exp(z t): g = 2 - sqrt 2 of it trapezoidal, a backward difference."""
    g = 2 - np.sqrt(2)
    middle = (1 + g * z / 2) / (1 - g * z / 2)
    return (1 + (middle - 1) / (g * (2 - g))) / (1 - (1 - g) / (2 - g) * z)


def test_a_relaxation_oscillator_has_the_period_of_its_closed_form():
    """Period = hold time + R C ln((1 V - v_0) / (1 V - v_th)), v_0 what the switch leaves.

    The crossing is seen up to a step late, the switch obeys one step after; what the method's damping leaves of the
    threshold when the switch opens again shifts the start of the charge.
    """
    step, hold, supply, large, small, farads, threshold = 5e-7, 2e-6, 1.0, 1e5, 100.0, 1e-9, 0.6
    circuit = Circuit(
        {
            "supply": VoltageSource(supply),
            "charge": Resistor(large),
            "store": Capacitor(farads),
            "comparator": SpikingComparator(threshold),
            "switch": ResetSwitch(hold, on_resistance=small),
        },
        {
            "vdd": ("supply.plus", "charge.a"),
            "v": ("charge.b", "store.a", "comparator.input", "switch.a"),
            "event": ("comparator.spikes", "switch.close"),
            "gnd": ("supply.minus", "store.b", "switch.b"),
        },
    )
    run = transient(circuit, duration=800 * step, step=step, initial={"v": 0.0})
    assert run.method == "tr_bdf2"
    periods = np.diff(np.flatnonzero(run["event"])) * step
    floor = supply * small / (small + large)
    left = threshold * abs(damping(-step / (small * farads))) ** (hold / step)
    exact = hold + large * farads * np.log((supply - floor) / (supply - threshold))
    assert len(periods) >= 3
    np.testing.assert_allclose(periods, exact, rtol=0, atol=2 * step + large * farads * left / (supply - left))


def test_a_delay_ten_percent_longer_needs_no_other_program():
    """A run is compiled for the depth of its history."""
    depths = [
        resolved(plan_of(circuit), circuit.groups, STEP, None)[1]
        for circuit in (DELAYED.set("delay.delay", LATE * STEP * k) for k in (1.0, 1.1))
    ]
    assert depths[0] == depths[1] >= 6 + 2
