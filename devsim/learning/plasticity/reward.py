"""`RSTDP`: reward decides later what a pair of spikes was worth."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.learning.plasticity.plasticity import Local, Plasticity, per_post, per_pre, relaxed
from devsim.parameter import parameter


class RSTDP(Plasticity):
    """Reward-modulated STDP: pairs leave an eligibility at the synapse, which a third factor turns into a change.

    Equations: dw/dt = m e; tau_e de/dt = -e; presynaptic event: e -= A- y, x += 1; postsynaptic event: e += A+ x, y += 1;
      tau+ dx/dt = -x, tau- dy/dt = -y; m is the third factor (reward less what was expected), for all or per neuron.
    Source: Izhikevich, Cereb. Cortex 17, 2443 (2007); Fremaux & Gerstner, Front. Neural Circuits 9, 85 (2016), eqs. 11-13.
    Valid: m held over each step, in which the eligibility acts exactly.
    """

    uses = (Local.PRE_TRACE, Local.POST_TRACE, Local.THIRD_FACTOR)
    kinds = {"pre_trace": Local.PRE_TRACE, "post_trace": Local.POST_TRACE, "eligibility": Local.POST_TRACE}
    potentiation: Array = parameter(
        0.005, unit="1", bounds=(0, None), doc="A+, eligible after a pair at no distance, pre first"
    )
    depression: Array = parameter(0.00525, unit="1", bounds=(0, None), doc="A-, less eligible after one, post first")
    pre_time: Array = parameter(20e-3, unit="s", bounds=above(0), doc="tau+, of the presynaptic trace")
    post_time: Array = parameter(20e-3, unit="s", bounds=above(0), doc="tau-, of the postsynaptic trace")
    eligibility_time: Array = parameter(1.0, unit="s", bounds=above(0), doc="tau_e, how long a pair waits for its reward")

    def begin(self, weights):
        """No trace of any event, nothing eligible."""
        return {"pre_trace": per_pre(weights), "post_trace": per_post(weights), "eligibility": jnp.zeros_like(weights)}

    def advance(self, weights, state, signals, seconds, key):
        """The third factor acts on what was eligible; then the pairs of the step become so."""
        x = relaxed(state["pre_trace"], seconds, self.pre_time)
        y = relaxed(state["post_trace"], seconds, self.post_time)
        eligibility = relaxed(state["eligibility"], seconds, self.eligibility_time)
        area = self.eligibility_time * (state["eligibility"] - eligibility)
        weights = self.within(weights + signals.third_factor * area)
        eligibility = eligibility - signals.pre[:, None] * (self.depression * y)
        x = x + signals.pre
        eligibility = eligibility + (self.potentiation * x)[:, None] * signals.post
        return weights, {"pre_trace": x, "post_trace": y + signals.post, "eligibility": eligibility}
