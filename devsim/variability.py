"""Levels of variability: what differs from lot to lot, die to die, device to device, cycle to cycle, and with age.

Every imperfection belongs to one level, which can be left alone or scaled, so that their effects can be told apart. What a
part declares varies from device to device (`fabricate`), from cycle to cycle (`program`, `read`) or with `age`; variation of
the process and of the die, which all devices share, is added to a chip by `Varied`.
"""

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import Bounds, InputError
from devsim.chip import Chip, Metric, Picture
from devsim.circuit import Circuit
from devsim.parameter import STAGES, Quantity, as_leaf
from devsim.part import Entry, filled
from devsim.randomness import lognormal_factor, named_key

PROCESS, DIE = "process", "die"
LEVELS = {PROCESS: (), DIE: (), "device": ("fabricate",), "cycle": ("program", "read"), "age": ("age",)}
"""Level -> the verbs of its imperfections; those of the process and the die are known by their paths."""
FROM = {PROCESS: "from lot to lot", DIE: "from die to die"}


class Varied(Chip):
    """A chip whose knobs also vary as a whole: from lot to lot (`process`) and from die to die (`die`).

    process, die: path of a knob of the chip -> its deviation, which is itself a knob, `process.PATH` or `die.PATH`. A knob
    that cannot be negative is multiplied by a log-normal factor of mean 1 and this relative standard deviation; to any other
    a normal draw is added, the deviation being in its unit. All elements of an array move together, within their bounds.
    lot: the key of the process, shared by all dies; a die draws from its own.
    """

    chip: Chip
    process: dict[str, Array]
    die: dict[str, Array]
    lot: Key[Array, ""] | None

    @property
    def circuit(self) -> Circuit:
        """That of the chip."""
        return self.chip.circuit

    @property
    def name(self) -> str:
        """That of the chip."""
        return self.chip.name

    @property
    def metrics(self) -> dict[str, Metric]:
        """Those of the chip."""
        return self.chip.metrics

    @property
    def budget_metric(self) -> str:
        """That of the chip."""
        return self.chip.budget_metric

    @property
    def usual_dies(self) -> int:
        """Those of the chip."""
        return self.chip.usual_dies

    @classmethod
    def design(cls) -> Self:
        """There is no drawing without a chip."""
        raise InputError("`Varied` must wrap a chip: use `devsim.variability.varied(chip, ...)`.")

    def about(self) -> str:
        """What the chip's module says of it."""
        return self.chip.about()

    def task(self, key: Key[Array, ""]) -> Any:
        """That of the chip as it is drawn."""
        return self.chip.task(key)

    def budget_task(self, task: Any) -> Any:
        """That of the chip."""
        return self.chip.budget_task(task)

    def drawn(self, key: Key[Array, ""]) -> Chip:
        """The chip that the designer would have drawn to get this lot and the die of `key`, its devices still alike."""
        chip = self.chip if self.lot is None else _shifted(self.chip, self.process, self.lot)
        return _shifted(chip, self.die, named_key(key, DIE))

    def build(self, task: Any, key: Key[Array, ""]) -> Chip:
        """One die of the lot."""
        return self.drawn(key).build(task, key)

    def measure(self, task: Any, key: Key[Array, ""]) -> dict[str, Array]:
        """What the chip achieves as it is drawn; a die is a chip of its own."""
        return self.chip.measure(task, key)

    def pictures(self, task: Any, key: Key[Array, ""]) -> list[Picture]:
        """Those of the die that `key` draws."""
        return self.drawn(key).pictures(task, key)

    def own(self) -> dict[str, Entry]:
        """Those of the chip."""
        return self.chip.own()

    def parameters(self) -> dict[str, Entry]:
        """The chip's, then the deviations of its process and its dies."""
        table = self.chip.parameters()
        return table | self._deviations(table)

    def _deviations(self, table: Mapping[str, Entry]) -> dict[str, Entry]:
        told = {}
        for level, deviations in ((PROCESS, self.process), (DIE, self.die)):
            for path, value in deviations.items():
                relative = _relative(table[path].quantity)
                doc = f"{'relative ' if relative else ''}standard deviation of {path} {FROM[level]}"
                unit = "1" if relative else table[path].quantity.unit
                quantity = Quantity(unit, doc, Bounds(0), "fabricate", ideal=0.0)
                told[f"{level}.{path}"] = Entry(f"{level}.{path}", value, quantity)
        return told

    def entry(self, path: str) -> Entry:
        """The row of the table at a dotted path."""
        deviations = self._deviations({p: self.chip.entry(p) for p in {**self.process, **self.die}})
        return deviations[path] if path in deviations else self.chip.entry(path)

    def _assigned(self, path: str, leaf: Array, full: str) -> Self:
        level, _, inside = path.partition(".")
        deviations = {PROCESS: self.process, DIE: self.die}.get(level, {})
        if inside in deviations:
            return self.put(**{level: deviations | {inside: filled(full, leaf, deviations[inside])}})
        return self.put(chip=self.chip._assigned(path, leaf, full))

    def ideal(self) -> Self:
        """The ideal chip, all lots and dies alike."""
        none = lambda deviations: {path: jnp.zeros_like(value) for path, value in deviations.items()}
        return self.put(chip=self.chip.ideal(), process=none(self.process), die=none(self.die))

    def age(self, seconds: Array, temperature: Array, key: Key[Array, ""]) -> Self:
        """The chip, older."""
        return self.put(chip=self.chip.age(seconds, temperature, key))


