"""`TSTDP`: spike-timing-dependent plasticity from pairs and triplets of spikes."""

from jaxtyping import Array

from devsim.check import above
from devsim.learning.plasticity.events import at_post, at_pre
from devsim.learning.plasticity.plasticity import Local, Plasticity, per_post, per_pre, relaxed
from devsim.parameter import parameter


class TSTDP(Plasticity):
    """Triplet STDP, all to all: a pair counts for more where a third spike came shortly before.

    Equations: traces x1, x2 (presynaptic) and y1, y2 (postsynaptic) that decay with tau+, tau_x, tau- and tau_y;
      presynaptic event: w -= y1 (A2- + A3- x2), then x1 += 1, x2 += 1;
      postsynaptic event: w += x1 (A2+ + A3+ y2), then y1 += 1, y2 += 1: x2 and y2 are read before their own event.
    Source: Pfister & Gerstner, J. Neurosci. 26, 9673 (2006), eqs. 3-4; constants of their table 4 (visual cortex, all to all).
    Valid: additive until the weight meets a bound.
    """

    uses = (Local.PRE_TRACE, Local.POST_TRACE)
    kinds = {
        "pre_trace": Local.PRE_TRACE,
        "slow_pre_trace": Local.PRE_TRACE,
        "post_trace": Local.POST_TRACE,
        "slow_post_trace": Local.POST_TRACE,
    }
    pair_potentiation: Array = parameter(5e-10, unit="1", bounds=(0, None), doc="A2+, gain of a pair")
    triplet_potentiation: Array = parameter(6.2e-3, unit="1", bounds=(0, None), doc="A3+, gain of post, pre, post")
    pair_depression: Array = parameter(7e-3, unit="1", bounds=(0, None), doc="A2-, loss of a pair")
    triplet_depression: Array = parameter(2.3e-4, unit="1", bounds=(0, None), doc="A3-, loss of pre, post, pre")
    pre_time: Array = parameter(16.8e-3, unit="s", bounds=above(0), doc="tau+, of the presynaptic trace")
    slow_pre_time: Array = parameter(101e-3, unit="s", bounds=above(0), doc="tau_x, of the slow presynaptic trace")
    post_time: Array = parameter(33.7e-3, unit="s", bounds=above(0), doc="tau-, of the postsynaptic trace")
    slow_post_time: Array = parameter(125e-3, unit="s", bounds=above(0), doc="tau_y, of the slow postsynaptic trace")

    def begin(self, weights):
        """No trace of any event."""
        x, y = per_pre(weights), per_post(weights)
        return {"pre_trace": x, "slow_pre_trace": x, "post_trace": y, "slow_post_trace": y}

    def advance(self, weights, state, signals, seconds, key):
        """Traces, then rows, then columns."""
        x1 = relaxed(state["pre_trace"], seconds, self.pre_time)
        x2 = relaxed(state["slow_pre_trace"], seconds, self.slow_pre_time)
        y1 = relaxed(state["post_trace"], seconds, self.post_time)
        y2 = relaxed(state["slow_post_trace"], seconds, self.slow_post_time)
        loss = lambda w, x2, y1: -y1 * (self.pair_depression + self.triplet_depression * x2)
        gain = lambda w, x1, y2: x1 * (self.pair_potentiation + self.triplet_potentiation * y2)
        weights = at_pre(self, weights, signals, loss, pre=(x2,), post=(y1,))
        x1, x2 = x1 + signals.pre, x2 + signals.pre
        weights = at_post(self, weights, signals, gain, pre=(x1,), post=(y2,))
        y1, y2 = y1 + signals.post, y2 + signals.post
        return weights, {"pre_trace": x1, "slow_pre_trace": x2, "post_trace": y1, "slow_post_trace": y2}
