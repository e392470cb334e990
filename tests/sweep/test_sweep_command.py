"""The command `devsim sweep`: what it prints, what it leaves, and what it says when asked for the impossible."""

import json
from contextlib import nullcontext
from importlib.metadata import EntryPoint
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr

from devsim import cli, registry
from devsim.sweep import sweep
from tests.sweep.divider import Divider

UPPER, SPREAD = "upper.resistance", "upper.resistance_spread"
COMMAND = ["sweep", "divider", "--over", f"{UPPER}=log:500:2000:3", "--over", f"{SPREAD}=0,0.2", "--dies", "5", "--seed", "1"]
OVER = {UPPER: "log:500:2000:3", SPREAD: "0,0.2"}


@pytest.fixture
def chip(monkeypatch, tmp_path):
    """The divider as the only chip, in an empty current folder; compiled code stays in memory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "chips", lambda: {"divider": EntryPoint("divider", "circuits:Divider", registry.GROUP)})
    monkeypatch.setattr(registry, "load", lambda name: Divider)
    monkeypatch.setattr("devsim.sweep.cache.shared_compilations", lambda folder: nullcontext())
    monkeypatch.setattr("devsim.cli.sweep_execution.shared_compilations", lambda folder: nullcontext())


def ran(arguments, capsys):
    """Exit code, stdout and stderr of a command run in this process."""
    with pytest.raises(SystemExit, match=r"^\d+$") as left:
        cli.main(arguments)
    out, err = capsys.readouterr()
    return left.value.code, out, err


def test_json_is_one_object_with_every_point_and_the_files_are_there(chip, capsys):
    code, out, err = ran([*COMMAND, "--set", "supply=2", "--json"], capsys)
    told = json.loads(out)
    assert code == 0 and err.count("\n") == 1 and "runs have a metric that is no finite number" in err
    assert list(told) == [
        *("chip", "seed", "dies", "parameters", "design", "finished", "over", "not_finite", "points", "files"),
    ]
    assert told["over"] == {UPPER: [500.0, 1000.0, 2000.0], SPREAD: [0.0, 0.2]}
    assert len(told["points"]) == 6
    expected = sweep(Divider.design().set("supply", 2.0), OVER, dies=5, key=jax.random.key(1))
    point = told["points"][3]
    assert point["at"] == {UPPER: 1000.0, SPREAD: 0.2}
    assert point["metrics"]["error"] == {
        end: float(expected[f"error_{end}"].isel({UPPER: 1, SPREAD: 1})) for end in ("mean", "low", "high", "ideal")
    } | {"unit": "V"}
    assert point["metrics"]["level"]["ideal"] is None
    assert {Path(path).name for path in told["files"]} == {"sweep.nc", "error.png", "level.png", "report.html"}
    assert all(Path(path).stat().st_size for path in told["files"])
    left = xr.load_dataset("runs/divider-sweep/sweep.nc", engine="h5netcdf")
    assert np.array_equal(left["error"].values, expected["error"].values)
    assert left.attrs["command"].startswith("devsim sweep divider --set supply=2.0 --over")
    page = Path("runs/divider-sweep/report.html").read_text()
    assert "A sweep over <code>upper.resistance</code>" in page and "no finite number" in page


def test_shards_tell_who_gathers(chip, capsys):
    arguments = [*COMMAND, "--out", "shared", "--chunk", "8"]
    code, out, _ = ran([*arguments, "--shard", "1/2"], capsys)
    assert code == 0 and "Shard 1/2 is done; the last shard to finish" in out
    code, out, err = ran(arguments, capsys)
    assert code == 2 and "go on with `--resume`" in err
    code, out, _ = ran([*arguments, "--shard", "0/2"], capsys)
    assert code == 0 and "Report: shared/report.html" in out and "1000" in out


MISTAKES = {
    "no axis": (["sweep", "divider"], "at least one knob"),
    "empty axis": (["sweep", "divider", "--over", f"{UPPER}="], "at least one value"),
    "unknown path": (["sweep", "divider", "--over", "uper.resistance=1,2"], "Did you mean `upper.resistance`"),
    "unknown chip": (["sweep", "dividr", "--over", f"{UPPER}=1,2"], "Did you mean `divider`"),
    "no die": ([*COMMAND[:4], "--dies", "0"], "`--dies` must be at least 1"),
    "seed": ([*COMMAND[:4], "--seed", "-1"], "`--seed` must be at least 0"),
    "engine": ([*COMMAND, "--engine", "cloud"], "`--engine` must be `local` or `dask://HOST:PORT`"),
    "shard": ([*COMMAND, "--shard", "2/2"], "`--shard` must be i/N"),
    "design": ([*COMMAND, "--design", "cube"], "`design` must be one of grid, random, sobol, zip"),
    "points": ([*COMMAND[:4], "--design", "sobol"], "`--points N`"),
    "metric": ([*COMMAND, "--metric", "eror"], "Did you mean `error`"),
    "chunk": ([*COMMAND, "--chunk", "0"], "`chunk` must be a whole number of at least 1"),
    "out a file": ([*COMMAND, "--out", "file"], "is a file"),
    "unwritable": ([*COMMAND, "--out", "/proc/devsim"], "`--out` must be a folder that can be written"),
    "set and swept out of bounds": ([*COMMAND, "--set", f"{UPPER}=-5"], "must be above 0 ohm"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2_and_writes_nothing(mistake, chip, capsys):
    Path("file").write_text("mine")
    arguments, expected = MISTAKES[mistake]
    code, out, err = ran(arguments, capsys)
    assert (code, out) == (2, "")
    assert err.startswith("devsim: ") and err.count("\n") == 1
    assert expected in err
    assert [path.name for path in Path().iterdir()] == ["file"]
