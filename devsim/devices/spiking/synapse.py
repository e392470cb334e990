"""What carries events: a delay, and a synapse that turns them into a current."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import InputError, above
from devsim.parameter import deviation, parameter
from devsim.part import Element
from devsim.ports import Balance, Port, Stated, Unknown, ageless, quiet, signal_out, spikes_in, spikes_out


class SpikeDelay(Element):
    """Events that leave a fixed time after they have arrived; a lane or a bus.

    Equations: out(t) = input(t - delay).
    Source: the axonal delay; Gerstner, Kistler, Naud & Paninski, Neuronal Dynamics (Cambridge University Press, 2014).
    Valid: delays of at least a step. An event that arrives between two steps is shared by both in proportion, which leaves
    its sum and its mean time as they are and gives derivatives with respect to the delay. A synapse takes both shares; a
    switch obeys a share of one half or more.
    """

    delay: Array = parameter(1e-3, unit="s", bounds=above(0), doc="time from input to output, a number or shape (n,) for a bus")
    age, noise = ageless, quiet

    def ports(self):
        """Events `input` and `out`."""
        return {"input": spikes_in(self.delay.shape), "out": spikes_out(self.delay.shape)}

    def rest(self):
        """The events that arrive at the output."""
        return {"arriving": Unknown(jnp.zeros_like(self.delay))}

    def balance(self, t, p, x):
        """What arrives is what was sent."""
        return Balance({"out": x["arriving"]}, stated={"arriving": Stated(p["input"], self.delay)})


class CurrentSynapse(Element):
    """Exponential synapses: every event adds its weight to a current that decays.

    Equations: ds/dt = -s / tau, s_k += sum_j w_jk events_j at the end of the step; s flows out of `out`. An event
    carries the charge w tau.
    Source: Gerstner, Kistler, Naud & Paninski, Neuronal Dynamics (Cambridge University Press, 2014), chapter 3.
    Valid: without a reversal potential: the current does not depend on the potential that it meets.

    Raises InputError for weights that are no number, row or matrix.
    """

    weight: Array = parameter(
        1e-9, unit="A", doc="current per event: a number, shape (n,) lane by lane, or (before, after) from every lane to every"
    )
    weight_spread: Array = deviation("weight", "1", "lognormal", each="synapse")
    time_constant: Array = parameter(5e-3, unit="s", bounds=above(0), doc="tau, time in which the current decays by e")
    domain: str = eqx.field(static=True, default="electrical")
    age, noise = ageless, quiet

    def __check_init__(self):
        check.one_of("domain", self.domain, ("electrical", "signal"))
        if jnp.ndim(self.weight) > 2:
            raise InputError(f"`weight` must be a number, a row or a matrix, but has shape {self.weight.shape}.")

    def ports(self):
        """Events `input`, and `out`: a pin out of which the current flows, or a signal in amperes."""
        before, after = self.weight.shape[:1], self.weight.shape[-1:]
        out = signal_out(after) if self.domain == "signal" else Port("electrical", after)
        return {"input": spikes_in(before), "out": out}

    def rest(self):
        """The current of each output lane (A)."""
        return {"current": Unknown(jnp.zeros(self.weight.shape[-1:]), 1e-9)}

    def balance(self, t, p, x):
        """Exponential decay; a current out of the part counts as negative."""
        current = x["current"]
        static = {"out": current if self.domain == "signal" else -current, "current": current / self.time_constant}
        return Balance(static, {"current": current})

    def jump(self, t, p, x):
        """Every event adds its weight."""
        events = p["input"]
        return {"current": x["current"] + (events @ self.weight if self.weight.ndim == 2 else events * self.weight)}
