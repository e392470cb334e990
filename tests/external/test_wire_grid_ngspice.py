"""The wire grid against ngspice: linear cells as resistors, others as behavioural sources."""

import shutil
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import devsim  # noqa: F401  (64-bit numbers)
from devsim.devices.memristor.wire_grid import Wires, solve_grid, solve_nonlinear_grid

pytestmark = pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not on PATH")

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


LAWS = {"cubic": (cubic, "{g}*({v})*(1+2*({v})*({v}))"), "sinh": (sinh, "{g}*sinh(10*({v}))/10")}


def by_ngspice(folder, cell_line):
    """Currents out of the column terminals, in ampere; `cell_line(name, word, bit, g)` is a card."""
    lines = ["crossbar"]
    for i in range(SIZE):
        lines += [f"vr{i} r{i} 0 {ROWS[i]:.17g}"]
        lines += [f"rd{i} r{i} x{i} {float(WIRES.driver_resistance)}"]
    for j in range(SIZE):
        lines += [f"vc{j} c{j} 0 {COLUMNS[j]:.17g}"]
        lines += [f"rs{j} y{j} c{j} {float(WIRES.sense_resistance)}"]
    for i in range(SIZE):
        for j in range(SIZE):
            left = f"x{i}" if j == 0 else f"w{i}_{j - 1}"
            below = f"y{j}" if i == SIZE - 1 else f"b{i + 1}_{j}"
            lines += [f"rw{i}_{j} {left} w{i}_{j} {float(WIRES.word_resistance)}"]
            lines += [f"rb{i}_{j} b{i}_{j} {below} {float(WIRES.bit_resistance)}"]
            lines += [cell_line(f"{i}_{j}", f"w{i}_{j}", f"b{i}_{j}", CONDUCTANCE[i, j])]
    lines += [".options reltol=1e-9 abstol=1e-15 vntol=1e-12", ".control", "set numdgt=15", "op"]
    lines += [f"print i(vc{j})" for j in range(SIZE)]
    lines += [".endc", ".end"]
    deck = folder / "crossbar.cir"
    deck.write_text("\n".join(lines))
    run = subprocess.run(["ngspice", "-b", deck], capture_output=True, text=True, timeout=60)
    found = [line.split("=")[1] for line in run.stdout.splitlines() if line.startswith("i(vc")]
    return np.array(found, float)


def assert_equal(currents, expected):
    assert expected.shape == (SIZE,)
    np.testing.assert_allclose(currents, expected, rtol=0, atol=TOLERANCE * np.max(np.abs(expected)))


def test_linear_cells_equal_ngspice(tmp_path):
    expected = by_ngspice(tmp_path, lambda name, w, b, g: f"rg{name} {w} {b} {1 / g:.17g}")
    ours = jax.jit(solve_grid)(CONDUCTANCE, ROWS, COLUMNS, WIRES)
    assert_equal(ours.column_current, expected)


@pytest.mark.parametrize("law", LAWS)
def test_nonlinear_cells_equal_ngspice(tmp_path, law):
    function, text = LAWS[law]

    def card(name, w, b, g):
        return f"bg{name} {w} {b} i=" + text.format(g=f"{g:.17g}", v=f"v({w})-v({b})")

    def solve(parameters, *terminals):
        return solve_nonlinear_grid(function, parameters, *terminals)

    ours = jax.jit(solve)(CONDUCTANCE, ROWS, COLUMNS, WIRES)
    assert_equal(ours.column_current, by_ngspice(tmp_path, card))
