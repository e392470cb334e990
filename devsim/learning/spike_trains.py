"""Spike trains: given times, random ones, and files of them, as events on the grid of the time steps."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.analyses.transient_checks import checked_steps
from devsim.check import InputError

CLOSE = 1e-9
"""Relative rounding of a time: one that is the begin of a step belongs to that step."""

HEADER = ("neuron", "time (s)")


def checked_rows(name: str, times, duration: float) -> list[np.ndarray]:
    """The times (s) of each neuron, without their padding. Raises InputError where they are unsorted or outside the run."""
    if isinstance(times, str) or not hasattr(times, "__len__") or any(np.ndim(row) != 1 for row in times):
        raise InputError(f"`{name}` must hold one list of times (s) per neuron, but is {check.described(times)}.")
    rows = []
    for neuron, given in enumerate(times):
        row = np.asarray(given, float)
        where = f"of neuron {neuron}"
        if np.isnan(row).any():
            raise InputError(f"`{name}` must be finite, but a time {where} is NaN.")
        row = row[: len(row) - int(np.cumprod(np.isposinf(row[::-1])).sum())]
        late = row[(row < 0) | (row >= duration)]
        if late.size:
            raise InputError(
                f"`{name}` must be within the run, at least 0 s and below {duration:g} s, but a time {where} is {late[0]:g} s."
            )
        if (down := np.flatnonzero(np.diff(row) < 0)).size:
            before, after = row[down[0]], row[down[0] + 1]
            raise InputError(f"`{name}` must be sorted, but {where} {before:g} s comes before {after:g} s; use `np.sort`.")
        rows.append(row)
    return rows


def events(times: Sequence, duration: float, step: float, *, name: str = "times") -> Array:
    """Spike times -> events (steps, n): 1 in step k for a spike at k step <= time < (k + 1) step.

    times: one list of times (s) per neuron, or an array (n, most) padded with inf. duration, step: in s.
    Raises InputError for times that are unsorted, NaN, outside of the run, or two of one neuron within one step.
    """
    count = checked_steps(duration, step, 1)
    rows = checked_rows(name, times, float(duration))
    grid = np.zeros((count, len(rows)))
    for neuron, row in enumerate(rows):
        index = np.minimum(np.floor(row / step * (1 + CLOSE) + CLOSE).astype(int), count - 1)
        if (twice := np.flatnonzero(np.diff(index) == 0)).size:
            raise InputError(
                f"`{name}` must hold at most one spike per neuron and step of {step:g} s, but neuron {neuron} has two "
                f"near {row[twice[0]]:g} s; take a smaller step."
            )
        grid[index, neuron] = 1.0
    return jnp.asarray(grid)
