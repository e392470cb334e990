"""Rules that feed errors back, against automatic derivatives, and on crossbars."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.learning.activation import Sigmoid, Tanh
from devsim.learning.contrastive import ContrastiveHebbian, GeneRec
from devsim.learning.feedback import Backpropagation, RandomBackpropagation, ReadoutOnly
from devsim.learning.network import LayeredNetwork, ideal_network
from devsim.learning.train import train

from .networks import cosine, deep, drawn, flat, half_crossbar

KEY = jax.random.key(44)
INPUTS, TARGETS = drawn(1, 5, 6), drawn(2, 5, 3)


def squared(outputs, targets):
    return jnp.mean(jnp.sum((outputs - targets) ** 2, axis=-1)) / 2


def cross_entropy(outputs, targets):
    return -jnp.mean(jnp.sum(targets * jnp.log(outputs) + (1 - targets) * jnp.log(1 - outputs), axis=-1))


def descent(network, loss, targets):
    """Minus the derivatives of `loss` with respect to the weights and biases."""

    def of(weights, biases):
        changed = LayeredNetwork(network.arrays, biases, network.hidden, network.output).program(weights, KEY)
        return loss(changed.predict(INPUTS, KEY), targets)

    found = jax.grad(of, argnums=(0, 1))(tuple(a.weights() for a in network.arrays), network.biases)
    return jax.tree.map(jnp.negative, found)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("output", "loss", "factor"), [(Tanh(), squared, True), (Sigmoid(3.0), squared, True), (Sigmoid(), cross_entropy, False)]
)
def test_backpropagation_proposes_the_gradient(output, loss, factor, reverse):
    network = LayeredNetwork(deep().arrays, deep().biases, Tanh(), output)
    targets = jax.nn.sigmoid(TARGETS)
    proposals = Backpropagation(0.7, reverse, factor).proposals(network, INPUTS, targets, KEY)
    weights, biases = descent(network, loss, targets)
    learnt = network.learn(proposals, KEY)
    for k, proposal in enumerate(proposals):
        np.testing.assert_allclose(proposal.change(), 0.7 * weights[k], rtol=0, atol=1e-10)
        np.testing.assert_allclose(learnt.biases[k] - network.biases[k], 0.7 * biases[k], rtol=0, atol=1e-10)


def test_random_backpropagation_through_the_weights_is_backpropagation():
    network = deep()
    matrices = tuple(a.weights().T for a in network.arrays[1:])
    found = flat(RandomBackpropagation(matrices, 1.0).proposals(network, INPUTS, TARGETS, KEY))
    np.testing.assert_allclose(found, flat(Backpropagation(1.0).proposals(network, INPUTS, TARGETS, KEY)), rtol=0, atol=1e-13)


def test_direct_and_layered_feedback_are_the_same_for_one_hidden_layer():
    network = deep(sizes=(6, 8, 3))
    rules = [RandomBackpropagation.drawn(1.0, network, KEY, direct=direct) for direct in (False, True)]
    found = [flat(rule.proposals(network, INPUTS, TARGETS, KEY)) for rule in rules]
    np.testing.assert_array_equal(*found)


def test_direct_feedback_carries_the_output_error_to_every_layer():
    network = deep()
    rule = RandomBackpropagation.drawn(0.5, network, KEY, direct=True)
    layers = network.forward(INPUTS, KEY)
    error = np.asarray(layers[-1].activity) - TARGETS
    delta = error @ np.asarray(rule.matrices[0]) * (1 - np.asarray(layers[0].activity) ** 2)
    found = rule.proposals(network, INPUTS, TARGETS, KEY)[0].change()
    np.testing.assert_allclose(found, -0.5 / 5 * INPUTS.T @ delta, rtol=0, atol=1e-13)


def test_weights_align_with_their_random_feedback():
    network = deep(sizes=(6, 12, 3))
    rule = RandomBackpropagation.drawn(0.1, network, KEY)
    teacher = deep(9, (6, 3))
    x = drawn(5, 60, 6)
    learnt = train(network, rule, x, teacher.predict(x, KEY), epochs=400, key=KEY).network
    angle = lambda net: cosine(np.ravel(net.arrays[1].weights().T), np.ravel(rule.matrices[0]))
    # Two random directions in 36 dimensions have a cosine of 0 with standard deviation 1/6.
    assert abs(angle(network)) < 3 / 6 and angle(learnt) > angle(network) + 0.3


def test_readout_only_proposes_nothing_to_the_layers_below():
    network = deep()
    found = ReadoutOnly(1.0).proposals(network, INPUTS, TARGETS, KEY)
    assert found[:2] == (None, None)
    full = Backpropagation(1.0).proposals(network, INPUTS, TARGETS, KEY)
    np.testing.assert_array_equal(found[2].change(), full[2].change())


def test_only_backpropagation_is_not_local():
    assert not Backpropagation.local
    assert all(rule.local for rule in (RandomBackpropagation, ReadoutOnly, ContrastiveHebbian, GeneRec))


RULES = {
    "backpropagation": lambda network: Backpropagation(0.3),
    "reverse reads": lambda network: Backpropagation(0.3, reverse=True),
    "random": lambda network: RandomBackpropagation.drawn(0.3, network, KEY),
    "readout": lambda network: ReadoutOnly(0.3),
    "contrastive": lambda network: ContrastiveHebbian(0.3),
    "generec": lambda network: GeneRec(0.3),
}


@pytest.mark.parametrize("name", [n if n == "random" else pytest.param(n, marks=pytest.mark.slow) for n in RULES])
def test_every_rule_does_the_same_on_a_crossbar_and_on_an_ideal_array(name):
    sizes, step = (6, 5, 3), 1e-5
    crossbar = half_crossbar(sizes, 3, step=step, most_pulses=100_000)
    weights = tuple(a.weights() for a in crossbar.arrays)
    ideal = ideal_network(sizes, KEY, output=Sigmoid()).program(weights, KEY)
    rule, targets = RULES[name](crossbar), jax.nn.sigmoid(TARGETS)
    wanted = rule.proposals(ideal, INPUTS, targets, KEY)
    learnt = jax.jit(lambda: crossbar.learn(rule.proposals(crossbar, INPUTS, targets, KEY), KEY))()
    # A weight of two fills one cell's range, itself two wide, so a pulse moves it by `step`; two cells round by half of that.
    for before, after, proposal in zip(weights, learnt.arrays, wanted, strict=True):
        change = 0 if proposal is None else proposal.change()
        np.testing.assert_allclose(after.weights() - before, change, rtol=0, atol=1.01 * step)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda n: Backpropagation(-1.0), r"`rate` must be at least 0, but is -1"),
        (lambda n: ReadoutOnly(np.inf), r"`rate` must be finite, but is inf"),
        (
            lambda n: RandomBackpropagation((np.ones((3, 7)),), 0.1).proposals(n, INPUTS, TARGETS, KEY),
            r"`matrices` must have the shapes \[\(7, 8\), \(3, 7\)\] for this network, but have \[\(3, 7\)\]",
        ),
        (lambda n: RandomBackpropagation.drawn(0.1, n, KEY, scale=-1), r"`scale` must be at least 0, but is -1"),
        (
            lambda n: Backpropagation(0.1).proposals(n, INPUTS, TARGETS[:4], KEY),
            r"`targets` must be one for each sample, but are 4 for 5 inputs",
        ),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(InputError, match=words):
        call(deep())
