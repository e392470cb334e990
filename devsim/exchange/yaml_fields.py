"""One part in a YAML netlist, `{class: Resistor, resistance: 1 kohm}`, as plain data and then as a part."""

import dataclasses
import inspect
import types
import typing
from typing import Any

import equinox as eqx
import numpy as np

from devsim import check
from devsim.check import InputError, shown
from devsim.devices.mesh.layout import Layout
from devsim.exchange import catalogue
from devsim.exchange.quantity import quantity
from devsim.parameter import Quantity, as_leaf, check_fields, quantities
from devsim.waveform import Waveform
from devsim.yaml_tree import Scalar


@dataclasses.dataclass(frozen=True)
class ClassSpec:
    """A part, or what is inside of one, as plain data; `path` is where it stands in the file."""

    kind: type
    fields: dict[str, Any]
    path: str


def class_spec(path: str, data: Any, *, known: dict[str, type], unit: str = "1") -> ClassSpec:
    """Read the mapping `data`, its fields against the declarations of its class, one of `known`.

    unit: of a waveform's values. Raises InputError, naming the path, for an unknown class or field, a value of the wrong
    kind or unit, and a field that is missing.
    """
    check.mapping(path, data, "names to values")
    if "class" not in data:
        raise InputError(f"`{path}` must name its `class`.{check.suggest('', known)}")
    kind = _at(path, catalogue.class_named, data["class"], known)
    declared, fields = quantities(kind), {f.name: f for f in dataclasses.fields(kind) if f.init}
    found: dict[str, Any] = {}
    own = unit if issubclass(kind, Waveform) else next(iter(declared.values()), Quantity("1", "")).unit
    for name, value in data.items():
        if name == "class":
            continue
        if name not in fields:
            raise InputError(
                f"`{path}` must not have `{shown(name)}`: {kind.__name__} has no such field.{check.suggest(name[:60], fields)}"
            )
        where = f"{path}.{name}"
        if name in declared:
            found[name] = _declared(where, value, declared[name], unit if issubclass(kind, Waveform) else "1")
        else:
            found[name] = _other(where, value, fields[name], own)
    for name, field in fields.items():
        if name not in found and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(f"`{path}` must have `{name}`, which {kind.__name__} needs.")
    return ClassSpec(kind, found, path)


def made(spec: ClassSpec) -> Any:
    """The object of a spec; InputError, naming its path, where its class refuses the values."""
    fields = {name: _made(value) for name, value in spec.fields.items()}
    try:
        return spec.kind(**fields) if _takes_fields(spec.kind) else _assembled(spec.kind, fields)
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, ArithmeticError) as error:
        raise InputError(f"`{spec.path}`: {shown(str(error), 400)}") from error


def _made(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_made(each) for each in value)
    return made(value) if isinstance(value, ClassSpec) else value


def _takes_fields(kind: type) -> bool:
    """Whether the constructor takes the fields, all of them, by name."""
    return set(inspect.signature(kind).parameters) == {f.name for f in dataclasses.fields(kind) if f.init}


def _assembled(kind: type, fields: dict[str, Any]) -> Any:
    """An object of a class whose constructor takes something else, put together from its fields and checked."""
    part, declared = object.__new__(kind), quantities(kind)
    for field in dataclasses.fields(kind):
        if field.name in fields:
            value = fields[field.name]
        elif field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        else:
            value = field.default
        object.__setattr__(part, field.name, as_leaf(value) if field.name in declared else value)
    check_fields(part)
    for each in kind.__mro__:
        if "__check_init__" in vars(each):
            each.__check_init__(part)
    return part


def _declared(path: str, value: Any, declared: Quantity, unit: str) -> Any:
    """The value of a physical quantity; a waveform's values are in the `unit` of its source.

    InputError for an infinite one, but where its declaration says that it is `padded with inf`.
    """
    if isinstance(value, Scalar) and value.plain() is None:
        return None
    of_source = declared.unit == "1" and unit != "1" and "unit of the source" in declared.doc
    found = quantity(path, value, unit if of_source else declared.unit)
    if not np.isfinite(found).all() and "padded with inf" not in declared.doc:
        given = f"`{shown(value)}`" if isinstance(value, Scalar) else "infinite in places"
        raise InputError(f"`{path}` must be finite, but is {given}.")
    return found


def _other(path: str, value: Any, field: dataclasses.Field, unit: str) -> Any:
    """A child by its class, or a static value: a word, a whole number, a number, or a tuple of those."""
    if isinstance(value, dict):
        spec = class_spec(path, value, known=catalogue.classes(), unit=unit)
        _check_kind(path, spec.kind, field)
        return spec
    if isinstance(value, list):
        return tuple(_other(path, each, field, unit) for each in value)
    if (plain := value.plain()) is not None and not field.metadata.get("static"):
        raise InputError(f"`{path}` must be a mapping with a `class`, but is {check.described(plain)}.")
    return plain


def _check_kind(path: str, kind: type, field: dataclasses.Field) -> None:
    """Raise where the class does not fit the field's annotation, as far as that is a class."""
    allowed = typing.get_args(field.type) if isinstance(field.type, types.UnionType) else (field.type,)
    wanted = [each for each in allowed if isinstance(each, type) and issubclass(each, eqx.Module | Layout)]
    if wanted and not any(issubclass(kind, each) for each in wanted):
        names = " or ".join(each.__name__ for each in wanted)
        raise InputError(f"`{path}` must be a {names}, but is a {kind.__name__}.")


def _at(path: str, function, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except InputError as error:
        raise InputError(f"`{shown(path)}`: {error}") from None
