import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.cmos import DPINeuron, DPISynapse, Technology
from devsim.devices.synaptic_array import IdealArray
from devsim.learning.plasticity import PSTDP, replay
from devsim.learning.silicon_cells import SiliconCells
from devsim.learning.spiking_cells import IdealCells, reached
from devsim.learning.spiking_network import SpikingLayer, SpikingNetwork

KEY = jax.random.key(0)
STEP, N, STEPS = 1e-3, 6, 60
RNG = np.random.default_rng(0)
WEIGHTS, BACK = RNG.normal(0.6, 0.5, (N, N)), RNG.normal(0, 0.4, (N, N))
EVENTS = (RNG.random((3, STEPS, N)) < 0.15).astype(float)
QUIET = Technology(threshold_mismatch=0.0)


def one_layer(cells, weights=WEIGHTS, **fields):
    return SpikingNetwork((SpikingLayer(IdealArray(weights), cells, **fields),))


def silicon(n=N, technology=QUIET, **fields):
    """Cells whose synapses bring about 200 pA per event, whose neurons fire at 200 pA."""
    wide = lambda value: jnp.full(n, value)
    synapse = lambda: DPISynapse(
        weight_current=wide(1e-9), gain_current=100e-12, pulse_width=1e-4, technology=technology, capacitance=3e-12
    )
    neuron = DPINeuron(
        spike_current=wide(200e-12), gain_current=10e-12, adaptation_current=0.1e-12, technology=technology, capacitance=3e-12
    )
    return SiliconCells(**{"neuron": neuron, "excitatory": synapse(), "inhibitory": synapse()} | fields)


@pytest.fixture(scope="module")
def two_layers():
    """Ideal cells with recurrence, then some more: the network and its run."""
    first = SpikingLayer(IdealArray(WEIGHTS), IdealCells.of(N, bias=0.3, refractory_time=3e-3), IdealArray(BACK))
    network = SpikingNetwork((first, SpikingLayer(IdealArray(2 * WEIGHTS), IdealCells.of(N))))
    return network, network.run(EVENTS, STEP, KEY, keep=("membrane",))


def by_hand(events):
    """The same two layers, neuron by neuron in NumPy."""
    kept, decayed = np.exp(-STEP / 20e-3), np.exp(-STEP / 10e-3)
    passed = (decayed - kept) * 10e-3 / (10e-3 - 20e-3)
    weights, bias, waits = [WEIGHTS, 2 * WEIGHTS], [0.3, 0.0], [3, 2]
    s, v, wait, sent = np.zeros((2, N)), np.zeros((2, N)), np.zeros((2, N)), np.zeros(N)
    spikes = np.zeros((2, STEPS, N))
    for k, arriving in enumerate(events):
        for layer in range(2):
            for i in range(N):
                if wait[layer, i] > 0:
                    wait[layer, i] -= 1
                    continue
                v[layer, i] = kept * v[layer, i] + passed * s[layer, i] + (1 - kept) * bias[layer]
                if v[layer, i] > 1:
                    spikes[layer, k, i], v[layer, i], wait[layer, i] = 1, 0, waits[layer]
        s = decayed * s
        s[0] += arriving @ weights[0] + sent @ BACK
        s[1] += spikes[0, k] @ weights[1]
        sent = spikes[0, k]
    return spikes


def test_two_recurrent_layers_equal_a_loop_in_numpy(two_layers):
    run = two_layers[1]
    expected = np.stack([by_hand(events) for events in EVENTS], 1)
    assert expected.sum() > 50
    np.testing.assert_array_equal(run.spikes[0], expected[0])
    np.testing.assert_array_equal(run.spikes[1], expected[1])
    np.testing.assert_allclose(run.rates[1], expected[1].mean(1) / STEP)


