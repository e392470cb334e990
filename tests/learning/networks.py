"""Networks and tasks that several tests of learning use."""

from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from devsim.devices.memristor.crossbar import Crossbar
from devsim.devices.memristor.pulse import PulseCell
from devsim.devices.synaptic_array import Proposal
from devsim.learning.activation import Sigmoid
from devsim.learning.network import LayeredNetwork, ideal_network, initial_weights


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def deep(seed: int = 0, sizes=(6, 8, 7, 3)) -> LayeredNetwork:
    """A tanh network with linear outputs and biases that are not zero."""
    network = ideal_network(sizes, jax.random.key(seed))
    return LayeredNetwork(network.arrays, tuple(0.3 * drawn(seed + k, n) for k, n in enumerate(sizes[1:])))


def crossbars(sizes, seed: int, *, maximum_weight: float = 2.0, **cell) -> LayeredNetwork:
    """A network on fabricated crossbars of pulse cells, with initial weights, sigmoid outputs and tanh units."""
    parts = [Crossbar(PulseCell((r, 2 * c), **cell), maximum_weight=maximum_weight) for r, c in pairwise(sizes)]
    return _made(parts, jax.random.key(seed))


@eqx.filter_jit
def _made(parts, key) -> LayeredNetwork:
    arrays = tuple(part.fabricate(jax.random.fold_in(key, k)) for k, part in enumerate(parts))
    sizes = [array.shape()[0] for array in arrays] + [arrays[-1].shape()[1]]
    network = LayeredNetwork(arrays, tuple(jnp.zeros(n) for n in sizes[1:]), output=Sigmoid())
    return network.program(initial_weights(sizes, key), key)


def half_crossbar(sizes, seed: int, **cell) -> LayeredNetwork:
    """The same with ideal arrays before the last, which compile sooner."""
    network = crossbars(sizes[-2:], seed, **cell)
    below = ideal_network(sizes[:-1], jax.random.key(seed))
    return LayeredNetwork((*below.arrays, *network.arrays), (*below.biases, *network.biases), output=network.output)


def binary_map(key) -> tuple[jax.Array, jax.Array]:
    """Eight different patterns of four bits and a random target for each, 0.1 or 0.9."""
    patterns = jnp.array([[number >> bit & 1 for bit in range(4)] for number in range(16)], float)
    inputs = patterns[jax.random.permutation(jax.random.fold_in(key, 0), 16)[:8]]
    return inputs, 0.1 + 0.8 * jax.random.bernoulli(jax.random.fold_in(key, 1), 0.5, (8, 4))


def flat(proposals) -> np.ndarray:
    """All wanted changes of a network as one vector."""
    return np.concatenate([np.ravel(p.change()) for p in proposals if isinstance(p, Proposal)])


def cosine(a, b) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))
