"""The Hopfield network on any synaptic array: recall, and how well it recalls.

States, cues and patterns are (..., N) of +-1; every leading axis is one more network state. One step of recall is an
update, `(state (N,), key) -> next state (N,)`, and `recall` runs any: `Synchronous` or `Asynchronous` around a field
`(state, key) -> field`, or a whole chip that answers with the next state itself. An update that is a pytree (an
equinox module, a bound method of one) compiles once for all its parameter values; a plain function, once each.
"""

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, Key

from devsim import check
from devsim.check import Bounds, InputError
from devsim.devices.synaptic_array import IdealArray, SynapticArray
from devsim.parameter import as_leaf, parameter
from devsim.part import Part
from devsim.randomness import named_key, numbered_keys

TIE = 2.0**12
"""A field is a tie below this many roundings (9e-13 in 64 bit) of the largest field in its vector."""
ORDERS = ("synchronous", "asynchronous")
SIDES = ("top", "bottom", "left", "right")

Update = Callable[[Array, Key[Array, ""]], Array]


def decide(field: Array, state: Array) -> Array:
    """sign(field) (..., N); a tie keeps `state`, so that rounding never decides; a NaN field is a NaN state."""
    return _sign(field, state, jnp.max(jnp.abs(field), axis=-1, keepdims=True))


def _sign(field: Array, state: Array, largest: Array) -> Array:
    """`decide` where the largest field of the vector is known."""
    tie = jnp.abs(field) <= TIE * jnp.finfo(field.dtype).eps * largest
    return jnp.where(tie, state, jnp.sign(field))


class Synchronous(eqx.Module):
    """All neurons at once: s' = sign(field(s)). Source: Little, Math. Biosci. 19, 101 (1974)."""

    field: Update

    def __call__(self, state: Array, key: Key[Array, ""]) -> Array:
        """One step; the field has the step's key."""
        return decide(self.field(state, key), state)


class Asynchronous(eqx.Module):
    """One sweep: every neuron once, one at a time, in random order. Source: Hopfield, PNAS 79, 2554 (1982).

    Each of the N updates reads the whole field.
    """

    field: Update

    def __call__(self, state: Array, key: Key[Array, ""]) -> Array:
        """One sweep in the order that `sweep_order` draws from the key."""
        order = sweep_order(state.shape[-1], key)
        return self.visit(state, order, named_key(key, "reads"))

    def visit(self, state: Array, order: Int[Array, " visits"], key: Key[Array, ""]) -> Array:
        """The state after the neurons in `order` were updated; visit i reads with fold_in(key, i)."""

        def one(state, visit):
            number, neuron = visit
            field = self.field(state, jax.random.fold_in(key, number))
            return state.at[neuron].set(decide(field, state)[neuron]), None

        return jax.lax.scan(one, state, (jnp.arange(order.shape[0]), order))[0]


class AsynchronousExact(eqx.Module):
    """`Asynchronous` for exact weights: a flip changes the field by one row, so that a sweep costs N^2, not N^3.

    The field is computed afresh at the start of each sweep; its rounding within one is far below a tie.
    """

    weights: Array
    thresholds: Array

    def __call__(self, state: Array, key: Key[Array, ""]) -> Array:
        """One sweep, in the same order as `Asynchronous` with the same key."""

        def one(carry, neuron):
            state, field = carry
            new = _sign(field[neuron], state[neuron], jnp.max(jnp.abs(field)))
            field = field + (new - state[neuron]) * self.weights[neuron]
            return (state.at[neuron].set(new), field), None

        start = (state, state @ self.weights - self.thresholds)
        return jax.lax.scan(one, start, sweep_order(state.shape[-1], key))[0][0]


def sweep_order(size: int, key: Key[Array, ""]) -> Int[Array, " size"]:
    """The random order of the neurons in the sweep that has `key`."""
    return _shuffled(size, named_key(key, "order"))


def _shuffled(size: int, key: Key[Array, ""]) -> Int[Array, " size"]:
    """A random order of `size` things; one sort compiles twice as fast as `jax.random.permutation`."""
    return jnp.argsort(jax.random.uniform(key, (size,)))


