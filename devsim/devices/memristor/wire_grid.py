"""A passive crossbar with the resistance of its wires, solved exactly.

Word line i is fed at its left end: the row terminal, `driver_resistance`, one word segment, cell
(i, 0), one segment, cell (i, 1), and so on. Bit line j leaves at its lower end: cell (rows - 1, j),
one bit segment, `sense_resistance`, the column terminal. With `two_sided` the row terminal also
feeds the right end, through one more segment and a driver of its own. This is the circuit of the
Qucs cases in badcrossbar, and of the same array drawn in SPICE.

Row and column terminals are ports of one reciprocal network: either may be at any potential.
Currents of the cells and of the rows count positive from row to column: `row_current` flows into
the array, `column_current` out of it. Where all terminals are treated alike (`terminal_currents`,
`admittance`) every current counts into the array, and they add up to zero.

Every resistance may be exactly zero and every conductance too; a derivative at zero resistance is
the one-sided one. `jit`, `vmap`, forward and reverse differentiation go through every function.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .line_solver import GridFactors, SolveReport, factor_grid, solve_cells


def _resistance(value) -> Array:
    value = jnp.asarray(value)
    return value.astype(jnp.promote_types(value.dtype, jnp.result_type(float)))


class Wires(eqx.Module):
    """Resistances of the wires of a crossbar, ohm.

    Each is a number for the whole array, or one value per line: `word_resistance` and
    `driver_resistance` of shape (rows,), `bit_resistance` and `sense_resistance` of (columns,).
    """

    word_resistance: Array = eqx.field(converter=_resistance, default=0.0)
    bit_resistance: Array = eqx.field(converter=_resistance, default=0.0)
    driver_resistance: Array = eqx.field(converter=_resistance, default=0.0)
    sense_resistance: Array = eqx.field(converter=_resistance, default=0.0)
    two_sided: bool = eqx.field(static=True, default=False)


class GridSolution(NamedTuple):
    """Fields of a solved array: volt and ampere.

    `error_estimate` bounds the error of any terminal current, relative to the largest of them,
    as far as it comes from stopping the iteration; it is NaN or large where the solve failed.
    """

    cell_voltage: Array  # (rows, columns), word line minus bit line
    cell_current: Array  # (rows, columns), from word line to bit line
    word_potential: Array  # (rows, columns)
    bit_potential: Array  # (rows, columns)
    row_current: Array  # (rows,), from the row terminals into the array
    column_current: Array  # (columns,), out of the array into the column terminals
    iterations: Array  # ()
    error_estimate: Array  # ()


def solve_grid(
    conductance: Array,
    row_potential: Array,
    column_potential: Array,
    wires: Wires,
    *,
    tolerance: float | None = None,
) -> GridSolution:
    """Potentials and currents of an array of linear cells.

    `conductance` (rows, columns) siemens, at least zero; `row_potential` (rows,) and
    `column_potential` (columns,) volt at the terminals. `tolerance` bounds the relative error in
    the energy norm; the default is about 1e-11 in 64-bit and 1e-5 in 32-bit numbers.
    """
    conductance, rows, columns, wires = _prepare(conductance, row_potential, column_potential, wires)
    right = rows[:, None] - columns
    voltage, report = _solve_linear(conductance, wires, right, _tolerance(tolerance, right))
    return _describe(voltage, conductance * voltage, conductance, rows, columns, wires, report)


def terminal_currents(conductance: Array, row_potential: Array, column_potential: Array, wires: Wires) -> tuple[Array, Array]:
    """Currents (rows,) and (columns,) in ampere from the terminals into the array.

    Arguments as in `solve_grid`. A grounded column that collects current has a negative one.
    """
    solution = solve_grid(conductance, row_potential, column_potential, wires)
    return solution.row_current, -solution.column_current


def transfer(conductance: Array, wires: Wires) -> Array:
    """The matrix (rows, columns), siemens, that the array applies, wires included.

    With the columns grounded `row_potential @ transfer` is the current out of the columns; by
    reciprocity `transfer @ column_potential` is the current out of grounded rows. Costs one
    solve per row or per column, whichever are fewer.
    """
    rows, columns = jnp.shape(conductance)
    if rows <= columns:
        return _responses(conductance, wires, range(rows))[1]
    return -_responses(conductance, wires, range(rows, rows + columns))[0].T


def admittance(conductance: Array, wires: Wires) -> Array:
    """Currents into all terminals per volt at each, (rows + columns, rows + columns) siemens.

    Terminals count rows first, then columns. The matrix is symmetric and its rows add up to zero.
    """
    rows, columns = jnp.shape(conductance)
    at_rows, at_columns = _responses(conductance, wires, range(rows + columns))
    full = jnp.concatenate([at_rows, -at_columns], axis=1)
    return (full + full.T) / 2


def _responses(conductance: Array, wires: Wires, terminals: range) -> tuple[Array, Array]:
    """Row and column currents, as in `GridSolution`, for one volt at each of `terminals`."""
    conductance = jnp.asarray(conductance)
    rows, columns = conductance.shape
    dtype = jnp.promote_types(conductance.dtype, jnp.float32)

    def respond(terminal):
        potential = (jnp.arange(rows + columns) == terminal).astype(dtype)
        solution = solve_grid(conductance, potential[:rows], potential[rows:], wires)
        return solution.row_current, solution.column_current

    return lax.map(respond, jnp.asarray(terminals), batch_size=8)


# --- Checks and reports -----------------------------------------------------------------------


def _prepare(conductance, row_potential, column_potential, wires: Wires):
    """Arguments as arrays of one float type, their shapes checked, resistances per line."""
    conductance = jnp.asarray(conductance)
    row_potential, column_potential = jnp.asarray(row_potential), jnp.asarray(column_potential)
    if conductance.ndim != 2:
        raise ValueError(f"`conductance` must have shape (rows, columns), but has shape {conductance.shape}.")
    rows, columns = conductance.shape
    _check_lines("row_potential", row_potential, "rows", (rows,))
    _check_lines("column_potential", column_potential, "columns", (columns,))
    dtype = jnp.result_type(conductance, row_potential, column_potential, jnp.float32)
    per_line = (
        _per_line("word_resistance", wires.word_resistance, "rows", rows, dtype),
        _per_line("bit_resistance", wires.bit_resistance, "columns", columns, dtype),
        _per_line("driver_resistance", wires.driver_resistance, "rows", rows, dtype),
        _per_line("sense_resistance", wires.sense_resistance, "columns", columns, dtype),
    )
    wires = jax.tree.unflatten(jax.tree.structure(wires), per_line)
    potentials = row_potential.astype(dtype), column_potential.astype(dtype)
    return conductance.astype(dtype), *potentials, wires


def _check_lines(name: str, value: Array, lines: str, *shapes: tuple[int, ...]) -> None:
    if value.shape not in shapes:
        count = shapes[-1][0]
        raise ValueError(f"`{name}` must match the array's {count} {lines}, but has shape {value.shape}.")


def _per_line(name: str, value: Array, lines: str, count: int, dtype) -> Array:
    _check_lines(name, value, lines, (), (count,))
    return jnp.broadcast_to(value.astype(dtype), (count,))


def _tolerance(tolerance, like: Array) -> Array:
    if tolerance is None:
        tolerance = float(jnp.finfo(like.dtype).eps) ** 0.7
    return jnp.asarray(tolerance, like.dtype)


def _describe(voltage, current, conductance, rows, columns, wires, report) -> GridSolution:
    row_current, column_current = jnp.sum(current, axis=1), jnp.sum(current, axis=0)
    largest = jnp.maximum(jnp.max(jnp.abs(row_current)), jnp.max(jnp.abs(column_current)))
    # A terminal's current errs by at most the error's energy norm times the root of the
    # conductance that the terminal sees, which its own cells bound.
    seen = jnp.maximum(jnp.max(jnp.sum(conductance, axis=1)), jnp.max(jnp.sum(conductance, axis=0)))
    error = report.energy_error * jnp.sqrt(seen) / jnp.where(largest > 0, largest, 1)
    return GridSolution(
        cell_voltage=voltage,
        cell_current=current,
        word_potential=rows[:, None] - _word_drop(current, wires),
        bit_potential=columns + _bit_drop(current, wires),
        row_current=row_current,
        column_current=column_current,
        iterations=report.iterations,
        error_estimate=lax.stop_gradient(error),
    )


# --- Voltage lost in the wires, per cell current ----------------------------------------------


def _ladder_drop(current: Array, first: Array, segment: Array, *, fed_last: bool) -> Array:
    """Drop (nodes, lines) from the source to each node; the currents leave at the nodes.

    Scans: XLA's own cumulative sums take several times longer on a CPU.
    """

    def collect(beyond, here):
        return beyond + here, beyond + here

    def descend(drop, through):
        return drop + segment * through, drop + segment * through

    fed, through = lax.scan(collect, jnp.zeros_like(first), current, reverse=not fed_last)
    return lax.scan(descend, first * fed, through, reverse=fed_last)[1]


def _word_drop(current: Array, wires: Wires) -> Array:
    current, driver, segment = current.T, wires.driver_resistance, wires.word_resistance
    drop = _ladder_drop(current, driver, segment, fed_last=False)
    if wires.two_sided:
        drop = drop - _relief(current, driver, segment)
    return drop.T


def _bit_drop(current: Array, wires: Wires) -> Array:
    return _ladder_drop(current, wires.sense_resistance, wires.bit_resistance, fed_last=True)


def _relief(current: Array, driver: Array, segment: Array) -> Array:
    """What feeding the far end too gives back of the drop (nodes, lines), by superposition.

    With all resistances zero it is written as the sum of its two one-sided derivatives times
    the resistances: the value is zero, and each of the derivatives is right.
    """
    count = current.shape[0]
    place = jnp.arange(1, count + 1, dtype=current.dtype)[:, None]
    left = driver + segment * place
    whole = 2 * driver + segment * (count + 1)
    from_far = jnp.sum(left * current, axis=0) / jnp.where(whole > 0, whole, 1)
    from_half = driver * jnp.sum(current, axis=0) / 2
    from_place = segment * place * jnp.sum(place * current, axis=0) / (count + 1)
    return jnp.where(whole > 0, left * from_far, from_half + from_place)


def _drop(current: Array, wires: Wires) -> Array:
    """Z: volts lost in both lines of every cell, a symmetric map of the cell currents."""
    return _word_drop(current, wires) + _bit_drop(current, wires)


# --- The linear system, as one differentiable step --------------------------------------------


def _factor(conductance: Array, wires: Wires) -> GridFactors:
    first = wires.driver_resistance + wires.word_resistance
    word = first, wires.word_resistance, first if wires.two_sided else None
    bit = wires.sense_resistance + wires.bit_resistance, wires.bit_resistance
    return lax.stop_gradient(factor_grid(conductance, word, bit))


def _solve_linear(conductance, wires: Wires, right: Array, tolerance: Array):
    """Solution e of e + Z (G e) = right, and a report; the derivatives are those of the equation.

    The transposed system (1 + G Z) y = x is answered by the same solver:
    y = x - G q with q + Z (G q) = Z x, because Z and G are symmetric.
    """
    factors = _factor(conductance, wires)

    def matrix(voltage):
        # Written as a derivative, since JAX before 0.8 transposes a scan only if it knows what is linear in it.
        current = conductance * voltage
        return voltage + jax.jvp(partial(_drop, wires=wires), (jnp.zeros_like(current),), (current,))[1]

    def solve(_, right):
        return solve_cells(factors, right, tolerance)

    def solve_transposed(_, right):
        voltage, report = solve_cells(factors, _drop(right, wires), tolerance)
        return right - conductance * voltage, report

    return lax.custom_linear_solve(matrix, right, solve, solve_transposed, has_aux=True)


# --- Cells with a current law of their own ----------------------------------------------------


def solve_nonlinear_grid(
    current_law: Callable[[Any, Array], Array],
    parameters: Any,
    row_potential: Array,
    column_potential: Array,
    wires: Wires,
    *,
    tolerance: float | None = None,
) -> GridSolution:
    """Potentials and currents of an array whose cells carry `current_law(parameters, voltage)`.

    The law maps voltages (rows, columns) in volt to currents in ampere, cell by cell, and must
    not fall with voltage; it is a plain function that closes over no traced value, all it needs
    is in `parameters`, any tree of arrays. Newton's method with a line search on the co-content,
    whose minimum is the solution; derivatives follow from the equations at the solution. Other
    arguments as in `solve_grid`; the cells' parameters are (rows, columns) or broadcast to it.
    """
    row_potential, column_potential = jnp.asarray(row_potential), jnp.asarray(column_potential)
    shape = (*row_potential.shape, *column_potential.shape)
    _, rows, columns, wires = _prepare(jnp.zeros(shape, bool), row_potential, column_potential, wires)
    right = rows[:, None] - columns
    law = jax.eval_shape(current_law, parameters, right)
    if law.shape != right.shape:
        raise ValueError(f"`current_law` must return shape {right.shape}, but returned {law.shape}.")
    voltage, report = _solve_newton(current_law, parameters, wires, right, _tolerance(tolerance, right))
    current, slope = _linearise(current_law, parameters, voltage)
    return _describe(voltage, current, slope, rows, columns, wires, report)


_MAX_NEWTON_STEPS = 100


class _Newton(NamedTuple):
    voltage: Array  # (rows, columns)
    length: Array  # of the last step, relative in the energy norm
    accuracy: Array  # to which that step was solved
    energy: Array  # watt
    steps: Array


def _linearise(law, parameters, voltage) -> tuple[Array, Array]:
    """Current and differential conductance of every cell."""
    return jax.jvp(lambda v: law(parameters, v), (voltage,), (jnp.ones_like(voltage),))


def _remaining(at: _Newton) -> Array:
    """Relative error after a step: its linear solve stopped short, and Newton's own, quadratic."""
    return at.length * jnp.maximum(at.accuracy, 10 * at.length)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _solve_newton(law, parameters, wires: Wires, right: Array, tolerance: Array):
    """Solution e of e + Z law(e) = right."""
    one = jnp.ones((), right.dtype)
    start = _Newton(_first_voltage(law, parameters, wires, right), one, one, one, jnp.asarray(0))

    def unfinished(at: _Newton):
        return (_remaining(at) > tolerance) & (at.steps < _MAX_NEWTON_STEPS)

    def improve(at: _Newton):
        return _newton_step(law, parameters, wires, right, at)

    end = lax.while_loop(unfinished, improve, start)
    return end.voltage, SolveReport(end.steps, _remaining(end) * jnp.sqrt(end.energy))


