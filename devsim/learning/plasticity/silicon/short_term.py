"""`SiliconShortTerm`: facilitation and depression by transistors."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from devsim.circuit import Circuit
from devsim.devices.cmos.short_term_nodes import FacilitationNode, ResourceNode
from devsim.devices.cmos.technology import Technology
from devsim.devices.spiking import SpikeSource
from devsim.learning.plasticity.plasticity import Local, per_pre
from devsim.learning.plasticity.short_term import ShortTerm
from devsim.learning.plasticity.silicon.rule import SiliconRule
from devsim.learning.plasticity.silicon.trace import capacitor

FEWEST = 1e-9
"""Least discharge of a pulse, in ln I: biases are positive."""
MOST = 0.999
"""Largest share that a pulse releases: its charge is finite."""


def nodes(ideal: ShortTerm, technology: Technology) -> dict:
    """The two nodes that have the constants of `ideal`."""
    share = jnp.clip(ideal.increment, FEWEST, MOST)
    dose = -jnp.log1p(-share)

    def node(kind, seconds, depth, **fields):
        capacitance, bias = capacitor(seconds, technology)
        made = kind(bias, capacitance=capacitance, technology=technology, **fields)
        return made.put(discharge_current=depth * bias * seconds / made.pulse_width)

    facilitation = node(FacilitationNode, ideal.facilitation_time, dose, mirror_ratio=1 - share)
    return {"facilitation": facilitation, "resource": node(ResourceNode, ideal.recovery_time, dose / share)}


def _default(name: str):
    return eqx.field(default_factory=lambda: nodes(ShortTerm(), Technology())[name])


class SiliconShortTerm(SiliconRule):
    """Short-term plasticity by two nodes that every presynaptic event discharges and that recover.

    Equations: u = 1 - m I_f / I_full is what an event releases of the resource r = I_r / I_full; the event multiplies I_f by
      exp(-d_f) and I_r by exp(-d_r u); both return to I_full exponentially.
      With m = exp(-d_f) = 1 - U and d_r = -ln(1 - U) / U as the rule at a lone event; where events follow each other, u > U,
      and the resource keeps exp(-d_r u) of itself, where the rule keeps 1 - u.
    Source: Boegerhausen, Suter and Liu, Neural Comput. 15, 331 (2003); Rasche and Hahnloser, Biol. Cybern. 84, 57 (2001); the
    rule: Tsodyks and Markram, PNAS 94, 719 (1997).
    Valid: steps and pulses far shorter than both time constants; the weight that is multiplied is not stored here.
    """

    uses = (Local.PRE_TRACE, Local.WEIGHT)
    kinds = {"facilitation": Local.PRE_TRACE, "resource": Local.PRE_TRACE, "released": Local.PRE_TRACE}
    places = {"facilitation": "pre", "resource": "pre"}
    facilitation: FacilitationNode = _default("facilitation")
    resource: ResourceNode = _default("resource")

    @classmethod
    def imitating(cls, ideal: ShortTerm, *, technology: Technology | None = None, **fields) -> Self:
        """The circuit that releases like `ideal` at a lone event, and recovers with its times.

        technology: of both nodes, the default one where none is given. fields: others in place of those.
        """
        technology = Technology() if technology is None else technology
        own = {name: getattr(ideal, name) for name in ("minimum_weight", "maximum_weight")}
        return cls(technology=technology, **(own | nodes(ideal, technology) | fields))

    def begin(self, weights):
        """Both nodes full: ln(I / I_full) is zero."""
        zero = per_pre(weights)
        return {"facilitation": zero, "resource": zero, "released": zero + self.facilitation.used(zero)}

    def advance(self, weights, state, signals, seconds, key):
        """Recovery, then release: `released` is what an event of this step transmits per weight."""
        facilitation = self.facilitation.relaxed(state["facilitation"], seconds)
        resource = self.resource.relaxed(state["resource"], seconds)
        used = self.facilitation.used(facilitation)
        released = used * jnp.exp(resource)
        facilitation = self.facilitation.struck(facilitation, signals.pre)
        resource = self.resource.struck(resource, signals.pre, used)
        return weights, {"facilitation": facilitation, "resource": resource, "released": released}

    def efficacy(self, weights, state):
        """u r w."""
        return state["released"][:, None] * weights

    def circuit(self, pre_times, post_times):
        """One synapse as a graph of the same parts, with spikes at given times (s); nets `release` and `resource` in A."""
        parts = self.circuits() | {"pre": SpikeSource(pre_times)}
        nets = {
            "pre spikes": ("pre.out", "facilitation.input", "resource.input"),
            "release": ("facilitation.out", "resource.release"),
            "resource": ("resource.out",),
        }
        return Circuit(parts, nets, outputs={"release": "release", "resource": "resource"})