@pytest.mark.parametrize("kind", ["ideal", pytest.param("silicon", marks=pytest.mark.slow)])
def test_a_batch_equals_vmap_and_equals_one_at_a_time(kind):
    network = one_layer(IdealCells.of(N, bias=0.5) if kind == "ideal" else silicon(), recurrent=IdealArray(BACK))
    step = STEP / 2
    batch = network.run(EVENTS, step, KEY).spikes[0]
    assert batch.sum() > 10
    mapped = jax.vmap(lambda events: network.run(events, step, KEY).spikes[0])(EVENTS)
    np.testing.assert_array_equal(batch, mapped)
    np.testing.assert_array_equal(batch[1], network.run(EVENTS[1], step, KEY).spikes[0])


def test_constant_input_fires_at_the_closed_form_rate():
    drive, step = jnp.array([1.02, 1.5, 3.0, 0.99]), 1e-4
    cells = IdealCells.of(4, refractory_time=2e-3)
    run = one_layer(cells, np.zeros((1, 4))).run(np.zeros((20000, 1)), step, KEY, drive=drive)
    charge = 20e-3 * np.log(drive[:3] / (drive[:3] - 1))
    interval = step * (np.ceil(charge / step) + 20)
    assert float(run.spikes[0][:, 3].sum()) == 0
    for i in range(3):
        found = np.flatnonzero(run.spikes[0][:, i])
        np.testing.assert_allclose(np.diff(found) * step, interval[i], rtol=1e-9)


@pytest.mark.parametrize("apart", [1e-3, 1e-2, 1.0, -0.5])
def test_a_membrane_follows_an_exponential_as_in_the_closed_form(apart):
    """The series for nearly equal time constants leaves out a sixth of the square of their difference in rate."""
    h, membrane, synapse = 1e-3, 20e-3, 20e-3 * (1 + apart)
    closed = (np.exp(-h / synapse) - np.exp(-h / membrane)) * synapse / (synapse - membrane)
    np.testing.assert_allclose(reached(h, jnp.asarray(membrane), jnp.asarray(synapse)), closed, rtol=1e-9)
    np.testing.assert_allclose(reached(h, jnp.asarray(membrane), jnp.asarray(membrane)), h / membrane * np.exp(-h / membrane))


def test_events_come_back_one_step_later():
    strong = IdealCells.of(2, refractory_time=0.0, membrane_time=1.5e-3, synapse_time=1.5e-3)
    back = np.array([[0.0, 50.0], [0.0, 0.0]])
    first = SpikingLayer(IdealArray(np.array([[50.0, 0.0]])), strong, IdealArray(back))
    network = SpikingNetwork((first, SpikingLayer(IdealArray(50 * np.eye(2)), strong)))
    run = network.run(np.eye(12)[:, 2:3], STEP, KEY)
    begins = lambda spikes: [int(np.flatnonzero(column)[0]) for column in np.asarray(spikes).T]
    assert begins(run.spikes[0]) == [3, 5]
    assert begins(run.spikes[1]) == [4, 6]


def test_a_step_of_silicon_is_that_of_its_parts():
    cells, h = silicon(bias_current=300e-12), 5e-4
    stepper, state = cells.stepper(h), cells.begin()
    state |= {"excitatory": jnp.linspace(0, 6, N), "inhibitory": jnp.linspace(3, 0, N), "log_current": jnp.linspace(0, 5, N)}
    fired = stepper.fire(state, 0.0)
    exc, inh = (1e-12 * np.exp(0.5 * (state[k] + cells.excitatory.relaxed(state[k], h))) for k in ("excitatory", "inhibitory"))
    own = {k: state[k] for k in ("log_current", "log_adaptation", "countdown")}
    expected = cells.neuron.advance(own, exc + 300e-12, inh, h)[0]
    for name, value in expected.items():
        np.testing.assert_allclose(fired.state[name], value, rtol=1e-12)
    arrivals = jnp.arange(2.0 * N)
    synapse = cells.excitatory
    struck = stepper.strike(fired.state, arrivals)["excitatory"]
    by_part = synapse.struck(fired.state["excitatory"], synapse.dose(arrivals[:N]))
    np.testing.assert_allclose(struck, by_part, rtol=1e-12)
    volts = 0.025852 / 0.7 * (np.log(1e12 * 200e-12) - float(cells.begin()["log_current"][0]))
    assert fired.membrane.max() <= volts * (1 + 1e-4)


