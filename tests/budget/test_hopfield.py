"""The budget of the crossbar memory against brute force: each knob set by hand, on other and more dies."""

import jax
import numpy as np
import pytest

from circuits.crossbar_hopfield import CrossbarHopfield
from devsim.budget.each import ranked, scales_of_each
from devsim.budget.tolerance import tolerances
from devsim.budget.trials import Trials
from devsim.compare import compare, interval
from devsim.randomness import named_key

KEPT = ("array.cell.write_noise", "array.cell.drift")
DIES, MORE = 4, 8
LOSS = 0.1


@pytest.fixture(scope="module")
def chip():
    """The memory with two imperfections, so that few runs tell everything."""
    design = CrossbarHopfield.design()
    chip = design.ideal()
    for path in KEPT:
        chip = chip.set(path, design.get(path))
    return chip


@pytest.fixture(scope="module")
def task(chip):
    """The hidden halves, and little else."""
    task = chip.budget_task(chip.task(named_key(jax.random.key(0), "task")))
    names = ("flipped", "flipped_targets", "handwritten", "labels")
    return task._replace(**{name: getattr(task, name)[:2] for name in names})


@pytest.fixture(scope="module")
def brute(chip, task):
    """The metric (dies,) of a chip by `compare`, on dies that the budget has not seen."""
    key = jax.random.key(1)
    return lambda changed: compare(changed, dies=MORE, key=key, task=task)[chip.budget_metric].values


def meet(one, other):
    """True where two intervals (mean, low, high) share something."""
    return one[1] <= other[2] and other[1] <= one[2]


@pytest.mark.slow
def test_the_budget_of_the_memory_agrees_with_brute_force(chip, task, brute):
    trials = Trials(chip, metric=chip.budget_metric, dies=DIES, key=jax.random.key(0), task=task)
    values = trials.values(scales_of_each(len(trials.paths)))
    budget = ranked(trials, values)
    whole, perfect = brute(chip), brute(chip.ideal())
    for path in KEPT:
        row = budget.sel(imperfection=path)
        told = lambda name, row=row: tuple(float(row[f"{name}{end}"]) for end in ("", "_low", "_high"))
        alone = interval(perfect - brute(chip.ideal().set(path, chip.get(path))))
        removed = interval(brute(chip.set(path, 0.0)) - whole)
        assert meet(told("cost_alone"), alone)
        assert meet(told("gain_removed"), removed)
    found = tolerances(trials, values[0], loss=LOSS, relative=True)
    i = trials.paths.index(KEPT[0])
    _, low, high = found.factor[i]
    beyond = lambda scale: interval(whole - brute(chip.set(KEPT[0], scale * chip.get(KEPT[0]))) - LOSS * whole)
    assert np.isfinite([low, high]).all()
    assert beyond(low)[1] < 0 < beyond(high)[2]
