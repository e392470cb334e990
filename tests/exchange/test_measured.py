"""Measurements from files: names, units, rows, and what is refused."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from devsim.check import InputError
from devsim.exchange import read_measured
from devsim.exchange.measured_unit import entry_unit
from tests.exchange.test_iccap import FILE


@pytest.fixture
def read(tmp_path):
    """A reader of text or bytes under a name."""

    def run(content, name="a.csv", **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_measured(path, **options)

    return run


@pytest.mark.parametrize(
    ("written", "si", "number"),
    [
        ("uA", "A", 1e-6), ("µS", "S", 1e-6), ("kΩ", "ohm", 1e3), ("nm", "m", 1e-9), ("cm", "m", 1e-2), ("ms", "s", 1e-3),
        ("min", "s", 60.0), ("%", "1", 0.01), ("degC", "K", 274.15), ("dBm", "W", 10**0.1 * 1e-3), ("dB", "1", 10**0.1),
        ("A/cm^2", "A/m^2", 1e4), ("A/cm2", "A/m^2", 1e4), ("1/cm", "1/m", 100.0), ("V/ms", "V/s", 1e3), ("mV s", "V s", 1e-3),
        ("V/(m)", None, None), ("mm^2", "m^2", 1e-6), ("furlong", None, None), ("a.u.", "1", 1.0), ("GHz", "Hz", 1e9),
        ("deg", "rad", np.pi / 180), ("kg", "kg", 1.0), ("MV/cm", "V/m", 1e8), ("1e3", None, None), ("3 V", None, None),
    ],
)  # fmt: skip
def test_a_unit_becomes_si(written, si, number):
    found = entry_unit(written)
    if si is None:
        assert found is None
    else:
        assert found.si == si
        np.testing.assert_allclose(found.convert(np.array([1.0])), [number], rtol=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "V [V],I (uA),wavelength/nm\n1,2,1550\n-0.5,,1551\n",
        "V;I;wavelength\nV;uA;nm\n1;2;1550\n-0.5;nan;1551\n",
        "V [V]\tI [uA]\twavelength [nm]\n1\t2\t1550\n-0.5\t--\t1551\n",
        "# made by: Keithley 4200\nOperator,Ada\nSerial,12,x,y,z\n\nV [V],I [uA],wavelength [nm]\n1,2,1550\n-0.5,,1551\n",
        '"V [V]","I [uA]","wavelength [nm]"\r\n1.0,2,1550\r\n-5e-1,NaN,1551\r\n',
        "# V [V], I [uA], wavelength [nm]\n1,2,1550\n-0.5,NA,1551\n",
        "V [V]   I [uA]   x\n".replace("x", "wavelength/nm").replace(" [", "[") + "1 2 1550\n-0.5 nan 1551\n",
        "V [V],-,\n".replace("-", "I [uA]").replace(",\n", ",wavelength [nm],\n") + "1,2,1550,\n-0.5,,1551,\n",
    ],
)
def test_tables_of_many_hands_read_alike(read, text):
    found = read(text)
    assert dict(found.sizes) == {"row": 2}
    assert [(name, found[name].units) for name in found] == [("V", "V"), ("I", "A"), ("wavelength", "m")]
    np.testing.assert_allclose(found.V, [1, -0.5])
    np.testing.assert_allclose(found.I, [2e-6, np.nan])
    np.testing.assert_allclose(found.wavelength, [1550e-9, 1551e-9])


def test_units_may_come_from_the_caller_and_names_from_nobody(read):
    found = read("1,2\n3,4\n", units={"column_2": "dBm"})
    np.testing.assert_allclose(found.column_1, [1, 3])
    np.testing.assert_allclose(found.column_2, [10**0.2 * 1e-3, 10**0.4 * 1e-3])
    assert found.column_1.units == "1" and found.column_2.units == "W"


def test_a_column_of_text_is_left_out_and_named(read):
    found = read("when,V [V]\nmonday,1\ntuesday,2\n")
    assert list(found) == ["V"] and found.attrs["left_out"] == "when"


SWEEP = """# Test:	Laser Sweep (sweepLaser)
#Metric Tag, value [, value]
wavelength,1310,1310.1,1310.2
channel_1,-60,-61,-62
channel_2,-20,-30,nan
"""


def test_a_laser_sweep_has_its_rows_lying(read):
    found = read(SWEEP)
    np.testing.assert_allclose(found.wavelength, [1310e-9, 1310.1e-9, 1310.2e-9])
    np.testing.assert_allclose(found.channel_2, [1e-5, 1e-6, np.nan])


@pytest.mark.parametrize(
    ("text", "units", "words"),
    [
        ("V [V],I [uA]\n1,2\n3\n", {}, r"must have 2 cells in every row, but line 3 has 1"),
        ("V [V],I [uA]\n1,2\n3,4,5\n", {}, r"must have 2 cells in every row, but line 3 has 3"),
        ("V [V],I [uA]\n1,2\n3,x\n", {}, r"must hold numbers below its names, but line 3 has `x`"),
        ("V [V];I [uA]\n1,5;2\n3;4\n", {}, r"line 2 has `1,5`; give decimals with a point"),
        ("V [V],I [uA]\n1,2 mV\n3,4\n", {}, r"line 2 has `2 mV`"),
        ("V [V],V [mV]\n1,2\n3,4\n", {}, r"every column another name, but has `V` twice"),
        ("V [V] [mV],I\n1,2\n3,4\n", {}, r"must have one unit, but has V and mV"),
        ("V [V],I\nmV,A\n1,2\n", {}, r"must have one unit, but has V and mV"),
        ("V [V],I\n1,2\n", {"V": "mV"}, r"unit from one place, but the file says `V` and `units` says `mV`"),
        ("V [V],I\n1,2\n", {"I": "amp"}, r"must have a unit like V, uA, .* but has `amp`"),
        ("V [V],I (forward)\n1,2\n", {}, r"must have a unit like .* but has `forward`; give `units`"),
        ("V [V],I\n1,2\n", {"i": "A"}, r"no column `i` in a.csv. There are `V`, `I`"),
        ("V [V],I\n1,2\n", {"I": 3}, r"must be text like `uA`, but is 3"),
        ("V [V],I\n1,1e999\n", {}, r"must hold finite numbers, but line 2 has `1e999`"),
        ("V [dBm],I\n1e6,1\n", {}, r"must be finite in W, but is too large"),
        ("V,I\n", {}, r"must hold rows of numbers, but holds none"),
        ("", {}, r"must hold rows of numbers, but holds none"),
        ("a,b\n1,2\noops,again\n3,4\n", {}, r"has numbers too soon, before line 3"),
        ("x,1,2,3\ny,1,2\n", {}, r"must have 3 numbers in every line, but line 2 has 2"),
    ],
)
def test_what_cannot_be_trusted_is_refused(read, text, units, words):
    with pytest.raises(InputError, match=words):
        read(text, units=units)


def test_other_endings_and_other_things_are_refused(read, tmp_path):
    with pytest.raises(InputError, match=r"must end in .csv, .tsv"):
        read("1,2\n", "a.xlsx")
    with pytest.raises(InputError, match=r"cannot be read: No such file"):
        read_measured(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"`units` must be a mapping"):
        read("1,2\n", units=["V"])
    with pytest.raises(InputError, match=r"`path` must be the path"):
        read_measured(3)  # pyright: ignore[reportArgumentType]


def matlab(**variables):
    """A `.mat` file of version 5."""
    file = io.BytesIO()
    scipy.io.savemat(file, variables, do_compression=True)
    return file.getvalue()


def test_structs_of_matlab_become_dotted_names(read):
    content = matlab(run={"V": np.arange(3.0), "inner": {"I": np.arange(6.0).reshape(3, 2)}}, note="hi", gain=3.0)
    found = read(content, "a.mat", units={"run.V": "mV"})
    assert list(found) == ["run.V", "run.inner.I_1", "run.inner.I_2"] and found.attrs["left_out"] == "gain"
    np.testing.assert_allclose(found["run.V"], [0, 1e-3, 2e-3])
    np.testing.assert_allclose(found["run.inner.I_2"], [1, 3, 5])


def test_a_spectrum_of_siepic_is_in_metres_and_watts(read):
    power = np.array([[-20.0, -100.0], [-30.0, -50.0], [-40.0, -60.0]])
    found = read(matlab(scandata={"wavelength": np.linspace(1.5e-6, 1.6e-6, 3), "power": power}), "a.mat")
    np.testing.assert_allclose(found.channel_1, [1e-5, 1e-6, 1e-7])
    np.testing.assert_allclose(found.channel_2, [np.nan, 1e-8, 1e-9])


def test_matlab_of_version_7_3_is_read_through_hdf5(read, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "b.mat", "w") as file:
        file["run/V"] = np.arange(3.0)[None]
        file["z"] = np.zeros((1, 3), dtype=[("real", "f8"), ("imag", "f8")])
        file["run/name"] = np.frombuffer(b"abc", "u1")
        file["run/name"].attrs["MATLAB_class"] = np.bytes_(b"char")
    found = read_measured(tmp_path / "b.mat")
    assert set(found) == {"run.V", "z.real", "z.imaginary"}


def test_a_matlab_file_cannot_claim_more_than_it_holds(read):
    file = io.BytesIO()
    scipy.io.savemat(file, {"a": np.zeros((2, 3))})
    broken = file.getvalue().replace(b"\x02\0\0\0\x03\0\0\0", b"\xff\xff\xff\x7f\xff\xff\xff\x7f")
    with pytest.raises(InputError, match=r"an array of it is broken: it claims 4.61e\+18 elements"):
        read(broken, "a.mat")


def test_every_point_of_iccap_is_a_row(read):
    found = read(FILE, "n.mdm")
    assert dict(found.sizes) == {"row": 4}
    assert [found[name].units for name in ("vg", "vb", "vs", "id", "temperature")] == ["V", "V", "V", "A", "K"]
    at = (found.vb == -1) & (found.vg == 0.5)
    np.testing.assert_allclose(found.id[at], [2e-6])
    with pytest.raises(InputError, match=r"unit from one place"):
        read(FILE, "n.mdm", units={"vg": "mV"})


def test_touchstone_gives_powers_over_frequency(read):
    found = read("# GHz S MA R 50\n193000 0.5 0 0.25 90 0.25 90 0.5 0\n194000 0.5 0 0.1 80 0.1 80 0.5 0\n", "a.s2p")
    np.testing.assert_allclose(found.frequency, [193e12, 194e12])
    np.testing.assert_allclose(found.s21_power, [0.0625, 0.01])
    np.testing.assert_allclose(found.s21_phase, np.deg2rad([90, 80]))
    np.testing.assert_allclose(found.wavelength, 299_792_458 / np.array([193e12, 194e12]))


def test_every_measured_spectrum_and_transistor_is_read():
    folder = os.environ.get("DEVSIM_DATA")
    if not folder:
        pytest.skip("DEVSIM_DATA is not set: no measurements")
    siepic = Path(folder) / "photonics" / "siepic"
    ring = read_measured(siepic / "PCM_PCMRingDoubleTER10g100_1750.mat")
    assert dict(ring.sizes) == {"row": 6001} and set(ring) == {"wavelength", "channel_1", "channel_2", "channel_3"}
    assert int(ring.channel_3.isnull().sum()) == 2929  # written as -100 dBm
    cut = read_measured(siepic / "wgloss_spiral_5004u.csv")
    assert float(cut.wavelength.min()) == pytest.approx(1260e-9) and cut.channel_2.units == "W"
    for path in sorted((Path(folder) / "cmos").glob("*.mdm.gz"))[:4]:
        assert read_measured(path).temperature.units == "K"
