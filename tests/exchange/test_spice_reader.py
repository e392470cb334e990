"""Decks: against ngspice, and what is refused."""

import math

import jax
import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point
from devsim.check import InputError
from devsim.exchange import NoiseAnalysis, OperatingPoint, SmallSignal, Transient, read, read_spice
from devsim.exchange.spice_reader import parse_spice
from tests.exchange.decks import DECKS, DIODES, FULL
from tests.exchange.ngspice_runs import potentials
from tests.external.ngspice import needs_ngspice


@needs_ngspice
@pytest.mark.parametrize("name", DECKS)
def test_a_deck_has_the_operating_point_that_ngspice_finds(name, tmp_path):
    deck = read_spice(DECKS[name])
    solution = operating_point(deck.circuit)
    nodes = [net for net in solution.nets() if "#" not in net]
    theirs = potentials(tmp_path, DECKS[name], nodes)
    np.testing.assert_allclose([float(solution[n]) for n in nodes], theirs, rtol=1e-7, atol=1e-12)


@needs_ngspice
def test_diodes_differ_from_ngspice_by_its_constants_only(tmp_path):
    solution = operating_point(read_spice(DIODES).circuit)
    theirs = potentials(tmp_path, DIODES, ["2", "3"])
    np.testing.assert_allclose([float(solution[n]) for n in "23"], theirs, rtol=1e-6)  # kT/q of CODATA 2014: 3.4e-7 less


def test_everything_that_the_dot_cards_say_is_kept():
    deck = read_spice(FULL)
    assert deck.title == "everything else"
    assert deck.analyses == (
        NoiseAnalysis("a", "b", "v1", "dec", 10, 1.0, 1e3),
        Transient(1e-6, 1e-9, 0.0, 1e-9, from_initial=True),
    )
    assert deck.stimuli == {"v1": (2.0, pytest.approx(math.pi / 2))}
    assert deck.initial == {"a": 1.0, "b": 2.0}
    assert deck.power_up == {"a": 1.0, "b": 2.0}
    assert [w for w in deck.warnings if "reltol" in w]
    assert float(deck.circuit.get("r1.temperature")) == pytest.approx(323.15)
    assert read_spice(DECKS["dividers in dividers"]).analyses == (
        OperatingPoint(), Transient(1e-3, 1e-6), SmallSignal("dec", 10, 1.0, 1e6),
    )  # fmt: skip


def test_a_waveform_replaces_the_direct_value_in_a_transient_only():
    deck = read_spice(FULL)
    still, moving = deck.circuit["v1"], deck.transient_circuit["v1"]
    assert (float(still.voltage), still.waveform) == (1.0, None)
    assert float(moving.voltage) == 0.0
    wave = jax.vmap(moving.waveform)(np.array([0.0, 1.5e-9, 3e-6, 8e-6, 1.3e-5]))
    np.testing.assert_allclose(wave, [0, 0.5, 1, 0, 1], atol=1e-9)
    assert float(deck.circuit["v2"].voltage) == pytest.approx(1.0)  # sin(90 degrees): its value at rest
    values = jax.vmap(deck.transient_circuit["v3"].waveform)(np.array([0.5e-6, 1.5e-6, 9.0]))
    np.testing.assert_allclose(values, [0.5, 0.5, 0.0], atol=1e-12)


EXTRAS = """what other programs ask for
V1 d 0 3
M1 d d 0 0 n L=1u, W=10u
.model n nmos(vto=0.7, kp=1e-4)
R1 d e 0
X1 e 0 s m=2
.subckt s p q
R1 p x 1k
I1 q x 1m
R2 x q 1k
.ends
.dc V1 0 1 0.1
.tf v(e) V1
.control
run
print v(e) = 'unfinished
.endc
.op
"""


