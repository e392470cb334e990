"""Sobol indices: how the variance of a metric over a box of imperfections divides among them."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from scipy.stats import qmc

RESAMPLED = 500
"""How often the bootstrap draws."""
CENTRAL = (2.5, 97.5)
"""Percentiles of a 95 % interval."""
ROUNDING = 4e-7
"""Relative variation, that of single precision, below which nothing is said to vary."""


@dataclasses.dataclass(frozen=True)
class Indices:
    """First-order and total indices (dimensions, 3), each with its 95 % interval; NaN where nothing varies."""

    first: np.ndarray
    total: np.ndarray


def sobol_indices(
    function: Callable[[np.ndarray], np.ndarray], dimensions: int, *, points: int, rng: np.random.Generator
) -> Indices:
    """Indices of the mean over dies of `function`, which maps (n, dimensions) in the unit box to (n, dies).

    `points` (N, a power of two) scrambled Sobol points make the two samples A and B, and `function` is asked at
    N (dimensions + 2) places. First order: mean of f(B) (f(A_B^i) - f(A)) over the variance; total: half the mean square of
    f(A) - f(A_B^i) over it (Jansen, Comput. Phys. Commun. 117, 35 (1999); both as in table 2 of Saltelli et al., Comput.
    Phys. Commun. 181, 259 (2010)). Intervals: bootstrap over points and dies.
    """
    values = function(places(dimensions, points, rng))
    values = values.reshape(dimensions + 2, points, -1)
    least = (ROUNDING * np.abs(values).max()) ** 2
    values = values - values[:2].mean()
    best = _estimates(values.mean(axis=-1), least)
    drawn = []
    for _ in range(RESAMPLED):
        rows = rng.integers(points, size=points)
        weights = rng.multinomial(values.shape[-1], np.full(values.shape[-1], 1 / values.shape[-1])) / values.shape[-1]
        drawn.append(_estimates(values[:, rows] @ weights, least))
    low, high = np.percentile(np.array(drawn), CENTRAL, axis=0)
    first, total = np.stack([best, low, high], axis=-1)
    return Indices(first, total)


def places(dimensions: int, points: int, rng: np.random.Generator) -> np.ndarray:
    """A, B, and A with each column of B in turn, one below the other: (points (dimensions + 2), dimensions)."""
    sequence = qmc.Sobol(2 * dimensions, scramble=True, seed=rng)  # pyright: ignore[reportCallIssue]  # `rng` only from SciPy 1.15
    drawn = sequence.random(points)
    a, b = drawn[:, :dimensions], drawn[:, dimensions:]
    swapped = [np.where(np.arange(dimensions) == i, b, a) for i in range(dimensions)]
    return np.concatenate([a, b, *swapped])


def affordable_points(runs: int, dimensions: int, dies: int, *, least: int = 16, most: int = 4096) -> int:
    """The largest power of two of points whose cost is within `runs`, between `least` and `most`."""
    fits = runs / (dies * (dimensions + 2))
    return min(max(2 ** math.floor(math.log2(max(fits, 1))), least), most)


def _estimates(values: np.ndarray, least: float) -> np.ndarray:
    """First-order and total indices (2, dimensions) from values (dimensions + 2, points); NaN up to a variance of `least`."""
    a, b, swapped = values[0], values[1], values[2:]
    both = values[:2] - values[:2].mean()
    variance = float(np.mean(both**2))
    if not variance > least:
        return np.full((2, len(swapped)), np.nan)
    first = np.mean((b - both.mean()) * (swapped - a), axis=1)
    total = np.mean((a - swapped) ** 2, axis=1) / 2
    return np.stack([first, total]) / variance
