"""Training: a rule applied epoch after epoch, with a result that can be saved and gone on from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import InputError
from devsim.learning.baselines import error
from devsim.learning.network import LayeredNetwork, check_samples
from devsim.learning.rule import Rule
from devsim.learning.saved import read_leaves, write_leaves
from devsim.parameter import as_leaf
from devsim.randomness import named_key

Record = Callable[[LayeredNetwork, Key[Array, ""]], Array]
"""(network, key) -> one array, the same shape every time: what to keep of every epoch."""


class Trained(eqx.Module):
    """A trained network and how it came about.

    errors: root of the mean over samples of the squared error summed over outputs, before training and after every
    epoch (epochs + 1,). recorded: what `record` found at the same times, or None. key: that of the whole training.
    batch: samples per update.
    """

    network: LayeredNetwork
    errors: Array
    recorded: Array | None
    key: Key[Array, ""]
    batch: int = eqx.field(static=True)

    @property
    def epochs(self) -> int:
        """Epochs that were run."""
        return self.errors.shape[0] - 1

    def __str__(self) -> str:
        sizes = "-".join(str(n) for n in self.network.sizes())
        kinds = " and ".join(sorted({type(array).__name__ for array in self.network.arrays}))
        first, best, last = self.errors[0], jnp.min(self.errors), self.errors[-1]
        return (
            f"Training of a {sizes} network on {kinds} for {self.epochs} epochs, {self.batch} samples per update: "
            f"error {first:.4g} -> {last:.4g} (lowest {best:.4g} after {int(jnp.argmin(self.errors))})."
        )

    def save(self, path: str | Path) -> None:
        """Write a file of arrays without code (`.npz`), whole or not at all."""
        write_leaves(Path(path), self._leaves(), {"batch": self.batch})

    def _leaves(self) -> dict[str, Any]:
        """Everything that is a number, by name."""
        named = {f"network{path}": leaf for path, leaf in _arrays(self.network)}
        recorded = {} if self.recorded is None else {"recorded": self.recorded}
        return named | recorded | {"errors": self.errors, "key": jax.random.key_data(self.key)}


def load(path: str | Path, like: LayeredNetwork) -> Trained:
    """What `Trained.save` wrote of a network built like `like`. Raises InputError where the file is of another one."""
    leaves, told = read_leaves(Path(path), {f"network{name}": leaf for name, leaf in _arrays(like)})
    dynamic, static = eqx.partition(like, eqx.is_array)
    order = [jnp.asarray(leaves[f"network{name}"]) for name, _ in _arrays(like)]
    network = eqx.combine(jax.tree.unflatten(jax.tree.structure(dynamic), order), static)
    recorded = jnp.asarray(leaves["recorded"]) if "recorded" in leaves else None
    key = jax.random.wrap_key_data(jnp.asarray(leaves["key"]))
    return Trained(network, jnp.asarray(leaves["errors"]), recorded, key, int(told["batch"]))


def _arrays(network: LayeredNetwork) -> list[tuple[str, Array]]:
    """(name, value) of every array of a network, in the order of its leaves."""
    dynamic = eqx.filter(network, eqx.is_array)
    return [(jax.tree_util.keystr(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(dynamic)]


def train(
    network: LayeredNetwork,
    rule: Rule,
    inputs: Array,
    targets: Array,
    *,
    epochs: int,
    key: Key[Array, ""],
    batch: int | None = None,
    record: Record | None = None,
    progress: Callable[[int, int], object] | None = None,
    save: str | Path | None = None,
    resume: Trained | None = None,
    every: int = 16,
) -> Trained:
    """Run `rule` until `network` has seen `epochs` epochs of the samples in all.

    batch: samples per update, drawn anew every epoch, those that do not fill one left out; all at once unless given.
    `every` so many epochs, which run as one program, `progress(done, all)` is told and the result is written to the file
    `save`. resume: go on from there with the same `key`, `batch` and `every`, to the same bits as without a break; the
    network is then the resumed one. Epoch e (from 0) has fold_in(key, e). Raises InputError for what does not fit.
    """
    check.instance("rule", rule, Rule)
    check.whole("every", every, 1)
    inputs, targets, batch = _checked(network, inputs, targets, epochs, key, batch)
    start = _begin(network, inputs, targets, key, record, batch) if resume is None else resume
    _check_resumed(start, network, key, batch, epochs, record)
    data = (inputs, targets)
    errors, recorded = [start.errors], [start.recorded]
    network, done = start.network, start.epochs
    while done < epochs:
        network, (found, kept) = _chunk(network, rule, data, key, jnp.array(done), jnp.array(epochs), record, batch, every)
        count = min(every, epochs - done)
        errors.append(found[:count])
        recorded.append(None if kept is None else kept[:count])
        done += count
        if save is not None:
            _joined(network, errors, recorded, key, batch).save(save)
        if progress is not None:
            progress(done, epochs)
    return _joined(network, errors, recorded, key, batch)


def trained(
    network: LayeredNetwork,
    rule: Rule,
    inputs: Array,
    targets: Array,
    epochs: int,
    key: Key[Array, ""],
    batch: int | None = None,
) -> tuple[LayeredNetwork, Array]:
    """(network, errors (epochs + 1,)) of `train`, as one pure function to put into `jit` and `vmap`."""
    inputs, targets, batch = _checked(network, inputs, targets, epochs, key, batch)
    dynamic, static = eqx.partition(network, eqx.is_array)

    def epoch(dynamic, e):
        network, (found, _) = _epoch(eqx.combine(dynamic, static), rule, (inputs, targets), key, e, None, batch)
        return eqx.filter(network, eqx.is_array), found

    first, _ = _measured(network, inputs, targets, named_key(key, "untrained"), None)
    dynamic, errors = jax.lax.scan(epoch, dynamic, jnp.arange(epochs))
    return eqx.combine(dynamic, static), jnp.concatenate([first[None], errors])


@eqx.filter_jit
def _chunk(network, rule, data, key, first, stop, record, batch: int, every: int):
    """`every` epochs from `first` on, those from `stop` on left out: one program whatever is left to do."""
    dynamic, static = eqx.partition(network, eqx.is_array)

    def run(dynamic, e):
        network, found = _epoch(eqx.combine(dynamic, static), rule, data, key, e, record, batch)
        return eqx.filter(network, eqx.is_array), found

    def epoch(dynamic, e):
        blank = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(run, dynamic, e)[1])
        return jax.lax.cond(e < stop, run, lambda dynamic, e: (dynamic, blank), dynamic, e)

    dynamic, found = jax.lax.scan(epoch, dynamic, first + jnp.arange(every))
    return eqx.combine(dynamic, static), found


def _epoch(network, rule, data, key, e, record, batch: int):
    """The network after epoch `e`, and what is measured of it."""
    inputs, targets = data
    samples, key = inputs.shape[0], jax.random.fold_in(key, e)
    updates = samples // batch
    order = jnp.arange(samples) if batch == samples else jax.random.permutation(named_key(key, "order"), samples)
    dynamic, static = eqx.partition(network, eqx.is_array)

    def update(dynamic, step):
        number, picked = step
        own = jax.random.fold_in(named_key(key, "updates"), number)
        network = eqx.combine(dynamic, static)
        proposals = rule.proposals(network, inputs[picked], targets[picked], named_key(own, "rule"))
        return eqx.filter(network.learn(proposals, named_key(own, "learn")), eqx.is_array), None

    steps = (jnp.arange(updates), order[: updates * batch].reshape(updates, batch))
    network = eqx.combine(jax.lax.scan(update, dynamic, steps)[0], static)
    return network, _measured(network, inputs, targets, named_key(key, "measured"), record)


def _measured(network, inputs, targets, key, record: Record | None):
    """Error of the predictions, and what `record` says."""
    found = error(network.predict(inputs, named_key(key, "error")), targets)
    return found, None if record is None else record(network, named_key(key, "record"))


@eqx.filter_jit
def _first(network, inputs, targets, key, record):
    return _measured(network, inputs, targets, named_key(key, "untrained"), record)


def _begin(network, inputs, targets, key, record, batch: int) -> Trained:
    """No epoch yet."""
    found, kept = _first(network, inputs, targets, key, record)
    return _joined(network, [found[None]], [None if kept is None else jnp.asarray(kept)[None]], key, batch)


def _joined(network, errors: list, recorded: list, key, batch: int) -> Trained:
    """One result of all chunks."""
    kept = None if recorded[0] is None else jnp.concatenate(recorded)
    return Trained(network, jnp.concatenate(errors), kept, key, batch)


def _checked(network, inputs, targets, epochs, key, batch):
    """Samples as floating-point arrays and the batch as a number."""
    check.instance("network", network, LayeredNetwork)
    inputs, targets = as_leaf(inputs), as_leaf(targets)
    check_samples(network, inputs, targets)
    check.whole("epochs", epochs, 1)
    check.key(key)
    samples = inputs.shape[0]
    if batch is None:
        return inputs, targets, samples
    check.whole("batch", batch, 1)
    if batch > samples:
        raise InputError(f"`batch` must be at most the {samples} samples, but is {batch}.")
    return inputs, targets, batch


def _check_resumed(start: Trained, network, key, batch: int, epochs: int, record) -> None:
    """Raise where `start` is of another training than the one that is asked to go on."""
    check.instance("resume", start, Trained)
    here, there = _arrays(network), _arrays(start.network)
    if [(n, x.shape) for n, x in here] != [(n, x.shape) for n, x in there]:
        raise InputError("`resume` must be of a network built like `network`, but its arrays differ.")
    if not np.array_equal(jax.random.key_data(start.key), jax.random.key_data(key)):
        raise InputError("`key` must be the one that the training to resume began with, but is another.")
    if start.batch != batch:
        raise InputError(f"`batch` must be the {start.batch} of the training to resume, but is {batch}.")
    if start.epochs > epochs:
        raise InputError(f"`epochs` must be at least the {start.epochs} of the training to resume, but is {epochs}.")
    if (start.recorded is None) != (record is None):
        raise InputError("`record` must be given where the training to resume had one, and only there.")
