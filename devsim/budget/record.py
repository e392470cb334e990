"""A full budget as plain numbers: what `budget.json` holds."""

import math
from typing import Any

import xarray as xr


def plain(budget: xr.Dataset) -> dict[str, Any]:
    """`metric`, `unit`, `chip`, `ideal`, `dies`, `loss` and `imperfections`: path -> six answers, worst first.

    Each answer has `value`, `low` and `high` (None for what has no number), and:
      alone        the loss when all others are ideal; `metric` is the metric itself
      removed      the gain when all others stay; `metric` likewise
      derivative   `unit`, and `method`, gradient or difference
      sobol_first, sobol_total
                   None where they were left out
      tolerance    `unit`; `present`, the value as it is; `factor`, by which it may be farther from ideal; `never`: None, or
                   `bounds` or `factor` where the loss is not reached, and `searched_to`, the last value looked at
    """
    sobol = "sobol_first" in budget
    rows = {}
    for i, path in enumerate(budget["imperfection"].values):
        row = budget.isel(imperfection=i)
        rows[str(path)] = {
            "alone": _answer(row, "cost_alone") | {"metric": _number(row["alone"])},
            "removed": _answer(row, "gain_removed") | {"metric": _number(row["removed"])},
            "derivative": _answer(row, "derivative")
            | {"unit": str(row["derivative_unit"].item()), "method": str(row["derivative_method"].item())},
            "sobol_first": _answer(row, "sobol_first") if sobol else None,
            "sobol_total": _answer(row, "sobol_total") if sobol else None,
            "tolerance": _answer(row, "tolerance") | _about_tolerance(row),
        }
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
        "imperfections": rows,
    }


def _about_tolerance(row: xr.Dataset) -> dict[str, Any]:
    return {
        "unit": str(row["unit"].item()),
        "present": _number(row["present"]),
        "factor": _number(row["tolerance_factor"]),
        "never": str(row["tolerance_never"].item()) or None,
        "searched_to": _number(row["tolerance_searched_to"]),
    }


def _answer(row: xr.Dataset, name: str) -> dict[str, float | None]:
    return {word: _number(row[f"{name}{end}"]) for word, end in (("value", ""), ("low", "_low"), ("high", "_high"))}


def _number(value: xr.DataArray) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
