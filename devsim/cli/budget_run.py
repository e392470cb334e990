"""A full budget from the chip to the report."""

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

from devsim import plot_budget
from devsim.budget import full_budget
from devsim.budget.record import answers, plain
from devsim.chip import Picture
from devsim.cli.budget_command import USUAL_DIES
from devsim.cli.encoding import encoded
from devsim.cli.progress import Progress
from devsim.cli.results_folder import ResultsFolder
from devsim.cli.subject import Subject
from devsim.files import output_folder
from devsim.randomness import named_key
from devsim.report.budget_page import BUDGET, SOBOL, TOLERANCE, BudgetRecord, budget_page
from devsim.report.record import Drawing
from devsim.report.render import render_page

LEFT = ("budget.json", "budget.nc", "report.html", f"{BUDGET}.png", f"{SOBOL}.png", f"{TOLERANCE}.png")
"""What an earlier budget may have left, which must not outlive its numbers."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """A budget as asked for; None where the chip decides. made_for_us: the folder is the default one."""

    subject: Subject
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
    """A budget, as it was asked for, and the files it left."""

    asked: Asked
    budget: xr.Dataset
    files: list[str]

    def json(self) -> str:
        """The one object that `--json` prints."""
        about = self.asked.subject
        told: dict[str, Any] = {"of": about.chip.name} | ({} if about.name == about.chip.name else {"variant": about.name})
        told |= {"seed": self.asked.seed, "parameters": about.parameters, "files": self.files}
        return encoded(plain(self.budget) | told)


def ranked(asked: Asked, *, show_progress: bool, complain: Callable[[str], object]) -> Ranked:
    """Do what was asked: the numbers are on disk before anything is drawn. Raises InputError and SolveError."""
    chip = asked.subject.chip
    metric = chip.budget_metric if asked.metric is None else asked.metric
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
        budget.attrs |= {"seed": asked.seed, "parameters": json.dumps(asked.subject.parameters)}
        folder = ResultsFolder(asked.out, complain)
        for name in LEFT:
            with suppress(OSError):
                (asked.out / name).unlink(missing_ok=True)
        found = Ranked(asked, budget, folder.files)
        folder.put("budget.nc", lambda file: budget.to_netcdf(file, engine="h5netcdf"))
        folder.put_text("budget.json", encoded(answers(budget)) + "\n")
        seconds = time.perf_counter() - started
        with progress.task("Drawing", None):
            drawings = folder.drawn(_pictures(budget, folder)) if budget.sizes["imperfection"] else []
            folder.put_text("report.html", render_page(budget_page(_record(asked, budget, drawings, seconds))))
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


def _record(asked: Asked, budget: xr.Dataset, drawings: list[Drawing], seconds: float) -> BudgetRecord:
    about = asked.subject
    return BudgetRecord(
        chip=about.chip,
        title=about.title or about.name,
        told=about.told,
        parameters=about.parameters,
        seed=asked.seed,
        budget=budget,
        drawings=drawings,
        command=_command(asked, budget.attrs["dies"]),
        seconds=seconds,
    )


def _command(asked: Asked, dies: int) -> str:
    """The line that repeats it."""
    words = ["devsim", "budget", *asked.subject.words]
    words += [] if asked.metric is None else ["--metric", asked.metric]
    words += ["--dies", str(dies), "--seed", str(asked.seed)]
    words += ["--loss" if asked.relative else "--loss-abs", repr(asked.loss)]
    words += [] if asked.sobol is None else ["--sobol", str(asked.sobol)]
    words += [] if asked.made_for_us else ["--out", str(asked.out)]
    return shlex.join(words)
