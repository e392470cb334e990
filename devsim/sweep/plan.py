"""`Plan`: all that says which numbers a sweep gives: the chip, the design, dies, key and metrics; and who it is on disk."""

import dataclasses
import functools
import hashlib
from collections.abc import Iterable
from typing import Any, Self

import jax
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.chip import Chip
from devsim.provenance import provenance
from devsim.runs import Runs
from devsim.sweep.design import Design

VERSIONS = ("version_devsim_cosim", "version_jax", "version_jaxlib")
_NAMES = {
    "chip": "chip",
    "dies": "number of dies",
    "key": "seed",
    "design": "design",
    "axes": "axes",
    "columns": "points",
    "metrics": "metrics",
    "precision": "precision (bits)",
} | {name: name.removeprefix("version_").replace("_", "-") for name in VERSIONS}


@dataclasses.dataclass(frozen=True)
class Plan:
    """A sweep before anything is computed. metrics: those that are kept, in the order of the chip."""

    chip: Chip
    design: Design
    dies: int
    key: Key[Array, ""]
    metrics: tuple[str, ...]

    @classmethod
    def of(cls, chip: Chip, design: Design, *, dies: int, key: Key[Array, ""], metrics: Iterable[str] | None = None) -> Self:
        """The plan, checked. Raises InputError for dies below 1 or a metric that the chip does not have."""
        check.whole("dies", dies, 1)
        wanted = list(chip.metrics) if metrics is None else [metrics] if isinstance(metrics, str) else list(metrics)
        for name in wanted:
            check.one_of("metrics", name, chip.metrics)
        kept = tuple(name for name in chip.metrics if name in wanted)
        if not kept:
            raise check.InputError("`metrics` must name at least one metric, but names none.")
        return cls(chip, design, dies, key, kept)

    def runs(self, width: int) -> Runs:
        """The runs by number, in blocks of `width`."""
        if width not in self._runs:
            self._runs[width] = Runs(self.chip, self.design.columns, dies=self.dies, key=self.key, width=width)
        return self._runs[width]

    @functools.cached_property
    def _runs(self) -> dict[int, Runs]:
        return {}

    @functools.cached_property
    def identity(self) -> dict[str, Any]:
        """What two sweeps must share for their numbers to be the same, as JSON holds it."""
        told = provenance()
        columns = b"".join(np.asarray(column, float).tobytes() for column in self.design.columns.values())
        return {
            "chip": self.chip.name,
            "parameters": {path: _digest(entry.value) for path, entry in self.chip.parameters().items()},
            "dies": self.dies,
            "key": [str(jax.random.key_impl(self.key)), *np.asarray(jax.random.key_data(self.key)).tolist()],
            "design": self.design.kind,
            "axes": [axis.word() for axis in self.design.axes],
            "columns": hashlib.sha256(columns).hexdigest()[:16],
            "metrics": list(self.metrics),
            "precision": 64 if jax.config.read("jax_enable_x64") else 32,
        } | {name: told[name] for name in VERSIONS}


def difference(stored: dict[str, Any], wanted: dict[str, Any]) -> str:
    """What tells one sweep from another, in words; empty where they are the same."""
    told = []
    for name, label in _NAMES.items():
        if stored.get(name) != wanted.get(name) and not (name == "columns" and told):
            told.append(f"its {label} is {_shown(stored.get(name))}, not {_shown(wanted.get(name))}")
    here, there = wanted.get("parameters", {}), stored.get("parameters", {})
    changed = [path for path in {**here, **there} if here.get(path) != there.get(path)]
    if changed and stored.get("chip") == wanted.get("chip"):
        paths = ", ".join(f"`{path}`" for path in changed[:3]) + (" and more" if len(changed) > 3 else "")
        told.append(f"its chip has other values of {paths}")
    return "; ".join(told[:3])


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value)


def _digest(value: Any) -> str:
    if value is None:
        return ""
    array = np.asarray(value)
    return hashlib.sha256(str((array.shape, array.dtype)).encode() + array.tobytes()).hexdigest()[:12]
