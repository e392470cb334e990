"""`read_yaml`: a circuit from a YAML netlist."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from devsim import check
from devsim.check import InputError, shown
from devsim.circuit import Circuit
from devsim.exchange import catalogue
from devsim.exchange.deck import Analysis, Deck
from devsim.exchange.quantity import quantity
from devsim.exchange.text import text_of
from devsim.exchange.yaml_analyses import analyses_of
from devsim.exchange.yaml_fields import ClassSpec, class_spec, made
from devsim.exchange.yaml_tables import READERS as TABLES
from devsim.exchange.yaml_tables import TableSpec, table_spec
from devsim.exchange.yaml_text import yaml_data
from devsim.yaml_tree import Scalar

VERSION = "1"
MOST_PARTS, DEEPEST = 100_000, 16
"""Parts that a netlist may come to, inner circuits spelled out, and how deep those may nest."""
INNER = ("parts", "nets", "inputs", "outputs")
TOP = ("devsim", "title", *INNER, "circuits", "analyses", "initial")


@dataclasses.dataclass(frozen=True)
class InnerSpec:
    """A circuit as plain data; a part that is a name stands for the circuit of that name."""

    parts: dict[str, ClassSpec | TableSpec | str]
    nets: dict[str, tuple[str, ...]]
    inputs: dict[str, str]
    outputs: dict[str, str]
    path: str


@dataclasses.dataclass(frozen=True)
class NetlistSpec:
    """A whole netlist as plain data; `stimuli` as in `Deck`."""

    title: str
    circuit: InnerSpec
    inner: dict[str, InnerSpec]
    analyses: tuple[Analysis, ...]
    stimuli: dict[str, tuple[float, float]]
    initial: dict[str, float]


def read_yaml(source: str | bytes | Path, *, folder: str | Path | None = None) -> Circuit:
    """The circuit of a YAML netlist.

    source: a path, or the text itself (a string of several lines, or bytes). A netlist has the keys `devsim: 1`, `parts`
    (name -> `{class: Resistor, resistance: 1 kohm}`), `nets` (name -> `[part.port, ...]`), and, if wanted, `title`,
    `inputs`, `outputs` (name -> net), `circuits` (name -> parts, nets, inputs, outputs, to be used as a class),
    `analyses` and `initial` (net -> potential). Numbers are in SI units or carry the unit that the parameter declares. The
    classes `Touchstone` and `Lumerical` are tables in a `file` of their own, with the settings of their readers. folder:
    where such files may be, by relative paths; without it they are refused.

    Raises InputError, naming the place, for everything else: a key or class that is not known, a value of another unit,
    a key that stands twice, aliases and tags, a circuit that is made of itself, what `Circuit` refuses, and what is too much.
    """
    spec = parse_yaml(source, folder=folder)
    return _circuit(spec.circuit, spec.inner, {})


def read_yaml_deck(source: str | bytes | Path, *, folder: str | Path | None = None) -> Deck:
    """The circuit of a YAML netlist with its analyses; a source's waveform adds to its direct value. As `read_yaml`."""
    spec = parse_yaml(source, folder=folder)
    circuit = _circuit(spec.circuit, spec.inner, {})
    _check_names(spec, circuit)
    return Deck(spec.title, circuit, circuit, spec.stimuli, spec.analyses, spec.initial)


def parse_yaml(source: str | bytes | Path, *, folder: str | Path | None = None) -> NetlistSpec:
    """A netlist as plain data, before any part is made; arguments and errors as of `read_yaml`."""
    text, _ = text_of(source, what="netlist")
    data = yaml_data(text)
    check.mapping("netlist", data, "the keys `devsim`, `parts`, `nets` ... to what they hold")
    _only("netlist", data, TOP)
    if str(data.get("devsim")) != VERSION:
        raise InputError(
            f"A netlist must say `devsim: {VERSION}`, the version of its form, but says {check.described(data.get('devsim'))}."
        )
    definitions = _mapping("circuits", data.get("circuits"))
    known = catalogue.elements()
    for name in definitions:
        if name in catalogue.classes() or name in TABLES:
            raise InputError(f"`circuits.{shown(name, 40)}` must not have the name of a class.")
    home = None if folder is None else Path(folder)
    read = lambda path, each: _inner(path, each, known, definitions, home)
    inner = {name: read(f"circuits.{shown(name, 30)}", each) for name, each in definitions.items()}
    top = read("", {key: data[key] for key in INNER if key in data})
    _check_size(top, inner)
    analyses, stimuli = analyses_of(_mapping("analyses", data.get("analyses")))
    initial = _each("initial", data, lambda path, value: quantity(path, value, "V"))
    if any(not isinstance(value, float) for value in initial.values()):
        raise InputError("`initial` must give one potential per net, but gives a list.")
    return NetlistSpec(_name("title", data.get("title", Scalar(""))), top, inner, analyses, stimuli, initial)


