"""Newton's method with natural monotonicity, in scaled unknowns, differentiated by the implicit function theorem.

Source: Deuflhard, Newton Methods for Nonlinear Problems (Springer, 2011), sections 2.1.1 and 3.3: a damped step is
accepted when the simplified correction J(y)^-1 F(y + s dy) is shorter than dy, a test that does not change when the
equations are rescaled. Why not a library's Newton: circuits mix volts, picoamperes and exponentials, so the step test
needs a scale for every unknown, and the word for a failure needs the unknown that moved last.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

WORDS = (
    "converged",
    "not converged in the allowed steps",
    "singular: the equations do not fix every unknown",
    "no step lowers the error",
)
_SMALLEST_STEP = 2.0**-60


class Outcome(NamedTuple):
    """How a solve went: `status` indexes `WORDS`, `error` is the last scaled correction, `worst` the unknown it moved."""

    status: Int[Array, ""]
    steps: Int[Array, ""]
    error: Float[Array, ""]
    worst: Int[Array, ""]


def tolerance_of(dtype) -> float:
    """The scaled correction at which a Newton iteration may stop; the last correction is then still applied."""
    return 10 * float(jnp.finfo(dtype).eps) ** (2 / 3)


def solve(residual: Callable, start: Float[Array, " n"], scale: Float[Array, " n"], *, most_steps: int = 100):
    """The root of `residual` near `start`: (root, Outcome). A failed solve returns NaN, never a silent number.

    `scale` is the size that counts as large for each unknown. Forward and reverse derivatives with respect to all that
    `residual` closes over come from one linear solve at the root, not from the iterations.
    """

    def scaled(y):
        return residual(y * scale)

    def tangent(linear, b):
        return jnp.linalg.solve(jax.jacfwd(linear)(jnp.zeros_like(b)), b)

    y, told = jax.lax.custom_root(scaled, start / scale, lambda f, y: _iterate(f, y, most_steps), tangent, has_aux=True)
    status, steps, error, worst = jax.lax.stop_gradient(told)
    return y * scale, Outcome(status.astype(int), steps.astype(int), error, worst.astype(int))


class _State(NamedTuple):
    y: Array
    outcome: Outcome


def _iterate(residual: Callable, start: Array, most_steps: int):
    tolerance = tolerance_of(start.dtype)

    def proceed(state: _State):
        outcome = state.outcome
        return (outcome.status == 1) & (outcome.steps < most_steps)

    def advance(state: _State):
        f = residual(state.y)
        jacobian = jax.jacfwd(residual)(state.y)
        rows = jnp.max(jnp.abs(jacobian), axis=1)
        rows = jnp.where(rows > 0, rows, 1.0)
        factors = jax.scipy.linalg.lu_factor(jacobian / rows[:, None])
        correct = lambda g: -jax.scipy.linalg.lu_solve(factors, g / rows)
        step = correct(f)
        y, rest, accepted = _damped(residual, correct, state.y, step)
        moved = jnp.abs(rest) / (1 + jnp.abs(y))
        error = jnp.max(moved)
        singular = ~jnp.all(jnp.isfinite(step))
        done = accepted & (error <= tolerance)
        status = jnp.where(singular, 2, jnp.where(~accepted, 3, jnp.where(done, 0, 1)))
        y = jnp.where(done, y + rest, y)
        return _State(y, Outcome(status, state.outcome.steps + 1, error, jnp.argmax(moved)))

    zero = jnp.zeros((), int)
    first = _State(start, Outcome(zero + 1, zero, jnp.asarray(jnp.inf, start.dtype), zero))
    y, outcome = jax.lax.while_loop(proceed, advance, first)
    # What goes with the root must be real: `custom_root` gives it a tangent.
    return jnp.where(outcome.status == 0, y, jnp.nan), tuple(part.astype(y.dtype) for part in outcome)


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