@needs_ngspice
def test_what_other_programs_ask_for_is_passed_over_and_the_circuit_is_theirs(tmp_path):
    deck = read_spice(EXTRAS)
    assert [warning.partition(" `")[0] for warning in deck.warnings] == ["line 12", "line 13", "line 14", "line 5"]
    assert "line 5 `R1 d e 0`: 0 ohm is taken as 1 mohm, as by ngspice" in deck.warnings
    solution = operating_point(deck.circuit)
    cards = EXTRAS.partition(".dc")[0]
    theirs = potentials(tmp_path, cards, ["e", "x1.x"])
    np.testing.assert_allclose([float(solution[n]) for n in ("e", "x1.x")], theirs, rtol=1e-7)
    assert float(deck.circuit["m1"].width) == 1e-5


def test_what_starts_under_uic_follows_from_capacitor_to_capacitor():
    cards = "c1 a b 1u ic=2\nc2 b 0 1u ic=-1\nc3 c d 1u ic=3\nl1 a 0 1m ic=5m\nl2 c 0 1m\nk1 l1 l2 0.5\nr1 d 0 1\n"
    deck = read_spice(f"t\n{cards}.ic v(c)=4\n.tran 1n 1u uic\n")
    assert deck.power_up == {"a": 1.0, "b": -1.0, "c": 4.0, "d": 1.0, "k1.primary_current": 5e-3}
    still = read_spice(f"t\n{cards}.tran 1n 1u\n")
    assert still.power_up == {}
    assert "line 2 `c1 a b 1u ic=2`: `ic` ignored: it counts for a `.tran` with `uic` only" in still.warnings
    with pytest.raises(InputError, match=r"line 3 .* `c2` must start with .* in its loop leave, 1 V, but starts with 2 V"):
        read_spice("t\nc1 a 0 1u ic=1\nc2 a 0 1u ic=2\n.tran 1n 1u uic\n")


def test_edges_that_are_left_out_last_one_step_as_in_ngspice():
    deck = read_spice("t\nv1 a 0 pulse(0 1)\nr1 a 0 1\n.tran 2n 1u\n")
    wave = deck.transient_circuit["v1"].waveform
    assert (float(wave.rise_time), float(wave.width), float(wave.period)) == (2e-9, 1e-6, 0.0)
    with pytest.raises(InputError, match=r"there is no `.tran`; give all times"):
        read_spice("t\nv1 a 0 pulse(0 1)\nr1 a 0 1\n")


def test_what_is_inside_a_subcircuit_has_a_dotted_name():
    circuit = read_spice(DECKS["dividers in dividers"]).circuit
    assert float(circuit.get("xa.xin.r1.resistance")) == 2000.0
    assert float(circuit.get("xb.xin.r2.resistance")) == 1000.0
    assert "xa.xin.m" in circuit.nets


def test_files_are_included_from_the_folder_of_the_deck_and_from_nowhere_else(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "r.inc").write_text("R1 a b 1k\n.include lib/more.inc\n")
    (tmp_path / "lib" / "more.inc").write_text("R2 b 0 3k\n")
    (tmp_path / "models.lib").write_text(".lib slow\nR3 b 0 1\n.endl\n.lib fast\nR3 b 0 3k\n.endl\n")
    (tmp_path / "loop.inc").write_text(".include loop.inc\n")
    deck = "t\nV1 a 0 5\n.include 'lib/r.inc'\n.lib models.lib fast\n.end\n"
    (tmp_path / "d.cir").write_text(deck)
    assert float(operating_point(read(tmp_path / "d.cir").circuit)["b"]) == pytest.approx(3.0)
    with pytest.raises(InputError, match="pass `folder=`"):
        read_spice(deck)
    for name in ("../d.cir", "/etc/hostname", "none.inc", "lib/../../d.cir"):
        with pytest.raises(InputError, match="must be a file inside the folder of the deck"):
            read_spice(f"t\n.include {name}\n", folder=tmp_path / "lib")
    with pytest.raises(InputError, match="at most 8 deep"):
        read_spice("t\n.include loop.inc\n", folder=tmp_path)
    with pytest.raises(InputError, match=r"must have a section `.lib none`"):
        read_spice("t\n.lib models.lib none\n", folder=tmp_path)


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "secret").write_text("R1 a b 1k\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.inc").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="must be a file inside the folder of the deck"):
        read_spice("t\n.include link.inc\n", folder=tmp_path / "in")


