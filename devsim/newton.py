"""Newton's method with natural monotonicity, in scaled unknowns, differentiated by the implicit function theorem.

Source: Deuflhard, Newton Methods for Nonlinear Problems (Springer, 2011), sections 2.1.1 and 3.3: a damped step is
accepted when the simplified correction J(y)^-1 F(y + s dy) is shorter than dy, a test that does not change when the
equations are rescaled; Hairer and Wanner, Solving Ordinary Differential Equations II (Springer, 1996), section IV.8, for
the simplified iteration with a Jacobian kept from step to step. Why not a library's Newton: circuits mix volts,
picoamperes and exponentials, so the step test needs a scale for every unknown, the word for a failure needs the unknown
that moved last, and parts know the few places of the Jacobian that they fill.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

WORDS = (
    "converged",
    "not converged in the allowed steps",
    "singular: the equations do not fix every unknown",
    "no step lowers the error",
)
_SMALLEST_STEP = 2.0**-60
_SLOWEST = 0.3
"""A kept Jacobian that shortens the correction less than this in one iteration is made anew."""


class System(Protocol):
    """Equations to be solved: hashable, all numbers in `theta`."""

    def residual(self, theta: Any, y: Array) -> Array:
        """What is left of the equations at `y`, (n,)."""
        ...

    def jacobian(self, theta: Any, y: Array) -> Array:
        """Its derivative with respect to `y`, (n, n)."""
        ...


class Outcome(NamedTuple):
    """How a solve went: `status` indexes `WORDS`, `error` is the last scaled correction, `worst` the unknown it moved."""

    status: Array
    steps: Array
    error: Array
    worst: Array


class Kept(NamedTuple):
    """What a solve leaves for the next one nearby: the inverse of its scaled Jacobian and how well it served."""

    inverse: Float[Array, "n n"]
    rate: Float[Array, ""]


def nothing_kept(size: int) -> Kept:
    """Before the first solve: an inverse that no iteration accepts."""
    return Kept(jnp.zeros((size, size)), jnp.asarray(jnp.inf))


def tolerance_of(dtype) -> float:
    """The scaled correction at which a Newton iteration may stop; the last correction is then still applied."""
    return 10 * float(jnp.finfo(dtype).eps) ** (2 / 3)


def solve(
    system: System,
    theta: Any,
    start: Float[Array, " n"],
    scale: Float[Array, " n"],
    kept: Kept | None = None,
    *,
    most_steps: int = 100,
) -> tuple[Array, Outcome, Kept | None]:
    """The root of `system.residual(theta, y)` near `start`. A failed solve returns NaN, never a silent number.

    `scale` is the size that counts as large for each unknown. `kept` comes from an earlier solve of a like system and
    is tried first. Derivatives of every order with respect to `theta` come from the equations at the root, not from the
    iterations.
    """
    start, scale, kept = jax.lax.stop_gradient((start, scale, kept))
    y, (status, steps, error, worst), kept = _root((system, most_steps), theta, start, scale, kept)
    return y, Outcome(status.astype(int), steps.astype(int), error, worst.astype(int)), kept


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _root(told, theta, start, scale, kept):
    system, most_steps = told
    residual = lambda y: system.residual(theta, y * scale)
    inverse_of = lambda y: _factors(system.jacobian(theta, y * scale) * scale)
    y, first = start / scale, jnp.ones((), start.dtype)
    if kept is not None:
        y, done, kept = _with_kept(residual, y, kept)
        first = jnp.where(done, 0.0, first)
    y, outcome = _iterate(residual, inverse_of, y, first, most_steps)
    if kept is not None:
        kept = _renewed(kept, outcome, lambda: system.jacobian(theta, y * scale) * scale)
    return jnp.where(outcome.status == 0, y, jnp.nan) * scale, tuple(outcome), kept


@_root.defjvp
def _root_jvp(told, primals, tangents):
    system, _ = told
    theta, start, scale, kept = primals
    y, outcome, kept = _root(told, theta, start, scale, kept)
    _, push = jax.jvp(lambda theta: system.residual(theta, y), (theta,), (tangents[0],))
    matrix = system.jacobian(theta, y)
    rows = _row_sizes(matrix)
    slope = -jnp.linalg.solve(matrix / rows[:, None], push / rows)
    still = jax.tree.map(jnp.zeros_like, (outcome, kept))
    return (y, outcome, kept), (slope, *still)


def _row_sizes(matrix: Array) -> Array:
    rows = jax.lax.stop_gradient(jnp.max(jnp.abs(matrix), axis=1))
    return jnp.where(rows > 0, rows, 1.0)


def _factors(matrix: Array) -> Callable:
    """The map from a residual to the correction that would cancel it."""
    rows = _row_sizes(matrix)
    factors = jax.scipy.linalg.lu_factor(matrix / rows[:, None])
    return lambda g: -jax.scipy.linalg.lu_solve(factors, g / rows)


def _with_kept(residual: Callable, y: Array, kept: Kept) -> tuple[Array, Array, Kept]:
    """Simplified iterations with a kept inverse: (y, whether that was enough, what is kept)."""
    tolerance = tolerance_of(y.dtype)

    def proceed(carry):
        _, _, rate, done, count = carry
        return ~done & (rate < _SLOWEST) & (count < 6)

    def advance(carry):
        y, before, rate, _, count = carry
        step = -kept.inverse @ residual(y)
        length = jnp.max(jnp.abs(step) / (1 + jnp.abs(y)))
        rate = jnp.where(count == 0, rate, length / jnp.maximum(before, jnp.finfo(y.dtype).tiny))
        rate = jnp.where(jnp.isfinite(length), rate, jnp.inf)
        done = (rate < _SLOWEST) & (length * rate <= tolerance * (1 - rate))
        return jnp.where(jnp.isfinite(length), y + step, y), length, rate, done, count + 1

    known = jnp.clip(kept.rate, jnp.finfo(y.dtype).eps, None) ** 0.8
    zero = jnp.zeros((), y.dtype)
    first = (y, zero, known, jnp.zeros((), bool), jnp.zeros((), int))
    found, _, rate, done, count = jax.lax.while_loop(proceed, advance, first)
    return jnp.where(done, found, y), done, Kept(kept.inverse, jnp.where(count > 1, rate, kept.rate))


def _renewed(kept: Kept, outcome: Outcome, jacobian: Callable) -> Kept:
    """A new inverse where the kept one did not do."""
    size = kept.inverse.shape[0]

    def renew(_):
        matrix = jacobian()
        rows = _row_sizes(matrix)
        return jnp.linalg.solve(matrix / rows[:, None], jnp.diag(1 / rows)), jnp.zeros((), bool)

    # A loop of at most one turn, not a condition: vectorised over dies, a condition would be paid for at every step.
    begin = (kept.inverse, outcome.steps > 0)
    inverse, _ = jax.lax.while_loop(lambda carry: carry[1], renew, begin)
    rate = jnp.where(outcome.steps > 0, jnp.asarray(1e-2, kept.rate.dtype), kept.rate)
    return Kept(inverse.reshape(size, size), rate)


class _State(NamedTuple):
    y: Array
    outcome: Outcome


def _iterate(residual: Callable, factors: Callable, start: Array, first: Array, most_steps: int):
    tolerance = tolerance_of(start.dtype)

    def proceed(state: _State):
        return (state.outcome.status == 1) & (state.outcome.steps < most_steps)

    def advance(state: _State):
        correct = factors(state.y)
        step = correct(residual(state.y))
        y, rest, accepted = _damped(residual, correct, state.y, step)
        moved = jnp.abs(rest) / (1 + jnp.abs(y))
        error = jnp.max(moved)
        singular = ~jnp.all(jnp.isfinite(step))
        done = accepted & (error <= tolerance)
        status = jnp.where(singular, 2, jnp.where(~accepted, 3, jnp.where(done, 0, 1))).astype(start.dtype)
        y = jnp.where(done, y + rest, y)
        return _State(y, Outcome(status, state.outcome.steps + 1, error, jnp.argmax(moved).astype(start.dtype)))

    # Status and counts are kept as floating numbers: what a differentiated function returns has a tangent.
    zero = jnp.zeros((), start.dtype)
    begin = _State(start, Outcome(first, zero, jnp.where(first == 0, zero, jnp.inf), zero))
    return jax.lax.while_loop(proceed, advance, begin)


def _damped(residual: Callable, correct: Callable, y: Array, step: Array):
    """Halve the step until the simplified correction shrinks: (new point, that correction, accepted)."""
    length = jnp.max(jnp.abs(step))

    def trial(size):
        rest = correct(residual(y + size * step))
        shorter = jnp.max(jnp.abs(rest)) <= (1 - size / 4) * length
        return rest, jnp.all(jnp.isfinite(rest)) & (shorter | (length == 0))

    def halve(carry):
        size, _, _ = carry
        return (size / 2, *trial(size / 2))

    def keep_going(carry):
        size, _, accepted = carry
        return ~accepted & (size > _SMALLEST_STEP) & jnp.isfinite(length)

    size = jnp.ones((), y.dtype)
    size, rest, accepted = jax.lax.while_loop(keep_going, halve, (size, *trial(size)))
    noise = 1e3 * jnp.finfo(y.dtype).eps * (1 + jnp.max(jnp.abs(y)))
    return y + size * step, rest, accepted | (length <= noise)
