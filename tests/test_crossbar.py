"""The crossbar as a synaptic array and as a part of a circuit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.converters import DAC, TransimpedanceAmplifier
from devsim.devices.electrical.passive import ConductanceBus
from devsim.devices.memristor.conduction import Cubic, Sinh
from devsim.devices.memristor.crossbar import Crossbar
from devsim.devices.memristor.encoding import DifferentialPairs, OffsetColumn, SingleCells
from devsim.devices.memristor.linear import LinearCell
from devsim.devices.memristor.pulse import PulseCell

KEY = jax.random.key(2)
ROWS, COLUMNS = 5, 3
RNG = np.random.default_rng(8)
WEIGHTS = RNG.normal(size=(ROWS, COLUMNS))
ENCODINGS = {"pairs": DifferentialPairs(), "offset": OffsetColumn(), "single": SingleCells()}


def make(encoding, conduction=None, weights=None, **knobs):
    changes = {} if conduction is None else {"conduction": conduction}
    cell = LinearCell.of((ROWS, encoding.wires(COLUMNS)), minimum_conductance=2e-6, **changes)
    array = Crossbar(cell, encoding=encoding, **knobs)
    weights = WEIGHTS if weights is None else weights
    return array.program(np.abs(weights) if isinstance(encoding, SingleCells) else weights, KEY)


@pytest.fixture(params=[pytest.param(n, marks=[] if n == "single" else pytest.mark.slow) for n in ENCODINGS])
def encoding(request):
    return ENCODINGS[request.param]


def test_without_wires_a_read_is_the_matrix_product_in_both_directions(encoding):
    array = make(encoding)
    weights = np.abs(WEIGHTS) if isinstance(encoding, SingleCells) else WEIGHTS
    x, y = RNG.normal(size=(4, ROWS)), RNG.normal(size=(4, COLUMNS))
    for each in (array, array.reduce()):
        np.testing.assert_allclose(each.weights(), weights, atol=1e-13)
        np.testing.assert_allclose(each.read(x, KEY), x @ weights, atol=1e-12)
        np.testing.assert_allclose(each.read_reverse(y, KEY), y @ weights.T, atol=1e-12)


def test_reduced_and_full_arrays_answer_alike_with_wires(encoding):
    array = make(encoding, wire_resistance=20.0, driver_resistance=100.0, sense_resistance=50.0)
    x, y = RNG.normal(size=(2, ROWS)), RNG.normal(size=(2, COLUMNS))
    reduced = array.reduce()
    np.testing.assert_allclose(reduced.read(x, KEY), array.read(x, KEY), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(reduced.read_reverse(y, KEY), array.read_reverse(y, KEY), rtol=1e-9, atol=1e-10)
    many = np.tile(x, (8, 1))  # more inputs than lines go through the transfer operator
    np.testing.assert_allclose(array.read(many, KEY)[:2], array.read(x, KEY), rtol=1e-9, atol=1e-10)


def test_both_directions_see_the_same_cells():
    array = make(DifferentialPairs(), wire_resistance=50.0)
    forward = array.read(np.eye(ROWS), KEY)
    backward = array.read_reverse(np.eye(COLUMNS), KEY)
    np.testing.assert_allclose(forward, backward.T, rtol=1e-9, atol=1e-11)


def test_resistance_of_word_and_bit_lines_adds_to_the_common_one():
    common = make(SingleCells(), wire_resistance=30.0)
    apart = make(SingleCells(), wire_resistance=10.0, word_line_resistance=20.0, bit_line_resistance=20.0)
    np.testing.assert_allclose(common.transfer(), apart.transfer(), rtol=1e-10)


@pytest.mark.slow
def test_tiles_without_wires_are_one_array(encoding):
    array = make(encoding, tile=(2, 2))
    weights = np.abs(WEIGHTS) if isinstance(encoding, SingleCells) else WEIGHTS
    x, y = RNG.normal(size=(2, ROWS)), RNG.normal(size=(2, COLUMNS))
    np.testing.assert_allclose(array.read(x, KEY), x @ weights, atol=1e-12)
    np.testing.assert_allclose(array.read_reverse(y, KEY), y @ weights.T, atol=1e-12)


@pytest.mark.slow
def test_a_tile_is_the_array_of_its_own_rows_and_wires():
    """Two tiles of three rows, the second with two rows in use: the first, solved alone, answers for its rows."""
    tiled = make(SingleCells(), wire_resistance=100.0, tile=(3, COLUMNS))
    alone = Crossbar(
        LinearCell.of((3, COLUMNS), minimum_conductance=2e-6).ideal(),
        encoding=SingleCells(),
        wire_resistance=100.0,
        maximum_weight=float(np.abs(WEIGHTS).max()),
    ).program(np.abs(WEIGHTS)[:3], KEY)
    x = RNG.normal(size=ROWS) * np.array([1, 1, 1, 0, 0])
    # The second tile's rows rest at zero, and its wires end in the same virtual grounds: it adds nothing.
    np.testing.assert_allclose(tiled.read(x, KEY), alone.read(x[:3], KEY), rtol=1e-9)
    long_lines = make(SingleCells(), wire_resistance=100.0)
    exact = lambda a: float(np.abs(np.asarray(a.read(np.ones(ROWS), KEY)) - np.abs(WEIGHTS).sum(0)).max())
    assert exact(tiled) < exact(long_lines)


def test_a_masked_row_takes_no_part():
    array, mask = make(DifferentialPairs(), wire_resistance=5.0), np.array([1.0, 0, 1, 1, 0])
    x = RNG.normal(size=ROWS)
    np.testing.assert_allclose(array.masked(mask).read(x, KEY), array.read(mask * x, KEY), rtol=1e-12)


@pytest.mark.parametrize("conduction", [Cubic(0.0), Sinh(0.0)], ids=["cubic", "sinh"])
def test_nonlinear_cells_become_linear_as_their_strength_vanishes(conduction):
    x = RNG.normal(size=ROWS)
    bent, straight = (make(DifferentialPairs(), c, wire_resistance=20.0) for c in (conduction, None))
    np.testing.assert_allclose(bent.read(x, KEY), straight.read(x, KEY), rtol=1e-9, atol=1e-11)
    assert bent.reduce() is bent


def test_without_wires_every_nonlinear_cell_carries_its_own_curve():
    array = make(DifferentialPairs(), Sinh(3.0), read_voltage=0.5)
    x = RNG.uniform(-1, 1, ROWS)
    g = np.asarray(array.cell.conductance())
    current = (g * np.sinh(3 * 0.5 * x)[:, None] / 3).sum(0)
    expected = (current[0::2] - current[1::2]) / (0.5 * float(array.weight_scale))
    np.testing.assert_allclose(array.read(x, KEY), expected, rtol=1e-9)


def circuit_of(array):
    parts = {
        "dac": DAC.of(ROWS, full_scale=0.2),
        "array": array,
        "sense": TransimpedanceAmplifier.of(COLUMNS, reference=COLUMNS),
    }
    nets = {
        "code": ("dac.code",),
        "rows": ("dac.out", "array.rows"),
        "plus": ("array.columns", "sense.input"),
        "minus": ("array.reference", "sense.reference"),
        "out": ("sense.out",),
    }
    return Circuit(parts, nets, inputs={"x": "code"}, outputs={"out": "out"})


@pytest.mark.parametrize("conduction", [None, Cubic(1.0)], ids=["linear", "cubic"])
def test_in_a_circuit_it_answers_as_it_reads(conduction):
    array = make(DifferentialPairs(), conduction, wire_resistance=10.0)
    circuit, x = circuit_of(array), RNG.uniform(-1, 1, ROWS)
    expected = 1e4 * 0.2 * float(array.weight_scale) * np.asarray(array.read(x, KEY))
    np.testing.assert_allclose(operating_point(circuit, {"x": x})["out"], expected, rtol=1e-8)
    np.testing.assert_allclose(operating_point(circuit.reduce(), {"x": x})["out"], expected, rtol=1e-8)


@pytest.mark.slow
def test_columns_that_are_loads_are_solved_together_with_the_grid():
    """Bit lines that end in resistors instead of virtual grounds equal a crossbar with that sense resistance."""
    grounded = make(SingleCells(), wire_resistance=10.0, sense_resistance=1e3)
    open_ended = make(SingleCells(), wire_resistance=10.0)
    parts = {"dac": DAC.of(ROWS, full_scale=0.2), "array": open_ended, "load": ConductanceBus(np.full(COLUMNS, 1e-3))}
    nets = {"code": ("dac.code",), "rows": ("dac.out", "array.rows"), "end": ("array.columns", "load.a"), "gnd": ("load.b",)}
    x = RNG.uniform(0, 1, ROWS)
    current = 0.2 * x @ np.asarray(grounded.transfer())
    for circuit in (c := Circuit(parts, nets, inputs={"x": "code"}), c.reduce()):
        np.testing.assert_allclose(operating_point(circuit, {"x": x})["end"], 1e3 * current, rtol=1e-8)


@pytest.mark.slow
def test_derivatives_through_the_circuit_equal_central_differences():
    circuit, x = circuit_of(make(DifferentialPairs(), Sinh(2.0), wire_resistance=10.0)), jnp.asarray(RNG.uniform(-1, 1, ROWS))
    out = jax.jit(lambda c: jnp.sum(operating_point(c, {"x": x})["out"] ** 2))
    gradient = jax.grad(out)(circuit)
    for path in ("array.wire_resistance", "array.cell.conduction.strength", "dac.full_scale", "sense.transresistance"):
        value = float(circuit.get(path))
        h = 1e-4 * value
        central = (float(out(circuit.set(path, value + h))) - float(out(circuit.set(path, value - h)))) / (2 * h)
        assert float(gradient.get(path)) == pytest.approx(central, rel=1e-5), path


def test_nudges_move_the_weights_the_way_they_are_asked():
    cell = PulseCell.preset("idealised", (ROWS, DifferentialPairs().wires(COLUMNS))).ideal()
    array = Crossbar(cell, maximum_weight=1.0).program(np.zeros((ROWS, COLUMNS)), KEY)
    delta = RNG.uniform(-0.05, 0.05, (ROWS, COLUMNS))
    moved = array.nudge(delta, KEY).weights() - array.weights()
    pulse = float(np.max(np.asarray(cell.pulse_step()))) / float(array.weight_scale)
    np.testing.assert_allclose(moved, delta, atol=1.01 * pulse)


def test_every_line_that_collects_current_has_its_johnson_noise():
    """All weights -1: the large conductances hang on the reference lines."""
    array = make(DifferentialPairs(), weights=-np.ones((ROWS, COLUMNS)))
    noise = array.noise({}, {})
    stored = np.asarray(array.cell.conductance()).sum(axis=0)
    kt = 4 * 1.380649e-23 * 300.0
    np.testing.assert_allclose(noise["thermal"].density, kt * stored[0::2], rtol=1e-9)
    np.testing.assert_allclose(noise["thermal, reference"].density, kt * stored[1::2], rtol=1e-9)


def test_bad_input_is_told_in_one_line():
    array = make(DifferentialPairs())
    cases = [
        (
            lambda: array.program(np.ones((2, 2)), KEY),
            r"`target` must match the array's weights \(5, 3\), but has shape \(2, 2\)",
        ),
        (lambda: array.program(np.full((ROWS, COLUMNS), np.nan), KEY), r"`target` must be finite, but 15 of 15 values are not"),
        (lambda: array.read(np.ones(4), KEY), r"`inputs` must match the array's rows \(shape \(5,\)\), but has shape \(4,\)"),
        (lambda: array.read_reverse(np.ones(4), KEY), r"`inputs` must match the array's columns"),
        (lambda: array.set("wire_resistance", -1.0), r"`wire_resistance` must be at least 0 ohm, but is -1 ohm"),
        (lambda: make(SingleCells()).program(WEIGHTS, KEY), r"`target` must be at least 0 with single cells"),
        (lambda: array.reduce().program(WEIGHTS, KEY), r"A reduced crossbar cannot be written"),
        (
            lambda: Crossbar(LinearCell.of((3, 5))),
            r"must have the wires of whole columns, but DifferentialPairs cannot share out 5",
        ),
        (lambda: Crossbar(LinearCell.of((3, 4)), tile=(0, 4)), r"`tile` must be a whole number of at least 1, but is 0"),
        (lambda: Crossbar(np.ones((3, 4))), r"`cell` must be a Cell, but is a ndarray"),
        (lambda: array.snapshot(3), r"`key` must be made by `jax.random.key\(seed\)`, but is 3"),
        (lambda: Crossbar(LinearCell.of((3,))), r"`cell` must be an array of shape \(rows, wires\), but has shape \(3,\)"),
        (
            lambda: make(DifferentialPairs(), Cubic()).transfer(),
            r"`transfer` needs linear cells, but the cells conduct as Cubic",
        ),
    ]
    for act, words in cases:
        with pytest.raises(InputError, match=words):
            act()
