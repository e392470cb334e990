"""What a chip does beside the ideal network it imitates: same data, same seeds, intervals over dies."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Array, Key
from scipy import stats

from devsim import check
from devsim.check import InputError
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


def side_by_side(
    chips: Mapping[str, Chip], *, dies: int, key: Key[Array, ""], progress: Callable[[int], None] | None = None
) -> xr.Dataset:
    """Measure variants on the same dies, seed and task: name -> chip, the first being what others are compared with.

    Returns a Dataset of the metrics that all have, each over `variant` and `die`, `<metric>_ideal` over `variant`. Each draws
    its task from the same key, so that tasks differ only where the knobs that shape them do. Raises InputError where `dies`
    is below 1 or there is no chip.
    """
    if not chips:
        raise InputError("`chips` must hold at least one chip, but is empty.")
    found = {}
    for i, (name, chip) in enumerate(chips.items()):
        step = None if progress is None else _after(i * dies, progress)
        found[name] = compare(chip, dies=dies, key=key, progress=step)
    shared = [m for m in next(iter(chips.values())).metrics if all(_alike(each, m, found) for each in found.values())]
    kept = [each[[name for metric in shared for name in (metric, f"{metric}_ideal")]] for each in found.values()]
    result = xr.concat(kept, xr.DataArray(list(chips), dims="variant", name="variant"), combine_attrs="drop_conflicts")
    return result.assign_attrs({"chips": ", ".join(chip.name for chip in chips.values())} | provenance())


def _after(before: int, progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda done: progress(before + done)


def _alike(each: xr.Dataset, metric: str, found: Mapping[str, xr.Dataset]) -> bool:
    first = next(iter(found.values()))
    return metric in each and each[metric].attrs["units"] == first[metric].attrs["units"]


def differences(result: xr.Dataset) -> dict[str, dict[str, dict[str, float | None]]]:
    """Metric -> variant -> {"mean", "low", "high"}: how far it is above the first one of a `side_by_side`, die by die.

    The interval is the paired one of 95 %, which the draw of the dies does not widen where variants share it.
    """
    told = {}
    for name, values in result.data_vars.items():
        if "die" in values.dims:
            first, *others = values.transpose("variant", "die").values
            names = result["variant"].values[1:]
            rows = {str(n): interval(other - first) for n, other in zip(names, others, strict=True)}
            told[str(name)] = {n: dict(zip(("mean", "low", "high"), map(_known, row), strict=True)) for n, row in rows.items()}
    return told


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


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
        bounds = values.attrs.get("valid_min", -np.inf), values.attrs.get("valid_max", np.inf)
        mean, low, high = map(_known, interval(values.values, *bounds))
        ideal = float(result[f"{name}_ideal"])
        told[str(name)] = {
            "chip": {"mean": mean, "low": low, "high": high},
            "ideal": _known(ideal),
            "unit": values.attrs["units"],
        }
    return told
