"""Spike trains: given times, random ones, and files of them, as events on the grid of the time steps."""

import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.analyses.transient_checks import checked_steps
from devsim.check import Bounds, InputError
from devsim.parameter import as_leaf
from devsim.randomness import named_key

CLOSE = 1e-9
"""Relative rounding of a time: one that is the begin of a step belongs to that step."""

HEADER = ("neuron", "time (s)")


class Spikes(NamedTuple):
    """All spikes neuron by neuron: whose (spikes,), when (s), in which step, and of how many neurons."""

    neuron: np.ndarray
    time: np.ndarray
    step: np.ndarray
    neurons: int

    def grid(self, steps: int) -> np.ndarray:
        """Who fires in which step: True or False, (steps, neurons)."""
        fired = np.zeros((steps, self.neurons), bool)
        fired[self.step, self.neuron] = True
        return fired


def listed(name: str, times: Any) -> tuple[np.ndarray, np.ndarray, int]:
    """Whose the times are, the times (s) with their padding, and the number of neurons."""
    if isinstance(times, str) or not hasattr(times, "__len__") or any(np.ndim(row) != 1 for row in times):
        raise InputError(f"`{name}` must hold one list of times (s) per neuron, but is {check.described(times)}.")
    try:
        rows = [np.asarray(row, float) for row in times]
    except (ValueError, TypeError) as error:
        raise InputError(f"`{name}` must hold numbers (s), but has something else: {error}.") from error
    return np.repeat(np.arange(len(rows)), [len(row) for row in rows]), np.concatenate([np.zeros(0), *rows]), len(rows)


def checked_spikes(name: str, times: Any, duration: float, step: float) -> Spikes:
    """The spikes of `times`. Raises InputError where they are NaN, unsorted, outside the run, or two in one step."""
    neuron, time, count = listed(name, times)
    if (bad := np.flatnonzero(np.isnan(time))).size:
        raise InputError(f"`{name}` must be finite, but a time of neuron {neuron[bad[0]]} is NaN.")
    same, following = neuron[1:] == neuron[:-1], time[1:]
    if (bad := np.flatnonzero(same & (following < time[:-1]))).size:
        first = bad[0]
        raise InputError(
            f"`{name}` must be sorted, but of neuron {neuron[first]} {time[first]:g} s comes before {following[first]:g} s; "
            f"use `np.sort`."
        )
    neuron, time = neuron[~np.isposinf(time)], time[~np.isposinf(time)]
    if (bad := np.flatnonzero((time < 0) | (time >= duration))).size:
        raise InputError(
            f"`{name}` must be within the run, at least 0 s and below {duration:g} s, but a time of neuron {neuron[bad[0]]} "
            f"is {time[bad[0]]:g} s."
        )
    index = np.floor(time / step * (1 + CLOSE) + CLOSE)
    index = np.minimum(index, round(duration / step) - 1).astype(int) if np.isfinite(duration) else index
    if (bad := np.flatnonzero((neuron[1:] == neuron[:-1]) & (index[1:] == index[:-1]))).size and np.isfinite(duration):
        raise InputError(
            f"`{name}` must hold at most one spike per neuron and step of {step:g} s, but neuron {neuron[bad[0]]} has two "
            f"near {time[bad[0]]:g} s; take a smaller step."
        )
    return Spikes(neuron, time, index, count)


def events(times: Sequence, duration: float, step: float) -> Array:
    """Spike times -> events (steps, n): 1 in step k for a spike at k step <= time < (k + 1) step, else 0.

    times: one list of times (s) per neuron, or an array (n, most) padded with inf. duration, step: in s.
    Raises InputError for times that are unsorted, NaN, outside of the run, or two of one neuron within one step.
    """
    steps = checked_steps(duration, step, 1)
    return jnp.asarray(checked_spikes("times", times, duration, step).grid(steps), float)


def poisson(rates: Any, duration: float, step: float, key: Key[Array, ""]) -> Array:
    """Random events (..., steps, n) of independent neurons, each step with probability rate step.

    rates: in 1/s, shape (..., n), leading axes a batch. duration, step: in s.
    Raises InputError for rates below zero or above one spike per step, and for no key.
    """
    chance, count = checked_chance(rates, duration, step)
    draws = jax.random.uniform(named_key(key, "poisson"), (*chance.shape[:-1], count, chance.shape[-1]), chance.dtype)
    return (draws < chance[..., None, :]).astype(chance.dtype)


