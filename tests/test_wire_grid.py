"""Laws of a crossbar with resistive wires, whatever its cells."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import devsim  # noqa: F401  (64-bit numbers)
from devsim.devices.memristor.wire_grid import (
    Wires,
    admittance,
    solve_grid,
    solve_nonlinear_grid,
    terminal_currents,
    transfer,
)

ROWS, COLUMNS = 9, 6
random = np.random.default_rng(3)
CONDUCTANCE = 1 / np.exp(random.uniform(np.log(1e3), np.log(1e6), (ROWS, COLUMNS)))
CONDUCTANCE[2:5, 3] = 0
ROW, COLUMN = random.uniform(-0.3, 0.3, ROWS), random.uniform(0, 0.1, COLUMNS)
TERMINALS = ROW, COLUMN
WIRES = Wires(5.0, 3.0, 40.0, 20.0)
BOTH = Wires(5.0, 3.0, 40.0, 20.0, two_sided=True)
ROUNDING = 1e-12

solve = jax.jit(solve_grid)
full = jax.jit(admittance)
effective = jax.jit(transfer)


def ohmic(parameters, voltage):
    return parameters * voltage


def sinh(parameters, voltage):
    conductance, steepness = parameters
    return conductance * jnp.sinh(steepness * voltage) / steepness


def steep(conductance, row, column, wires, steepness=10.0):
    return solve_nonlinear_grid(sinh, (conductance, steepness), row, column, wires)


def assert_close(found, expected, tolerance=ROUNDING):
    scale = np.max(np.abs(expected), initial=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


# --- Physics ----------------------------------------------------------------------------------


@pytest.mark.parametrize("wires", [WIRES, BOTH], ids=["one sided", "two sided"])
def test_what_flows_into_the_rows_flows_out_of_the_columns(wires):
    at_rows, at_columns = jax.jit(terminal_currents)(CONDUCTANCE, *TERMINALS, wires)
    assert abs(jnp.sum(at_rows) + jnp.sum(at_columns)) <= ROUNDING * jnp.sum(jnp.abs(at_rows))


@pytest.mark.parametrize("wires", [WIRES, BOTH], ids=["one sided", "two sided"])
def test_the_terminals_form_a_passive_reciprocal_network(wires):
    matrix = full(CONDUCTANCE, wires)
    assert_close(matrix, matrix.T, 0)
    assert np.max(np.abs(jnp.sum(matrix, axis=1))) <= 1e-10 * np.max(matrix)
    assert np.min(np.linalg.eigvalsh(matrix)) >= -ROUNDING * np.max(matrix)
    assert_close(-matrix[:ROWS, ROWS:], effective(CONDUCTANCE, wires), 1e-10)


def test_an_array_turned_over_has_the_turned_transfer():
    """Rows become columns: the one is found by driving rows, the other by driving columns."""
    turned = Wires(3.0, 5.0, 20.0, 40.0)
    found = effective(CONDUCTANCE.T[::-1, ::-1], turned)[::-1, ::-1].T
    assert_close(found, effective(CONDUCTANCE, WIRES), 1e-10)


def test_without_wire_resistance_the_array_is_the_matrix_product():
    solution = solve(CONDUCTANCE, *TERMINALS, Wires())
    voltage = ROW[:, None] - COLUMN
    assert_close(solution.column_current, np.sum(CONDUCTANCE * voltage, axis=0))
    assert_close(effective(CONDUCTANCE, Wires()), CONDUCTANCE)
    np.testing.assert_array_equal(solution.word_potential, np.broadcast_to(ROW[:, None], voltage.shape))


def test_an_array_of_open_cells_carries_nothing_and_differs_by_its_cells():
    nothing = np.zeros_like(CONDUCTANCE)
    solution = solve(nothing, *TERMINALS, WIRES)
    assert not np.any(solution.row_current)
    assert not np.any(solution.column_current)
    assert_close(solution.cell_voltage, ROW[:, None] - COLUMN)

    def collected(conductance):
        return jnp.sum(solve_grid(conductance, *TERMINALS, WIRES).column_current)

    assert_close(jax.jit(jax.grad(collected))(nothing), ROW[:, None] - COLUMN)


def test_a_single_cell_is_in_series_with_its_wires():
    solution = solve(np.array([[1e-3]]), np.array([1.0]), np.array([0.25]), WIRES)
    assert_close(solution.row_current[0], 0.75 / (1000 + 5 + 40 + 3 + 20))


def test_equal_terminals_leave_no_current():
    solution = solve(CONDUCTANCE, np.full(ROWS, 0.2), np.full(COLUMNS, 0.2), WIRES)
    assert not np.any(solution.cell_current)


def test_resistances_may_differ_from_line_to_line():
    same = Wires(np.full(ROWS, 5.0), np.full(COLUMNS, 3.0), np.full(ROWS, 40.0), np.full(COLUMNS, 20.0))
    expected = solve(CONDUCTANCE, *TERMINALS, WIRES).cell_current
    assert_close(solve(CONDUCTANCE, *TERMINALS, same).cell_current, expected, 1e-14)


# --- Transformations --------------------------------------------------------------------------


def test_many_inputs_and_many_arrays_equal_a_loop():
    count = 5  # not a multiple of what is swept together
    arrays = CONDUCTANCE * random.uniform(0.5, 2, (count, 1, 1))
    inputs = random.uniform(-1, 1, (count, ROWS))
    both = jax.vmap(solve_grid, in_axes=(None, 0, None, None))
    both = jax.jit(jax.vmap(both, in_axes=(0, None, None, None)))
    found = both(arrays, inputs, COLUMN, WIRES).column_current
    one_input = jax.jit(jax.vmap(solve_grid, in_axes=(0, None, None, None)))
    for index in range(count):
        expected = one_input(arrays, inputs[index], COLUMN, WIRES).column_current
        assert_close(found[:, index], expected, 1e-10)
        alone = solve(arrays[index], inputs[2], COLUMN, WIRES).column_current
        assert_close(found[index, 2], alone, 1e-10)


def test_one_compilation_serves_all_wires():
    traces = []

    @jax.jit
    def counted(wires):
        traces.append(None)
        return solve_grid(CONDUCTANCE, *TERMINALS, wires).column_current

    for resistance in (0.0, 0, 1.0, np.float64(2.0), jnp.asarray(3.0)):
        counted(Wires(resistance, 2.0, resistance))
    assert len(traces) == 1


def test_32_bit_numbers_stay_32_bit():
    arguments = [np.asarray(value, np.float32) for value in (CONDUCTANCE, *TERMINALS)]
    found = solve(*arguments, WIRES)
    assert found.cell_current.dtype == jnp.float32
    expected = solve(CONDUCTANCE, *TERMINALS, WIRES).column_current
    assert_close(found.column_current, expected, 100 * np.finfo(np.float32).eps)


# --- Cells that are not ohmic -----------------------------------------------------------------


def test_ohmic_laws_reduce_to_the_linear_array():
    expected = solve(CONDUCTANCE, *TERMINALS, WIRES)
    found = jax.jit(lambda *terminals: solve_nonlinear_grid(ohmic, CONDUCTANCE, *terminals))
    found = found(*TERMINALS, WIRES)
    assert_close(found.cell_voltage, expected.cell_voltage, 1e-10)
    assert_close(found.column_current, expected.column_current, 1e-10)


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_steep_cells_meet_kirchhoff_and_ohm(scale):
    solution = jax.jit(steep)(CONDUCTANCE, scale * ROW, COLUMN, WIRES)
    assert solution.error_estimate < 1e-9
    assert_close(solution.word_potential - solution.bit_potential, solution.cell_voltage, 1e-10)
    assert_close(jnp.sum(solution.row_current), jnp.sum(solution.column_current))


@pytest.mark.slow
def test_derivatives_of_steep_cells_agree_both_ways_and_with_differences():
    def figure(conductance, row, column, wires, steepness):
        return 1e3 * jnp.sum(steep(conductance, row, column, wires, steepness).column_current ** 2)

    arguments = CONDUCTANCE[:3, :3] * 10, ROW[:3], COLUMN[:3], WIRES, jnp.asarray(10.0)
    every = tuple(range(len(arguments)))
    reverse, _ = ravel_pytree(jax.jit(jax.grad(figure, argnums=every))(*arguments))
    forward, _ = ravel_pytree(jax.jit(jax.jacfwd(figure, argnums=every))(*arguments))
    assert_close(forward, reverse, 1e-10)

    flat, restore = ravel_pytree(arguments)
    at = jax.jit(lambda flat: figure(*restore(flat)))
    for index in range(flat.size):
        step = jnp.zeros_like(flat).at[index].set(1e-4 * abs(flat[index]))
        change = at(flat + step) - at(flat - step)
        slope = 2 * jnp.sum(step * reverse)
        # Truncation 1e-8 relative; rounding 1e-11 of the figure itself.
        assert abs(change - slope) <= 1e-5 * abs(slope) + 1e-10 * at(flat)


# --- Requirements -----------------------------------------------------------------------------


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"`row_potential` must match the array's 9 rows, but has shape \(6,\)"):
        solve_grid(CONDUCTANCE, COLUMN, COLUMN, WIRES)
    with pytest.raises(ValueError, match=r"`column_potential` must match the array's 6 columns"):
        solve_grid(CONDUCTANCE, ROW, ROW, WIRES)
    with pytest.raises(ValueError, match=r"`conductance` must have shape \(rows, columns\)"):
        solve_grid(ROW, ROW, COLUMN, WIRES)
    with pytest.raises(ValueError, match=r"`word_resistance` must match the array's 9 rows"):
        solve_grid(CONDUCTANCE, *TERMINALS, Wires(np.ones(4)))
    with pytest.raises(ValueError, match=r"`current_law` must return shape \(9, 6\), but returned \(\)"):
        solve_nonlinear_grid(lambda _, voltage: jnp.sum(voltage), None, *TERMINALS, WIRES)
