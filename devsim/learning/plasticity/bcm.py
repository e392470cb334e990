"""`SBCM`: the sliding threshold of Bienenstock, Cooper and Munro, for spikes."""

from jaxtyping import Array

from devsim.check import above
from devsim.learning.plasticity.plasticity import Local, Plasticity, per_post, per_pre, relaxed
from devsim.parameter import parameter


class SBCM(Plasticity):
    """Spiking BCM: activity above a threshold strengthens, below it weakens, and the threshold follows the activity.

    Equations: dw/dt = kappa a_i a_j (a_j - theta); tau_theta dtheta/dt = a_j - theta; activities a_i, a_j (1/s) are events
      filtered with tau_pre and tau_post: tau da/dt = -a + sum of events.
    Source: Bekolay, Kolbeck & Eliasmith, Proc. CogSci 35, 169 (2013), after Bienenstock, Cooper & Munro, J. Neurosci. 2, 32
    (1982); constants of Nengo.
    Valid: steps far shorter than the filters: the weight takes an explicit step.
    """

    uses = (Local.PRE_TRACE, Local.POST_TRACE)
    kinds = {"pre_activity": Local.PRE_TRACE, "post_activity": Local.POST_TRACE, "threshold": Local.POST_TRACE}
    rate: Array = parameter(1e-9, unit="s^2", bounds=(0, None), doc="kappa, learning rate")
    pre_time: Array = parameter(5e-3, unit="s", bounds=above(0), doc="tau_pre, of the presynaptic activity")
    post_time: Array = parameter(5e-3, unit="s", bounds=above(0), doc="tau_post, of the postsynaptic activity")
    threshold_time: Array = parameter(1.0, unit="s", bounds=above(0), doc="tau_theta, of the threshold")

    def begin(self, weights):
        """Silence, the threshold at zero (1/s)."""
        return {"pre_activity": per_pre(weights), "post_activity": per_post(weights), "threshold": per_post(weights)}

    def advance(self, weights, state, signals, seconds, key):
        """The activities of the step before act, then take in the events."""
        before, after, threshold = state["pre_activity"], state["post_activity"], state["threshold"]
        weights = self.within(weights + self.rate * seconds * before[:, None] * (after * (after - threshold)))
        state = {
            "pre_activity": relaxed(before, seconds, self.pre_time) + signals.pre / self.pre_time,
            "post_activity": relaxed(after, seconds, self.post_time) + signals.post / self.post_time,
            "threshold": relaxed(threshold, seconds, self.threshold_time, after),
        }
        return weights, state
