"""YAML netlists: what they mean, what is refused, and that what is written reads back."""

import re

import jax
import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.electrical import Resistor
from devsim.exchange import (
    NoiseAnalysis,
    OperatingPoint,
    SmallSignal,
    Transient,
    read,
    read_lumerical,
    read_spice,
    read_touchstone,
    read_yaml,
    write_yaml,
)
from devsim.exchange.quantity import quantity
from devsim.exchange.yaml_reader import parse_yaml, read_yaml_deck
from devsim.yaml_tree import Scalar
from tests.every_device.devices import DEVICES
from tests.exchange.decks import DECKS
from tests.exchange.tables import LUMERICAL, touchstone, unitary

NETLIST = """
devsim: 1
title: two filters
parts:
  supply: {class: VoltageSource, voltage: 5 V}
  first: {class: filter}
  second: {class: filter}
  drive: {class: VoltageSource, voltage: 0, waveform: {class: Sine, amplitude: 100 mV, frequency: 1 kHz}}
nets:
  in: [supply.plus, first.a]
  mid: [first.b, second.a]
  out: [second.b, drive.plus]
  gnd: [supply.minus, drive.minus]
outputs: {out: mid}
circuits:
  filter:
    parts: {r1: {class: Resistor, resistance: 2.2kΩ}, r2: {class: Resistor}, c: {class: Capacitor, capacitance: 10 uF}}
    nets: {x: [r1.a], y: [r1.b, r2.a, c.a], z: [r2.b], gnd: c.b}
    outputs: {a: x, b: z}
analyses:
  operating_point:
  transient: {duration: 1 ms, step: 1 us}
  small_signal: {source: supply, start: 1 Hz, stop: 1 MHz, points_per_decade: 20}
  noise: {output: out, source: supply, start: 1, stop: 10 kHz}
initial: {mid: 1 V}
"""


def leaves(circuit):
    return {name: jax.tree.leaves(part) for name, part in sorted(circuit.parts.items())}


def same(one, other):
    """Equal in every part's class, structure and numbers, and in topology."""
    assert {n: jax.tree.structure(p) for n, p in one.parts.items()} == {
        n: jax.tree.structure(p) for n, p in other.parts.items()
    }
    for name, values in leaves(one).items():
        for a, b in zip(values, leaves(other)[name], strict=True):
            assert a.dtype == b.dtype and np.array_equal(a, b), name
    assert {n: set(p) for n, p in one.nets.items()} == {n: set(p) for n, p in other.nets.items()}
    assert (dict(one.netlist.inputs), dict(one.netlist.outputs)) == (dict(other.netlist.inputs), dict(other.netlist.outputs))


def test_a_netlist_says_what_it_means(tmp_path):
    (tmp_path / "n.yaml").write_text(NETLIST, encoding="utf-8")
    deck = read(tmp_path / "n.yaml")
    assert float(operating_point(deck.circuit)["mid"]) == pytest.approx(2.5)
    assert float(deck.circuit.get("second.r1.resistance")) == 2200.0
    assert float(deck.circuit.get("first.c.capacitance")) == 1e-5
    assert float(deck.circuit["drive"].waveform.amplitude) == 0.1
    assert deck.analyses == (
        OperatingPoint(),
        Transient(1e-3, 1e-6),
        SmallSignal("dec", 20, 1.0, 1e6),
        NoiseAnalysis("out", None, "supply", "dec", 10, 1.0, 1e4),
    )
    assert (deck.title, deck.stimuli, deck.initial) == ("two filters", {"supply": (1.0, 0.0)}, {"mid": 1.0})
    same(deck.circuit, read_yaml(NETLIST))


@pytest.mark.parametrize("name", DEVICES)
def test_every_device_reads_back_as_it_was_written(name):
    part = DEVICES[name]()
    ports = part.ports()
    nets = {port: (f"p.{port}",) for port in ports}
    inputs = {n: n for n, port in ports.items() if port.domain in ("signal", "spike") and not port.drives}
    circuit = Circuit({"p": part}, nets, inputs=inputs, outputs={n: n for n in nets if n not in inputs})
    text = write_yaml(circuit)
    again = read_yaml(text)
    same(circuit, again)
    assert write_yaml(again) == text


