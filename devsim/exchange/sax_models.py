"""SAX both ways: its models as parts and netlists as circuits, and a circuit as a model."""

import importlib
import inspect
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.analyses.scattering import scattering
from devsim.check import InputError, above
from devsim.circuit import Circuit
from devsim.devices.photonic.passive import Termination
from devsim.parameter import Quantity, as_leaf, parameter
from devsim.part import Element, Entry
from devsim.ports import Balance, ageless, no_memory, optical, quiet

MICROMETRES = 1e6
"""In one metre: a division by it rounds `1.55` to the double that `1.55e-6` is."""

WAVELENGTH = "wl"
"""What SAX calls the wavelength, in micrometres."""


class SaxPart(Element):
    """Optical part whose physics is a SAX model function.

    settings: the model's numbers by name (`outer.inner` for a model made by `sax.circuit`), parameters of the part in
    the units of the model; fixed: its other settings; wavelength: what it calls `wl`, here in m; entries: the (from, to)
    pairs between which it lets something pass. Made by `from_sax`.

    Equations: leaving_i = sum over j of S_ji arriving_j with S the model's dictionary, (from, to) -> wave.
    Source: the model.
    Valid: as the model; its delays are not resolved in time.
    """

    model: Callable = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    entries: tuple[tuple[str, str], ...] = eqx.field(static=True)
    settings: dict[str, Array]
    fixed: tuple[tuple[str, Any], ...] = eqx.field(static=True)
    wavelength: Array = parameter(1.55e-6, unit="m", bounds=above(0), doc="carrier wavelength in vacuum")
    rest, age, noise = no_memory, ageless, quiet

    def ports(self):
        """One optical port per port of the model."""
        return {name: optical() for name in self.names}

    def parameters(self) -> dict[str, Entry]:
        """The wavelength, and the model's settings by their own names."""
        doc = f"setting of the SAX model `{_name(self.model)}`, in its unit"
        own = {name: Entry(name, value, Quantity("1", doc)) for name, value in self.settings.items()}
        return Element.parameters(self) | own

    def _assigned(self, path: str, leaf: Array, full: str) -> Self:
        if path not in self.settings:
            return super()._assigned(path, leaf, full)
        old = self.settings[path]
        if not check.fits(jnp.shape(leaf), jnp.shape(old)):
            raise InputError(f"`{full}` must have shape {jnp.shape(old)}, but has shape {jnp.shape(leaf)}.")
        return self.put(settings=self.settings | {path: jnp.broadcast_to(leaf, jnp.shape(old)).astype(old.dtype)})

    def dictionary(self) -> dict[tuple[str, str], Array]:
        """The model's S-parameters at the part's settings, (from, to) -> complex."""
        return _called(self.model, dict(self.settings), dict(self.fixed), self.wavelength)

    def balance(self, t, p, x):
        """What leaves is the sum of what passes; a port that nothing leads to answers zero."""
        passed, leaving = self.dictionary(), {}
        for source, to in self.entries:
            wave = passed[source, to] * p[source]
            leaving[to] = leaving[to] + wave if to in leaving else wave
        return Balance({name: leaving.get(name, jnp.zeros_like(p[name])) for name in self.names})


def from_sax(model: Callable, **settings: Any) -> SaxPart:
    """A SAX model function as an optical part.

    settings: values in place of the model's defaults; `wl` in um, as SAX has it. Numbers become parameters of the part
    (`part.length`), anything else is fixed. Which waves depend on which follows from the keys of the dictionary that the
    model returns; a model that returns a dense matrix ties every port to every other.

    Raises InputError where SAX is missing, the model is none, or a setting is not one of the model's.
    """
    sax = _sax()
    if not callable(model):
        raise InputError(f"`model` must be a SAX model function, but is {check.described(model)}.")
    try:
        known = _flat(sax.get_settings(model))
    except (TypeError, ValueError) as error:
        raise InputError(f"`model` must be a SAX model function, but `{_name(model)}` has no settings to read.") from error
    given = _flat(settings)
    for name in given:
        if name not in known and name != WAVELENGTH:
            raise InputError(f"`{_name(model)}` has no setting `{name}`.{check.suggest(name, known)}")
    wavelength = given.pop(WAVELENGTH, known.get(WAVELENGTH, _first_wavelength(known)))
    values = {name: value for name, value in (known | given).items() if name.rsplit(".", 1)[-1] != WAVELENGTH}
    numbers = {name: as_leaf(value) for name, value in values.items() if _is_number(value)}
    fixed = tuple((name, value) for name, value in values.items() if name not in numbers)
    for name, value in fixed:
        if not isinstance(value, Hashable):
            raise InputError(
                f"`{name}` must be a number, or a word or a tuple that stays fixed, but is {check.described(value)}."
            )
    wavelength = as_leaf(jnp.asarray(wavelength, float) / MICROMETRES)
    check.within("wl", wavelength, above(0), "m")
    passed = jax.eval_shape(lambda numbers, at: _called(model, numbers, dict(fixed), at), numbers, wavelength)
    for pair, value in passed.items():
        if value.shape:
            raise InputError(f"`{_name(model)}` must give one number from port to port, but {pair} has shape {value.shape}.")
    names = tuple(dict.fromkeys(name for pair in passed for name in pair))
    return SaxPart(model, names, tuple(passed), numbers, fixed, wavelength)


