"""`write_yaml`: a circuit as a YAML netlist that `read_yaml` reads back, number for number."""

import dataclasses
from typing import Any, cast

import equinox as eqx
import jax
import numpy as np
import yaml

from devsim import check
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.mesh.layout import Layout
from devsim.exchange import catalogue
from devsim.exchange.nesting import Nest, Placed, nested
from devsim.exchange.yaml_reader import VERSION
from devsim.parameter import quantities


def write_yaml(circuit: Circuit) -> str:
    """The netlist of a circuit: what differs from the defaults of its classes, in SI units and full precision.

    Raises InputError for a circuit that holds several dies, and for a part whose class is not one of this package.
    """
    check.instance("circuit", circuit, Circuit)
    circuit.check_single()
    netlist = circuit.netlist
    pins = {pin: net for net, joined in circuit.nets.items() for pin in joined}
    placed = []
    for name, part in circuit.parts.items():
        ports = part.ports()
        readers = frozenset(n for n, port in ports.items() if port.domain in ("signal", "spike") and not port.drives)
        placed.append(Placed(name, _mapping(name, part), {port: pins[f"{name}.{port}"] for port in ports}, readers))
    faces = {net for _, net in (*netlist.inputs, *netlist.outputs)}
    nest = dataclasses.replace(nested(placed, faces), inputs=dict(netlist.inputs), outputs=dict(netlist.outputs))
    definitions: dict[str, Any] = {}
    body = _netlist(nest, "", definitions)
    whole = {"devsim": int(VERSION), **body} | ({"circuits": definitions} if definitions else {})
    return yaml.dump(whole, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)


_DUMPER = cast(type[yaml.representer.SafeRepresenter], getattr(yaml, "CSafeDumper", yaml.SafeDumper))


class _Dumper(_DUMPER):
    """Writes equal objects twice instead of referring to the first."""

    def ignore_aliases(self, data):
        return True


def _netlist(nest: Nest, path: str, definitions: dict[str, Any]) -> dict[str, Any]:
    parts = dict(nest.parts)
    for name, inner in nest.inner.items():
        kind = f"{path}{name}" + " circuit" * (name in catalogue.classes())
        definitions[kind] = _netlist(inner, f"{kind}.", definitions)
        parts[name] = {"class": kind}
    found: dict[str, Any] = {"parts": parts, "nets": {net: list(pins) for net, pins in nest.nets.items()}}
    return found | {key: faces for key, faces in (("inputs", nest.inputs), ("outputs", nest.outputs)) if faces}


def _mapping(path: str, part: eqx.Module | Layout) -> dict[str, Any]:
    """A part by its class and the fields that differ from their defaults."""
    kind = type(part)
    if catalogue.classes().get(kind.__name__) is not kind:
        raise InputError(f"`{path}` cannot be written: `{kind.__name__}` is not a class of devsim's own devices.")
    declared, found = quantities(part), {"class": kind.__name__}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if field.init and not _is_default(field, value):
            unit = declared[field.name].unit if field.name in declared else None
            found[field.name] = _plain(f"{path}.{field.name}", value, unit)
    return found


def _is_default(field: dataclasses.Field, value: Any) -> bool:
    if field.default is dataclasses.MISSING:
        return False
    if field.default is None or value is None:
        return field.default is value
    if isinstance(value, jax.Array):
        default = np.asarray(field.default, value.dtype)
        return value.ndim == default.ndim and bool(np.array_equal(np.asarray(value), default))
    return type(value) is type(field.default) and bool(value == field.default)


def _plain(path: str, value: Any, unit: str | None) -> Any:
    """A value of a field as YAML has it."""
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        return _numbers(path, np.asarray(value), unit)
    if isinstance(value, eqx.Module | Layout):
        return _mapping(path, value)
    if isinstance(value, tuple | list):
        return [_plain(path, each, None) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InputError(f"`{path}` cannot be written: it is {check.described(value)}.")


def _numbers(path: str, array: np.ndarray, unit: str | None) -> Any:
    if array.dtype.kind not in "fiub":
        raise InputError(f"`{path}` cannot be written: it holds {array.dtype} numbers.")
    check.within(path, array, check.Bounds())
    if array.ndim == 0 and unit not in (None, "1") and np.isfinite(array):
        return f"{float(array)!r} {unit}"
    return array.astype(float).tolist()
