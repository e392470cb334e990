"""A neuron of transistors that learns: pulses through plastic synapses drive it, and its own events come back to them."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from circuits.stdp_window import lane
from devsim.devices.cmos import DPINeuron, DPISynapse
from devsim.devices.cmos.log_domain import current_of
from devsim.learning.plasticity import Plasticity, Signals


class Learned(NamedTuple):
    """What became of n synapses of one neuron: their weights at the end of each block, `course` (blocks, n), and the `rate`
    (blocks,) of the neuron's events in it, 1/s."""

    course: Array
    rate: Array


class LearningNeuron(eqx.Module):
    """One neuron behind one integrator that all its synapses charge, each with a rule of its own.

    rules: a rule for single synapses, whose parameters are numbers or have the n synapses along their last axis. synapses:
    `DPISynapse` of weights (n, 1), of which an event brings the share that the plastic weight says. neuron: `DPINeuron` of one
    lane. Over a step the neuron sees the synaptic current as it is half-way; events of a step reach the synapses at its end.
    """

    rules: Plasticity
    synapses: DPISynapse
    neuron: DPINeuron

    def learn(self, events: Array, *, start: Array | float, step: Array | float, blocks: int) -> Learned:
        """Weights under input `events` (steps, n), 1 or 0, in steps of `step` (s), all from the weight `start`."""
        rows = events.reshape(blocks, -1, events.shape[-1])
        count, kind = rows.shape[-1], jnp.result_type(float, *jax.tree.leaves(self.rules))
        weights = jnp.broadcast_to(start, (count,)).astype(kind)
        local = eqx.filter_vmap(lambda rule, weight: rule.begin(weight.reshape(1, 1)), in_axes=(lane, 0))(self.rules, weights)
        rest = {name: jnp.broadcast_to(unknown.value, (1,)) for name, unknown in self.neuron.rest().items()}
        carry = weights, local, self.synapses.rest()["log_current"].value, rest

        def block(carry, rows):
            carry, fired = jax.lax.scan(lambda carry, pre: self.advanced(carry, pre.astype(kind), step), carry, rows)
            return carry, Learned(carry[0], jnp.mean(fired) / step)

        return jax.lax.scan(block, carry, rows)[1]

    def advanced(self, carry: tuple, pre: Array, step: Array | float) -> tuple[tuple, Array]:
        """Everything after one step in which the synapses `pre` (n,) have events, and the neuron's own event (1,)."""
        weights, local, charge, membrane = carry
        left = self.synapses.relaxed(charge, step)
        membrane, post = self.neuron.advance(membrane, current_of(0.5 * (charge + left)), jnp.zeros(1), step)

        def changed(rule, weight, local, event):
            weight, local = rule.advance(weight.reshape(1, 1), local, Signals(event[None], post), step, None)
            return weight[0, 0], local

        weights, local = eqx.filter_vmap(changed, in_axes=(lane, 0, 0, 0))(self.rules, weights, local, pre)
        charge = self.synapses.struck(left, self.synapses.dose(pre * weights))
        return (weights, local, charge, membrane), post
