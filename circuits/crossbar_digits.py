"""The same random feedback on another array: handwritten digits on noisy memristor crossbars.

The companion of `photonic-random-backprop`: minutes a die, so it is a function and no chip. Digits with a random hidden layer
are so easy that rules hardly part on perfect arrays; reads with 2 % of noise and steps that differ by 30 % part them.
"""

from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from circuits.layers import Feedback, taught
from devsim.devices.memristor.crossbar import Crossbar
from devsim.devices.memristor.pulse import PulseCell
from devsim.learning import LayeredNetwork, Sigmoid, baselines, initial_weights
from devsim.randomness import named_key, numbered_keys

SIZES = (64, 64, 10)
EPOCHS, BATCH, RATE = 25, 20, 1.0
WAYS = {"rpb": (1.0, 0.0), "readout": (0.0, 0.0), "backprop": (0.0, 1.0)}
"""Name -> how much of random matrices and of the transposed weights carries errors back."""


@eqx.filter_jit
def crossbars(key: Key[Array, ""]) -> LayeredNetwork:
    """64-64-10 on fabricated crossbars of pulse cells with 2 % of read noise and steps that differ by 30 %."""
    keys = numbered_keys(named_key(key, "fabricate"), 2)
    cell = lambda rows, columns: PulseCell((rows, 2 * columns), step=0.005, step_spread=0.3, read_noise=0.02)
    drawn = [Crossbar(cell(*shape), maximum_weight=2.0) for shape in pairwise(SIZES)]
    arrays = tuple(array.fabricate(k) for array, k in zip(drawn, keys, strict=True))
    network = LayeredNetwork(arrays, tuple(jnp.zeros(n) for n in SIZES[1:]), output=Sigmoid())
    return network.program(initial_weights(SIZES, named_key(key, "weights")), named_key(key, "program"))


def digits_on_crossbars(key: Key[Array, ""]) -> dict[str, float]:
    """Test accuracies on the 599 digits of a stratified third: `digits_accuracy_<way>` and linear regression's, one die.

    All ways have one rate, start from one die and see the same batches.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    split = train_test_split(data.data / 16, data.target, test_size=1 / 3, random_state=0, stratify=data.target)
    inputs, tests, labels, test_labels = split
    draw, updates = np.random.default_rng(0), len(labels) // BATCH
    order = np.concatenate([draw.permutation(len(labels))[: updates * BATCH].reshape(-1, BATCH) for _ in range(EPOCHS)])
    targets = baselines.one_hot(labels, SIZES[-1])
    matrix = jax.random.normal(named_key(key, "feedback"), (SIZES[2], SIZES[1])) / jnp.sqrt(SIZES[1])

    @jax.jit
    def learned(network, random, share):
        rule = Feedback((random * matrix,), share, RATE)
        network = taught(network, rule, inputs, targets, order, named_key(key, "updates"))
        return baselines.accuracy(network.predict(tests, named_key(key, "ask")), test_labels)

    die = crossbars(key)
    found = {f"digits_accuracy_{name}": float(learned(die, *map(jnp.asarray, way))) for name, way in WAYS.items()}
    affine = baselines.regression_accuracy(inputs, labels, tests, test_labels, SIZES[-1])
    return found | {"digits_accuracy_linear_regression": float(affine)}
