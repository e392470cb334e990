"""`PSTDP`: spike-timing-dependent plasticity from pairs of spikes."""

from jaxtyping import Array

from devsim.check import above
from devsim.learning.plasticity.events import at_post, at_pre
from devsim.learning.plasticity.plasticity import Local, Plasticity, per_post, per_pre, relaxed
from devsim.parameter import parameter


class PSTDP(Plasticity):
    """Pair-based STDP, additive with hard bounds: pre before post strengthens, post before pre weakens.

    Equations: tau+ dx/dt = -x, tau- dy/dt = -y; presynaptic event: w -= A- y, x += 1; postsynaptic event: w += A+ x, y += 1.
      One pair at distance d = t_post - t_pre: dw = A+ exp(-d / tau+) for d >= 0, -A- exp(d / tau-) for d < 0.
    Source: Song, Miller & Abbott, Nat. Neurosci. 3, 919 (2000): A+ = 0.005 of the range, A-/A+ = 1.05, tau 20 ms.
    Valid: all pairs count, independently of each other and of the weight, until the weight meets a bound.
    """

    uses = (Local.PRE_TRACE, Local.POST_TRACE)
    kinds = {"pre_trace": Local.PRE_TRACE, "post_trace": Local.POST_TRACE}
    potentiation: Array = parameter(0.005, unit="1", bounds=(0, None), doc="A+, gain of a pair at no distance, pre first")
    depression: Array = parameter(0.00525, unit="1", bounds=(0, None), doc="A-, loss of a pair at no distance, post first")
    pre_time: Array = parameter(20e-3, unit="s", bounds=above(0), doc="tau+, of the presynaptic trace")
    post_time: Array = parameter(20e-3, unit="s", bounds=above(0), doc="tau-, of the postsynaptic trace")

    def begin(self, weights):
        """No trace of any event."""
        return {"pre_trace": per_pre(weights), "post_trace": per_post(weights)}

    def advance(self, weights, state, signals, seconds, key):
        """Traces, then rows, then columns."""
        x = relaxed(state["pre_trace"], seconds, self.pre_time)
        y = relaxed(state["post_trace"], seconds, self.post_time)
        weights = at_pre(self, weights, signals, lambda w, y: -self.depression * y, post=(y,))
        x = x + signals.pre
        weights = at_post(self, weights, signals, lambda w, x: self.potentiation * x, pre=(x,))
        return weights, {"pre_trace": x, "post_trace": y + signals.post}
