"""Layered networks: units, reads, what learning changes, and how they settle."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.synaptic_array import IdealArray, Proposal
from devsim.learning.activation import Linear, Sigmoid, Tanh
from devsim.learning.network import LayeredNetwork, ideal_network, initial_weights
from devsim.learning.settling import Settling

from .networks import crossbars, deep, drawn

KEY = jax.random.key(42)


@pytest.mark.parametrize("unit", [Sigmoid(), Sigmoid(4.0, 0.5), Tanh(), Linear()])
def test_the_derivative_of_every_unit_is_that_of_its_value(unit):
    z = jnp.linspace(-3, 3, 61)
    np.testing.assert_allclose(unit.derivative(z), jax.vmap(jax.grad(unit.value))(z), rtol=0, atol=1e-14)


def test_a_sigmoid_is_one_half_at_its_centre_with_a_quarter_of_its_slope():
    unit = Sigmoid(4.0, 0.5)
    assert unit.value(jnp.array(0.5)) == 0.5 and unit.derivative(jnp.array(0.5)) == 1.0


def test_forward_is_what_numpy_computes():
    network, x = deep(), drawn(1, 5, 6)
    units = (np.tanh, np.tanh, np.array)
    for layer, array, bias, f in zip(network.forward(x, KEY), network.arrays, network.biases, units, strict=True):
        z = x @ np.asarray(array.weights()) + np.asarray(bias)
        x = f(z)
        np.testing.assert_allclose(layer.drive, z, rtol=0, atol=1e-14)
        np.testing.assert_allclose(layer.activity, x, rtol=0, atol=1e-14)


@pytest.mark.slow
def test_every_array_reads_with_noise_of_its_own_and_every_key_anew():
    network = crossbars((4, 4, 4), 3, read_noise=0.02)
    twins = LayeredNetwork((network.arrays[0],) * 2, network.biases, Linear(), Linear())
    forward = jax.jit(lambda key: twins.forward(np.eye(4), key))
    first, second = forward(KEY)
    np.testing.assert_array_equal(first.drive, forward(KEY)[0].drive)
    assert not np.allclose(first.drive, forward(jax.random.key(0))[0].drive, rtol=1e-6, atol=0)
    assert not np.allclose(second.drive, first.drive @ first.drive, rtol=1e-6, atol=0)


def test_biases_learn_from_an_input_of_one_as_fast_as_they_are_told():
    network = deep()
    post, weight = drawn(2, 5, 3), drawn(3, 5)
    proposals = (None, None, Proposal(drawn(4, 5, 7), post, weight))
    for rate in (0.0, 0.5):
        asked = LayeredNetwork(network.arrays, network.biases, bias_rate=rate)
        learnt = asked.learn(proposals, KEY)
        np.testing.assert_allclose(learnt.biases[2] - network.biases[2], rate * (weight @ post), rtol=0, atol=1e-14)
        np.testing.assert_array_equal(learnt.biases[0], network.biases[0])
        np.testing.assert_array_equal(learnt.arrays[1].weights(), network.arrays[1].weights())


def test_initial_weights_keep_the_size_of_a_signal():
    w = np.asarray(initial_weights((400, 300), KEY)[0])
    # A uniform variance s^2 is estimated from n draws to s^2 sqrt(0.8 / n).
    assert np.var(w) * 400 == pytest.approx(1, abs=5 * np.sqrt(0.8 / w.size))
    assert np.abs(w).max() <= np.sqrt(3 / 400)


# --- settling ------------------------------------------------------------------------------------------------------


def test_settled_units_obey_their_equations():
    network, x0, g = deep(), drawn(5, 4, 6), 0.3
    x = Settling(g, 0.5, 400).settle(network, x0, KEY)
    w, b = [np.asarray(a.weights()) for a in network.arrays], network.biases
    np.testing.assert_allclose(x[0], np.tanh(x0 @ w[0] + g * x[1] @ w[1].T + b[0]), rtol=0, atol=1e-13)
    np.testing.assert_allclose(x[1], np.tanh(x[0] @ w[1] + g * x[2] @ w[2].T + b[1]), rtol=0, atol=1e-13)
    np.testing.assert_allclose(x[2], x[1] @ w[2] + b[2], rtol=0, atol=1e-13)


def test_one_unit_settles_exponentially():
    # dx/dt = -x + z with z constant: x = z (1 - exp(-t)); Euler halves its error with the step.
    network = LayeredNetwork((IdealArray(np.eye(1)),), (jnp.zeros(1),), Linear(), Linear())
    found = [float(Settling(0.1, 2 / n, n).settle(network, np.ones((1, 1)), KEY)[0][0, 0]) for n in (100, 200)]
    errors = [value - (1 - np.exp(-2)) for value in found]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.02)


def test_held_outputs_stay_where_they_are_held():
    held = drawn(6, 4, 3)
    np.testing.assert_array_equal(Settling().settle(deep(), drawn(5, 4, 6), KEY, held=held)[-1], held)


@pytest.mark.slow
def test_reading_noise_enters_every_step_anew():
    network = crossbars((4, 4), 7, read_noise=0.05)
    settle = lambda steps: jax.jit(lambda: Settling(0.1, 1.0, steps).settle(network, np.ones((1, 4)), KEY))()[0]
    # A step of one forgets the state, so with one draw for all steps both would end at the same place.
    assert not np.allclose(settle(20), settle(21), rtol=1e-6, atol=0)


# --- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: LayeredNetwork((IdealArray(np.ones((3, 4))), IdealArray(np.ones((5, 2)))), (np.ones(4), np.ones(2))),
            r"`arrays` must chain, but array 0 has 4 columns and array 1 has 5 rows",
        ),
        (lambda: LayeredNetwork((), ()), r"`arrays` must hold at least one array"),
        (lambda: LayeredNetwork((np.ones((3, 4)),), (np.ones(4),)), r"`arrays` must be a SynapticArray, but is a ndarray"),
        (
            lambda: LayeredNetwork((IdealArray(np.ones((3, 4))),), (np.ones(3),)),
            r"`biases` must be one vector per layer, of shapes \[\(4,\)\], but have shapes \[\(3,\)\]",
        ),
        (lambda: LayeredNetwork((IdealArray(np.eye(2)),), (np.array([0, np.nan]),)), r"`biases` must be finite"),
        (lambda: LayeredNetwork((IdealArray(np.eye(2)),), (np.ones(2),), np.tanh), r"`hidden` must be a Activation"),
        (lambda: ideal_network((3,), KEY), r"`sizes` must be those of the inputs and of at least one layer"),
        (lambda: ideal_network((3, 0), KEY), r"`sizes` must be a whole number of at least 1, but is 0"),
        (lambda: deep().predict(np.ones((5, 7)), KEY), r"`inputs` must have shape \(samples, 6\), but has shape \(5, 7\)"),
        (lambda: deep().predict(np.ones(6), KEY), r"`inputs` must have shape \(samples, 6\), but has shape \(6,\)"),
        (lambda: deep().predict(np.full((5, 6), np.nan), KEY), r"`inputs` must be finite, but 30 of 30 values are not"),
        (lambda: deep().learn((None,), KEY), r"`proposals` must be one for each of 3 arrays, but are 1"),
        (lambda: deep().program((np.ones((6, 8)),), KEY), r"`weights` must be one for each of 3 arrays, but are 1"),
        (lambda: Sigmoid(0.0), r"`slope` must be above 0, but is 0"),
        (lambda: Settling(gain=0.0), r"`gain` must be above 0, but is 0"),
        (lambda: Settling(step=1.5), r"`step` must be above 0 and at most 1, but is 1.5"),
        (lambda: Settling(steps=0), r"`steps` must be a whole number of at least 1, but is 0"),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(InputError, match=words):
        call()
