"""The command `devsim budget`: what it prints and leaves, and what it says when asked for the impossible."""

import json
import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import xarray as xr

from devsim import cli, registry
from tests.budget.chips import Linear

FILES = {"budget.nc", "budget.json", "budget.png", "tolerance.png", "sobol.png", "report.html"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The line as the only chip, in a folder of the module's own."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("budget")
        patch.chdir(folder)
        patch.setattr(registry, "chips", lambda: {"linear": EntryPoint("linear", "circuits:Linear", registry.GROUP)})
        patch.setattr(registry, "load", lambda name: Linear)
        yield folder


def ran(arguments, capsys):
    """Exit code, stdout and stderr of a command run in this process."""
    with pytest.raises(SystemExit, match=r"^\d+$") as left:
        cli.main(arguments)
    out, err = capsys.readouterr()
    return left.value.code, out, err


def test_the_file_maps_imperfections_to_answers_and_every_file_is_there(place, capsys):
    code, out, err = ran(["budget", "linear", "--dies", "3", "--sobol", "16", "--json", "--set", "unused=1e-3"], capsys)
    assert (code, err) == (0, "")
    folder = Path("runs/linear-budget")
    assert {path.name for path in folder.iterdir()} == FILES
    told = json.loads(out)
    assert json.loads((folder / "budget.json").read_text()) == told["imperfections"]
    assert {Path(path).name for path in told["files"]} == FILES
    assert (told["metric"], told["unit"], told["dies"], told["parameters"]) == ("answer", "A", 3, {"unused": 1e-3})
    assert (told["of"], told["seed"]) == ("linear", 0)
    assert list(told["imperfections"]) == ["loss", "gain", "skew", "unused"]
    row = told["imperfections"]["loss"]
    for name in ("alone", "removed", "derivative", "sobol_first", "sobol_total", "tolerance"):
        assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"], name
    assert told["imperfections"]["unused"]["tolerance"] is None
    assert told["imperfections"]["unused"]["tolerance_never"] == "factor"
    kept = xr.load_dataset(folder / "budget.nc", engine="h5netcdf")
    assert (kept.attrs["seed"], kept.attrs["sobol_points"]) == (0, 16)
    page = (folder / "report.html").read_text()
    for heading in ("Error budget", "Room left", "Derivatives", "Sobol indices", "Parameters"):
        assert f"{heading}</h2>" in page
    assert "devsim budget linear --set unused=0.001 --dies 3 --seed 0 --loss 0.05 --sobol 16" in page


def test_people_are_told_what_hurts_most_and_how_much_room_is_left(place, capsys):
    asked = ["budget", "linear", "--metric", "error", "--dies", "2", "--sobol", "0", "--loss-abs", "0.1", "--out", "mine"]
    asked += ["--scale", "skew=0.5"]
    code, out, err = ran(asked, capsys)
    assert (code, err) == (0, "")
    assert re.search(r"loss +\d+ mA +\[.*\]", out)
    assert re.search(r"gain +100 mV +13\d mV .* gradient", out)
    assert "Acting alone, loss costs most" in out
    assert "has lost no more than 100 mA" in out
    assert "Report: mine/report.html" in out
    assert {path.name for path in Path("mine").iterdir()} == FILES - {"sobol.png"}
    assert json.loads(Path("mine/budget.json").read_text())["loss"]["sobol_first"] is None


def test_nothing_to_rank_is_said_and_leaves_no_picture_of_before(place, capsys):
    asked = ["budget", "linear", "--dies", "2", "--out", "mine", *(f"--set={name}=0" for name in ("gain", "loss", "skew"))]
    code, out, _ = ran(asked, capsys)
    assert code == 0
    assert "there is nothing to rank" in out
    assert {path.name for path in Path("mine").iterdir()} == {"budget.nc", "budget.json", "report.html"}


MISTAKES = {
    "unknown chip": (["linaer"], "Did you mean `linear`"),
    "unknown metric": (["linear", "--metric", "anser"], "`--metric` must be one of"),
    "one die": (["linear", "--dies", "1"], "`--dies` must be at least 2"),
    "no loss": (["linear", "--loss", "0"], "`--loss` must be above 0"),
    "negative amount": (["linear", "--loss-abs", "-1"], "`--loss-abs` must be above 0"),
    "endless loss": (["linear", "--loss", "inf"], "`--loss` must be finite"),
    "loss no number": (["linear", "--loss", "much"], "--loss"),
    "two losses": (["linear", "--loss", "0.1", "--loss-abs", "1"], "give one of them"),
    "odd points": (["linear", "--sobol", "48"], "power of two"),
    "negative points": (["linear", "--sobol", "-1"], "at least 0"),
    "seed": (["linear", "--seed", "-1"], "`--seed` must be at least 0"),
    "unknown level": (["linear", "--only", "wafer"], "wafer"),
    "unknown path": (["linear", "--set", "gian=1"], "Did you mean `gain`"),
    "out here": (["linear", "--out", "."], "folder of its own"),
    "missing parent": (["linear", "--out", "no/such"], "`--out` must lie in a folder that exists"),
    "relative to nothing": (["linear", "--metric", "nothing", "--dies", "2", "--sobol", "0"], "give an amount"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2_and_writes_nothing(mistake, place, capsys):
    before = sorted(place.rglob("*"))
    arguments, expected = MISTAKES[mistake]
    code, out, err = ran(["budget", *arguments], capsys)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("devsim: ")
    assert expected in err
    assert sorted(place.rglob("*")) == before
