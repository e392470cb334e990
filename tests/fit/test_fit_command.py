"""`devsim fit` and `devsim models`: what they print, what they leave, and what they say of what cannot be fitted."""

import json
from typing import ClassVar

import numpy as np
import pytest

from devsim import cli
from devsim.fit import catalogue
from devsim.parameter_file import read_parameter_file
from tests.fit.benches import Capacitor, Decay

TIME = np.linspace(0, 5, 40)


class Named(Decay):
    """A capacitor on a meter."""

    device: Capacitor = Capacitor()
    name: ClassVar[str] = "decay"


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """One model, and two files of measurements in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalogue, "MODELS", {"decay": "nowhere:Named"})
    monkeypatch.setattr(catalogue, "load", lambda name: Named)
    rng = np.random.default_rng(0)
    rows = [f"{t},{1e3 * (2 * np.exp(-0.8 * t) + 0.1 + 0.03 * rng.normal())}" for t in TIME]
    (tmp_path / "one.csv").write_text("time [s],V [mV]\n" + "\n".join([*rows, "5.1,nan"]))
    many = [f"{t},{(2 + 0.1 * d) * np.exp(-0.8 * t) + 0.03 * rng.normal()},{d}" for d in range(4) for t in TIME]
    (tmp_path / "many.csv").write_text("t [s],V [V],cell\n" + "\n".join(many))
    return tmp_path


def ran(arguments, capsys):
    """Exit code, stdout and stderr of a command run in this process."""
    with pytest.raises(SystemExit, match=r"^\d+$") as left:
        cli.main(["fit", "decay", *arguments])
    out, err = capsys.readouterr()
    return left.value.code, out, err


def test_a_fit_leaves_its_parameters_a_picture_and_a_page(measured, capsys):
    code, out, err = ran(["one.csv", "--y", "V", "--at", "array.cell"], capsys)
    assert (code, err) == (0, "")
    assert "Fit of decay: 40 rows, 3 parameters, linear loss" in out
    assert "1 of 41 rows hold no number (1 in `V`) and are left out: row 40." in out
    folder = measured / "runs" / "fit-decay"
    file = read_parameter_file(folder / "fit.yaml")
    assert (file.model, file.at, file.data["name"], file.data["rows"]) == ("decay", "array.cell", "one.csv", 40)
    assert file.parameters["device.rate"].low < 0.8 < file.parameters["device.rate"].high
    page = (folder / "report.html").read_text()
    assert "Fit of decay to one.csv" in page
    assert "devsim fit decay one.csv --y V --at array.cell" in page
    assert (folder / "fit.png").stat().st_size > 1000


def test_a_population_in_json(measured, capsys):
    code, out, _ = ran(["many.csv", "--x", "t", "--y", "V", "--by", "cell", "--out", "found.yaml", "--json"], capsys)
    told = json.loads(out)
    assert code == 0
    assert list(told["devices"]) == ["0", "1", "2", "3"]
    assert told["parameters"]["device.amplitude_spread"]["unit"] == "V"
    assert told["files"] == ["found.yaml", "fit.png", "parameters.png", "report.html"]


def test_models_are_listed(measured, capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["models"])
    out = capsys.readouterr().out
    assert out.startswith(
        "decay: A capacitor on a meter.\n  --x time (s): since the pulse\n  --y (V): voltage\n  fits device.amp"
    )


REFUSED = {
    "output": (["one.csv"], "A fit must know the column of the output; give it as `--y COLUMN`."),
    "column": (["one.csv", "--y", "U"], "`data` has no column `U`, asked for as output."),
    "input": (["many.csv", "--y", "V"], "`x` must give a column to the input `time` of `decay`"),
    "units": (["one.csv", "--y", "time"], "Mixed units: `time` must be in V (voltage), but is in s"),
    "file": (["none.csv", "--y", "V"], "none.csv"),
    "unit": (["one.csv", "--y", "V", "--unit", "V"], "`--unit` must be written COLUMN=UNIT, such as I=mA, but is `V`."),
    "path": (["one.csv", "--y", "V", "--free", "rate"], "Did you mean `device.rate`"),
    "set": (["one.csv", "--y", "V", "--set", "offset"], "`--set` must be written PATH=VALUE"),
    "ending": (["one.csv", "--y", "V", "--out", "folder"], "`--out` must be a file that ends in .yaml, but is `folder`."),
    "folder": (["one.csv", "--y", "V", "--out", "no/where/f.yaml"], "`--out` must lie in a folder that exists"),
    "loss": (["one.csv", "--y", "V", "--loss", "l3"], "`loss` must be one of cauchy, huber, linear, soft_l1, but is `l3`."),
    "seed": (["one.csv", "--y", "V", "--seed", "-1"], "`--seed` must be at least 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_fitted_is_told_in_one_line_and_leaves_nothing(name, measured, capsys):
    arguments, words = REFUSED[name]
    code, out, err = ran(arguments, capsys)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert not (measured / "runs").exists()
