"""Plasticity beside Brian2: neurons that the same spikes drive, at the same step, have the same membranes and weights."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.learning.plasticity import CSTDP, PSTDP, SDSP, TSTDP, Signals
from devsim.learning.spike_trains import poisson
from tests.external.brian import brian2 as b

STEP, DURATION, PRE, POST = 1e-4, 0.3, 8, 4
STEPS = round(DURATION / STEP)
MEMBRANE_TIME = 20e-3
BOUND = 1e-6
"""Of the range of weights and membranes, which is 1."""

DRIVE = np.random.default_rng(5).uniform(0.1, 0.5, (PRE, POST))
BEGIN = np.random.default_rng(6).uniform(0.3, 0.7, (PRE, POST))


@dataclasses.dataclass(frozen=True)
class Told:
    """A rule in the words of Brian2. calcium: of the postsynaptic neuron; always: code of each step, before all else."""

    model: str
    pre: str
    post: str = ""
    calcium: str = ""
    at_spike: str = ""
    always: str = ""
    delay: float = 0.0


PAIR = Told(
    model="dx/dt = -x / (20 * ms) : 1 (event-driven)\ndy/dt = -y / (20 * ms) : 1 (event-driven)",
    pre="w = clip(w - 0.00525 * y, 0, 1)\nx += 1",
    post="w = clip(w + 0.005 * x, 0, 1)\ny += 1",
)
TRIPLET = Told(
    model="""dx1/dt = -x1 / (16.8 * ms) : 1 (event-driven)
             dx2/dt = -x2 / (101 * ms) : 1 (event-driven)
             dy1/dt = -y1 / (33.7 * ms) : 1 (event-driven)
             dy2/dt = -y2 / (125 * ms) : 1 (event-driven)""",
    pre="w = clip(w - y1 * (7e-3 + 2.3e-4 * x2), 0, 1)\nx1 += 1\nx2 += 1",
    post="w = clip(w + x1 * (5e-10 + 6.2e-3 * y2), 0, 1)\ny1 += 1\ny2 += 1",
)
DRIVEN = Told(
    model="",
    pre="""up = int(v_post > 0.8) * int(c_post > 3) * int(c_post < 13)
           down = int(v_post <= 0.8) * int(c_post > 3) * int(c_post < 4)
           w = clip(w + 0.1 * up - 0.1 * down, 0, 1)""",
    calcium="dc/dt = -c / (60 * ms) : 1",
    at_spike="c += 1",
    always="w = clip(w + dt * (3.5 * Hz * int(w > 0.5) - 3.5 * Hz * int(w <= 0.5)), 0, 1)",
)
CALCIUM = Told(
    model="dc/dt = -c / (20 * ms) : 1 (clock-driven)",
    pre="c += 1",
    post="c += 2",
    always="""up = clip(20 * ms * log(clip(c / 1.3, 1, 1e9)), 0 * ms, dt)
              down = clip(20 * ms * log(clip(c, 1, 1e9)), 0 * ms, dt)
              w += (-w * (1 - w) * (0.5 - w) * dt + 321.808 * up * (1 - w) - 200 * down * w) / (150 * second)""",
    delay=13.7e-3,
)
CASES = {
    "PSTDP": (PSTDP(), PAIR),
    "TSTDP": (TSTDP(), TRIPLET),
    "SDSP": (SDSP(), DRIVEN),
    "C-STDP": (CSTDP(noise=0.0), CALCIUM),
}


def trains():
    """Events (steps, pre) of Poisson trains from 60 to 200 /s."""
    return poisson(jnp.linspace(60.0, 200.0, PRE), DURATION, STEP, jax.random.key(11))


def by_brian(told):
    """(membranes (steps, post), weights (steps, pre, post)) of leaky neurons that fire above 1."""
    b.start_scope()
    b.defaultclock.dt = STEP * b.second
    steps, neurons = np.nonzero(np.asarray(trains()))
    source = b.SpikeGeneratorGroup(PRE, neurons, steps * STEP * b.second)
    model = f"dv/dt = -v / ({MEMBRANE_TIME} * second) : 1\n{told.calcium}"
    group = b.NeuronGroup(POST, model, threshold="v > 1", reset=f"v = 0\n{told.at_spike}", method="exact")
    plastic = b.Synapses(source, group, f"w : 1\n{told.model}", on_pre=told.pre, on_post=told.post or None, method="exact")
    drive = b.Synapses(source, group, "strength : 1", on_pre="v_post += strength")
    for synapses in (plastic, drive):
        synapses.connect()
    plastic.w, drive.strength = BEGIN[plastic.i, plastic.j], DRIVE[drive.i, drive.j]
    plastic.pre.delay, drive.pre.order = told.delay * b.second, 2
    if told.always:
        plastic.run_regularly(told.always, when="start")
    weights, membranes = (b.StateMonitor(of, name, record=True, when="end") for of, name in ((plastic, "w"), (group, "v")))
    b.Network(source, group, plastic, drive, weights, membranes).run(DURATION * b.second)
    course = np.zeros((STEPS, PRE, POST))
    course[:, plastic.i, plastic.j] = weights.w.T
    return np.asarray(membranes.v).T, course


def by_us(rule):
    """The same with `rule`."""

    @jax.jit
    def run(rule):
        def one(carry, pre):
            v, weights, state = carry
            v = v * jnp.exp(-STEP / MEMBRANE_TIME)
            post = (v > 1).astype(float)
            weights, state = rule.step(weights, state, Signals(pre, post, membrane=v), STEP)
            v = jnp.where(post > 0, 0.0, v + pre @ DRIVE)
            return (v, weights, state), (v, weights)

        begin = jnp.zeros(POST), jnp.asarray(BEGIN), rule.begin(jnp.asarray(BEGIN))
        return jax.lax.scan(one, begin, trains())[1]

    return run(rule)


@pytest.mark.parametrize("name", CASES)
def test_membranes_and_weights_are_those_of_brian2(name):
    rule, told = CASES[name]
    membranes, weights = by_brian(told)
    ours, our_weights = by_us(rule)
    assert np.ptp(weights, axis=0).max() > 0.05
    assert (membranes == 0).any(0).all()
    assert np.abs(ours - membranes).max() <= BOUND
    assert np.abs(our_weights - weights).max() <= BOUND
