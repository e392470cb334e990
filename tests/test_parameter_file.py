"""The file in which a fit leaves its parameters: written, read, put into a chip, and refused."""

import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.electrical.passive import Resistor
from devsim.devices.electrical.sources import VoltageSource
from devsim.parameter_file import Estimate, ParameterFile, parsed, read_parameter_file, sha256
from devsim.yaml_tree import yaml_tree

FOUND = ParameterFile(
    {
        "device.resistance": Estimate(1.5e3, 1.4e3, None, "ohm"),
        "device.resistance_spread": Estimate(0.1, 0.05, 0.2, "1"),
        "offset": Estimate(-1e-9, None, None, "A"),
    },
    1e-3,
    "resistor",
    {"name": "my data.csv", "sha256": sha256(b"rows"), "rows": 12},
    "A",
    {"loss": "linear", "warnings": ["`a`: b"], "confidence": 0.95, "versions": {"jax": "0.7"}},
)
TEXT = FOUND.yaml()
MARKS = "aé:{}[]-,\"'&*!#|>\n\t .0e\0"


def divider():
    parts = {"supply": VoltageSource(1.0, source_resistance=50.0), "upper": Resistor(1e3), "lower": Resistor(1e3)}
    nets = {"top": ("supply.plus", "upper.a"), "middle": ("upper.b", "lower.a"), "gnd": ("supply.minus", "lower.b")}
    return Circuit(parts, nets)


def test_what_is_written_is_read(tmp_path):
    FOUND.write(tmp_path / "fit.yaml")
    assert read_parameter_file(tmp_path / "fit.yaml") == FOUND
    assert yaml.safe_load(TEXT)["parameters"]["offset"] == {"value": -1e-9, "low": None, "high": None, "unit": "A"}


words = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=20).filter(
    lambda s: s.isprintable() and s == s.strip()
)
numbers = st.floats(-1e300, 1e300)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(words, st.tuples(numbers, st.booleans(), words), min_size=1, max_size=4), words, numbers,
    st.dictionaries(words, words | st.integers(0, 10**9), max_size=3),
    st.dictionaries(words, words | st.lists(words), max_size=3), st.none() | words,
)  # fmt: skip
def test_any_file_comes_back(rows, model, rms, data, told, at):
    estimates = {path: Estimate(v, v if known else None, v if known else None, unit) for path, (v, known, unit) in rows.items()}
    file = ParameterFile(estimates, rms, model, data, "1", told, at)
    assert parsed(file.yaml()) == file


@settings(max_examples=500, deadline=None)
@given(
    st.integers(0, len(TEXT)),
    st.integers(0, 30),
    st.text(st.sampled_from("aé:{}[]-,\"'&*!#|>\n\t .0e\0") | st.characters(), max_size=8),
)
def test_a_spoilt_file_is_refused_in_one_line_or_read(place, gone, put):
    spoilt = TEXT[:place] + put + TEXT[place + gone :]
    try:
        found = parsed(spoilt)
    except InputError as error:
        lines = str(error).count("\n") + 1
    else:
        lines = 1 if all(math.isfinite(e.value) for e in found.parameters.values()) else 0
    assert lines == 1


