"""All 33 Qucs circuits of the badcrossbar project: currents and node potentials of small arrays."""

import json
import os
from pathlib import Path

import jax
import numpy as np
import pytest

import devsim  # noqa: F401  (64-bit numbers)
from devsim.devices.memristor.wire_grid import Wires, solve_grid

FOLDER = os.environ.get("DEVSIM_DATA")
CASES = Path(FOLDER or ".") / "memristor" / "qucs_reference.json"
pytestmark = pytest.mark.skipif(FOLDER is None or not CASES.exists(), reason="DEVSIM_DATA does not hold qucs_reference.json")
NAMES = [
    *(f"1x1-{case}-{count}" for case in "abcde" for count in (1, 2, 3)),
    *(f"5x4-{case}-{count}" for case in "abcdef" for count in (1, 2, 3)),
]
TOLERANCE = 1e-9  # the file carries about twelve digits


@pytest.fixture(scope="module")
def cases():
    return json.loads(CASES.read_text())


@pytest.fixture(scope="module")
def solve():
    """All inputs (inputs, rows) of a case at once."""
    return jax.jit(jax.vmap(solve_grid, in_axes=(None, 0, None, None)))


def test_every_case_of_the_file_is_listed(cases):
    assert sorted(cases) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_currents_and_potentials_equal_qucs(cases, solve, name):
    case = {key: np.asarray(value, float) for key, value in cases[name].items()}
    resistances = case["resistances_ohm"]
    voltages = case["applied_voltages_V"].T
    wires = Wires(float(case["r_word_line_ohm"]), float(case["r_bit_line_ohm"]))
    ours = solve(1 / resistances, voltages, np.zeros(resistances.shape[1]), wires)
    assert_equal(ours.column_current, case["i_output_A"])
    for field, key in [
        ("cell_current", "i_device_A"),
        ("word_potential", "v_word_line_V"),
        ("bit_potential", "v_bit_line_V"),
    ]:
        expected = by_input(case[key], ours.cell_current.shape)
        assert_equal(getattr(ours, field), expected)


def by_input(value, shape):
    """(rows, columns) for one input, (rows, columns, inputs) for several."""
    return np.moveaxis(value.reshape(shape[1], shape[2], -1), -1, 0)


def assert_equal(ours, expected):
    scale = np.max(np.abs(expected), initial=0)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE * scale)