class Recall(eqx.Module):
    """What `recall` found; leading axes as the cues.

    states: where each cue ended. overlaps: with its target, before the first step and after each (..., steps + 1).
    settled: the step that made the last change, 0 for a cue that never moved. converged: the last step changed
    nothing. cycled: it did, but came back to the state two steps before. trajectory: all states
    (..., steps + 1, N), or None where they were not asked for.
    """

    states: Array
    overlaps: Array
    settled: Int[Array, "..."]
    converged: Bool[Array, "..."]
    cycled: Bool[Array, "..."]
    trajectory: Array | None

    def __str__(self) -> str:
        steps, cues = self.overlaps.shape[-1] - 1, self.converged.size
        fixed, cycling = int(self.converged.sum()), int(self.cycled.sum())
        last = int(jnp.max(jnp.where(self.converged, self.settled, 0)))
        return (
            f"Recall of {cues} cues in {steps} steps: {fixed} at a fixed point (after at most {last} steps), "
            f"{cycling} between two states, {cues - fixed - cycling} still moving; "
            f"mean overlap {jnp.mean(self.overlaps[..., 0]):.4g} -> {jnp.mean(self.overlaps[..., -1]):.4g}."
        )


def recall(
    update: Update,
    cues: Array,
    steps: int,
    key: Key[Array, "..."],
    *,
    targets: Array | None = None,
    keep_states: bool = False,
) -> Recall:
    """Run `update` for `steps` from every one of `cues` (..., N) with values in [-1, 1].

    `key` is one key, or one per cue: cue i of many (counted through all leading axes) has fold_in(key, i), a cue
    without leading axes has `key` itself, and its step t has fold_in(that, t). `targets` (..., N) are what overlaps
    are taken with; the cues themselves unless given.
    """
    cues = _states("cues", cues)
    targets = cues if targets is None else _states("targets", targets)
    lead, size = cues.shape[:-1], cues.shape[-1]
    check.shape("targets", targets, (size,), "the cues' neurons")
    if not check.fits(targets.shape[:-1], lead):
        raise InputError(f"`targets` must be one for all cues or one each {cues.shape}, but have shape {targets.shape}.")
    if not isinstance(steps, int | np.integer) or steps < 1:
        raise InputError(f"`steps` must be a whole number of at least 1, but is {check.described(steps)}.")
    check_cue_key(key, lead)
    return _run(update, cues, targets, key, int(steps), keep_states)


@eqx.filter_jit
def _run(update, cues, targets, key, steps: int, keep_states: bool) -> Recall:
    """`recall` with its inputs checked."""
    lead, size = cues.shape[:-1], cues.shape[-1]
    targets = jnp.broadcast_to(targets, cues.shape).reshape(-1, size)
    one = jax.vmap(lambda cue, target, key: _one(update, cue, target, key, steps, keep_states))
    found = one(cues.reshape(-1, size), targets, cue_keys(key, lead))
    return jax.tree.map(lambda x: x.reshape(lead + x.shape[1:]), found)


def _one(update, cue, target, key, steps: int, keep_states: bool) -> Recall:
    """`recall` of one cue (N,)."""

    def step(carry, t):
        before, state, settled, _, _ = carry
        new = update(state, jax.random.fold_in(key, t))
        still = jnp.all(new == state)
        settled = jnp.where(still, settled, t + 1)
        carry = (state, new, settled, still, ~still & jnp.all(new == before))
        return carry, (overlap(new, target), new if keep_states else None)

    start = (jnp.full_like(cue, jnp.nan), cue, jnp.array(0), jnp.array(False), jnp.array(False))
    (_, state, settled, still, cycled), (overlaps, states) = jax.lax.scan(step, start, jnp.arange(steps))
    overlaps = jnp.concatenate([overlap(cue, target)[None], overlaps])
    trajectory = jnp.concatenate([cue[None], states]) if keep_states else None
    return Recall(state, overlaps, settled, still, cycled, trajectory)