def _inner(path: str, data: Any, known: dict[str, type], definitions: dict[str, Any], folder: Path | None) -> InnerSpec:
    prefix = f"{path}." if path else ""
    check.mapping(path or "netlist", data, "parts, nets, inputs and outputs to what they hold")
    _only(path or "netlist", data, INNER)
    parts: dict[str, ClassSpec | TableSpec | str] = {}
    for name, each in _mapping(f"{prefix}parts", data.get("parts")).items():
        where = f"{prefix}parts.{shown(name, 40)}"
        named = each.get("class") if isinstance(each, dict) else None
        if isinstance(named, str) and named in definitions:
            _only(where, each, ("class",))
            parts[name] = str(named)
        elif isinstance(named, str) and named in TABLES:
            parts[name] = table_spec(where, each, folder)
        else:
            parts[name] = class_spec(where, each, known=known | dict.fromkeys([*definitions, *TABLES], object))
    if not parts:
        raise InputError(f"`{prefix}parts` must hold at least one part.")
    inputs, outputs = (_each(key, data, _name, prefix) for key in ("inputs", "outputs"))
    return InnerSpec(parts, _each("nets", data, _pins, prefix), inputs, outputs, path)


def _each(key: str, data: dict[str, Any], read: Callable[[str, Any], Any], prefix: str = "") -> dict[str, Any]:
    """The mapping under `key`, each of its values read; `read` is told where the value stands."""
    path = f"{prefix}{key}"
    given = _mapping(path, data.get(key))
    for name in given:
        if not name.strip():
            raise InputError(f"`{path}` must have names, but one is empty.")
    return {name: read(f"{path}.{shown(name, 40)}", value) for name, value in given.items()}


def _only(path: str, data: dict[str, Any], allowed: tuple[str, ...]) -> None:
    for key in data:
        if key not in allowed:
            raise InputError(f"`{path}` must not have the key `{shown(key, 40)}`.{check.suggest(key[:60], allowed)}")


def _mapping(path: str, value: Any) -> dict[str, Any]:
    """A mapping, empty where nothing is given."""
    if value is None or (isinstance(value, Scalar) and value.plain() is None):
        return {}
    check.mapping(path, value, "names to what they hold")
    return cast(dict[str, Any], value)


def _name(path: str, value: Any) -> str:
    if not isinstance(value, Scalar):
        raise InputError(f"`{path}` must be a name, but is {check.described(value)}.")
    return str(value)


def _pins(path: str, value: Any) -> tuple[str, ...]:
    pins = value if isinstance(value, list) else [value]
    for pin in pins:
        if not isinstance(pin, Scalar) or "." not in pin:
            raise InputError(f"`{path}` must list pins as `part.port`, but holds {check.described(pin)}.")
    return tuple(str(pin) for pin in pins)


def _check_size(top: InnerSpec, inner: dict[str, InnerSpec]) -> None:
    """Raise where a circuit is made of itself, nests too deep, or comes to too many parts."""
    sizes: dict[str, int] = {}

    def size(spec: InnerSpec, above: tuple[str, ...]) -> int:
        if len(above) > DEEPEST:
            raise InputError(f"`circuits` must nest at most {DEEPEST} deep.")
        total = 0
        for each in spec.parts.values():
            if isinstance(each, str):
                if each in above:
                    raise InputError(f"`circuits.{shown(each, 40)}` must not be made of itself.")
                if each not in sizes:
                    sizes[each] = size(inner[each], (*above, each))
            total += sizes[each] if isinstance(each, str) else 1
        return total

    if (total := size(top, ())) > MOST_PARTS:
        raise InputError(f"A netlist must come to at most {MOST_PARTS} parts, but comes to {total}.")


def _circuit(spec: InnerSpec, inner: dict[str, InnerSpec], done: dict[str, Circuit]) -> Circuit:
    parts: dict[str, Any] = {}
    for name, each in spec.parts.items():
        if isinstance(each, str):
            if each not in done:
                done[each] = _circuit(inner[each], inner, done)
            parts[name] = done[each]
        else:
            parts[name] = each.made() if isinstance(each, TableSpec) else made(each)
    try:
        return Circuit(parts, spec.nets, inputs=spec.inputs, outputs=spec.outputs)
    except InputError as error:
        if not spec.path:
            raise
        raise InputError(f"`{spec.path}`: {error}") from error


def _check_names(spec: NetlistSpec, circuit: Circuit) -> None:
    """Analyses and initial potentials must name what is there."""
    nets = circuit.nets
    named = [getattr(each, key, None) for each in spec.analyses for key in ("output", "reference")]
    for net in [*spec.initial, *(net for net in named if net is not None)]:
        if net not in nets:
            raise InputError(f"There is no net `{shown(net)}`.{check.suggest(net[:60], nets)}")
    for source in [*spec.stimuli, *(a.source for a in spec.analyses if hasattr(a, "source"))]:
        if source not in circuit.netlist.places() and source not in dict(circuit.netlist.inputs):
            raise InputError(f"There is no source `{shown(source)}`.{check.suggest(source[:60], circuit.netlist.names())}")