def correlated_poisson(rates: Any, groups: Any, correlation: Any, duration: float, step: float, key: Key[Array, ""]) -> Array:
    """Random events (steps, n) of groups that share a source: neurons of one group are correlated, others are not.

    Each step a neuron follows its group's source with probability correlation^0.5, else its own draw, both of probability
    rate step: its own rate is exact, and two of one group at one rate have that correlation coefficient between 0 and 1.
    At different rates they share the draw of the source, so that the slower fires only where the faster does.
    rates: in 1/s, shape (n,). groups: a whole number from 0 for each neuron (n,). correlation: a number, or one per group.
    Source: Gutig, Aharonov, Rotter & Sompolinsky, J. Neurosci. 23, 3697 (2003).
    Raises InputError for rates below zero or above one spike per step, for no key, and for groups or correlations that do not
    fit.
    """
    chance, count = checked_chance(rates, duration, step)
    groups, correlation = np.asarray(groups), as_leaf(correlation)
    if chance.ndim != 1 or groups.shape != chance.shape or groups.dtype.kind not in "iu" or groups.min() < 0:
        raise InputError(
            f"`groups` must be a whole number from 0 for each of the neurons of `rates` (shape {chance.shape}), but is "
            f"{groups.dtype} of shape {groups.shape}."
        )
    number = int(groups.max()) + 1
    if correlation.shape not in ((), (number,)):
        raise InputError(f"`correlation` must be a number or one per group ({number},), but has shape {correlation.shape}.")
    check.within("correlation", correlation, Bounds(0, 1))
    draw = lambda name, n: jax.random.uniform(named_key(key, name), (count, n), chance.dtype)
    follow = draw("follow", len(groups)) < jnp.sqrt(jnp.broadcast_to(correlation, (number,))[groups])
    return (jnp.where(follow, draw("source", number)[:, groups], draw("own", len(groups))) < chance).astype(chance.dtype)


def checked_chance(rates: Any, duration: float, step: float) -> tuple[Array, int]:
    """Chance of a spike in a step (..., n), and the number of steps."""
    count, rates = checked_steps(duration, step, 1), as_leaf(rates)
    check.real("rates", rates)
    if rates.ndim == 0:
        raise InputError("`rates` must hold one rate (1/s) per neuron, but is a number; use `jnp.full(n, rate)`.")
    check.within("rates", rates, Bounds(0, 1 / step), "1/s")
    return rates * step, count


def write_spikes(path: str | pathlib.Path, times: Sequence) -> None:
    """Write spike times as text: a header `neuron,time (s)`, then one line per spike, neuron by neuron.

    times: one list of times (s) per neuron, or an array (n, most) padded with inf.
    """
    spikes = checked_spikes("times", times, np.inf, 1.0)
    pairs = zip(spikes.neuron.tolist(), spikes.time.tolist(), strict=True)
    lines = [",".join(HEADER)] + [f"{neuron},{time!r}" for neuron, time in pairs]
    pathlib.Path(path).write_text("\n".join(lines) + "\n")


def read_spikes(path: str | pathlib.Path, neurons: int | None = None) -> list[np.ndarray]:
    """The spike times (s) of each neuron, from a file that `write_spikes` made: lines of any order, times come back sorted.

    neurons: how many there are; the highest number in the file and one, unless given.
    Raises InputError, with the number of the line, for what is no such file.
    """
    if neurons is not None:
        check.whole("neurons", neurons, 1)
    text = read_text(path)
    header, *lines = text.splitlines() or [""]
    if tuple(part.strip() for part in header.split(",")) != HEADER:
        raise InputError(f"`{path}` must begin with the header `{','.join(HEADER)}`, but line 1 is `{header[:60]}`.")
    spikes = [spike_of(path, number, line) for number, line in enumerate(lines, 2) if line.strip()]
    count = max((neuron for neuron, _ in spikes), default=-1) + 1 if neurons is None else neurons
    if spikes and (most := max(spikes)[0]) >= count:
        raise InputError(f"`{path}` must hold spikes of {count} neurons, from 0 to {count - 1}, but has one of neuron {most}.")
    found = [[] for _ in range(count)]
    for neuron, time in spikes:
        found[neuron].append(time)
    return [np.sort(np.asarray(row, float)) for row in found]


def read_text(path: str | pathlib.Path) -> str:
    """The text of a file, or InputError where it is none."""
    try:
        return pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"`{path}` must be a text file of spikes, but cannot be read: {error}.") from error


def spike_of(path: str | pathlib.Path, number: int, line: str) -> tuple[int, float]:
    """(neuron, time) of one line, or InputError."""
    parts = [part.strip() for part in line.split(",")]
    try:
        neuron, time = int(parts[0]), float(parts[1])
    except (ValueError, IndexError):
        neuron, time = -1, float("nan")
    if len(parts) != 2 or neuron < 0 or not 0 <= time < float("inf"):
        raise InputError(
            f"`{path}` must hold a neuron from 0 and a time of at least 0 s in each line, but line {number} is `{line[:60]}`."
        )
    return neuron, time