def from_sax_netlist(netlist: Mapping, models: Mapping[str, Callable]) -> Circuit:
    """The circuit that a flat SAX netlist describes, its parts made by `from_sax`.

    netlist: `instances` (name -> component, or a mapping with `component` and `settings`), `connections` (pin -> pin as
    `instance,port`) or `nets` (a list of mappings with `p1` and `p2`), and `ports` (name -> pin), each of which is an
    input and an output of the circuit. models: component -> SAX model function. Ports that meet nothing are terminated.

    Raises InputError with the name of what is wrong.
    """
    check.mapping("netlist", netlist, "`instances`, `connections` and `ports` to what they are")
    check.mapping("models", models, "components to SAX model functions")
    parts = {name: _instance(name, told, models) for name, told in _section(netlist, "instances").items()}
    pins = {f"{name},{port}" for name, part in parts.items() for port in part.ports()}
    nets, used = {}, set()
    for one, other in _connections(netlist):
        for pin in (one, other):
            _check_pin(pin, pins, used)
        nets[_net(one)] = [one.replace(",", "."), other.replace(",", ".")]
    ports = _section(netlist, "ports")
    for name, pin in ports.items():
        _check_pin(pin, pins, used)
        nets[name] = [pin.replace(",", ".")]
    for pin in sorted(pins - used):
        end = f"{_net(pin)}_end"
        parts[end] = Termination()
        nets[_net(pin)] = [pin.replace(",", "."), f"{end}.in"]
    shown = {name: name for name in ports}
    return Circuit(parts, nets, inputs=shown, outputs=shown)


def to_sax(circuit: Circuit, *, wavelength: Any = 1.55e-6) -> Callable:
    """A circuit as a SAX model function `model(*, wl=1.55, **settings) -> SDict`.

    The circuit must have optical inputs and outputs only; one that is both on the same net is one port, named as the
    input. Settings are the paths of its parameters with `__` for dots, in SI units, but `wl` in um, which may be an
    array; so may settings that are numbers, of shapes that broadcast with it. The model can be jitted, vmapped and
    differentiated. wavelength: the default of `wl`, in m.

    Raises InputError where the circuit is none or has inputs or outputs that are not optical buses of one lane.
    """
    check.instance("circuit", circuit, Circuit)
    names = _port_names(circuit)
    paths = {path.replace(".", "__"): path for path, e in circuit.parameters().items() if _is_setting(path, e)}
    defaults = {name: circuit.get(path) for name, path in paths.items()}

    def model(*, wl: Any = wavelength * MICROMETRES, **settings: Any) -> dict[tuple[str, str], Array]:
        """S-parameters of the circuit, (from, to) -> complex."""
        for name in settings:
            if name not in paths:
                raise InputError(f"The circuit has no setting `{name}`.{check.suggest(name, paths)}")
        given = {name: jnp.asarray(value, float) for name, value in settings.items()}
        wl = jnp.asarray(wl, float)
        over = {name: value for name, value in given.items() if value.ndim and not jnp.ndim(defaults[name])}
        shape = jnp.broadcast_shapes(wl.shape, *(value.shape for value in over.values()))
        rows = {name: jnp.broadcast_to(value, shape).ravel() for name, value in over.items()}
        own = {name: value for name, value in given.items() if name not in over}

        def one(at, row):
            tuned = circuit
            for name, value in (own | row).items():
                tuned = tuned.set(paths[name], value)
            return scattering(tuned, wavelength=at).matrix

        matrix = jax.vmap(one)(jnp.broadcast_to(wl, shape).ravel() / MICROMETRES, rows)
        matrix = matrix.reshape(*shape, *matrix.shape[1:])
        pairs = [(i, j) for i in range(len(names[0])) for j in range(len(names[1]))]
        return {(names[0][i], names[1][j]): matrix[..., j, i] for i, j in pairs}

    kind = inspect.Parameter.KEYWORD_ONLY
    told = {WAVELENGTH: wavelength * MICROMETRES} | {name: np.asarray(value)[()] for name, value in defaults.items()}
    model.__signature__ = inspect.Signature([inspect.Parameter(name, kind, default=value) for name, value in told.items()])
    return model


