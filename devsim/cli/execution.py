"""A run from the drawing to the report: each result is written as soon as it exists."""

from __future__ import annotations

import dataclasses
import json
import shlex
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import xarray as xr

from devsim import plot, plot_budget
from devsim.budget import error_budget
from devsim.chip import Picture
from devsim.cli.encoding import encoded
from devsim.cli.progress import Progress
from devsim.cli.results_folder import ResultsFolder
from devsim.cli.subject import Subject
from devsim.compare import compare, summary
from devsim.files import output_folder
from devsim.randomness import named_key, numbered_keys
from devsim.report.record import Drawing, Record
from devsim.report.report import BUDGET, METRICS, render


@dataclasses.dataclass(frozen=True)
class Request:
    """A run as asked for. made_for_us: `out` is the default folder, whose parent may be made too."""

    subject: Subject
    dies: int
    seed: int
    out: Path
    made_for_us: bool
    budget: bool

    def command(self) -> str:
        """The line that repeats the run."""
        words = ["devsim", "run", *self.subject.words, "--dies", str(self.dies), "--seed", str(self.seed)]
        words += [] if self.made_for_us else ["--out", str(self.out)]
        words += [] if self.budget else ["--no-budget"]
        return shlex.join(words)


@dataclasses.dataclass
class Outcome:
    """What a run found, and the folder that holds it."""

    request: Request
    folder: ResultsFolder
    result: xr.Dataset
    budget: xr.Dataset | None = None

    def told(self) -> dict[str, Any]:
        """The one object that `--json` prints and `result.json` holds."""
        subject = self.request.subject
        told = {"chip": subject.chip.name} | ({} if subject.name == subject.chip.name else {"variant": subject.name})
        return told | {
            "seed": self.request.seed,
            "dies": self.request.dies,
            "parameters": subject.parameters,
            "metrics": summary(self.result),
            "files": self.folder.files,
        }

    def json(self) -> str:
        """`told` as JSON; what is no finite number is null."""
        return encoded(self.told())

    def save(self) -> None:
        """Tell `result.json` of every file so far."""
        self.folder.put("result.json", lambda file: file.write_text(self.json() + "\n", encoding="utf-8"))


def execute(request: Request, *, show_progress: bool, complain: Callable[[str], object]) -> Outcome:
    """Do what was asked. Metrics are on disk before the budget starts, and both before anything is drawn.

    A picture that fails is complained of and left out. Raises InputError and SolveError; then nothing is written
    that was not finished, and a folder made for nothing is taken away.
    """
    chip = request.subject.chip
    started = time.perf_counter()
    with output_folder(request.out, make_parent=request.made_for_us), Progress(show_progress) as progress:
        key = jax.random.key(request.seed)
        task = chip.task(named_key(key, "task"))
        with progress.task("Measuring dies", request.dies) as step:
            result = compare(chip, dies=request.dies, key=key, task=task, progress=step)
        result.attrs |= {"seed": request.seed, "dies": request.dies, "parameters": json.dumps(request.subject.parameters)}
        outcome = Outcome(request, ResultsFolder(request.out, complain), result)
        forget(request.out)
        outcome.folder.put("metrics.nc", lambda file: result.to_netcdf(file, engine="h5netcdf"))
        outcome.save()
        if request.budget:
            _add_budget(outcome, key, task, progress)
        seconds = time.perf_counter() - started
        drawings = outcome.folder.drawn(_house_pictures(outcome))
        _report(outcome, drawings, seconds)  # already here: the chip's own pictures may take longer than its numbers
        with progress.task("Drawing", None):
            first_die = numbered_keys(named_key(key, "dies"), 1)[0]
            own = outcome.folder.tried(lambda: chip.pictures(task, first_die), "the chip's pictures") or []
            _report(outcome, drawings + outcome.folder.drawn(own), seconds)
    return outcome


def forget(folder: Path) -> None:
    """Take away what an earlier run left and this one may not replace: a report must not outlive its numbers."""
    for name in ("report.html", "budget.nc", "budget.png"):
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)


def _add_budget(outcome: Outcome, key: Any, task: Any, progress: Progress) -> None:
    """Rank the imperfections by what they do to the chip's `budget_metric`."""
    chip, dies = outcome.request.subject.chip, outcome.request.dies
    with progress.task("Error budget", None) as step:
        part = chip.budget_task(task)
        budget = error_budget(chip, metric=chip.budget_metric, dies=dies, key=key, task=part, progress=step)
    outcome.budget = budget
    outcome.folder.put("budget.nc", lambda file: budget.to_netcdf(file, engine="h5netcdf"))
    outcome.save()


def _house_pictures(outcome: Outcome) -> list[Picture]:
    """What every run has: its metrics and its budget."""
    pictures = [Picture(METRICS, "", "The chip beside the ideal, metric by metric.", plot.metric_bars(outcome.result))]
    if outcome.budget is not None and outcome.budget.sizes["imperfection"]:
        pictures.append(
            Picture(BUDGET, "Error budget", "What each imperfection costs.", plot_budget.budget_bars(outcome.budget))
        )
    return pictures


def _report(outcome: Outcome, drawings: list[Drawing], seconds: float) -> None:
    request, subject = outcome.request, outcome.request.subject
    record = Record(
        chip=subject.chip,
        about=subject.chip.about(),
        seed=request.seed,
        dies=request.dies,
        parameters=subject.parameters,
        result=outcome.result,
        budget=outcome.budget,
        drawings=drawings,
        command=request.command(),
        seconds=seconds,
        title=subject.title or subject.name,
        told=subject.told,
    )
    outcome.folder.put_text("report.html", render(record))
    outcome.save()
