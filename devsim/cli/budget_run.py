"""A full budget from the chip to the report."""

from __future__ import annotations

import dataclasses
import json
import shlex
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import xarray as xr

from devsim import check, plot_budget
from devsim.budget import full_budget
from devsim.budget.record import plain
from devsim.chip import Picture
from devsim.cli.budget_command import USUAL_DIES
from devsim.cli.encoding import encoded
from devsim.cli.progress import Progress
from devsim.cli.results_folder import ResultsFolder
from devsim.cli.subject import Subject, subject
from devsim.files import output_folder
from devsim.randomness import named_key
from devsim.report.budget_page import BUDGET, SOBOL, TOLERANCE, BudgetRecord, budget_page
from devsim.report.render import render_page

LEFT = ("budget.json", "budget.nc", "report.html", f"{BUDGET}.png", f"{SOBOL}.png", f"{TOLERANCE}.png")
"""What an earlier budget may have left, which must not outlive its numbers."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """A budget as asked for; None where the chip decides. made_for_us: the folder is the default one."""

    chip: str
    settings: Sequence[str]
    metric: str | None
    dies: int | None
    seed: int
    loss: float
    relative: bool
    sobol: int | None
    out: Path
    made_for_us: bool


@dataclasses.dataclass(frozen=True)
class Ranked:
    """A budget, what it is of, and the files it left."""

    subject: Subject
    seed: int
    budget: xr.Dataset
    files: list[str]

    def json(self) -> str:
        """The one object that `--json` prints and `budget.json` holds."""
        told = {"chip_name": self.subject.name, "seed": self.seed, "parameters": self.subject.parameters}
        return encoded(plain(self.budget) | told | {"files": self.files})


def ranked(asked: Asked, *, show_progress: bool, complain: Callable[[str], object]) -> Ranked:
    """Do what was asked: the numbers are on disk before anything is drawn. Raises InputError and SolveError."""
    about = subject(asked.chip, settings=asked.settings)
    chip = about.chip
    metric = chip.budget_metric if asked.metric is None else asked.metric
    check.one_of("--metric", metric, chip.metrics)
    dies = max(min(USUAL_DIES, chip.usual_dies), 2) if asked.dies is None else asked.dies
    key = jax.random.key(asked.seed)
    started = time.perf_counter()
    with output_folder(asked.out, make_parent=asked.made_for_us), Progress(show_progress) as progress:
        with progress.task("Error budget", None) as step:
            budget = full_budget(
                chip,
                metric=metric,
                dies=dies,
                key=key,
                task=chip.budget_task(chip.task(named_key(key, "task"))),
                loss=asked.loss,
                relative=asked.relative,
                sobol=asked.sobol,
                progress=step,
            )
        budget.attrs |= {"seed": asked.seed, "parameters": json.dumps(about.parameters)}
        folder = ResultsFolder(asked.out, complain)
        for name in LEFT:
            with suppress(OSError):
                (asked.out / name).unlink(missing_ok=True)
        found = Ranked(about, asked.seed, budget, folder.files)
        folder.put("budget.nc", lambda file: budget.to_netcdf(file, engine="h5netcdf"))
        folder.put_text("budget.json", found.json() + "\n")
        seconds = time.perf_counter() - started
        with progress.task("Drawing", None):
            drawings = folder.drawn(_pictures(budget, folder)) if budget.sizes["imperfection"] else []
            record = BudgetRecord(chip, about.parameters, asked.seed, budget, drawings, _command(asked, about, dies), seconds)
            folder.put_text("report.html", render_page(budget_page(record)))
        folder.put_text("budget.json", found.json() + "\n")
    return found


def _pictures(budget: xr.Dataset, folder: ResultsFolder) -> list[Picture]:
    told = [
        (BUDGET, "What each imperfection costs.", plot_budget.budget_bars),
        (TOLERANCE, "How far each imperfection may go, beside where it is.", plot_budget.room_left),
    ]
    if "sobol_first" in budget:
        told.append((SOBOL, "How the variance divides.", plot_budget.sobol_bars))
    made: list[tuple[str, str, Any]] = [
        (name, caption, folder.tried(lambda draw=draw: draw(budget), f"the picture `{name}`")) for name, caption, draw in told
    ]
    return [Picture(name, "", caption, figure) for name, caption, figure in made if figure is not None]


def _command(asked: Asked, about: Subject, dies: int) -> str:
    """The line that repeats it."""
    words = ["devsim", "budget", *about.words]
    words += [] if asked.metric is None else ["--metric", asked.metric]
    words += ["--dies", str(dies), "--seed", str(asked.seed)]
    words += ["--loss" if asked.relative else "--loss-abs", repr(asked.loss)]
    words += [] if asked.sobol is None else ["--sobol", str(asked.sobol)]
    words += [] if asked.made_for_us else ["--out", str(asked.out)]
    return shlex.join(words)