class Hopfield(Part):
    """An associative memory: an array whose answers, less thresholds, decide the next state of its neurons.

    Equations: h = read(s) - thresholds (s W - thresholds on an ideal array); s' = sign(h), a tie keeps s;
    E = -1/2 s W s + thresholds s, which no asynchronous update raises if W is symmetric without diagonal.
    Source: Hopfield, PNAS 79, 2554 (1982). Symmetric W updated synchronously ends in a fixed point or a cycle of
    two states: Goles, Fogelman and Pellegrin, Discrete Appl. Math. 12, 261 (1985).
    Valid: neurons without memory of their own; the array's own validity.
    """

    array: SynapticArray
    thresholds: Array = parameter(0.0, unit="1", doc="what a neuron's field must exceed, one or one each (N,)")

    def __check_init__(self):
        rows, columns = jax.eval_shape(self.array.weights).shape[-2:]
        if rows != columns:
            raise InputError(f"`array` must have as many rows as columns, but has {rows} rows and {columns} columns.")
        if jnp.shape(self.thresholds) not in ((), (rows,)):
            raise InputError(
                f"`thresholds` must be one or one for each of {rows} neurons, but has shape {self.thresholds.shape}."
            )
        check.finite("thresholds", self.thresholds)

    def ports(self):
        """None: it is asked through `recall`."""
        return {}

    def age(self, seconds, temperature, key):
        """The array ages; thresholds do not."""
        return self.put(array=self.array.age(seconds, temperature, named_key(key, "array")))

    def program(self, target: Array, key: Key[Array, ""]) -> "Hopfield":
        """The same network after its array was asked to hold the weights `target` (N, N)."""
        return self.put(array=self.array.program(target, key))

    def field(self, state: Array, key: Key[Array, ""]) -> Array:
        """What drives each neuron: the array's answer less the thresholds."""
        return self.array.read(state, key) - self.thresholds

    def update(self, order: str = "synchronous") -> Update:
        """One step of recall: all neurons at once, or a sweep of one at a time (by rows where the array is ideal)."""
        check.one_of("order", order, ORDERS)
        if order == "synchronous":
            return Synchronous(self.field)
        if isinstance(self.array, IdealArray):
            return AsynchronousExact(self.array.weights(), self.thresholds)
        return Asynchronous(self.field)

    def recall(self, cues: Array, steps: int, key: Key[Array, "..."], *, order: str = "synchronous", **asked) -> Recall:
        """`recall` with this network's update; an asynchronous step is a sweep over all neurons."""
        return recall(self.update(order), cues, steps, key, **asked)

    def energy(self, states: Array) -> Array:
        """`energy` of `states` (..., N) in the weights that the array holds."""
        return energy(states, self.array.weights(), self.thresholds)


def energy(states: Array, weights: Array, thresholds: Array | float = 0.0) -> Array:
    """E = -1/2 s W s + thresholds s, of `states` (..., N); of phases (complex, W Hermitian) -1/2 Re (s W s*)."""
    bound = jnp.sum(jnp.real((states @ weights) * jnp.conj(states)), axis=-1)
    return jnp.sum(thresholds * jnp.real(states), axis=-1) - 0.5 * bound


def overlap(states: Array, patterns: Array) -> Array:
    """m = x . s / N of each of `states` (..., N) with its pattern: 1 recalled, 0 unrelated, -1 the negative."""
    return jnp.sum(states * patterns, axis=-1) / jnp.shape(states)[-1]


def recalled(states: Array, patterns: Array, *, up_to_sign: bool = False) -> Bool[Array, "..."]:
    """Which of `states` (..., N) equal their pattern in every neuron; or its negative, where asked."""
    same = jnp.all(states == patterns, axis=-1)
    return same | jnp.all(states == -patterns, axis=-1) if up_to_sign else same


def success(states: Array, patterns: Array, *, up_to_sign: bool = False) -> Array:
    """The share of cues that were recalled exactly."""
    return jnp.mean(recalled(states, patterns, up_to_sign=up_to_sign), dtype=float)


class Basin(eqx.Module):
    """How far a cue may be from its pattern.

    shares: flipped shares of the neurons that were tried, rising. success: the share of cues recalled at each.
    enough: the success that counts. size: the largest share up to which success is always enough; 0 if none is.
    """

    shares: Array
    success: Array
    enough: Array
    size: Array

    def __str__(self) -> str:
        rows = ", ".join(f"{s:.3g}: {r:.3g}" for s, r in zip(self.shares, self.success, strict=True))
        return f"Basin {self.size:.3g} (share of flipped neurons with recall of at least {self.enough:g}); {rows}."


