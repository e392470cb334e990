"""The wire grid against its full node matrix, factored by SuperLU, and against differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sparse
from jax.flatten_util import ravel_pytree
from scipy.sparse.linalg import splu

import devsim  # noqa: F401  (64-bit numbers)
from devsim.devices.memristor.wire_grid import Wires, admittance, solve_grid, transfer

TOLERANCE = 1e-9  # of the largest current; a stated bar, about a hundred times what is reached


def by_node_matrix(conductance, row_potential, column_potential, wires):
    """Word and bit potentials of all nodes from Kirchhoff's current law; no resistance is zero."""
    rows, columns = conductance.shape
    word = np.arange(rows * columns).reshape(rows, columns)
    bit = word + rows * columns
    first = 1 / float(wires.word_resistance + wires.driver_resistance)
    last = 1 / float(wires.bit_resistance + wires.sense_resistance)
    branches = [
        (word, bit, conductance),
        (word[:, 1:], word[:, :-1], 1 / float(wires.word_resistance)),
        (bit[1:], bit[:-1], 1 / float(wires.bit_resistance)),
    ]
    ports = [(word[:, 0], row_potential, first), (bit[-1], column_potential, last)]
    if wires.two_sided:
        ports.append((word[:, -1], row_potential, first))
    size = 2 * rows * columns
    matrix, source = sparse.csc_matrix((size, size)), np.zeros(size)
    for one, other, value in branches:
        value = np.broadcast_to(value, one.shape).ravel()
        one, other = one.ravel(), other.ravel()
        for row, column, sign in [(one, one, 1), (other, other, 1), (one, other, -1), (other, one, -1)]:
            matrix = matrix + sparse.csc_matrix((sign * value, (row, column)), (size, size))
    for nodes, potential, value in ports:
        np.add.at(source, nodes, value * potential)
        own = np.full(len(nodes), value)
        matrix = matrix + sparse.csc_matrix((own, (nodes, nodes)), (size, size))
    factors = splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0, options={"SymmetricMode": True})
    nodes = factors.solve(source)
    nodes = nodes + factors.solve(source - matrix @ nodes)
    return nodes[: rows * columns].reshape(rows, columns), nodes[rows * columns :].reshape(rows, columns)


def draw(rows, columns, lowest=1e3, highest=1e7):
    """Conductances from log-uniform resistances, and potentials of both kinds of terminal."""
    random = np.random.default_rng(rows + columns)
    resistance = np.exp(random.uniform(np.log(lowest), np.log(highest), (rows, columns)))
    return 1 / resistance, random.uniform(-0.2, 0.3, rows), random.uniform(0, 0.05, columns)


solve = jax.jit(solve_grid)


def assert_equals_node_matrix(array, wires):
    word, bit = by_node_matrix(*array, wires)
    ours, conductance = solve(*array, wires), array[0]
    current = conductance * (word - bit)
    for found, expected in [
        (ours.cell_current, current),
        (ours.column_current, current.sum(axis=0)),
        (ours.row_current, current.sum(axis=1)),
        (ours.word_potential, word),
        (ours.bit_potential, bit),
    ]:
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.max(np.abs(expected)))
    largest = max(np.max(np.abs(current.sum(axis=0))), np.max(np.abs(current.sum(axis=1))))
    error = np.max(np.abs(np.asarray(ours.column_current) - current.sum(axis=0))) / largest
    assert error <= ours.error_estimate + 1e-12  # rounding of both solvers is not in the estimate


@pytest.mark.parametrize("wire", [0.1, 1.0, 10.0])
@pytest.mark.parametrize(
    "shape",
    [(16, 16), (64, 64), (5, 40), (40, 5), (1, 7), (7, 1)]
    + [pytest.param((size, size), marks=pytest.mark.slow) for size in (128, 256)],
)
def test_potentials_and_currents_equal_the_node_matrix(shape, wire):
    assert_equals_node_matrix(draw(*shape), Wires(wire, wire))


@pytest.mark.parametrize("two_sided", [False, True])
def test_drivers_and_sense_resistors_are_in_series_with_the_lines(two_sided):
    wires = Wires(1.0, 2.0, 30.0, 50.0, two_sided=two_sided)
    assert_equals_node_matrix(draw(16, 16), wires)


