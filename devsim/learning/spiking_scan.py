"""One layer of a spiking network within the scan over time, and that scan."""

import math
from collections.abc import Callable
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim.devices.synaptic_array import SynapticArray
from devsim.learning.plasticity import Plasticity, Signals
from devsim.learning.spiking_cells import Fired, SpikingCells, Stepper
from devsim.randomness import named_key

State = dict[str, Any]
"""What a layer carries from step to step: its `cells`, the events `sent` where they come back, `weights` and `local` variables
where a rule changes them."""


class LayerScan(eqx.Module):
    """A layer whose arrays have been read and whose steps have been prepared.

    weights: (rows, n). wires, back: these and the recurrent ones as they go to the synapses (..., wires).
    """

    cells: SpikingCells
    rule: Plasticity | None
    weights: Array
    wires: Array
    back: Array | None
    step: Array
    stepper: Stepper
    key: Key[Array, ""]

    @classmethod
    def of(cls, layer: Any, step: Array, key: Key[Array, ""]) -> Self:
        """A `SpikingLayer`, for steps of `step` seconds."""
        weights = answered(layer.array, named_key(key, "array"))
        if layer.rule is not None:
            weights = layer.rule.within(weights)
        cells, back = layer.cells, None
        if layer.recurrent is not None:
            back = cells.wired(answered(layer.recurrent, named_key(key, "recurrent")))
        step = step.astype(weights.dtype)
        return cls(cells, layer.rule, weights, cells.wired(weights), back, step, cells.stepper(step), named_key(key, "rule"))

    def begin(self, lead: tuple[int, ...]) -> State:
        """At power-up, with the axes `lead` in front."""
        wide = lambda x: jnp.broadcast_to(x, (*lead, *x.shape)).astype(self.weights.dtype)
        state = {"cells": jax.tree.map(wide, self.cells.begin())}
        if self.back is not None:
            state["sent"] = wide(jnp.zeros(self.cells.size()))
        if self.rule is not None:
            state |= {"weights": self.weights, "local": self.rule.begin(self.weights)}
        return state

    def arriving(self, events: Array) -> Array:
        """What the input events of a whole run bring; the events themselves where a rule has to see them."""
        return events if self.rule is not None else events @ self.wires

    def fire(self, state: State, drive: Array) -> Fired:
        """The step up to the events of the cells."""
        return self.stepper.fire(state["cells"], drive)

    def strike(self, state: State, fired: Fired, events: Array, told: dict[str, Any], *, summed: bool) -> State:
        """The end of the step: `events` arrive, as `arriving` where they are `summed`, and the rule changes the weights."""
        after = {}
        if self.rule is not None:
            signals = Signals(events, fired.events, fired.membrane, third_factor=told["third_factor"])
            own = jax.random.fold_in(self.key, told["index"]) if self.rule.noisy else None
            weights, local = self.rule.step(state["weights"], state["local"], signals, self.step, own)
            after |= {"weights": weights, "local": local}
            arrivals = events @ self.cells.wired(self.rule.efficacy(weights, local))
        else:
            arrivals = events if summed else events @ self.wires
        if self.back is not None:
            arrivals = arrivals + state["sent"] @ self.back
            after["sent"] = fired.events
        return after | {"cells": self.stepper.strike(fired.state, arrivals)}

    def ended(self, state: State) -> Array | None:
        """The weights that a rule has left."""
        return state.get("weights")


def answered(array: SynapticArray, key: Key[Array, ""]) -> Array:
    """(rows, columns): what an array answers to each of its rows alone, as one presentation finds it."""
    weights = jax.eval_shape(array.weights)
    held = array.presented(named_key(key, "presented"))
    return held.read(jnp.eye(weights.shape[-2], dtype=weights.dtype), named_key(key, "read"))


def chunked(body: Callable, carry: Any, inputs: Any, length: int) -> tuple[Any, Any]:
    """`jax.lax.scan` whose derivative stores the carry at about the square root of its steps and computes the others again."""
    size = near_root(length)
    chunk = jax.checkpoint(lambda carry, xs: jax.lax.scan(body, carry, xs))
    if length % size == 0:
        cut = jax.tree.map(lambda x: x.reshape(length // size, size, *x.shape[1:]), inputs)
        carry, kept = jax.lax.scan(chunk, carry, cut)
        return carry, jax.tree.map(lambda x: x.reshape(length, *x.shape[2:]), kept)
    whole = length // size * size
    carry, many = chunked(body, carry, jax.tree.map(lambda x: x[:whole], inputs), whole)
    carry, few = chunk(carry, jax.tree.map(lambda x: x[whole:], inputs))
    return carry, jax.tree.map(lambda many, few: jnp.concatenate([many, few]), many, few)


def near_root(length: int) -> int:
    """The divisor of `length` nearest to its square root; that root itself, rounded, where all are far from it."""
    root = math.sqrt(length)
    divisors = [d for d in range(1, length + 1) if length % d == 0]
    nearest = min(divisors, key=lambda d: abs(math.log(d / root)))
    return nearest if root / 4 <= nearest <= 4 * root else round(root)
