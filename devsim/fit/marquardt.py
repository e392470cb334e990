"""Levenberg-Marquardt for many small problems at once, without a call to LAPACK."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

MOST_STEPS = 100
FIRST_DAMPING = 0.1
STUCK = 1e12
"""Damping from which on a search is at rest: nothing near is better."""


class _State(NamedTuple):
    z: Array
    cost: Array
    gradient: Array
    curvature: Array
    size: Array
    damping: Array
    growth: Array
    steps: Array
    done: Array


def minimum(residual: Callable[[Array], Array], start: Array) -> tuple[Array, Array, Array]:
    """Where half the sum of squared residuals is least, that value, and whether the search came to rest.

    The damping of each coordinate is in proportion to the largest curvature met so far (More, Lect. Notes Math. 630, 105
    (1978)), and follows the gain as in Nielsen, report IMM-REP-1999-05 (1999). It rests where a full step would gain less than
    1e-13 of the value (ten roundings in single precision).

    Written out because all starts of all devices run vmapped, in threads. With optimistix's `LevenbergMarquardt`, which
    factorises by LAPACK, two threads of that came to a standstill; on one thread its search takes 5.8 times as long (64 devices
    x 8 starts, 4 parameters, 131 points, two cores: 1044 ms against 180 ms, and 63 ms in threads; `benchmarks/fits.py`).
    """
    tolerance = max(1e-13, 10 * float(jnp.finfo(start.dtype).eps))
    first = _linearised(residual, start)
    at_rest = _State(
        start, *first, jnp.diagonal(first[2]), jnp.asarray(FIRST_DAMPING, start.dtype), jnp.asarray(2.0, start.dtype),
        jnp.asarray(0), ~jnp.isfinite(first[0]),
    )  # fmt: skip
    last = jax.lax.while_loop(
        lambda state: ~state.done & (state.steps < MOST_STEPS), lambda state: _stepped(residual, state, tolerance), at_rest
    )
    return last.z, last.cost, last.done


def _linearised(residual: Callable[[Array], Array], z: Array) -> tuple[Array, Array, Array]:
    """Value, gradient and Gauss-Newton curvature."""
    r, push = jax.linearize(residual, z)
    jacobian = jax.vmap(push)(jnp.eye(z.size, dtype=z.dtype))
    return jnp.sum(r**2) / 2, jacobian @ r, jacobian @ jacobian.T


def _stepped(residual: Callable[[Array], Array], s: _State, tolerance: float) -> _State:
    weights = jnp.where(s.size > 0, s.size, 1.0) * s.damping
    step = -_solved(s.curvature + jnp.diag(weights), s.gradient)
    expected = jnp.sum(step * (weights * step - s.gradient)) / 2
    cost, gradient, curvature = _linearised(residual, s.z + step)
    gain = (s.cost - cost) / jnp.maximum(expected, jnp.finfo(step.dtype).tiny)
    fine = jnp.isfinite(gradient).all() & jnp.isfinite(curvature).all()
    better = (gain > 0) & fine
    chosen = lambda new, old: jnp.where(better, new, old)
    eased = s.damping * jnp.clip(1 - (2 * gain - 1) ** 3, 1 / 9, 2.0)
    damping = chosen(eased, s.damping * s.growth)
    rests = (expected <= tolerance * s.cost) | (s.cost == 0) | (damping > STUCK) | ~jnp.isfinite(expected)
    return _State(
        chosen(s.z + step, s.z),
        chosen(cost, s.cost),
        chosen(gradient, s.gradient),
        chosen(curvature, s.curvature),
        chosen(jnp.maximum(s.size, jnp.diagonal(curvature)), s.size),
        damping,
        chosen(2.0, 2 * s.growth),
        s.steps + 1,
        rests,
    )


def _solved(matrix: Array, right: Array) -> Array:
    """The solution of a small positive definite system, by Cholesky, written out."""
    count = right.size
    tiny = jnp.finfo(right.dtype).tiny
    lower: dict[tuple[int, int], Array] = {}
    for i in range(count):
        for j in range(i + 1):
            rest = matrix[i, j] - sum(lower[i, k] * lower[j, k] for k in range(j))
            lower[i, j] = jnp.sqrt(jnp.maximum(rest, tiny)) if i == j else rest / lower[j, j]
    forward: list[Array] = []
    for i in range(count):
        forward.append((right[i] - sum(lower[i, k] * forward[k] for k in range(i))) / lower[i, i])
    found: list[Array] = [right[0]] * count
    for i in reversed(range(count)):
        found[i] = (forward[i] - sum(lower[k, i] * found[k] for k in range(i + 1, count))) / lower[i, i]
    return jnp.stack(found)