@pytest.mark.parametrize("shape", [(64, 64), pytest.param((256, 256), marks=pytest.mark.slow)])
def test_lines_fed_at_both_ends_equal_the_node_matrix(shape):
    assert_equals_node_matrix(draw(*shape), Wires(10.0, 3.0, two_sided=True))


def test_transfer_and_admittance_hold_the_currents_of_the_node_matrix():
    conductance, rows, columns = draw(16, 16)
    wires = Wires(1.0, 2.0, 30.0, 50.0)
    word, bit = by_node_matrix(conductance, rows, columns, wires)
    current = conductance * (word - bit)
    expected = np.concatenate([current.sum(axis=1), -current.sum(axis=0)])
    found = jax.jit(admittance)(conductance, wires) @ np.concatenate([rows, columns])
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.max(np.abs(expected)))

    word, bit = by_node_matrix(conductance, rows, 0 * columns, wires)
    expected = np.sum(conductance * (word - bit), axis=0)
    found = rows @ jax.jit(transfer)(conductance, wires)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.max(np.abs(expected)))


# --- Derivatives ------------------------------------------------------------------------------


@jax.jit
def figure(array, wires):
    """A smooth number of order one made of currents and potentials."""
    solution = solve_grid(*array, wires)
    weights = jnp.linspace(1, 2, solution.column_current.size)
    return 1e3 * weights @ solution.column_current + jnp.sum(solution.bit_potential**2)


reverse = jax.jit(jax.grad(figure, argnums=(0, 1)))
forward = jax.jit(jax.jacfwd(figure, argnums=(0, 1)))
SMALL = draw(6, 5, 1e3, 1e4)
WIRES = {
    "one sided": Wires(5.0, 3.0, 20.0, 10.0),
    "two sided": Wires(5.0, 3.0, 20.0, 10.0, two_sided=True),
    "ideal": Wires(),
}


@pytest.mark.parametrize("two_sided", [False, True])
def test_derivatives_equal_central_differences(two_sided):
    arguments = SMALL, Wires(5.0, 3.0, 20.0, 10.0, two_sided=two_sided)
    flat, restore = ravel_pytree(arguments)
    derivative, _ = ravel_pytree(reverse(*arguments))
    steps = np.diag(1e-4 * np.abs(flat))
    differences = np.array(
        [(figure(*restore(flat + step)) - figure(*restore(flat - step))) / (2 * step.sum()) for step in steps]
    )
    # Truncation is (1e-4)^2 / 6 of a third derivative in relative steps, rounding 1e-11 / 1e-4.
    scale = np.abs(differences * np.abs(flat))
    error = np.abs((differences - derivative) * flat)
    assert np.max(error) <= 1e-5 * np.max(scale)
    assert np.max(error / np.maximum(scale, 1e-3 * np.max(scale))) <= 1e-5


@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize("name", ["word_resistance", "bit_resistance", "driver_resistance", "sense_resistance"])
def test_derivatives_at_ideal_wires_equal_one_sided_differences(name, two_sided):
    derivative = getattr(reverse(SMALL, Wires(two_sided=two_sided))[1], name)
    step = 1e-3  # of a second-order one-sided difference: relative error (G R step)^2 = 1e-9

    def at(resistance):
        return figure(SMALL, Wires(two_sided=two_sided, **{name: resistance}))

    difference = (4 * at(step) - at(2 * step) - 3 * at(0.0)) / (2 * step)
    np.testing.assert_allclose(derivative, difference, rtol=1e-5)


@pytest.mark.parametrize("wires", WIRES.values(), ids=WIRES)
def test_forward_and_reverse_derivatives_agree(wires):
    there, _ = ravel_pytree(reverse(SMALL, wires))
    back, _ = ravel_pytree(forward(SMALL, wires))
    np.testing.assert_allclose(there, back, rtol=1e-10, atol=1e-10 * np.max(np.abs(there)))


@pytest.mark.slow
def test_second_derivatives_equal_differences_of_the_first():
    def at(resistance):
        return figure(SMALL, Wires(resistance, 3.0))

    second = jax.jit(jax.hessian(at))(5.0)
    first = jax.jit(jax.grad(at))
    np.testing.assert_allclose(second, (first(5.001) - first(4.999)) / 0.002, rtol=1e-6)
