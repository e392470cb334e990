"""Variants side by side, from the drawings to the report."""

from __future__ import annotations

import dataclasses
import shlex
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr

from devsim.chip import Picture
from devsim.cli.encoding import encoded
from devsim.cli.progress import Progress
from devsim.cli.results_folder import ResultsFolder
from devsim.cli.subject import Subject
from devsim.compare import differences, side_by_side, summary
from devsim.files import output_folder
from devsim.plot_variants import variant_dots
from devsim.provenance import provenance
from devsim.report.page import Page
from devsim.report.record import Drawing
from devsim.report.render import render_page
from devsim.report.variants import METRICS, differing, variants_page
from devsim.units import brief

LARGEST = 64
"""Elements of an array that JSON tells one by one."""


@dataclasses.dataclass(frozen=True)
class ComparisonRequest:
    """What to compare: label -> subject, the first being what others are compared with.

    words: that ask for them again. made_for_us: `out` is the default folder, whose parent may be made too. metrics: whether
    they are measured, or only their parameters told.
    """

    words: list[str]
    subjects: dict[str, Subject]
    dies: int
    seed: int
    out: Path
    made_for_us: bool
    metrics: bool

    def command(self) -> str:
        """The line that repeats it."""
        words = ["devsim", *self.words, "--dies", str(self.dies), "--seed", str(self.seed)]
        words += [] if self.made_for_us else ["--out", str(self.out)]
        words += [] if self.metrics else ["--no-metrics"]
        return shlex.join(words)


@dataclasses.dataclass
class Comparison:
    """What was found, and the folder that holds it."""

    request: ComparisonRequest
    folder: ResultsFolder
    result: xr.Dataset | None = None

    def told(self) -> dict[str, Any]:
        """The one object that `--json` prints and `result.json` holds."""
        subjects = self.request.subjects
        different = differing({name: each.chip for name, each in subjects.items()})
        return {
            "variants": {name: {"chip": each.chip.name, "parameters": each.parameters} for name, each in subjects.items()},
            "seed": self.request.seed,
            "dies": self.request.dies,
            "parameters": {
                path: {name: _plain(entry) for name, entry in zip(subjects, entries, strict=True)}
                for path, entries in different.items()
            },
            "metrics": {} if self.result is None else _metrics(self.result),
            "files": self.folder.files,
        }

    def json(self) -> str:
        """`told` as JSON; what is no finite number is null."""
        return encoded(self.told())

    def save(self) -> None:
        """Tell `result.json` of every file so far."""
        self.folder.put("result.json", lambda file: file.write_text(self.json() + "\n", encoding="utf-8"))


def _plain(entry: Any) -> Any:
    """A number, numbers, or in words what a large array holds; None where a chip has no such parameter."""
    if entry is None:
        return None
    value = np.asarray(entry.value)
    return value.tolist() if value.size <= LARGEST and not np.iscomplexobj(value) else brief(value)


def _metrics(result: xr.Dataset) -> dict[str, Any]:
    """Metric -> unit, each variant's mean with its interval, ideal, and difference from the first."""
    names = [str(name) for name in result["variant"].values]
    rows = {name: summary(result.sel(variant=name)) for name in names}
    return {
        metric: {
            "unit": rows[names[0]][metric]["unit"],
            "variants": {name: rows[name][metric]["chip"] for name in names},
            "ideals": {name: rows[name][metric]["ideal"] for name in names},
            "differences": apart,
        }
        for metric, apart in differences(result).items()
    }


def compare_all(request: ComparisonRequest, *, show_progress: bool, complain: Callable[[str], object]) -> Comparison:
    """Measure all on the same dies, seed and task, draw them beside each other, and leave a report.

    Raises InputError and SolveError; then nothing is written that was not finished.
    """
    started = time.perf_counter()
    with output_folder(request.out, make_parent=request.made_for_us), Progress(show_progress) as progress:
        found = Comparison(request, ResultsFolder(request.out, complain))
        if request.metrics:
            chips = {name: each.chip for name, each in request.subjects.items()}
            with progress.task("Measuring dies", request.dies * len(chips)) as step:
                found.result = side_by_side(chips, dies=request.dies, key=jax.random.key(request.seed), progress=step)
            found.result.attrs |= {"seed": request.seed, "dies": request.dies}
        for name in ("report.html", "comparison.nc", f"{METRICS}.png"):  # of an earlier time
            with suppress(OSError):
                (request.out / name).unlink(missing_ok=True)
        drawings = [] if found.result is None else _kept(found, found.result)
        found.folder.put_text("report.html", render_page(_page(found, drawings, time.perf_counter() - started)))
        found.save()
        found.save()  # which tells of itself
    return found


def _kept(found: Comparison, result: xr.Dataset) -> list[Drawing]:
    """Write the numbers, then draw them."""
    found.folder.put("comparison.nc", lambda file: result.to_netcdf(file, engine="h5netcdf"))
    found.save()
    drawn = found.folder.tried(lambda: variant_dots(result), "the metrics") if result.data_vars else None
    first = next(iter(found.request.subjects))
    caption = f"Means with 95 % intervals, the ideal as a grey tick; to the right the paired differences from {first}."
    return [] if drawn is None else found.folder.drawn([Picture(METRICS, "", caption, drawn)])


def _page(found: Comparison, drawings: list[Drawing], seconds: float) -> Page:
    request = found.request
    chips = {name: each.chip for name, each in request.subjects.items()}
    return variants_page(
        chips,
        {name: each.told for name, each in request.subjects.items()},
        found.result,
        drawings,
        command=request.command(),
        attributes=provenance(),
        told={
            "chips": ", ".join(dict.fromkeys(chip.name for chip in chips.values())),
            "seed": str(request.seed),
            "dies": str(request.dies),
            "computed in": f"{seconds:.1f} s",
        },
    )
