"""`replay`: what a rule makes of given spike trains."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.analyses.transient_checks import checked_steps
from devsim.check import Bounds, InputError
from devsim.learning.plasticity.plasticity import Fired, Plasticity, Signals
from devsim.learning.spike_trains import Spikes, checked_spikes
from devsim.parameter import as_leaf


class PlasticityRun(eqx.Module):
    """What became of the weights.

    times (T,): ends of the steps that were kept (s). weights (T, pre, post). local: the local variables by name, (T, ...).
    """

    times: Array
    weights: Array
    local: dict[str, Array]

    @property
    def final(self) -> Array:
        """The weights at the end (pre, post)."""
        return self.weights[-1]


def replay(
    rule: Plasticity,
    weights: Any,
    pre_times: Any,
    post_times: Any,
    *,
    duration: float,
    step: float,
    membrane: Any = None,
    dendrite: Any = None,
    third_factor: Any = None,
    key: Key[Array, ""] | None = None,
    every: int = 1,
) -> PlasticityRun:
    """Run `rule` from `weights` (pre, post) under given spikes, one scan in steps of `step` (s).

    pre_times, post_times: one list of times (s) per neuron, or an array (n, most) padded with inf; a spike at time t acts at
    the end of the step that holds it. membrane, dendrite (V): a number, or (steps, post). third_factor: a number, (steps,) or
    (steps, post). key: for rules that draw noise. every: keep each n-th step.
    Raises InputError for spike times that are unsorted or outside the run, a wrong number of neurons, weights outside of
    their bounds, a step longer than a time constant, and a signal that the rule needs and is not given.
    """
    check.instance("rule", rule, Plasticity)
    count = checked_steps(duration, step, every)
    weights = checked_weights(rule, weights)
    for name, value in rule.time_constants().items():
        check.at_most("step", as_leaf(step), name, value, "s")
    pre = trains("pre_times", pre_times, weights.shape[0], duration, step)
    post = trains("post_times", post_times, weights.shape[1], duration, step)
    offered = {"membrane": membrane, "dendrite": dendrite, "third_factor": third_factor}
    offered = {name: course(name, value, count, weights) for name, value in offered.items()}
    rule.check_key(key)
    if key is not None:
        check.key(key)
    one_for_all = not any(jnp.ndim(leaf) for leaf in jax.tree.leaves(rule))
    lists = {"pre_fired": fired(pre, count), "post_fired": fired(post, count)} if one_for_all else {}
    signals = Signals(jnp.asarray(pre.grid(count)), jnp.asarray(post.grid(count)), **offered, **lists)
    return run(rule, weights, signals, as_leaf(step).astype(weights.dtype), key, every)


def checked_weights(rule: Plasticity, weights: Any) -> Array:
    """`weights` (pre, post) in the precision of the rule, once they are finite and within its bounds."""
    weights = as_leaf(weights)
    check.real("weights", weights)
    if weights.ndim != 2 or not weights.size:
        raise InputError(f"`weights` must be a matrix (pre, post), but has shape {weights.shape}.")
    check.finite("weights", weights)
    low, high = rule.minimum_weight, rule.maximum_weight
    if check.is_concrete(low) and check.is_concrete(high) and low.ndim == high.ndim == 0:
        check.within("weights", weights, Bounds(float(low), float(high)))
    return weights.astype(jnp.result_type(weights, *jax.tree.leaves(rule)))


def trains(name: str, times: Any, neurons: int, duration: float, step: float) -> Spikes:
    """The spikes of `times`, once they are of as many neurons as there are rows or columns."""
    spikes = checked_spikes(name, times, duration, step)
    if spikes.neurons != neurons:
        axis = "rows" if name == "pre_times" else "columns"
        raise InputError(f"`{name}` must match the {neurons} {axis} of `weights`, but holds {spikes.neurons} neurons.")
    return spikes


def fired(spikes: Spikes, steps: int) -> Fired | None:
    """The neurons that fire in each step, or None where some step has many of them."""
    count = np.bincount(spikes.step, minlength=steps)
    most = 4 * -(-int(count.max(initial=1)) // 4)
    if 4 * most > spikes.neurons:
        return None
    order = np.argsort(spikes.step, kind="stable")
    step = spikes.step[order]
    neurons = np.zeros((steps, most), np.int32)
    neurons[step, np.arange(len(step)) - (np.cumsum(count) - count)[step]] = spikes.neuron[order]
    return Fired(jnp.asarray(neurons), jnp.asarray(count, jnp.int32))


def course(name: str, value: Any, count: int, weights: Array) -> Array | None:
    """A signal in time (steps,) or (steps, post), from a number or from itself."""
    if value is None:
        return None
    value = as_leaf(value).astype(weights.dtype)
    check.finite(name, value)
    post = weights.shape[1]
    if value.ndim == 0:
        return jnp.broadcast_to(value, (count,) if name == "third_factor" else (count, post))
    allowed = [(count, post)] + [(count,)] * (name == "third_factor")
    if value.shape not in allowed:
        raise InputError(f"`{name}` must be a number or have shape {' or '.join(map(str, allowed))}, but has {value.shape}.")
    return value


@eqx.filter_jit
def run(
    rule: Plasticity, weights: Array, signals: Signals, step: Array, key: Key[Array, ""] | None, every: int
) -> PlasticityRun:
    """`replay` with its inputs checked: `signals` hold one more axis, of the steps."""
    count, kind = signals.pre.shape[0], weights.dtype

    def one(carry, now):
        index, signals = now
        signals = dataclasses.replace(signals, pre=signals.pre.astype(kind), post=signals.post.astype(kind))
        own = jax.random.fold_in(key, index) if rule.noisy and key is not None else None
        return rule.step(carry[0], carry[1], signals, step, own), None

    def several(carry, now):
        carry, _ = jax.lax.scan(one, carry, now)
        return carry, carry

    steps = (jnp.arange(count), signals)
    blocks = jax.tree.map(lambda x: x.reshape(count // every, every, *x.shape[1:]), steps)
    _, (kept, local) = jax.lax.scan(several, (weights, rule.begin(weights)), blocks)
    times = step * jnp.arange(1, count // every + 1) * every
    return PlasticityRun(times, kept, local)
