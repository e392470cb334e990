"""The commands that take variants: `run` of one and of several, `diff`, and the options that every command shares."""

import html
import json
import re
import shlex
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from devsim import cli
from devsim.chip import Metric
from devsim.cli import run_commands
from devsim.cli.subject import subject
from devsim.compare import differences, side_by_side
from devsim.parameter_file import Estimate, ParameterFile
from devsim.report.render import render_page
from devsim.report.variants import variants_page
from tests.test_cli import Divider, chip, ran

__all__ = ["chip"]  # the fixture
DIES = ["--dies", "3"]


@pytest.fixture
def thin(chip):
    """A variant of the divider whose upper resistor is larger."""
    path = Path("thin.yaml")
    path.write_text("chip: divider\ntitle: A thin divider\nset:\n  upper.resistance: 2e3\n")
    return str(path)


def fitted():
    """A parameter file of a resistor, as a fit leaves it."""
    estimate = {"device.resistance": Estimate(1500.0, 1400.0, 1600.0, "ohm")}
    ParameterFile(estimate, 0.1, "resistor", {"name": "data.csv"}).write("fit.yaml")


def test_a_variant_runs_like_a_chip(thin, capsys):
    code, out, err = ran(["run", thin, *DIES, "--json", "--no-budget"], capsys)
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert (told["chip"], told["variant"], told["parameters"]) == ("divider", "thin", {"upper.resistance": 2000.0})
    page = Path("runs/thin/report.html").read_text()
    assert "<h1>A thin divider</h1>" in page
    assert "devsim run thin.yaml --dies 3 --seed 0 --no-budget" in page


def test_options_change_the_chip_and_the_report_repeats_them(chip, capsys, monkeypatch):
    fitted()
    vary = ["process:upper.resistance=0.1", "die:lower.resistance=0.2"]
    asked = {"parameters": ["fit.yaml@lower"], "vary": vary, "scale": ["upper.*_spread=2"], "only": "device,process"}
    options = [f"--parameters={asked['parameters'][0]}", *(f"--vary={each}" for each in vary)]
    options += ["--scale=upper.*_spread=2", "--only=device,process", "--no-budget", "--seed=4", "--json"]
    code, out, err = ran(["run", "divider", *DIES, *options], capsys)
    told = json.loads(out)
    assert (code, err, told["parameters"]) == (0, "", {"lower.resistance": 1500.0})
    page = Path("runs/divider/report.html").read_text()
    assert "The parameters of <code>lower</code> are those of <code>fit.yaml</code>." in page
    assert "only those of device and process are left" in page
    assert "<code>process.upper.resistance</code>" in page
    shown = html.unescape(page[page.index("<pre><code>") + 11 : page.index("</code></pre>")])
    seen = []
    monkeypatch.setattr(run_commands, "subject", lambda name, **asked: seen.append(subject(name, **asked)) or 1 / 0)
    with pytest.raises(ZeroDivisionError, match="division"):
        cli.main(shlex.split(shown)[1:])
    same = lambda a, b: all(np.array_equal(np.asarray(a[path].value), np.asarray(b[path].value)) for path in a | b)
    made = subject("divider", **asked, seed=4)
    assert same(seen[0].chip.parameters(), made.chip.parameters())
    assert jnp.array_equal(jax.random.key_data(seen[0].chip.lot), jax.random.key_data(made.chip.lot))


def test_a_lot_follows_the_seed(chip):
    drawn = lambda seed: subject("divider", vary=["process:upper.resistance=0.1"], seed=seed).chip.drawn
    key = jax.random.key(0)
    resistance = [float(drawn(seed)(key).get("upper.resistance")) for seed in (1, 1, 2)]
    assert resistance[0] == resistance[1] != resistance[2]


def test_several_are_measured_on_the_same_dies(thin, capsys):
    Path("thinner.yaml").write_text("base: thin.yaml\nset: {upper.resistance: 4e3}")
    code, out, err = ran(["run", "divider", thin, "thinner.yaml", *DIES, "--json"], capsys)
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert list(told["variants"]) == ["divider", "thin", "thinner"]
    assert told["parameters"]["upper.resistance"] == {"divider": 1e3, "thin": 2e3, "thinner": 4e3}
    folder = Path("runs/divider-vs-thin-vs-thinner")
    assert {path.name for path in folder.iterdir()} == {"comparison.nc", "metrics.png", "report.html", "result.json"}
    assert json.loads((folder / "result.json").read_text()) == told
    result = xr.load_dataset(folder / "comparison.nc", engine="h5netcdf")
    alone = json.loads(ran(["run", "thinner.yaml", *DIES, "--no-budget", "--json"], capsys)[1])["metrics"]
    for metric in Divider.metrics:
        assert told["metrics"][metric]["variants"]["thinner"] == pytest.approx(alone[metric]["chip"], rel=1e-12)
        apart = (result[metric].sel(variant="thin") - result[metric].sel(variant="divider")).values
        row = told["metrics"][metric]["differences"]["thin"]
        assert row["mean"] == pytest.approx(apart.mean())
        assert row["high"] - row["mean"] == pytest.approx(4.302652729911275 * apart.std(ddof=1) / 3**0.5)  # t of two degrees
    page = (folder / "report.html").read_text()
    for text in (
        "<h1>divider, thin and thinner</h1>",
        'id="differences"',
        "devsim run divider thin.yaml thinner.yaml --dies 3",
    ):
        assert text in page


