"""Circuits: what is refused at the door, how parts are named, grouped and changed, and what the compiler makes of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point, port_values
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.compile import plan_of
from devsim.devices.converters import ADC, DAC, Comparator, SampleAndHold, TransimpedanceAmplifier
from devsim.devices.electrical.passive import ConductanceBus, Diode, Resistor
from devsim.devices.electrical.sources import VoltageSource


def divider(upper=1e3, lower=3e3, voltage=4.0):
    return Circuit(
        {"source": VoltageSource(voltage), "upper": Resistor(upper), "lower": Resistor(lower)},
        {"top": ("source.plus", "upper.a"), "out": ("upper.b", "lower.a"), "gnd": ("source.minus", "lower.b")},
    )


def read_path(n=4, **adc):
    """DAC, conductances, sense amplifier, ADC, comparator: a path without loops."""
    parts = {
        "dac": DAC.of(n, full_scale=0.2),
        "array": ConductanceBus(np.full(n, 1e-4)),
        "sense": TransimpedanceAmplifier.of(n),
        "adc": ADC.of(n, **adc),
        "threshold": Comparator.of(n, domain="signal"),
    }
    nets = {
        "code": ("dac.code",),
        "drive": ("dac.out", "array.a"),
        "virtual": ("array.b", "sense.input"),
        "field": ("sense.out", "adc.input"),
        "number": ("adc.code", "threshold.input"),
        "next": ("threshold.out",),
    }
    return Circuit(parts, nets, inputs={"state": "code"}, outputs={"next": "next"})


R = Resistor
BAD = {
    "unknown pin": (
        dict(r=R()),
        {"x": ("r.a", "r.c"), "gnd": ("r.b",)},
        r"Net `x` names pin `r.c`, which does not exist. Did you mean",
    ),
    "loose pin": (
        dict(r=R(), q=R()),
        {"x": ("r.a", "q.a"), "gnd": ("r.b",)},
        r"Every pin must be on a net, but `q.b` is on none",
    ),
    "pin alone": (dict(r=R()), {"x": ("r.a",), "gnd": ("r.b",)}, r"`r.a` is alone on net `x`"),
    "pin on two nets": (
        dict(r=R()),
        {"x": ("r.a",), "gnd": ("r.b", "r.a")},
        r"Pin `r.a` must be on one net, but is on `x` and `gnd`",
    ),
    "two drivers": (
        dict(d=DAC.of(2), e=DAC.of(2)),
        {"x": ("d.out", "e.out"), "c": ("d.code", "e.code")},
        r"Net `x` must have one driver, but is driven by `d.out` and `e.out`",
    ),
    "two domains": (
        dict(d=DAC.of(2), e=DAC.of(2)),
        {"x": ("d.out", "e.code"), "c": ("d.code", "e.out")},
        r"must join ports of one domain, but joins `d.out` \(electrical\) and `e.code` \(signal\)",
    ),
    "two shapes": (
        dict(d=DAC.of(2), g=ConductanceBus(np.ones(3))),
        {"x": ("d.out", "g.a"), "c": ("d.code",), "gnd": ("g.b",)},
        r"must join ports of one shape, but joins `d.out` \(\(2,\)\) and `g.a` \(\(3,\)\)",
    ),
    "driven ground": (
        dict(d=DAC.of(2)),
        {"gnd": ("d.out",), "c": ("d.code",)},
        r"`gnd` must join electrical pins .* `d.out` imposes",
    ),
    "signal without driver": (
        dict(d=DAC.of(2), g=ConductanceBus(np.ones(2))),
        {"c": ("d.code",), "x": ("d.out", "g.a"), "gnd": ("g.b",)},
        r"Signal net `c` must have a driver, but `d.code` is only read|make it an input",
    ),
    "dotted name": ({"a.b": R()}, {"gnd": ("a.b.a", "a.b.b")}, r"must not be empty or hold a dot"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_a_circuit_is_refused_in_one_line(case):
    parts, nets, words = BAD[case]
    with pytest.raises(InputError, match=words) as caught:
        Circuit(parts, nets)
    assert "\n" not in str(caught.value)


def test_an_input_on_a_driven_net_is_a_second_driver():
    with pytest.raises(InputError, match=r"driven by `d.out` and an input"):
        Circuit(
            {"d": DAC.of(2), "g": ConductanceBus(np.ones(2))},
            {"c": ("d.code",), "x": ("d.out", "g.a"), "gnd": ("g.b",)},
            inputs={"code": "c", "more": "x"},
        )


def test_a_loop_of_signals_without_memory_is_an_error_that_names_its_ports():
    parts = {"one": Comparator.of(2, domain="signal"), "two": Comparator.of(2, domain="signal")}
    circuit = Circuit(parts, {"x": ("one.out", "two.input"), "y": ("two.out", "one.input")})
    with pytest.raises(InputError, match=r"`one.out`.*neither memory nor physics|neither memory nor physics"):
        operating_point(circuit)


def test_a_sample_and_hold_closes_the_loop_and_is_held():
    parts = {"one": Comparator.of(2, domain="signal"), "hold": SampleAndHold(jnp.array([0.5, -2.0]))}
    nets = {"x": ("one.out", "hold.input"), "y": ("hold.out", "one.input"), "clock": ("hold.track",)}
    solution = operating_point(Circuit(parts, nets, inputs={"clock": "clock"}), {"clock": 1.0})
    np.testing.assert_array_equal(solution["x"], [1.0, -1.0])
    np.testing.assert_array_equal(solution["y"], [0.5, -2.0])


def test_equal_parts_are_one_group():
    parts = {f"r{i}": Resistor(1e3 * (i + 1)) for i in range(5)} | {"d": Diode()}
    nets = {"x": tuple(f"r{i}.a" for i in range(5)) + ("d.anode",), "gnd": tuple(f"r{i}.b" for i in range(5)) + ("d.cathode",)}
    circuit = Circuit(parts, nets)
    assert sorted(len(group) for group in circuit.netlist.members) == [1, 5]
    assert [float(circuit[f"r{i}"].resistance) for i in range(5)] == [1e3, 2e3, 3e3, 4e3, 5e3]
    changed = circuit.set("r3.resistance", 7.0)
    assert [float(changed[f"r{i}"].resistance) for i in range(5)] == [1e3, 2e3, 3e3, 7.0, 5e3]


def test_a_path_without_loops_needs_no_solve_and_virtual_grounds_are_known():
    circuit = read_path()
    solution = operating_point(circuit, {"state": jnp.array([1.0, -1.0, 0.5, 0.0])})
    assert not any(step.implicit for step in plan_of(circuit).steps)
    assert "no solve was needed" in str(solution)
    np.testing.assert_allclose(solution["field"], 1e4 * 1e-4 * 0.2 * np.array([1, -1, 0.5, 0]), rtol=1e-14)
    np.testing.assert_array_equal(solution["next"], [1, -1, 1, 0])
    np.testing.assert_array_equal(solution["virtual"], np.zeros(4))
    assert solution.plan.graph.grounded == {"virtual"}


def test_circuits_nest_and_equal_parts_of_both_levels_share_a_group():
    pair = Circuit(
        {"upper": Resistor(1e3), "lower": Resistor(1e3)},
        {"top": ("upper.a",), "middle": ("upper.b", "lower.a"), "gnd": ("lower.b",)},
        inputs={"in": "top"},
        outputs={"out": "middle"},
    )
    whole = Circuit(
        {"source": VoltageSource(1.0), "first": pair, "second": pair},
        {
            "supply": ("source.plus", "first.in"),
            "link": ("first.out", "second.in"),
            "end": ("second.out",),
            "gnd": ("source.minus",),
        },
        outputs={"end": "end"},
    )
    assert sorted(len(group) for group in whole.netlist.members) == [1, 4]
    assert float(operating_point(whole)["end"]) == pytest.approx(0.2, rel=1e-12)
    loaded = whole.set("second.lower.resistance", 2e3)
    assert float(operating_point(loaded)["end"]) == pytest.approx(2 / 7, rel=1e-12)


def test_unknown_paths_name_their_neighbours():
    circuit = read_path()
    for path, words in {
        "adc.ste": r"There is no parameter `adc.ste`. Did you mean `adc.step`",
        "adk.step": r"There is no parameter `adk.step`. Did you mean `adc.step`",
        "step": r"There is no parameter `step`. Did you mean",
    }.items():
        with pytest.raises(InputError, match=words):
            circuit.set(path, 1.0)
    with pytest.raises(InputError, match=r"`adc.step` must be at least 0 V, but is -1 V"):
        circuit.set("adc.step", -1.0)
    with pytest.raises(InputError, match=r"`adc.offset` must be a number or have shape \(4,\), but has shape \(2,\)"):
        circuit.set("adc.offset", [1.0, 2.0])
    with pytest.raises(InputError, match=r"There is no part `ad`. Did you mean `adc`"):
        circuit["ad"]


def test_bits_are_another_name_for_the_step():
    circuit = read_path().set("adc.bits", 6)
    assert float(circuit.get("adc.step")) == pytest.approx(2 / 62)
    assert float(circuit.get("adc.bits")) == pytest.approx(6)


def test_the_key_of_a_part_depends_on_its_name_only():
    one = read_path(offset_spread=0.1).fabricate(jax.random.key(3))
    extended = Circuit(
        {"extra": Resistor()} | read_path(offset_spread=0.1).parts,
        read_path().nets | {"x": ("extra.a",), "gnd": ("extra.b",)},
        inputs={"state": "code", "x": "x"},
        outputs={"next": "next"},
    ).fabricate(jax.random.key(3))
    np.testing.assert_array_equal(one.get("adc.offset"), extended.get("adc.offset"))
    assert float(jnp.std(one.get("adc.offset"))) > 0


def test_a_group_fabricates_like_its_members_alone():
    parts = {f"r{i}": Resistor(1e3, resistance_spread=0.2) for i in range(3)}
    nets = {"x": tuple(f"r{i}.a" for i in range(3)), "gnd": tuple(f"r{i}.b" for i in range(3))}
    many = Circuit(parts, nets).fabricate(jax.random.key(0))
    alone = Circuit({"r1": parts["r1"], "v": VoltageSource()}, {"x": ("r1.a", "v.plus"), "gnd": ("r1.b", "v.minus")})
    assert float(many.get("r1.resistance")) == float(alone.fabricate(jax.random.key(0)).get("r1.resistance"))


def test_ideal_puts_every_imperfection_at_its_ideal_value():
    circuit = read_path(bits=6, offset_spread=0.1, noise_voltage=0.1)
    for path, entry in circuit.ideal().parameters().items():
        if entry.quantity.ideal is not None:
            np.testing.assert_array_equal(entry.value, np.full(np.shape(entry.value), entry.quantity.ideal), err_msg=path)


def test_port_values_obey_kirchhoff():
    circuit = divider()
    solution = operating_point(circuit)
    upper, lower, source = (port_values(circuit, solution, name) for name in ("upper", "lower", "source"))
    assert float(upper["b"] + lower["a"]) == pytest.approx(0, abs=1e-15)
    assert float(source["plus"]) == pytest.approx(-1e-3, rel=1e-12)
