"""A sweep gives the same bits however its work is divided, and loses nothing that was finished."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr
import zarr

from devsim.check import InputError
from devsim.compare import compare, interval
from devsim.sweep import sweep
from devsim.sweep.pieces import Pace, chunk_of
from tests.sweep.divider import Divider

KEY = jax.random.key(1)
UPPER, SPREAD = "upper.resistance", "upper.resistance_spread"
OVER = {UPPER: "log:500:2000:3", SPREAD: "0,0.2", "supply": "1,2"}
"""12 points, one knob that shapes the task among them: with 5 dies, 15 whole blocks."""
DIES = 5


def swept(out=None, **options):
    return sweep(Divider.design(), OVER, **{"dies": DIES, "key": KEY, "out": out} | options)


@pytest.fixture(scope="module")
def whole():
    """The sweep in one piece."""
    return swept(chunk=1000)


def assert_same_bits(found, expected):
    assert list(found.data_vars) == list(expected.data_vars)
    assert all(found[name].values.tobytes() == expected[name].values.tobytes() for name in expected.data_vars)


def test_a_point_is_what_compare_finds_for_the_chip_set_so(whole):
    chip = Divider.design().set(UPPER, 1000.0).set(SPREAD, 0.2).set("supply", 2.0)
    point, alone = whole.isel({UPPER: 1, SPREAD: 1, "supply": 1}), compare(chip, dies=DIES, key=KEY)
    for metric in ("error", "level"):
        assert point[metric].values.tobytes() == alone[metric].values.tobytes()
        expected = interval(alone[metric].values, low=0.0 if metric == "error" else -np.inf)
        assert np.allclose([point[f"{metric}_{end}"] for end in ("mean", "low", "high")], expected, rtol=1e-12)
    assert float(point["error_ideal"]) == float(alone["error_ideal"])


def test_the_dataset_says_what_it_is(whole):
    assert dict(whole["error"].sizes) == {UPPER: 3, SPREAD: 2, "supply": 2, "die": DIES}
    assert whole["error"].attrs["units"] == "V" and "half the supply" in whole["error"].attrs["long_name"]
    assert whole[UPPER].attrs == {"units": "ohm", "long_name": whole[UPPER].attrs["long_name"], "spacing": "log"}
    assert {"chip", "dies", "design", "over", "version_jax", "platform", "created", "identity"} <= whole.attrs.keys()
    assert whole["error_ideal"].notnull().all() and whole["level_ideal"].isnull().all()


def test_what_is_no_finite_number_is_counted_and_left_out_of_means(whole):
    bad = ~np.isfinite(whole["level"].values)
    assert 0 < bad.sum() < bad.size
    assert whole.attrs["not_finite"] == whole["level"].attrs["not_finite"] == (whole["status"] == 1).sum() == bad.sum()
    some = whole["level"].values[bad.any(axis=-1) & (bad.sum(axis=-1) < DIES)]
    means = whole["level_mean"].values[bad.any(axis=-1) & (bad.sum(axis=-1) < DIES)]
    assert np.allclose(np.nanmean(some, axis=-1), means, rtol=1e-12)


def test_chunks_change_nothing(whole, tmp_path):
    assert_same_bits(swept(tmp_path / "out", chunk=28), whole)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["sweep.nc"]
    left = xr.load_dataset(tmp_path / "out" / "sweep.nc", engine="h5netcdf")
    assert_same_bits(left, whole)
    assert left[UPPER].equals(whole[UPPER])


def test_shards_change_nothing_in_any_order(whole, tmp_path):
    found = [swept(tmp_path, chunk=8, shard=f"{i}/3") for i in (2, 0, 1)]
    assert found[:2] == [None, None]
    assert_same_bits(found[2], whole)
    assert_same_bits(swept(tmp_path, shard=(0, 3)), whole)


class Counted(Divider):
    """The divider, which counts how often it is traced."""

    def measure(self, task, key):
        """As ever."""
        traced.append(1)
        return super().measure(task, key)


traced = []


def test_a_sweep_compiles_once_whatever_is_swept(tmp_path):
    traced.clear()
    sweep(Counted.design(), OVER, dies=3, key=KEY, out=tmp_path, chunk=8)  # 36 runs and 6 ideal ones: parts of chunks
    assert len(traced) == 1


def interrupted(out, after, **options):
    """A sweep that is stopped as soon as `after` runs are done."""

    def stop(done, total):
        if done >= after:
            raise KeyboardInterrupt("enough")

    with pytest.raises(KeyboardInterrupt, match="enough"):
        swept(out, chunk=8, progress=stop, **options)


def test_a_resumed_sweep_repeats_only_what_is_missing(whole, tmp_path):
    interrupted(tmp_path, 24)
    done = len(list((tmp_path / "sweep.done").iterdir()))
    assert done == 2  # the third is computed but not yet written when the sweep stops
    with pytest.raises(InputError, match="not finished; go on with `--resume`"):
        swept(tmp_path)
    told = []
    assert_same_bits(swept(tmp_path, resume=True, progress=lambda *now: told.append(now)), whole)
    assert told[0] == (8 * done, 12 * DIES + 6) and told[-1] == (12 * DIES + 6,) * 2
    told.clear()
    assert_same_bits(swept(tmp_path, resume=True, progress=lambda *now: told.append(now)), whole)
    assert told == []


def test_a_growing_store_can_be_looked_at(tmp_path, whole):
    interrupted(tmp_path, 24)
    grown = xr.open_zarr(tmp_path / "sweep.zarr", consolidated=False)
    assert grown["error"].dims == ("run",) and grown["error"].attrs["units"] == "V"
    assert np.array_equal(grown["error"].values[:16], whole["error"].values.ravel()[:16])
    assert json.loads(grown.attrs["sweep"])["identity"]["chip"] == "divider"


class Other(Divider):
    """The same circuit under another name."""

    name = "other"


def test_a_store_of_another_sweep_is_refused_with_what_differs(tmp_path):
    interrupted(tmp_path, 24)
    again = {"dies": DIES, "key": KEY, "out": tmp_path, "resume": True}
    chip = Divider.design()
    with pytest.raises(InputError, match="another sweep: its chip is divider, not other;"):
        sweep(Other.design(), OVER, **again)
    with pytest.raises(InputError, match=r"its seed is .* 0 1, not .* 0 2;"):
        sweep(chip, OVER, **again | {"key": jax.random.key(2)})
    with pytest.raises(InputError, match="its number of dies is 5, not 6;"):
        sweep(chip, OVER, **again | {"dies": 6})
    with pytest.raises(InputError, match=r"its axes is upper.resistance=log:500.0:2000.0:3"):
        sweep(chip, OVER | {"supply": "1,3"}, **again)
    with pytest.raises(InputError, match=r"its chip has other values of `lower.resistance`;"):
        sweep(chip.set("lower.resistance", 2e3), OVER, **again)
    with pytest.raises(InputError, match="its metrics is error level, not error;"):
        sweep(chip, OVER, **again, metrics=["error"])


def test_a_disk_without_room_is_told_before_work_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("Usage", "free")(1000))
    with pytest.raises(InputError, match=r"must have room for the results, about 20 MB, but .* has 0 MB free"):
        swept(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_before_work_starts(monkeypatch):
    monkeypatch.setattr("devsim.sweep.engines.pace_of", lambda plan: pytest.fail("work started"))
    with pytest.raises(InputError, match="must be a folder that can be written"):
        swept(Path("/proc/devsim"))


def test_a_disk_that_fills_loses_nothing_that_was_finished(tmp_path, monkeypatch, whole):
    wrote, write = [], zarr.Array.__setitem__

    def fills(self, place, values):
        wrote.append(place)
        if len(wrote) > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, place, values)

    with monkeypatch.context() as full:
        full.setattr(zarr.Array, "__setitem__", fills)
        with pytest.raises(InputError, match=r"No space left on device. 2 of 9 chunks are finished and kept; make room"):
            swept(tmp_path, chunk=8)
    assert_same_bits(swept(tmp_path, resume=True), whole)


def test_a_store_that_is_none_is_told(tmp_path):
    (tmp_path / "sweep.zarr").mkdir()
    with pytest.raises(InputError, match="cannot be read as a sweep"):
        swept(tmp_path, resume=True)
    (tmp_path / "sweep.zarr").rmdir()
    (tmp_path / "sweep.nc").write_text("no netCDF")
    with pytest.raises(InputError, match="cannot be read as the result of a sweep"):
        swept(tmp_path, resume=True)


@pytest.mark.parametrize("shard", ["3/3", "0/0", "1", "a/b", "-1/2", (1,), 5])
def test_a_shard_that_is_none_is_refused(shard, tmp_path):
    with pytest.raises(InputError, match="`--shard` must be i/N"):
        swept(tmp_path, shard=shard)


def test_what_needs_a_folder_says_so():
    with pytest.raises(InputError, match="`out` must name the folder"):
        swept(resume=True)
    with pytest.raises(InputError, match="`metrics` must be one of error, level, but is `eror`"):
        swept(metrics=["eror"])
    with pytest.raises(InputError, match="`dies` must be a whole number of at least 1"):
        swept(dies=0)


def test_chunks_are_seconds_of_work_and_enough_for_all():
    pace = Pace(width=4, seconds=0.1, memory=0, device="cpu")
    assert chunk_of(pace, 100_000, cores=2) == 4 * 2 * 50
    assert chunk_of(pace, 160, cores=1, workers=4) == 4 * 3  # 40 blocks: at least 4 chunks for each of 4
    assert chunk_of(pace, 10, cores=2) == 4 * 2
    assert chunk_of(pace, 10**9, cores=2) == 4 * (10**9 // 4 // 4000)


@pytest.mark.slow
def test_a_killed_sweep_resumes_to_the_same_bytes(tmp_path, whole):
    code = f"""
import time, jax
from tests.sweep.divider import Divider
from devsim.sweep import sweep
sweep(Divider.design(), {OVER!r}, dies={DIES}, key=jax.random.key(1), out="out", chunk=4, progress=lambda *_: time.sleep(0.3))
"""
    places = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": places}) as worker:
        markers, until = tmp_path / "out" / "sweep.done", time.monotonic() + 120
        while time.monotonic() < until and (not markers.exists() or len(list(markers.iterdir())) < 5):
            assert worker.poll() is None
            time.sleep(0.02)
        worker.send_signal(signal.SIGKILL)
    done = len(list(markers.iterdir()))
    assert 5 <= done < 15
    assert_same_bits(swept(tmp_path / "out", resume=True), whole)
