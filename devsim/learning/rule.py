"""`Rule`: what a learning rule is."""

import abc
from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Key

from devsim.devices.synaptic_array import Proposal
from devsim.learning.network import LayeredNetwork
from devsim.parameter import check_fields


class Rule(eqx.Module):
    """Samples and their targets -> what is proposed to the synapses of every layer.

    A synapse sees its presynaptic signal, its postsynaptic signal (which may hold one number broadcast to that unit: an
    error, a reward, a phase) and one number for all: that is what a `Proposal` holds, so no rule can ask a synapse for
    more. local: whether those signals arise in the hardware without anyone having looked at other synapses' weights.
    Knobs of a rule are leaves: one compilation serves all their values, and `jax.vmap` runs over them.
    """

    local: ClassVar[bool] = True

    def __check_init__(self):
        check_fields(self)

    @abc.abstractmethod
    def proposals(
        self, network: LayeredNetwork, inputs: Array, targets: Array, key: Key[Array, ""]
    ) -> tuple[Proposal | None, ...]:
        """One for each array, the mean over the samples; None for a layer that does not learn."""
