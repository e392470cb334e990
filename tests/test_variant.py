"""Variants: small YAML files that inherit, and every way in which one can be wrong."""

import jax
import numpy as np
import pytest

from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.electrical.passive import Resistor
from devsim.devices.electrical.sources import VoltageSource
from devsim.parameter_file import Estimate, ParameterFile
from devsim.variability import Varied
from devsim.variant import DEEPEST, Fitted, Said, Variant, read_variant
from tests.test_variability import Series


@pytest.fixture(scope="module")
def chip():
    return Series.design()


@pytest.fixture
def put(tmp_path):
    """Writes a file and tells its path."""

    def write(text, name="thin.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def fitted(path, **values):
    """A parameter file of a resistor."""
    estimates = {f"device.{name}": Estimate(value, value, value, unit) for name, (value, unit) in values.items()}
    ParameterFile(estimates, 0.1, "resistor", {"name": "data.csv"}).write(path)


EVERYTHING = """
chip: series
title: Thin  wires
notes: as measured
set: {upper.resistance: 1.5e3, lower.resistance: 2.5e3}
vary:
  die: {offset: 2}
  process: {lower.resistance: 0.1}
scale: {"*_spread": 2, die.*: 0.5}
only: [device, die]
"""


def test_a_file_says_everything_that_options_say(put, chip):
    variant = read_variant(put(EVERYTHING))
    assert (variant.chip.value, variant.title, variant.notes) == ("series", "Thin wires", "as measured")
    made = variant.made(chip, key=jax.random.key(0))
    assert isinstance(made.chip, Varied)
    found = {path: float(made.chip.get(path)) for path in ("upper.resistance", "upper.resistance_spread", "die.offset")}
    assert found == {"upper.resistance": 1500.0, "upper.resistance_spread": pytest.approx(0.04), "die.offset": 1.0}
    assert made.chip.get("process.lower.resistance") == made.chip.get("noise") == made.chip.get("offset") == 0.0
    assert made.parameters == {"upper.resistance": 1500.0, "lower.resistance": 2500.0}
    assert made.told == [
        "The standard deviation of `offset` from die to die is 2 ohm.",
        "The relative standard deviation of `lower.resistance` from lot to lot is 0.1.",
        "What matches `*_spread` is 2 times as far from ideal.",
        "What matches `die.*` is 0.5 times as far from ideal.",
        "Of the imperfections only those of device and die are left; all others are ideal.",
    ]


def test_a_variant_without_changes_is_the_chip(put, chip):
    made = read_variant(put("chip: series")).made(chip)
    assert made.chip is chip
    assert (made.parameters, made.told) == ({}, [])


def test_a_variant_inherits_and_goes_before_its_base(put, chip):
    put(
        "chip: series\ntitle: base\nset: {upper.resistance: 1, lower.resistance: 2}\nonly: device\nscale: {noise: 3}",
        "a/one.yaml",
    )
    put("base: ../a/one.yaml\nset: {lower.resistance: 3}\nscale: {noise: 2}", "b/two.yaml")
    variant = read_variant(put("base: b/two.yaml\nonly: [cycle, device]\ntitle: mine"))
    made = variant.made(chip)
    assert (variant.chip.value, variant.title) == ("series", "mine")
    assert made.parameters == {"upper.resistance": 1.0, "lower.resistance": 3.0}
    assert float(made.chip.get("noise")) == 18.0
    assert float(made.chip.get("upper.resistance_spread")) == pytest.approx(0.02)


def test_parameters_come_from_files_beside_the_variant_and_what_is_set_goes_before_them(put, chip):
    fitted(put("", "fits/cell.yaml"), resistance=(42.0, "ohm"), resistance_spread=(0.3, "1"))
    text = "chip: series\nset: {upper.resistance: 5}\nparameters: {file: fits/cell.yaml, at: upper}"
    made = read_variant(put(text)).made(chip)
    assert made.parameters == {"upper.resistance": 5.0, "upper.resistance_spread": 0.3}
    assert float(made.chip.get("upper.resistance_spread")) == pytest.approx(0.3)
    assert made.told == ["The parameters of `upper` are those of `cell.yaml`."]
    child = read_variant(put("base: thin.yaml\nparameters: [{file: fits/cell.yaml, at: lower}]", "child.yaml")).made(chip)
    assert float(child.chip.get("lower.resistance")) == 42.0
    again = Variant(Said("series"), steps=(Said(Fitted(put("", "x").parent / "fits/cell.yaml", "upper")),))
    assert float(read_variant(put(text)).followed_by(again).made(chip).chip.get("upper.resistance")) == 42.0


def test_a_list_fills_an_array(put):
    many = Circuit(
        {"supply": VoltageSource(1.0), "load": Resistor(np.ones(3))},
        {"top": ("supply.plus", "load.a"), "gnd": ("supply.minus", "load.b")},
    )
    made = read_variant(put("chip: any\nset: {load.resistance: [1, 2, 3]}")).made(many)
    assert made.parameters == {"load.resistance": [1.0, 2.0, 3.0]}
    assert made.chip.get("load.resistance").tolist() == [1.0, 2.0, 3.0]


MALFORMED = {
    "no mapping": ("- chip", "`the variant` on line 1 must be a mapping"),
    "empty": ("", "must be a mapping .* but is nothing"),
    "no chip": ("title: x", "line 1: A variant must have a `chip` or a `base`, but has neither"),
    "both": ("chip: series\nbase: x.yaml", "must have a `chip` or a `base`, but has both"),
    "unknown key": ("chip: series\nsett: {}", "line 2: A variant has no `sett`. Did you mean `set`"),
    "twice": ("chip: series\nset: {a: 1}\nset: {a: 2}", "each key once, but `set` on line 3 stands again"),
    "no yaml": ("chip: [series", "must be YAML, but line . is not"),
    "tag": ("chip: !!python/object:os.system x", "must not use tags, but line 1"),
    "alias": ("chip: &a series\ntitle: *a", "must not use anchors"),
    "no name": ("chip: [a]", "line 1: `chip` on line 1 must be a word, but is a list"),
    "set no mapping": ("chip: series\nset: 3", "line 2: `set` on line 2 must be a mapping"),
    "set a word": (
        "chip: series\nset:\n  upper.resistance: big",
        "line 3: `upper.resistance` on line 3 must be a finite number, but",
    ),
    "set nan": ("chip: series\nset:\n  upper.resistance: .nan", "line 3: `upper.resistance` .* must be a finite number"),
    "set a list of words": ("chip: series\nset:\n  upper.resistance: [1, x]", "line 3: .* must be a finite number, but is `x`"),
    "vary a level": (
        "chip: series\nvary:\n  dye: {offset: 1}",
        "line 3: `vary` must be one of die, process.*Did you mean `die`",
    ),
    "vary a number": ("chip: series\nvary:\n  die: 1", "line 3: `vary.die` on line 3 must be a mapping"),
    "scale a word": ("chip: series\nscale:\n  noise: x", "line 3: `noise` on line 3 must be a finite number"),
    "only a mapping": ("chip: series\nonly: {a: 1}", "line 2: `only` on line 2 must be a word, but is a mapping"),
    "file a list": ("chip: series\nparameters: [[a]]", "line 2: `parameters` on line 2 must be a word, but is a list"),
    "file unnamed": (
        "chip: series\nparameters: {at: upper}",
        "line 2: `parameters` must be names of files.* but has no `file`",
    ),
    "file with more": ("chip: series\nparameters: {file: a, to: upper}", "line 2: .* but has `to`"),
    "no base": (
        "base: none.yaml",
        ", line 1: `.*none.yaml`: A variant must be a file that can be read.*No such file",
    ),
    "itself": ("base: thin.yaml", "line 1: `base` must not lead back to where it began, but `.*thin.yaml` is based on itself"),
}


@pytest.mark.parametrize("mistake", MALFORMED)
def test_what_is_malformed_is_told_with_file_and_line(mistake, put):
    text, words = MALFORMED[mistake]
    with pytest.raises(InputError, match=f"^`.*thin.yaml`.*{words}") as told:
        read_variant(put(text))
    assert "\n" not in str(told.value)


REFUSED = {
    "unknown path": ("set:\n  uper.resistance: 1", "line 3: There is no parameter `uper.resistance`. Did you mean"),
    "out of bounds": ("set:\n  upper.resistance: -1", "line 3: `upper.resistance` must be above 0 ohm, but is -1"),
    "wrong shape": ("set:\n  upper.resistance: [1, 2]", r"line 3: `upper.resistance` must be a number, but has shape \(2,\)"),
    "unknown level": ("only: [devise]", "line 2: `only` must be one of .*Did you mean `device`"),
    "no match": ("scale:\n  upper.resistance_sprad: 2", "line 3: .* must match an imperfection.*Did you mean"),
    "no lot": ("vary:\n  process: {upper.resistance: 0.1}", "line 3: `key` must be made by"),
    "negative": ("vary:\n  die: {upper.resistance: -0.1}", "line 3: `die:upper.resistance` must be at least 0"),
    "no file": ("parameters:\n  - none.yaml", "line 3: `.*none.yaml`: The parameter file .* must be readable"),
    "several places": ("parameters:\n  - cell.yaml", "line 3: `.*cell.yaml`: One place .* these have: `lower`, `upper`"),
    "no place": ("parameters:\n  - {file: cell.yaml, at: uper}", "line 3: `.*cell.yaml`: `at` must be a place"),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_what_the_chip_refuses_is_told_with_file_and_line(mistake, put, chip):
    text, words = REFUSED[mistake]
    fitted(put("", "cell.yaml"), resistance=(42.0, "ohm"))
    variant = read_variant(put(f"chip: series\n{text}"))
    with pytest.raises(InputError, match=f"^`.*thin.yaml`, {words}"):
        variant.made(chip)


def test_bases_in_a_circle_or_too_deep_are_refused(put):
    put("base: b.yaml", "a.yaml")
    b = put("base: a.yaml", "b.yaml")
    with pytest.raises(InputError, match=r"^`.*a\.yaml`, line 1: `base` must not lead back .* `.*b\.yaml` is based on itself"):
        read_variant(b)
    put("chip: series", "0.yaml")
    for i in range(1, DEEPEST + 2):
        last = put(f"base: {i - 1}.yaml", f"{i}.yaml")
    assert read_variant(last.parent / f"{DEEPEST}.yaml").chip.value == "series"
    with pytest.raises(InputError, match=rf"^`.*1\.yaml`, line 1: `base` must lead to a chip in at most {DEEPEST} steps"):
        read_variant(last)


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "bytes.yaml").write_bytes(b"chip: \xff")
    for name, words in (("none.yaml", "No such file"), (".", "Is a directory"), ("bytes.yaml", "byte 6 is none")):
        with pytest.raises(InputError, match=words):
            read_variant(tmp_path / name)
    with pytest.raises(InputError, match="can be read"):
        read_variant("a\0b.yaml")
