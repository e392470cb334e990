"""Runs: a chip measured at many settings of its knobs, on the same dies each time, with one compilation for all."""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import InputError
from devsim.chip import Chip
from devsim.compare import one_die
from devsim.engine import CHUNK, for_each
from devsim.parameter import as_leaf
from devsim.randomness import named_key, numbered_keys


class _Run(eqx.Module):
    """One die at one setting of the knobs at `paths`."""

    paths: tuple[str, ...] = eqx.field(static=True)

    def __call__(self, shared: tuple[Chip, Any], one: tuple[tuple[Array, ...], Array, Key[Array, ""]]) -> dict[str, Array]:
        chip, tasks = shared
        values, which, key = one
        for path, value in zip(self.paths, values, strict=True):
            chip = chip.set(path, value)
        return one_die((chip, jax.tree.map(lambda leaf: leaf[which], tasks)), key)


def measured(
    chip: Chip,
    settings: Mapping[str, Any],
    *,
    dies: int,
    key: Key[Array, ""],
    task: Any = None,
    width: int = CHUNK,
    progress: Callable[[int], None] | None = None,
) -> dict[str, np.ndarray]:
    """Every metric (points, dies) of `chip` with knobs set point by point.

    settings: path -> values (points,), or (points, *shape of the knob). Die i is that of `compare` with the same `key`,
    at every point (common random numbers). task: that of all points; without it each point's own, since knobs of the chip
    may shape it. width: runs in a vectorised call; a run's numbers depend on it to rounding, and on nothing else of how the
    work is divided where it begins at a multiple of it. `progress` is told how many runs are done.
    Raises InputError for an unknown path, what is no knob, a refused value, columns of different lengths.
    """
    check.whole("dies", dies, 1)
    paths, columns, points = _columns(chip, settings)
    tasks, which = _tasks(chip, paths, columns, points, key) if task is None else (_stacked([task]), np.zeros(points, int))
    keys = numbered_keys(named_key(key, "dies"), dies)
    repeated = tuple(np.repeat(column, dies, axis=0) for column in columns)
    each = (repeated, np.repeat(which, dies), keys[np.tile(np.arange(dies), points)])
    found = for_each(_Run(paths), (chip, tasks), each, chunk=width, progress=progress)
    return {name: values.reshape(points, dies) for name, values in found.items()}


def _columns(chip: Chip, settings: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[np.ndarray, ...], int]:
    """Paths, their values and the number of points, checked."""
    if not settings:
        raise InputError("`settings` must give at least one parameter its values, but gives none.")
    columns = {}
    for path, values in settings.items():
        entry = chip.entry(path)
        if not entry.quantity.knob:
            raise InputError(f"`{path}` is what the chip carries along, not a knob; set what makes it.")
        column = np.asarray(as_leaf(values))
        check.real(path, column)
        check.within(path, column, entry.quantity.bounds, entry.quantity.unit)
        if column.ndim < 1 or not check.fits(column.shape[1:], np.shape(entry.value)):
            raise InputError(
                f"`{path}` must have one value for each point, each a number or of shape {np.shape(entry.value)}, but has "
                f"shape {column.shape}."
            )
        columns[path] = column
    lengths = {path: len(column) for path, column in columns.items()}
    if len(set(lengths.values())) > 1 or not min(lengths.values()):
        told = ", ".join(f"`{path}` {length}" for path, length in lengths.items())
        raise InputError(f"All parameters must have the same number of values, at least one, but have: {told}.")
    return tuple(columns), tuple(columns.values()), next(iter(lengths.values()))


def _tasks(
    chip: Chip, paths: tuple[str, ...], columns: tuple[np.ndarray, ...], points: int, key: Any
) -> tuple[Any, np.ndarray]:
    """The tasks of all points, stacked, and which is whose: one for all unless a knob of the chip itself is set."""
    own = [i for i, path in enumerate(paths) if path in chip.own()]
    made = lambda each: each.task(named_key(key, "task"))
    if not own:
        return _stacked([made(chip)]), np.zeros(points, int)
    told = []
    for k in range(points):
        each = chip
        for i in own:
            each = each.set(paths[i], columns[i][k])
        told.append(made(each))
    return _stacked(told), np.arange(points)


def _stacked(tasks: list[Any]) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *tasks)