def test_signs_of_weights_are_shared_between_the_two_synapses():
    excitatory, inhibitory = np.split(np.asarray(silicon().wired(jnp.asarray(WEIGHTS))), 2, -1)
    np.testing.assert_array_equal(excitatory - inhibitory, WEIGHTS)
    assert excitatory.min() == inhibitory.min() == 0 and not (excitatory * inhibitory).any()


def test_silicon_synapses_far_above_their_gain_current_are_linear():
    """x = I / I_th: an event of dose d adds d - ln(x' / x), a step loses the factor exp(-h / tau), and less near I_0."""
    technology = QUIET.ideal()
    cells, h = silicon(technology=technology), 5e-4
    network = one_layer(cells.ideal(), 20 * np.eye(N))
    steady = (np.arange(STEPS)[:, None] % np.arange(1, N + 1) == 0).astype(float)
    x = np.exp(np.asarray(network.run(steady, h, KEY, keep=("excitatory",)).states[0]["excitatory"])) / 100
    synapse = cells.excitatory
    tau, dose = float(synapse.time_constant()), 20 * float(synapse.dose(jnp.ones(()))[0])
    kept, start = np.exp(-h / tau), 12
    linear, bound = x[start], np.zeros(N)
    floor = float(technology.off_current()) / 100e-12
    for k in range(start + 1, STEPS):
        added = dose * steady[k]
        linear = linear * kept + added
        slower = x[k - 1] * (np.exp(h / tau * (floor / (x[k - 1] * kept)) ** (1 / 0.7)) - 1)
        bound = bound * kept + np.log1p(added / (x[k - 1] * kept)) + slower
        assert (np.abs(x[k] - linear) <= bound * (1 + 1e-9) + 1e-9).all()
    assert (bound / linear < 0.05).all()


@pytest.fixture(scope="module")
def silicon_gradient():
    """Loss of the rates, and its gradient, as functions of (weights, biases in A)."""
    network = one_layer(silicon())

    def loss(weights, bias, time_constant_current):
        cells = network.layers[0].cells
        neuron = cells.neuron.put(time_constant_current=time_constant_current)
        layer = network.layers[0].put(array=IdealArray(weights), cells=cells.put(bias_current=bias, neuron=neuron))
        return jnp.mean(network.put(layer_0=layer).run(EVENTS, 5e-4, KEY).rates[0]) / 100

    return jax.jit(jax.value_and_grad(loss, (0, 1, 2)))


@pytest.mark.slow
def test_gradients_with_respect_to_biases_in_amperes_are_relative_steps_of_order_one(silicon_gradient):
    biases = jnp.full(N, 100e-12), jnp.full(N, 8e-12)
    value, (weights, bias, leak) = silicon_gradient(WEIGHTS, *biases)
    assert value > 0.05
    for current, slope, sign in ((biases[0], bias, 1), (biases[1], leak, -1)):
        relative = float(jnp.sum(current * slope))
        assert 0.05 < sign * relative / float(value) < 20
    assert float(jnp.sum(WEIGHTS * weights)) > 0 and bool(jnp.isfinite(weights).all())
    higher, lower = (silicon_gradient(WEIGHTS, biases[0] * f, biases[1])[0] for f in (1.3, 0.7))
    assert higher > lower


def two_orders(seed):
    """Sixteen trials in which four inputs fire in one of two orders, at times that differ; which order it was."""
    rng, labels = np.random.default_rng(seed), np.arange(16) % 2
    spikes = np.zeros((16, 40, 4))
    for trial, label in enumerate(labels):
        for i in range(4):
            spikes[trial, 3 + 8 * (i if label else 3 - i) + rng.integers(-2, 3), i] = 1
    return spikes, labels


