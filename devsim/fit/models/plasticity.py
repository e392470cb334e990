"""Windows of spike-timing-dependent plasticity: change of a weight against the distance of two spikes."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.fit.bench import Axis, Bench, Search
from devsim.parameter import parameter
from devsim.part import Part
from devsim.ports import ageless


class PairRule(Part):
    """The knobs of `PSTDP` by the same names, and what the rule does to one pair of spikes.

    Equations: dw = A+ exp(-d / tau+) for d >= 0, -A- exp(d / tau-) for d < 0, d = t_post - t_pre.
    Source: Song, Miller, Abbott, Nat. Neurosci. 3, 919 (2000).
    Valid: weights away from their bounds.
    """

    potentiation: Array = parameter(0.005, unit="1", bounds=(0, None), doc="A+, gain of a pair at no distance, pre first")
    depression: Array = parameter(0.00525, unit="1", bounds=(0, None), doc="A-, loss of a pair at no distance, post first")
    pre_time: Array = parameter(20e-3, unit="s", bounds=above(0), doc="tau+, of the presynaptic trace")
    post_time: Array = parameter(20e-3, unit="s", bounds=above(0), doc="tau-, of the postsynaptic trace")
    age = ageless

    def ports(self):
        """None: a rule is a property of synapses."""
        return {}

    def change(self, distance: Array) -> Array:
        """dw of one pair at `distance` (s)."""
        gain = self.potentiation * jnp.exp(-jnp.maximum(distance, 0.0) / self.pre_time)
        return jnp.where(distance >= 0, gain, -self.depression * jnp.exp(jnp.minimum(distance, 0.0) / self.post_time))


class TimingWindow(Bench):
    """The change of a weight by pairs of spikes.

    Equations: dw = pairs x that of `PairRule` at the distance of the row.
    Source: Bi, Poo, J. Neurosci. 18, 10464 (1998); the rule: as `PairRule`.
    Valid: pairs that follow each other slowly, a weight that moves by little; `pairs` is how many the experiment repeats, 60 in
    the source.
    """

    name: ClassVar = "stdp-window"
    inputs: ClassVar = {"distance": Axis("s", "time of the postsynaptic spike after the presynaptic one")}
    output: ClassVar = Axis("1", "change of the weight, relative to its range or to itself")
    free: ClassVar = ("device.potentiation", "device.depression", "device.pre_time", "device.post_time")
    search: ClassVar = {
        "device.potentiation": Search(1e-4, 3.0, logarithmic=True),
        "device.depression": Search(1e-4, 3.0, logarithmic=True),
        "device.pre_time": Search(1e-6, 0.3, logarithmic=True),
        "device.post_time": Search(1e-6, 0.3, logarithmic=True),
    }
    device: PairRule = eqx.field(default_factory=PairRule)
    pairs: Array = parameter(1.0, unit="1", bounds=(1e-9, None), doc="pairs of spikes whose changes add up")

    def predict(self, inputs):
        """The change of each row."""
        return self.pairs * self.device.change(inputs["distance"])

    def guess(self, inputs, output):
        """The largest changes, and times as wide as the measured distances."""
        d = inputs["distance"]
        width = jnp.maximum(jnp.max(jnp.abs(d)) / 3, 1e-9)
        tiny = 1e-9
        return {
            "device.potentiation": jnp.maximum(jnp.max(output), tiny) / self.pairs,
            "device.depression": jnp.maximum(-jnp.min(output), tiny) / self.pairs,
            "device.pre_time": width,
            "device.post_time": width,
        }
