"""Noise at the door of measurements: every reader answers with rows or with one line of ours."""

import gzip
import io

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from devsim.check import InputError
from devsim.exchange import read_measured
from tests.exchange.test_fuzz import QUICK, answered, mutated
from tests.exchange.test_iccap import FILE
from tests.exchange.test_measured import SWEEP

TABLES = [
    "V [V],I (uA),wavelength/nm\n1,2,1550\n-0.5,,1551\n2,3,1552\n",
    "# a comment\nOperator,Ada\nV;I\nmV;dBm\n1;2\n3;nan\n",
    SWEEP,
    "1\t2\n3\t4\n",
]
TOUCHSTONE = "! two ports\n# GHz S MA R 50\n193000 0.5 0 0.25 90 0.25 90 0.5 0\n194000 0.5 0 0.1 80 0.1 80 0.5 0\n"


def matlab(*, packed):
    """A sound file with numbers, text, a struct, a cell and complex numbers."""
    file = io.BytesIO()
    inner = {"power": np.arange(6.0).reshape(3, 2), "wavelength": np.arange(3.0), "note": "text"}
    cell = np.empty((1, 2), object)
    cell[0, 0], cell[0, 1] = np.arange(3.0), "x"
    content = {"scandata": inner, "a": np.arange(3), "z": np.arange(3) * 1j, "flag": np.array([True]), "cell": cell}
    scipy.io.savemat(file, content, do_compression=packed)
    return file.getvalue()


def hdf5():
    """The same through HDF5."""
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w", userblock_size=512) as new:
        new["run/V"] = np.arange(3.0)[None]
        new["I"] = np.arange(6, dtype="i4").reshape(2, 3)
    content = bytearray(file.getvalue())
    content[:19] = b"MATLAB 7.3 MAT-file"
    return bytes(content)


@st.composite
def struck(draw, seeds):
    """Sound bytes with some of them changed, cut out, doubled or cut off."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(len(content) - 1, 0)))
        kind = draw(st.sampled_from(("set", "big", "cut", "double", "end")))
        if kind == "set":
            content[place : place + 1] = bytes([draw(st.integers(0, 255))])
        elif kind == "big":
            content[place : place + 4] = draw(st.sampled_from((b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0" * 4)))
        elif kind == "cut":
            del content[place : place + draw(st.integers(1, 16))]
        elif kind == "double":
            content[place:place] = content[place : place + draw(st.integers(1, 64))]
        else:
            del content[max(place, 1) :]
    return bytes(content)


SOURCES = {
    "a.csv": mutated(TABLES) | st.binary(max_size=300) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")),
    "a.tsv": mutated(TABLES) | st.binary(max_size=300),
    "a.mdm": mutated([FILE]) | st.binary(max_size=300),
    "a.mdm.gz": mutated([FILE]).map(gzip.compress) | struck([gzip.compress(FILE.encode())]),
    "a.s2p": mutated([TOUCHSTONE]) | st.binary(max_size=300),
    "a.mat": struck([matlab(packed=False), matlab(packed=True)]) | st.binary(max_size=400),
}
COUNTS = {"a.csv": 1000, "a.tsv": 300, "a.mdm": 300, "a.mdm.gz": 300, "a.s2p": 300, "a.mat": 1500}
"""Files of each kind; IC-CAP and Touchstone have their own tests of thousands."""


@pytest.mark.parametrize(
    ("name", "count"),
    [(name, 40) for name in SOURCES] + [pytest.param(name, count, marks=pytest.mark.slow) for name, count in COUNTS.items()],
)
def test_broken_files_are_answered(name, count, tmp_path):
    path = tmp_path / name

    def read(content):
        path.write_bytes(content)
        found = read_measured(path)
        assert found.sizes["row"] and not any(np.isinf(column).any() for column in found.values())

    @settings(QUICK, max_examples=count)
    @given(SOURCES[name])
    def run(content):
        answered(read, content)

    run()


@pytest.mark.slow
def test_broken_hdf5_is_answered(tmp_path):
    path, sound = tmp_path / "a.mat", hdf5()
    path.write_bytes(sound)
    assert set(read_measured(path)) == {"run.V", "I_1", "I_2"}

    def read(content):
        path.write_bytes(content)
        read_measured(path)

    @QUICK
    @given(struck([sound]))
    def run(content):
        answered(read, content)

    run()


BOMBS = {
    "a wide line": ("a.csv", b"1," * 200_000 + b"\n"),
    "a long name": ("a.csv", b"x" * 1_000_000 + b"\n1\n"),
    "brackets": ("a.csv", b"(" * 100_000 + b",V\n1,2\n"),
    "digits": ("a.csv", b"V\n" + b"9" * 1_000_000 + b"\n"),
    "zeros": ("a.mat", bytes(1_000_000)),
    "no numbers": ("a.csv", b"\n" * 1_000_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_take_for_ever_is_refused_soon(name, tmp_path):
    file, content = BOMBS[name]
    (tmp_path / file).write_bytes(content)

    def read(_):
        with pytest.raises(InputError, match=r"must|cannot"):
            read_measured(tmp_path / file)

    answered(read, b"")
