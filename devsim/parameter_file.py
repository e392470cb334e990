"""The parameter file: what a fit found, as a small YAML that `run`, `sweep` and variants read."""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from devsim import check
from devsim.check import InputError, shown
from devsim.files import replace_file
from devsim.part import Part
from devsim.yaml_tree import LARGEST, Node, yaml_tree

WHAT = "A parameter file"
DEVICE = "device."
"""What the paths begin with that belong to the fitted device; others belong to the bench on which it was measured."""

_TAKEN = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
"""Words that YAML reads as something else."""

AnyPart = TypeVar("AnyPart", bound=Part)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A value with its interval in `unit` (SI); an end is None where the data do not determine it."""

    value: float
    low: float | None
    high: float | None
    unit: str


@dataclasses.dataclass(frozen=True)
class ParameterFile:
    """What a fit found.

    parameters: path -> estimate; those of the device begin with `device.`. residual_rms: in `residual_unit`. model: the
    bench that was fitted. data: the measurement's `name`, `sha256` and number of `rows` used. told: how it was fitted (loss,
    confidence, warnings) and with which versions. at: where a chip has the device, where the fit was told. part: the class of
    the device, such as `PhaseChangeCell`.
    """

    parameters: dict[str, Estimate]
    residual_rms: float
    model: str
    data: dict[str, str | int]
    residual_unit: str = "1"
    told: dict[str, Any] = dataclasses.field(default_factory=dict)
    at: str | None = None
    part: str | None = None

    def device(self) -> dict[str, Estimate]:
        """The parameters of the device, by the paths they have inside it."""
        found = {path.removeprefix(DEVICE): e for path, e in self.parameters.items() if path.startswith(DEVICE)}
        if not found:
            raise InputError(f"{WHAT} must hold parameters of the device (`{DEVICE}...`), but that of `{self.model}` has none.")
        return found

    def place(self, part: Part, at: str | None = None) -> str:
        """Where in `part` the device stands: `at`, that of the file, or the one place that has all its knobs with equal units
        and is of the device's class.

        Raises InputError where `at` lacks one of the knobs, and where no place or several places fit; it lists them.
        """
        wanted = {name: estimate.unit for name, estimate in self.device().items()}
        knobs = {path: entry.quantity.unit for path, entry in part.parameters().items() if entry.quantity.knob}
        at = self.at if at is None else at
        if at is not None:
            _check_place(at, wanted, knobs)
            return at
        places = {path[: -len(n)].rstrip(".") for n in wanted for path in knobs if path == n or path.endswith(f".{n}")}
        fitting = [place for place in sorted(places) if all(knobs.get(_joined(place, n)) == u for n, u in wanted.items())]
        alike = [place for place in fitting if self.part is None or self.part in _classes(part, place)]
        if fitting and not alike:
            there = " and ".join(f"`{place}` is a {_classes(part, place)[0]}" for place in fitting)
            raise InputError(
                f"The parameters are those of a {self.part}, but {there}; say so with `at` if they are meant for it."
            )
        fitting = alike
        if len(fitting) != 1:
            names = ", ".join(f"`{name}`" for name in wanted)
            told = "none has" if not fitting else f"these have: {', '.join(f'`{p}`' for p in fitting)}; say which with `at`"
            near = _nearest(places, wanted, knobs) if not fitting else ""
            raise InputError(f"One place in `part` must have the knobs {names}, with the units of the file, but {told}.{near}")
        return fitting[0]

    def applied(self, part: AnyPart, at: str | None = None) -> AnyPart:
        """A copy of `part` (a chip, a circuit) with the device's parameters at their fitted values.

        at: the path of the device in it, such as `array.cell`; without it the one place that has all the knobs. What belongs
        to the bench stays behind. Raises InputError as `place` does, and for a value that the part refuses.
        """
        where = self.place(part, at)
        for name, estimate in self.device().items():
            part = part.set(_joined(where, name), estimate.value)
        return part

    def write(self, path: str | Path) -> None:
        """Write the YAML, whole or not at all. Raises InputError where the file cannot be written."""
        replace_file(Path(path), lambda file: file.write_text(self.yaml(), encoding="utf-8"))

    def yaml(self) -> str:
        """The file's text: one line for each parameter, numbers as JSON writes them."""
        lines = ["# Written by `devsim fit`: values in SI units with their intervals.", f"model: {_word(self.model)}"]
        lines += [*_block("data", self.data), "parameters:"]
        for path, e in self.parameters.items():
            ends = f"low: {_word(e.low)}, high: {_word(e.high)}"
            lines.append(f"  {_word(path)}: {{value: {_word(e.value)}, {ends}, unit: {_word(e.unit)}}}")
        lines += [f"residual_rms: {_word(self.residual_rms)}", f"residual_unit: {_word(self.residual_unit)}"]
        lines += [f"{name}: {_word(word)}" for name, word in (("at", self.at), ("part", self.part)) if word is not None]
        lines += _block("told", self.told) if self.told else []
        return "\n".join(lines) + "\n"