@pytest.mark.slow
def test_surrogate_gradients_learn_the_order_of_events():
    def loss(weights, spikes, labels):
        layers = tuple(SpikingLayer(IdealArray(w), IdealCells.of(w.shape[1], synapse_time=5e-3)) for w in weights)
        counts = SpikingNetwork(layers).run(spikes, STEP, KEY).spikes[-1].sum(-2)
        likely = jax.nn.log_softmax(counts)[jnp.arange(16), labels]
        return -jnp.mean(likely), jnp.mean(jnp.argmax(counts, -1) == labels)

    slope = jax.jit(jax.value_and_grad(loss, has_aux=True))
    rng = np.random.default_rng(2)
    weights = jnp.asarray(rng.normal(5, 4, (4, 12))), jnp.asarray(rng.normal(2, 1, (12, 2)))
    assert float(loss(weights, *two_orders(1))[1]) < 0.7
    for _ in range(100):
        weights = jax.tree.map(lambda w, g: w - g, weights, slope(weights, *two_orders(1))[1])
    assert float(loss(weights, *two_orders(1))[1]) >= 15 / 16
    assert float(loss(weights, *two_orders(4))[1]) >= 13 / 16


def test_the_gradient_of_a_rate_agrees_in_sign_with_finite_differences():
    events = (np.random.default_rng(3).random((32, STEPS, N)) < 0.15).astype(float)

    def rate(bias, gain):
        return jnp.mean(one_layer(IdealCells.of(N, bias=bias), gain * WEIGHTS).run(events, STEP, KEY).rates[0])

    at = (0.4, 1.0)
    slopes = jax.jit(jax.grad(rate, (0, 1)))(*at)
    value = jax.jit(rate)
    for k, by in enumerate((0.1, 0.2)):
        shift = np.eye(2)[k] * by
        difference = (value(*(at + shift)) - value(*(at - shift))) / (2 * by)
        assert 0.3 < float(slopes[k] / difference) < 3


def test_one_compilation_serves_all_knobs():
    traces = []

    @eqx.filter_jit
    def spikes(network, step):
        traces.append(1)
        return network.run(EVENTS[0], step, KEY).spikes[0]

    network = one_layer(IdealCells.of(N))
    counts = {float(spikes(network.set("layer_0.cells.bias", bias), jnp.asarray(STEP)).sum()) for bias in (0.0, 0.5, 0.9)}
    spikes(network, jnp.asarray(STEP / 2))
    assert len(traces) == 1 and len(counts) == 3


def test_fabricating_without_spread_changes_no_event(two_layers):
    network, run = two_layers
    again = network.fabricate(KEY).run(EVENTS, STEP, KEY)
    np.testing.assert_array_equal(again.spikes[1], run.spikes[1])
    spread = network.set("layer_0.cells.threshold_spread", 0.1)
    dies = jax.vmap(lambda key: spread.fabricate(key).layers[0].cells.threshold)(jax.random.split(KEY, 3))
    assert np.ptp(np.asarray(dies), 0).min() > 0
    assert eqx.tree_equal(spread.ideal(), network)


@pytest.mark.slow
def test_silicon_dies_differ_and_without_mismatch_are_alike():
    rates = lambda network: network.run(EVENTS, 5e-4, KEY).rates[0]
    cells = silicon(bias_current=100e-12)
    np.testing.assert_allclose(rates(one_layer(cells).fabricate(KEY)), rates(one_layer(cells)), rtol=1e-12)
    technology = QUIET.put(threshold_mismatch=jnp.asarray(5e-9))
    die = one_layer(silicon(technology=technology, bias_current=100e-12)).fabricate(KEY)
    assert np.ptp(np.asarray(rates(die)) - np.asarray(rates(one_layer(cells)))) > 0


@pytest.mark.parametrize("cells", [IdealCells.of(N, bias=0.5), silicon()], ids=["ideal", "silicon"])
def test_single_precision_stays_single(cells):
    network = jax.tree.map(lambda x: x.astype(jnp.float32), one_layer(cells))
    shapes = jax.eval_shape(network.run, jnp.asarray(EVENTS, jnp.float32), jnp.float32(STEP / 2), KEY)
    assert {leaf.dtype for leaf in jax.tree.leaves(shapes)} == {jnp.dtype("float32")}


