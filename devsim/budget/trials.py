"""Trials: a chip measured with its imperfections scaled, 0 being the ideal value of each and 1 the present one."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Array, Key
from scipy import stats

from devsim import check
from devsim.chip import Chip
from devsim.compare import CONFIDENCE, one_die
from devsim.engine import for_each_key
from devsim.part import Entry
from devsim.randomness import named_key, numbered_keys
from devsim.runs import measured


def active_imperfections(chip: Chip) -> dict[str, Entry]:
    """The imperfections whose value is not the ideal one: those that can cost something."""
    return {path: e for path, e in chip.imperfections().items() if np.any(np.asarray(e.value) != e.quantity.ideal)}


class Trials:
    """A metric of a chip at many scales of its active imperfections, on the same dies, keys and data each time.

    At scale s an imperfection has the value ideal + s (present - ideal); elements of an array move in proportion.
    paths: of the imperfections. ideal, deviation (imperfections,): the ideal value, and the present one less it (their mean
    where there are many elements), in the units `units`. most (imperfections,): the largest scale within the bounds. sign: 1
    where a higher metric is better, else -1. done, planned: runs so far, and foreseen, of which `progress` is told.
    """

    def __init__(
        self,
        chip: Chip,
        *,
        metric: str,
        dies: int,
        key: Key[Array, ""],
        task: Any = None,
        progress: Callable[[int, int], None] | None = None,
    ):
        """Raises InputError for an unknown metric and fewer than one die."""
        check.one_of("metric", metric, chip.metrics)
        check.whole("dies", dies, 1)
        self.chip, self.metric, self.dies, self.key = chip, metric, dies, key
        self.task = chip.task(named_key(key, "task")) if task is None else task
        self.entries = active_imperfections(chip)
        self.paths = list(self.entries)
        self.units = [e.quantity.unit for e in self.entries.values()]
        self.ideal = np.array([_ideal(e) for e in self.entries.values()])
        self.deviation = np.array([_mean_deviation(e) for e in self.entries.values()])
        self.most = np.array([_largest_scale(e) for e in self.entries.values()])
        self.sign = 1.0 if chip.metrics[metric].higher_is_better else -1.0
        self.done = self.planned = 0
        self.progress = progress

    def values(self, scales: np.ndarray, *, dies: int | None = None) -> np.ndarray:
        """The metric (points, dies) at `scales` (points, imperfections); of the first `dies` where fewer are wanted."""
        dies = self.dies if dies is None else dies
        before, runs = self.done, len(scales) * dies
        self.planned = max(self.planned, before + runs)

        def told(done: int) -> None:
            self.done = before + done
            if self.progress is not None:
                self.progress(self.done, self.planned)

        if self.paths:
            settings = {path: _scaled(self.entries[path], scales[:, i]) for i, path in enumerate(self.paths)}
            found = measured(self.chip, settings, dies=dies, key=self.key, task=self.task, progress=told)[self.metric]
        else:
            keys = numbered_keys(named_key(self.key, "dies"), dies)
            one = for_each_key(one_die, (self.chip, self.task), keys, progress=told)[self.metric]
            found = np.broadcast_to(one, (len(scales), dies))
        self.done = before + runs
        return np.asarray(found, float)


def mean_and_half(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the last axis, the dies, and half its 95 % interval by Student's t; NaN for the half of a single die."""
    n = values.shape[-1]
    mean = values.mean(axis=-1)
    if n < 2:
        return mean, np.full(mean.shape, np.nan)
    return mean, stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1) * values.std(axis=-1, ddof=1) / np.sqrt(n)


def with_interval(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis with the ends of its 95 % interval: (..., 3)."""
    mean, half = mean_and_half(values)
    return np.stack([mean, mean - half, mean + half], axis=-1)


def _scaled(entry: Entry, scales: np.ndarray) -> np.ndarray:
    """The values (points, *shape) at `scales` (points,); exactly the present ones at 1."""
    value = np.asarray(entry.value)
    ideal = _ideal(entry)
    scale = scales.reshape(-1, *(1,) * value.ndim)
    return np.where(scale == 1, value, ideal + scale * (value - ideal)).astype(value.dtype)


def _ideal(entry: Entry) -> float:
    """The ideal value of an imperfection, which has one."""
    return float(entry.quantity.ideal or 0.0)


def _mean_deviation(entry: Entry) -> float:
    """The present value less the ideal one, mean over elements; their root mean square where they cancel."""
    away = np.asarray(entry.value, float) - _ideal(entry)
    mean, size = float(away.mean()), float(np.sqrt(np.mean(away**2)))
    return mean if abs(mean) > 1e-9 * size else size


def _largest_scale(entry: Entry) -> float:
    """The scale at which the first element meets a bound; just before one that is itself excluded."""
    value, ideal, bounds = np.asarray(entry.value, float), _ideal(entry), entry.quantity.bounds
    up, down = value > ideal, value < ideal
    scales = [np.inf]
    for moves, limit, is_open in ((up, bounds.high, bounds.open_high), (down, bounds.low, bounds.open_low)):
        if limit is not None and moves.any():
            scales.append(float(np.min((limit - ideal) / (value[moves] - ideal))) * (1 - 1e-6 if is_open else 1))
    return min(scales)
