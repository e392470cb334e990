"""`Population`: what fits of many devices say about the technology they came from."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from devsim.check import InputError
from devsim.fit.bench import Bench
from devsim.fit.coordinate import Coordinate
from devsim.fit.result import Fit, device_class
from devsim.parameter_file import Estimate, ParameterFile

Three = tuple[float, float, float]
FEWEST = 3
"""Devices from which a spread is told."""


@dataclasses.dataclass(frozen=True)
class Population:
    """The fits of all devices, and their distribution with the errors of estimation taken out.

    fits: device -> fit. means: path -> mean over devices. spreads: path of the knob that declares the spread of a parameter (as
    its law has it), or `sd(path)` where the device declares none -> spread, with intervals. correlations: (p, p) from device
    to device, NaN where a parameter has no spread. by: the variable that told the devices apart.
    """

    template: Bench
    fits: dict[str, Fit]
    means: dict[str, Estimate]
    spreads: dict[str, Estimate]
    correlations: np.ndarray
    residual_rms: float
    by: str
    warnings: tuple[str, ...]
    data: dict[str, str | int]

    @property
    def parameters(self) -> dict[str, Estimate]:
        """Means and those spreads that are knobs: what becomes of a chip's devices."""
        return self.means | {path: e for path, e in self.spreads.items() if not path.startswith("sd(")}

    @functools.cached_property
    def bench(self) -> Bench:
        """The bench at the means, its device with the spreads."""
        bench = self.template
        for path, estimate in self.parameters.items():
            bench = bench.set(path, estimate.value)
        return bench

    def parameter_file(self) -> ParameterFile:
        """What `run`, `sweep` and variants read; `.write(path)` writes it."""
        first = next(iter(self.fits.values()))
        told = {"loss": first.loss, "confidence": first.confidence, "devices": len(self.fits), "warnings": list(self.warnings)}
        model = self.template.name
        told |= {"by": self.by} | first.told
        part = device_class(self.template)
        return ParameterFile(self.parameters, self.residual_rms, model, self.data, first.residual_unit, told, part=part)

    def __str__(self) -> str:
        from devsim.fit.words import population_text

        return population_text(self)


def population(
    bench: Bench,
    moved: tuple[Coordinate, ...],
    fits: dict[str, Fit],
    z: np.ndarray,
    covariances: np.ndarray,
    *,
    by: str,
    warnings: tuple[str, ...],
) -> Population:
    """The distribution behind `fits`, from the devices' coordinates z (devices, p) and their covariances (devices, p, p)."""
    if len(fits) < FEWEST:
        raise InputError(
            f"A population must hold at least {FEWEST} devices, but `{by}` names {len(fits)}; fit them without `by`."
        )
    first = next(iter(fits.values()))
    scaled, errors, means, spreads, told = [], [], {}, {}, list(warnings)
    for i, coordinate in enumerate(moved):
        knob, law = declared_spread(bench, coordinate.path)
        x = np.array([fit.parameters[coordinate.path].value for fit in fits.values()])
        slope = np.array([coordinate.slope(each) for each in z[:, i]])
        law = "relative" if law == "lognormal" and (x <= 0).any() else law
        value, rate = (np.log(x), slope / x) if law == "lognormal" else (x, slope)
        error = rate * np.sqrt(covariances[:, i, i])
        known = np.isfinite(error)
        scaled.append(np.where(known, value, np.nan))
        errors.append(rate)
        if known.sum() < FEWEST:
            told.append(f"`{coordinate.path}` is determined for {known.sum()} of {len(x)} devices, too few to tell its spread.")
            means[coordinate.path] = Estimate(float(np.median(x)), None, None, coordinate.unit)
            continue
        if not known.all():
            told.append(f"`{coordinate.path}` is not determined for {(~known).sum()} of {len(x)} devices, which are left out.")
        centre, deviation = between(value[known], error[known], first.confidence)
        unit = "1" if law in ("lognormal", "relative") else coordinate.unit
        mean, spread = _as_law(law, centre, deviation)
        means[coordinate.path] = Estimate(mean[0], mean[1], mean[2], coordinate.unit)
        spreads[knob or f"sd({coordinate.path})"] = Estimate(spread[0], spread[1], spread[2], unit)
    correlations = _correlations(np.array(scaled).T, np.array(errors).T, covariances)
    odd = [name for name, fit in fits.items() if fit.warnings]
    if odd:
        told.append(
            f"{len(odd)} of {len(fits)} devices have warnings of their own, first `{odd[0]}`: {fits[odd[0]].warnings[0]}"
        )
    squares = [fit.residual_rms**2 * len(fit.trace.measured) for fit in fits.values()]
    rms = float(np.sqrt(sum(squares) / sum(len(fit.trace.measured) for fit in fits.values())))
    return Population(bench, fits, means, spreads, correlations, rms, by, tuple(told), first.data)


