"""The operating point against closed forms, SciPy and central differences."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from scipy import optimize

from devsim.analyses.monte_carlo import monte_carlo
from devsim.analyses.operating_point import operating_point
from devsim.check import InputError, SolveError
from devsim.circuit import Circuit
from devsim.devices.electrical.passive import ConductanceBus, Diode, Resistor, Switch
from devsim.devices.electrical.sources import CurrentSource, VoltageSource
from devsim.physics import thermal_voltage


@pytest.fixture(scope="module")
def clamp():
    """A diode behind a resistor."""
    return Circuit(
        {"source": VoltageSource(5.0), "r": Resistor(1e3), "d": Diode(ideality=1.3)},
        {"in": ("source.plus", "r.a"), "out": ("r.b", "d.anode"), "gnd": ("source.minus", "d.cathode")},
    )


def test_two_resistors_share_in_proportion():
    circuit = Circuit(
        {"source": VoltageSource(4.0), "upper": Resistor(1e3), "lower": Resistor(3e3)},
        {"top": ("source.plus", "upper.a"), "out": ("upper.b", "lower.a"), "gnd": ("source.minus", "lower.b")},
    )
    solution = operating_point(circuit)
    assert float(solution["out"]) == pytest.approx(3.0, rel=1e-14)
    assert "converged" in str(solution) and "V" in str(solution)


def test_a_source_with_resistance_follows_thevenin_and_norton():
    for source in (VoltageSource(2.0, source_resistance=50.0), CurrentSource(-2.0 / 50, source_conductance=1 / 50)):
        circuit = Circuit({"s": source, "load": Resistor(150.0)}, {"x": ("s.plus", "load.a"), "gnd": ("s.minus", "load.b")})
        assert float(operating_point(circuit)["x"]) == pytest.approx(1.5, rel=1e-13)


def test_the_order_of_parts_and_nets_does_not_matter():
    parts = {"v": VoltageSource(12.0, source_resistance=75.0), "s": Resistor(10.0), "l": Resistor(150.0)}
    nets = {"out": ("v.plus", "l.a"), "low": ("v.minus", "s.a"), "gnd": ("s.b", "l.b")}
    assert float(operating_point(Circuit(parts, nets))["out"]) == pytest.approx(12 * 150 / 235, rel=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_a_random_network_is_its_laplacian_whatever_the_order_it_is_written_in(seed):
    """Resistors and current sources between random nodes, in shuffled order, against nodal analysis in NumPy."""
    rng = np.random.default_rng(seed)
    nodes, edges = 7, 16
    ends = [(i, i + 1) for i in range(nodes - 1)] + [
        tuple(rng.choice(nodes, 2, replace=False)) for _ in range(edges - nodes + 1)
    ]
    values, current = rng.uniform(10, 1e3, edges), rng.normal(size=3)
    feeds = [tuple(rng.choice(nodes, 2, replace=False)) for _ in range(3)]
    parts = {f"r{i}": Resistor(v) for i, v in enumerate(values)} | {f"i{k}": CurrentSource(c) for k, c in enumerate(current)}
    pins = [(f"r{i}.{pin}", node) for i, pair in enumerate(ends) for pin, node in zip("ab", pair, strict=True)]
    pins += [(f"i{k}.{pin}", node) for k, pair in enumerate(feeds) for pin, node in zip(("plus", "minus"), pair, strict=True)]
    name = {n: "gnd" if n == 0 else f"n{n}" for n in range(nodes)}
    nets = {name[n]: [] for n in rng.permutation(nodes)}
    for k in rng.permutation(len(pins)):
        nets[name[int(pins[k][1])]].append(pins[k][0])
    shuffled = {key: parts[key] for key in rng.permutation(list(parts))}

    laplacian, injected = np.zeros((nodes, nodes)), np.zeros(nodes)
    for (a, b), g in zip(ends, 1 / values, strict=True):
        laplacian[[a, b], [a, b]] += g
        laplacian[[a, b], [b, a]] -= g
    for (plus, minus), c in zip(feeds, current, strict=True):
        injected[plus] -= c
        injected[minus] += c
    expected = np.linalg.solve(laplacian[1:, 1:], injected[1:])
    solution = operating_point(Circuit(shuffled, nets))
    found = [float(solution[name[n]]) for n in range(1, nodes)]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("supply", [-20.0, 0.0, 0.3, 5.0, 300.0])
def test_a_diode_clamp_is_the_root_of_its_equation(clamp, supply):
    slope = 1.3 * thermal_voltage(300.0)
    equation = lambda v: 1e-14 * np.expm1(v / slope) + 1e-12 * v - (supply - v) / 1e3
    expected = optimize.brentq(equation, min(supply, 0) - 1e-9, min(max(supply, 0.0), 2.0) + 1e-9, xtol=1e-15, rtol=1e-15)
    found = float(operating_point(clamp.set("source.voltage", supply))["out"])
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("current", [1e-9, 1e-3, 1e-2, 1.0])
def test_a_current_forced_through_a_diode_gives_its_logarithm(current):
    circuit = Circuit(
        {"i": CurrentSource(current), "d": Diode(minimum_conductance=0.0)},
        {"m": ("d.anode", "i.minus"), "gnd": ("i.plus", "d.cathode")},
    )
    expected = thermal_voltage(300.0) * np.log1p(current / 1e-14)
    assert float(operating_point(circuit)["m"]) == pytest.approx(expected, rel=1e-9)


def test_whole_numbers_are_made_real():
    source = VoltageSource(np.array([1, 2])).set("voltage", 0.5)
    np.testing.assert_array_equal(VoltageSource(jax.numpy.array([1, 2])).set("voltage", 0.5).voltage, source.voltage)


def test_derivatives_equal_central_differences(clamp):
    out = jax.jit(lambda circuit: operating_point(circuit)["out"])
    gradient = jax.grad(out)(clamp)
    for path in ("source.voltage", "r.resistance", "d.saturation_current", "d.ideality", "d.temperature"):
        value = float(clamp.get(path))
        h = 1e-5 * value
        central = (float(out(clamp.set(path, value + h))) - float(out(clamp.set(path, value - h)))) / (2 * h)
        assert float(gradient.get(path)) == pytest.approx(central, rel=2e-6), path


def test_forward_and_reverse_derivatives_agree(clamp):
    of = lambda r: operating_point(clamp.set("r.resistance", r))["out"]
    assert float(jax.jacfwd(of)(1e3)) == pytest.approx(float(jax.grad(of)(1e3)), rel=1e-10)


def test_a_ladder_of_diodes_obeys_kirchhoff_at_every_node():
    n = 30
    parts = {"v": VoltageSource(3.0)}
    nets = {"n0": ["v.plus"], "gnd": ["v.minus"]}
    for i in range(n):
        parts |= {f"r{i}": Resistor(100.0 + i), f"d{i}": Diode()}
        nets[f"n{i}"].append(f"r{i}.a")
        nets[f"n{i + 1}"] = [f"r{i}.b", f"d{i}.anode"]
        nets["gnd"].append(f"d{i}.cathode")
    solution = operating_point(Circuit(parts, nets))
    v = np.array([float(solution[f"n{i}"]) for i in range(n + 1)])
    resistor = (v[:-1] - v[1:]) / (100.0 + np.arange(n))
    diode = np.asarray(Diode().current(v[1:]))
    residual = resistor - np.append(resistor[1:], 0.0) - diode
    assert np.abs(residual).max() <= 1e-9 * np.abs(resistor).max()


def test_a_switch_opens_and_closes():
    circuit = Circuit(
        {"s": Switch(on_resistance=1.0, off_resistance=1e9), "g": ConductanceBus(np.float64(1e-3)), "v": VoltageSource(1.0)},
        {"in": ("v.plus", "s.a"), "out": ("s.b", "g.a"), "gnd": ("g.b", "v.minus"), "control": ("s.control",)},
        inputs={"control": "control"},
    )
    closed, opened = (float(operating_point(circuit, {"control": c})["out"]) for c in (1.0, 0.0))
    assert closed == pytest.approx(1e3 / 1001, rel=1e-12)
    assert opened == pytest.approx(1e3 / (1e9 + 1e3), rel=1e-9)


@pytest.mark.parametrize("resistance", [1e3, 0.7e3], ids=["exactly", "to rounding"])
def test_a_floating_net_is_named(resistance):
    parts = {"p": Resistor(), "q": Resistor(resistance), "r": Resistor(3e3 / 7)}
    circuit = Circuit(parts, {"x": ("p.a", "q.a", "r.a"), "y": ("p.b", "q.b", "r.b")})
    with pytest.raises(SolveError, match=r"nothing fixes net `x`, net `y`; give each a path to `gnd`"):
        operating_point(circuit)


def test_a_loop_of_ideal_sources_is_named():
    circuit = Circuit(
        {"p": VoltageSource(1.0), "q": VoltageSource(2.0)}, {"x": ("p.plus", "q.plus"), "gnd": ("p.minus", "q.minus")}
    )
    with pytest.raises(SolveError, match=r"nothing fixes part `p`, unknown `current`, part `q`, unknown `current`"):
        operating_point(circuit)


def test_a_failed_solve_inside_a_transformation_is_nan_with_a_status():
    circuit = Circuit({"p": Resistor(), "q": Resistor()}, {"x": ("p.a", "q.a"), "y": ("p.b", "q.b")})
    value, status = jax.jit(lambda c: (operating_point(c)["x"], operating_point(c).status))(circuit)
    assert np.isnan(value) and int(status) == 2


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, r"`inputs` must give every input of the circuit, but `bus` is missing"),
        ({"buss": 1}, r"`inputs` must be one of bus, but is `buss`. Did you mean `bus`"),
        ({"bus": [1.0]}, r"`bus` must have the shape \(2,\) of net `x`, but has shape \(1,\)"),
        ({"bus": [1.0, np.nan]}, r"`bus` must be finite, but 1 of 2 values are not \(first at index \(1,\)\)"),
    ],
)
def test_inputs_are_checked_at_the_door(inputs, words):
    circuit = Circuit({"g": ConductanceBus(np.ones(2))}, {"x": ("g.a",), "gnd": ("g.b",)}, inputs={"bus": "x"})
    with pytest.raises(InputError, match=words):
        operating_point(circuit, inputs)


def test_many_dies_are_the_dies_one_by_one(clamp):
    chip = clamp.set("r.resistance_spread", 0.1)
    analysis = lambda die, key: operating_point(die)["out"]
    few, many = (monte_carlo(analysis, chip, dies=n, key=jax.random.key(1)) for n in (3, 8))
    np.testing.assert_allclose(many[:3], few, rtol=1e-13)
    assert np.std(many) > 0
    with pytest.raises(InputError, match=r"`dies` must be a whole number of at least 1, but is 0"):
        monte_carlo(analysis, chip, dies=0, key=jax.random.key(1))


def test_sweeping_a_knob_over_fifty_values_compiles_once(clamp):
    traces = 0

    @jax.jit
    def out(circuit):
        nonlocal traces
        traces += 1
        return operating_point(circuit)["out"]

    values = [float(out(clamp.set("r.resistance", r))) for r in np.geomspace(10, 1e6, 50)]
    assert traces == 1
    assert np.all(np.diff(values) < 0)


SINGLE = """
from devsim import Circuit, operating_point
from devsim.devices.electrical import Diode, Resistor, VoltageSource

parts = {"source": VoltageSource(5.0), "r": Resistor(1e3), "d": Diode(ideality=1.3)}
nets = {"in": ("source.plus", "r.a"), "out": ("r.b", "d.anode"), "gnd": ("source.minus", "d.cathode")}
out = operating_point(Circuit(parts, nets))["out"]
print(out.dtype, float(out))
"""


def test_a_circuit_works_in_single_precision_too(clamp):
    environment = os.environ | {"JAX_ENABLE_X64": "0"}
    told = subprocess.run(
        [sys.executable, "-c", SINGLE], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    assert told[0] == "float32"
    assert float(told[1]) == pytest.approx(float(operating_point(clamp)["out"]), rel=1e-5)
