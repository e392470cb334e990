"""A network whose layers drive each other both ways, settling in time."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check
from devsim.check import above
from devsim.learning.network import LayeredNetwork, check_samples
from devsim.parameter import check_fields, parameter
from devsim.randomness import named_key, numbered_keys

Activities = tuple[Array, ...]
"""Of every layer without the inputs, (samples, units) each."""


class Settling(eqx.Module):
    """Feedback through the same arrays, driven from behind, and how long the units have to settle.

    Equations: dx_k/dt = -x_k + f_k(z_k), z_k = read_k(x_{k-1}) + g read_reverse_{k+1}(x_{k+1}) + b_k, time in units of
    the units' time constant; the output layer has no feedback. Euler: `steps` of `step`, all layers at once.
    Every step reads every array anew, each time with its own key; noise that is slower than the settling is held by
    settling a network that was `presented`.
    Source: Xie and Seung, Neural Computation 15, 441 (2003).
    Valid: `steps` times `step` of several time constants per layer, else the units have not settled.
    """

    gain: Array = parameter(0.1, unit="1", bounds=above(0), doc="g: strength of the feedback")
    step: Array = parameter(0.5, unit="1", bounds=(0, 1, True), doc="step of time over the units' time constant")
    steps: int = eqx.field(static=True, default=40)

    def __check_init__(self):
        check_fields(self)
        check.whole("steps", self.steps, 1)

    def rest(self, network: LayeredNetwork, inputs: Array) -> Activities:
        """All units silent."""
        return tuple(jnp.zeros((jnp.shape(inputs)[0], width)) for width in network.sizes()[1:])

    def settle(
        self,
        network: LayeredNetwork,
        inputs: Array,
        key: Key[Array, ""],
        *,
        held: Array | None = None,
        start: Activities | None = None,
    ) -> Activities:
        """Activities after `steps` from `start` (from rest unless given); the output layer `held` where that is given."""
        check_samples(network, inputs, held)
        inputs = jnp.asarray(inputs, float)
        x = self.rest(network, inputs) if start is None else start
        x = x if held is None else (*x[:-1], jnp.asarray(held, float))

        def move(x, t):
            driven = self._driven(network, inputs, x, jax.random.fold_in(key, t), free=held is None)
            return tuple(old + self.step * (new - old) for old, new in zip(x, driven, strict=True)), None

        return jax.lax.scan(move, x, jnp.arange(self.steps))[0]

    def _driven(self, network: LayeredNetwork, inputs: Array, x: Activities, key, *, free: bool) -> Activities:
        """f_k(z_k) of every layer; an output layer that is not `free` stays."""
        count = len(network.arrays)
        ahead, back = (numbered_keys(named_key(key, name), count) for name in ("forward", "reverse"))
        found = []
        for k, (below, array) in enumerate(zip((inputs, *x[:-1]), network.arrays, strict=True)):
            if k == count - 1 and not free:
                found.append(x[-1])
                continue
            z = array.read(below, ahead[k]) + network.biases[k]
            if k < count - 1:
                z = z + self.gain * network.arrays[k + 1].read_reverse(x[k + 1], back[k + 1])
            found.append(network.activation(k + 1).value(z))
        return tuple(found)