REFUSED = {
    "no yaml": ("model: {", "A parameter file must be YAML, but line 2 is not"),
    "list": ("- 1", "`the file` on line 1 must be a mapping (`name: value`), but is a list."),
    "empty": ("", "`the file` on line 1 must be a mapping (`name: value`), but is nothing."),
    "missing": ("model: a\ndata: {}", "`the file` on line 1 must have `parameters`, but has not."),
    "more": (TEXT + "extra: 1\n", "A parameter file has no `extra` (line 19)."),
    "word": (TEXT.replace("1500.0", "soon"), "`device.resistance.value` on line 8 must be a finite number, but is `soon`."),
    "inf": (TEXT.replace("1500.0", ".inf"), "must be a finite number, but is `.inf`."),
    "huge": (TEXT.replace("1500.0", "1e999"), "must be a finite number, but is `1e999`."),
    "order": (TEXT.replace("1400.0", "1600.0"), "on line 8 must have low, value and high in this order"),
    "unit": (TEXT.replace(", unit: ohm", ""), "`device.resistance` on line 8 must have `unit`, but has not."),
    "alias": (TEXT.replace("1500.0", "&a 1"), "must not use anchors and aliases, but line 8 has one"),
    "tag": (TEXT.replace("1500.0", "!!python/object:os.system 1"), "must not use tags, but line 8 has"),
    "twice": (TEXT + "model: b\n", "must have each key once, but `model` on line 19 stands again."),
    "two documents": (TEXT + "---\n" + TEXT, "must be one document, but line 19 begins another."),
    "deep": ("a: " + "[" * 40, "must nest at most 24 deep, but line 1 goes deeper."),
    "large": ("#" * 2_000_001, "must have at most 2000000 characters, but has 2000001."),
    "none": (TEXT[: TEXT.index("  device.resistance:")] + "  {}\nresidual_rms: 1", "must hold at least one, but is empty."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_parameter_file_is_told_with_its_line(name):
    text, told = REFUSED[name]
    with pytest.raises(InputError, match=r"^[^\n]*$") as error:
        parsed(text)
    assert told in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"The parameter file `.*` must be readable, but is not: No such file"):
        read_parameter_file(tmp_path / "nothing.yaml")
    with pytest.raises(InputError, match="must be readable, but is not: Is a directory"):
        read_parameter_file(tmp_path)


def test_values_go_where_the_device_is_and_the_bench_stays_behind():
    chip = FOUND.applied(divider(), at="upper")
    assert [float(chip.get(f"{name}.resistance")) for name in ("upper", "lower")] == [1500, 1000]
    assert float(chip.get("upper.resistance_spread")) == pytest.approx(0.1)
    assert float(FOUND.applied(Resistor(1.0)).resistance) == 1500
    there = parsed(TEXT + "at: lower\n").applied(divider())
    assert float(there.get("lower.resistance")) == 1500


def test_a_place_that_is_not_clear_is_told():
    with pytest.raises(InputError, match=r"but these have: `lower`, `upper`; say which with `at`"):
        FOUND.applied(divider())
    with pytest.raises(InputError, match=r"`at` must be a place that has the knob `resistance`, but `uper.resistance` is none"):
        FOUND.applied(divider(), at="uper")
    volts = parsed(TEXT.replace("unit: ohm", "unit: V"))
    with pytest.raises(InputError, match=r"`upper.resistance` must have the unit of the file, V, but has ohm"):
        volts.applied(divider(), at="upper")
    with pytest.raises(InputError, match=r"but none has. Nearest is `lower`, without `resistance` in those units"):
        volts.applied(divider())
    with pytest.raises(InputError, match="must hold parameters of the device"):
        ParameterFile({"offset": FOUND.parameters["offset"]}, 1.0, "resistor", {}).applied(divider())


def test_parameters_of_one_class_do_not_go_into_another():
    file = parsed(TEXT + "part: Thermistor\n")
    with pytest.raises(InputError, match=r"those of a Thermistor, but `lower` is a Resistor and `upper` is a Resistor"):
        file.applied(divider())
    assert float(file.applied(divider(), at="upper").get("upper.resistance")) == 1500
    assert float(parsed(TEXT + "part: Resistor\n").applied(Resistor(1.0)).resistance) == 1500


def test_nodes_say_what_they_are():
    root = yaml_tree("a: [1, x]\nb:\n  c: 'yes'\n  d: true", what="A file").mapping("root")
    assert [item.value for item in root["a"].items("a")] == [1, "x"]
    assert root["b"].mapping("b")["c"].text("c") == "yes"
    assert (root["b"].mapping("b")["d"].value, root["b"].value["d"].line) == (True, 4)
    with pytest.raises(InputError, match="`b` on line 3 must be a list, but is a mapping"):
        root["b"].items("b")
    with pytest.raises(InputError, match="`d` on line 4 must be a finite number, but is `true`"):
        root["b"].value["d"].number("d")
