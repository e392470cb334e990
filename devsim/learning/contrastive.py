"""Contrastive rules: a network settles twice, and its synapses learn from the difference."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check
from devsim.check import InputError
from devsim.devices.synaptic_array import Proposal
from devsim.learning.network import LayeredNetwork, check_samples
from devsim.learning.rule import Rule
from devsim.learning.settling import Activities, Settling
from devsim.parameter import parameter
from devsim.randomness import named_key


class Phases(NamedTuple):
    """Activities from the inputs to the outputs in both phases, and how far apart the outputs were held.

    span: the distance of the held outputs as a share of (target - free output).
    """

    plus: Activities
    minus: Activities
    span: Array


class Contrast(eqx.Module):
    """How the two phases differ.

    The plus phase holds the outputs at free + `nudging` (target - free): 1 is the target itself (clamped), a small one
    nudges as in equilibrium propagation, a negative one pushes away. The minus phase is free, or, where `centred`, has
    the outputs held as far on the other side. Every held phase starts where the free one ended.
    Source: Movellan (1991), clamped; Stern et al., Phys. Rev. X 11, 021045 (2021), held part of the way; signs and
    centring after Scellier et al., NeurIPS (2023), arXiv:2312.15103.
    """

    nudging: Array = parameter(1.0, unit="1", doc="share of the way from the free outputs to the targets; not zero")
    centred: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        check.finite("nudging", self.nudging)
        if check.is_concrete(self.nudging) and (self.nudging == 0).any():
            raise InputError("`nudging` must not be 0: the two phases would be the same.")

    def phases(self, settling: Settling, network: LayeredNetwork, inputs, targets, key: Key[Array, ""]) -> Phases:
        """Settle freely, then held, in one presentation; each phase has its own key."""
        check_samples(network, inputs, targets)
        network = network.presented(key)
        inputs = jnp.asarray(inputs, float)
        free = settling.settle(network, inputs, named_key(key, "free"))

        def held(share: Array, name: str) -> Activities:
            outputs = free[-1] + share * (targets - free[-1])
            return (inputs, *settling.settle(network, inputs, named_key(key, name), held=outputs, start=free))

        plus = held(self.nudging, "plus")
        if self.centred:
            return Phases(plus, held(-self.nudging, "minus"), 2 * self.nudging)
        return Phases(plus, (inputs, *free), self.nudging)


class ContrastiveHebbian(Rule):
    """Hebb in the plus phase, anti-Hebb in the minus phase.

    Equations: dW_k = rate g^(k-L) / span (x+_{k-1} x+_k^T - x-_{k-1} x-_k^T), mean over the samples; g the feedback gain,
    span the distance of the two phases (1 if clamped against free). As g -> 0 it is backpropagation of the squared error
    for linear outputs (of the cross entropy for sigmoid ones), with an error of first order in g.
    Source: Movellan, Connectionist Models Summer School (1991); Xie and Seung, Neural Computation 15, 441 (2003).
    Valid: phases that have settled; small g asks for activities exact to much less than g^(L-1).
    """

    rate: Array = parameter(unit="1", bounds=(0, None), doc="learning rate")
    settling: Settling = eqx.field(default_factory=Settling)
    contrast: Contrast = eqx.field(default_factory=Contrast)

    def proposals(self, network, inputs, targets, key):
        """Two terms per sample and layer: one from each phase."""
        plus, minus, span = self.contrast.phases(self.settling, network, inputs, targets, key)
        scales = _scales(self, network, span, plus[0].shape[0])

        def layer(k: int) -> Proposal:
            weight = jnp.full(plus[0].shape[0], scales[k])
            pre, post = (jnp.concatenate([plus[i], minus[i]]) for i in (k, k + 1))
            return Proposal(pre, post, jnp.concatenate([weight, -weight]))

        return tuple(layer(k) for k in range(len(network.arrays)))


class GeneRec(Rule):
    """The difference of the postsynaptic activities at the presynaptic activity of the minus phase.

    Equations: dW_k = rate g^(k-L) / span x-_{k-1} (x+_k - x-_k)^T, mean over the samples (g = 1 in the source).
    Source: O'Reilly, Neural Computation 8, 895 (1996).
    Valid: as `ContrastiveHebbian`.
    """

    rate: Array = parameter(unit="1", bounds=(0, None), doc="learning rate")
    settling: Settling = eqx.field(default_factory=Settling)
    contrast: Contrast = eqx.field(default_factory=Contrast)

    def proposals(self, network, inputs, targets, key):
        """One term per sample and layer."""
        plus, minus, span = self.contrast.phases(self.settling, network, inputs, targets, key)
        scales = _scales(self, network, span, plus[0].shape[0])
        full = lambda k: jnp.full(plus[0].shape[0], scales[k])
        return tuple(Proposal(minus[k], plus[k + 1] - minus[k + 1], full(k)) for k in range(len(network.arrays)))


def _scales(rule: ContrastiveHebbian | GeneRec, network: LayeredNetwork, span: Array, samples: int) -> list[Array]:
    """rate g^(k-L) / (span samples), one for each layer."""
    count = len(network.arrays)
    return [rule.rate * rule.settling.gain ** (k + 1 - count) / (span * samples) for k in range(count)]
