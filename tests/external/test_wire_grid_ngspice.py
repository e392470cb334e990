"""The wire grid against ngspice: linear cells as resistors, others as behavioural sources."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import devsim  # noqa: F401  (64-bit numbers)
from devsim.devices.memristor.wire_grid import Wires, solve_grid, solve_nonlinear_grid
from tests.external.ngspice import curved_cell, grid_cards, needs_ngspice, ohmic_cell, solved

pytestmark = needs_ngspice

SIZE = 16
WIRES = Wires(2.0, 3.0, 25.0, 15.0)
TOLERANCE = 1e-6

random = np.random.default_rng(7)
CONDUCTANCE = 1 / np.exp(random.uniform(np.log(1e3), np.log(1e5), (SIZE, SIZE)))
ROWS, COLUMNS = random.uniform(-0.5, 0.5, SIZE), random.uniform(0, 0.1, SIZE)


def cubic(parameters, voltage):
    return parameters * (voltage + 2 * voltage**3)


def sinh(parameters, voltage):
    return parameters * jnp.sinh(10 * voltage) / 10


LAWS = {"cubic": (cubic, "{g}*{v}*(1+2*{v}*{v})"), "sinh": (sinh, "{g}*sinh(10*{v})/10")}


def by_ngspice(folder, cell_card):
    """Currents out of the column terminals, A."""
    resistances = WIRES.driver_resistance, WIRES.word_resistance, WIRES.bit_resistance, WIRES.sense_resistance
    cards = [f"vr{i} r{i} 0 {v:.17g}" for i, v in enumerate(ROWS)] + [f"vc{j} c{j} 0 {v:.17g}" for j, v in enumerate(COLUMNS)]
    cards += grid_cards(CONDUCTANCE, resistances, cell_card)
    return solved(folder, cards, [f"i(vc{j})" for j in range(SIZE)])


def assert_equal(currents, expected):
    assert expected.shape == (SIZE,)
    np.testing.assert_allclose(currents, expected, rtol=0, atol=TOLERANCE * np.max(np.abs(expected)))


def test_linear_cells_equal_ngspice(tmp_path):
    ours = jax.jit(solve_grid)(CONDUCTANCE, ROWS, COLUMNS, WIRES)
    assert_equal(ours.column_current, by_ngspice(tmp_path, ohmic_cell))


@pytest.mark.parametrize("law", LAWS)
def test_nonlinear_cells_equal_ngspice(tmp_path, law):
    function, text = LAWS[law]

    def solve(parameters, *terminals):
        return solve_nonlinear_grid(function, parameters, *terminals)

    ours = jax.jit(solve)(CONDUCTANCE, ROWS, COLUMNS, WIRES)
    assert_equal(ours.column_current, by_ngspice(tmp_path, curved_cell(text)))
