"""A variant: a chip with what is different about it, as a small YAML file or as options of a command say it.

    base: nominal.yaml            # or chip: crossbar-hopfield
    title: Thin wires
    parameters: [cell.yaml]       # files that `devsim fit` left, or {file: cell.yaml, at: array.cell}
    set: {array.wire_resistance: 5}
    vary: {die: {array.wire_resistance: 0.1}}
    scale: {"*_spread": 2}
    only: [die, device]

What a variant says is added to what its base says, and goes before it.
"""

import dataclasses
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from devsim import check
from devsim.check import InputError, shown
from devsim.yaml_tree import LARGEST, Node, yaml_tree

if TYPE_CHECKING:
    from jaxtyping import Array, Key

    from devsim.chip import Chip
    from devsim.part import Part

Number = float | list[float]
Adjustable = TypeVar("Adjustable", bound="Part")
DEEPEST = 16
"""Variants that a variant may be based on, one on the other."""
KEYS = ("base", "chip", "title", "notes", "parameters", "set", "vary", "scale", "only")
VARYING = ("process", "die")


@dataclasses.dataclass(frozen=True)
class Said:
    """A value and where it was said, which errors begin with: "`thin.yaml`, line 3: "; empty for an option."""

    value: Any
    where: str = ""


@dataclasses.dataclass(frozen=True)
class Fitted:
    """Parameters from a file that a fit left, for the device that stands `at` a path of the chip, or wherever it fits."""

    file: Path
    at: str | None = None


@dataclasses.dataclass(frozen=True)
class Made:
    """A variant as a chip. parameters: path -> the value it was given, by hand or by a fit. told: what else is different."""

    chip: "Chip"
    parameters: dict[str, Number]
    told: list[str]


@dataclasses.dataclass(frozen=True)
class Variant:
    """What is different about a chip.

    chip: its name. steps: (path, value) and `Fitted`, in the order in which they are done. vary: (level, path) -> deviation,
    scale: pattern -> factor, only: levels, as `devsim.variability.varied` takes them.
    """

    chip: Said
    title: str = ""
    notes: str = ""
    steps: tuple[Said, ...] = ()
    vary: dict[tuple[str, str], Said] = dataclasses.field(default_factory=dict)
    scale: dict[str, Said] = dataclasses.field(default_factory=dict)
    only: Said | None = None

    def followed_by(self, other: Self) -> Self:
        """This variant with what `other` says added, or put in its place."""
        return dataclasses.replace(
            self,
            title=other.title or self.title,
            notes=other.notes or self.notes,
            steps=self.steps + other.steps,
            vary=self.vary | other.vary,
            scale=self.scale | other.scale,
            only=self.only if other.only is None else other.only,
        )

    def made(self, design: "Chip", *, key: "Key[Array, ''] | None" = None) -> Made:
        """The variant of a chip. key: of the lot, where the process varies.

        Raises InputError for an unknown path, what is no knob, a refused value, a parameter file that cannot be read or does
        not fit, an unknown level, and a pattern without a match; the message begins with the file and line that said it.
        """
        from devsim.variability import scaled, varied

        chip, parameters, told = design, {}, []
        for step in self.steps:
            with blamed(step.where):
                chip, more, words = _done(chip, step.value)
            parameters |= more
            told += words
        for (level, path), deviation in self.vary.items():
            with blamed(deviation.where):
                chip = varied(chip, **{level: {path: deviation.value}}, key=key)
        told += [f"{self._deviation(chip, level, path)}." for level, path in self.vary]
        for pattern, factor in self.scale.items():
            with blamed(factor.where):
                chip = scaled(chip, pattern, factor.value)
            told.append(f"What matches `{pattern}` is {factor.value:g} times as far from ideal.")
        if self.only is not None:
            with blamed(self.only.where):
                chip = varied(chip, only=self.only.value)
            levels = " and ".join(self.only.value)
            told.append(f"Of the imperfections only those of {levels} are left; all others are ideal.")
        return Made(chip, parameters, told)

    def _deviation(self, chip: "Chip", level: str, path: str) -> str:
        entry = chip.entry(f"{level}.{path}")
        unit = "" if entry.quantity.unit == "1" else f" {entry.quantity.unit}"
        return f"The {entry.quantity.doc.replace(path, f'`{path}`')} is {self.vary[level, path].value:g}{unit}"


def _done(chip: "Chip", step: Any) -> tuple["Chip", dict[str, Number], list[str]]:
    """The chip after a step, the parameters it gave, and what is to be said of it."""
    if not isinstance(step, Fitted):
        path, value = step
        return adjusted(chip, {path: value}, "see `devsim show`"), {path: value}, []
    from devsim.parameter_file import read_parameter_file

    with blamed(f"`{step.file}`: "):
        found = read_parameter_file(step.file)
        at = found.place(chip, step.at)
        told: dict[str, Number] = {f"{at}.{name}".lstrip("."): estimate.value for name, estimate in found.device().items()}
        return found.applied(chip, at), told, [f"The parameters of `{at or chip.name}` are those of `{step.file.name}`."]


def adjusted(part: Adjustable, parameters: Mapping[str, Number], hint: str) -> Adjustable:
    """A copy of a chip or circuit with knobs replaced; `hint` says where to look for those there are.

    Raises InputError for an unknown path, what is no knob, and a value that the part refuses.
    """
    for path, value in parameters.items():
        if not part.entry(path).quantity.knob:
            raise InputError(f"`{path}` is what the chip carries along, not a knob; set what makes it, {hint}.")
        try:
            part = part.set(path, value)
        except InputError:
            raise
        except (ValueError, TypeError) as error:  # a shape or a type that the part itself refuses
            raise InputError(f"`{path}` cannot be set to {value}: {error}") from error
    return part


