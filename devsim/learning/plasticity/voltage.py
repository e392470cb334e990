"""`VSTDP`: plasticity by the postsynaptic membrane potential, with homeostasis."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.learning.plasticity.events import at_pre
from devsim.learning.plasticity.plasticity import Local, Plasticity, per_post, per_pre, relaxed
from devsim.parameter import parameter


class VSTDP(Plasticity):
    """Voltage-based STDP: a depolarised membrane weakens at presynaptic events, one that fires strengthens what came before.

    Equations: presynaptic event: w -= A_LTD (m / m_ref)^2 (u- - th-)+;  always: dw/dt = A_LTP x (u - th+)+ (u+ - th-)+;
      tau_x dx/dt = -x + sum of events, tau- du-/dt = u - u-, tau+ du+/dt = u - u+, tau_m dm/dt = (u - u_rest) - m.
      u+ is read as it was at the begin of the step, so that a spike does not meet itself.
    Source: Clopath, Buesing, Vasilaki & Gerstner, Nat. Neurosci. 13, 344 (2010), eqs. 1-3; constants of visual cortex.
    Valid: for a membrane that is given with its spikes, held over each step; m begins at its reference.
    """

    uses = (Local.PRE_TRACE, Local.MEMBRANE)
    kinds = {
        "pre_trace": Local.PRE_TRACE,
        "slow_membrane": Local.MEMBRANE,
        "fast_membrane": Local.MEMBRANE,
        "mean_depolarisation": Local.MEMBRANE,
    }
    depression: Array = parameter(0.14, unit="1/V", bounds=(0, None), doc="A_LTD, loss per event and volt of u- above th-")
    potentiation: Array = parameter(80.0, unit="1/V^2", bounds=(0, None), doc="A_LTP, gain per event and square volt")
    low_threshold: Array = parameter(-70.6e-3, unit="V", doc="th-, of the filtered membrane")
    high_threshold: Array = parameter(-45.3e-3, unit="V", doc="th+, of the membrane itself")
    resting_potential: Array = parameter(-70.6e-3, unit="V", doc="u_rest, from which depolarisation counts; where u begins")
    reference: Array = parameter(7.746e-3, unit="V", bounds=above(0), doc="m_ref, mean depolarisation at which A_LTD holds")
    pre_time: Array = parameter(15e-3, unit="s", bounds=above(0), doc="tau_x, of the presynaptic trace")
    slow_time: Array = parameter(10e-3, unit="s", bounds=above(0), doc="tau-, of the membrane that depression sees")
    fast_time: Array = parameter(7e-3, unit="s", bounds=above(0), doc="tau+, of the membrane that potentiation sees")
    mean_time: Array = parameter(1.0, unit="s", bounds=above(0), doc="tau_m, of the homeostasis")

    def begin(self, weights):
        """No event, the membrane at rest, its mean depolarisation at the reference."""
        zero = per_post(weights)
        rest = zero + self.resting_potential
        named = {"slow_membrane": rest, "fast_membrane": rest, "mean_depolarisation": zero + self.reference}
        return {"pre_trace": per_pre(weights)} | named

    def advance(self, weights, state, signals, seconds, key):
        """The events of the step before act on, then new ones depress."""
        u, before = signals.membrane, state["fast_membrane"]
        x = relaxed(state["pre_trace"], seconds, self.pre_time)
        slow = relaxed(state["slow_membrane"], seconds, self.slow_time, u)
        mean = relaxed(state["mean_depolarisation"], seconds, self.mean_time, u - self.resting_potential)
        spent = state["pre_trace"] - x
        fires = jnp.maximum(u - self.high_threshold, 0) * jnp.maximum(before - self.low_threshold, 0)
        weights = self.within(weights + self.potentiation * spent[:, None] * fires)
        loss = self.depression * (mean / self.reference) ** 2 * jnp.maximum(slow - self.low_threshold, 0)
        weights = at_pre(self, weights, signals, lambda w, loss: -loss, post=(loss,))
        named = {"slow_membrane": slow, "fast_membrane": relaxed(before, seconds, self.fast_time, u)}
        return weights, {"pre_trace": x + signals.pre, "mean_depolarisation": mean} | named
