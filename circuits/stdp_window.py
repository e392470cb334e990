"""How pairs of spikes change synapses, by the distance of the two spikes, and the numbers that describe such a window."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.learning.plasticity import Plasticity, Signals

SIDE = np.linspace(2.5e-3, 80e-3, 32)
INTERVALS = np.concatenate([-SIDE[::-1], SIDE])
"""Of pairs, postsynaptic less presynaptic time, s."""
FITTED = 40e-3
"""The longest interval from which amplitudes and times are taken, s."""
NEAR = 10e-3
"""The interval at which signs are asked for, s."""
SMALL = 1e-9
"""The least change whose logarithm is taken, in units of the weight."""


class Window(NamedTuple):
    """Exponentials through the windows of n synapses: a gain `potentiation` (n,) that falls with `pre_time` (n,), and a loss
    `depression` that falls with `post_time`; `right_sign` (n,), whether pairs at 10 ms move the weight the right way."""

    potentiation: Array
    pre_time: Array
    depression: Array
    post_time: Array
    right_sign: Array

    def area_ratio(self) -> Array:
        """Depression over potentiation, areas under the window (n,): uncorrelated spikes weaken a synapse above one."""
        return self.depression * self.post_time / (self.potentiation * self.pre_time)


def lane(leaf: Array) -> int | None:
    """The axis of `leaf` along which synapses differ: its last one; a number is that of all."""
    return -1 if jnp.ndim(leaf) else None


def changes(rules: Plasticity, start: Array | float, count: int) -> Array:
    """Change of weights (count, intervals) from `start` by single pairs at `INTERVALS`.

    rules: a rule for single synapses, whose parameters are numbers or have the synapses along their last axis.
    """

    def one(rule, interval):
        weight, first = jnp.full((1, 1), start), jnp.where(interval > 0, jnp.ones(1), jnp.zeros(1))
        events, waits = jnp.stack([first, 1 - first]), jnp.stack([jnp.zeros(()), jnp.abs(interval)])
        spike = lambda carry, now: (rule.advance(*carry, Signals(now[0], 1 - now[0]), now[1], None), None)
        (moved, _), _ = jax.lax.scan(spike, (weight, rule.begin(weight)), (events, waits))
        return moved[0, 0] - start

    of_synapse = jax.vmap(one, (None, 0))
    return eqx.filter_vmap(of_synapse, in_axes=(lane, None), axis_size=count)(rules, jnp.asarray(INTERVALS))


def equation(potentiation: float, depression: float, pre_time: float, post_time: float) -> np.ndarray:
    """The window in closed form at `INTERVALS`."""
    late = np.abs(INTERVALS)
    return np.where(INTERVALS > 0, potentiation * np.exp(-late / pre_time), -depression * np.exp(-late / post_time))


def described(windows: Array) -> Window:
    """Straight lines through the logarithms of the changes `windows` (n, intervals) at intervals up to `FITTED`."""
    half = len(SIDE)
    near = int(np.searchsorted(SIDE, NEAR - 1e-9))
    gains, losses = windows[:, half:], -windows[:, half - 1 :: -1]
    (potentiation, pre_time), (depression, post_time) = fitted(gains), fitted(losses)
    right = (gains[:, near] > 0) & (losses[:, near] > 0)
    return Window(potentiation, pre_time, depression, post_time, right)


def fitted(sizes: Array) -> tuple[Array, Array]:
    """Amplitude and time constant (s) of `sizes` (n, intervals) at `SIDE`."""
    used = np.flatnonzero(SIDE <= FITTED + 1e-9)
    design = np.stack([np.ones(len(used)), -SIDE[used] / FITTED], axis=1)
    level, fall = jnp.asarray(np.linalg.pinv(design)) @ jnp.log(jnp.maximum(sizes[:, used], SMALL)).T
    return jnp.exp(level), FITTED / fall
