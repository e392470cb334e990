"""How well data determine parameters: covariance, intervals, and the combinations that stay open."""

import dataclasses
import functools

import numpy as np

from devsim.fit.coordinate import Coordinate
from devsim.fit.loss import variance

AT_BOUND = 0.05
"""Standard errors from a bound within which a parameter rests on it."""
NEAR = 0.05
"""And the share of the search that this distance may be."""
TOO_WIDE = 2.0
"""Standard error of a transformed parameter, in ranges of search, beyond which its interval would be an extrapolation."""


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    """Of the p parameters of one device, in their coordinates.

    covariance (p, p): infinite on the diagonal where the data do not determine a parameter, NaN beside it. degrees: of freedom.
    open: combinations that can take any value, each with the names in it. at_bound: path -> the bound on which it rests.
    """

    covariance: np.ndarray
    degrees: int
    open: tuple[tuple[str, tuple[str, ...]], ...]
    at_bound: dict[str, float]

    def correlation(self) -> np.ndarray:
        """(p, p), NaN where a parameter is not determined."""
        diagonal = np.diag(self.covariance)
        error = np.sqrt(np.where(np.isfinite(diagonal), diagonal, np.nan))
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.covariance / error[:, None] / error


def uncertainty(
    coordinates: tuple[Coordinate, ...], z: np.ndarray, residual: np.ndarray, jacobian: np.ndarray, *, loss: str, scale: float,
    absolute: bool, eps: float,
) -> Uncertainty:  # fmt: skip
    """From the weighted residuals (rows,) at the minimum and their derivative by z (rows, p), rows of weight zero left away.

    The covariance is (J^T J)^-1 times the variance of the residuals, which is 1 where their standard deviations were given
    (`absolute`) and the loss is linear. eps: the precision of the numbers.
    """
    n, p = jacobian.shape
    factor = 1.0 if absolute and loss == "linear" else scale**2 * variance(loss, residual / scale, p)
    slope = np.maximum([c.slope(v) for c, v in zip(coordinates, z, strict=True)], 1e-300)
    at_bound = _resting(coordinates, z, jacobian / slope, factor)
    moving = [i for i, c in enumerate(coordinates) if c.path not in at_bound]
    covariance = np.full((p, p), np.nan)
    covariance[np.diag_indices(p)] = np.inf
    found, directions = _inverted(jacobian[:, moving], factor, [coordinates[i].kind for i in moving], eps)
    covariance[np.ix_(moving, moving)] = found
    relative = slope[moving] / np.array([float(coordinates[i].to_x(z[i])) or np.nan for i in moving])
    names = [coordinates[i].path for i in moving]
    told = tuple(_combination(names, direction, relative, slope[moving]) for direction in directions)
    return Uncertainty(covariance, n - p, told, at_bound)


def _resting(coordinates, z, by_value: np.ndarray, factor: float) -> dict[str, float]:
    """Path -> bound of every parameter that the fit has pushed against it."""
    found = {}
    for i, coordinate in enumerate(coordinates):
        x = float(coordinate.to_x(z[i]))
        error = np.sqrt(factor) / max(np.linalg.norm(by_value[:, i]), 1e-300)
        width = coordinate.search.high - coordinate.search.low
        for bound in (coordinate.low, coordinate.high):
            if coordinate.kind != "identity" and abs(x - bound) < min(AT_BOUND * error, NEAR * width):
                found[coordinate.path] = bound
    return found


def _inverted(jacobian: np.ndarray, factor: float, kinds: list[str], eps: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """factor (J^T J)^-1, infinite where it does not exist, and the directions that are open."""
    count = jacobian.shape[1]
    if not count:
        return np.empty((0, 0)), []
    lengths = np.linalg.norm(jacobian, axis=0)
    lengths = np.where(lengths > eps * max(lengths.max(), 1e-300), lengths, np.inf)
    _, singular, directions = np.linalg.svd(jacobian / lengths, full_matrices=False)
    transformed = np.array([kind != "identity" for kind in kinds])
    unscaled = directions / np.where(np.isfinite(lengths), lengths, 1.0)
    unscaled[:, ~np.isfinite(lengths)] = directions[:, ~np.isfinite(lengths)]
    with np.errstate(divide="ignore"):
        errors = np.sqrt(factor) * np.linalg.norm(unscaled[:, transformed], axis=1) / singular
    is_open = (singular <= eps**0.75 * max(singular.max(), eps)) | (errors > TOO_WIDE)
    spread = unscaled / np.linalg.norm(unscaled, axis=1, keepdims=True)
    lost = (np.abs(spread[is_open]) > eps ** (1 / 3)).any(axis=0) if is_open.any() else np.zeros(count, bool)
    part = unscaled[~is_open] / singular[~is_open, None]
    covariance = factor * part.T @ part
    covariance[lost] = covariance[:, lost] = np.nan
    covariance[lost, lost] = np.inf
    return covariance, list(spread[is_open])


def _combination(
    names: list[str], direction: np.ndarray, relative: np.ndarray, slope: np.ndarray
) -> tuple[str, tuple[str, ...]]:
    """A direction as a product of powers where these are simple, else as a sum; with the parameters in it."""
    strong = np.abs(direction) > 0.01 * np.abs(direction).max()
    members = tuple(np.array(names)[strong].tolist())
    if len(members) == 1:
        return members[0], members
    powers, factors = (_simple(values) for values in ((direction * relative)[strong], (direction * slope)[strong]))
    if factors is not None and powers is None:
        return _sum(members, factors), members
    if powers is None:
        powers = _normalised((direction * relative)[strong])
    if not np.isfinite(powers).all():
        return _sum(members, _normalised((direction * slope)[strong])), members
    return " * ".join(
        name if power == 1 else f"{name}^{power:.3g}" for name, power in zip(members, powers, strict=True)
    ), members


def _normalised(values: np.ndarray) -> np.ndarray:
    return values / values[0]


def _simple(values: np.ndarray) -> np.ndarray | None:
    """The values over the first where these are halves of small whole numbers, else None."""
    ratios = _normalised(values)
    rounded = np.round(2 * ratios) / 2
    fine = (
        np.isfinite(ratios).all() and (np.abs(ratios - rounded) < 0.02 * np.abs(ratios)).all() and (np.abs(rounded) <= 4).all()
    )
    return rounded if fine else None


def _sum(members: tuple[str, ...], factors: np.ndarray) -> str:
    words = ""
    for name, factor in zip(members, factors, strict=True):
        size = "" if abs(factor) == 1 else f"{abs(factor):.3g} "
        sign = ("-" if factor < 0 else "") if not words else (" - " if factor < 0 else " + ")
        words += f"{sign}{size}{name}"
    return words


@functools.lru_cache
def student(degrees: int, confidence: float) -> float:
    """Half the width of a central interval, in standard errors."""
    from scipy import stats

    return float(stats.t.ppf(0.5 + confidence / 2, degrees))


def interval(coordinate: Coordinate, z: float, error: float, width: float) -> tuple[float | None, float | None]:
    """The interval of a parameter through its transform, hence within its bounds; None where it is not determined."""
    if not np.isfinite(error):
        return None, None
    low, high = (float(coordinate.to_x(z + sign * width * error)) for sign in (-1, 1))
    return low if np.isfinite(low) else None, high if np.isfinite(high) else None
