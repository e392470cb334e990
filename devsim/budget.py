"""The error budget: what each imperfection costs alone, and what its removal gains."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Array, Key

from devsim import check
from devsim.chip import Chip
from devsim.compare import interval, one_die
from devsim.engine import for_each_key
from devsim.part import Entry
from devsim.provenance import provenance
from devsim.randomness import named_key, numbered_keys


def active_imperfections(chip: Chip) -> dict[str, Entry]:
    """The imperfections whose value is not the ideal one: those that can cost something."""
    return {path: e for path, e in chip.imperfections().items() if np.any(np.asarray(e.value) != e.quantity.ideal)}


def error_budget(
    chip: Chip,
    *,
    metric: str,
    dies: int,
    key: Key[Array, ""],
    task: Any = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Rank the imperfections of `chip` by what they do to `metric`.

    Every variant is measured on the same dies, keys and data (common random numbers), so that differences are not
    drowned by the draw. Returns, over the dimension `imperfection` (dotted paths, worst first) the metric with that
    imperfection `alone` (all others ideal) and with it `removed` (all others as they are), each with `_low` and `_high`
    of the paired 95 % interval of its difference from the ideal and from the whole chip, `cost_alone`,
    `gain_removed`; and the scalars `ideal` and `chip`. Knobs are leaves: one compilation serves all.
    """
    check.one_of("metric", metric, chip.metrics)
    check.whole("dies", dies, 1)
    task = chip.task(named_key(key, "task")) if task is None else task
    keys = numbered_keys(named_key(key, "dies"), dies)
    ideal, paths = chip.ideal(), list(active_imperfections(chip))
    total = 2 + 2 * len(paths)
    done = 0

    def measured(variant: Chip) -> np.ndarray:
        nonlocal done
        values = np.asarray(for_each_key(one_die, (variant, task), keys)[metric])
        done += 1
        if progress is not None:
            progress(done, total)
        return values

    whole, perfect = measured(chip), measured(ideal)
    alone = [measured(ideal.set(path, chip.get(path))) for path in paths]
    removed = [measured(chip.set(path, chip.imperfections()[path].quantity.ideal)) for path in paths]
    return _ranked(chip, metric, paths, whole, perfect, alone, removed)


def _ranked(chip: Chip, metric: str, paths: list[str], whole, perfect, alone, removed) -> xr.Dataset:
    sign = 1.0 if chip.metrics[metric].higher_is_better else -1.0
    cost = np.array([interval(sign * (perfect - values)) for values in alone]).reshape(-1, 3)
    gain = np.array([interval(sign * (values - whole)) for values in removed]).reshape(-1, 3)
    order = np.argsort(-cost[:, 0], kind="stable")
    over = lambda values: ("imperfection", np.asarray(values)[order])
    columns = {
        "alone": over([v.mean() for v in alone]) if paths else ("imperfection", np.zeros(0)),
        "removed": over([v.mean() for v in removed]) if paths else ("imperfection", np.zeros(0)),
    }
    for name, table in (("cost_alone", cost), ("gain_removed", gain)):
        columns |= {f"{name}{end}": over(table[:, i]) for i, end in enumerate(("", "_low", "_high"))}
    told = {"metric": metric, "units": chip.metrics[metric].unit, "chip": chip.name, "dies": len(whole)}
    return xr.Dataset(
        columns | {"chip": ((), whole.mean()), "ideal": ((), perfect.mean())},
        {"imperfection": np.array(paths, dtype=object)[order] if paths else np.zeros(0, dtype=object)},
        told | provenance(),
    )
