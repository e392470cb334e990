"""Newton's method with natural monotonicity, in scaled unknowns, differentiated by the implicit function theorem.

Source: Deuflhard, Newton Methods for Nonlinear Problems (Springer, 2011), sections 2.1.1 and 3.3: a damped step is
accepted when the simplified correction J(y)^-1 F(y + s dy) is shorter than dy, a test that does not change when the
equations are rescaled; Hairer and Wanner, Solving Ordinary Differential Equations II (Springer, 1996), section IV.8, for
the simplified iteration with a Jacobian kept from step to step; Melville, Trajkovic, Fang and Watson, IEEE Trans. CAD 12,
861 (1993), for conductances to ground that are taken away by and by. Why not a library's Newton: circuits mix volts,
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
_SMALLEST_STEP = 2.0**-30
"""Damping beyond which a solve is stuck."""
_MOST_STEPS = {False: 100, True: 30}
"""Newton steps without, and with, a tie to the start, beyond which a solve is stuck."""
_FIRST_TIE, _LARGEST_TIE, _SMALLEST_TIE = 1.0, 1e8, 1e-13
"""Ties to the start (S, at a node): the first one, and those at which they end in failure and in success."""
_SMALLEST_RATIO, _LARGEST_RATIO = 1.05, 1e3
"""By how much a tie is made weaker at once, at least and at most."""
_SLOWEST = 0.3
"""A kept Jacobian that shortens the correction by less than this factor in one step is made anew."""


class System(Protocol):
    """Equations to be solved: hashable, all numbers in `theta`.

    relaxing: the unknowns that may be tied to the start, (n,). blocks: how many equally large parts of them, one behind the
    other, have nothing to do with each other.
    """

    relaxing: Any
    blocks: int

    def residual(self, theta: Any, y: Array) -> Array:
        """What is left of the equations at `y`, (n,)."""
        ...

    def jacobian(self, theta: Any, y: Array) -> Array:
        """Its derivative with respect to `y`, (n, n); with several blocks (blocks, n / blocks, n / blocks)."""
        ...


class Outcome(NamedTuple):
    """How a solve went: `status` indexes `WORDS`, `error` is the last scaled correction, `worst` the unknown it moved."""

    status: Array
    steps: Array
    error: Array
    worst: Array


class Kept(NamedTuple):
    """What a solve leaves for the next one nearby: the transposed inverse of its scaled Jacobian and how well it served."""

    inverse: Float[Array, "*blocks n n"]
    rate: Float[Array, ""]


def nothing_kept(size: int, blocks: int) -> Kept:
    """Before the first solve of `size` unknowns: an inverse that no step trusts."""
    shape = (size, size) if blocks == 1 else (blocks, size // blocks, size // blocks)
    return Kept(jnp.zeros(shape), jnp.asarray(jnp.inf))


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
    most_steps: int = 1000,
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
    jacobian = lambda y: _columns_scaled(system.jacobian(theta, y * scale), scale)
    state = _Iteration(residual, jacobian, jnp.asarray(system.relaxing, float), start / scale, kept).run(most_steps)
    kept = None if kept is None else Kept(state.factors, state.rate)
    return jnp.where(state.outcome.status == 0, state.y, jnp.nan) * scale, tuple(state.outcome), kept


@_root.defjvp
def _root_jvp(told, primals, tangents):
    system, _ = told
    theta, start, scale, kept = primals
    y, outcome, kept = _root(told, theta, start, scale, kept)
    _, push = jax.jvp(lambda theta: system.residual(theta, y), (theta,), (tangents[0],))
    matrix = system.jacobian(theta, y)
    rows = _row_sizes(matrix)
    slope = -jnp.linalg.solve(matrix / rows[..., None], (push.reshape(rows.shape) / rows)[..., None]).reshape(y.shape)
    still = jax.tree.map(jnp.zeros_like, (outcome, kept))
    return (y, outcome, kept), (slope, *still)


def _row_sizes(matrix: Array) -> Array:
    rows = jax.lax.stop_gradient(jnp.max(jnp.abs(matrix), axis=-1))
    return jnp.where(rows > 0, rows, 1.0)


def _columns_scaled(matrix: Array, scale: Array) -> Array:
    return matrix * scale.reshape(*matrix.shape[:-2], 1, matrix.shape[-1])


class _Tie(NamedTuple):
    """A conductance from each unknown with inertia to where it started: `strength`, 0 for the equations as they are.

    solved: the weakest one, so far, with which the equations were solved, infinite before, and `at` the solution. ratio: how
    much weaker the next one is to be. steps: those taken with this one.
    """

    strength: Array
    solved: Array
    at: Array
    ratio: Array
    steps: Array


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
    tie: _Tie
    outcome: Outcome


class _Verdict(NamedTuple):
    """What becomes of a trial point: taken, a solution, to be corrected with the same Jacobian, or nearer to the last one."""

    accepted: Array
    solved: Array
    simplified: Array
    halved: Array
    rate: Array
    error_of_each: Array


class _Iteration:
    """Damped Newton steps; with a kept inverse, simplified ones as long as they shorten the correction well.

    Either ends when the correction itself is small: a rate of convergence remembered from other steps proves nothing once a
    diode has turned on. Where that leads nowhere, the unknowns with inertia are tied to the start by conductances, which are
    then made weaker from solution to solution until they are gone. Each pass evaluates the residual once. A new Jacobian is
    made in a loop of at most one turn and not in a condition, which would be paid for in every pass where many dies are
    vectorised.
    """

    def __init__(self, residual: Callable, jacobian: Callable, relaxing: Array, start: Array, kept: Kept | None):
        self.residual, self.jacobian, self.relaxing, self.start, self.kept = residual, jacobian, relaxing, start, kept
        self.factor, self.correct = (_factored, _by_factors) if kept is None else (_inverted, _by_inverse)
        self.patience = 0.0 if kept is None else _SLOWEST
        self.tolerance, self.dtype = tolerance_of(start.dtype), start.dtype

    def run(self, most_steps: int) -> _State:
        """Pass after pass until the end."""
        proceed = lambda state: (state.outcome.status == 1) & (state.outcome.steps < most_steps)
        return jax.lax.while_loop(proceed, self.advance, self.begin())

    def begin(self) -> _State:
        """Before the first pass, which tries the start itself."""
        # Status and counts are kept as floating numbers: what a differentiated function returns has a tangent.
        start, zero, false = self.start, jnp.zeros((), self.dtype), jnp.zeros((), bool)
        if self.kept is None:
            shapes = jax.eval_shape(lambda y: self.factor(self.jacobian(y)), start)
            factors, known = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes), zero + jnp.inf
        else:
            factors, known = self.kept.inverse, jnp.clip(self.kept.rate, jnp.finfo(self.dtype).eps, None) ** 0.8
        tie = _Tie(zero, zero + jnp.inf, start, zero + 10, zero)
        first = Outcome(zero + 1, zero, zero + jnp.inf, zero)
        none = jnp.zeros_like(start)
        return _State(start, none, none, zero + 1, factors, false, ~false, known, tie, first)

    def advance(self, state: _State) -> _State:
        """Try a point, judge it, and find where to go next."""
        trial = state.y + state.size * state.step
        f = self.residual(trial) + self.pull(state.tie) * (trial - self.start)
        rest = self.correct(state.factors, f)
        verdict = self.judged(state, trial, f, rest)
        done = verdict.solved & (state.tie.strength == 0)
        tie, retied = self.retied(state, verdict, trial)
        y, f = jnp.where(verdict.accepted, trial, state.y), jnp.where(verdict.accepted, f, state.f)
        renewed = ~done & ~verdict.simplified & ~verdict.halved & ~retied

        def renew(_):
            matrix = self.jacobian(y)
            if self.kept is None:
                matrix += _columns_scaled(_identity(matrix), self.pull(tie))
            factors = self.factor(matrix)
            return factors, self.correct(factors, f), jnp.zeros((), bool)

        begin = (state.factors, jnp.where(verdict.simplified, rest, state.step), renewed)
        factors, step, _ = jax.lax.while_loop(lambda carry: carry[2], renew, begin)
        singular = renewed & ~jnp.all(jnp.isfinite(step))
        lost = (tie.strength > _LARGEST_TIE) | (tie.ratio < _SMALLEST_RATIO)
        status = jnp.where(done, 0, jnp.where(singular, 2, jnp.where(lost, 3, 1))).astype(self.dtype)
        steps = state.outcome.steps + (verdict.accepted & (done | ~state.is_first))
        worst = jnp.argmax(verdict.error_of_each).astype(self.dtype)
        outcome = Outcome(status, steps, jnp.max(verdict.error_of_each), worst)
        y = jnp.where(done, trial + rest, jnp.where(retied, tie.at, y))
        step = jnp.where(retied, 0.0, step)
        size = jnp.where(verdict.halved & ~retied, state.size / 2, 1.0)
        return _State(y, f, step, size, factors, renewed | verdict.halved, retied, verdict.rate, tie, outcome)

    def judged(self, state: _State, trial: Array, f: Array, rest: Array) -> _Verdict:
        """The natural monotonicity test."""
        length, left = jnp.max(jnp.abs(state.step)), jnp.max(jnp.abs(rest))
        error_of_each = jnp.abs(rest) / (1 + jnp.abs(trial))
        noise = 1e3 * jnp.finfo(self.dtype).eps * (1 + jnp.max(jnp.abs(trial)))
        known = jnp.where(state.is_first, state.rate, jnp.minimum(state.rate, 0.01))
        tiny = jnp.finfo(self.dtype).tiny
        rate = jnp.where(state.is_first | (length <= self.tolerance), known, left / jnp.maximum(length, tiny))
        shorter = jnp.isfinite(left) & ((left <= (1 - state.size / 4) * length) | (length <= noise))
        accepted = jnp.where(state.is_first, True, shorter & (state.is_fresh | (rate < _SLOWEST)))
        small = jnp.max(error_of_each) <= self.tolerance
        solved = accepted & small & (~state.is_first | (rate < self.patience))
        simplified = accepted & (rate < self.patience) & jnp.isfinite(left)
        return _Verdict(accepted, solved, simplified, ~accepted & state.is_fresh, rate, error_of_each)

    def pull(self, tie: _Tie) -> Array | float:
        """The conductance of each tie; a solve that begins with a kept inverse is never tied."""
        return tie.strength * self.relaxing if self.kept is None else 0.0

    def retied(self, state: _State, verdict: _Verdict, trial: Array) -> tuple[_Tie, Array]:
        """The next tie, and whether it is another: weaker after a solution, stronger where the solve is stuck."""
        tie = state.tie
        most = jnp.where(tie.strength > 0, _MOST_STEPS[True], _MOST_STEPS[False])
        stuck = ~verdict.solved & ((verdict.halved & (state.size < _SMALLEST_STEP)) | (tie.steps > most))
        if self.kept is not None:
            return tie._replace(ratio=jnp.where(stuck, 0.0, tie.ratio)), jnp.zeros((), bool)
        solved, is_free = verdict.solved & (tie.strength > 0), jnp.isinf(tie.solved)
        faster = jnp.where(tie.steps < 8, jnp.minimum(tie.ratio**1.5, _LARGEST_RATIO), tie.ratio)
        ratio = jnp.where(solved, faster, jnp.where(stuck & ~is_free, jnp.sqrt(tie.ratio), tie.ratio))
        weaker = jnp.where(solved, tie.strength, tie.solved) / ratio
        weaker = jnp.where(weaker < _SMALLEST_TIE, 0.0, weaker)
        stronger = jnp.where(tie.strength > 0, 10 * tie.strength, _FIRST_TIE)
        strength = jnp.where(solved | ~is_free, weaker, stronger)
        other = solved | stuck
        at = jnp.where(solved, trial, tie.at)
        steps = jnp.where(other, 0.0, tie.steps + verdict.accepted)
        return _Tie(
            jnp.where(other, strength, tie.strength), jnp.where(solved, tie.strength, tie.solved), at, ratio, steps
        ), other


def _identity(like: Array) -> Array:
    return jnp.broadcast_to(jnp.eye(like.shape[-1]), like.shape)


def _factored(matrix: Array):
    """LU factors, NaN where a pivot is no more than rounding, and the rows' sizes."""
    rows = _row_sizes(matrix)
    factors, order = jax.scipy.linalg.lu_factor(matrix / rows[..., None])
    pivots = jnp.abs(jnp.diagonal(factors, axis1=-2, axis2=-1))
    sound = jnp.min(pivots, axis=-1) > 4 * jnp.finfo(matrix.dtype).eps
    return (jnp.where(sound[..., None, None], factors, jnp.nan), order), rows


def _by_factors(factors, g: Array) -> Array:
    rows = jnp.where(factors[1] > 0, factors[1], 1.0)
    return -jax.scipy.linalg.lu_solve(factors[0], (g.reshape(rows.shape) / rows)[..., None]).reshape(g.shape)


def _inverted(matrix: Array) -> Array:
    """The transposed inverse: so laid out in memory, it is applied 5 times as fast as the inverse itself."""
    rows = _row_sizes(matrix)
    transposed = jnp.swapaxes(matrix / rows[..., None], -1, -2)
    return jnp.linalg.solve(transposed, _identity(matrix)) / rows[..., None]


def _by_inverse(inverse: Array, g: Array) -> Array:
    if inverse.ndim == 2:
        return -(g @ inverse)
    return -(g.reshape(len(inverse), 1, -1) @ inverse).reshape(g.shape)
