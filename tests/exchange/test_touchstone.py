"""Touchstone files: read by scikit-rf, made into a part, refused in words."""

import pickle
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devsim.check import InputError
from devsim.devices.photonic.light import SPEED_OF_LIGHT
from devsim.exchange.touchstone import read_touchstone
from tests.exchange.tables import touchstone, unitary

pytest.importorskip("skrf", reason="scikit-rf is not installed")

FREQUENCIES = np.linspace(1.9e14, 1.95e14, 5)
MATRICES = unitary(1, 5, 2)
TEXT = touchstone(FREQUENCIES, MATRICES)


@pytest.fixture
def written(tmp_path):
    def write(text, name="part.s2p"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_the_part_conjugates_the_phases_of_the_file(written):
    path = written(TEXT)
    for k in range(5):
        at = SPEED_OF_LIGHT / FREQUENCIES[k]
        part = read_touchstone(path, wavelength=at)
        np.testing.assert_allclose(part.scattering(), np.conj(MATRICES[k]), rtol=0, atol=1e-9)
        np.testing.assert_allclose(
            read_touchstone(path, wavelength=at, conjugate=False).scattering(), MATRICES[k], rtol=0, atol=1e-9
        )


def test_ports_take_the_names_of_the_file_or_those_given(written):
    named = "! Port[1] = west end\n! Port[2] = east\n" + TEXT
    assert read_touchstone(written(TEXT)).names == ("port_1", "port_2")
    assert read_touchstone(written(named)).names == ("west_end", "east")
    assert read_touchstone(written(named), ports=("a", "b")).names == ("a", "b")
    for ports, words in ((("a",), "must name the 2 ports"), (("a", "a"), "its own name"), (("a", "b.c"), "letters, digits")):
        with pytest.raises(InputError, match=words):
            read_touchstone(written(TEXT), ports=ports)


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (TEXT.replace("# Hz", "# kHz"), "part.s3p", "must be a Touchstone file named like `part.s2p`, but scikit-rf says"),
        (TEXT, "part.txt", "must be a Touchstone file named like `part.s2p`"),
        ("# GHz S RI R 50\n", "part.s1p", "must hold at least two frequencies, but holds 0"),
        ("", "part.s2p", "must be a Touchstone file|must hold at least two frequencies"),
        (TEXT, "part.s99999999p", "must have 1 to 256 ports, but says that it has 99999999"),
        ("[Version] 2.0\n[Number of Ports] 5000\n", "part.ts", "must have 1 to 256 ports, but says that it has 5000"),
        (b"\0" + TEXT.encode(), "part.s2p", "must be plain text, but holds zero bytes"),
        (touchstone(FREQUENCIES, 1.5 * MATRICES), "part.s2p", "part.s2p has a gain of 1.5 in amplitude"),
        (TEXT.replace("# Hz", "# GHz"), "part.s2p", r"frequencies of part.s2p must be those of light, .* 1.9e\+23 Hz"),
        (touchstone(FREQUENCIES / 1e5, MATRICES), "part.s2p", r"must have frequencies above 1e\+13 Hz, but part.s2p begins at"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(written, text, name, words):
    with pytest.raises(InputError, match=words):
        read_touchstone(written(text, name))


def test_a_file_is_never_unpickled(written):
    class Trap:
        def __reduce__(self):
            return (sys.exit, ("unpickled",))

    with pytest.raises(InputError, match="must be"):
        read_touchstone(written(pickle.dumps(Trap(), protocol=0)))


def test_without_scikit_rf_the_error_says_how_to_install_it(written, monkeypatch):
    monkeypatch.setitem(sys.modules, "skrf.io.touchstone", None)
    with pytest.raises(
        InputError, match=r"Reading Touchstone needs scikit-rf; install it by `pip install devsim-cosim\[touchstone\]`"
    ):
        read_touchstone(written(TEXT))


def refusal(path) -> str:
    """The words of the error, empty where the file was read."""
    try:
        read_touchstone(path)
    except InputError as error:
        return str(error)
    return ""


SAMPLES = [b"999999999", b"#", b"!", b"\n", b"nan", b"-1", b"1e999", b"[Version] 2.0\n", b"[Number of Ports] 2\n", b"Y", b"MA"]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(data=st.data(), name=st.sampled_from(["m.s2p", "m.ts", "m.s1p", "m.y3p", "m"]))
def test_random_and_mutated_files_raise_nothing_but_our_error(tmp_path_factory, data, name):
    content = bytearray(TEXT.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        end = min(len(content), at + data.draw(st.integers(0, 400)))
        content[at:end] = data.draw(st.binary(max_size=8) | st.sampled_from(SAMPLES))
        content = content or bytearray(b"#")
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(bytes(content))
    assert "\n" not in (words := refusal(path)) and len(words) < 400
