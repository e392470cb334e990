"""The command line: what it prints, what it writes, and what it says when asked for the impossible."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from devsim import cli, plot, registry
from devsim.analyses.operating_point import operating_point
from devsim.check import InputError, SolveError
from devsim.chip import Chip, Metric, Picture
from devsim.circuit import Circuit
from devsim.cli.encoding import encoded
from devsim.cli.request import assignments
from devsim.devices.electrical.passive import Resistor
from devsim.devices.electrical.sources import VoltageSource
from devsim.files import replace_file

HEAVY = ("jax", "xarray", "matplotlib", "scipy", "sklearn")


class Divider(Chip):
    """Half the supply, by two resistors."""

    circuit: Circuit
    name: ClassVar[str] = "divider"
    budget_metric: ClassVar[str] = "error"
    metrics: ClassVar[dict[str, Metric]] = {
        "error": Metric("V", "distance from half the supply", higher_is_better=False),
        "current": Metric("A", "current from the supply"),
    }

    @classmethod
    def design(cls):
        """10 % resistors on 1 V with 50 ohm inside."""
        parts = {
            "supply": VoltageSource(1.0, source_resistance=50.0),
            "upper": Resistor(1e3, resistance_spread=0.1),
            "lower": Resistor(1e3, resistance_spread=0.1),
        }
        nets = {"top": ("supply.plus", "upper.a"), "middle": ("upper.b", "lower.a"), "gnd": ("supply.minus", "lower.b")}
        return cls(Circuit(parts, nets))

    def task(self, key):
        """The supply that is to be halved."""
        return jnp.asarray(1.0)

    def build(self, task, key):
        """One pair of resistors."""
        return self.put(circuit=self.circuit.fabricate(key))

    def measure(self, task, key):
        """The middle against half the supply."""
        solution = operating_point(self.circuit)
        current = solution["middle"] / self.circuit["lower"].resistance
        return {"error": jnp.abs(solution["middle"] - task / 2), "current": current}

    def pictures(self, task, key):
        """The drawn resistances."""
        die = self.build(task, key).circuit
        values = [float(die[name].resistance) for name in ("upper", "lower")]
        return [Picture("resistances", "Resistances", "As drawn.", plot.heat_map([values], "ohm", "resistance"))]


@pytest.fixture
def chip(monkeypatch, tmp_path):
    """The divider as the only chip, in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    point = EntryPoint("divider", "circuits:Divider", registry.GROUP)
    monkeypatch.setattr(registry, "chips", lambda: {"divider": point})
    monkeypatch.setattr(registry, "load", lambda name: Divider)


def ran(arguments, capsys):
    """Exit code, stdout and stderr of a command run in this process."""
    with pytest.raises(SystemExit, match=r"^\d+$") as left:
        cli.main(arguments)
    out, err = capsys.readouterr()
    return left.value.code, out, err


def alone(*arguments, **options):
    """A command run in a process of its own."""
    code = "from devsim.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False, **options
    )