def basin(
    update: Update,
    patterns: Array,
    shares: Array,
    *,
    steps: int,
    key: Key[Array, ""],
    trials: int = 1,
    enough: float = 0.95,
    up_to_sign: bool = False,
) -> Basin:
    """Recall of `patterns` (P, N) from `trials` cues each at every one of the rising `shares`, all in one batch."""
    patterns, shares = _states("patterns", patterns), as_leaf(shares)
    check.within("shares", shares, Bounds(0, 1))
    check.within("enough", enough, check.above(0, 1))
    if shares.ndim != 1 or (check.is_concrete(shares) and np.any(np.diff(shares) <= 0)):
        raise InputError("`shares` must be a list of rising shares.")
    return _swept(update, patterns, shares, as_leaf(enough), key, steps, trials, up_to_sign)


@eqx.filter_jit
def _swept(update, patterns, shares, enough, key, steps: int, trials: int, up_to_sign: bool) -> Basin:
    """`basin` with its inputs checked."""
    goal = jnp.broadcast_to(patterns, (shares.size, trials, *patterns.shape))
    cues = flip(goal, shares.reshape((-1,) + (1,) * (goal.ndim - 2)), named_key(key, "flips"))
    ends = recall(update, cues, steps, named_key(key, "recall"), targets=goal).states
    rate = jnp.mean(recalled(ends, goal, up_to_sign=up_to_sign), axis=tuple(range(1, goal.ndim - 1)))
    held = jnp.cumprod(rate >= enough).astype(bool)
    return Basin(shares, rate, enough, jnp.max(jnp.where(held, shares, 0.0)))


def flip(patterns: Array, share: Array | float, key: Key[Array, "..."]) -> Array:
    """`patterns` (..., N) with exactly round(share N) of the neurons of each, drawn at random, negated.

    `share` is a number or one for each pattern (...); a half rounds to even. Keys as in `recall`: one, or one each.
    """
    patterns = _states("patterns", patterns)
    check.within("share", as_leaf(share), Bounds(0, 1))
    lead = patterns.shape[:-1]
    if not check.fits(jnp.shape(share), lead):
        raise InputError(f"`share` must be a number or one for each pattern {lead}, but has shape {jnp.shape(share)}.")
    check_cue_key(key, lead)
    return _flipped(patterns, jnp.asarray(share), key)


@jax.jit
def _flipped(patterns: Array, share: Array, key: Key[Array, "..."]) -> Array:
    """`flip` with its inputs checked."""
    lead, size = patterns.shape[:-1], patterns.shape[-1]
    counts = jnp.broadcast_to(jnp.round(share * size), lead).reshape(-1)
    hit = jax.vmap(lambda k, count: _shuffled(size, k) < count)(cue_keys(key, lead), counts)
    return jnp.where(hit.reshape(patterns.shape), -patterns, patterns)


def occlude(patterns: Array, image_shape: tuple[int, int], side: str, fill: float = -1.0) -> Array:
    """`patterns` (..., N), pictures of `image_shape` (height, width), with the half on one `side` set to `fill`.

    Of an odd number of lines the smaller half is masked.
    """
    check.one_of("side", side, SIDES)
    check.within("fill", as_leaf(fill), Bounds(-1, 1))
    height, width = image_shape
    patterns = _states("patterns", patterns)
    check.shape("patterns", patterns, (height * width,), f"pictures of {height} x {width} pixels")
    row, column = np.indices((height, width))
    masked = {"top": row < height // 2, "bottom": row >= height - height // 2}
    masked |= {"left": column < width // 2, "right": column >= width - width // 2}
    return jnp.where(masked[side].ravel(), jnp.asarray(fill, patterns.dtype), patterns)


def _states(name: str, values: Array) -> Array:
    """`values` (..., N) as floating-point numbers, checked to lie in [-1, 1]."""
    values = jnp.asarray(values, jnp.result_type(values, float))
    if values.ndim < 1 or values.size == 0:
        raise InputError(f"`{name}` must have neurons along the last axis, but has shape {values.shape}.")
    check.within(name, values, Bounds(-1, 1))
    return values


def check_cue_key(key: Key[Array, "..."], lead: tuple[int, ...]) -> None:
    """Raise where `key` is neither one key nor one for each cue."""
    check.key(key, single=False)
    if key.shape not in ((), lead):
        raise InputError(f"`key` must be one key or one for each cue {lead}, but has shape {key.shape}.")


def cue_keys(key: Key[Array, "..."], lead: tuple[int, ...]) -> Key[Array, " cues"]:
    """One key for each cue, flat: `key` where it already is one each, else numbered from it."""
    return key.reshape(-1) if key.shape == lead else numbered_keys(key, math.prod(lead))
