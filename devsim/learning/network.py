"""`LayeredNetwork`: synaptic arrays one behind the other, with units in between."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check
from devsim.check import Bounds, InputError
from devsim.devices.synaptic_array import IdealArray, Proposal, SynapticArray
from devsim.learning.activation import Activation, Linear, Tanh
from devsim.parameter import as_leaf, check_fields, parameter
from devsim.randomness import named_key, numbered_keys


class Layer(NamedTuple):
    """What drives the units of a layer, and what they answer; both (samples, units)."""

    drive: Array
    activity: Array


class LayeredNetwork(eqx.Module):
    """Layers k = 1 .. L of units; array k carries the activities of layer k - 1 (the inputs for k = 1) to layer k.

    Equations: z_k = read_k(x_{k-1}) + b_k, x_k = f_k(z_k); f_L is `output`, all other f_k are `hidden`.
    `biases`: one vector b_k per layer. They are held by the units, exactly, and learn by the rule of the weights from
    an input of one, `bias_rate` times as fast; 0 holds them.
    """

    arrays: tuple[SynapticArray, ...]
    biases: tuple[Array, ...] = eqx.field(converter=lambda values: tuple(as_leaf(b) for b in values))
    hidden: Activation = eqx.field(default_factory=Tanh)
    output: Activation = eqx.field(default_factory=Linear)
    bias_rate: Array = parameter(1.0, unit="1", bounds=(0, None), doc="learning rate of the biases relative to the weights")

    def __check_init__(self):
        check_fields(self)
        check.instance("arrays", self.arrays, tuple)
        if not self.arrays:
            raise InputError("`arrays` must hold at least one array, but is empty.")
        for array in self.arrays:
            check.instance("arrays", array, SynapticArray)
        for name in ("hidden", "output"):
            check.instance(name, getattr(self, name), Activation)
        shapes = [_shape(array) for array in self.arrays]
        for k, ((_, out), (rows, _)) in enumerate(pairwise(shapes)):
            if out != rows:
                raise InputError(f"`arrays` must chain, but array {k} has {out} columns and array {k + 1} has {rows} rows.")
        widths, given = [(columns,) for _, columns in shapes], [jnp.shape(b) for b in self.biases]
        if widths != given:
            raise InputError(f"`biases` must be one vector per layer, of shapes {widths}, but have shapes {given}.")
        for bias in self.biases:
            check.finite("biases", bias)

    def sizes(self) -> tuple[int, ...]:
        """Width of the inputs and of every layer."""
        shapes = [_shape(array) for array in self.arrays]
        return (shapes[0][0], *(columns for _, columns in shapes))

    def activation(self, layer: int) -> Activation:
        """That of layer `layer` (from 1)."""
        return self.output if layer == len(self.arrays) else self.hidden

    def forward(self, inputs: Array, key: Key[Array, ""]) -> list[Layer]:
        """Drive and activity of every layer for `inputs` (samples, units); array k reads with the k-th numbered key."""
        check_samples(self, inputs)
        layers, signal = [], jnp.asarray(inputs, float)
        keys = numbered_keys(key, len(self.arrays))
        for k, (array, bias) in enumerate(zip(self.arrays, self.biases, strict=True)):
            drive = array.read(signal, keys[k]) + bias
            signal = self.activation(k + 1).value(drive)
            layers.append(Layer(drive, signal))
        return layers

    def predict(self, inputs: Array, key: Key[Array, ""]) -> Array:
        """The outputs (samples, units)."""
        return self.forward(inputs, key)[-1].activity

    def learn(self, proposals: Sequence[Proposal | None], key: Key[Array, ""]) -> Self:
        """Every array makes what it can of its proposal; a layer without one stays."""
        if len(proposals) != len(self.arrays):
            raise InputError(f"`proposals` must be one for each of {len(self.arrays)} arrays, but are {len(proposals)}.")
        keys, arrays, biases = numbered_keys(key, len(self.arrays)), list(self.arrays), list(self.biases)
        for k, proposal in enumerate(proposals):
            if proposal is not None:
                arrays[k] = arrays[k].learn(proposal, keys[k])
                biases[k] = biases[k] + self.bias_rate * (proposal.weight @ proposal.post)
        return eqx.tree_at(lambda net: (net.arrays, net.biases), self, (tuple(arrays), tuple(biases)))

    def presented(self, key: Key[Array, ""]) -> Self:
        """The network as one presentation of its inputs finds it: the slow noise of every array drawn."""
        keys = numbered_keys(named_key(key, "presented"), len(self.arrays))
        arrays = tuple(array.presented(keys[k]) for k, array in enumerate(self.arrays))
        return eqx.tree_at(lambda net: net.arrays, self, arrays)

    def program(self, weights: Sequence[Array], key: Key[Array, ""]) -> Self:
        """The same network after its arrays were asked to hold `weights`, one matrix each."""
        if len(weights) != len(self.arrays):
            raise InputError(f"`weights` must be one for each of {len(self.arrays)} arrays, but are {len(weights)}.")
        keys = numbered_keys(key, len(self.arrays))
        arrays = tuple(a.program(w, k) for a, w, k in zip(self.arrays, weights, keys, strict=True))
        return eqx.tree_at(lambda net: net.arrays, self, arrays)


def initial_weights(sizes: Sequence[int], key: Key[Array, ""], scale: float = 1.0) -> tuple[Array, ...]:
    """One matrix per layer, uniform with mean 0 and standard deviation `scale` / sqrt(rows)."""
    if len(sizes) < 2:
        raise InputError(f"`sizes` must be those of the inputs and of at least one layer, but are {tuple(sizes)}.")
    for size in sizes:
        check.whole("sizes", size, 1)
    check.within("scale", as_leaf(scale), Bounds(0))
    keys = numbered_keys(named_key(key, "weights"), len(sizes) - 1)
    shapes = pairwise(sizes)
    draw = lambda k, shape: scale * jnp.sqrt(3 / shape[0]) * jax.random.uniform(keys[k], shape, float, -1, 1)
    return tuple(draw(k, shape) for k, shape in enumerate(shapes))


def ideal_network(sizes: Sequence[int], key: Key[Array, ""], *, scale: float = 1.0, **fields) -> LayeredNetwork:
    """Ideal arrays that hold `initial_weights`, biases at zero; `fields` are the network's."""
    arrays = tuple(IdealArray(w) for w in initial_weights(sizes, key, scale))
    return LayeredNetwork(arrays, tuple(jnp.zeros(n) for n in sizes[1:]), **fields)


def check_samples(network: LayeredNetwork, inputs: Array, targets: Array | None = None) -> None:
    """Raise where `inputs` (samples, units) or `targets` (samples, outputs) do not fit the network, or are not finite."""
    sizes = network.sizes()
    for name, value, width in (("inputs", inputs, sizes[0]), ("targets", targets, sizes[-1])):
        if value is None:
            continue
        shape = jnp.shape(value)
        if len(shape) != 2 or shape[1] != width or shape[0] == 0:
            raise InputError(f"`{name}` must have shape (samples, {width}), but has shape {shape}.")
        check.finite(name, value)
    if targets is not None and jnp.shape(targets)[0] != jnp.shape(inputs)[0]:
        given = (jnp.shape(targets)[0], jnp.shape(inputs)[0])
        raise InputError(f"`targets` must be one for each sample, but are {given[0]} for {given[1]} inputs.")


def _shape(array: SynapticArray) -> tuple[int, int]:
    """(rows, columns) of the weights; nothing is computed."""
    rows, columns = jax.eval_shape(array.weights).shape[-2:]
    return rows, columns
