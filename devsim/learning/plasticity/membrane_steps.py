"""`CMPDP`: steps at presynaptic events, by the membrane and by calcium."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.learning.plasticity.events import at_pre
from devsim.learning.plasticity.plasticity import Local, Plasticity, per_post, relaxed
from devsim.parameter import parameter


class CMPDP(Plasticity):
    """Calcium- and membrane-dependent plasticity, only at presynaptic events: a memory that is read one way.

    Equations: presynaptic event: w += eta+ if V > th_m, else w -= eta-; and w += eta_h (c* - c);
      tau_c dc/dt = -c + sum of postsynaptic events.
    Source: Sheik, Paul, Augustine & Cauwenberghs, BioCAS (2016), arXiv:1701.01495.
    Valid: V in the scale of a neuron that rests at 0 V and fires at 1 V.
    """

    uses = (Local.MEMBRANE, Local.CALCIUM)
    kinds = {"calcium": Local.CALCIUM}
    up_step: Array = parameter(0.01, unit="1", bounds=(0, None), doc="eta+, gain of an event that finds the membrane high")
    down_step: Array = parameter(0.01, unit="1", bounds=(0, None), doc="eta-, loss of an event that finds the membrane low")
    membrane_threshold: Array = parameter(0.5, unit="V", doc="th_m between the two")
    homeostasis: Array = parameter(0.001, unit="1", bounds=(0, None), doc="eta_h, step per calcium below its target")
    target: Array = parameter(1.0, unit="1", bounds=(0, None), doc="c*, calcium that homeostasis aims at")
    calcium_time: Array = parameter(100e-3, unit="s", bounds=above(0), doc="tau_c, of calcium")

    def begin(self, weights):
        """No calcium."""
        return {"calcium": per_post(weights)}

    def advance(self, weights, state, signals, seconds, key):
        """Rows; calcium counts events of the step only afterwards."""
        calcium = relaxed(state["calcium"], seconds, self.calcium_time)
        step = jnp.where(signals.membrane > self.membrane_threshold, self.up_step, -self.down_step)
        step = step + self.homeostasis * (self.target - calcium)
        weights = at_pre(self, weights, signals, lambda w, step: step, post=(step,))
        return weights, {"calcium": calcium + signals.post}