def test_one_command_shows_what_a_parameter_does(chip, capsys):
    code, out, err = ran(["diff", "divider", "--set", "upper.resistance=2e3", *DIES], capsys)
    assert (code, err) == (0, "")
    assert re.search(r"upper.resistance +1000 +2000 +ohm", out)
    assert re.search(r"How far above divider.*\n.*changed.*\nerror +1\d\d.\d+ \[.*\] +mV", out)
    assert "Report: runs/divider-vs-changed/report.html" in out
    page = Path("runs/divider-vs-changed/report.html").read_text()
    assert "devsim diff divider --set upper.resistance=2000.0 --dies 3 --seed 0" in page
    assert "above that of <code>divider</code>" in page


def test_a_difference_of_parameters_needs_no_dies(thin, capsys, monkeypatch):
    monkeypatch.setattr(Divider, "measure", lambda *_: 1 / 0)
    code, out, err = ran(["diff", "divider", thin, "--no-metrics", "--json", "--out", "here"], capsys)
    told = json.loads(out)
    assert (code, err, told["metrics"]) == (0, "", {})
    assert told["parameters"] == {"upper.resistance": {"divider": 1000.0, "thin": 2000.0}}
    assert {path.name for path in Path("here").iterdir()} == {"report.html", "result.json"}
    assert ran(["diff", "divider", thin, "--set", "upper.resistance=3", "--no-metrics"], capsys)[1].startswith(
        "All have the same"
    )


class Blind(Divider):
    """A divider that is asked something else."""

    name = "blind"
    metrics = {"light": Metric("W", "none")}

    def measure(self, task, key):
        """Nothing is seen."""
        return {"light": jnp.zeros(())}


def test_chips_without_a_metric_in_common_are_told_apart_by_their_parameters(chip):
    chips = {"divider": Divider.design(), "blind": Blind.design().set("upper.resistance", 5.0)}
    result = side_by_side(chips, dies=2, key=jax.random.key(0))
    page = variants_page(chips, {}, result, [], command="devsim diff", attributes=result.attrs, told={})
    assert [section.text[0] for section in page.sections[:2]] == ["In SI units.", "The chips have no metric in common."]
    assert page.sections[0].tables[0].rows[0][:3] == ["upper.resistance", "1000", "5"]
    assert "<h1>divider and blind</h1>" in render_page(page)
    assert differences(result) == {}


def test_show_tells_the_parameters_of_a_variant(thin, capsys):
    assert re.search(r"upper.resistance +2000 +ohm", ran(["show", thin], capsys)[1])


MISTAKES = {
    "no file": (["run", "none.yaml"], "`none.yaml`: A variant must be a file that can be read, but is not: No such file"),
    "unknown chip": (["run", "other.yaml"], "`other.yaml`, line 1: `chip` must be one of divider, but is `divder`"),
    "malformed": (["run", "bad.yaml"], "`bad.yaml`, line 2: A variant has no `sett`"),
    "refused": (["run", "refused.yaml"], "`refused.yaml`, line 2: `upper.resistance` must be above 0 ohm, but is -1"),
    "level": (["run", "divider", "--only", "devise"], "Did you mean `device`"),
    "pattern": (["run", "divider", "--scale", "x.*=2"], "`x.*` must match an imperfection, but matches none"),
    "factor": (["run", "divider", "--scale", "upper.*=x"], "must be a finite number"),
    "factors": (["run", "divider", "--scale", "upper.*=1,2"], "`--scale` must give `upper.*` one number, but gives 2"),
    "scale nothing": (["run", "divider", "--scale", "upper"], "`--scale` must be written PATTERN=FACTOR"),
    "vary nothing": (["run", "divider", "--vary", "upper.resistance=1"], "`--vary` must be written LEVEL:PATH=DEVIATION"),
    "vary what": (["run", "divider", "--vary", "dye:upper.resistance=1"], "`--vary` must be one of die, process, but is `dye`"),
    "vary path": (["run", "divider", "--vary", "die:uper.resistance=1"], "Did you mean `upper.resistance`"),
    "parameters": (["run", "divider", "--parameters", "none.yaml"], "must be readable"),
    "place": (["run", "divider", "--parameters", "fit.yaml@uper"], "`fit.yaml`: `at` must be a place"),
    "places": (["run", "divider", "--parameters", "fit.yaml"], "these have: `lower`, `upper`"),
    "three": (["diff", "divider", "other.yaml", "bad.yaml"], "`diff` must have one or two chips, but has 3"),
    "one": (["diff", "divider"], "`diff` must have two chips, or one and what to change of it"),
    "same": (["diff", "divider", "divider"], "Each chip must be named once, but `divider` is named twice"),
    "dies": (["diff", "divider", "refused.yaml", "--dies", "0"], "`--dies` must be at least 1"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2_and_writes_nothing(mistake, chip, capsys):
    files = {"other": "chip: divder", "bad": "chip: divider\nsett: {}", "refused": "chip: divider\nset: {upper.resistance: -1}"}
    for name, text in files.items():
        Path(f"{name}.yaml").write_text(text)
    fitted()
    arguments, expected = MISTAKES[mistake]
    code, out, err = ran(arguments, capsys)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("devsim: ")
    assert expected in err
    assert not Path("runs").exists()
