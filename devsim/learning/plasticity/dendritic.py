"""`DPSS`: the soma teaches the dendrite to predict it."""

import jax
from jaxtyping import Array

from devsim.check import above
from devsim.learning.plasticity.plasticity import Local, Plasticity, per_pre, relaxed
from devsim.parameter import parameter


class DPSS(Plasticity):
    """Dendritic prediction of somatic spiking: weights follow the difference between the soma and what the dendrite foretold.

    Equations: dw/dt = eta (phi(U) - phi(alpha V_d)) x; phi(u) = 1 / (1 + k exp(-(u - th) / s)); tau dx/dt = -x, x += 1 at a
      presynaptic event; alpha = g_D / (g_L + g_D), or g_B / (g_L + g_B + g_A) with an apical dendrite.
    Source: Urbanczik & Senn, Neuron 81, 521 (2014); in the rate form of Sacramento et al., NeurIPS (2018).
    Valid: soma U and dendrite V_d held over each step, phi in units of the highest rate.
    """

    uses = (Local.PRE_TRACE, Local.MEMBRANE, Local.DENDRITE)
    kinds = {"pre_trace": Local.PRE_TRACE}
    rate: Array = parameter(1.0, unit="1/s", bounds=(0, None), doc="eta, learning rate")
    attenuation: Array = parameter(0.9, unit="1", bounds=(0, 1), doc="alpha, share of the dendrite that reaches the soma")
    threshold: Array = parameter(1.0, unit="V", doc="th, of the rate function")
    softness: Array = parameter(0.2, unit="V", bounds=above(0), doc="s, width of the rate function")
    offset: Array = parameter(0.5, unit="1", bounds=above(0), doc="k, of the rate function")
    pre_time: Array = parameter(10e-3, unit="s", bounds=above(0), doc="tau, of the presynaptic trace")
    minimum_weight: Array = parameter(-1.0, unit="1", doc="lowest weight, where it stops")

    def begin(self, weights):
        """No trace of any event."""
        return {"pre_trace": per_pre(weights)}

    def activity(self, potential: Array) -> Array:
        """phi: firing rate in units of the highest one, of a somatic potential (V)."""
        return 1 / (1 + self.offset * jax.numpy.exp(-(potential - self.threshold) / self.softness))

    def advance(self, weights, state, signals, seconds, key):
        """The error of the prediction, times the integral of the trace over the step."""
        x = relaxed(state["pre_trace"], seconds, self.pre_time)
        area = self.pre_time * (state["pre_trace"] - x)
        error = self.activity(signals.membrane) - self.activity(self.attenuation * signals.dendrite)
        weights = self.within(weights + self.rate * area[:, None] * error)
        return weights, {"pre_trace": x + signals.pre}
