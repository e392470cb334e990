"""What a chip does beside the ideal network it imitates: same data, same seeds, intervals over dies."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Array, Key
from scipy import stats

from devsim import check
from devsim.chip import Chip
from devsim.engine import CHUNK, for_each_key
from devsim.provenance import provenance
from devsim.randomness import named_key, numbered_keys

CONFIDENCE = 0.95


def compare(
    chip: Chip, *, dies: int, key: Key[Array, ""], task: Any = None, progress: Callable[[int], None] | None = None
) -> xr.Dataset:
    """Measure `dies` dies of `chip`, and `chip.ideal()`, on one task.

    Returns a Dataset: each metric over the dimension `die`, `<metric>_ideal` beside it, units and provenance as
    attributes. Die i is the same whatever the number of dies. Raises InputError where `dies` is below 1.
    """
    check.whole("dies", dies, 1)
    task = chip.task(named_key(key, "task")) if task is None else task
    keys = numbered_keys(named_key(key, "dies"), dies)
    measured = for_each_key(one_die, (chip, task), keys, progress=progress)
    ideal = for_each_key(one_die, (chip.ideal(), task), keys[:CHUNK])
    return dataset(chip, measured, ideal)


def one_die(chip_and_task: tuple[Chip, Any], key: Key[Array, ""]) -> dict[str, Array]:
    """The metrics of the die that `key` draws."""
    chip, task = chip_and_task
    die = chip.build(task, named_key(key, "build"))
    return die.measure(task, named_key(key, "measure"))


def dataset(chip: Chip, measured: dict[str, np.ndarray], ideal: dict[str, np.ndarray]) -> xr.Dataset:
    """Metrics over dies with what they mean."""
    values = {}
    for name, metric in chip.metrics.items():
        told = {"units": metric.unit, "long_name": metric.doc, "valid_min": metric.low, "valid_max": metric.high}
        values[name] = ("die", measured[name], told)
        values[f"{name}_ideal"] = ((), ideal[name][0] if metric.has_ideal else np.nan, told)
    size = len(next(iter(measured.values())))
    return xr.Dataset(values, {"die": np.arange(size)}, {"chip": chip.name} | provenance())


def interval(values: np.ndarray, low: float = -np.inf, high: float = np.inf) -> tuple[float, float, float]:
    """Mean of `values` and its 95 % interval by Student's t, cut to [low, high]; that of a single value is NaN."""
    values = np.asarray(values, float)
    mean, n = float(values.mean()), values.size
    if n < 2:
        return mean, float("nan"), float("nan")
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return mean, max(mean - half, low), min(mean + half, high)


def summary(result: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Metric -> {"chip": {"mean", "low", "high"}, "ideal", "unit"}; None where there is no number."""
    told = {}
    for name, values in result.data_vars.items():
        if "die" not in values.dims:
            continue
        mean, low, high = (
            None if np.isnan(v) else v
            for v in interval(values.values, values.attrs.get("valid_min", -np.inf), values.attrs.get("valid_max", np.inf))
        )
        ideal = float(result[f"{name}_ideal"])
        told[str(name)] = {
            "chip": {"mean": mean, "low": low, "high": high},
            "ideal": None if np.isnan(ideal) else ideal,
            "unit": values.attrs["units"],
        }
    return told
