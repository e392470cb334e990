"""A sweep from the request to the report: results first, then pictures, then the page."""

import dataclasses
import json
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import xarray as xr
from rich.text import Text

from devsim.cli.encoding import encoded
from devsim.cli.progress import Progress
from devsim.cli.results_folder import ResultsFolder
from devsim.cli.subject import Subject
from devsim.cli.tables import console, show_rows
from devsim.files import output_folder
from devsim.plot_sweep import metrics_of, paths_of, sweep_pictures
from devsim.report.render import render_page
from devsim.report.sweep_page import sweep_page, warnings_of
from devsim.sweep import sweep
from devsim.sweep.cache import FOLDER, shared_compilations
from devsim.sweep.store import RESULT
from devsim.units import brief, together

SHOWN = 24
"""Points that are printed."""
ENDS = ("mean", "low", "high", "ideal")


@dataclasses.dataclass(frozen=True)
class SweepRequest:
    """A sweep as asked for; see `devsim.sweep.sweep`. made_for_us: `out` is the default folder, whose parent may be made."""

    subject: Subject
    over: list[str]
    dies: int
    seed: int
    out: Path
    made_for_us: bool
    design: str
    points: int | None
    metrics: list[str] | None
    engine: str
    resume: bool
    shard: str | None
    chunk: int | None

    def command(self) -> str:
        """The line that repeats the sweep, on one machine."""
        words = ["devsim", "sweep", *self.subject.words]
        for axis in self.over:
            words += ["--over", axis]
        words += ["--dies", str(self.dies), "--seed", str(self.seed)]
        words += [] if self.design == "grid" else ["--design", self.design]
        words += [] if self.points is None else ["--points", str(self.points)]
        for metric in self.metrics or []:
            words += ["--metric", metric]
        words += [] if self.made_for_us else ["--out", str(self.out)]
        return shlex.join(words)


@dataclasses.dataclass
class SweepOutcome:
    """What a sweep found and wrote; `result` is None where other shards are not done yet."""

    request: SweepRequest
    result: xr.Dataset | None
    files: list[str]

    def told(self) -> dict[str, Any]:
        """The one object that `--json` prints."""
        request, result = self.request, self.result
        told: dict[str, Any] = {"chip": request.subject.name, "seed": request.seed, "dies": request.dies}
        told |= {"parameters": request.subject.parameters, "design": request.design, "finished": result is not None}
        if result is None:
            return told | {"over": request.over, "points": [], "files": self.files}
        told["over"] = {path: result[path].values.tolist() for path in paths_of(result)}
        told["not_finite"] = int(result.attrs["not_finite"])
        return told | {"points": _points(result), "files": self.files}

    def json(self) -> str:
        """`told` as JSON; what is no finite number is null."""
        return encoded(self.told())

    def show(self) -> None:
        """The points as a table, and where the report lies; or that other shards are at work yet."""
        if self.result is None:
            console().print(
                f"Shard {self.request.shard} is done; the last shard to finish, or `--resume` without `--shard`, gathers all.",
                soft_wrap=True,
            )
            return
        _show(self.result)
        report = next((path for path in self.files if path.endswith(".html")), None)
        console().print(Text.assemble("Report: ", (report or "none was written", "bold cyan")), soft_wrap=True)


def execute(request: SweepRequest, *, show_progress: bool, complain: Callable[[str], object]) -> SweepOutcome:
    """Do what was asked. Raises InputError before anything is made; what was finished is kept in any case."""
    started = time.perf_counter()
    what = request.subject
    with output_folder(request.out, make_parent=request.made_for_us), Progress(show_progress) as progress:
        with shared_compilations(request.out / FOLDER), progress.task("Sweeping", None, remaining=True) as step:
            result = sweep(
                what.chip,
                request.over,
                dies=request.dies,
                key=jax.random.key(request.seed),
                design=request.design,
                points=request.points,
                metrics=request.metrics,
                out=request.out,
                engine=request.engine,
                resume=request.resume,
                shard=request.shard,
                chunk=request.chunk,
                attributes=_attributes(request),
                progress=step,
                tell=complain,
            )
        outcome = SweepOutcome(request, result, [])
        if result is not None:
            for warning in warnings_of(result):
                complain(f"warning: {warning}")
            _report(outcome, result, progress, time.perf_counter() - started, complain)
    return outcome


def _attributes(request: SweepRequest) -> dict[str, Any]:
    return {"seed": request.seed, "parameters": json.dumps(request.subject.parameters), "command": request.command()}


def _report(
    outcome: SweepOutcome, result: xr.Dataset, progress: Progress, seconds: float, complain: Callable[[str], object]
) -> None:
    request = outcome.request
    folder = ResultsFolder(request.out, complain)
    folder.files.append(str(request.out / RESULT))
    with progress.task("Drawing", None):
        drawings = folder.drawn(folder.tried(lambda: sweep_pictures(result), "the pictures") or [])
    told = {"chip": request.subject.name, "seed": str(request.seed), "dies": str(request.dies), "design": request.design}
    told |= {"engine": request.engine, "computed in": f"{seconds:.1f} s"}
    page = sweep_page(
        result,
        request.subject.chip,
        drawings,
        title=request.subject.name,
        command=request.command(),
        parameters=request.subject.parameters,
        told=told,
    )
    folder.put_text("report.html", render_page(page))
    outcome.files = folder.files


def _points(result: xr.Dataset) -> list[dict[str, Any]]:
    """Every point: the values of the knobs there, and of each metric mean, interval, ideal and unit."""
    paths, metrics = paths_of(result), metrics_of(result)
    flat = result[[f"{metric}_{end}" for metric in metrics for end in ENDS]]
    flat = flat if "point" in flat.dims else flat.stack(point=list(flat.dims), create_index=False)
    columns = {str(name): values.values.tolist() for name, values in flat.variables.items()}
    units = {metric: result[metric].attrs["units"] for metric in metrics}
    told = []
    for point in range(flat.sizes["point"]):
        numbers = {
            metric: {end: columns[f"{metric}_{end}"][point] for end in ENDS} | {"unit": units[metric]} for metric in metrics
        }
        told.append({"at": {path: columns[path][point] for path in paths}, "metrics": numbers})
    return told


def _show(result: xr.Dataset) -> None:
    paths, metrics, points = paths_of(result), metrics_of(result), _points(result)
    cells = []
    for point in points[:SHOWN]:
        row = [brief(value) for value in point["at"].values()]
        for told in point["metrics"].values():
            width = told["high"] - told["low"]
            texts, unit = together([told["mean"], told["low"], told["high"]], told["unit"], resolution=width)
            mean = f"{texts[0]} {unit}".strip()
            row.append(mean if texts[1] == "-" else f"{mean} [{texts[1]}, {texts[2]}]")
        cells.append(tuple(row))
    rest = len(points) - len(cells)
    title = f"{result.attrs['chip']}: mean over {result.sizes['die']} dies with its 95 % interval"
    units = {path: result[path].attrs["units"] for path in paths}
    headers = [path if units[path] == "1" else f"{path} ({units[path]})" for path in paths]
    show_rows(title, (*headers, *metrics), cells)
    if rest:
        console().print(f"... and {rest:,} more points")
    console().print()
