"""`ShortTerm`: facilitation and depression of a synapse by its own use."""

from jaxtyping import Array

from devsim.check import above
from devsim.learning.plasticity.plasticity import Local, Plasticity, per_pre, relaxed
from devsim.parameter import parameter


class ShortTerm(Plasticity):
    """Short-term plasticity: every spike uses a share of a resource that recovers; the weight itself does not change.

    Equations: tau_f du/dt = -u, tau_d dr/dt = 1 - r; presynaptic event: u += U (1 - u), transmits u r w, then r -= u r.
      A train of interval T settles at u = U / (1 - (1 - U) exp(-T / tau_f)), r = (1 - E) / (1 - (1 - u) E) with
      E = exp(-T / tau_d).
    Source: Tsodyks & Markram, PNAS 94, 719 (1997); Markram, Wang & Tsodyks, PNAS 95, 5323 (1998), eqs. 1-2.
    Valid: exact between spikes, for the mean over many releases.
    """

    uses = (Local.PRE_TRACE, Local.WEIGHT)
    kinds = {"utilisation": Local.PRE_TRACE, "resource": Local.PRE_TRACE, "released": Local.PRE_TRACE}
    increment: Array = parameter(0.5, unit="1", bounds=(0, 1), doc="U, share that a single spike uses")
    facilitation_time: Array = parameter(20e-3, unit="s", bounds=above(0), doc="tau_f, of the utilisation")
    recovery_time: Array = parameter(800e-3, unit="s", bounds=above(0), doc="tau_d, of the resource")

    def begin(self, weights):
        """All of the resource is there; a spike would release U."""
        zero = per_pre(weights)
        return {"utilisation": zero, "resource": zero + 1, "released": zero + self.increment}

    def advance(self, weights, state, signals, seconds, key):
        """Recovery, then release: `released` is what an event of this step transmits per weight."""
        u = relaxed(state["utilisation"], seconds, self.facilitation_time)
        r = relaxed(state["resource"], seconds, self.recovery_time, 1.0)
        used = u + self.increment * (1 - u)
        released = used * r
        state = {"utilisation": u + signals.pre * (used - u), "resource": r - signals.pre * released, "released": released}
        return weights, state

    def efficacy(self, weights, state):
        """u r w."""
        return state["released"][:, None] * weights
