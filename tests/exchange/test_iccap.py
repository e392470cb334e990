"""Measurements as IC-CAP writes them."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsim.check import InputError
from devsim.exchange import read_iccap
from tests.exchange.test_fuzz import QUICK, answered, mutated

BLOCK = """BEGIN_DB
 ICCAP_VAR vb {vb}
 ICCAP_VAR vs 0
 #vg id
 0 {first}
 0.5 2e-6
END_DB
"""
HEADER = """! VERSION = 6.00
BEGIN_HEADER
 ICCAP_INPUTS
  vg V G GROUND SMU2 0.001 LIN 1 0 0.5 2 0.5
  vb V B GROUND SMU4 0.1 LIN 2 0 -1 2 -1
  vs V S GROUND SMU3 0.1 CON 0
 ICCAP_OUTPUTS
  id I D GROUND SMU1 B
 ICCAP_VALUES
  TEMP " 27.0 "
  MAIN.W "10u"
END_HEADER
"""
FILE = HEADER + BLOCK.format(vb=0, first="1e-12") + BLOCK.format(vb=-1, first="-3e-13")


def test_blocks_become_a_grid_with_units_and_the_temperature():
    found = read_iccap(FILE)
    assert found.id.dims == ("vb", "vg") and found.id.units == "A" and found.vg.units == "V"
    np.testing.assert_array_equal(found.id.sel(vb=-1), [-3e-13, 2e-6])
    assert float(found.vs) == 0 and found.attrs["MAIN.W"] == "10u"
    assert found.attrs["temperature"] == pytest.approx(300.15)


def test_a_gzipped_file_reads_like_its_text(tmp_path):
    path = tmp_path / "nmos.mdm.gz"
    path.write_bytes(gzip.compress(FILE.encode()))
    assert read_iccap(path).identical(read_iccap(FILE))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("BEGIN_DB", "DB", "must hold data between BEGIN_DB and END_DB"),
        ("1e-12", "nought", r"must hold numbers, but line 17 has `nought`"),
        ("1e-12", "1e-12 5", r"must have 2 numbers, but line 17 has 3 numbers"),
        ("1e-12", "1e999", r"must hold numbers, but line 17 has `1e999`"),
        ("vb -1", "vb 0", "each combination once, but has one of them twice"),
        (" #vg id\n", "", "must have names first, but line 16"),
        ("ICCAP_VAR vb -1\n", "", "the same names in all blocks"),
    ],
)
def test_what_is_no_such_file_is_refused_with_its_line(old, new, words):
    with pytest.raises(InputError, match=words):
        read_iccap(FILE.replace(old, new))


def test_a_broken_archive_and_a_missing_file_are_refused(tmp_path):
    (tmp_path / "a.mdm.gz").write_bytes(gzip.compress(FILE.encode())[:60])
    with pytest.raises(InputError, match="cannot be read"):
        read_iccap(tmp_path / "a.mdm.gz")
    with pytest.raises(InputError, match="there is none of that name"):
        read_iccap(tmp_path / "b.mdm")


def test_broken_files_are_answered():
    @QUICK
    @given(mutated([FILE]) | st.binary(max_size=300))
    def run(content):
        answered(read_iccap, content)

    run()


def test_every_measured_transistor_is_read():
    folder = os.environ.get("DEVSIM_DATA")
    if not folder:
        pytest.skip("DEVSIM_DATA is not set: no measured transistors")
    files = sorted((Path(folder) / "cmos").glob("*.mdm.gz"))
    assert len(files) == 24
    for file in files:
        found = read_iccap(file)
        assert not np.isnan(found.id).any()
        assert found.attrs["temperature"] == pytest.approx(float(file.name.split("_")[-1][:3]), abs=0.5)
