"""Whole circuits against ngspice: every one is described once, and becomes a `Circuit` and a deck."""

import jax
import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point
from devsim.circuit import Circuit
from devsim.devices.electrical.passive import ConductanceBus, Diode, Resistor
from devsim.devices.electrical.sources import CurrentSource, VoltageSource
from devsim.devices.memristor.conduction import Cubic, Ohmic, Sinh
from devsim.devices.memristor.crossbar import Crossbar
from devsim.devices.memristor.encoding import SingleCells
from devsim.devices.memristor.linear import LinearCell
from devsim.physics import thermal_voltage
from tests.external.ngspice import curved_cell, grid_cards, needs_ngspice, ohmic_cell, resistor, solved

pytestmark = needs_ngspice

TOLERANCE = 1e-8  # ngspice stops when nothing moves by more than 1e-9 of its value

CIRCUITS = {
    "unbalanced bridge": {
        "supply": (VoltageSource(5.0), "top", "gnd"),
        "r1": (Resistor(1e3), "top", "left"),
        "r2": (Resistor(2.2e3), "left", "gnd"),
        "r3": (Resistor(4.7e3), "top", "right"),
        "r4": (Resistor(3.3e3), "right", "gnd"),
        "galvanometer": (Resistor(680.0), "left", "right"),
    },
    "warm resistors": {
        "supply": (VoltageSource(3.0), "top", "gnd"),
        "hot": (Resistor(1e3, temperature=400.0, temperature_coefficient=4e-3), "top", "out"),
        "cold": (Resistor(1e3, temperature=250.0, temperature_coefficient=-2e-3), "out", "gnd"),
    },
    "source with series resistance": {
        "supply": (VoltageSource(12.0, source_resistance=75.0), "out", "low"),
        "shunt": (Resistor(10.0), "low", "gnd"),
        "load": (Resistor(150.0), "out", "gnd"),
    },
    "current source into a network": {
        "source": (CurrentSource(2e-3, source_conductance=1e-5), "gnd", "a"),
        "r1": (Resistor(1e3), "a", "b"),
        "r2": (Resistor(5e3), "a", "gnd"),
        "r3": (Resistor(2e3), "b", "gnd"),
        "leak": (CurrentSource(-3e-4), "b", "c"),
        "r4": (Resistor(1e4), "c", "gnd"),
        "back": (VoltageSource(0.5), "d", "gnd"),
        "r5": (Resistor(820.0), "c", "d"),
    },
    "diode clamp": {
        "supply": (VoltageSource(9.0), "in", "gnd"),
        "r": (Resistor(1e3), "in", "out"),
        "limit": (VoltageSource(3.3), "rail", "gnd"),
        "up": (Diode(), "out", "rail"),
        "down": (Diode(), "gnd", "out"),
    },
    "diode in reverse": {
        "supply": (VoltageSource(-20.0), "in", "gnd"),
        "r": (Resistor(1e9), "in", "out"),
        "d": (Diode(minimum_conductance=1e-12), "out", "gnd"),
    },
    "diode bridge with load": {
        "supply": (VoltageSource(6.0, source_resistance=10.0), "hot", "cold"),
        "d1": (Diode(1e-12, ideality=1.4), "hot", "plus"),
        "d2": (Diode(1e-12, ideality=1.4), "cold", "plus"),
        "d3": (Diode(2e-12, ideality=1.6), "gnd", "hot"),
        "d4": (Diode(1e-12, ideality=1.4), "gnd", "cold"),
        "load": (Resistor(330.0), "plus", "gnd"),
    },
    "diode ladder": {"supply": (VoltageSource(5.0), "n0", "gnd")}
    | {f"r{k}": (Resistor(100.0 * 2**k), f"n{k}", f"n{k + 1}") for k in range(6)}
    | {f"d{k}": (Diode(10.0 ** (-9 - k), temperature=260.0 + 20 * k), f"n{k}", "gnd") for k in range(1, 7)},
}
"""Part name -> (part, node of its first port, node of its second)."""


@pytest.fixture(scope="module")
def warming(tmp_path_factory):
    """kT/q in ngspice over kT/q here.

    ngspice 39 has the k and q of CODATA 2014, and their ratio is 3.4e-7 below the exact one of the SI: 1e-5 of a current at
    30 thermal voltages. Diodes are therefore warmed here, so that both have one kT/q.
    """
    return solved(tmp_path_factory.mktemp("constants"), ["r1 1 0 1"], ["boltz/echarge"])[0] / thermal_voltage(1.0)


def celsius(part):
    return f"{float(part.temperature) - 273.15:.17g}"


