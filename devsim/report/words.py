"""A result in sentences, every number of which is computed from it."""

import math

import numpy as np
import xarray as xr

from devsim.compare import summary
from devsim.plot import words
from devsim.report.record import Record
from devsim.units import together


def in_words(record: Record) -> list[str]:
    """The sentences that open a report: the headline metric beside the ideal, what costs most, what was set."""
    metric = record.budget.attrs["metric"] if record.budget is not None else next(iter(record.chip.metrics))
    sentences = [_headline(record, metric)]
    if record.budget is not None:
        sentences += _costliest(record.budget)
    if record.parameters:
        paths = ", ".join(f"`{path}`" for path in record.parameters)
        sentences.append(f"Set: {paths}; all else has its nominal value.")
    return sentences + record.told


def _headline(record: Record, metric: str) -> str:
    row = summary(record.result)[metric]
    mean, low, high = row["chip"]["mean"], row["chip"]["low"], row["chip"]["high"]
    dies = f"Over {record.dies} dies" if record.dies > 1 else "On a single die"
    if mean is None:
        return f"{dies} the {words(metric)} of {record.chip.name} is not a number."
    width = None if low is None else high - low
    (chip, bottom, top, ideal), unit = together(
        [mean, low, high, row["ideal"]], row["unit"], resolution=width, typographic=True
    )
    unit = f" {unit}" if unit else ""
    between = f" (95 % interval {bottom} to {top})" if low is not None else ""
    told = f"{dies}, {record.chip.name} reaches a mean {words(metric)} of {chip}{unit}{between}"
    told = told.replace("mean ", "", 1) if record.dies == 1 else told
    if row["ideal"] is None:
        return f"{told}; this metric has no ideal counterpart."
    return f"{told}, where the ideal network reaches {ideal}{unit}{_verdict(record, metric, row)}."


def _verdict(record: Record, metric: str, row: dict) -> str:
    """How far from the ideal, and whether the interval can tell."""
    mean, low, high, ideal = row["chip"]["mean"], row["chip"]["low"], row["chip"]["high"], row["ideal"]
    if mean == ideal and low == high:
        return "; there is no difference"
    if low is not None and low <= ideal <= high:
        return "; with this many dies the two cannot be told apart"
    better = (mean > ideal) == record.chip.metrics[metric].higher_is_better
    share = f"{abs(mean / ideal - 1):.2g}" if ideal else ""
    percent = f"{100 * float(share):.3g} % " if share else ""
    return f"; the chip is {percent}{'better' if better else 'worse'}"


def _costliest(budget: xr.Dataset) -> list[str]:
    if budget.sizes["imperfection"] == 0:
        return ["Every imperfection is at its ideal value, so that there is nothing to rank."]
    worst = budget.isel(imperfection=0)
    path, metric = str(worst["imperfection"].item()), words(budget.attrs["metric"])
    cost, sure = _amount(worst, "cost_alone", budget.attrs["units"])
    if cost is None:
        return [f"No imperfection, acting alone, lowers the {metric} of the ideal network."]
    doubt = "" if sure else ", though with this many dies its interval still includes none"
    sentences = [f"Acting alone, `{path}` costs most: {cost} of {metric}{doubt}."]
    best = budget.isel(imperfection=int(np.argmax(np.nan_to_num(budget["gain_removed"].values))))
    gain, sure = _amount(best, "gain_removed", budget.attrs["units"])
    if gain is None:
        sentences.append("Removing any one imperfection from the whole chip gains nothing.")
    else:
        which = "it" if str(best["imperfection"].item()) == path else f"`{best['imperfection'].item()}`"
        doubt = "" if sure else ", within what this many dies can tell from nothing"
        sentences.append(f"Removing {which} alone from the whole chip gains most: {gain}{doubt}.")
    return sentences


def _amount(row: xr.Dataset, name: str, unit: str) -> tuple[str | None, bool]:
    """A gain or a cost with its interval; None where there is none. And whether the interval excludes zero."""
    mean, low, high = (float(row[f"{name}{end}"]) for end in ("", "_low", "_high"))
    if not mean > 0:
        return None, False
    if math.isnan(low):
        (text,), shown = together([mean], unit, typographic=True)
        return f"{text} {shown}".strip(), True
    (text, bottom, top), shown = together([mean, low, high], unit, resolution=high - low, typographic=True)
    return f"{text} {shown}".strip() + f" ({bottom} to {top})", low > 0
