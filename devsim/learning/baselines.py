"""What a trained network must beat, and by which measure."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from devsim import check
from devsim.check import InputError


def error(outputs: Array, targets: Array) -> Array:
    """sqrt(mean over samples of the sum over outputs of (output - target)^2); samples and outputs are the last axes."""
    return jnp.sqrt(jnp.mean(jnp.sum((outputs - targets) ** 2, axis=-1), axis=-1))


def accuracy(outputs: Array, labels: Int[Array, "... samples"]) -> Array:
    """The share of samples whose largest output is that of their label."""
    return jnp.mean(jnp.argmax(outputs, axis=-1) == labels, axis=-1, dtype=float)


def one_hot(labels: Int[Array, " samples"], classes: int) -> Array:
    """(samples, classes): one at the label, zero elsewhere."""
    check.whole("classes", classes, 2)
    given = np.asarray(labels)
    if given.ndim != 1 or not np.issubdtype(given.dtype, np.integer):
        raise InputError(f"`labels` must be whole numbers of shape (samples,), but are {given.dtype} of shape {given.shape}.")
    if given.size and (given.min() < 0 or given.max() >= classes):
        worst = given.min() if given.min() < 0 else given.max()
        raise InputError(f"`labels` must be from 0 to {classes - 1} for {classes} classes, but hold {worst}.")
    return jax.nn.one_hot(given, classes, dtype=float)


def uniform_guess(targets: Array) -> Array:
    """Expected error of outputs drawn uniformly from 0 to 1: the mean of (u - t)^2 is 1/3 - t + t^2."""
    targets = _two("targets", targets)
    return jnp.sqrt(jnp.mean(jnp.sum(1 / 3 - targets + targets**2, axis=-1)))


def best_constant(targets: Array) -> Array:
    """Error of the best outputs that do not look at the inputs: the mean target."""
    targets = _two("targets", targets)
    return error(jnp.mean(targets, axis=0), targets)


def least_squares(inputs: Array, targets: Array) -> Array:
    """Error of the best affine map from inputs to targets, on the samples it was fitted to."""
    return error(affine(inputs, targets, inputs), targets)


def regression_accuracy(
    inputs: Array, labels: Int[Array, " samples"], test_inputs: Array, test_labels: Int[Array, " tests"], classes: int
) -> Array:
    """Accuracy on the test samples of an affine least-squares fit to one-hot targets."""
    return accuracy(affine(inputs, one_hot(labels, classes), test_inputs), jnp.asarray(test_labels))


def affine(inputs: Array, targets: Array, test_inputs: Array) -> Array:
    """The answers to `test_inputs` of the affine map that fits `targets` to `inputs` best (the smallest of several)."""
    inputs, targets, test_inputs = _two("inputs", inputs), _two("targets", targets), _two("test_inputs", test_inputs)
    if inputs.shape[0] != targets.shape[0]:
        raise InputError(f"`targets` must be one for each sample, but are {targets.shape[0]} for {inputs.shape[0]} inputs.")
    check.shape("test_inputs", test_inputs, inputs.shape[1:], "the inputs")
    with_one = lambda x: jnp.concatenate([x, jnp.ones((x.shape[0], 1))], axis=1)
    return with_one(test_inputs) @ jnp.linalg.lstsq(with_one(inputs), targets)[0]


def _two(name: str, values: Array) -> Array:
    """`values` as floating-point numbers with two axes, finite."""
    values = jnp.asarray(values, float)
    if values.ndim != 2 or values.shape[0] == 0:
        raise InputError(f"`{name}` must have shape (samples, units), but has shape {values.shape}.")
    check.finite(name, values)
    return values