def test_a_plastic_layer_learns_what_replay_makes_of_its_events():
    rule = PSTDP(potentiation=0.02, depression=0.021)
    start = np.full((N, N), 0.5)
    network = one_layer(IdealCells.of(N, bias=0.8), start, rule=rule)
    run = network.run(EVENTS[0], STEP, KEY, drive=np.linspace(0, 1, N))
    times = lambda spikes: [np.flatnonzero(column) * STEP for column in np.asarray(spikes).T]
    alone = replay(rule, start, times(EVENTS[0]), times(run.spikes[0]), duration=STEPS * STEP, step=STEP)
    (learned,) = run.weights
    assert float(jnp.abs(jnp.asarray(learned) - 0.5).max()) > 0.05
    np.testing.assert_allclose(jnp.asarray(learned), alone.final, atol=1e-12)
    np.testing.assert_allclose(network.learned(run, KEY).layers[0].array.weights(), alone.final, atol=1e-12)


def test_a_plastic_layer_without_learning_is_a_layer_that_stays(two_layers):
    still = PSTDP(potentiation=0.0, depression=0.0, minimum_weight=-9.0, maximum_weight=9.0)
    network, run = two_layers
    plastic = network.put(layer_0=SpikingLayer(**vars(network.layers[0]) | {"rule": still}))
    np.testing.assert_array_equal(plastic.run(EVENTS[0], STEP, KEY).spikes[1], run.spikes[1][0])


CELLS = IdealCells.of(N)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SpikingNetwork(()), "`layers` must hold at least one layer"),
        (lambda: one_layer(CELLS, np.zeros((N, 4))), "`array` must have a column for each of the 6 cells, but has 4"),
        (lambda: one_layer(CELLS, recurrent=IdealArray(np.zeros((4, N)))), r"`recurrent` must have shape \(6, 6\)"),
        (lambda: SpikingNetwork(one_layer(CELLS).layers + one_layer(CELLS, np.zeros((4, N))).layers), "`layers` must chain"),
        (lambda: one_layer(CELLS).run(np.zeros((9, 4)), STEP, KEY), r"`spikes` must have shape \(\.\.\., steps, 6\)"),
        (lambda: one_layer(CELLS).run(-EVENTS, STEP, KEY), "`spikes` must be at least 0"),
        (lambda: one_layer(CELLS).run(EVENTS * np.nan, STEP, KEY), "`spikes` must be finite"),
        (lambda: one_layer(CELLS).run(EVENTS, 3e-3, KEY), "`step` must be at most `layer_0.cells.refractory_time`"),
        (lambda: one_layer(CELLS).run(EVENTS, 0.0, KEY), "`step` must be above 0 s"),
        (
            lambda: one_layer(CELLS).run(EVENTS, STEP, KEY, keep=("mebrane",)),
            "`keep` must be one of .* Did you mean `membrane`",
        ),
        (lambda: one_layer(CELLS).run(EVENTS, STEP, KEY, drive=np.zeros(4)), "`drive` must be a number or have shape"),
        (lambda: one_layer(CELLS, rule=PSTDP()).run(EVENTS, STEP, KEY), "learns from one stream"),
        (lambda: one_layer(CELLS).run(EVENTS, STEP, 3), "`key` must be made by"),
        (lambda: IdealCells.of(N, reset=2.0), "`reset` must be below `threshold`"),
        (lambda: IdealCells(), "`threshold` must be a row with one value per neuron"),
        (lambda: IdealCells.of(N, bias=np.zeros(4)), "`bias` must be a number or have the shape"),
        (lambda: silicon(excitatory=DPISynapse()), "`excitatory` must have one lane for each"),
        (lambda: silicon(bias_current=-1e-12), "`bias_current` must be at least 0 A"),
        (lambda: silicon(inhibitory=None).wired(np.array([[-1.0]])), "cells without an inhibitory synapse"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(make, words):
    with pytest.raises(InputError, match=words):
        make()
