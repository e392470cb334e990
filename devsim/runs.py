"""Runs: a chip measured at many settings of its knobs, on the same dies each time, with one compilation for all."""

import dataclasses
import threading
from collections import OrderedDict
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
from devsim.engine import CHUNK, side_by_side, undivided_algebra
from devsim.parameter import as_leaf
from devsim.randomness import named_key, numbered_keys

TASKS_KEPT = 16
"""How many tasks are held at once where each point has its own."""
EXECUTABLES_KEPT = 8


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
    runs = Runs(chip, settings, dies=dies, key=key, task=task, width=width)
    found = runs(0, runs.count, progress=progress)
    return {name: values.reshape(runs.points, dies) for name, values in found.items()}


class Runs:
    """The runs of `measured` by number, point * dies + die; ideal ones too, one for each setting of what is no imperfection.

    Any range that begins at a multiple of `width` can be asked for, with the same numbers as all at once. `points`, `count`
    and `ideals` say how many there are, `ideal_of` (points,) which ideal run belongs to a point.
    """

    def __init__(
        self,
        chip: Chip,
        settings: Mapping[str, Any],
        *,
        dies: int,
        key: Key[Array, ""],
        task: Any = None,
        width: int = CHUNK,
    ):
        check.whole("dies", dies, 1)
        check.whole("width", width, 1)
        self.dies, self.width = dies, width
        self.paths, self._columns, self.points = _columns(chip, settings)
        self.count = self.points * dies
        self._ideal_points, self.ideal_of = _distinct(chip, self.paths, self._columns, self.points)
        self.ideals = len(self._ideal_points)
        self._chip, self._tasks = chip, _Tasks(chip, self.paths, self._columns, key, task)
        keys = numbered_keys(named_key(key, "dies"), dies)
        self._keys = np.asarray(jax.random.key_data(keys))
        self._function = _Run(self.paths, jax.random.key_impl(key))

    def __call__(
        self,
        start: int,
        stop: int,
        *,
        ideal: bool = False,
        threads: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> dict[str, np.ndarray]:
        """Every metric (stop - start,) of the runs from `start`, a multiple of `width`, to before `stop`; `ideal` ones if so.

        threads: blocks at a time; as many as there are cores unless told. `progress` is told how many runs are done.
        """
        assert start % self.width == 0 and start < stop <= (self.ideals if ideal else self.count)
        done, lock, executable = 0, threading.Lock(), self.executable()

        def run(first: int) -> dict[str, np.ndarray]:
            nonlocal done
            found = {name: np.asarray(values) for name, values in executable(*self._arguments(first, ideal)).items()}
            with lock:
                done = min(done + self.width, stop - start)
                if progress is not None:
                    progress(done)
            return found

        with undivided_algebra():
            pieces = side_by_side(run, range(start, stop, self.width), threads=threads)
        return {name: np.concatenate([piece[name] for piece in pieces])[: stop - start] for name in pieces[0]}

    def executable(self) -> "Executable":
        """The compiled block of `width` runs; compiled once for all settings of one shape."""
        return _executable(self._function, self._arguments(0, False))

    def _arguments(self, first: int, ideal: bool) -> tuple[Any, Any, Any, Any]:
        """What a block is given: the chip, the task of all or none, whether to idealise, and what each run has of its own."""
        last = (self.ideals if ideal else self.count) - 1
        number = np.minimum(np.arange(first, first + self.width), last)
        point, die = (self._ideal_points[number], 0 * number) if ideal else np.divmod(number, self.dies)
        values = tuple(column[point] for column in self._columns)
        return self._chip, self._tasks.shared, np.asarray(ideal), (values, self._tasks.of(point), self._keys[die])


class _Run(eqx.Module):
    """One die at one setting of the knobs at `paths`, of the chip or of its ideal."""

    paths: tuple[str, ...] = eqx.field(static=True)
    generator: Any = eqx.field(static=True)

    def __call__(self, chip: Chip, task: Any, ideal: Array, one: tuple[tuple[Array, ...], Any, Array]) -> dict[str, Array]:
        values, own_task, key = one
        for path, value in zip(self.paths, values, strict=True):
            chip = chip.set(path, value)
        chip = jax.tree.map(lambda perfect, real: jnp.where(ideal, perfect, real), chip.ideal(), chip)
        task = task if own_task is None else own_task
        return one_die((chip, task), jax.random.wrap_key_data(key, impl=self.generator))


@dataclasses.dataclass(frozen=True)
class Executable:
    """A compiled block; called with what a block is given. memory: bytes that one call takes, 0 where unknown."""

    compiled: Any

    def __call__(self, *arguments: Any) -> dict[str, Array]:
        """Metric -> values of the block."""
        return self.compiled(eqx.filter(arguments, eqx.is_array))

    @property
    def memory(self) -> int:
        """Arguments, results and what is in between, in bytes."""
        told = self.compiled.memory_analysis()
        sizes = ("argument_size_in_bytes", "output_size_in_bytes", "temp_size_in_bytes")
        return sum(int(getattr(told, size, 0)) for size in sizes)


_compiled: OrderedDict[Any, Executable] = OrderedDict()
_compiling = threading.Lock()


def _executable(function: _Run, arguments: tuple[Any, Any, Any, Any]) -> Executable:
    """`function` for a block, compiled ahead of time (which tells its memory) and kept for arguments of the same shapes."""
    dynamic, static = eqx.partition(arguments, eqx.is_array)
    leaves, structure = jax.tree.flatten(dynamic)
    others, shape = jax.tree.flatten(static)
    name = (function, structure, tuple((leaf.shape, str(leaf.dtype)) for leaf in leaves), tuple(others), shape)
    with _compiling:
        if name not in _compiled:

            def block(dynamic):
                chip, task, ideal, each = eqx.combine(dynamic, static)
                return jax.vmap(lambda one: function(chip, task, ideal, one))(each)

            _compiled[name] = Executable(jax.jit(block).lower(dynamic).compile())
            if len(_compiled) > EXECUTABLES_KEPT:
                _compiled.popitem(last=False)
        return _compiled[name]


class _Tasks:
    """The task of every point: `shared` by all unless a knob of the chip itself is set, for then each point has its own."""

    def __init__(self, chip: Chip, paths: tuple[str, ...], columns: tuple[np.ndarray, ...], key: Any, task: Any):
        self._chip, self._key = chip, named_key(key, "task")
        own = [i for i, path in enumerate(paths) if path in chip.own()] if task is None else []
        self._own = {paths[i]: columns[i] for i in own}
        self._made: OrderedDict[tuple, Any] = OrderedDict()
        self._lock = threading.Lock()
        self.shared = None if own else jax.tree.map(jnp.asarray, chip.task(self._key) if task is None else task)

    def of(self, points: np.ndarray) -> Any:
        """The own tasks of `points`, stacked; None where one is shared."""
        if not self._own:
            return None
        with self._lock:
            told = [self._one(int(point)) for point in points]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *told)

    def _one(self, point: int) -> Any:
        name = tuple(column[point].tobytes() for column in self._own.values())
        if name not in self._made:
            chip = self._chip
            for path, column in self._own.items():
                chip = chip.set(path, column[point])
            task = jax.tree.map(np.asarray, chip.task(self._key))
            if self._made and _shapes(task) != _shapes(next(iter(self._made.values()))):
                told = " and ".join(f"`{path}`" for path in self._own)
                raise InputError(f"{told} must leave the shape of the task as it is, but give it another at point {point}.")
            self._made[name] = task
            if len(self._made) > TASKS_KEPT:
                self._made.popitem(last=False)
        self._made.move_to_end(name)
        return self._made[name]


def _shapes(task: Any) -> list[tuple]:
    return [(np.shape(leaf), np.asarray(leaf).dtype) for leaf in jax.tree.leaves(task)]


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


def _distinct(
    chip: Chip, paths: tuple[str, ...], columns: tuple[np.ndarray, ...], points: int
) -> tuple[np.ndarray, np.ndarray]:
    """The first point of each setting of what is no imperfection, and which of them belongs to every point."""
    telling = [c.reshape(points, -1) for p, c in zip(paths, columns, strict=True) if chip.entry(p).quantity.ideal is None]
    if not telling:
        return np.zeros(1, int), np.zeros(points, int)
    _, first, which = np.unique(np.concatenate(telling, axis=1), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[which.ravel()]