@contextmanager
def blamed(where: str):
    """Errors begin with `where`, unless they do already."""
    try:
        yield
    except InputError as error:
        if not where or str(error).startswith(where):
            raise
        raise InputError(f"{where}{error}") from error


def read_variant(path: str | Path) -> Variant:
    """The variant in a YAML file, its bases included.

    Raises InputError, naming file and line, for a file that cannot be read or is no YAML of plain values, an unknown key, a
    value of the wrong kind, both or neither of `chip` and `base`, and bases that go in a circle or too deep.
    """
    return _read(Path(path), (), "")


def _read(path: Path, above: tuple[Path, ...], where: str) -> Variant:
    """`above`: the files that led here, the last of them at `where`."""
    name = f"`{shown(str(path), 300)}`"
    with blamed(where):
        with blamed(f"{name}: "):
            place, text = _opened(path)
        if place in above:
            raise InputError(f"`base` must not lead back to where it began, but {name} is based on itself.")
        if len(above) > DEEPEST:
            raise InputError(f"`base` must lead to a chip in at most {DEEPEST} steps, but leads on to {name}.")
    with blamed(f"{name}: "):
        root = yaml_tree(text, what="A variant")
    reader = _Reader(path, name, root)
    fields = reader.fields
    if ("base" in fields) == ("chip" in fields):
        told = "both" if "base" in fields else "neither"
        raise InputError(f"{name}, line {root.line}: A variant must have a `chip` or a `base`, but has {told}.")
    own = reader.variant()
    if "chip" in fields:
        return own
    base = path.parent / reader.word("base")
    return _read(base, (*above, place), reader.where(fields["base"])).followed_by(own)


def _opened(path: Path) -> tuple[Path, str]:
    """Where a file really lies, and its text."""
    try:
        with open(path, "rb") as file:
            return path.resolve(), file.read(LARGEST + 1).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"A variant must be text in UTF-8, but byte {error.start} is none.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise InputError(f"A variant must be a file that can be read, but is not: {reason}.") from error


class _Reader:
    """One file, with `name` and line for every error."""

    def __init__(self, path: Path, name: str, root: Node):
        self.path, self.name = path, name
        with blamed(f"{name}: "):
            self.fields = root.mapping("the variant")
        for key, node in self.fields.items():
            if key not in KEYS:
                near = check.suggest(key, KEYS)
                raise InputError(f"{self.where(node)}A variant has no `{shown(key)}`.{near}")

    def where(self, node: Node) -> str:
        """What an error about `node` begins with."""
        return f"{self.name}, line {node.line}: "

    def variant(self) -> Variant:
        """What this file says, without its base."""
        fields = self.fields
        fitted = [self._fitted(node) for node in self._several("parameters")]
        given = [Said((path, self._numbers(path, n)), self.where(n)) for path, n in self._mapping("set").items()]
        vary = {}
        for level, node in self._mapping("vary").items():
            with blamed(self.where(node)):
                check.one_of("vary", level, VARYING)
                vary |= {(level, path): self._number(path, n) for path, n in node.mapping(f"vary.{level}").items()}
        return Variant(
            chip=Said(self.word("chip"), self.where(fields["chip"]) if "chip" in fields else ""),
            title=self.word("title"),
            notes=self.word("notes"),
            steps=(*fitted, *given),
            vary=vary,
            scale={pattern: self._number(pattern, n) for pattern, n in self._mapping("scale").items()},
            only=self._only(),
        )

    def _only(self) -> Said | None:
        if "only" not in self.fields:
            return None
        return Said(
            [self._checked(n, lambda n=n: n.text("only")) for n in self._several("only")], self.where(self.fields["only"])
        )

    def _checked(self, node: Node, take: Any) -> Any:
        with blamed(self.where(node)):
            return take()

    def word(self, key: str) -> str:
        """A text on one line, empty where there is none."""
        node = self.fields.get(key)
        return "" if node is None else self._checked(node, lambda: " ".join(node.text(key).split()))

    def _mapping(self, key: str) -> dict[str, Node]:
        node = self.fields.get(key)
        return {} if node is None else self._checked(node, lambda: node.mapping(key))

    def _several(self, key: str) -> list[Node]:
        """The items of a list; a single one needs no brackets."""
        node = self.fields.get(key)
        return [] if node is None else node.value if isinstance(node.value, list) else [node]

    def _number(self, name: str, node: Node) -> Said:
        return Said(self._checked(node, lambda: node.number(name)), self.where(node))

    def _numbers(self, path: str, node: Node) -> Number:
        if not isinstance(node.value, list):
            return self._checked(node, lambda: node.number(path))
        return [self._checked(each, lambda each=each: each.number(path)) for each in node.value]

    def _fitted(self, node: Node) -> Said:
        """A file's name, or a mapping of `file` and `at`; the name is relative to the variant."""
        with blamed(self.where(node)):
            if not isinstance(node.value, dict):
                return Said(Fitted(self.path.parent / node.text("parameters")), self.where(node))
            unknown = sorted(set(node.value) - {"file", "at"})
            if unknown or "file" not in node.value:
                told = f"has `{shown(unknown[0])}`" if unknown else "has no `file`"
                raise InputError(f"`parameters` must be names of files, or have `file` and perhaps `at`, but {told}.")
            at = node.value["at"].text("at") if "at" in node.value else None
            return Said(Fitted(self.path.parent / node.value["file"].text("file"), at), self.where(node))
