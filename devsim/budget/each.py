"""Each imperfection alone and each removed: what it costs, and what its removal gains."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Array, Key

from devsim.budget.trials import Trials, with_interval
from devsim.chip import Chip
from devsim.provenance import provenance


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
    `gain_removed`; and the scalars `ideal` and `chip`. Knobs are leaves: one compilation serves all. `progress` is told how
    many runs are done, and of how many. Raises InputError for an unknown metric and fewer than one die.
    """
    trials = Trials(chip, metric=metric, dies=dies, key=key, task=task, progress=progress)
    return ranked(trials, trials.values(scales_of_each(len(trials.paths))))


def scales_of_each(count: int) -> np.ndarray:
    """Scales (2 + 2 count, count): the whole chip, the ideal one, each imperfection alone, each removed."""
    alone = np.eye(count)
    return np.concatenate([np.ones((1, count)), np.zeros((1, count)), alone, 1 - alone])


def ranked(trials: Trials, values: np.ndarray) -> xr.Dataset:
    """The budget from the metric (2 + 2 imperfections, dies) at `scales_of_each`, worst first."""
    count = len(trials.paths)
    whole, perfect, alone, removed = values[0], values[1], values[2 : 2 + count], values[2 + count : 2 + 2 * count]
    cost = with_interval(trials.sign * (perfect - alone))
    gain = with_interval(trials.sign * (removed - whole))
    columns = {"alone": ("imperfection", alone.mean(axis=1)), "removed": ("imperfection", removed.mean(axis=1))}
    columns |= columns_of("cost_alone", cost) | columns_of("gain_removed", gain)
    metric = trials.chip.metrics[trials.metric]
    told = {"metric": trials.metric, "units": metric.unit, "chip": trials.chip.name, "dies": trials.dies}
    budget = xr.Dataset(
        columns | {"chip": ((), whole.mean()), "ideal": ((), perfect.mean())},
        {"imperfection": np.array(trials.paths, dtype=object)},
        told | provenance(),
    )
    return budget.isel(imperfection=np.argsort(-cost[:, 0], kind="stable"))


def columns_of(name: str, table: np.ndarray) -> dict[str, tuple[str, np.ndarray]]:
    """A value with its interval (imperfections, 3) as the variables `name`, `name_low` and `name_high`."""
    return {f"{name}{end}": ("imperfection", table[:, i]) for i, end in enumerate(("", "_low", "_high"))}