@pytest.mark.parametrize("text", [NETLIST, *DECKS.values()], ids=["netlist", *DECKS])
def test_circuits_in_circuits_read_back(text):
    circuit = read_yaml(text) if text is NETLIST else read_spice(text).circuit
    same(circuit, read_yaml(write_yaml(circuit)))


def test_numbers_keep_every_digit():
    values = np.random.default_rng(3).lognormal(0, 30, 5)
    for value in values:
        circuit = Circuit({"r": Resistor(value)}, {"a": ("r.a",), "gnd": ("r.b",)}, outputs={"a": "a"})
        assert float(read_yaml(write_yaml(circuit)).get("r.resistance")) == value


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1 kohm", "ohm", 1e3),
        ("2.2kΩ", "ohm", 2200.0),
        ("-3e-3", "V", -3e-3),
        ("10 nF", "F", 1e-8),
        ("5 uA/Hz^0.5", "A/Hz^0.5", 5e-6),
        ("3 m", "m", 3.0),
        ("3 mm", "m", 3e-3),
        ("7 m^2", "m^2", 7.0),
        ("1.5 µV", "V", 1.5e-6),
        (".inf", "s", np.inf),
        ("1 dB/cm", "dB/cm", 1.0),
    ],
)
def test_a_quantity_may_carry_a_prefix(text, unit, value):
    assert quantity("x", Scalar(text), unit) == value


@pytest.mark.parametrize(
    ("text", "unit", "words"),
    [
        ("1 kohm", "V", "`x` must be in V, but is given in `kohm`"),
        ("5 V", "1", "`x` must be a pure number, but is given in `V`"),
        ("3 um^2", "m^2", "must be in m"),
        ("abc", "V", "must be a number or a number in V, but is `abc`"),
        ("1e999 V", "V", "is too large"),
        ("nan", "V", "must be a number"),
    ],
)
def test_another_unit_is_refused_with_both_units(text, unit, words):
    with pytest.raises(InputError, match=words):
        quantity("x", Scalar(text), unit)


def changed(old, new):
    assert old in NETLIST
    return NETLIST.replace(old, new)