def varied(
    chip: Chip,
    *,
    only: Iterable[str] | None = None,
    scale: Mapping[str, float] | None = None,
    process: Mapping[str, float] | None = None,
    die: Mapping[str, float] | None = None,
    key: Key[Array, ""] | None = None,
) -> Chip:
    """The chip with its variability added to, scaled and switched, in this order.

    process, die: path of a knob -> deviation, see `Varied`. scale: pattern of imperfections (`array.*_spread`) -> factor on
    their distance from the ideal value. only: levels (`process`, `die`, `device`, `cycle`, `age`) or verbs (`design`,
    `fabricate`, ...) whose imperfections stay; all others become ideal. key: draws the lot; `process` needs one.
    Raises InputError for an unknown path, level or verb, a pattern without a match, and a value out of bounds.
    """
    chip = _with_deviations(chip, process or {}, die or {}, key)
    for pattern, factor in (scale or {}).items():
        chip = scaled(chip, pattern, factor)
    return chip if only is None else _only(chip, only)


def scaled(chip: Chip, pattern: str, factor: float) -> Chip:
    """The chip with the imperfections that match `pattern` `factor` times as far from their ideal values."""
    check.within(pattern, as_leaf(factor), Bounds(0))
    known = chip.imperfections()
    matching = {path: entry for path, entry in known.items() if fnmatch.fnmatchcase(path, pattern)}
    if not matching:
        raise InputError(f"`{pattern}` must match an imperfection, but matches none.{check.suggest(pattern, known)}")
    for path, entry in matching.items():
        ideal = entry.quantity.ideal
        chip = chip.set(path, ideal + factor * (entry.value - ideal))
    return chip


def _only(chip: Chip, levels: Iterable[str]) -> Chip:
    """The chip with every imperfection of other levels and verbs at its ideal value."""
    wanted = [levels] if isinstance(levels, str) else list(levels)
    for level in wanted:
        check.one_of("only", level, {*LEVELS, *STAGES})
    for path, entry in chip.imperfections().items():
        if not any(_belongs(chip, path, entry.quantity.stage, level) for level in wanted):
            chip = chip.set(path, entry.quantity.ideal)
    return chip


def _belongs(chip: Chip, path: str, stage: str, level: str) -> bool:
    """Whether an imperfection is of a level or a verb; the deviations of lots and dies are fabricated too, but no device's."""
    shared = next((name for name in (PROCESS, DIE) if path in _paths(chip, name)), None)
    if shared is not None:
        return level in (shared, stage)
    return level == stage or stage in LEVELS.get(level, ())


def _paths(chip: Chip, level: str) -> set[str]:
    return {f"{level}.{path}" for path in getattr(chip, level)} if isinstance(chip, Varied) else set()


def _with_deviations(chip: Chip, process: Mapping[str, float], die: Mapping[str, float], key: Key[Array, ""] | None) -> Chip:
    """The chip wrapped, or wrapped anew; itself where nothing is added."""
    if not process and not die:
        return chip
    inner, had, lot = (chip.chip, (chip.process, chip.die), chip.lot) if isinstance(chip, Varied) else (chip, ({}, {}), None)
    checked = [_checked(inner, level, told) for level, told in ((PROCESS, process), (DIE, die))]
    if process:
        lot = named_key(key, "lot")
    return Varied(chip=inner, process=had[0] | checked[0], die=had[1] | checked[1], lot=lot)  # pyright: ignore[reportCallIssue]


def _checked(chip: Chip, level: str, deviations: Mapping[str, float]) -> dict[str, Array]:
    found = {}
    for path, deviation in deviations.items():
        entry, name = chip.entry(path), f"{level}:{path}"
        if not entry.quantity.knob:
            raise InputError(f"`{path}` is what the chip carries along, not a knob; let what makes it vary.")
        leaf = as_leaf(deviation)
        check.within(name, leaf, Bounds(0), "1" if _relative(entry.quantity) else entry.quantity.unit)
        if np.shape(leaf):
            raise InputError(f"`{name}` must be a number, but has shape {np.shape(leaf)}.")
        if _relative(entry.quantity) and check.is_concrete(entry.value) and not np.any(np.asarray(entry.value)):
            raise InputError(f"`{name}` must be relative to a value above 0, but `{path}` is 0.")
        found[path] = leaf
    return found


def _relative(quantity: Quantity) -> bool:
    """Whether a knob varies by a factor: one that cannot be negative."""
    return quantity.bounds.low is not None and quantity.bounds.low >= 0


def _shifted(chip: Chip, deviations: Mapping[str, Array], key: Key[Array, ""]) -> Chip:
    """The chip with its knobs moved: one draw for each, from a key of its own."""
    for path, deviation in deviations.items():
        entry = chip.entry(path)
        x = jax.random.normal(named_key(key, path), (), jnp.result_type(entry.value, float))
        moved = entry.value * lognormal_factor(deviation, x) if _relative(entry.quantity) else entry.value + deviation * x
        chip = chip.set(path, jnp.clip(moved, entry.quantity.bounds.low, entry.quantity.bounds.high))
    return chip
