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
"""A kept Jacobian that shortens the correction by less than this factor in one step is made anew."""


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
    """What a solve leaves for the next one nearby: the transposed inverse of its scaled Jacobian and how well it served."""

    inverse: Float[Array, "n n"]
    rate: Float[Array, ""]


def nothing_kept(size: int) -> Kept:
    """Before the first solve: an inverse that no step trusts."""
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
    jacobian = lambda y: system.jacobian(theta, y * scale) * scale
    y, outcome, kept = _iterate(residual, jacobian, start / scale, kept, most_steps)
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


class _State(NamedTuple):
    """y: the last accepted point, f its residual. step: the correction to be tried, `size` of it. factors: of a Jacobian,
    which is that at `y` where `is_fresh`. rate: how much the last correction was shorter than the one before."""

    y: Array
    f: Array
    step: Array
    size: Array
    factors: Any
    is_fresh: Array
    is_first: Array
    rate: Array
    outcome: Outcome


def _iterate(residual: Callable, jacobian: Callable, start: Array, kept: Kept | None, most_steps: int):
    """Damped Newton steps; with a kept inverse, simplified ones as long as they shorten the correction well.

    Either ends when the correction itself is small: a rate of convergence remembered from other steps proves nothing once a
    diode has turned on.

    Each pass evaluates the residual once. A new Jacobian is made in a loop of at most one turn and not in a condition,
    which would be paid for in every pass where many dies are vectorised.
    """
    tolerance, tiny = tolerance_of(start.dtype), jnp.finfo(start.dtype).tiny
    factor, correct = (_factored, _by_factors) if kept is None else (_inverted, _by_inverse)
    patience = 0.0 if kept is None else _SLOWEST

    def proceed(state: _State):
        return (state.outcome.status == 1) & (state.outcome.steps < most_steps)

    def advance(state: _State):
        trial = state.y + state.size * state.step
        f = residual(trial)
        rest = correct(state.factors, f)
        length, left = jnp.max(jnp.abs(state.step)), jnp.max(jnp.abs(rest))
        error_of_each = jnp.abs(rest) / (1 + jnp.abs(trial))
        error = jnp.max(error_of_each)
        noise = 1e3 * jnp.finfo(start.dtype).eps * (1 + jnp.max(jnp.abs(trial)))
        known = jnp.where(state.is_first, state.rate, jnp.minimum(state.rate, 0.01))
        measured = jnp.where(state.is_first | (length <= tolerance), known, left / jnp.maximum(length, tiny))
        shorter = jnp.isfinite(left) & ((left <= (1 - state.size / 4) * length) | (length <= noise))
        accepted = jnp.where(state.is_first, True, shorter & (state.is_fresh | (measured < _SLOWEST)))
        done = accepted & (error <= tolerance) & (~state.is_first | (measured < patience))
        simplified = accepted & (measured < patience) & jnp.isfinite(left)
        halved = ~accepted & state.is_fresh
        y, f = jnp.where(accepted, trial, state.y), jnp.where(accepted, f, state.f)

        def renew(carry):
            factors = factor(jacobian(y))
            return factors, correct(factors, f), jnp.zeros((), bool)

        renewed = ~done & ~simplified & ~halved
        next_step = jnp.where(simplified, rest, state.step)
        factors, step, _ = jax.lax.while_loop(lambda carry: carry[2], renew, (state.factors, next_step, renewed))
        size = jnp.where(halved, state.size / 2, 1.0)
        status = jnp.where(
            done, 0, jnp.where(renewed & ~jnp.all(jnp.isfinite(step)), 2, jnp.where(size < _SMALLEST_STEP, 3, 1))
        )
        steps = state.outcome.steps + (accepted & (done | ~state.is_first))
        outcome = Outcome(status.astype(start.dtype), steps, error, jnp.argmax(error_of_each).astype(start.dtype))
        y = jnp.where(done, trial + rest, y)
        return _State(y, f, step, size, factors, renewed | halved, jnp.zeros((), bool), measured, outcome)

    # Status and counts are kept as floating numbers: what a differentiated function returns has a tangent.
    zero = jnp.zeros((), start.dtype)
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(lambda y: factor(jacobian(y)), start))
    factors = nothing if kept is None else kept.inverse
    known = zero + jnp.inf if kept is None else jnp.clip(kept.rate, jnp.finfo(start.dtype).eps, None) ** 0.8
    first = Outcome(zero + 1, zero, zero + jnp.inf, zero)
    false = jnp.zeros((), bool)
    begin = _State(start, jnp.zeros_like(start), jnp.zeros_like(start), zero + 1, factors, false, ~false, known, first)
    state = jax.lax.while_loop(proceed, advance, begin)
    return state.y, state.outcome, None if kept is None else Kept(state.factors, state.rate)


def _factored(matrix: Array):
    rows = _row_sizes(matrix)
    return jax.scipy.linalg.lu_factor(matrix / rows[:, None]), rows


def _by_factors(factors, g: Array) -> Array:
    return -jax.scipy.linalg.lu_solve(factors[0], g / jnp.where(factors[1] > 0, factors[1], 1.0))


def _inverted(matrix: Array) -> Array:
    """The transposed inverse: so laid out in memory, it is applied 5 times as fast as the inverse itself."""
    rows = _row_sizes(matrix)
    return jnp.linalg.solve((matrix / rows[:, None]).T, jnp.eye(len(rows))) / rows[:, None]


def _by_inverse(inverse: Array, g: Array) -> Array:
    return -(g @ inverse)
