"""What chips of two layers share: units between arrays, their circuit, any feedback, and training in a given order."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key

from devsim.circuit import Circuit
from devsim.devices.synaptic_array import SynapticArray
from devsim.learning import Activation, LayeredNetwork
from devsim.learning.feedback import descend
from devsim.learning.rule import Rule
from devsim.parameter import as_leaf, parameter, state
from devsim.part import Element
from devsim.ports import Balance, ageless, no_memory, quiet, signal_in, signal_out
from devsim.randomness import named_key, numbered_keys


class Units(Element):
    """A row of electronic units: what drives each, with a bias, through one function.

    Equations: out = f(input + bias).
    Source: the units of `LayeredNetwork`.
    Valid: faster than what drives them, without noise of their own.
    """

    activation: Activation
    bias: Array = state(unit="1", doc="bias of each unit (n,)")
    rest, noise, age = no_memory, quiet, ageless

    def ports(self):
        """`input` and `out`, one lane for each unit."""
        return {"input": signal_in(self.bias.shape), "out": signal_out(self.bias.shape)}

    def balance(self, t, p, x):
        """The function."""
        return Balance({"out": self.activation.value(p["input"] + self.bias)})


def two_layers(hidden: SynapticArray, output: SynapticArray, between: Activation, behind: Activation) -> Circuit:
    """`features` through the array `hidden`, the units `between`, the array `output` and the units `behind` to `answer`."""
    widths = [array.ports()["columns"].shape for array in (hidden, output)]
    units = [Units(f, jnp.zeros(width)) for width, f in zip(widths, (between, behind), strict=True)]
    return Circuit(
        {"hidden": hidden, "units": units[0], "output": output, "answers": units[1]},
        {
            "features": ("hidden.rows",),
            "drive": ("hidden.columns", "units.input"),
            "activity": ("units.out", "output.rows"),
            "sum": ("output.columns", "answers.input"),
            "answer": ("answers.out",),
        },
        inputs={"features": "features"},
        outputs={"answer": "answer"},
    )


def network_of(circuit: Circuit) -> LayeredNetwork:
    """The arrays and units of `two_layers` as a network that learns."""
    units, answers = circuit["units"], circuit["answers"]
    arrays, biases = (circuit["hidden"], circuit["output"]), (units.bias, answers.bias)
    return LayeredNetwork(arrays, biases, units.activation, answers.activation)


def holding(circuit: Circuit, network: LayeredNetwork) -> Circuit:
    """`circuit` with the arrays and biases of `network`."""
    for name, array in zip(("hidden", "output"), network.arrays, strict=True):
        circuit = circuit.replace(name, array)
    for name, bias in zip(("units", "answers"), network.biases, strict=True):
        circuit = circuit.replace(name, circuit[name].put(bias=bias))
    return circuit


class Feedback(Rule):
    """Errors come back through fixed `matrices` and through a share of the weights, so that rules differ by numbers only.

    Equations: delta_k = (delta_{k+1} (B_k + share W_{k+1}^T)) f'(z_k), without f' at the outputs (cross entropy). Random B and
    no share: `RandomBackpropagation`; B of zeros and all: `Backpropagation`; B of zeros and none: the last layer learns alone,
    as with `ReadoutOnly`.
    """

    matrices: tuple[Array, ...]
    share: Array = parameter(unit="1", doc="of the transposed weights")
    rate: Array = parameter(unit="1", bounds=(0, None), doc="learning rate")
    output_derivative: bool = eqx.field(static=True, default=False)

    def proposals(self, network, inputs, targets, key):
        """One training program for all of them, over which `jax.vmap` runs."""
        feed = lambda k, delta, error, _: delta @ (self.matrices[k - 1] + self.share * network.arrays[k].weights().T)
        return descend(self, network, inputs, targets, key, feed)


def taught(
    network: LayeredNetwork, rule: Rule, inputs: Array, targets: Array, order: Int[Array, "updates batch"], key: Key[Array, ""]
) -> LayeredNetwork:
    """`network` after one update for each row of `order`, which samples it sees.

    With the order as data, trainings on different parts of the samples run side by side.
    """
    inputs, targets, order = as_leaf(inputs), as_leaf(targets), jnp.asarray(order)
    dynamic, static = eqx.partition(network, eqx.is_array)

    def update(dynamic, step):
        number, picked = step
        own = jax.random.fold_in(key, number)
        network = eqx.combine(dynamic, static)
        proposals = rule.proposals(network, inputs[picked], targets[picked], named_key(own, "rule"))
        return eqx.filter(network.learn(proposals, named_key(own, "learn")), eqx.is_array), None

    return eqx.combine(jax.lax.scan(update, dynamic, (jnp.arange(len(order)), order))[0], static)


def with_random_phases(network: LayeredNetwork, key: Key[Array, ""]) -> LayeredNetwork:
    """`network`, on optical arrays of unitary meshes, with every phase drawn from one turn."""
    keys = numbered_keys(key, len(network.arrays))
    draw = lambda array, key: array.tuned(jax.random.uniform(key, array.settings().shape, float, 0, 2 * jnp.pi))
    return eqx.tree_at(lambda net: net.arrays, network, tuple(map(draw, network.arrays, keys)))
