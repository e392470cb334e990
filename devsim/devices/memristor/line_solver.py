"""Line elimination: the linear solver behind a crossbar's resistive wires.

A crossbar's wires couple every cell to every other, yet each single line is only a ladder, and
a ladder is solved exactly by walking along it twice. The solver alternates the two families of
lines, and conjugate gradients turn that alternation into a few steps (3 to 15 as a rule).

With `e` the voltages over the cells, `G` their conductances, `f` the voltages that would stand
over them without wires, and `Z` the map from cell currents to the voltage lost in the wires,

    e + Z (G e) = f,        Z = Z_word + Z_bit.

Write W for "word lines solved, given the potential at the far side of every cell" and B for the
same of the bit lines, with all terminals at zero. Then `q = f + W(B q - f)` is the potential
that the bit lines see, `e = q - B q`, and `1 - W B` is self-adjoint and positive in the inner
product `<x, y> = sum G x B y`: conjugate gradients on it are conjugate gradients on the Schur
complement of the word lines, preconditioned by the bit lines. Nothing is divided by a wire
resistance or by a conductance, so ideal wires and open cells are ordinary values.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.custom_batching import custom_vmap

_INPUTS_AT_ONCE = 4  # right-hand sides that share a pass over the factors (fits the cache)
_CELLS_AT_ONCE = 2**16  # cells of several arrays that are swept together
_MAX_ITERATIONS = 1000


class Ladder(NamedTuple):
    """Factors of a family of parallel lines along axis 0, each fed from one end.

    `conductance` hangs on the nodes, in siemens; `pull[n]` is how far cell n draws the line's
    open-circuit potential to the far side of the cell, `follow[n]` how far node n follows its
    neighbour away from the source. Both lie in 0..1.
    """

    conductance: Array
    pull: Array
    follow: Array


class GridFactors(NamedTuple):
    """What a solve needs of the array itself: compute once, use for every right-hand side."""

    word: Ladder  # (columns, rows), fed at column 0
    bit: Ladder  # (rows, columns), fed at the last row


class SolveReport(NamedTuple):
    """`iterations` used, and the estimated error of the cells in the energy norm, sqrt(watt)."""

    iterations: Array
    energy_error: Array


def factor_grid(conductance: Array, word: tuple[Array, Array, Array | None], bit: tuple[Array, Array]) -> GridFactors:
    """Factors of an array (rows, columns) of cells in siemens.

    `word` holds the resistances (rows,) in ohm of each word line: source to first cell, cell to
    cell, last cell to a second source (None: open end). `bit` holds (columns,) in ohm: last cell
    to the sensed terminal, cell to cell.
    """
    words = _factor_ladder(conductance.T, *word, fed_last=False)
    bits = _factor_ladder(conductance, *bit, None, fed_last=True)
    return GridFactors(words, bits)


def _factor_ladder(conductance, first, segment, last, *, fed_last: bool) -> Ladder:
    """Thevenin reduction from the fed end: the resistance seen there, loaded by each cell."""

    def step(resistance, shunt):
        load = shunt * resistance
        loaded = resistance / (1 + load)
        return loaded + segment, (load / (1 + load), loaded)

    _, (pull, loaded) = lax.scan(step, first, conductance, reverse=fed_last)
    end = 0 if fed_last else -1
    tip = jnp.zeros_like(first) if last is None else _share(loaded[end], last)
    return Ladder(conductance, pull, _share(loaded, segment).at[end].set(tip))


def _share(near: Array, far: Array) -> Array:
    """near / (near + far), and 0 where both vanish: such a node is tied to the near side."""
    total = near + far
    return jnp.where(total > 0, near / jnp.where(total > 0, total, 1), 0)


def _solve_ladder(ladder: Ladder, drive: Array, *, fed_last: bool) -> tuple[Array, Array]:
    """Lines whose cells lead to the potentials `drive` (nodes, lines, lanes), sources at zero.

    Returns the node potentials P and, collected on the way, sum G drive P (lanes,). The loops
    overwrite their argument: a scan would clear and fill a fresh array on each of its two ways.
    """
    count = drive.shape[0]
    rest = jnp.zeros_like(drive[0])

    def away(step, carry):
        potential, field = carry
        node = count - 1 - step if fed_last else step
        potential = potential + ladder.pull[node] * (field[node] - potential)
        return potential, field.at[node].set(potential)

    def back(step, carry):
        potential, field, power = carry
        node = step if fed_last else count - 1 - step
        potential = field[node] + ladder.follow[node] * (potential - field[node])
        power = power + ladder.conductance[node] * drive[node] * potential
        return potential, field.at[node].set(potential), power

    _, field = lax.fori_loop(0, count, away, (rest, drive))
    _, field, power = lax.fori_loop(0, count, back, (rest, field, rest))
    return field, jnp.sum(power, axis=0)


def _solve_words(factors: GridFactors, drive: Array) -> tuple[Array, Array]:
    """W drive (rows, columns, lanes), and sum G drive W drive."""
    field, power = _solve_ladder(factors.word, jnp.swapaxes(drive, 0, 1), fed_last=False)
    return jnp.swapaxes(field, 0, 1), power


def _solve_bits(factors: GridFactors, drive: Array) -> tuple[Array, Array]:
    """B drive (rows, columns, lanes), and <drive, drive> = sum G drive B drive."""
    return _solve_ladder(factors.bit, drive, fed_last=True)


class _Iterate(NamedTuple):
    """State of the conjugate gradients: fields (rows, columns, lanes), then numbers (lanes,)."""

    solution: Array
    residual: Array
    settled: Array  # B residual
    direction: Array
    image: Array  # (1 - W B) direction
    product: Array  # <residual, residual>
    last_product: Array
    step: Array
    longest_step: Array
    iterations: Array  # ()


def _solve_lanes(factors: GridFactors, right: Array, tolerance: Array):
    """Cell voltages for `right` (rows, columns, lanes); the factors end in an axis of 1 or lanes.

    Stops when the energy of the error is below tolerance^2 times that of the first guess. Steps
    of conjugate gradients are at least 1 here and reach the inverse of the least eigenvalue, so
    the longest one turns the residual into an estimate of the error.
    """
    bit, _ = _solve_bits(factors, right)
    residual, _ = _solve_words(factors, bit - right)
    first_guess = right + residual - bit
    target = tolerance**2 * jnp.sum(factors.bit.conductance * first_guess**2, axis=(0, 1))

    def unfinished(at: _Iterate):
        worse = at.longest_step * at.product > target
        return jnp.any(worse) & (at.iterations < _MAX_ITERATIONS)

    start = _start(factors, right, residual)
    end = lax.while_loop(unfinished, lambda at: _improve(factors, at), start)
    voltage = end.solution + end.residual - _solve_bits(factors, end.solution)[0]
    iterations = jnp.broadcast_to(end.iterations, end.product.shape)
    return voltage, SolveReport(iterations, jnp.sqrt(end.longest_step * end.product))


def _start(factors: GridFactors, guess: Array, residual: Array) -> _Iterate:
    settled, product = _solve_bits(factors, residual)
    none, one = jnp.zeros_like(guess), jnp.ones_like(product)
    never = jnp.full_like(product, jnp.inf)
    return _Iterate(guess, residual, settled, none, none, product, never, one, one, jnp.asarray(0))


def _improve(factors: GridFactors, at: _Iterate) -> _Iterate:
    """One step, with one reduction for both coefficients (Chronopoulos and Gear, 1989).

    A lane that is solved exactly has nothing left to divide by and stands still.
    """
    words, coupling = _solve_words(factors, at.settled)
    turn = jnp.where(at.product > 0, at.product / at.last_product, 0)
    curvature = at.product - coupling - turn * at.product / at.step
    moves = (at.product > 0) & (curvature > 0)
    step = jnp.where(moves, at.product / jnp.where(moves, curvature, 1), 0)
    direction = at.residual + turn * at.direction
    image = at.residual - words + turn * at.image
    residual = at.residual - step * image
    settled, product = _solve_bits(factors, residual)
    return _Iterate(
        solution=at.solution + step * direction,
        residual=residual,
        settled=settled,
        direction=direction,
        image=image,
        product=product * moves,
        last_product=at.product,
        step=jnp.where(moves, step, at.step),
        longest_step=jnp.maximum(at.longest_step, step),
        iterations=at.iterations + 1,
    )


@custom_vmap
def solve_cells(factors: GridFactors, right: Array, tolerance: Array):
    """Voltages over the cells (rows, columns) in volt, and a `SolveReport`.

    `right` (rows, columns) in volt would stand over the cells without wires; `tolerance` bounds
    the error in the energy norm relative to the solution. Under `vmap` arrays that share their
    factors are swept together, a few at a time, and so are small arrays with factors of their own.
    Not differentiable: `wire_grid` wraps it in the derivative of the linear system.
    """
    lane_factors, lane_right = jax.tree.map(lambda leaf: leaf[..., None], (factors, right))
    voltage, report = _solve_lanes(lane_factors, lane_right, tolerance)
    return voltage[..., 0], jax.tree.map(lambda leaf: leaf[0], report)


@solve_cells.def_vmap
def _solve_cells_vmapped(axis_size, in_batched, factors, right, tolerance):
    shared = not any(jax.tree.leaves(in_batched[0]))
    if shared and not in_batched[2]:
        result = _solve_inputs(factors, right, tolerance)
    else:
        batched = jax.tree.map(
            lambda leaf, has: leaf if has else jnp.broadcast_to(leaf, (axis_size, *leaf.shape)),
            (factors, right, tolerance),
            tuple(in_batched),
        )
        result = _solve_arrays(*batched)
    return result, jax.tree.map(lambda _: True, result)


@custom_vmap
def _solve_inputs(factors: GridFactors, right: Array, tolerance: Array):
    """One array, right-hand sides (inputs, rows, columns)."""
    lanes = jax.tree.map(lambda leaf: leaf[..., None], factors)

    def some(right):
        voltage, report = _solve_lanes(lanes, jnp.moveaxis(right, 0, -1), tolerance)
        return jnp.moveaxis(voltage, -1, 0), report

    return _in_chunks(some, right, _INPUTS_AT_ONCE)


@custom_vmap
def _solve_arrays(factors: GridFactors, right: Array, tolerance: Array):
    """Arrays (arrays, rows, columns), each with its own factors and one right-hand side."""

    def some(batch):
        factors, right = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), batch[:2])
        voltage, report = _solve_lanes(factors, right, batch[2])
        return jnp.moveaxis(voltage, -1, 0), report

    rows, columns = right.shape[1:]
    return _in_chunks(some, (factors, right, tolerance), max(1, _CELLS_AT_ONCE // (rows * columns)))


def _in_chunks(function, batch, size: int):
    """`function` over the leading axis of `batch`, `size` entries at a time, the last ones padded."""
    length = jax.tree.leaves(batch)[0].shape[0]
    chunks = -(-length // size)
    size = -(-length // chunks)

    def split(leaf):
        fill = jnp.repeat(leaf[-1:], chunks * size - length, axis=0)
        return jnp.concatenate([leaf, fill]).reshape(chunks, size, *leaf.shape[1:])

    result = lax.map(function, jax.tree.map(split, batch))
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[:length], result)


def _loop_over(function):
    """A batch of batches is worked off one after another."""

    def rule(axis_size, in_batched, *args):
        leaves, tree = jax.tree.flatten(args)
        has = jax.tree.leaves(in_batched)

        def one(index):
            chosen = [leaf[index] if batched else leaf for leaf, batched in zip(leaves, has, strict=True)]
            return function(*tree.unflatten(chosen))

        result = lax.map(one, jnp.arange(axis_size))
        return result, jax.tree.map(lambda _: True, result)

    return rule


_solve_inputs.def_vmap(_loop_over(_solve_inputs))
_solve_arrays.def_vmap(_loop_over(_solve_arrays))
