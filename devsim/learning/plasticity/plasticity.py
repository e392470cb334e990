"""`Plasticity`: what a rule of spike-based learning is, and what a synapse may see."""

import abc
import enum
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import InputError
from devsim.parameter import check_fields, parameter, quantities

State = dict[str, Array]
"""The local variables of all synapses by name: shape (pre,), (post,), or (pre, post) where each synapse has its own."""


class Local(enum.StrEnum):
    """What is present at a synapse, so that a rule may use it."""

    PRE_TRACE = "pre trace"
    POST_TRACE = "post trace"
    MEMBRANE = "membrane"
    DENDRITE = "dendrite"
    CALCIUM = "calcium"
    WEIGHT = "weight"
    THIRD_FACTOR = "third factor"


OFFERED = {Local.MEMBRANE: "membrane", Local.DENDRITE: "dendrite", Local.THIRD_FACTOR: "third_factor"}
"""What the circuit has to offer, by the name of the field of `Signals`; the rest a rule keeps itself."""


class Fired(eqx.Module):
    """Which neurons fired in a step, where that is known beforehand: the first `count` of `neurons` (most,), each once."""

    neurons: Array
    count: Array


class Signals(eqx.Module):
    """What reaches the synapses in one step.

    pre (pre,), post (post,): the events of the step, 1 for a spike and 0 for none. membrane, dendrite (post,): potentials (V)
    at the end of the step, before a reset. third_factor: one number for all, or one per postsynaptic neuron (post,).
    What the circuit does not offer is None.
    pre_fired, post_fired: the same events as lists of neurons, each event a whole one, which spares the weights of the others;
    only for rules whose knobs are numbers.
    """

    pre: Array
    post: Array
    membrane: Array = eqx.field(default=None)
    dendrite: Array = eqx.field(default=None)
    third_factor: Array = eqx.field(default=None)
    pre_fired: Fired | None = None
    post_fired: Fired | None = None


class Plasticity(eqx.Module):
    """Events and local variables -> new weights. Every synapse sees only what is `Local` to it.

    uses: which of the local variables the rule reads. kinds: of its own state, by name. noisy: whether it draws noise.
    Knobs are leaves: one compilation serves all their values, and `jax.vmap` runs over them.
    """

    uses: ClassVar[tuple[Local, ...]]
    kinds: ClassVar[dict[str, Local]]
    noisy: ClassVar[bool] = False
    minimum_weight: Array = parameter(0.0, unit="1", doc="lowest weight, where it stops")
    maximum_weight: Array = parameter(1.0, unit="1", doc="highest weight, where it stops")

    def __check_init__(self):
        check_fields(self)
        check.at_most("minimum_weight", self.minimum_weight, "maximum_weight", self.maximum_weight)
        self.go_together()

    def go_together(self) -> None:
        """Raise InputError where known values of several knobs exclude each other."""

    @abc.abstractmethod
    def begin(self, weights: Array) -> State:
        """The local variables at rest, for `weights` (pre, post)."""

    @abc.abstractmethod
    def advance(
        self, weights: Array, state: State, signals: Signals, seconds: Array, key: Key[Array, ""] | None
    ) -> tuple[Array, State]:
        """`step` without its checks."""

    def step(
        self, weights: Array, state: State, signals: Signals, seconds: Array | float, key: Key[Array, ""] | None = None
    ) -> tuple[Array, State]:
        """(weights (pre, post), state) after `seconds`: traces relax, then presynaptic events act, then postsynaptic ones.

        Without a key there is no noise. Raises InputError where the rule needs a signal that is not there, and where it is
        known to draw noise and there is no key.
        """
        for local in self.uses:
            if local in OFFERED and getattr(signals, OFFERED[local]) is None:
                raise InputError(
                    f"{type(self).__name__} needs the {local} of the postsynaptic neurons, which `signals` does not offer; "
                    f"give `{OFFERED[local]}`."
                )
        self.check_key(key)
        return self.advance(weights, state, signals, seconds, key)

    def check_key(self, key: Key[Array, ""] | None) -> None:
        """Raise InputError where the rule is known to draw noise and there is no key for it."""
        noise = getattr(self, "noise", 0.0)
        if self.noisy and key is None and check.is_concrete(noise) and np.any(np.asarray(noise)):
            raise InputError(f"{type(self).__name__} draws noise; give `key`, or set `noise` to 0.")

    def efficacy(self, weights: Array, state: State) -> Array:
        """What a spike transmits (pre, post), asked after the step in which it arrives: the weight, unless a rule differs."""
        return weights

    def time_constants(self) -> dict[str, Array]:
        """The times (s) that a step has to resolve, by name: every declared quantity in seconds."""
        return {name: getattr(self, name) for name, quantity in quantities(self).items() if quantity.unit == "s"}

    def within(self, weights: Array) -> Array:
        """`weights` stopped at their bounds."""
        return jnp.clip(weights, self.minimum_weight, self.maximum_weight)


def per_pre(weights: Array) -> Array:
    """Zero for each presynaptic neuron (pre,)."""
    return jnp.zeros_like(weights[:, 0])


def per_post(weights: Array) -> Array:
    """Zero for each postsynaptic neuron (post,)."""
    return jnp.zeros_like(weights[0])


def relaxed(value: Array, seconds: Array, time_constant: Array, target: Array | float = 0.0) -> Array:
    """Where `value` has come to after `seconds` on its way to `target`: target + (value - target) exp(-seconds / tau)."""
    return target + (value - target) * jnp.exp(-seconds / time_constant)
