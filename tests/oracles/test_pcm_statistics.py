"""Phase-change statistics beside their published formulas (NumPy, written anew) and 200,000 samples of another program."""

import csv
import os
from pathlib import Path

import jax
import numpy as np
import pytest

from devsim.devices.memristor.pcm import PhaseChangeCell

TARGETS = np.array([0.0, 0.25, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 25.0])
TIMES = (1.0, 25.0, 60.0, 3600.0, 86400.0, 2592000.0, 31536000.0)
DRAWS = 60_000
FORMULA_DRAWS = 400_000
OTHER_DRAWS = 200_000


@pytest.fixture(scope="module")
def ours():
    """Samples in uS by (quantity, time): arrays (targets, draws)."""
    write, read = jax.random.split(jax.random.key(20))
    cell = PhaseChangeCell.of((TARGETS.size, DRAWS)).program(TARGETS[:, None] * 1e-6, write)
    table = {("g_prog_uS", 0.0): cell.conductance() * 1e6, ("nu", 0.0): cell.exponent()}
    for i, t in enumerate(TIMES):
        table["g_t_uS", t] = cell.age(t, 300.0, read).sample(jax.random.fold_in(read, i)) * 1e6
    return {name: np.asarray(values) for name, values in table.items()}


def formulas(target, times, rng):
    """Samples in uS of Nandakumar et al., ICECS 2019, drawn from its equations for one target (uS)."""
    x, y = rng.normal(size=(2, FORMULA_DRAWS))
    ratio = target / 25
    sigma = 0.26348 + 1.9650 * ratio - 1.1731 * ratio**2
    written = np.clip(target + sigma * x, 0, None)
    logarithm = np.log(max(ratio, 1e-7))
    mu = np.clip(-0.0155 * logarithm + 0.0244, 0.049, 0.1)
    spread = np.clip(-0.0125 * logarithm - 0.0059, 0.008, 0.045)
    nu = np.abs(mu + spread * y)
    table = {("g_prog_uS", 0.0): written, ("nu", 0.0): nu}
    q = np.minimum(0.0088 / np.maximum((written / 25) ** 0.65, 1e-3), 0.2)
    for t in times:
        drifted = written * ((t + 20) / 20) ** -nu
        noise = drifted * q * np.sqrt(np.log((t + 20 + 250e-9) / 500e-9))
        table["g_t_uS", t] = np.clip(drifted + noise * rng.normal(size=FORMULA_DRAWS), 0, None)
    return table


def error_of_deviation(samples, count):
    """Standard error of a standard deviation over `count` draws, from the fourth moment of `samples`."""
    centred = samples - samples.mean()
    variance = (centred**2).mean()
    return np.sqrt(((centred**4).mean() - variance**2) / (4 * variance * count))


def assert_same_distribution(samples, mean, deviation, median, count):
    """Mean, standard deviation and median within five standard errors of those of `count` other draws."""
    both = 1 / samples.size + 1 / count
    assert abs(samples.mean() - mean) < 5 * samples.std() * np.sqrt(both)
    assert abs(samples.std() - deviation) < 5 * error_of_deviation(samples, 1 / both)
    slack = 5 * np.sqrt(0.25 * both)
    rounding = 1e-6 * max(median, 1e-9)
    assert np.mean(samples < median - rounding) < 0.5 + slack
    assert np.mean(samples <= median + rounding) > 0.5 - slack


@pytest.mark.parametrize("row", range(TARGETS.size))
def test_phase_change_cells_follow_their_published_formulas(ours, row):
    table = formulas(TARGETS[row], TIMES, np.random.default_rng(row))
    for name, expected in table.items():
        assert_same_distribution(ours[name][row], expected.mean(), expected.std(), np.median(expected), FORMULA_DRAWS)


def figures():
    """Rows of the other program's figures; skips where the data are not at hand."""
    folder = os.environ.get("DEVSIM_DATA")
    if folder is None:
        pytest.skip("DEVSIM_DATA is not set: it names the folder that holds oracles/aihwkit_pcm_statistics.csv")
    with open(Path(folder) / "oracles" / "aihwkit_pcm_statistics.csv") as file:
        return list(csv.DictReader(file))


def test_phase_change_cells_agree_with_another_programs_samples(ours):
    rows = figures()
    assert len(rows) == 72
    for row in rows:
        samples = ours[row["quantity"], float(row["t_s"])][TARGETS.tolist().index(float(row["g_target_uS"]))]
        mean, deviation, median = (float(row[name]) for name in ("mean", "std", "median"))
        assert_same_distribution(samples, mean, deviation, median, OTHER_DRAWS)
