"""Noise at the door: whatever arrives, the readers answer with a circuit or with one line, and soon."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devsim.check import InputError
from devsim.exchange import read_spice, read_yaml
from devsim.exchange.spice_reader import parse_spice
from devsim.exchange.yaml_reader import parse_yaml
from tests.exchange.decks import DECKS, DIODES, FULL
from tests.exchange.test_yaml import NETLIST

LONGEST = 5.0
"""Seconds that one input may take, on a busy machine; they take milliseconds."""
SEEDS = {parse_spice: [*DECKS.values(), DIODES, FULL], parse_yaml: [NETLIST]}
PIECES = [
    "{", "}", "(", ")", "'", "=", "1e999", "1e-999", "-", "+", "**", "\x00", "\n", "\n+", "\n.ends\n", "\nx1 a b div\n",
    "nan", "\n.subckt div a b\n", "9" * 40, "inf", "gnd", "0", "\n.param base={base}\n",
    "{1/0}", "\u2028", "é", ":", "\n- ", "&a ", "*a",
    "!!python/object:os.system ", "[", "]", "? ", "|", "\t", "#", "<<: ", '"', "{" * 40, "[" * 40, "\xff", "\ud800", "%", "---",
]  # fmt: skip
QUICK = settings(max_examples=1000, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
SLOW = settings(QUICK, max_examples=60)


@st.composite
def mutated(draw, seeds):
    """A sound file with pieces cut out, put in and moved."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(start + draw(st.integers(0, 12)), len(text))
        other = draw(st.integers(0, len(text)))
        moved = text[other : other + draw(st.integers(0, 40))]
        text = text[:start] + draw(st.sampled_from([*PIECES, "", moved])) + text[end:]
    return text.encode("utf-8", "surrogatepass")


def answered(read, content):
    """The reader's answer, an error of ours in one printable line, or a failure of this test."""
    start = time.perf_counter()
    said = ""
    try:
        read(content)
    except InputError as error:
        said = str(error)
    assert said.isprintable() and len(said) < 1000
    assert time.perf_counter() - start < LONGEST


@pytest.mark.parametrize("read", [parse_spice, parse_yaml])
def test_random_bytes_are_answered(read):
    @QUICK
    @given(st.binary(max_size=300))
    def run(content):
        answered(read, content)

    run()


@pytest.mark.parametrize("read", [parse_spice, parse_yaml])
def test_random_characters_are_answered(read):
    alphabet = st.sampled_from([*"abrvxkmn019.+-*/=(){}[]'\",:;$#&!|>%@ \n\n\t", *PIECES])

    @QUICK
    @given(st.lists(alphabet, max_size=80))
    def run(pieces):
        answered(read, "".join(["\n", *pieces]).encode("utf-8", "surrogatepass"))

    run()


@pytest.mark.parametrize("read", [parse_spice, parse_yaml])
def test_mutated_files_are_answered(read):
    @QUICK
    @given(mutated(SEEDS[read]))
    def run(content):
        answered(read, content)

    run()


@pytest.mark.parametrize(("read", "parse"), [(read_spice, parse_spice), (read_yaml, parse_yaml)])
def test_mutated_files_are_answered_down_to_the_circuit(read, parse):
    @SLOW
    @given(mutated(SEEDS[parse]))
    def run(content):
        answered(read, content)

    run()


BOMBS = {
    "brackets": (parse_spice, "t\nr1 1 0 {" + "(" * 1900 + "}\n"),
    "braces": (parse_spice, "t\nr1 1 0 " + "{" * 100_000 + "\n"),
    "powers": (parse_spice, "t\nr1 1 0 {9**9**9**9**9**9}\n"),
    "a long word": (parse_spice, "t\nr1 1 0 " + "1" * 1_000_000 + "\n"),
    "a long chain": (
        parse_spice,
        "t\n.param " + " ".join(f"a{i}={{a{(i + 1) % 3000}+1}}" for i in range(3000)) + "\nr1 1 0 1\n",
    ),
    "nested definitions": (parse_spice, "t\n" + ".subckt a b\n" * 50),
    "sequences": (parse_yaml, "a: " + "[" * 100_000 + "\n"),
    "mappings": (parse_yaml, "{" * 100_000 + "\n"),
    "questions": (parse_yaml, "? " * 100_000 + "\n"),
    "laughs": (parse_yaml, "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
    "digits": (parse_yaml, "devsim: 1\nparts: {r: {class: Resistor, resistance: " + "9" * 100_000 + "}}\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_take_for_ever_is_refused_soon(name):
    read, text = BOMBS[name]
    start = time.perf_counter()
    with pytest.raises(InputError, match=r"must|cannot"):
        read(text + "\n")
    assert time.perf_counter() - start < LONGEST
