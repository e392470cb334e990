"""A full budget as plain numbers: what `budget.json` and `--json` hold."""

import math
from typing import Any

import xarray as xr

ENDS = ("", "_low", "_high")


def answers(budget: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Imperfection -> what was found of it, worst first; None where there is no number.

    alone: the loss when all others are ideal. removed: the gain when all others stay. derivative: of the metric, in
    `derivative_unit`, by `derivative_method`, gradient or difference. sobol_first, sobol_total: None where they were left out.
    tolerance: the largest value, in `unit`, that keeps within the loss. Each with its 95 % interval `_low` to `_high`.
    Beside them `metric_alone` and `metric_removed`, the metric itself; `present`, the value as it is; `tolerance_factor`, by
    which it may be farther from ideal; `tolerance_never`: None, or `bounds` or `factor` where the loss is not reached, and
    `searched_to`, the last value looked at.
    """
    sobol = "sobol_first" in budget
    found = {}
    for i, path in enumerate(budget["imperfection"].values):
        row = budget.isel(imperfection=i)
        told = _answer(row, "alone", "cost_alone") | _answer(row, "removed", "gain_removed") | _answer(row, "derivative")
        for name in ("sobol_first", "sobol_total"):
            told |= _answer(row, name) if sobol else {f"{name}{end}": None for end in ENDS}
        found[str(path)] = told | _answer(row, "tolerance") | _beside(row)
    return found


def plain(budget: xr.Dataset) -> dict[str, Any]:
    """The budget as one object: of what metric, over how many dies and runs, and `imperfections` as `answers` tells them."""
    told = budget.attrs
    return {
        "metric": told["metric"],
        "unit": told["units"],
        "chip": _number(budget["chip"]),
        "ideal": _number(budget["ideal"]),
        "dies": int(told["dies"]),
        "loss": {"value": float(told["loss"]), "is": told["loss_is"]},
        "sobol_points": int(told["sobol_points"]),
        "runs": int(told["runs"]),
        "imperfections": answers(budget),
    }


def _beside(row: xr.Dataset) -> dict[str, Any]:
    return {
        "metric_alone": _number(row["alone"]),
        "metric_removed": _number(row["removed"]),
        "derivative_unit": str(row["derivative_unit"].item()),
        "derivative_method": str(row["derivative_method"].item()),
        "unit": str(row["unit"].item()),
        "present": _number(row["present"]),
        "tolerance_factor": _number(row["tolerance_factor"]),
        "tolerance_never": str(row["tolerance_never"].item()) or None,
        "searched_to": _number(row["tolerance_searched_to"]),
    }


def _answer(row: xr.Dataset, name: str, variable: str | None = None) -> dict[str, float | None]:
    return {f"{name}{end}": _number(row[f"{variable or name}{end}"]) for end in ENDS}


def _number(value: xr.DataArray) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