R = "r9 a 0 1k\n"
REFUSED = {
    "q1 a b c m\n": "line 2 `q1 a b c m`: elements `Q` are not supported; known are C, D",
    "r1 a b\n": "with one value",
    "r1 a b -5\n": "must be above 0 ohm, but is -5 ohm",
    "r1 a b 1k 2k\n": "but goes on with `2k`",
    "r1 a b {x}\n": "There is no parameter `x`",
    "r1 a b 1k foo=2\n": "`foo` is not supported here; known are r",
    "r1 a b 1k tc2=2\n": "linear in the temperature",
    "c1 a b -1n\n": "line 2 `c1 a b -1n`: `capacitance` must be above 0 F",
    R + R: "line 3 `r9 a 0 1k`: the name `r9` must be given to one element only",
    "v1 a 0 sffm(0 1)\n": "the source `sffm` is not supported",
    "v1 a 0 pwl(0 1 0 2)\n": "the times of `pwl` must ascend",
    "v1 a 0 pwl(0 1 2)\n": "pairs of a time and a value",
    "v1 a 0 1 2\n": "but has `2` more",
    "e1 a 0 poly(1) b 0 1\n": "only linear controlled sources",
    "f1 a 0 vx 2\n": "`vx` must be a VoltageSource",
    "k1 la lb 0.5\n": "`la` must be a Inductor|must be a",
    "d1 a 0 dm\n": "there is no model `dm`",
    "d1 a 0 dm\n.model dm npn\n": "must be of kind `d`, but is `npn`",
    "d1 a 0 dm\n.model dm d(foo=1)\n": "the parameter `foo` of model `dm` is not supported",
    "m1 d g s b n\n.model n nmos(level=54)\n": "only transistors of level 1",
    "x1 a b s\n": "there is no subcircuit `s`",
    "x1 a s\n.subckt s a b\n.ends\n": "must be given 2 nodes, but is given 1",
    "x1 a b s q=1\n.subckt s a b\n.ends\n": "`q` is not supported here",
    "x1 a b s\n.subckt s a b\nx2 a b s\n.ends\n": "must not be made of itself",
    ".subckt s a b\nr1 a b 1\n": "must be closed by `.ends`",
    ".ends\n": "must follow a `.subckt`",
    ".param a={b} b={a}\n": "must not depend on itself",
    ".control\nrun\n": "line 2 `.control`: a `.control` must be closed by `.endc`",
    ".endc\n": "`.endc` must follow a `.control`",
    ".parm x=1\n": "`.parm` is not supported; known are .ac, .*.model, .*.param, .*. Did you mean `.param`",
    "k1 l1 l2 l3 0.5\n": "windings are coupled in pairs, each of them in one pair",
    "x1 a 0 s m=1.5\n.subckt s a b\nr1 a b 1\n.ends\n": "must be a whole number of copies, but is 1.5",
    ".tran 1n\n": r"it must be `.tran step stop",
    ".tran 1n 1u 2u\n": "before the stop",
    ".tran 1e-30 1\n": "at most 10000000 points",
    ".ac dec 10 0 1k\n": "line 2 `.ac dec 10 0 1k`: the frequencies must be above 0 Hz and ascend, but go from 0 Hz to 1000 Hz",
    ".ac lin 11 0 1k\n": "line 2 `.ac lin 11 0 1k`: the frequencies must be above 0 Hz",
    "d1 a 0 dm\n.model dm d(cjo=-1p)\n": "line 2 `d1 a 0 dm`: `junction_capacitance` must be at least 0 F",
    "d1 a 0 dm temp=600\n.model dm d(cjo=1p vj=0.6)\n": "line 2 .* `vj` must fit the temperature",
    ".noise v() v1 dec 10 1 1k\n": r"it must be `.noise v\(out",
    R + ".noise v(zz) r9 dec 10 1 1k\n": "there is no net `zz`",
    R + ".noise v(a) v9 dec 10 1 1k\n": "there is no source `v9`",
    R + ".ic v(zz)=1\n": "there is no net `zz`",
    "+ 1k\n": "a continuation must follow",
    "r1 a b {1k\n": "opened must be closed",
    "r1 a.b c 1k\n": "must not hold a dot",
    "* nothing\n": "must hold at least one element",
    "5r a b 1\n": "must begin with the name of an element",
    "r1 a b 1k\x00\n": r"line 2 holds the character U\+0000",
}


