"""What a Dask worker does: builds the chip that it is told of, compiles once, and measures chunks."""

import dataclasses
import importlib
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, Self

import equinox as eqx
import jax
import numpy as np

from devsim.check import InputError
from devsim.chip import Chip
from devsim.provenance import provenance
from devsim.runs import Runs
from devsim.sweep.cache import share_compilations
from devsim.sweep.design import Design
from devsim.sweep.pieces import Cutting, Pace, Piece, check_device, pace_of
from devsim.sweep.plan import Plan

KEPT = 4
_ready: OrderedDict[Any, Runs] = OrderedDict()
_readying = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A plan as it travels: the class of the chip by name and its arrays, or the chip itself where they do not make it.

    name: tells recipes apart. folder: where compiled code is shared, where a worker sees it.
    """

    name: str
    chip: tuple[str, str] | Chip
    arrays: tuple[np.ndarray, ...]
    design: Design
    dies: int
    key: tuple[str, np.ndarray]
    metrics: tuple[str, ...]
    precision: bool
    folder: str | None

    @classmethod
    def of(cls, plan: Plan, folder: str | None) -> Self:
        """The recipe of a plan."""
        kind = type(plan.chip)
        by_name = _drawn_by_its_class(plan.chip)
        chip = (kind.__module__, kind.__qualname__) if by_name else plan.chip
        leaves = tuple(np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(plan.chip, eqx.is_array))) if by_name else ()
        key = (str(jax.random.key_impl(plan.key)), np.asarray(jax.random.key_data(plan.key)))
        precision = bool(jax.config.read("jax_enable_x64"))
        return cls(str(plan.identity), chip, leaves, plan.design, plan.dies, key, plan.metrics, precision, folder)

    def received(self) -> Self:
        """Itself: the task by which it comes to a worker."""
        return self

    def plan(self) -> Plan:
        """The plan, made anew."""
        jax.config.update("jax_enable_x64", self.precision)
        key = jax.random.wrap_key_data(jax.numpy.asarray(self.key[1]), impl=self.key[0])
        return Plan(self._built(), self.design, self.dies, key, self.metrics)

    def _built(self) -> Chip:
        if isinstance(self.chip, Chip):
            return self.chip
        module, name = self.chip
        kind = importlib.import_module(module)
        for part in name.split("."):
            kind = getattr(kind, part)
        arrays, rest = eqx.partition(kind.design(), eqx.is_array)
        leaves = [jax.numpy.asarray(leaf) for leaf in self.arrays]
        return eqx.combine(jax.tree.unflatten(jax.tree.structure(arrays), leaves), rest)


def _drawn_by_its_class(chip: Chip) -> bool:
    """Whether `design()` of its class and the arrays make the chip: not one that was varied, or joined otherwise."""
    try:
        drawn, nominal = eqx.partition(type(chip).design(), eqx.is_array)
    except InputError:
        return False
    arrays, rest = eqx.partition(chip, eqx.is_array)
    return jax.tree.structure(arrays) == jax.tree.structure(drawn) and bool(eqx.tree_equal(rest, nominal))


def versions() -> dict[str, str]:
    """What this worker computes with."""
    return provenance()


def pace(recipe: Recipe) -> Pace:
    """Compile and time one block here."""
    with _readying:
        _share(recipe)
        return pace_of(recipe.plan())


def chunk(recipe: Recipe, cutting: Cutting, piece: Piece) -> dict[str, np.ndarray]:
    """The metrics of a chunk, one block after the other: a worker's threads each do a chunk of their own."""
    with _readying:
        check_device(cutting)
        name = (recipe.name, cutting.width)
        if name not in _ready:
            _share(recipe)
            _ready[name] = recipe.plan().runs(cutting.width)
            _ready[name].executable()
            if len(_ready) > KEPT:
                _ready.popitem(last=False)
        runs = _ready[name]
    found = runs(piece.start, piece.stop, ideal=piece.ideal, threads=1)
    return {metric: found[metric] for metric in recipe.metrics}


def _share(recipe: Recipe) -> None:
    if recipe.folder is not None and Path(recipe.folder).is_dir():
        share_compilations(Path(recipe.folder))