@pytest.mark.parametrize("command", ["--help", "list"])
def test_help_and_list_import_nothing_heavy(command):
    code = f"""
import sys
from devsim.cli import main
try:
    main([{command!r}])
except SystemExit as left:
    assert left.code == 0
print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert told.stderr.strip() == "[]"
    assert "crossbar-hopfield" in told.stdout if command == "list" else "CHIP" in told.stdout


def test_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert alone("--version").stdout == f"devsim {version('devsim-cosim')}\n"


MISTAKES = {
    "unknown command": (["rnu"], "rnu"),
    "no chip": (["run"], "Missing argument"),
    "unknown option": (["run", "divider", "--dice", "3"], "--dice"),
    "dies no number": (["run", "divider", "--dies", "many"], "--dies"),
    "no die": (["run", "divider", "--dies", "0"], "`--dies` must be at least 1"),
    "too many dies": (["run", "divider", "--dies", "99999999999"], "at most 1e+06"),
    "negative seed": (["run", "divider", "--seed", "-1"], "`--seed` must be at least 0"),
    "huge seed": (["run", "divider", "--seed", str(2**40)], "`--seed` must be at least 0 and below"),
    "broken seed": (["run", "divider", "--seed", "1.5"], "--seed"),
    "no equals sign": (["run", "divider", "--set", "upper.resistance"], "PATH=VALUE"),
    "no path": (["run", "divider", "--set", "=3"], "PATH=VALUE"),
    "no value": (["run", "divider", "--set", "upper.resistance="], "PATH=VALUE"),
    "no number": (["run", "divider", "--set", "upper.resistance=__import__('os')"], "finite number"),
    "not finite": (["run", "divider", "--set", "upper.resistance=nan"], "finite number"),
    "boolean": (["run", "divider", "--set", "upper.resistance=true"], "finite number"),
    "twice": (["run", "divider", "--set", "upper.resistance=1", "--set", "upper.resistance=2"], "once"),
    "unknown path": (["run", "divider", "--set", "uper.resistance=1"], "Did you mean `upper.resistance`"),
    "unknown path on top": (["run", "divider", "--set", "resistance=1"], "Did you mean"),
    "out of bounds": (["run", "divider", "--set", "upper.resistance=-5"], "`upper.resistance` must be above 0 ohm"),
    "wrong shape": (["run", "divider", "--set", "upper.resistance=1,2"], "upper.resistance"),
    "missing parent": (["run", "divider", "--out", "no/such"], "`--out` must lie in a folder that exists"),
    "parent a file": (["run", "divider", "--out", "file/inside"], "`--out` must"),
    "out a file": (["run", "divider", "--out", "file"], "is a file"),
    "out here": (["run", "divider", "--out", "."], "folder of its own"),
    "out nowhere": (["run", "divider", "--out", ""], "folder of its own"),
    "unwritable": (["run", "divider", "--dies", "1", "--out", "/proc/devsim"], "`--out` must be a folder that can be written"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("json_too", [False, True])
def test_a_mistake_is_one_line_and_exit_code_2_and_writes_nothing(mistake, json_too, chip, capsys):
    Path("file").write_text("mine")
    arguments, expected = MISTAKES[mistake]
    code, out, err = ran(arguments + ["--json"] * (json_too and arguments[0] == "run"), capsys)
    assert (code, out) == (2, "")
    assert err.startswith("devsim: ")
    assert err.count("\n") == 1
    assert expected in err
    assert [path.name for path in Path().iterdir()] == ["file"]


def test_an_unknown_chip_is_suggested_its_neighbour(tmp_path):
    told = alone("run", "crossbar-hopfeld", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    assert re.fullmatch(
        r"devsim: `chip` must be one of .*, but is `crossbar-hopfeld`\. Did you mean `crossbar-hopfield` .*\?\n", told.stderr
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [InputError, SolveError])
def test_a_chip_that_cannot_be_solved_leaves_no_folder(kind, chip, capsys, monkeypatch):
    def fails(*_):
        raise kind("The operating point failed\nat `top`.")

    monkeypatch.setattr(Divider, "measure", fails)
    assert ran(["run", "divider", "--dies", "2"], capsys) == (2, "", "devsim: The operating point failed at `top`.\n")
    assert list(Path().iterdir()) == []


def test_settings_are_numbers_and_lists_of_numbers():
    told = assignments(["a.b=1e3", "c = -2", "d=1,2.5,.5", "e=4.,"[:-1]])
    assert told == {"a.b": 1000.0, "c": -2.0, "d": [1.0, 2.5, 0.5], "e": 4.0}
    for bad in ("1_000", "0x10", "1e999", "1,,2", "inf", "٣", "1k"):
        with pytest.raises(InputError, match="`a` must be a finite number in SI units"):
            assignments([f"a={bad}"])


def test_json_is_one_object_with_the_promised_shape(chip, capsys):
    code, out, err = ran(["run", "divider", "--dies", "3", "--seed", "7", "--set", "upper.resistance=2e3", "--json"], capsys)
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert list(told) == ["chip", "seed", "dies", "parameters", "metrics", "files"]
    assert (told["chip"], told["seed"], told["dies"]) == ("divider", 7, 3)
    assert told["parameters"] == {"upper.resistance": 2000.0}
    assert list(told["metrics"]) == ["error", "current"]
    current = told["metrics"]["current"]
    assert current["unit"] == "A"
    assert current["chip"]["low"] < current["chip"]["mean"] < current["chip"]["high"]
    assert current["ideal"] == pytest.approx(1 / 3000, rel=1e-9)
    assert json.loads(Path("runs/divider/result.json").read_text()) == told


def test_a_run_writes_what_it_says_and_nothing_else(chip, capsys):
    _, out, _ = ran(["run", "divider", "--dies", "2", "--json", "--out", "here"], capsys)
    names = {"metrics.nc", "budget.nc", "result.json", "metrics.png", "budget.png", "resistances.png", "report.html"}
    assert {path.name for path in Path("here").iterdir()} == names
    assert {Path(path).name for path in json.loads(out)["files"]} == names
    metrics = xr.load_dataset("here/metrics.nc", engine="h5netcdf")
    assert metrics["error"].sizes == {"die": 2}
    assert (metrics.attrs["seed"], metrics["error"].attrs["units"]) == (0, "V")
    budget = xr.load_dataset("here/budget.nc", engine="h5netcdf")
    assert set(budget["imperfection"].values) == {
        "supply.source_resistance",
        "upper.resistance_spread",
        "lower.resistance_spread",
    }


def test_a_run_for_people_tells_metrics_budget_and_report(chip, capsys):
    code, out, err = ran(["run", "divider", "--dies", "2"], capsys)
    assert (code, err) == (0, "")
    assert re.search(r"current +4\d\d.*\[.*\] +500.* uA", out)
    assert "Error budget of error" in out
    assert "Report: runs/divider/report.html" in out


def test_the_same_seed_gives_the_same_numbers(chip, capsys):
    run = lambda seed: json.loads(ran(["run", "divider", "--dies", "2", "--no-budget", "--json", "--seed", seed], capsys)[1])[
        "metrics"
    ]
    assert run("3") == run("3") != run("4")


def test_one_die_has_no_interval_and_json_says_null(chip, capsys):
    _, out, _ = ran(["run", "divider", "--dies", "1", "--no-budget", "--json"], capsys)
    error = json.loads(out)["metrics"]["error"]["chip"]
    assert error["mean"] > 0
    assert error["low"] is None
    assert error["high"] is None


def test_a_second_run_leaves_no_budget_of_the_first(chip, capsys):
    ran(["run", "divider", "--dies", "2"], capsys)
    ran(["run", "divider", "--dies", "2", "--no-budget"], capsys)
    assert not list(Path("runs/divider").glob("budget.*"))
    assert 'id="budget"' not in Path("runs/divider/report.html").read_text()


def test_a_chip_without_imperfections_still_has_a_report(chip, capsys):
    ideal = [f"--set={path}=0" for path in ("supply.source_resistance", "upper.resistance_spread", "lower.resistance_spread")]
    code, out, _ = ran(["run", "divider", "--dies", "2", *ideal], capsys)
    assert code == 0
    assert "every imperfection is at its ideal value" in out
    assert "nothing to rank" in Path("runs/divider/report.html").read_text()


def test_a_picture_that_fails_costs_only_itself(chip, capsys, monkeypatch):
    def blind(*_):
        raise RuntimeError("no\nlight")

    monkeypatch.setattr(Divider, "pictures", blind)
    code, out, err = ran(["run", "divider", "--dies", "2", "--json"], capsys)
    assert (code, err.count("\n")) == (0, 1)
    assert "warning: the chip's pictures could not be drawn (RuntimeError: no light)" in err
    assert {"metrics.png", "budget.nc", "report.html"} <= {Path(path).name for path in json.loads(out)["files"]}


def test_an_interrupt_keeps_the_metrics_and_leaves_with_130(chip, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("devsim.cli.execution.error_budget", interrupt)
    code, out, err = ran(["run", "divider", "--dies", "2", "--json"], capsys)
    assert (code, out) == (130, "")
    assert err == "devsim: interrupted; finished files are kept.\n"
    assert {path.name for path in Path("runs/divider").iterdir()} == {"metrics.nc", "result.json"}


def test_an_interrupt_while_drawing_leaves_a_report_of_the_numbers(chip, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Divider, "pictures", interrupt)
    assert ran(["run", "divider", "--dies", "2"], capsys)[0] == 130
    page = Path("runs/divider/report.html").read_text()
    assert 'id="budget"' in page
    assert {Path(path).name for path in json.loads(Path("runs/divider/result.json").read_text())["files"]} >= {"report.html"}


def test_a_bug_shows_its_traceback(chip, monkeypatch):
    monkeypatch.setattr(Divider, "task", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        cli.main(["run", "divider"])


def test_show_tells_every_parameter(chip, capsys):
    _, out, _ = ran(["show", "divider"], capsys)
    line = next(line for line in out.splitlines() if line.startswith("supply.source_resistance"))
    assert re.search(r"50 +ohm +\[0, inf\) +read +0 +series resistance", line)
    for path in Divider.design().parameters():
        assert path in out


def test_show_as_json_holds_the_same_table(chip, capsys):
    rows = {row["path"]: row for row in json.loads(ran(["show", "divider", "--json"], capsys)[1])["parameters"]}
    assert set(rows) == set(Divider.design().parameters())
    spread = rows["upper.resistance_spread"]
    assert (spread["value"], spread["unit"], spread["ideal"], spread["stage"]) == (0.1, "1", 0.0, "fabricate")
    assert spread["bounds"] == {"low": 0, "high": None, "open_low": False, "open_high": False}
    assert rows["upper.resistance"]["ideal"] is None


def test_json_holds_null_for_what_is_no_number():
    assert json.loads(encoded({"a": [np.nan.real, float("inf"), 1.5]})) == {"a": [None, None, 1.5]}


def test_a_file_is_whole_or_absent(tmp_path):
    path = tmp_path / "numbers"
    path.write_text("old")
    seen = []

    def half(temporary):
        temporary.write_text("ne")
        seen.append((path.read_text(), temporary.parent))
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        replace_file(path, half)
    assert seen == [("old", tmp_path)]
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("numbers", "old")]
    replace_file(path, lambda temporary: temporary.write_text("new"))
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("numbers", "new")]


def test_a_file_has_the_mode_that_the_user_chose(tmp_path):
    umask = os.umask(0o022)
    try:
        replace_file(tmp_path / "open", lambda temporary: temporary.write_text("x"))
    finally:
        os.umask(umask)
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o644


def test_a_target_that_is_a_folder_is_refused_in_words(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InputError, match=r"The file `.*report\.html` cannot be written: Is a directory"):
        replace_file(tmp_path / "report.html", lambda temporary: temporary.write_text("x"))
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_the_budget_and_the_comparison_share_their_dies(chip, capsys):
    ran(["run", "divider", "--dies", "3", "--json"], capsys)
    metrics = xr.load_dataset("runs/divider/metrics.nc", engine="h5netcdf")
    budget = xr.load_dataset("runs/divider/budget.nc", engine="h5netcdf")
    eps = np.finfo(float).eps
    assert float(budget["chip"]) == pytest.approx(float(metrics["error"].mean()), rel=10 * eps)
    assert jax.numpy.isfinite(float(budget["ideal"]))
