"""Circuits: what is refused at the door, how parts are named, grouped and changed, and what the compiler makes of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.compile import plan_of
from devsim.devices.converters import ADC, DAC, Comparator, SampleAndHold, TransimpedanceAmplifier
from devsim.devices.electrical.passive import ConductanceBus, Diode, Resistor
from devsim.devices.electrical.sources import VoltageSource
from devsim.devices.memristor.crossbar import Crossbar
from devsim.devices.memristor.linear import LinearCell


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
    words = r"The loop of signals `(one\.out` -> `two|two\.out` -> `one)\.out` has neither memory nor physics to close it"
    with pytest.raises(InputError, match=words):
        operating_point(circuit)


def test_a_sample_and_hold_closes_the_loop_and_is_held():
    parts = {"one": Comparator.of(2, domain="signal"), "hold": SampleAndHold(jnp.array([0.5, -2.0]))}
    nets = {"x": ("one.out", "hold.input"), "y": ("hold.out", "one.input"), "clock": ("hold.track",)}
    solution = operating_point(Circuit(parts, nets, inputs={"clock": "clock"}), {"clock": 1.0})
    np.testing.assert_array_equal(solution["x"], [1.0, -1.0])
    np.testing.assert_array_equal(solution["y"], [0.5, -2.0])


def divided(spread=0.1):
    parts = {"v": VoltageSource(1.0)} | {f"r{i}": Resistor(1e3 * i, resistance_spread=spread) for i in (1, 2, 3)}
    nets = {"a": ("v.plus", "r1.a"), "b": ("r1.b", "r2.a"), "c": ("r2.b", "r3.a"), "gnd": ("r3.b", "v.minus")}
    return Circuit(parts, nets)


def test_dies_along_a_leading_axis_keep_their_parts_apart():
    circuit, keys = divided(), jax.random.split(jax.random.key(0), 4)
    dies = jax.vmap(circuit.fabricate)(keys)
    one_by_one = [float(circuit.fabricate(k).get("r2.resistance")) for k in keys]
    np.testing.assert_allclose(dies.get("r2.resistance"), one_by_one, rtol=1e-14)
    changed = dies.set("r2.resistance", 5.0)
    np.testing.assert_array_equal(changed.get("r2.resistance"), np.full(4, 5.0))
    np.testing.assert_array_equal(changed.get("r1.resistance"), dies.get("r1.resistance"))
    for act in (lambda: operating_point(dies), lambda: dies.age(1.0, 300.0, keys[0]), dies.reduce):
        with pytest.raises(InputError, match=r"holds dies along 1 leading axes; use `jax.vmap` over it"):
            act()


def test_a_jacobian_is_read_by_path_like_the_circuit():
    circuit = divided()
    jacobian = jax.jacrev(lambda c: jnp.stack([operating_point(c)[n] for n in "bc"]))(circuit)
    # v_b = (R2 + R3) / R, v_c = R3 / R, R = 6 kohm
    np.testing.assert_allclose(jacobian.get("r2.resistance"), [1e3 / 6e3**2, -3e3 / 6e3**2], rtol=1e-9)


@pytest.mark.slow
def test_equal_arrays_behind_virtual_grounds_reduce_together():
    parts, nets = {}, {}
    for k in (1, 2):
        parts |= {f"dac{k}": DAC.of(4), f"g{k}": make_crossbar(k), f"sense{k}": TransimpedanceAmplifier.of(2, reference=2)}
        nets |= {
            f"code{k}": (f"dac{k}.code",),
            f"rows{k}": (f"dac{k}.out", f"g{k}.rows"),
            f"plus{k}": (f"g{k}.columns", f"sense{k}.input"),
            f"minus{k}": (f"g{k}.reference", f"sense{k}.reference"),
            f"out{k}": (f"sense{k}.out",),
        }
    outputs = {"out1": "out1", "out2": "out2"}
    circuit = Circuit(parts, nets, inputs={"x1": "code1", "x2": "code2"}, outputs=outputs)
    inputs = {"x1": jnp.array([1.0, -1, 0.5, 0.2]), "x2": jnp.array([0.1, 1, -0.5, 0.7])}
    whole, reduced = operating_point(circuit, inputs), operating_point(circuit.reduce(), inputs)
    for name in outputs:
        np.testing.assert_allclose(reduced[name], whole[name], rtol=1e-9)


def make_crossbar(seed):
    weights = np.random.default_rng(seed).normal(size=(4, 2))
    return Crossbar(LinearCell.of((4, 4)), wire_resistance=5.0).program(weights, jax.random.key(seed))


REFUSED = {
    "two inputs on one net": (
        lambda: Circuit(dict(r=R(), s=R()), {"n": ("r.a", "s.a"), "gnd": ("r.b", "s.b")}, inputs={"a": "n", "b": "n"}),
        r"driven by an input and an input",
    ),
    "one name for two nets": (
        lambda: Circuit(
            dict(r=R(), s=R()), {"n": ("r.a",), "m": ("r.b", "s.a"), "gnd": ("s.b",)}, inputs={"x": "n"}, outputs={"x": "m"}
        ),
        r"`x` must name one net, but is input `n` and output `m`",
    ),
    "parts as a list": (lambda: Circuit([R()], {}), r"`parts` must be a mapping from names to parts, but is a list"),
    "pins that are none": (
        lambda: Circuit(dict(r=R()), {"n": None}),
        r"Net `n` must join pins given as `part.port`, but is None",
    ),
    "another class": (lambda: divided().replace("v", R()), r"`v` must be replaced by a VoltageSource with the same ports"),
    "an array for a pin": (
        lambda: operating_point(
            Circuit(dict(r=R(jnp.ones(3)), v=VoltageSource()), {"n": ("r.a", "v.plus"), "gnd": ("r.b", "v.minus")})
        ),
        r"Part `r` must answer at `a` with shape \(\), but answers with \(3,\)",
    ),
    "a complex value": (lambda: divided().set("v.voltage", 1j), r"`v.voltage` must be a real number .* but is complex"),
    "many keys": (
        lambda: divided().fabricate(jax.random.split(jax.random.key(0), 3)),
        r"`key` must be one key, but has shape \(3,\)",
    ),
    "no key": (lambda: divided().fabricate(3), r"`key` must be made by `jax.random.key\(seed\)`, but is 3"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_plausible_mistakes_are_told_in_one_line(case):
    act, words = REFUSED[case]
    with pytest.raises(InputError, match=words):
        act()


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


def test_currents_into_ports_obey_kirchhoff():
    solution = operating_point(divider())
    assert float(solution.current("upper.b") + solution.current("lower.a")) == pytest.approx(0, abs=1e-15)
    assert float(solution.current("source.plus")) == pytest.approx(-1e-3, rel=1e-12)
