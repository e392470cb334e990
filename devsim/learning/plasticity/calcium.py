"""`CSTDP`: a bistable synapse that calcium drives up and down."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check, randomness
from devsim.check import above
from devsim.learning.plasticity.plasticity import Local, Plasticity, per_post, per_pre, relaxed
from devsim.parameter import parameter


class CSTDP(Plasticity):
    """Calcium-based STDP: time above two thresholds of calcium strengthens and weakens a noisy synapse with two stable states.

    Equations: tau dw/dt = -w (1 - w) (w* - w) + gP (1 - w) H(c - thP) - gD w H(c - thD) + noise,
      noise = sigma (tau (H(c - thP) + H(c - thD)))^0.5 xi(t); c = c_pre + c_post, each decaying with tau_c; c_pre += C_pre at a
      time D after a presynaptic event, c_post += C_post at a postsynaptic one. A spike transmits low + w (high - low).
    Source: Graupner & Brunel, PNAS 109, 3991 (2012), eqs. 1-2; constants: their set DP. `published` has the others.
    Valid: steps far shorter than tau / gP: the time above a threshold within a step is exact, the weight takes an explicit
    step, with noise of weak order 1. At most `pending_spikes` events of one neuron are on their way, the oldest are lost.
    """

    uses = (Local.CALCIUM, Local.WEIGHT)
    kinds = {"pre_calcium": Local.CALCIUM, "post_calcium": Local.CALCIUM, "pending": Local.CALCIUM}
    noisy = True
    pre_calcium: Array = parameter(1.0, unit="1", bounds=(0, None), doc="C_pre, calcium per presynaptic event")
    post_calcium: Array = parameter(2.0, unit="1", bounds=(0, None), doc="C_post, calcium per postsynaptic event")
    delay: Array = parameter(13.7e-3, unit="s", bounds=(0, None), doc="D, from a presynaptic event to its calcium")
    calcium_time: Array = parameter(20e-3, unit="s", bounds=above(0), doc="tau_c, of calcium")
    potentiation_threshold: Array = parameter(1.3, unit="1", bounds=above(0), doc="thP, calcium above which it strengthens")
    depression_threshold: Array = parameter(1.0, unit="1", bounds=above(0), doc="thD, calcium above which it weakens")
    potentiation: Array = parameter(321.808, unit="1", bounds=(0, None), doc="gP, rate of strengthening times tau")
    depression: Array = parameter(200.0, unit="1", bounds=(0, None), doc="gD, rate of weakening times tau")
    time_constant: Array = parameter(150.0, unit="s", bounds=above(0), doc="tau, of the weight")
    unstable_weight: Array = parameter(0.5, unit="1", doc="w*, between the two stable states")
    noise: Array = parameter(2.8284, unit="1", bounds=(0, None), stage="read", ideal=0.0, doc="sigma, while calcium is high")
    low_efficacy: Array = parameter(0.2, unit="1", doc="what a spike transmits at weight 0")
    high_efficacy: Array = parameter(1.0, unit="1", doc="what a spike transmits at weight 1")
    minimum_weight: Array = parameter(-1.0, unit="1", doc="lowest weight, far enough below 0 for the noise")
    maximum_weight: Array = parameter(2.0, unit="1", doc="highest weight, far enough above 1 for the noise")
    pending_spikes: int = eqx.field(static=True, default=8)

    def __check_init__(self):
        check.whole("pending_spikes", self.pending_spikes, 1)

    def begin(self, weights):
        """No calcium, and none on its way: `pending` is the time (s) until it arrives, (pending_spikes, pre)."""
        never = jnp.full((self.pending_spikes, weights.shape[0]), jnp.inf, weights.dtype)
        return {"pre_calcium": per_pre(weights), "post_calcium": per_post(weights), "pending": never}

    def time_constants(self):
        """All but the delay, which is rounded to the step."""
        return {name: value for name, value in Plasticity.time_constants(self).items() if name != "delay"}

    def advance(self, weights, state, signals, seconds, key):
        """The weight follows the calcium of the step; then what arrives adds to it."""
        calcium = state["pre_calcium"][:, None] + state["post_calcium"]
        weights = self.within(weights + self.change(weights, calcium, seconds, key))
        joined = jnp.concatenate([jnp.broadcast_to(self.delay, signals.pre.shape)[None], state["pending"][:-1] - seconds])
        pending = jnp.where(signals.pre > 0.5, joined.astype(weights.dtype), state["pending"] - seconds)
        arrived = jnp.sum((pending > -seconds / 2) & (pending <= seconds / 2), 0)
        before = relaxed(state["pre_calcium"], seconds, self.calcium_time)
        after = relaxed(state["post_calcium"], seconds, self.calcium_time)
        state = {"pre_calcium": before + self.pre_calcium * arrived, "post_calcium": after + self.post_calcium * signals.post}
        return weights, state | {"pending": pending}

    def change(self, weights: Array, calcium: Array, seconds: Array, key) -> Array:
        """What a step adds to `weights` when it begins with `calcium`, both (pre, post)."""
        up = self.time_above(calcium, self.potentiation_threshold, seconds)
        down = self.time_above(calcium, self.depression_threshold, seconds)
        bistable = -weights * (1 - weights) * (self.unstable_weight - weights) * seconds
        change = (bistable + self.potentiation * up * (1 - weights) - self.depression * down * weights) / self.time_constant
        if key is None:
            return change
        high = (up + down) / self.time_constant
        root = jnp.where(high > 0, jnp.sqrt(jnp.where(high > 0, high, 1.0)), 0.0)
        return change + self.noise * root * randomness.coin_sums(key, weights.shape, weights.dtype)

    def time_above(self, calcium: Array, threshold: Array, seconds: Array) -> Array:
        """How long (s) calcium stays above a threshold within `seconds` when it decays from `calcium`: tau_c ln(c / th)."""
        over = jnp.maximum(calcium / threshold, 1.0)
        return jnp.minimum(self.calcium_time * jnp.log(over), seconds)

    def efficacy(self, weights, state):
        """Between the two efficacies."""
        return self.low_efficacy + weights * (self.high_efficacy - self.low_efficacy)


_PUBLISHED = {
    "DP": (1.0, 2.0, 13.7e-3, 1.3, 321.808, 200.0, 2.8284),
    "DPD": (0.9, 0.9, 4.6e-3, 1.3, 550.0, 250.0, 2.8284),
    "DPD'": (1.0, 2.0, 2.2e-3, 2.5, 600.0, 50.0, 2.8284),
    "P": (2.0, 2.0, 0.0, 1.3, 257.447, 160.0, 2.8284),
    "D": (0.6, 0.6, 0.0, 1.3, 550.0, 500.0, 5.6568),
    "D'": (1.0, 2.0, 0.0, 3.5, 600.0, 60.0, 2.8284),
}


def published(name: str) -> CSTDP:
    """The rule with a set of constants of Graupner & Brunel (2012), fig. 2: DP, DPD, DPD', P, D or D'.

    Raises InputError for another name.
    """
    check.one_of("name", name, _PUBLISHED)
    names = ("pre_calcium", "post_calcium", "delay", "potentiation_threshold", "potentiation", "depression", "noise")
    return dataclasses.replace(CSTDP(), **dict(zip(names, _PUBLISHED[name], strict=True)))
