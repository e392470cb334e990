"""What the SPICE writer needs to know of one lane of a part: names that ngspice takes, nodes, numbers."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from devsim.check import InputError
from devsim.exchange.deck import NoiseAnalysis, Transient
from devsim.part import Element
from devsim.ports import GROUND

ZERO_CELSIUS = 273.15


class Names:
    """Names in lower case, of letters, digits and underscores, each given once."""

    def __init__(self, *taken: str):
        self.given: dict[Any, str] = {}
        self.taken = set(taken)

    def name(self, key: Any, wanted: str) -> str:
        """The name of `key`, as near to `wanted` as can be; the same key has the same name."""
        if key not in self.given:
            plain = re.sub(r"[^a-z0-9_]+", "_", wanted.lower()) or "_"
            if plain[0].isdigit() and (not plain.isdigit() or plain in self.taken):
                plain = f"n{plain}"  # ngspice reads `v(0_2)` as a sum
            name, count = plain, 1
            while name in self.taken:
                count += 1
                name = f"{plain}_{count}"
            self.taken.add(name)
            self.given[key] = name
        return self.given[key]


@dataclasses.dataclass
class Sheet:
    """The deck that is being written: names of nodes and elements, models, and the options that parts ask for.

    asked: the analyses that the deck asks for. gmin: of the deck, S. initial: node -> V.
    """

    asked: frozenset[type]
    gmin: float
    stimuli: dict[str, tuple[float, float]]
    nodes: Names = dataclasses.field(default_factory=lambda: Names("0", "gnd", "time", "temper"))
    elements: Names = dataclasses.field(default_factory=Names)
    initial: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def moving(self) -> bool:
        """Whether states move (there is a transient) or are held."""
        return Transient in self.asked

    def node(self, net: str, lane: tuple[int, ...] = ()) -> str:
        """The node of one lane of a net."""
        if net == GROUND:
            return "0"
        return self.nodes.name((net, lane), "_".join([net, *(str(k) for k in lane)]))


@dataclasses.dataclass
class Lane:
    """One lane of a part: the part itself where its ports are pins, wire `index` of it where they are buses."""

    sheet: Sheet
    name: str
    part: Element
    nets: dict[str, str]
    index: tuple[int, ...]

    def node(self, pin: str) -> str:
        """The node at a pin."""
        return self.sheet.node(self.nets[pin], self.index)

    def inside(self, what: str) -> str:
        """A node of this lane's own."""
        return self.sheet.nodes.name((self.name, self.index, what), "_".join([self.name, *map(str, self.index), what]))

    def card(self, letter: str, what: str = "") -> str:
        """The name of an element: that of the part, with the letter that tells SPICE its kind."""
        wanted = "_".join([self.name, *map(str, self.index), *([what] if what else [])]).lower()
        if not wanted.startswith(letter) or what:
            wanted = f"{letter}_{wanted}"
        return self.sheet.elements.name((self.name, self.index, letter, what), wanted)

    def value(self, field: str) -> float:
        """The value of a field in this lane."""
        return self.of(getattr(self.part, field))

    def of(self, value: Any) -> float:
        """The value of an array of the part's shape, or of a number, in this lane."""
        array = np.asarray(value)
        return float(array[self.index] if array.ndim else array)

    def behavioural(self) -> None:
        """Raise where the deck asks for the noise of this part, whose card is a behavioural source, which has none."""
        if NoiseAnalysis in self.sheet.asked:
            raise InputError(
                f"`{self.name}` cannot be written for a noise analysis: its card, a behavioural source, has no noise."
            )

    def resistor(self, what: str, a: str, b: str, ohms: float, temperature: float | None = None) -> str:
        """A card of a resistor that belongs to this lane; a short where `ohms` is zero."""
        if not ohms:
            return f"{self.card('v', what)} {a} {b} 0"
        warm = "" if temperature is None else f" temp={celsius(temperature)}"
        return f"{self.card('r', what)} {a} {b} {text(ohms)}{warm}"


def lanes(sheet: Sheet, name: str, part: Element, nets: dict[str, str]) -> Iterator[Lane]:
    """Every lane of a part; InputError where its ports differ in shape."""
    shapes = {port.shape for port in part.ports().values()}
    if len(shapes) != 1:
        raise InputError(f"`{name}` cannot be written: the ports of a {type(part).__name__} differ in shape.")
    for index in np.ndindex(next(iter(shapes))):
        yield Lane(sheet, name, part, nets, index)


def text(value: float) -> str:
    """A number that reads back as itself."""
    return repr(float(value))


def celsius(kelvin: float) -> str:
    """A temperature as SPICE has it, degrees Celsius without the last digits of rounding."""
    return f"{kelvin - ZERO_CELSIUS:.13g}"


def across(a: str, b: str) -> str:
    """The voltage between two nodes in an expression."""
    return f"({_potential(a)}-{_potential(b)})"


def _potential(node: str) -> str:
    return "0" if node == "0" else f"v({node})"
