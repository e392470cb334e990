"""Rules that descend an output error: they differ in what is fed back from layer to layer."""

from collections.abc import Callable
from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check
from devsim.check import Bounds, InputError
from devsim.devices.synaptic_array import Proposal
from devsim.learning.network import LayeredNetwork, check_samples
from devsim.learning.rule import Rule
from devsim.parameter import as_leaf, parameter
from devsim.randomness import named_key, numbered_keys

Feed = Callable[[int, Array, Array, Key[Array, ""]], Array | None]
"""(k, delta of layer k + 1, output error, key) -> what reaches the units of layer k (samples, units); None for nothing."""


def descend(rule, network: LayeredNetwork, inputs, targets, key: Key[Array, ""], feed: Feed) -> tuple[Proposal | None, ...]:
    """pre = x_{k-1}, post = -delta_k, weight = rate / samples, with delta_L the output error and delta_k = fed f'(z_k).

    The output error is (x_L - target) f'(z_L) where the rule's `output_derivative` says so, which descends the squared
    error; without the factor, the cross entropy of sigmoid outputs.
    """
    check_samples(network, inputs, targets)
    layers = network.forward(inputs, named_key(key, "forward"))
    signals = [jnp.asarray(inputs, float), *(layer.activity for layer in layers)]
    error = signals[-1] - targets
    delta = error * network.output.derivative(layers[-1].drive) if rule.output_derivative else error
    count, keys = len(layers), numbered_keys(named_key(key, "feedback"), len(layers))
    weight = jnp.full(error.shape[0], rule.rate / error.shape[0])
    found: list[Proposal | None] = [None] * count
    for k in range(count, 0, -1):
        found[k - 1] = Proposal(signals[k - 1], -delta, weight)
        fed = feed(k - 1, delta, error, keys[k - 1]) if k > 1 else None
        if fed is None:
            break
        delta = fed * network.hidden.derivative(layers[k - 2].drive)
    return tuple(found)


class RandomBackpropagation(Rule):
    """Errors come back through fixed random matrices instead of the weights.

    Equations: delta_k = (delta_{k+1} B_k) f'(z_k); `direct`: delta_k = (error B_k) f'(z_k), from the output error itself.
    `matrices`: B_k of every layer but the last, (units of layer k + 1, or outputs if direct; units of layer k).
    Source: Lillicrap et al., Nat. Commun. 7, 13276 (2016) (feedback alignment); Nokland, NeurIPS (2016) (direct); Baldi,
    Sadowski and Lu, Artificial Intelligence 260, 1 (2018), arXiv:1612.02734 (random backpropagation).
    """

    matrices: tuple[Array, ...] = eqx.field(converter=lambda values: tuple(as_leaf(m) for m in values))
    rate: Array = parameter(unit="1", bounds=(0, None), doc="learning rate")
    direct: bool = eqx.field(static=True, default=False)
    output_derivative: bool = eqx.field(static=True, default=True)

    @classmethod
    def drawn(cls, rate, network: LayeredNetwork, key: Key[Array, ""], *, scale=1.0, direct: bool = False, **fields) -> Self:
        """Matrices for `network`: normal with standard deviation `scale` / sqrt(units of layer k)."""
        check.within("scale", as_leaf(scale), Bounds(0))
        sizes = network.sizes()
        keys = numbered_keys(named_key(key, "feedback"), len(sizes) - 2)
        shapes = [(sizes[-1 if direct else k + 1], sizes[k]) for k in range(1, len(sizes) - 1)]
        matrices = tuple(scale * jax.random.normal(keys[k], s, float) / jnp.sqrt(s[1]) for k, s in enumerate(shapes))
        return cls(matrices, rate, direct, **fields)

    def proposals(self, network, inputs, targets, key):
        """`descend` with the random matrices."""
        sizes = network.sizes()
        wanted = [(sizes[-1 if self.direct else k + 1], sizes[k]) for k in range(1, len(sizes) - 1)]
        given = [jnp.shape(m) for m in self.matrices]
        if given != wanted:
            raise InputError(f"`matrices` must have the shapes {wanted} for this network, but have {given}.")
        feed = lambda k, delta, error, _: (error if self.direct else delta) @ self.matrices[k - 1]
        return descend(self, network, inputs, targets, key, feed)


class Backpropagation(Rule):
    """The gradient, as a reference. Not local: a unit's error needs the weights of the synapses above it.

    Equations: delta_k = (delta_{k+1} W_{k+1}^T) f'(z_k), with the stored weights; `reverse`: read backwards through the
    array itself, with its noise and its wires.
    Source: Rumelhart, Hinton and Williams, Nature 323, 533 (1986).
    """

    local: ClassVar[bool] = False
    rate: Array = parameter(unit="1", bounds=(0, None), doc="learning rate")
    reverse: bool = eqx.field(static=True, default=False)
    output_derivative: bool = eqx.field(static=True, default=True)

    def proposals(self, network, inputs, targets, key):
        """`descend` with the weights transposed."""

        def feed(k, delta, error, key):
            array = network.arrays[k]
            return array.read_reverse(delta, key) if self.reverse else delta @ array.weights().T

        return descend(self, network, inputs, targets, key, feed)


class ReadoutOnly(Rule):
    """Nothing is fed back: only the last layer learns, all others stay as they are (random, if nobody wrote them)."""

    rate: Array = parameter(unit="1", bounds=(0, None), doc="learning rate")
    output_derivative: bool = eqx.field(static=True, default=True)

    def proposals(self, network, inputs, targets, key):
        """`descend` that ends at once."""
        return descend(self, network, inputs, targets, key, lambda k, delta, error, key: None)
