"""`MPDP` and `HMPDP`: plasticity that balances the membrane potential."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.learning.plasticity.plasticity import Local, Plasticity, per_pre, relaxed
from devsim.parameter import parameter

_KINDS = {"pre_trace": Local.PRE_TRACE, "fast_pre_trace": Local.PRE_TRACE}


def response(rule, state: dict[str, Array], events: Array, seconds: Array) -> tuple[Array, dict[str, Array]]:
    """Integral (s) of a postsynaptic potential over the step, and the state after it.

    Each event evokes exp(-t / tau_m) - exp(-t / tau_s) from the next step on.
    """
    slow, fast = state["pre_trace"], state["fast_pre_trace"]
    slow_after, fast_after = relaxed(slow, seconds, rule.membrane_time), relaxed(fast, seconds, rule.synapse_time)
    area = rule.membrane_time * (slow - slow_after) - rule.synapse_time * (fast - fast_after)
    return area, {"pre_trace": slow_after + events, "fast_pre_trace": fast_after + events}


class MPDP(Plasticity):
    """Membrane-potential-dependent plasticity: what excites strengthens while the membrane is low and weakens while it is high.

    Equations: dw/dt = eta (th - V) eps(t - t_pre), eps(t) = exp(-t / tau_m) - exp(-t / tau_s) of every presynaptic event.
    Source: Albers, Westkott & Pawelzik, PLoS ONE 11, e0148948 (2016), with one threshold for both sides and equal gains.
    Valid: V held over each step, in the scale of a neuron that rests at 0 V and fires at 1 V.
    """

    uses = (Local.PRE_TRACE, Local.MEMBRANE)
    kinds = _KINDS
    rate: Array = parameter(1.0, unit="1/(V*s)", bounds=(0, None), doc="eta, learning rate")
    balance: Array = parameter(0.5, unit="V", doc="th, the membrane potential at which nothing changes")
    membrane_time: Array = parameter(10e-3, unit="s", bounds=above(0), doc="tau_m, decay of a postsynaptic potential")
    synapse_time: Array = parameter(2e-3, unit="s", bounds=above(0), doc="tau_s, rise of a postsynaptic potential")
    minimum_weight: Array = parameter(-1.0, unit="1", doc="lowest weight, where it stops")

    def begin(self, weights):
        """No trace of any event."""
        return {"pre_trace": per_pre(weights), "fast_pre_trace": per_pre(weights)}

    def advance(self, weights, state, signals, seconds, key):
        """The potentials of the events before, times the distance from balance."""
        area, state = response(self, state, signals.pre, seconds)
        change = self.rate * (self.balance - signals.membrane)
        return self.within(weights + area[:, None] * change), state


class HMPDP(Plasticity):
    """Homeostatic MPDP: nothing changes while the membrane stays between two thresholds.

    Equations: dw/dt = eta (-gamma (V - th_D)+ + (th_P - V)+) eps(t - t_pre), eps(t) = exp(-t / tau_m) - exp(-t / tau_s).
    Source: Albers, Westkott & Pawelzik, PLoS ONE 11, e0148948 (2016).
    Valid: V held over each step, in the scale of a neuron that rests at 0 V and fires at 1 V.

    Raises InputError for th_P above th_D.
    """

    uses = (Local.PRE_TRACE, Local.MEMBRANE)
    kinds = _KINDS
    rate: Array = parameter(1.0, unit="1/(V*s)", bounds=(0, None), doc="eta, learning rate")
    depression: Array = parameter(1.0, unit="1", bounds=(0, None), doc="gamma, weakening relative to strengthening")
    low_threshold: Array = parameter(0.3, unit="V", doc="th_P, between rest and the firing threshold: it strengthens below")
    high_threshold: Array = parameter(0.9, unit="V", doc="th_D, near the firing threshold: it weakens above")
    membrane_time: Array = parameter(10e-3, unit="s", bounds=above(0), doc="tau_m, decay of a postsynaptic potential")
    synapse_time: Array = parameter(2e-3, unit="s", bounds=above(0), doc="tau_s, rise of a postsynaptic potential")
    minimum_weight: Array = parameter(-1.0, unit="1", doc="lowest weight, where it stops")

    def go_together(self):
        """The thresholds are in order."""
        check.at_most("low_threshold", self.low_threshold, "high_threshold", self.high_threshold, "V")

    def begin(self, weights):
        """No trace of any event."""
        return {"pre_trace": per_pre(weights), "fast_pre_trace": per_pre(weights)}

    def advance(self, weights, state, signals, seconds, key):
        """The potentials of the events before, times the distance from the quiet zone."""
        area, state = response(self, state, signals.pre, seconds)
        above_it = jnp.maximum(signals.membrane - self.high_threshold, 0)
        below_it = jnp.maximum(self.low_threshold - signals.membrane, 0)
        return self.within(weights + area[:, None] * (self.rate * (below_it - self.depression * above_it))), state
