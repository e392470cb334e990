"""The pages: their Python runs as written and prints what they show, their commands are right, the gallery is complete."""

import contextlib
import io
import itertools
import re
import shlex
import shutil
import sys
import types
from pathlib import Path
from typing import NamedTuple

import pytest

from circuits import results
from devsim import cli, registry
from devsim.check import InputError
from devsim.cli import budget_run, budget_table, comparison, execution, sweep_execution, tables

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FITTED = """model: pcm-drift
data: {name: drift.csv, sha256: "", rows: 96}
parameters:
  device.drift: {value: 1.7, low: 1.5, high: 1.9, unit: "1"}
residual_rms: 0.01
residual_unit: "1"
"""
"""What a fit leaves."""
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


class Block(NamedTuple):
    """A fenced block: its language, its text, and the line of the page on which that text begins."""

    language: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    """Every fenced block of a page of this repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [Block(found[1], found[2], text.count("\n", 0, found.start(2))) for found in FENCE.finditer(text)]


def commands(program: str) -> list[str]:
    """What follows `program` on every line of the pages that calls it, `$` or not, comments left out."""
    lines = [line for page in ("README.md", "circuits/README.md") for b in blocks(page) for line in b.text.splitlines()]
    shown = [line.removeprefix("$ ") for line in lines]
    return sorted({line.partition(" #")[0] for line in shown if line.split(" ")[0] == program})


@pytest.mark.slow
def test_every_example_runs_and_prints_what_the_page_shows(monkeypatch):
    """The blocks share one namespace, in order; a failure's traceback names the line of the page."""
    page = blocks("README.md")
    module = types.ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", module)
    count = 0
    for block, after in itertools.pairwise([*page, Block("", "", 0)]):
        if block.language != "python":
            continue
        count += 1
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * block.line + block.text, "README.md", "exec"), module.__dict__)
        shown = after.text if after.language == "text" else ""
        assert NUMBER.sub("#", printed.getvalue()) == NUMBER.sub("#", shown), f"README.md, below line {block.line}"
        numbers = [[float(n) for n in NUMBER.findall(told)] for told in (printed.getvalue(), shown)]
        # Half a digit of the four or fewer that are shown, since another platform may round the other way.
        assert numbers[0] == pytest.approx(numbers[1], rel=2e-3), f"README.md, below line {block.line}"
    assert count == sum(block.language == "python" for block in page) > 0


class Answered(NamedTuple):
    """What stands for the outcome of a command that would compute for minutes."""

    request: object = None

    def json(self):
        """Nothing."""
        return "{}"

    def show(self):
        """Nothing."""


@pytest.mark.parametrize("command", commands("devsim"))
def test_every_command_of_the_pages_is_understood(command, monkeypatch, tmp_path, capsys):
    """Chips are checked as far as their parameters, and not measured; files are analysed and fitted."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    Path("drift.yaml").write_text(FITTED, encoding="utf-8")
    answer = lambda request, **options: Answered(request)
    for module, function in ((execution, "execute"), (sweep_execution, "execute"), (budget_run, "ranked")):
        monkeypatch.setattr(module, function, answer)
    monkeypatch.setattr(comparison, "compare_all", answer)
    for show in ("show_outcome", "show_comparison"):
        monkeypatch.setattr(tables, show, lambda outcome: None)
    monkeypatch.setattr(budget_table, "show", lambda outcome: None)
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main(shlex.split(command)[1:])
    assert not capsys.readouterr().err


def test_every_make_target_of_the_pages_exists():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for command in commands("make"):
        assert command.split()[1] in targets


def test_every_link_of_the_pages_leads_to_a_file():
    for page in ("README.md", "circuits/README.md"):
        links = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8"))
        for link in links:
            assert (ROOT / page).parent.joinpath(link).exists(), f"{page} links to {link}"


def test_the_gallery_tells_of_every_chip_and_has_its_results():
    text = results.PAGE.read_text(encoding="utf-8")
    table = text.partition(results.BEGIN)[2].partition(results.END)[0]
    for name, point in registry.chips().items():
        if point.module.startswith("circuits."):
            assert f"## {name}" in text and f"| {name} |" in table, name


def test_only_what_lies_between_the_markers_is_replaced():
    page = f"above\n{results.BEGIN}\nold\n{results.END}\nbelow\n"
    assert results.replaced(page, "new") == f"above\n{results.BEGIN}\nnew\n{results.END}\nbelow\n"
    with pytest.raises(
        InputError, match=r"must hold the lines `<!-- results: begin -->` and `<!-- results: end -->` once each"
    ):
        results.replaced("no markers", "new")


def test_rows_of_a_chip_that_is_not_measured_again_stay():
    page = "| a | `m` | 1 |\n| a-8 | `m` | 2 |\n| a | 8 | 3 |\n"
    assert results.kept(page, "a") == (["| a | `m` | 1 |"], ["| a | 8 | 3 |"])
