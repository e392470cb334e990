"""The report of a fit, or of the fits of a population, as a page."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from devsim.fit.population import Population
from devsim.fit.result import Fit
from devsim.fit.words import estimate_words, telling_correlations
from devsim.parameter_file import Estimate, ParameterFile
from devsim.report.page import Cell, Column, Page, Section, Table
from devsim.report.record import Drawing
from devsim.units import engineering, in_brackets, scaled, written

MOST_DEVICES = 2000
"""Rows of the table of devices; a page with more would be slow to open."""
TILES = 4


def fit_page(found: Fit | Population, drawings: Sequence[Drawing], command: str, *, seconds: float) -> Page:
    """What was found, how well it is known, and how well it describes the data.

    command: the line that repeats it. seconds: how long it took.
    """
    is_one = isinstance(found, Fit)
    first = found if is_one else next(iter(found.fits.values()))
    sections = [_parameters(found, first), _quality(found, first, drawings), *([] if is_one else [_devices(found, first)])]
    about = (type(found.template).__doc__ or "").strip().split("\n")[0]
    file = found.parameter_file()
    versions = dict(first.told["versions"])
    told = {"model": file.model, "data": str(file.data["name"]), "sha256": str(file.data["sha256"]), "loss": first.loss}
    told |= {"starts": str(first.starts), "confidence": f"{100 * first.confidence:g} %", "computed in": f"{seconds:.1f} s"}
    return Page(
        title=f"Fit of {file.model} to {file.data['name']}",
        subtitle=about,
        tiles=[_tile(path, e) for path, e in list(file.parameters.items())[:TILES]],
        summary=_summary(found, first, file),
        sections=sections,
        command=command,
        attributes=versions,
        told=told,
    )


def _tile(path: str, e: Estimate) -> tuple[str, str, str]:
    value, ends, unit = estimate_words(e, typographic=True)
    return path, f"{value} {unit}".strip(), ends


def _summary(found: Fit | Population, first: Fit, file: ParameterFile) -> list[str]:
    rms = engineering(file.residual_rms, file.residual_unit, digits=4, typographic=True)
    kind = "of the logarithm of the output" if first.template.residual == "logarithm" else "of the output"
    if isinstance(found, Population):
        lines = [f"{len(found.fits)} devices with {file.data['rows']} rows were fitted, each with its own parameters."]
    else:
        lines = [f"{file.data['rows']} rows were fitted; {found.reached} of {found.starts} starts reached this minimum."]
    lines.append(f"The root mean square of the residuals is {rms} ({kind}).")
    return [*lines, *(f"Warning: {warning}" for warning in found.warnings)]


def _parameters(found: Fit | Population, first: Fit) -> Section:
    confidence = f"{100 * first.confidence:g} % interval"
    if isinstance(found, Fit):
        text = ["The interval of a parameter follows from the curvature of the loss at its minimum."]
        if found.samples is not None:
            text = ["Values are medians of the posterior, and intervals hold its central part."]
        tables = [_estimates(found.template, found.parameters, confidence)]
    else:
        text = ["Means over devices, and standard deviations from device to device without the errors of estimation."]
        tables = [_estimates(found.template, found.means | found.spreads, confidence)]
    strong = telling_correlations(list(first.parameters), found.correlations)
    told = f"Correlations above 0.5: {'; '.join(strong)}." if strong else "No correlation is above 0.5."
    return Section("parameters", "Parameters", [*text, told], tables)


def _estimates(bench: Any, estimates: dict[str, Estimate], confidence: str) -> Table:
    known = bench.parameters()
    columns = [Column("path", "code"), Column("value", "number"), Column(confidence), Column("unit"), Column("meaning")]
    rows = []
    for path, estimate in estimates.items():
        value, ends, unit = estimate_words(estimate, typographic=True)
        inner = path.removeprefix("sd(").removesuffix(")")
        doc = f"standard deviation of {inner}" if inner != path else known[path].quantity.doc
        rows.append([path, Cell(value, estimate.value, strong=True), ends, unit, doc])
    return Table(columns, rows)


def _devices(population: Population, first: Fit) -> Section:
    paths = list(first.parameters)
    sizes = [max(abs(fit.parameters[p].value) for fit in population.fits.values()) for p in paths]
    units = [scaled(size, first.parameters[p].unit) for size, p in zip(sizes, paths, strict=True)]
    columns = [
        Column(population.by),
        *(Column(f"{p}{in_brackets(u)}", "number") for p, (_, u) in zip(paths, units, strict=True)),
    ]
    columns += [Column("residual rms", "number"), Column("rows", "number")]
    rows = []
    for name, fit in list(population.fits.items())[:MOST_DEVICES]:
        values = [fit.parameters[p].value / factor for p, (factor, _) in zip(paths, units, strict=True)]
        cells = [Cell(written(value, 4, typographic=True), value) for value in values]
        count = len(fit.trace.measured)
        rows.append(
            [name, *cells, Cell(written(fit.residual_rms, 3, typographic=True), fit.residual_rms), Cell(str(count), count)]
        )
    left = len(population.fits) - len(rows)
    return Section("devices", "Devices", [], [Table(columns, rows, f"{left} more are not shown." if left else "")])


def _quality(found: Fit | Population, first: Fit, drawings: Sequence[Drawing]) -> Section:
    fits = [found] if isinstance(found, Fit) else list(found.fits.values())
    columns = [Column("measure"), Column("value", "number"), Column("meaning")]
    reduced, aic = np.median([fit.chi2_red for fit in fits]), np.median([fit.aic for fit in fits])
    scale = "about 1 where the given sigma is right" if first.absolute else "the variance of the residuals"
    rows = [
        ["reduced chi-square", Cell(written(float(reduced), 4, typographic=True), float(reduced)), scale],
        [
            "AIC",
            Cell(written(float(aic), 5, typographic=True), float(aic)),
            "compares models of the same data: smaller is better",
        ],
        ["starts", Cell(f"{min(f.reached for f in fits)} of {first.starts}"), "that reached the minimum, at least"],
    ]
    caption = "" if isinstance(found, Fit) else "Medians over devices."
    return Section("quality", "Data and model", [], [Table(columns, rows, caption)], list(drawings))
