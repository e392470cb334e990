"""`SDSP`: spike-driven plasticity of two-state synapses that stop learning."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.learning.plasticity.events import at_pre
from devsim.learning.plasticity.plasticity import Local, Plasticity, per_post, relaxed
from devsim.parameter import parameter


class SDSP(Plasticity):
    """Spike-driven synaptic plasticity: jumps at presynaptic events, drift to one of two states, nothing where calcium is off.

    Equations: presynaptic event: w += a if V > V_th and l_up < c < h_up; w -= b if V <= V_th and l_down < c < h_down;
      drift: dw/dt = alpha above w_th, -beta below it; tau_c dc/dt = -c + J sum of postsynaptic events.
      A spike transmits the high efficacy above w_th, else the low one.
    Source: Brader, Senn & Fusi, Neural Comput. 19, 2881 (2007), eqs. 2-5; constants of their table 1, calcium in units of J.
    Valid: drift also in a step that jumps; V in the scale of a neuron that rests at 0 V and fires at 1 V.
    """

    uses = (Local.MEMBRANE, Local.CALCIUM, Local.WEIGHT)
    kinds = {"calcium": Local.CALCIUM}
    up_jump: Array = parameter(0.1, unit="1", bounds=(0, None), doc="a, gain of an event")
    down_jump: Array = parameter(0.1, unit="1", bounds=(0, None), doc="b, loss of an event")
    up_drift: Array = parameter(3.5, unit="1/s", bounds=(0, None), doc="alpha, drift to the highest weight")
    down_drift: Array = parameter(3.5, unit="1/s", bounds=(0, None), doc="beta, drift to the lowest weight")
    weight_threshold: Array = parameter(0.5, unit="1", doc="w_th between the two states")
    membrane_threshold: Array = parameter(0.8, unit="V", doc="V_th between depression and potentiation")
    calcium_jump: Array = parameter(1.0, unit="1", bounds=(0, None), doc="J, calcium per postsynaptic event")
    calcium_time: Array = parameter(60e-3, unit="s", bounds=above(0), doc="tau_c, of calcium")
    up_low: Array = parameter(3.0, unit="1", doc="l_up, calcium from which jumps go up")
    up_high: Array = parameter(13.0, unit="1", doc="h_up, calcium at which jumps up stop")
    down_low: Array = parameter(3.0, unit="1", doc="l_down, calcium from which jumps go down")
    down_high: Array = parameter(4.0, unit="1", doc="h_down, calcium at which jumps down stop")
    low_efficacy: Array = parameter(0.0, unit="1", doc="what a spike transmits below w_th")
    high_efficacy: Array = parameter(1.0, unit="1", doc="what a spike transmits above w_th")

    def go_together(self):
        """Windows of calcium are open."""
        check.at_most("up_low", self.up_low, "up_high", self.up_high)
        check.at_most("down_low", self.down_low, "down_high", self.down_high)

    def begin(self, weights):
        """No calcium."""
        return {"calcium": per_post(weights)}

    def advance(self, weights, state, signals, seconds, key):
        """Drift, then jumps; calcium counts events of the step only afterwards."""
        calcium = relaxed(state["calcium"], seconds, self.calcium_time)
        rate = jnp.where(weights > self.weight_threshold, self.up_drift, -self.down_drift)
        weights = self.within(weights + rate * seconds)
        high = signals.membrane > self.membrane_threshold
        up = high & (self.up_low < calcium) & (calcium < self.up_high)
        down = ~high & (self.down_low < calcium) & (calcium < self.down_high)
        jump = self.up_jump * up - self.down_jump * down
        weights = at_pre(self, weights, signals, lambda w, jump: jump, post=(jump,))
        return weights, {"calcium": calcium + self.calcium_jump * signals.post}

    def efficacy(self, weights, state):
        """One of two values."""
        return jnp.where(weights > self.weight_threshold, self.high_efficacy, self.low_efficacy)