@pytest.mark.parametrize("cards", REFUSED)
def test_a_bad_deck_is_refused_with_the_line_and_the_reason(cards):
    with pytest.raises(InputError, match=REFUSED[cards]) as caught:
        read_spice(f"title\n{cards}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["nothing.cir", "\n", b"", 5])
def test_what_is_no_deck_is_refused(source):
    with pytest.raises(InputError, match=r"must be a file|must not be empty|must be a path or a text"):
        read_spice(source)


def test_a_file_of_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match=r"must end in one of .yaml, .yml, .cir"):
        read("circuit.txt")


def test_a_subcircuit_that_multiplies_stops_at_the_limit():
    levels = [f".subckt s{i} a b\n" + "".join(f"x{k} a b s{i + 1}\n" for k in range(10)) + ".ends\n" for i in range(8)]
    with pytest.raises(InputError, match="at most 100000 elements"):
        parse_spice("t\n" + "".join(levels) + ".subckt s8 a b\nr1 a b 1\n.ends\nx1 1 0 s0\n")
    with pytest.raises(InputError, match="at most 100000 elements"):
        parse_spice("t\n.subckt e a b\n.ends\n.subckt s a b\nx1 a b e m=1e5\n.ends\nx1 1 0 s m=1e5\n")


LIKE_CARDS = [
    "v1 a 0 1",
    "r1 a b 1k",
    "R1 a b {x}",
    ".tran 1n 1u",
    ".subckt s a b",
    "Vin in 0 sin(0 1 1k)",
    "d1 a 0 dm",
    "x1 a b s",
]
TITLES = [
    "",
    "title",
    "RC low pass",
    "Rectifier with two diodes",
    "v1",
    "cell 3 of the array",
    "...",
    "e2e test",
    "low pass 2 kHz",
]


@pytest.mark.parametrize("first", LIKE_CARDS)
def test_a_title_that_looks_like_a_card_is_pointed_out(first):
    note = f"line 1 `{first}`: note: the first line is the title and not read as a card"
    deck = read_spice(f"{first}\nr2 a 0 1k\n")
    assert deck.warnings == (note,) and deck.title == first


@pytest.mark.parametrize("first", TITLES)
def test_a_title_in_words_is_a_title(first):
    assert read_spice(f"{first}\nr2 a 0 1k\n").warnings == ()


def test_numbers_may_carry_units_in_greek():
    circuit = read_spice("title\nr1 a 0 4.7kΩ\nc1 a 0 10µF\nr2 a 0 {2 > 1 ? 3kΩ : 1}\n").circuit
    found = [float(circuit.get(path)) for path in ("r1.resistance", "c1.capacitance", "r2.resistance")]
    assert found == [4700.0, 1e-5, 3000.0]


def test_the_charge_of_a_diode_is_read():
    """CJO and the saturation current grow with the area, the transit time does not."""
    model = ".model dm d(cj0=2p vj=0.8 m=0.33 fc=0.4 tt=3n)"
    diode = read_spice(f"title\nd1 a 0 dm 2 m=3\nr1 a 0 1k\n{model}\n").circuit["d1"]
    names = ("junction_capacitance", "built_in_potential", "grading", "depletion_factor", "transit_time")
    assert [float(getattr(diode, name)) for name in names] == pytest.approx([1.2e-11, 0.8, 0.33, 0.4, 3e-9], rel=1e-15)
