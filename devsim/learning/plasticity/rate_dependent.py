"""`RDSP`: plasticity at postsynaptic events that prunes what did not contribute."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.learning.plasticity.events import at_post
from devsim.learning.plasticity.plasticity import Local, Plasticity, per_pre, relaxed
from devsim.parameter import parameter


class RDSP(Plasticity):
    """Rate-dependent plasticity: a postsynaptic event strengthens synapses that were active, and weakens all others.

    Equations: postsynaptic event: w += eta (x - x_tar) (w_max - w)^mu; tau dx/dt = -x, x += 1 at a presynaptic event.
    Source: Diehl & Cook, Front. Comput. Neurosci. 9, 99 (2015), eq. 2.
    Valid: between the bounds; w_max is the highest weight.
    """

    uses = (Local.PRE_TRACE, Local.WEIGHT)
    kinds = {"pre_trace": Local.PRE_TRACE}
    rate: Array = parameter(0.01, unit="1", bounds=(0, None), doc="eta, learning rate")
    target: Array = parameter(0.4, unit="1", bounds=(0, None), doc="x_tar, trace at which nothing changes")
    exponent: Array = parameter(0.2, unit="1", bounds=(0, None), doc="mu, how the change fades towards the highest weight")
    pre_time: Array = parameter(20e-3, unit="s", bounds=above(0), doc="tau, of the presynaptic trace")

    def begin(self, weights):
        """No trace of any event."""
        return {"pre_trace": per_pre(weights)}

    def advance(self, weights, state, signals, seconds, key):
        """Columns."""
        x = relaxed(state["pre_trace"], seconds, self.pre_time) + signals.pre
        weights = at_post(self, weights, signals, self.change, pre=(x,))
        return weights, {"pre_trace": x}

    def change(self, weights: Array, x: Array) -> Array:
        """Of an event; finite derivatives where the weight is at its highest."""
        room = self.maximum_weight - weights
        some = room > 0
        fading = jnp.where(some, jnp.where(some, room, 1.0) ** self.exponent, jnp.where(self.exponent > 0, 0.0, 1.0))
        return self.rate * (x - self.target) * fading
