"""The full error budget: each alone and removed, derivatives, Sobol indices, tolerances."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Key

from devsim import check
from devsim.budget.derivative import derivatives, step_scales
from devsim.budget.each import columns_of, ranked, scales_of_each
from devsim.budget.sobol import affordable_points, sobol_indices
from devsim.budget.tolerance import tolerances
from devsim.budget.trials import Trials
from devsim.check import InputError
from devsim.chip import Chip
from devsim.randomness import named_key

SOBOL_RUNS = 8192
"""Runs that the Sobol indices may cost unless told."""
SOBOL_DIES = 8
"""Dies over which their metric is averaged, where there are as many."""
MOST_POINTS = 2**20


def full_budget(
    chip: Chip,
    *,
    metric: str,
    dies: int,
    key: Key[Array, ""],
    task: Any = None,
    loss: float = 0.05,
    relative: bool = True,
    sobol: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Everything that can be asked of the imperfections of `chip` and one `metric`; all runs share dies, keys and data.

    Over the dimension `imperfection`, worst first, what `error_budget` tells, and:
      derivative        of the metric per unit of the imperfection, all others as they are (`derivatives`), with
                        `derivative_method` (gradient or difference), `derivative_unit`, and both estimates;
      sobol_first, sobol_total
                        indices of the metric's mean over dies, every imperfection uniform between its ideal and its present
                        value (`sobol_indices`);
      tolerance         its largest value, and `tolerance_factor`, how many times the present distance from ideal, at which
                        the metric has lost no more than `loss` (`tolerances`), all others as they are; NaN where that is
                        not reached, for the reason in `tolerance_never` (`bounds` or `factor`) at the value
                        `tolerance_searched_to`;
    each with `_low` and `_high` of its 95 % interval. An imperfection that is an array is scaled as a whole, and its values
    are means over the elements. loss: a share of the metric's mean on the chip as it is, or, where not `relative`, an amount
    in the metric's unit. sobol: base points N (a power of two; N (imperfections + 2) points on at most 8 dies), by default
    what about 8,000 runs afford, 0 for no indices.

    Raises InputError for an unknown metric, fewer than two dies, a loss that is not above 0, a relative loss of a metric
    whose mean is 0, and points that are no power of two.
    """
    check.whole("dies", dies, 2)
    check.within(
        "loss", loss, check.above(0), "1" if relative else chip.metrics[metric].unit if metric in chip.metrics else "1"
    )
    trials = Trials(chip, metric=metric, dies=dies, key=key, task=task, progress=progress)
    count, sobol_dies = len(trials.paths), min(dies, SOBOL_DIES)
    points = _points(sobol, count, sobol_dies)
    steps = step_scales(trials)
    trials.planned = (2 + 2 * count + len(steps)) * dies + points * (count + 2) * sobol_dies
    values = trials.values(np.concatenate([scales_of_each(count), steps]))
    whole = values[0]
    if relative and whole.mean() == 0:
        raise InputError(f"A `loss` relative to `{metric}` needs a chip where that is not 0; give an amount, as `--loss-abs`.")
    budget = ranked(trials, values)
    budget.attrs |= {"loss": loss, "loss_is": "share of the chip" if relative else "amount", "sobol_points": points}
    budget.attrs |= {"sobol_dies": sobol_dies}
    columns: dict[str, Any] = _derivative_columns(trials, whole, values[2 + 2 * count :])
    columns |= _sobol_columns(trials, points, sobol_dies) | _tolerance_columns(trials, whole, loss, relative)
    budget.attrs["runs"] = trials.done
    added = xr.Dataset(columns, {"imperfection": np.array(trials.paths, dtype=object)})
    return budget.assign(added.sel(imperfection=budget["imperfection"]))


def unit_of_ratio(above: str, below: str) -> str:
    """The unit of a derivative: `V/ohm`, `1/ohm`, `V`."""
    if below == "1":
        return above
    return f"{above}/({below})" if "/" in below or " " in below else f"{above}/{below}"


def _points(sobol: int | None, count: int, dies: int) -> int:
    if sobol is None:
        return affordable_points(SOBOL_RUNS, count, dies) if count else 0
    check.whole("sobol", sobol, 0)
    if sobol & (sobol - 1) or sobol == 1 or sobol > MOST_POINTS:
        raise InputError(f"`sobol` must be 0 or a power of two from 2 to {MOST_POINTS}, such as 64, but is {sobol}.")
    return sobol if count else 0


def _derivative_columns(trials: Trials, whole: np.ndarray, stepped: np.ndarray) -> dict[str, Any]:
    unit = trials.chip.metrics[trials.metric].unit
    texts = lambda words: ("imperfection", np.array(words, dtype=object))
    if not trials.paths:
        return {}
    found = derivatives(trials, whole, stepped)
    return (
        columns_of("derivative", found.value)
        | columns_of("derivative_by_gradient", found.gradient)
        | columns_of("derivative_by_difference", found.difference)
        | {"derivative_method": texts(found.method)}
        | {"derivative_unit": texts([unit_of_ratio(unit, each) for each in trials.units])}
    )


def _sobol_columns(trials: Trials, points: int, dies: int) -> dict[str, Any]:
    if not points:
        return {}
    rng = np.random.default_rng(np.asarray(jax.random.key_data(named_key(trials.key, "sobol"))))
    function = lambda scales: trials.values(scales, dies=dies)
    found = sobol_indices(function, len(trials.paths), points=points, rng=rng)
    return columns_of("sobol_first", found.first) | columns_of("sobol_total", found.total)


def _tolerance_columns(trials: Trials, whole: np.ndarray, loss: float, relative: bool) -> dict[str, Any]:
    if not trials.paths:
        return {}
    found = tolerances(trials, whole, loss=loss, relative=relative)
    value = lambda scales: (trials.ideal + scales.T * trials.deviation).T
    texts = lambda words: ("imperfection", np.array(words, dtype=object))
    return (
        columns_of("tolerance", value(found.factor))
        | columns_of("tolerance_factor", found.factor)
        | {"tolerance_never": texts(found.never), "tolerance_searched_to": ("imperfection", value(found.farthest))}
        | {"present": ("imperfection", trials.ideal + trials.deviation), "unit": texts(trials.units)}
    )
