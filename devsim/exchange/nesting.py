"""Circuits inside circuits, found again from dotted names: `x1.r2` stands in `x1`, and so does the net `x1.mid`."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from devsim.ports import GROUND

EXPOSED = "^"
"""Marks a net inside an inner circuit that belongs to the outside."""


@dataclasses.dataclass(frozen=True)
class Placed:
    """A part, its name, the net of each pin, and the pins that read a signal or events and drive nothing.

    Names are those seen from the circuit in which it is placed.
    """

    name: str
    part: Any
    pins: dict[str, str]
    readers: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class Nest:
    """A circuit as plain data: its parts, its inner circuits, its nets, and what it shows to the outside."""

    parts: dict[str, Any]
    inner: dict[str, "Nest"]
    nets: dict[str, tuple[str, ...]]
    inputs: dict[str, str]
    outputs: dict[str, str]


def nested(placed: Iterable[Placed], shown: set[str]) -> Nest:
    """A circuit that shows the nets `shown`, as inputs where its own parts only read them, else as outputs."""
    placed = list(placed)
    parts: dict[str, Any] = {}
    inner: dict[str, Nest] = {}
    nets: dict[str, list[str]] = {}
    inside: dict[str, list[Placed]] = {}
    for each in placed:
        head, dot, rest = each.name.partition(".")
        if dot:
            inside.setdefault(head, []).append(dataclasses.replace(each, name=rest))
        else:
            parts[head] = each.part
            for pin, net in each.pins.items():
                nets.setdefault(net, []).append(f"{head}.{pin}")
    for head, members in inside.items():
        inner[head], outer = _inner(head, members, shown)
        for net in outer:
            nets.setdefault(net, []).append(f"{head}.{EXPOSED}{net}")
    driven = {net for each in placed for pin, net in each.pins.items() if pin not in each.readers}
    faces = sorted(shown)
    return Nest(
        parts,
        inner,
        {net: tuple(pins) for net, pins in nets.items()},
        {net: net for net in faces if net not in driven},
        {net: net for net in faces if net in driven},
    )


def _inner(head: str, members: list[Placed], shown: set[str]) -> tuple[Nest, list[str]]:
    """The circuit `head` of some parts, and the outer nets that it shows as its ports."""
    mark = f"{head}."
    local = lambda net: net if net == GROUND else net[len(mark) :] if net.startswith(mark) else EXPOSED + net
    told = [dataclasses.replace(each, pins={pin: local(net) for pin, net in each.pins.items()}) for each in members]
    outer = {net for each in members for net in each.pins.values() if net != GROUND and not net.startswith(mark)}
    faces = {EXPOSED + net for net in outer} | {local(net) for net in shown if net.startswith(mark)}
    return nested(told, faces), sorted(outer)
