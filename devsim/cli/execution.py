"""A run from the drawing to the report: each result is written as soon as it exists."""

import dataclasses
import inspect
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import xarray as xr

from devsim import plot, plot_budget, registry
from devsim.budget import error_budget
from devsim.chip import Chip, Picture
from devsim.cli.encoding import encoded
from devsim.cli.progress import Progress
from devsim.cli.request import Request, adjusted
from devsim.compare import compare, summary
from devsim.files import output_folder, replace_file
from devsim.randomness import named_key, numbered_keys
from devsim.report.record import Drawing, Record
from devsim.report.report import BUDGET, METRICS, render


@dataclasses.dataclass
class Outcome:
    """What a run found and wrote; `files` grows as the run goes on."""

    request: Request
    chip: Chip
    result: xr.Dataset
    budget: xr.Dataset | None = None
    files: list[str] = dataclasses.field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """The one object that `--json` prints and `result.json` holds."""
        return {
            "chip": self.request.chip,
            "seed": self.request.seed,
            "dies": self.request.dies,
            "parameters": self.request.parameters,
            "metrics": summary(self.result),
            "files": self.files,
        }

    def json(self) -> str:
        """`told` as JSON; what is no finite number is null."""
        return encoded(self.told())

    def put(self, name: str, write: Callable[[Path], object]) -> None:
        """Write one file of the run's folder, whole or not at all, and tell `result.json` of it."""
        path = self.request.out / name
        replace_file(path, write)
        if str(path) not in self.files:
            self.files.append(str(path))
        if name != "result.json":
            self.put("result.json", lambda file: file.write_text(self.json() + "\n", encoding="utf-8"))


def execute(request: Request, *, show_progress: bool, complain: Callable[[str], object]) -> Outcome:
    """Do what was asked. Metrics are on disk before the budget starts, and both before anything is drawn.

    A picture that fails is complained of and left out. Raises InputError and SolveError; then nothing is written
    that was not finished, and a folder made for nothing is taken away.
    """
    chip = designed(request)
    started = time.perf_counter()
    with output_folder(request.out, make_parent=request.made_for_us), Progress(show_progress) as progress:
        key = jax.random.key(request.seed)
        task = chip.task(named_key(key, "task"))
        with progress.task("Measuring dies", request.dies) as step:
            result = compare(chip, dies=request.dies, key=key, task=task, progress=step)
        result.attrs |= {"seed": request.seed, "dies": request.dies, "parameters": json.dumps(request.parameters)}
        outcome = Outcome(request, chip, result)
        _forget(request.out)
        outcome.put("metrics.nc", lambda file: result.to_netcdf(file, engine="h5netcdf"))
        if request.budget:
            _add_budget(outcome, key, task, progress)
        seconds = time.perf_counter() - started
        drawings = _drawn(outcome, _house_pictures(outcome), complain)
        _report(outcome, drawings, seconds)  # already here: the chip's own pictures may take longer than its numbers
        with progress.task("Drawing", None):
            first_die = numbered_keys(named_key(key, "dies"), 1)[0]
            own = _tried(lambda: chip.pictures(task, first_die), "the chip's pictures", complain) or []
            _report(outcome, drawings + _drawn(outcome, own, complain), seconds)
    return outcome


def designed(request: Request) -> Chip:
    """The chip with the parameters that were set."""
    return adjusted(registry.load(request.chip).design(), request.parameters, "see `devsim show`")


def _forget(folder: Path) -> None:
    """Take away what an earlier run left and this one may not replace: a report must not outlive its numbers."""
    for name in ("report.html", "budget.nc", "budget.png"):
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)


def _add_budget(outcome: Outcome, key: Any, task: Any, progress: Progress) -> None:
    """Rank the imperfections by what they do to the chip's `budget_metric`."""
    chip, request = outcome.chip, outcome.request
    with progress.task("Error budget", None) as step:
        part = chip.budget_task(task)
        budget = error_budget(chip, metric=chip.budget_metric, dies=request.dies, key=key, task=part, progress=step)
    outcome.budget = budget
    outcome.put("budget.nc", lambda file: budget.to_netcdf(file, engine="h5netcdf"))


def _house_pictures(outcome: Outcome) -> list[Picture]:
    """What every run has: its metrics and its budget."""
    pictures = [Picture(METRICS, "", "The chip beside the ideal, metric by metric.", plot.metric_bars(outcome.result))]
    if outcome.budget is not None and outcome.budget.sizes["imperfection"]:
        pictures.append(
            Picture(BUDGET, "Error budget", "What each imperfection costs.", plot_budget.budget_bars(outcome.budget))
        )
    return pictures


def _drawn(outcome: Outcome, pictures: list[Picture], complain: Callable) -> list[Drawing]:
    """Every picture that can be drawn, each written as soon as it is."""
    drawings = []
    for picture in pictures:
        data = _tried(lambda figure=picture.figure: plot.png(figure), f"the picture `{picture.name}`", complain)
        if data is not None:
            outcome.put(f"{picture.name}.png", lambda file, data=data: file.write_bytes(data))
            drawings.append(Drawing(picture.name, picture.title, picture.caption, data))
    return drawings


def _tried(make: Callable, what: str, complain: Callable) -> Any:
    """What `make` makes; None, with a line of complaint, where it fails: numbers matter more than pictures."""
    try:
        return make()
    except Exception as error:
        complain(f"warning: {what} could not be drawn ({type(error).__name__}: {error}); the numbers are unaffected.")
        return None


def _report(outcome: Outcome, drawings: list[Drawing], seconds: float) -> None:
    request = outcome.request
    record = Record(
        chip=outcome.chip,
        about=inspect.cleandoc(sys.modules[type(outcome.chip).__module__].__doc__ or ""),
        seed=request.seed,
        dies=request.dies,
        parameters=request.parameters,
        result=outcome.result,
        budget=outcome.budget,
        drawings=drawings,
        command=request.command(),
        seconds=seconds,
    )
    page = render(record)
    outcome.put("report.html", lambda file: file.write_text(page, encoding="utf-8"))