def _sax():
    try:
        return importlib.import_module("sax")
    except ImportError as error:
        words = "This needs SAX, which is not installed; install it by `pip install devsim-cosim[sax]`."
        raise InputError(words) from error


def _name(model: Callable) -> str:
    return getattr(model, "__name__", type(model).__name__)


def _flat(settings: Mapping, above_: str = "") -> dict[str, Any]:
    """Nested settings with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{above_}{name}.") if isinstance(value, Mapping) else {f"{above_}{name}": value}
    return flat


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *way, last = path.split(".")
        level = nested
        for name in way:
            level = level.setdefault(name, {})
        level[last] = value
    return nested


def _first_wavelength(known: Mapping[str, Any]) -> Any:
    """The `wl` of the first part of a model made by `sax.circuit`, else SAX's own default."""
    return next((value for name, value in known.items() if name.endswith(f".{WAVELENGTH}")), 1.55)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool | str) or value is None:
        return False
    dtype = getattr(value, "dtype", None) or np.asarray(value).dtype
    return np.issubdtype(dtype, np.floating) or np.issubdtype(dtype, np.integer)


def _called(model: Callable, numbers: Mapping, fixed: Mapping, wavelength: Array) -> dict[tuple[str, str], Array]:
    """The model's dictionary at a wavelength in m."""
    sax = _sax()
    takes = inspect.signature(model).parameters
    nested = _nested({**numbers, **fixed})
    tuned = WAVELENGTH in takes or any(p.kind is p.VAR_KEYWORD for p in takes.values()) or _tunes_parts(sax, model)
    return dict(sax.sdict(model(**nested, **({WAVELENGTH: wavelength * MICROMETRES} if tuned else {}))))


def _tunes_parts(sax: Any, model: Callable) -> bool:
    """True for a model made by `sax.circuit`, which hands `wl` to its parts."""
    return any(name.endswith(f".{WAVELENGTH}") for name in _flat(sax.get_settings(model)))


def _section(netlist: Mapping, name: str) -> Mapping:
    found = netlist.get(name, {})
    check.mapping(f"{name} of the netlist", found, "names to what they are")
    return found


def _instance(name: str, told: Any, models: Mapping[str, Callable]) -> SaxPart:
    component = told.get("component") if isinstance(told, Mapping) else told
    if not isinstance(component, str):
        raise InputError(f"Instance `{name}` must name a component, but is {check.described(told)}.")
    if component not in models:
        raise InputError(
            f"Instance `{name}` asks for `{component}`, of which there is no model.{check.suggest(component, models)}"
        )
    settings = told.get("settings") or {} if isinstance(told, Mapping) else {}
    check.mapping(f"settings of {name}", settings, "names to values")
    return from_sax(models[component], **settings)


def _connections(netlist: Mapping) -> list[tuple[str, str]]:
    """Pairs of pins from `connections` and `nets`."""
    pairs = list(_section(netlist, "connections").items())
    for net in netlist.get("nets", ()):
        if not isinstance(net, Mapping) or not {"p1", "p2"} <= set(net):
            raise InputError(f"`nets` must be a list of mappings with `p1` and `p2`, but holds {check.described(net)}.")
        pairs.append((net["p1"], net["p2"]))
    return pairs


def _check_pin(pin: Any, pins: set[str], used: set[str]) -> None:
    if pin not in pins:
        raise InputError(f"The netlist names pin `{pin}`, which does not exist.{check.suggest(str(pin), sorted(pins))}")
    if pin in used:
        raise InputError(f"Pin `{pin}` must be joined once, but is joined twice.")
    used.add(pin)


def _net(pin: str) -> str:
    return pin.replace(",", "_")


def _port_names(circuit: Circuit) -> tuple[list[str], list[str]]:
    """The SAX ports of the inputs and of the outputs."""
    for name, port in circuit.ports().items():
        if port.domain != "optical" or port.shape:
            told = f"has {port.shape[0]} lanes" if port.shape else f"is {port.domain}"
            raise InputError(f"A SAX model has optical ports of one lane only, but `{name}` {told}.")
    of_net = {net: name for name, net in reversed(circuit.netlist.inputs)}
    return [of_net[net] for _, net in circuit.netlist.inputs], [of_net.get(net, name) for name, net in circuit.netlist.outputs]


def _is_setting(path: str, entry: Entry) -> bool:
    return entry.quantity.knob and entry.value is not None and path.rsplit(".", 1)[-1] != "wavelength"
