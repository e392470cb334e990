"""A fit in words and columns, as it is printed."""

from typing import TYPE_CHECKING

import numpy as np

from devsim.parameter_file import Estimate
from devsim.units import together, written

if TYPE_CHECKING:
    from devsim.fit.population import Population
    from devsim.fit.result import Fit

TELLING = 0.5
"""Correlations from this size on are told."""


def fit_text(fit: "Fit") -> str:
    """Parameters with intervals, the quality of the fit, correlations, warnings."""
    name = f" to `{fit.device}`" if fit.device else ""
    unit = "" if fit.residual_unit == "1" else f" {fit.residual_unit}"
    lines = [
        f"Fit of {fit.template.name}{name}: {len(fit.trace.measured)} rows, {len(fit.parameters)} parameters, {fit.loss} loss",
        f"  residual rms {written(fit.residual_rms, 4)}{unit}; reduced chi-square {written(fit.chi2_red, 4)}; "
        f"AIC {written(fit.aic, 5)}; {fit.reached} of {fit.starts} starts reached this minimum",
        f"Parameters ({100 * fit.confidence:g} % intervals)",
        *estimate_lines(fit.parameters),
    ]
    told = telling_correlations(list(fit.parameters), fit.correlations)
    lines += ["Correlations above 0.5" if told else "No correlation is above 0.5", *(f"  {line}" for line in told)]
    return "\n".join([*lines, *(f"Warning: {warning}" for warning in fit.warnings)])


def population_text(population: "Population") -> str:
    """Means and spreads over devices with intervals, correlations, warnings."""
    first = next(iter(population.fits.values()))
    count, unit = len(population.fits), "" if first.residual_unit == "1" else f" {first.residual_unit}"
    lines = [
        f"Fit of {first.template.name} to {count} devices ({population.by}): {population.data['rows']} rows, "
        f"{len(first.parameters)} parameters each, {first.loss} loss",
        f"  residual rms {written(population.residual_rms, 4)}{unit}",
        f"Means over devices ({100 * first.confidence:g} % intervals)",
        *estimate_lines(population.means),
        "Spreads from device to device (errors of estimation taken out)",
        *estimate_lines(population.spreads),
    ]
    told = telling_correlations(list(population.means), population.correlations)
    lines += ["Correlations above 0.5, from device to device", *(f"  {line}" for line in told)] if told else []
    return "\n".join([*lines, *(f"Warning: {warning}" for warning in population.warnings)])


def estimate_lines(estimates: dict[str, Estimate]) -> list[str]:
    """One line for each: path, value, interval, unit."""
    rows = [(path, *estimate_words(estimate)) for path, estimate in estimates.items()]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(2)]
    return [f"  {path:<{widths[0]}}  {value:>{widths[1]}}  {ends} {unit}".rstrip() for path, value, ends, unit in rows]


def estimate_words(e: Estimate, *, typographic: bool = False) -> tuple[str, str, str]:
    """Value, interval and unit, in one prefix and with the decimals that the interval deserves."""
    width = e.high - e.low if e.low is not None and e.high is not None else None
    numbers, unit = together([e.value, e.low, e.high], e.unit, resolution=width, typographic=typographic)
    ends = "not determined" if e.low is None and e.high is None else f"[{numbers[1]}, {numbers[2]}]"
    return numbers[0], ends, unit


def telling_correlations(paths: list[str], matrix: np.ndarray) -> list[str]:
    """`a, b: -0.93`, strongest first."""
    pairs = [(i, j) for i in range(len(paths)) for j in range(i)]
    strong = [(i, j) for i, j in pairs if np.isfinite(matrix[i, j]) and abs(matrix[i, j]) > TELLING]
    strong.sort(key=lambda pair: -abs(matrix[pair]))
    return [f"{paths[j]}, {paths[i]}: {matrix[i, j]:+.3f}" for i, j in strong]