def read_parameter_file(path: str | Path) -> ParameterFile:
    """The parameters in a file that a fit wrote.

    Raises InputError for a file that cannot be read, is too large, is no YAML of plain values, or lacks or misnames what
    belongs in it; the message names the line.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise InputError(f"The parameter file `{shown(str(path))}` must be readable, but is not: {reason}.") from error
    return parsed(data.decode("utf-8", errors="replace"))


def parsed(text: str) -> ParameterFile:
    """The parameters in the text of a parameter file; InputError as `read_parameter_file` does."""
    root = _fields(yaml_tree(text, what=WHAT), "the file", {"model", "data", "parameters", "residual_rms"})
    unknown = set(root) - {field.name for field in dataclasses.fields(ParameterFile)}
    if unknown:
        name = sorted(unknown)[0]
        known = [field.name for field in dataclasses.fields(ParameterFile)]
        raise InputError(f"{WHAT} has no `{shown(name)}` (line {root[name].line}).{check.suggest(name, known)}")
    parameters = root["parameters"].mapping("parameters")
    if not parameters:
        raise InputError(f"`parameters` on line {root['parameters'].line} must hold at least one, but is empty.")
    told = root["told"].mapping("told") if "told" in root else {}
    return ParameterFile(
        {shown(path, 200): _estimate(shown(path, 200), node) for path, node in parameters.items()},
        root["residual_rms"].number("residual_rms"),
        root["model"].text("model"),
        {name: _whole_or_text(name, node) for name, node in root["data"].mapping("data").items()},
        root["residual_unit"].text("residual_unit") if "residual_unit" in root else "1",
        {name: _unwrapped(node) for name, node in told.items()},
        *(root[name].text(name) if name in root else None for name in ("at", "part")),
    )


def sha256(data: bytes) -> str:
    """The fingerprint by which a file names the data it was made from."""
    return hashlib.sha256(data).hexdigest()


def _estimate(path: str, node: Node) -> Estimate:
    fields = _fields(node, path, {"value", "unit"})
    unknown = set(fields) - {"value", "low", "high", "unit"}
    if unknown:
        raise InputError(f"`{path}` on line {node.line} has no `{shown(sorted(unknown)[0])}`: value, low, high, unit.")
    value = fields["value"].number(f"{path}.value")
    ends = {name: _end(f"{path}.{name}", fields.get(name)) for name in ("low", "high")}
    if (ends["low"] is not None and ends["low"] > value) or (ends["high"] is not None and ends["high"] < value):
        raise InputError(f"`{path}` on line {node.line} must have low, value and high in this order, but has not.")
    return Estimate(value, ends["low"], ends["high"], fields["unit"].text(f"{path}.unit"))


def _end(name: str, node: Node | None) -> float | None:
    return None if node is None or node.value is None else node.number(name)


def _fields(node: Node, name: str, needed: set[str]) -> dict[str, Node]:
    fields = node.mapping(name)
    for missing in sorted(needed - set(fields)):
        raise InputError(f"`{name}` on line {node.line} must have `{missing}`, but has not.")
    return fields


def _whole_or_text(name: str, node: Node) -> str | int:
    return node.value if isinstance(node.value, int) and not isinstance(node.value, bool) else node.text(name)


def _unwrapped(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {name: _unwrapped(inner) for name, inner in node.value.items()}
    return [_unwrapped(inner) for inner in node.value] if isinstance(node.value, list) else node.value


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _classes(part: Any, place: str) -> list[str]:
    """The class of what stands at a place of a part, a circuit or a chip, then those it inherits from."""
    if not place:
        return [kind.__name__ for kind in type(part).__mro__]
    circuit = getattr(part, "circuit", None)
    inside = getattr(part if circuit is None else circuit, "parts", None)
    if inside is None:
        head, _, rest = place.partition(".")
        return _classes(getattr(part, head), rest)
    name = max((name for name in inside if f"{place}.".startswith(f"{name}.")), key=len)
    return _classes(inside[name], place[len(name) + 1 :])


def _check_place(at: str, wanted: Mapping[str, str], knobs: Mapping[str, str]) -> None:
    for name, unit in wanted.items():
        path = _joined(at, name)
        if path not in knobs:
            raise InputError(
                f"`at` must be a place that has the knob `{name}`, but `{path}` is none.{check.suggest(path, knobs)}"
            )
        if knobs[path] != unit:
            raise InputError(f"`{path}` must have the unit of the file, {unit}, but has {knobs[path]}.")


def _nearest(places: set[str], wanted: Mapping[str, str], knobs: Mapping[str, str]) -> str:
    """What the place that has most of the knobs lacks."""
    lacking = {place: [n for n, unit in wanted.items() if knobs.get(_joined(place, n)) != unit] for place in sorted(places)}
    if not lacking:
        return ""
    place = min(lacking, key=lambda each: len(lacking[each]))
    return f" Nearest is `{place}`, without {', '.join(f'`{name}`' for name in lacking[place])} in those units."


def _word(value: Any) -> str:
    """A scalar as every reader of YAML takes it: `1.0e-9` with its point; no number where it is not finite."""
    if isinstance(value, float):
        mantissa, mark, power = repr(value).partition("e")
        whole = mark and "." not in mantissa
        return (f"{mantissa}.0e{power}" if whole else repr(value)) if math.isfinite(value) else "null"
    if not isinstance(value, str):
        return json.dumps(value)
    plain = re.fullmatch(r"[A-Za-z][A-Za-z._-]*", value) and value.lower() not in _TAKEN
    return value if plain else json.dumps("".join(c if c.isprintable() else "?" for c in value), ensure_ascii=False)


def _block(name: str, value: Any, depth: int = 0) -> list[str]:
    head = f"{'  ' * depth}{_word(name)}:"
    if isinstance(value, Mapping) and value:
        return [head, *(line for key, inner in value.items() for line in _block(key, inner, depth + 1))]
    if isinstance(value, list | tuple):
        return [f"{head} [{', '.join(_word(item) for item in value)}]"]
    return [f"{head} {'{}' if isinstance(value, Mapping) else _word(value)}"]
