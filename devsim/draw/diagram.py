"""From a circuit to what is drawn of it: boxes, dots, flags and the lines between them."""

import dataclasses
import re
from collections.abc import Sequence

from devsim.circuit import Circuit
from devsim.ports import GROUND, Port

MOST_PARTS = 60
"""Parts that are drawn one by one; of more, equal ones share a box."""


@dataclasses.dataclass(frozen=True)
class Node:
    """A thing with a place: a part's box, the dot where more than two pins meet, or the flag of an input or output.

    kind: `box`, `dot`, `input`, `output` or `both`. title, subtitle: what is written there. grounds: ports at ground.
    """

    kind: str
    title: str = ""
    subtitle: str = ""
    grounds: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Line:
    """A connection between two nodes: `ends` are their keys, `ports` the ports there, empty at dots and flags.

    lanes: of a bus. label: the net's name where no dot carries it, and the number of lanes of a bus.
    arrow: at the second end, which reads the first.
    """

    ends: tuple[str, str]
    ports: tuple[str, str]
    domain: str
    lanes: int = 1
    label: str = ""
    arrow: bool = False


@dataclasses.dataclass(frozen=True)
class Diagram:
    """Nodes by key, and lines."""

    nodes: dict[str, Node]
    lines: tuple[Line, ...]


@dataclasses.dataclass(frozen=True)
class _Bundle:
    """Nets that look the same in the picture: their names, the (box, port) pairs they join, and their flags."""

    names: list[str]
    pins: tuple[tuple[str, str], ...]
    port: Port
    inputs: list[str]
    outputs: list[str]


def diagram(circuit: Circuit) -> Diagram:
    """What is drawn of a circuit: every part by itself, or groups of equal parts where there are many."""
    boxes, box_of = _boxes(circuit)
    drives = {(box_of[pin.rsplit(".", 1)[0]], pin.rsplit(".", 1)[1]): port.drives for pin, port in _pins(circuit).items()}
    lines: list[Line] = []
    for bundle in _bundles(circuit, box_of):
        lines += _joined(bundle, boxes, drives)
    return Diagram(boxes, tuple(lines))


def _pins(circuit: Circuit) -> dict[str, Port]:
    return circuit.netlist.pin_ports()


def _boxes(circuit: Circuit) -> tuple[dict[str, Node], dict[str, str]]:
    """The boxes by key, and part name -> key."""
    members = circuit.netlist.members
    apart = sum(map(len, members)) <= MOST_PARTS
    groups = [((name,), part) for names, part in zip(members, circuit.groups, strict=True) for name in names]
    if not apart:
        groups = list(zip(members, circuit.groups, strict=True))
    grounded = dict(circuit.netlist.nets).get(GROUND, ())
    boxes, box_of = {}, {}
    for names, part in groups:
        told = together(names)
        times = f"  × {len(names)}" if len(names) > 1 else ""
        pins = {pin.rsplit(".", 1)[1] for pin in grounded if pin.rsplit(".", 1)[0] in set(names)}
        kept = tuple(port for port in part.ports() if port in pins)
        boxes[f"part {told}"] = Node("box", shortened(told, 24) + times, type(part).__name__, kept)
        box_of |= dict.fromkeys(names, f"part {told}")
    return boxes, box_of


def _bundles(circuit: Circuit, box_of: dict[str, str]) -> list[_Bundle]:
    ports = circuit.netlist.net_ports()
    several = len(set(box_of.values())) < len(box_of)
    bundles: dict[tuple, _Bundle] = {}
    for net, pins in circuit.netlist.nets:
        if net == GROUND:
            continue
        met = tuple(dict.fromkeys((box_of[pin.rsplit(".", 1)[0]], pin.rsplit(".", 1)[1]) for pin in pins))
        inputs = [name for name, at in circuit.netlist.inputs if at == net]
        outputs = [name for name, at in circuit.netlist.outputs if at == net]
        kind = (tuple(sorted(met)), ports[net], bool(inputs), bool(outputs)) if several else net
        bundle = bundles.setdefault(kind, _Bundle([], met, ports[net], [], []))
        bundle.names.append(net)
        bundle.inputs.extend(inputs)
        bundle.outputs.extend(outputs)
    return list(bundles.values())


def _joined(bundle: _Bundle, nodes: dict[str, Node], drives: dict) -> list[Line]:
    """The lines of a bundle of nets; its flag and its dot join `nodes`."""
    name = together(bundle.names) + (f"  × {len(bundle.names)}" if len(bundle.names) > 1 else "")
    flows = bundle.port.domain in ("signal", "spike")
    ends = [(box, port, drives[box, port]) for box, port in bundle.pins]
    flag = _flag(bundle)
    if flag:
        nodes[f"flag {name}"] = flag
        ends.insert(0 if bundle.inputs else len(ends), (f"flag {name}", "", bool(bundle.inputs)))
    lanes = max(bundle.port.shape, default=1)
    if len(ends) <= 2:
        first, second = sorted((ends * 2)[:2], key=lambda end: not end[2]) if flows else (ends * 2)[:2]
        told = "" if flag and name in (flag.title, *bundle.inputs, *bundle.outputs) else name
        named = _label(told, lanes)
        line = Line((first[0], second[0]), (first[1], second[1]), bundle.port.domain, lanes, named, flows and first[2])
        return [line] if len(ends) == 2 else []
    nodes[f"net {name}"] = Node("dot", "" if flag and flag.title == name else shortened(name, 18))
    lines = []
    for key, port, drive in ends:
        along = ((key, f"net {name}"), (port, "")) if drive else ((f"net {name}", key), ("", port))
        lines.append(Line(*along, bundle.port.domain, lanes, _label("", lanes), flows and not drive))
    return lines


def _label(net: str, lanes: int) -> str:
    return f"{shortened(net, 18)} {f'/{lanes}' if lanes > 1 else ''}".strip()


def _flag(bundle: _Bundle) -> Node | None:
    if not bundle.inputs and not bundle.outputs:
        return None
    kind = "both" if bundle.inputs and bundle.outputs else "input" if bundle.inputs else "output"
    told = list(dict.fromkeys([together(names) for names in (bundle.inputs, bundle.outputs) if names]))
    return Node(kind, shortened(" / ".join(told), 28))


def together(names: Sequence[str]) -> str:
    """Names in one word: `r0`, `r1`, `r2` as `r[0..2]`; those that differ in more than numbers as the first and last."""
    pieces = [re.split(r"(\d+)", name) for name in names]
    if len(names) == 1:
        return names[0]
    if len({tuple(piece[::2]) for piece in pieces}) > 1:
        return f"{names[0]} … {names[-1]}"
    told = []
    for k, column in enumerate(zip(*pieces, strict=True)):
        numbers = {int(word) for word in column} if k % 2 else set()
        told.append(f"[{min(numbers)}..{max(numbers)}]" if len(numbers) > 1 else column[0])
    return "".join(told)


def shortened(text: str, most: int) -> str:
    """The text, or its ends where it is longer than `most`."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-(most - most // 2 - 1) :]}"
