"""The Dataset of a sweep: metrics over named axes and dies, their means and intervals, and what they were made with."""

import json
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from devsim.compare import CONFIDENCE
from devsim.part import Entry
from devsim.provenance import provenance
from devsim.sweep.plan import Plan

FINITE, NOT_FINITE = 0, 1


def dataset(plan: Plan, values: dict[str, np.ndarray], ideal_of: np.ndarray, extra: dict[str, Any]) -> xr.Dataset:
    """values: `<metric>` (runs,) and `<metric>_ideal`, of which `ideal_of` (points,) says which belongs to a point.

    Each metric over the axes and `die`; over the axes its `_mean`, the 95 % interval `_low` to `_high` and `_ideal`;
    `status` is 1 where a metric of a run is no finite number, which means leave out.
    """
    shape = plan.design.shape
    over = tuple(axis.path for axis in plan.design.axes) if plan.design.kind == "grid" else ("point",)
    variables: dict[str, Any] = {}
    bad = np.zeros((*shape, plan.dies), bool)
    for name in plan.metrics:
        metric = plan.chip.metrics[name]
        runs = values[name].reshape(*shape, plan.dies)
        wrong = ~np.isfinite(runs)
        bad |= wrong
        told = {"units": metric.unit, "long_name": metric.doc, "valid_min": metric.low, "valid_max": metric.high}
        variables[name] = ((*over, "die"), runs, told | {"not_finite": int(wrong.sum())})
        words = ("mean over dies", "lower end of the 95 % interval of the mean", "upper end of the 95 % interval of the mean")
        numbers = intervals(runs, metric.low, metric.high)
        for end, word, number in zip(("mean", "low", "high"), words, numbers, strict=True):
            variables[f"{name}_{end}"] = (over, number, told | {"long_name": f"{word}: {metric.doc}"})
        ideal = values[f"{name}_ideal"][ideal_of].reshape(shape) if metric.has_ideal else np.full(shape, np.nan)
        variables[f"{name}_ideal"] = (over, ideal, told | {"long_name": f"of the ideal network: {metric.doc}"})
    flags = {"flag_values": np.array([FINITE, NOT_FINITE], np.int8), "flag_meanings": "finite not_finite"}
    status = {"long_name": "whether every metric of the run is a finite number", "units": "1"} | flags
    variables["status"] = ((*over, "die"), np.where(bad, NOT_FINITE, FINITE).astype(np.int8), status)
    return xr.Dataset(variables, _coordinates(plan), _attributes(plan, int(bad.sum()), extra))


def intervals(runs: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the last axis and its 95 % interval by Student's t, cut to [low, high], of the finite values alone.

    NaN where there is no finite value, and for the interval of a single one.
    """
    good = np.isfinite(runs)
    n = good.sum(axis=-1)
    told = np.where(good, runs, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = told.sum(axis=-1) / n
        square = np.where(good, runs - mean[..., None], 0.0) ** 2
        deviation = np.sqrt(square.sum(axis=-1) / (n - 1))
        half = stats.t.ppf(0.5 + CONFIDENCE / 2, np.maximum(n - 1, 1)) * deviation / np.sqrt(n)
        half = np.where(n < 2, np.nan, half)
    return mean, np.maximum(mean - half, low), np.minimum(mean + half, high)


def _coordinates(plan: Plan) -> dict[str, Any]:
    design = plan.design
    told: dict[str, Any] = {"die": ("die", np.arange(plan.dies), {"long_name": "which die; the same at every point"})}
    if design.kind != "grid":
        told["point"] = ("point", np.arange(design.points), {"long_name": "which point of the design"})
    for axis in design.axes:
        values = np.asarray(axis.values) if design.kind == "grid" else design.columns[axis.path]
        dimension = axis.path if design.kind == "grid" else "point"
        told[axis.path] = (dimension, values, _described(plan.chip.entry(axis.path), axis.spacing))
    return told


def _described(entry: Entry, spacing: str) -> dict[str, str]:
    return {"units": entry.quantity.unit, "long_name": entry.quantity.doc, "spacing": spacing}


def _attributes(plan: Plan, not_finite: int, extra: dict[str, Any]) -> dict[str, Any]:
    told = {
        "chip": plan.chip.name,
        "dies": plan.dies,
        "design": plan.design.kind,
        "over": json.dumps([axis.word() for axis in plan.design.axes]),
        "not_finite": not_finite,
        "identity": json.dumps(plan.identity),
    }
    return told | provenance() | extra