REFUSED = {
    "another version": (changed("devsim: 1", "devsim: 2"), "must say `devsim: 1`, the version of its form, but says '2'"),
    "unknown key": (changed("nets:", "netz:"), "must not have the key `netz`. Did you mean `nets`"),
    "unknown class": (
        changed("class: VoltageSource", "class: VoltageSorce"),
        "but is `VoltageSorce`. Did you mean `VoltageSource`",
    ),
    "unknown field": (
        changed("voltage: 5 V", "voltag: 5 V"),
        "must not have `voltag`: VoltageSource has no such field. Did you mean",
    ),
    "no class": (changed("class: VoltageSource, voltage: 5 V", "voltage: 5 V"), "`parts.supply` must name its `class`"),
    "wrong unit": (changed("voltage: 5 V", "voltage: 5 A"), "`parts.supply.voltage` must be in V, but is given in `A`"),
    "wrong unit of a waveform": (
        changed("100 mV", "100 mA"),
        "`parts.drive.waveform.amplitude` must be in V, but is given in `mA`",
    ),
    "out of bounds": (changed("10 uF", "-10 uF"), "`circuits.filter.parts.c`: `capacitance` must be above 0 F"),
    "infinite": (changed("10 uF", ".inf"), "`circuits.filter.parts.c.capacitance` must be finite, but is `.inf`"),
    "infinite in a list": (changed("voltage: 5 V", "voltage: [1, -.inf]"), "`parts.supply.voltage` must be finite"),
    "no number": (changed("10 uF", ".nan"), "must be a number or a number in F, and finite, but is `.nan`"),
    "wrong child": (
        changed("class: Sine, amplitude: 100 mV, frequency: 1 kHz", "class: Ohmic"),
        "must be a Waveform, but is a Ohmic",
    ),
    "child without class": (
        changed("{class: Sine, amplitude: 100 mV, frequency: 1 kHz}", "3"),
        "must be a mapping with a `class`",
    ),
    "ragged lists": (changed("voltage: 5 V", "voltage: [[1, 2], [3]]"), "its lists differ"),
    "double key": (changed("title: two filters", "title: a\ntitle: b"), "`title` on line 4 stands again"),
    "alias": (changed("{class: filter}", "&f {class: filter}"), "must not use anchors and aliases, but line 6"),
    "tag": (changed("title: two filters", "title: !!python/object:os.system x"), "must not use tags, but line 3"),
    "two documents": (NETLIST + "---\na: 1\n", "must be one document"),
    "no YAML": ("devsim: [1\nparts: }", "must be YAML, but line 2 is not"),
    "itself": (changed("r2: {class: Resistor}", "r2: {class: filter}"), "`circuits.filter` must not be made of itself"),
    "name of a class": (changed("  filter:\n", "  Diode:\n    parts: {}\n  filter:\n"), "must not have the name of a class"),
    "loose pin": (changed("gnd: [supply.minus, drive.minus]", "gnd: [supply.minus]"), "`drive.minus` is on none"),
    "loose pin inside": (changed(", gnd: c.b}", "}"), "`circuits.filter`: Every pin must be on a net"),
    "no pin": (changed("out: [second.b", "out: [{a: b}"), "must list pins as `part.port`, but holds a dict"),
    "a net without a name": (changed("out: [second.b", '"": [second.b'), "`nets` must have names, but one is empty"),
    "a table without a folder": (
        changed("r2: {class: Resistor}", "r2: {class: Touchstone, file: a.s2p}"),
        "`circuits.filter.parts.r2.file`: other files are read only where a folder for them is given; pass `folder=`",
    ),
    "no parts": ("devsim: 1\nparts: {}\n", "`parts` must hold at least one part"),
    "unknown analysis": (changed("transient:", "transiente:"), "There is no analysis `transiente`. Did you mean `transient`"),
    "unknown setting": (changed("step: 1 us", "stepp: 1 us"), "`analyses.transient.stepp` is not known. Did you mean `step`"),
    "missing setting": (changed(", step: 1 us", ""), "`analyses.transient` must give `step`"),
    "wrong unit of a setting": (changed("step: 1 us", "step: 1 uV"), "`analyses.transient.step` must be in s"),
    "unknown source": (
        changed("source: supply, start: 1 Hz", "source: suply, start: 1 Hz"),
        "There is no source `suply`. Did you mean",
    ),
    "unknown output": (changed("output: out", "output: outt"), "There is no net `outt`. Did you mean"),
    "a list": ("- 1\n- 2\n", "`netlist` must be a mapping"),
    "nothing": ("\n", "`netlist` must be a mapping"),
    "a control character": ('devsim: 1\ntitle: "a\\nb"\n', "one line of printable characters, but that on line 2"),
    "too deep": ("a: " + "[" * 60 + "\n", "at most 24 deep"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_netlist_is_refused_with_the_place_and_the_reason(name):
    text, words = REFUSED[name]
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        read_yaml_deck(text)
    assert "\n" not in str(caught.value)


TABLE = "devsim: 1\nparts: {{t: {}}}\nnets: {{a: [t.{}], b: [t.{}]}}\noutputs: {{a: a, b: b}}\n"
GAIN = (
    "{class: TabulatedScatterer, names: [x, y], entries: [[x, y]], frequencies: [1.9e14, 2e14], imaginary: [[0], [0]], real: "
)


def test_a_part_may_be_a_table_in_a_file_beside_the_netlist(tmp_path):
    (tmp_path / "lossy.sparam").write_text(LUMERICAL)
    frequencies = np.array([1.90e14, 1.92e14, 1.96e14])
    (tmp_path / "lossless.s2p").write_text(touchstone(frequencies, unitary(1, 3, 2)))
    for file, kind, ports, wanted in (
        ("lossy.sparam", "Lumerical", ("port_1", "port_2"), read_lumerical(tmp_path / "lossy.sparam")),
        ("lossless.s2p", "Touchstone", ("x", "y"), read_touchstone(tmp_path / "lossless.s2p", ports=["x", "y"])),
    ):
        settings = f"{{class: {kind}, file: {file}, wavelength: 1555 nm, passive: enforce, ports: [{', '.join(ports)}]}}"
        (tmp_path / "n.yaml").write_text(TABLE.format(settings, *ports))
        circuit = read(tmp_path / "n.yaml").circuit
        assert float(circuit["t"].wavelength) == 1555e-9
        np.testing.assert_allclose(circuit["t"].real, wanted.real, atol=1e-12)
        same(circuit, read_yaml(write_yaml(circuit)))


def test_a_table_that_amplifies_says_so_or_is_refused(tmp_path):
    (tmp_path / "gain.sparam").write_text(LUMERICAL.replace("0.9 1.0", "1.2 1.0"))
    table = lambda more: TABLE.format(f"{{class: Lumerical, file: gain.sparam{more}}}", "port_1", "port_2")
    words = r"`parts.t`: A passive part must not amplify, but .*gain.sparam.* has a gain of 1.2"
    with pytest.raises(InputError, match=words):
        read_yaml(table(""), folder=tmp_path)
    again = write_yaml(read_yaml(table(", passive: ignore"), folder=tmp_path))
    assert "amplifies: true" in again
    with pytest.raises(InputError, match=r"`parts.t`: A passive part must not amplify, but the table has a gain of 1.2"):
        read_yaml(again.replace("amplifies: true", "amplifies: false"))
    with pytest.raises(InputError, match=r"a gain of 1.2 in amplitude at .* set `amplifies` for an amplifier"):
        read_yaml(TABLE.format(GAIN + "[[1.0], [1.2]]}", "x", "y"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("class: Lumerical", "`parts.t` must name its `file`, but gives None"),
        ("class: Lumerical, file: ../gain.sparam", "`parts.t.file` must be a file inside the folder of the netlist"),
        ("class: Lumerical, file: n.yaml", "`parts.t`: "),
        ("class: Touchstone, file: n.yaml, mode: TE", "`parts.t` must not have `mode`"),
        ("class: Touchstone, file: n.yaml, conjugate: 3", "`parts.t.conjugate` must be true or false, but is `3`"),
        ("class: Touchstone, file: n.yaml, ports: x", "`parts.t.ports` must be a list of names"),
        ("class: Touchstone, file: n.yaml, wavelength: 3 s", "`parts.t.wavelength` must be in m, but is given in `s`"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_its_place(tmp_path, settings, words):
    (tmp_path / "n.yaml").write_text(TABLE.format(f"{{{settings}}}", "a", "b"))
    with pytest.raises(InputError, match=re.escape(words)):
        read(tmp_path / "n.yaml")


def test_circuits_that_multiply_stop_before_they_are_built():
    inside = ", ".join(f"p{k}: {{class: c%d}}" for k in range(10))
    levels = [f"  c{i}: {{parts: {{{inside % ((i + 1,) * 10)}}}}}" for i in range(10)]
    text = "\n".join(["devsim: 1", "parts: {a: {class: c0}}", "circuits:", *levels, "  c10: {parts: {r: {class: Resistor}}}"])
    with pytest.raises(InputError, match="at most 100000 parts, but comes to 10000000000"):
        parse_yaml(text)


def test_what_is_not_of_this_package_cannot_be_written():
    class Mine(Resistor):
        """A part that no file can name."""

    circuit = Circuit({"m": Mine()}, {"a": ("m.a",), "gnd": ("m.b",)}, outputs={"a": "a"})
    with pytest.raises(InputError, match="`m` cannot be written: `Mine` is not a class of devsim's own devices"):
        write_yaml(circuit)
