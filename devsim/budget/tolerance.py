"""Tolerances: how far each imperfection may grow before the metric has lost a given amount."""

import dataclasses
import math

import numpy as np

from devsim.budget.trials import Trials, mean_and_half

FARTHEST = 1024.0
"""How many times the present distance from ideal is looked at."""
RESOLUTION = 0.02
"""Relative width at which a bracket is narrow enough."""
ROUNDS = 16
WITHIN_BOUNDS, WITHIN_FACTOR = "bounds", "factor"
"""Why there is no tolerance: the metric stays within the loss up to the bound, or as far as is looked."""


@dataclasses.dataclass(frozen=True)
class Tolerances:
    """factor (imperfections, 3): the largest scale, 1 being the present distance from ideal, with its 95 % interval.

    NaN where the loss is not reached, for the reason in `never`, which is empty where it is. farthest (imperfections,): the
    largest scale that was looked at.
    """

    factor: np.ndarray
    never: list[str]
    farthest: np.ndarray


def tolerances(trials: Trials, whole: np.ndarray, *, loss: float, relative: bool) -> Tolerances:
    """The largest scale of each imperfection, the others as they are, at which the metric has lost no more than `loss`.

    whole: the metric of the chip as it is (dies,). loss: an amount of the metric, or, where `relative`, a share of its
    mean. The scale is doubled until the loss is exceeded for the first time, then the bracket is narrowed by
    interpolation and halving of the logarithm, for all imperfections in each call; every die is compared with itself (common
    random numbers). The ends of the interval are where the 95 % interval of the loss meets what is allowed (Fieller, J. R.
    Stat. Soc. B 16, 175 (1954)). A metric that is no number has lost everything.
    """
    allowed = loss * np.abs(whole.mean()) * whole / whole.mean() if relative else np.full(whole.shape, loss)
    farthest = np.minimum(trials.most, FARTHEST)
    searches = [_Search(math.log2(limit)) for limit in farthest]
    for search in searches:
        search.add(0.0, -allowed)

    def ask(wanted: list[tuple[int, float]]) -> None:
        """Measure (imperfection, log2 of its scale)."""
        scales = np.ones((len(wanted), len(trials.paths)))
        for row, (i, power) in zip(scales, wanted, strict=True):
            row[i] = farthest[i] if power == searches[i].limit else 2.0**power
        lost = trials.sign * (whole - trials.values(scales))
        for (i, power), row in zip(wanted, lost, strict=True):
            searches[i].add(power, row - allowed)

    while wanted := [(i, search.next_rung()) for i, search in enumerate(searches) if search.climbs()]:
        ask(wanted)
    for round_ in range(ROUNDS):
        if not (wanted := [(i, power) for i, search in enumerate(searches) for power in search.inside(round_)]):
            break
        ask(wanted)
    factor = np.array([search.answer() for search in searches]).reshape(-1, 3)
    reasons = [WITHIN_BOUNDS if most <= FARTHEST else WITHIN_FACTOR for most in trials.most]
    never = ["" if np.isfinite(row[0]) else reason for row, reason in zip(factor, reasons, strict=True)]
    return Tolerances(factor, never, farthest)


class _Search:
    """What is known of one imperfection: at log2 of its scale, the loss beyond what is allowed, with half its interval.

    An edge is where mean + side * half turns positive for the first time: 1 the low end of the interval, 0 the tolerance, -1
    the high end.
    """

    def __init__(self, limit: float):
        self.limit = limit
        self.seen: list[tuple[float, float, float]] = []

    def add(self, power: float, beyond: np.ndarray) -> None:
        """Take note of `beyond` (dies,) at a power of two."""
        known = np.isfinite(beyond).all()
        mean, half = mean_and_half(beyond) if known else (np.inf, 0.0)
        self.seen = sorted([*self.seen, (power, float(mean), float(np.nan_to_num(half)))])

    def edge(self, side: int) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """The last point before the edge and the first behind it, each with its value; None where there is none."""
        points = [(power, mean + side * half) for power, mean, half in self.seen]
        behind = next((i for i, (_, value) in enumerate(points) if value > 0), None)
        if behind is None:
            return None
        return points[max(behind - 1, 0)], points[behind]

    def climbs(self) -> bool:
        """True while an edge may lie farther out."""
        return self.edge(-1) is None and self.seen[-1][0] < self.limit

    def next_rung(self) -> float:
        """The next power of two, or the limit."""
        return min(math.floor(self.seen[-1][0]) + 1.0, self.limit)

    def inside(self, round_: int) -> list[float]:
        """Where to look next for the edges that are not yet narrow: interpolated, every third time halved."""
        least = math.log2(1 + RESOLUTION)
        found: list[float] = []
        for side in (0, 1, -1):
            if (edge := self.edge(side)) is None or edge[1][0] - edge[0][0] <= least:
                continue
            low, high = edge[0][0], edge[1][0]
            power = (low + high) / 2 if round_ % 3 == 2 else _crossing(edge)
            power = min(max(power, low + 0.45 * least), high - 0.45 * least)
            if all(abs(power - other) > 0.4 * least for other in found):
                found.append(power)
        return found

    def answer(self) -> tuple[float, float, float]:
        """The tolerance and the outer ends of its interval, as scales; NaN for what lies farther out than was looked."""
        middle, low, high = (self.edge(side) for side in (0, 1, -1))
        dies_differ = any(half > 0 for _, _, half in self.seen)
        return (
            2.0 ** _crossing(middle) if middle else math.nan,
            2.0 ** low[0][0] if low and dies_differ else math.nan,
            2.0 ** high[1][0] if high and dies_differ else math.nan,
        )


def _crossing(edge: tuple[tuple[float, float], tuple[float, float]]) -> float:
    """Where the straight line between the two points is zero; their middle where there is none."""
    (low, below), (high, above) = edge
    rise = above - below
    return low - below * (high - low) / rise if np.isfinite(rise) and rise > 0 and below <= 0 else (low + high) / 2