def cards_of(name, part, a, b):
    """The cards of one two-terminal part."""
    if isinstance(part, Resistor):
        card = resistor(name, a, b, part.resistance)
        return [f"{card} tc1={float(part.temperature_coefficient)} temp={celsius(part)}"]
    if isinstance(part, Diode):
        assert float(part.minimum_conductance) == 1e-12, "the gmin of the deck"
        law = f"is={float(part.saturation_current):.17g} n={float(part.ideality)} tnom={celsius(part)}"
        return [f"d{name} {a} {b} m{name} temp={celsius(part)}", f".model m{name} d({law})"]
    if isinstance(part, VoltageSource):
        inside = f"{name}_inside"
        return [f"v{name} {inside} {b} {float(part.voltage)}", resistor(name, a, inside, float(part.source_resistance))]
    shunt = float(part.source_conductance)
    return [f"i{name} {a} {b} {float(part.current)}"] + ([resistor(name, a, b, 1 / shunt)] if shunt else [])


def deck_of(branches):
    return [card for name, branch in branches.items() for card in cards_of(name, *branch)]


def nets_of(branches):
    nets = {}
    for name, (part, *nodes) in branches.items():
        for port, node in zip(part.ports(), nodes, strict=True):
            nets.setdefault(node, []).append(f"{name}.{port}")
    return {node: tuple(pins) for node, pins in nets.items()}


@pytest.mark.parametrize("name", CIRCUITS)
def test_potentials_and_source_currents_equal_ngspice(name, warming, tmp_path):
    branches = CIRCUITS[name]
    circuit = Circuit({n: branch[0] for n, branch in branches.items()}, nets_of(branches))
    sources = [n for n, (part, *_) in branches.items() if isinstance(part, VoltageSource)]
    for n, (part, *_) in branches.items():
        if isinstance(part, Diode):
            circuit = circuit.set(f"{n}.temperature", part.temperature * warming)
    solution = operating_point(circuit)
    nodes = [node for node in circuit.nets if node != "gnd"]
    ours = [float(solution[node]) for node in nodes]
    ours += [float(solution.current(f"{n}.plus")) for n in sources]
    wanted = [f"v({node})" for node in nodes] + [f"i(v{n})" for n in sources]
    np.testing.assert_allclose(ours, solved(tmp_path, deck_of(branches), wanted), rtol=TOLERANCE)


SIZE = 16
ROWS = np.random.default_rng(3).uniform(-0.6, 0.6, SIZE)
LOADS = np.random.default_rng(4).uniform(1e-3, 1e-2, SIZE)
WEIGHTS = np.random.default_rng(5).uniform(0, 1, (SIZE, SIZE))
LAWS = {
    "linear": (Ohmic(), ohmic_cell),
    "cubic": (Cubic(2.0), curved_cell("{g}*{v}*(1+2*{v}*{v})")),
    "sinh": (Sinh(5.0), curved_cell("{g}*sinh(5*{v})/5")),
}


def loaded_crossbar(conduction):
    """A crossbar between sources with 25 ohm inside and columns that end in loads."""
    cell = LinearCell.of((SIZE, SIZE), minimum_conductance=1e-6, maximum_conductance=1e-3, conduction=conduction)
    array = Crossbar(cell, encoding=SingleCells(), wire_resistance=2.0, driver_resistance=15.0)
    parts = {
        "drive": VoltageSource(ROWS, source_resistance=25.0),
        "array": array.program(WEIGHTS, jax.random.key(0)),
        "load": ConductanceBus(LOADS),
    }
    nets = {"rows": ("drive.plus", "array.rows"), "end": ("array.columns", "load.a"), "gnd": ("drive.minus", "load.b")}
    return Circuit(parts, nets)


def crossbar_deck(conductance, cell_card):
    """The same circuit as cards; the currents out of the columns are those of the shorts `vshort_s0 ..`."""
    cards = grid_cards(conductance, (15.0, 2.0, 2.0, 0.0), cell_card)
    for k in range(SIZE):
        cards += [f"vin{k} in{k} 0 {ROWS[k]:.17g}", resistor(f"in{k}", f"in{k}", f"r{k}", 25.0)]
        cards += [resistor(f"load{k}", f"c{k}", "0", 1 / LOADS[k])]
    return cards


@pytest.mark.parametrize(
    "law", [pytest.param("linear", marks=pytest.mark.slow), pytest.param("cubic", marks=pytest.mark.slow), "sinh"]
)
def test_a_crossbar_in_a_circuit_equals_ngspice(law, tmp_path):
    conduction, cell_card = LAWS[law]
    circuit = loaded_crossbar(conduction)
    wanted = [f"{what}{k})" for what in ("v(r", "v(c", "i(vin", "i(vshort_s") for k in range(SIZE)]
    cards = crossbar_deck(np.asarray(circuit["array"].conductances()), cell_card)
    expected = solved(tmp_path, cards, wanted).reshape(4, SIZE)
    for each in (circuit, circuit.reduce()) if conduction.linear else (circuit,):
        solution = operating_point(each)
        driven, collected = solution.current("drive.plus"), solution.current("load.a")
        for ours, theirs in zip((solution["rows"], solution["end"], driven, collected), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE * np.abs(theirs).max())