def _first_voltage(law, parameters, wires: Wires, right: Array) -> Array:
    """A share of the ideal voltages at which the wires would lose no more than there is.

    From far above the solution a steep law lets Newton's method descend only slowly.
    """

    def too_high(share):
        current = law(parameters, share * right)
        return ~(jnp.sum(current * (_drop(current, wires) - right)) <= 0) & (share > 1e-3)

    share = lax.while_loop(too_high, lambda share: 0.7 * share, jnp.ones((), right.dtype))
    return share * right


def _newton_step(law, parameters, wires: Wires, right: Array, at: _Newton) -> _Newton:
    current, slope = _linearise(law, parameters, at.voltage)
    missing = right - at.voltage - _drop(current, wires)
    accuracy = jnp.clip(at.length, jnp.finfo(current.dtype).eps, 0.01)
    change, _ = solve_cells(_factor(slope, wires), missing, accuracy)
    linear_power = jnp.sum(slope * change**2)

    def overshoots(part):
        """The cells' curvature turns the co-content, convex along the step, upwards again."""
        beyond = law(parameters, at.voltage + part * change) - current - part * slope * change
        return ~(jnp.sum(beyond * change) <= (1.9 - part) * linear_power) & (part > 1e-6)

    part = lax.while_loop(overshoots, lambda part: part / 2, jnp.ones((), change.dtype))
    energy = jnp.sum(slope * at.voltage**2)
    length = jnp.sqrt(linear_power / jnp.where(energy > 0, energy, 1))
    return _Newton(
        voltage=at.voltage + part * change,
        length=jnp.where(part < 1, 1, length),
        accuracy=accuracy,
        energy=energy,
        steps=at.steps + 1,
    )


@_solve_newton.defjvp
def _solve_newton_jvp(law, primals, tangents):
    """Implicit function theorem: (1 + Z D) de = d(right) - d(Z law) at the solution."""
    parameters, wires, _, tolerance = primals
    voltage, report = _solve_newton(law, *primals)

    def balance(parameters, wires, right):
        return right - _drop(law(parameters, voltage), wires)

    _, push = jax.jvp(balance, primals[:3], tangents[:3])
    _, slope = _linearise(law, parameters, voltage)
    change, _ = _solve_linear(slope, wires, push, tolerance)
    no_change = SolveReport(np.zeros(report.iterations.shape, jax.dtypes.float0), jnp.zeros_like(report.energy_error))
    return (voltage, report), (change, no_change)
