"""`BDSP`: bursts teach, events alone do not."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.learning.plasticity.events import at_post
from devsim.learning.plasticity.plasticity import Local, Plasticity, per_post, per_pre, relaxed
from devsim.parameter import parameter


class BDSP(Plasticity):
    """Burst-dependent plasticity: more bursts than usual strengthen, fewer weaken.

    Equations: dw/dt = eta (B_j - p_j E_j) x_i; a spike is an event E unless one came within the burst time before it; the
      second spike of a burst is B; x_i is a trace of presynaptic events (tau_pre), p_j = b / e with b, e traces of B and E of
      tau_avg: the usual share of bursts.
    Source: Payeur, Guerguiev, Zenke, Richards & Naud, Nat. Neurosci. 24, 1010 (2021), eqs. 1-2.
    Valid: at the begin p is `usual_share`, worth `begin_events` events of experience.
    """

    uses = (Local.PRE_TRACE, Local.POST_TRACE)
    kinds = {
        "pre_trace": Local.PRE_TRACE,
        "pre_since": Local.PRE_TRACE,
        "post_since": Local.POST_TRACE,
        "bursting": Local.POST_TRACE,
        "events": Local.POST_TRACE,
        "bursts": Local.POST_TRACE,
    }
    rate: Array = parameter(0.1, unit="1", bounds=(0, None), doc="eta, learning rate")
    burst_time: Array = parameter(16e-3, unit="s", bounds=above(0), doc="spikes closer than this are of one burst")
    pre_time: Array = parameter(50e-3, unit="s", bounds=above(0), doc="tau_pre, of the presynaptic trace")
    average_time: Array = parameter(5.0, unit="s", bounds=above(0), doc="tau_avg, of the usual share of bursts")
    usual_share: Array = parameter(0.2, unit="1", bounds=(0, 1), doc="share of bursts at the begin")
    begin_events: Array = parameter(1.0, unit="1", bounds=above(0), doc="events that the share at the begin is worth")

    def begin(self, weights):
        """No spike for a long time (s)."""
        pre, post = per_pre(weights), per_post(weights)
        averages = {"events": post + self.begin_events, "bursts": post + self.begin_events * self.usual_share}
        return {"pre_trace": pre, "pre_since": pre + jnp.inf, "post_since": post + jnp.inf, "bursting": post} | averages

    def advance(self, weights, state, signals, seconds, key):
        """Spikes become events and bursts; both act on the columns of their neurons."""
        pre_since, post_since = state["pre_since"] + seconds, state["post_since"] + seconds
        x = relaxed(state["pre_trace"], seconds, self.pre_time)
        event, burst = (post_since >= self.burst_time), (post_since < self.burst_time) & (state["bursting"] < 0.5)
        average = {name: relaxed(state[name], seconds, self.average_time) for name in ("events", "bursts")}
        sign = burst - average["bursts"] / average["events"] * event
        weights = at_post(self, weights, signals, lambda w, x, sign: self.rate * sign * x, pre=(x,), post=(sign,))
        state = {
            "pre_trace": x + signals.pre * (pre_since >= self.burst_time),
            "pre_since": jnp.where(signals.pre > 0.5, 0.0, pre_since),
            "post_since": jnp.where(signals.post > 0.5, 0.0, post_since),
            "bursting": jnp.where(signals.post > 0.5, jnp.where(event, 0.0, 1.0), state["bursting"]).astype(weights.dtype),
            "events": average["events"] + signals.post * event,
            "bursts": average["bursts"] + signals.post * burst,
        }
        return weights, state
