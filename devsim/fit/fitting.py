"""`fit`: measured data become the parameters of a bench, with uncertainties."""

from typing import Any

import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import Bounds, InputError
from devsim.fit import catalogue
from devsim.fit.bench import Bench
from devsim.fit.coordinate import Coordinate, coordinates
from devsim.fit.least_squares import Solved, solved
from devsim.fit.loss import LOSSES
from devsim.fit.population import Population, population
from devsim.fit.result import Fit, trace_of
from devsim.fit.rows import Rows, rows_of
from devsim.fit.starts import starts_of
from devsim.fit.uncertainty import Uncertainty, interval, student, uncertainty
from devsim.parameter_file import Estimate
from devsim.provenance import provenance

METHODS = ("least_squares", "nuts")
SAME = 1e-4
"""Relative difference of the loss within which two minima are one."""


def fit(
    bench: Bench | type[Bench] | str,
    data: Any,
    *,
    x: Any,
    y: str,
    key: Key[Array, ""],
    by: str | None = None,
    free: Any = None,
    search: Any = None,
    sigma: Any = None,
    weights: Any = None,
    loss: str = "linear",
    starts: int = 8,
    confidence: float = 0.95,
    method: str = "least_squares",
    samples: int = 1000,
) -> Fit | Population:
    """The parameters of `bench` that predict `data` best: nonlinear least squares from many starts, by Levenberg-Marquardt.

    bench: a bench, or the name of one that comes with devsim. data: an `xarray.Dataset` (or a mapping of arrays) in SI; a
    variable's attribute `units` must be that of the bench. x: input -> variable; one name where there is one input. y: the
    variable of the output. by: the variable that names each row's device; the answer is then a `Population`. free: the paths
    that are fitted, the bench's own unless given. search: path -> (low, high) where starts lie. sigma: the standard deviation
    of the output, a variable, a number or an array; or weights, whose scale does not matter. loss: `linear`, or `soft_l1`,
    `huber`, `cauchy`, which count what lies far off less. starts: Sobol points beside the guess of the bench and its nominal
    values; `key` scrambles them. confidence: of the intervals. method: `nuts` draws `samples` from the posterior too (NumPyro).

    Intervals are those of the linearised model in unbounded coordinates, with Student's t: (Seber and Wild, Nonlinear
    Regression (Wiley, 1989), section 5.1). Raises InputError for data or paths that cannot be used, each in one line.
    """
    bench = _bench(bench)
    check.one_of("loss", loss, LOSSES)
    check.one_of("method", method, METHODS)
    check.within("confidence", confidence, Bounds(0, 1, True, True))
    check.key(key)
    moved = coordinates(bench, free, search)
    rows = rows_of(bench, data, x=x, y=y, by=by, sigma=sigma, weights=weights)
    _check_enough(rows, moved)
    found = solved(bench, moved, rows, starts_of(bench, moved, rows, count=starts, key=key), loss=loss)
    _check_found(found, rows, bench)
    fits, covariances, made_with = {}, [], {"versions": provenance()}
    for i, device in enumerate(rows.devices):
        fits[device], covariance = _told(bench, moved, rows, found, i, loss, confidence, made_with)
        covariances.append(covariance)
    if method == "nuts":
        from devsim.fit.posterior import posterior

        fits = posterior(bench, moved, rows, found, fits, loss=loss, samples=samples, key=key)
    if by is None:
        return next(iter(fits.values()))
    best = found.z[np.arange(len(fits)), found.best]
    return population(bench, moved, fits, best, np.array(covariances), by=by, warnings=rows.warnings)


def _bench(bench: Any) -> Bench:
    made = catalogue.load(bench)() if isinstance(bench, str) else bench() if isinstance(bench, type) else bench
    check.instance("bench", made, Bench)
    return made


def _check_enough(rows: Rows, moved: tuple[Coordinate, ...]) -> None:
    for device, count in zip(rows.devices, rows.counts, strict=True):
        if count <= len(moved):
            whose = f" of `{device}`" if device else ""
            raise InputError(
                f"`data` must hold more rows{whose} than there are free parameters ({len(moved)}), but holds {count}; "
                "measure more, or free fewer."
            )


def _check_found(found: Solved, rows: Rows, bench: Bench) -> None:
    lost = ~np.isfinite(found.cost.min(axis=1))
    if lost.any():
        whose = f" for `{rows.devices[int(np.argmax(lost))]}`" if rows.by else ""
        raise InputError(
            f"`{bench.name}` must predict numbers{whose} from at least one start, but none of {found.cost.shape[1]} does; "
            "give `search` a narrower range, or more `starts`."
        )


def _told(
    bench, moved, rows: Rows, found: Solved, i: int, loss: str, confidence: float, made_with: dict
) -> tuple[Fit, np.ndarray]:
    """The fit of device `i`, and the covariance of its coordinates."""
    z = np.asarray(found.z[i, found.best[i]], float)
    residual, there = np.asarray(found.residual[i], float), rows.weight[i] > 0
    known = uncertainty(
        moved, z, residual[there], np.asarray(found.jacobian[i], float)[there], loss=loss, scale=float(found.scale[i]),
        absolute=rows.absolute, eps=float(np.finfo(found.z.dtype).eps),
    )  # fmt: skip
    errors = np.sqrt(np.diag(known.covariance))
    with np.errstate(invalid="ignore"):  # at a bound the slope is zero and the error unknown: NaN, as it should be
        physical = errors * np.array([c.slope(v) for c, v in zip(moved, z, strict=True)])
    width = student(known.degrees, confidence)
    values = [float(c.to_x(v)) for c, v in zip(moved, z, strict=True)]
    ends = [interval(c, v, error, width) for c, v, error in zip(moved, z, errors, strict=True)]
    reached = found.cost[i] <= found.cost[i].min() * (1 + SAME) + np.finfo(found.cost.dtype).tiny
    difference = residual[there] / rows.weight[i][there]
    fit = Fit(
        template=bench,
        device=rows.devices[i],
        parameters={c.path: Estimate(v, *e, c.unit) for c, v, e in zip(moved, values, ends, strict=True)},
        errors=physical,
        correlations=known.correlation(),
        degrees=known.degrees,
        residual_rms=float(np.sqrt(np.mean(difference**2))),
        residual_unit="1" if bench.residual == "logarithm" else bench.output.unit,
        chi2=float((residual**2).sum()),
        absolute=rows.absolute,
        reached=int(reached.sum()),
        starts=found.cost.shape[1],
        confidence=confidence,
        loss=loss,
        warnings=_warnings(known, found, rows, i),
        trace=trace_of(rows, i, found.predicted, np.asarray(found.residual, float)),
        columns=rows.columns,
        data=rows.data,
        told=made_with,
    )
    return fit, known.covariance


def _warnings(known: Uncertainty, found: Solved, rows: Rows, i: int) -> tuple[str, ...]:
    """What is to be known before the numbers are believed."""
    told = list(rows.warnings) if rows.by is None else []
    for words, members in known.open:
        if len(members) == 1:
            told.append(f"The data do not determine `{words}`: leave it out of `free`, or measure what depends on it.")
            continue
        names = ", ".join(f"`{name}`" for name in members)
        told.append(
            f"The data do not determine the combination `{words}`: it can take any value without a worse fit; leave one of "
            f"{names} out of `free`."
        )
    told += [f"`{path}` rests on its bound, {bound:g}, and has no interval." for path, bound in known.at_bound.items()]
    if not found.converged[i, found.best[i]]:
        told.append("The search did not converge in its most steps; give more `starts`, or `search` a narrower range.")
    return tuple(told)
