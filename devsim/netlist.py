"""The static side of a circuit: which pins meet in which net, checked once when the circuit is made."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache

from devsim import check
from devsim.check import InputError
from devsim.part import Element, Part
from devsim.ports import GROUND, Port

Pin = tuple[str, str]
"""(part, port)"""


@dataclasses.dataclass(frozen=True)
class Netlist:
    """Topology: hashable, so that it is part of what a compiled function is compiled for.

    members: the part names of each group of equal parts. ports: of each group, as (name, Port) pairs. nets: (net, pins
    as `part.port`). inputs, outputs: (name, net).
    """

    members: tuple[tuple[str, ...], ...]
    ports: tuple[tuple[tuple[str, Port], ...], ...]
    nets: tuple[tuple[str, tuple[str, ...]], ...]
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]

    def __hash__(self) -> int:
        return _hash(self.members, self.ports, self.nets, self.inputs, self.outputs)

    def names(self) -> tuple[str, ...]:
        """Every part's name, group by group."""
        return tuple(name for group in self.members for name in group)

    def places(self) -> dict[str, tuple[int, int]]:
        """Part name -> (group, index in the group)."""
        return _places(self.members)

    def pin_ports(self) -> dict[str, Port]:
        """What every pin is."""
        groups = zip(self.members, self.ports, strict=True)
        return {f"{part}.{name}": port for group, ports in groups for part in group for name, port in ports}

    def net_ports(self) -> dict[str, Port]:
        """Net -> the domain and shape that its pins share, and whether one of them drives it; ground left out."""
        return _net_ports(self)

    def exposed(self) -> dict[str, Port]:
        """The circuit's own ports: its inputs and outputs by name."""
        ports = self.net_ports()
        inputs = {name: ports[net]._replace(drives=False) for name, net in self.inputs}
        return inputs | {name: ports[net] for name, net in self.outputs}


@cache
def _net_ports(netlist: Netlist) -> dict[str, Port]:
    pins = netlist.pin_ports()
    shared = {net: pins[joined[0]] for net, joined in netlist.nets if net != GROUND}
    driven = {net for net, joined in netlist.nets if any(pins[pin].drives for pin in joined)}
    return {net: port._replace(drives=net in driven) for net, port in shared.items()}


@cache
def _hash(*fields) -> int:
    return hash(fields)


@cache
def _places(members) -> dict[str, tuple[int, int]]:
    return {name: (g, i) for g, group in enumerate(members) for i, name in enumerate(group)}


def flatten(
    parts: Mapping[str, Part], nets: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, Element], dict[str, tuple[str, ...]]]:
    """Spell out circuits among `parts`: their parts and nets join the outer ones under `outer.inner` names."""
    for name in parts:
        if not isinstance(name, str) or "." in name or not name:
            raise InputError(f"A part's name must not be empty or hold a dot, but is `{name}`.")
    elements: dict[str, Element] = {}
    for net, pins in nets.items():
        if not isinstance(pins, str) and not (isinstance(pins, Sequence) and all(isinstance(pin, str) for pin in pins)):
            raise InputError(f"Net `{net}` must join pins given as `part.port`, but is {check.described(pins)}.")
    joined = {net: [pins] if isinstance(pins, str) else list(pins) for net, pins in nets.items()}
    for name, part in parts.items():
        if isinstance(part, Element):
            elements[name] = part
        elif hasattr(part, "netlist"):
            elements |= {f"{name}.{inner}": p for inner, p in part.parts.items()}
            _splice(name, part.netlist, joined)
        else:
            raise InputError(f"`parts` must hold parts and circuits, but `{name}` is {check.described(part)}.")
    return elements, {net: tuple(pins) for net, pins in joined.items()}


def _splice(name: str, inner: Netlist, joined: dict[str, list[str]]) -> None:
    """Replace the pins `name.port` of an inner circuit by the pins of the inner nets that they show."""
    shown = dict(inner.inputs) | dict(inner.outputs)
    outer_of = {}
    for net, pins in joined.items():
        for pin in [p for p in pins if p.partition(".")[0] == name]:
            port = pin.partition(".")[2]
            if port not in shown:
                raise InputError(
                    f"Net `{net}` names pin `{pin}`, but circuit `{name}` has no such port.{check.suggest(port, shown)}"
                )
            pins.remove(pin)
            if outer_of.setdefault(shown[port], net) != net:
                raise InputError(
                    f"Nets `{outer_of[shown[port]]}` and `{net}` are joined by circuit `{name}`; make them one net."
                )
    for net, pins in inner.nets:
        target = GROUND if net == GROUND else outer_of.get(net, f"{name}.{net}")
        joined.setdefault(target, []).extend(f"{name}.{pin}" for pin in pins)