def declared_spread(bench: Bench, path: str) -> tuple[str | None, str]:
    """The knob that spreads the parameter at `path`, and by which law; None where its part declares none."""
    place, _, name = path.rpartition(".")
    for other, entry in bench.parameters().items():
        if other.rpartition(".")[0] == place and entry.quantity.spreads == name and np.shape(entry.value) == ():
            return other, entry.quantity.law
    return None, "absolute"


def between(values: np.ndarray, errors: np.ndarray, confidence: float) -> tuple[Three, Three]:
    """Mean and standard deviation of what lies behind `values` with standard `errors`, each as (value, low, high).

    The variance between is that at which the weighted squares sum to their expectation, n - 1 (Paule and Mandel, J. Res. NBS
    87, 377 (1982)); its interval is where they stay within the quantiles of chi-square (Viechtbauer, Stat. Med. 26, 37 (2007)).
    """
    from scipy import stats

    n = values.size
    tail = 0.5 - confidence / 2
    top, bottom = stats.chi2.ppf([1 - tail, tail], n - 1)
    variance, low, high = (_variance_at(values, errors, level) for level in (n - 1, top, bottom))
    weights = 1 / np.maximum(variance + errors**2, 1e-300)
    mean = float(np.sum(weights * values) / np.sum(weights))
    half = float(stats.t.ppf(1 - tail, n - 1) / np.sqrt(np.sum(weights)))
    return (mean, mean - half, mean + half), (float(np.sqrt(variance)), float(np.sqrt(low)), float(np.sqrt(high)))


def _variance_at(values: np.ndarray, errors: np.ndarray, level: float) -> float:
    """The variance between at which the weighted sum of squares is `level`; zero where it is smaller even without any."""
    from scipy.optimize import brentq

    def excess(variance: float) -> float:
        weights = 1 / np.maximum(variance + errors**2, 1e-300)
        mean = np.sum(weights * values) / np.sum(weights)
        return float(np.sum(weights * (values - mean) ** 2) - level)

    highest = max(float(np.sum((values - values.mean()) ** 2)) / level, 1e-290)
    if excess(0.0) <= 0:
        return 0.0
    while excess(highest) > 0:
        highest *= 2
    return float(brentq(excess, 0.0, highest, xtol=1e-12 * highest))


def _as_law(law: str, centre: Three, deviation: Three) -> tuple[Three, Three]:
    """The mean, and the spread as a knob of that law means it."""
    if law == "lognormal":
        return _each(lambda v: np.exp(v + deviation[0] ** 2 / 2), centre), _each(lambda v: np.sqrt(np.expm1(v**2)), deviation)
    size = abs(centre[0]) if law == "relative" and centre[0] else 1.0
    return centre, _each(lambda v: v / size, deviation)


def _each(function: Callable[[float], Any], three: Three) -> Three:
    return float(function(three[0])), float(function(three[1])), float(function(three[2]))


def _correlations(values: np.ndarray, rates: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """(p, p): of the covariance of the estimates less the mean covariance of their errors, cut to -1 and 1."""
    usable = np.isfinite(values).all(axis=1)
    count = values.shape[1]
    if usable.sum() < FEWEST:
        return np.full((count, count), np.nan)
    errors: Any = covariances[usable] * rates[usable][:, :, None] * rates[usable][:, None, :]
    remaining = np.atleast_2d(np.cov(values[usable].T)) - errors.mean(axis=0)
    spread = np.sqrt(np.where(np.diag(remaining) > 0, np.diag(remaining), np.nan))
    return np.clip(remaining / spread[:, None] / spread, -1, 1)
