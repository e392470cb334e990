"""A fit from the file of measurements to the report: the parameter file is written before anything is drawn."""

import dataclasses
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr

from devsim.check import InputError
from devsim.chip import Picture
from devsim.cli.encoding import encoded
from devsim.cli.progress import Progress
from devsim.cli.request import assignments
from devsim.cli.results_folder import ResultsFolder
from devsim.files import output_folder
from devsim.fit import catalogue
from devsim.fit.bench import Bench
from devsim.fit.fitting import fit
from devsim.fit.population import Population
from devsim.fit.result import Fit
from devsim.parameter_file import sha256
from devsim.variant import adjusted


@dataclasses.dataclass(frozen=True)
class FitRequest:
    """A fit as asked for; `made_for_us`: `out` lies in the default folder, which may be made."""

    model: str
    data: Path
    x: list[str]
    y: str
    by: str | None
    sigma: str | None
    free: list[str]
    settings: list[str]
    units: dict[str, str]
    loss: str
    starts: int
    seed: int
    at: str | None
    bayes: bool
    out: Path
    made_for_us: bool

    def command(self) -> str:
        """The line that repeats the fit."""
        words = ["devsim", "fit", self.model, str(self.data)]
        lists = {"--x": self.x, "--free": self.free, "--set": self.settings}
        lists["--unit"] = [f"{column}={unit}" for column, unit in self.units.items()]
        for option, values in lists.items():
            words += [word for value in values for word in (option, value)]
        for option, value in {"--y": self.y, "--by": self.by, "--sigma": self.sigma, "--at": self.at}.items():
            words += [] if value is None else [option, value]
        words += ["--loss", self.loss, "--starts", str(self.starts), "--seed", str(self.seed)]
        words += (["--bayes"] if self.bayes else []) + ([] if self.made_for_us else ["--out", str(self.out)])
        return shlex.join(words)


@dataclasses.dataclass(frozen=True)
class FitOutcome:
    """What a fit found and wrote."""

    found: Fit | Population
    files: list[str]

    def json(self) -> str:
        """The one object that `--json` prints; what is no finite number is null."""
        file = self.found.parameter_file()
        told: dict[str, Any] = {"model": file.model, "data": file.data, "residual_rms": file.residual_rms}
        told["parameters"] = {path: dataclasses.asdict(estimate) for path, estimate in file.parameters.items()}
        if isinstance(self.found, Fit):
            told |= {"chi2_red": self.found.chi2_red, "aic": self.found.aic, "starts_reached": self.found.reached}
        else:
            each = lambda one: {path: dataclasses.asdict(estimate) for path, estimate in one.parameters.items()}
            told["devices"] = {name: each(one) for name, one in self.found.fits.items()}
        told["correlations"] = np.asarray(self.found.correlations).tolist()
        return encoded(told | {"warnings": list(self.found.warnings), "files": self.files})

    def text(self) -> str:
        """What is printed for people."""
        return f"{self.found}\nFiles: {', '.join(self.files)}"


def execute(request: FitRequest, *, show_progress: bool, complain: Callable[[str], object]) -> FitOutcome:
    """Do what was asked. Raises InputError for data, paths and values that cannot be used; then nothing is written."""
    parameters = assignments(request.settings)
    bench = adjusted(catalogue.load(request.model)(), parameters, "see `devsim models`")
    started = time.perf_counter()
    with output_folder(request.out.parent, make_parent=request.made_for_us), Progress(show_progress) as progress:
        data = measured(request)
        with progress.task("Fitting", None):
            found = fit(
                bench,
                data,
                x=columns_of(bench, request.x, data),
                y=request.y,
                by=request.by,
                sigma=request.sigma,
                free=request.free or None,
                loss=request.loss,
                starts=request.starts,
                key=jax.random.key(request.seed),
                method="nuts" if request.bayes else "least_squares",
            )
        file = dataclasses.replace(found.parameter_file(), at=request.at)
        folder = ResultsFolder(request.out.parent, complain)
        folder.put_text(request.out.name, file.yaml())
        with progress.task("Drawing", None):
            _report(request, found, folder, time.perf_counter() - started)
    return FitOutcome(found, folder.files)


def measured(request: FitRequest) -> xr.Dataset:
    """The measurements, with the file's name and fingerprint."""
    from devsim.exchange.measured import read_measured

    data = read_measured(request.data, units=request.units)
    try:
        fingerprint = sha256(request.data.read_bytes())
    except OSError as error:
        raise InputError(f"The file `{request.data}` cannot be read: {error.strerror}.") from error
    return data.assign_attrs(source=request.data.name, sha256=fingerprint)


def columns_of(bench: Bench, words: list[str], data: xr.Dataset) -> str | dict[str, str]:
    """Input -> column, as `--x` says it; an input that is not mentioned takes the column of its own name."""
    inputs = list(bench.inputs)
    told: dict[str, str] = {}
    for word in words:
        name, equals, column = word.partition("=")
        if not equals or name not in inputs:
            if len(inputs) > 1:
                names = ", ".join(inputs)
                raise InputError(f"`--x` must be written INPUT=COLUMN, with INPUT one of {names}, but is `{word}`.")
            name, column = inputs[0], word
        if name in told:
            raise InputError(f"`--x` must give each input once, but gives `{name}` twice.")
        told[name] = column
    return {name: name for name in inputs if name not in told and name in data.variables} | told


def _report(request: FitRequest, found: Fit | Population, folder: ResultsFolder, seconds: float) -> None:
    from devsim.report.fit_page import fit_page
    from devsim.report.render import render_page

    drawings = folder.drawn(folder.tried(lambda: pictures(found), "the pictures") or [])
    page = render_page(fit_page(found, drawings, request.command(), seconds=seconds))
    folder.put_text("report.html", page)


def pictures(found: Fit | Population) -> list[Picture]:
    """Data with the model; for a population a few devices, and all parameters."""
    from devsim import plot_fit

    if isinstance(found, Fit):
        return [
            Picture(
                "fit", "Data and model", "What was measured, the model through it, and what remains.", plot_fit.overlay(found)
            )
        ]
    return [
        Picture("fit", "Data and model", "A few of the devices.", plot_fit.population_overlay(found)),
        Picture("parameters", "Parameters", "From device to device.", plot_fit.population_parameters(found)),
    ]


def models_text() -> str:
    """A paragraph for each model."""
    paragraphs = []
    for name in sorted(catalogue.MODELS):
        kind = catalogue.load(name)
        about = (kind.__doc__ or "").strip().split("\n")[0]
        lines = [f"{name}: {about}"]
        lines += [f"  --x {i} ({axis.unit}): {axis.doc}" for i, axis in kind.inputs.items()]
        lines += [f"  --y ({kind.output.unit}): {kind.output.doc}", f"  fits {', '.join(kind.free)}"]
        paragraphs.append("\n".join(lines))
    return "\n".join(paragraphs) or "No model is installed."


def models_json() -> str:
    """The same as one object."""
    told = {}
    for name in sorted(catalogue.MODELS):
        kind = catalogue.load(name)
        inputs = {each: dataclasses.asdict(axis) for each, axis in kind.inputs.items()}
        told[name] = {"inputs": inputs, "output": dataclasses.asdict(kind.output), "free": list(kind.free)}
    return encoded(told)