def validated(members, ports, nets, inputs: dict[str, str], outputs: dict[str, str]) -> Netlist:
    """The netlist, or InputError with the first thing that is wrong with it."""
    pins = {f"{part}.{port}": kind for part, kinds in ports.items() for port, kind in kinds.items()}
    _check_pins(pins, nets)
    for name, net in [*inputs.items(), *outputs.items()]:
        if not isinstance(net, str) or net not in nets or net == GROUND:
            raise InputError(f"`{name}` must name a net, but `{net}` is none.{check.suggest(str(net), nets)}")
    for name in inputs.keys() & outputs.keys():
        if inputs[name] != outputs[name]:
            raise InputError(f"`{name}` must name one net, but is input `{inputs[name]}` and output `{outputs[name]}`.")
    for net, joined in nets.items():
        _check_net(net, [(pin, pins[pin]) for pin in joined], list(inputs.values()).count(net), net in outputs.values())
    group_ports = tuple(tuple(ports[group[0]].items()) for group in members)
    return Netlist(members, group_ports, tuple(nets.items()), tuple(inputs.items()), tuple(outputs.items()))


def _check_pins(pins: Mapping[str, Port], nets: Mapping[str, tuple[str, ...]]) -> None:
    seen: dict[str, str] = {}
    for net, joined in nets.items():
        for pin in joined:
            if pin not in pins:
                raise InputError(f"Net `{net}` names pin `{pin}`, which does not exist.{check.suggest(pin, pins)}")
            if pin in seen:
                raise InputError(f"Pin `{pin}` must be on one net, but is on `{seen[pin]}` and `{net}`.")
            seen[pin] = net
    if loose := [pin for pin in pins if pin not in seen]:
        raise InputError(f"Every pin must be on a net, but {_listed(loose)} on none; join it to another pin or to `gnd`.")


def _check_net(net: str, pins: list[tuple[str, Port]], inputs: int, is_output: bool) -> None:
    if net == GROUND:
        for pin, port in pins:
            if port.domain != "electrical" or port.drives:
                article = "an" if port.domain[0] in "aeiou" else "a"
                kind = "imposes a potential" if port.drives else f"is {article} {port.domain} port"
                raise InputError(f"`gnd` must join electrical pins that impose no potential, but `{pin}` {kind}.")
        return
    if not pins:
        raise InputError(f"Net `{net}` must join at least one pin, but joins none.")
    kind_of = lambda p: "complex" if p.is_complex else "real"
    for what, of in (("domain", lambda p: p.domain), ("shape", lambda p: p.shape), ("kind of number", kind_of)):
        kinds = {of(port): pin for pin, port in pins}
        if len(kinds) > 1:
            told = " and ".join(f"`{pin}` ({kind})" for kind, pin in kinds.items())
            raise InputError(f"Net `{net}` must join ports of one {what}, but joins {told}.")
    drivers = [f"`{pin}`" for pin, port in pins if port.drives] + inputs * ["an input"]
    if len(drivers) > 1:
        raise InputError(f"Net `{net}` must have one driver, but is driven by {' and '.join(drivers)}.")
    domain = pins[0][1].domain
    if not drivers and domain in ("signal", "spike"):
        raise InputError(
            f"{domain.capitalize()} net `{net}` must have a driver, but {_listed([p for p, _ in pins])} only read it;"
            " make it an input."
        )
    if domain == "optical" and len(pins) + inputs > 2:
        ends = [f"`{pin}`" for pin, _ in pins] + inputs * ["an input"]
        raise InputError(
            f"Optical net `{net}` must join two ports, but joins {', '.join(ends)}; put a splitter or coupler between them."
        )
    if domain == "optical" and len(pins) == 1 and not inputs and not is_output:
        raise InputError(
            f"Every optical port must meet another, but `{pins[0][0]}` is alone on net `{net}`; join it to a `Termination`, or"
            " make the net an input or an output."
        )
    if len(pins) == 1 and not inputs and not is_output:
        raise InputError(
            f"Every pin must meet another, but `{pins[0][0]}` is alone on net `{net}`; make the net an output or an input."
        )


def _listed(pins: list[str]) -> str:
    shown = ", ".join(f"`{p}`" for p in pins[:4]) + (f" and {len(pins) - 4} more" if len(pins) > 4 else "")
    return f"{shown} {'is' if len(pins) == 1 else 'are'}"
