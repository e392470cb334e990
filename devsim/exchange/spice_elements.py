"""Element cards of a SPICE deck as plain data: resistors, reactances, sources, controlled sources."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from devsim.check import shown, suggest
from devsim.exchange.spice_controls import ZERO_CELSIUS, Settings, node
from devsim.exchange.spice_lines import Line
from devsim.exchange.spice_scope import Card, Scope, assignments
from devsim.exchange.spice_waveforms import UNSUPPORTED, WAVEFORMS, WaveSpec, waveform
from devsim.physics import ROOM_TEMPERATURE

RESERVED = frozenset(".#^")
"""Characters with a meaning in the names of parts and nets that are made here."""


ZERO_OHM = 1e-3
"""What a resistor of 0 ohm has, as in ngspice: as a source of 0 V it would make loops singular."""


@dataclasses.dataclass(frozen=True)
class PartSpec:
    """One part as plain data: its class and fields, the net of each pin, and where it is written.

    name: of the part, `x1.x2.r1` inside subcircuits. stimulus: magnitude and phase (rad) of a source in `.ac`. refers:
    parts that it names (the source whose current it senses, the inductors that it couples). initial: what starts under `uic`
    with which value: `voltage` of a capacitor (V), currents of an inductor (A).
    """

    name: str
    kind: str
    fields: dict[str, Any]
    pins: dict[str, str]
    line: Line
    waveform: WaveSpec | None = None
    stimulus: tuple[float, float] | None = None
    refers: tuple[str, ...] = ()
    initial: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Site:
    """An element card and where it stands: the scope of its names, and the settings of the deck."""

    card: Card
    scope: Scope
    settings: Settings

    def __post_init__(self):
        """Words in front of the first `name=value`, without `off`, and those assignments."""
        words = tuple(word for word in self.card.words if word != "off" or self.card.words[0][0] not in "dm")
        self.loose, self.named = assignments(Card(self.line, words), 0)

    @property
    def line(self) -> Line:
        """The line of the card."""
        return self.card.line

    @property
    def name(self) -> str:
        """The part's name."""
        return self.scope.path + self.loose[0]

    def net(self, word: str) -> str:
        """The net of a node here."""
        net = node(word)
        if RESERVED & set(net):
            raise self.line.error(f"the name of a node must not hold a dot, `#` or `^`, but one is `{shown(net)}`.")
        if net == "gnd" or net in self.settings.shared:
            return net
        return self.scope.nets.get(net) or self.scope.path + net

    def value(self, word: str) -> float:
        """The value of a word here."""
        return self.scope.value(self.line, word[1:-1] if word[:1] == "{" else word)

    def nodes(self, count: int) -> list[str]:
        """The nets of the first `count` nodes."""
        if len(self.loose) <= count:
            raise self.line.error(f"it must name {count} nodes.")
        return [self.net(word) for word in self.loose[1 : count + 1]]

    def arguments(self, known: tuple[str, ...]) -> dict[str, float]:
        """The values of the `name=value` words; InputError for one that is not known."""
        for name in self.named:
            if name not in known:
                allowed = f"known are {', '.join(known)}" if known else "none is known"
                raise self.line.error(f"`{shown(name)}` is not supported here; {allowed}.{suggest(name[:40], known)}")
        return {name: self.scope.value(self.line, text) for name, text in self.named.items()}

    def extent(self, first: int, most: int, form: str) -> list[str]:
        """The words behind the nodes, at most `most`."""
        words = self.loose[first:]
        if len(words) > most:
            raise self.line.error(f"it must be `{form}`, but goes on with `{shown(words[most])}`.")
        return words

    def temperature(self, given: dict[str, float]) -> float:
        """`temp` of the card, or that of the deck plus `dtemp`, in K."""
        kelvin = given["temp"] + ZERO_CELSIUS if "temp" in given else self.settings.temperature + given.get("dtemp", 0.0)
        if kelvin <= 0:
            raise self.line.error("the temperature must be above absolute zero.")
        return kelvin

    def multiplier(self, given: dict[str, float]) -> float:
        """`m`: as many equal parts in parallel."""
        if given.get("m", 1.0) <= 0:
            raise self.line.error("`m` must be above 0.")
        return given.get("m", 1.0)

    def part(self, kind: str, fields: dict[str, Any], pins: dict[str, str], **more: Any) -> PartSpec:
        """The part of this card."""
        return PartSpec(self.name, kind, fields, pins, self.line, **more)

    def known(self, law: dict[str, float], names: tuple[str, ...], model: str) -> None:
        """Raise where the model has a parameter that is not among `names`."""
        for name in law:
            if name not in names:
                where = f"the parameter `{shown(name)}` of model `{shown(model)}`"
                raise self.line.error(f"{where} is not supported; known are {', '.join(names)}.")

    def behind(self, pins: dict[str, str], resistances: dict[str, float]) -> tuple[dict[str, str], list[PartSpec]]:
        """The pins moved behind series resistors, and those resistors; a resistance of zero moves nothing."""
        extra = []
        for pin, resistance in resistances.items():
            if resistance < 0:
                raise self.line.error(f"a series resistance must be at least 0 ohm, but is {resistance:g} ohm.")
            if resistance:
                name = f"{self.name}#{pin}"
                spec = PartSpec(name, "Resistor", {"resistance": resistance}, {"a": pins[pin], "b": name}, self.line)
                pins, extra = pins | {pin: name}, [*extra, spec]
        return pins, extra

    def ignored(self, given: dict[str, float], names: tuple[str, ...], why: str) -> None:
        """Warn of `names` that are given but left out."""
        if found := [name for name in names if given.get(name)]:
            self.settings.warn(self.line, f"{', '.join(found)} ignored: {why}")


def _main_value(site: Site, given: dict[str, float], key: str, form: str) -> float:
    words = site.extent(3, 1, form)
    if bool(words) == (key in given):
        raise site.line.error(f"it must be `{form}`, with one value.")
    return site.value(words[0]) if words else given[key]


def _resistor(site: Site) -> list[PartSpec]:
    a, b = site.nodes(2)
    given = site.arguments(("r", "tc", "tc1", "tc2", "temp", "dtemp", "m", "noisy"))
    resistance = _main_value(site, given, "r", "rname a b ohms [tc1=...] [temp=...] [m=...]") / site.multiplier(given)
    if given.get("tc2"):
        raise site.line.error("`tc2` is not supported; a resistance is linear in the temperature.")
    if resistance == 0:
        resistance = ZERO_OHM
        site.settings.warn(site.line, "0 ohm is taken as 1 mohm, as by ngspice")
    if resistance <= 0:
        raise site.line.error(f"a resistance must be above 0 ohm, but is {resistance:g} ohm.")
    coefficient = given.get("tc1", given.get("tc", 0.0))
    at_reference = 1 + coefficient * (ROOM_TEMPERATURE - site.settings.nominal)
    if at_reference <= 0:
        raise site.line.error("`tc1` makes the resistance negative at room temperature.")
    fields = {"resistance": resistance * at_reference, "temperature": site.temperature(given)}
    fields |= {"temperature_coefficient": coefficient / at_reference} if coefficient else {}
    if 1 + fields.get("temperature_coefficient", 0.0) * (fields["temperature"] - ROOM_TEMPERATURE) <= 0:
        raise site.line.error("`tc1` makes the resistance negative at its temperature.")
    return [site.part("Resistor", fields, {"a": a, "b": b})]


def _capacitor(site: Site) -> list[PartSpec]:
    a, b = site.nodes(2)
    given = site.arguments(("c", "ic", "temp", "dtemp", "m"))
    value = _main_value(site, given, "c", "cname a b farads [m=...]") * site.multiplier(given)
    initial = {"voltage": given["ic"]} if "ic" in given else {}
    return [site.part("Capacitor", {"capacitance": value}, {"a": a, "b": b}, initial=initial)]


def _inductor(site: Site) -> list[PartSpec]:
    a, b = site.nodes(2)
    given = site.arguments(("l", "ic", "temp", "dtemp", "m"))
    value = _main_value(site, given, "l", "lname a b henries [m=...]") / site.multiplier(given)
    initial = {"current": given["ic"]} if "ic" in given else {}
    return [site.part("Inductor", {"inductance": value}, {"a": a, "b": b}, initial=initial)]


def _coupling(site: Site) -> list[PartSpec]:
    site.arguments(())
    if len(site.loose) > 4:
        raise site.line.error("a coupling must join two inductors: windings are coupled in pairs, each of them in one pair.")
    words = site.extent(1, 3, "kname lfirst lsecond coupling")
    if len(words) < 3:
        raise site.line.error("it must be `kname lfirst lsecond coupling`.")
    value = site.value(words[2])
    if not -1 < value < 1:
        raise site.line.error(f"a coupling must be above -1 and below 1, but is {value:g}.")
    refers = (site.scope.path + words[0], site.scope.path + words[1])
    return [site.part("CoupledInductors", {"coupling": value}, {}, refers=refers)]


def _source(kind: str, field: str) -> Callable[[Site], list[PartSpec]]:
    """A reader of V or I cards: `[dc] value`, `ac magnitude phase` and one time function, in any order."""

    def read(site: Site) -> list[PartSpec]:
        words = [word for word in site.card.words if word not in ("(", ")", ",", "=")]
        site = dataclasses.replace(site, card=Card(site.line, tuple(words)))
        plus, minus = site.nodes(2)
        direct, stimulus, wave = _excitation(site, words[3:])
        value = direct if direct is not None else wave.first if wave else 0.0
        return [site.part(kind, {field: value}, {"plus": plus, "minus": minus}, waveform=wave, stimulus=stimulus)]

    return read


def _excitation(site: Site, words: list[str]) -> tuple[float | None, tuple[float, float] | None, WaveSpec | None]:
    direct, stimulus, wave = None, None, None
    keywords = ("dc", "ac", *WAVEFORMS)
    while words:
        word, *words = words
        if word in UNSUPPORTED:
            raise site.line.error(f"the source `{word}` is not supported; known are dc, ac, {', '.join(WAVEFORMS)}.")
        end = next((at for at, each in enumerate(words) if each in keywords or each in UNSUPPORTED), len(words))
        if word in WAVEFORMS and wave is None:
            wave = waveform(site.line, word, _numbers(site, word, words[:end]), site.settings.transient)
            words = words[end:]
        elif word == "ac" and stimulus is None:
            given = [site.value(each) for each in words[: min(end, 2)]]
            stimulus = (given[0] if given else 1.0, math.radians(given[1]) if len(given) > 1 else 0.0)
            words = words[len(given) :]
        elif direct is None and word not in keywords[1:]:
            if word == "dc" and not end:
                raise site.line.error("`dc` must be followed by a value.")
            direct = site.value(words[0] if word == "dc" else word)
            words = words[word == "dc" :]
        else:
            raise site.line.error(
                f"a source must have one value, one `ac` and one time function, but has `{shown(word)}` more."
            )
    return direct, stimulus, wave


def _numbers(site: Site, name: str, words: list[str]) -> list[float]:
    if name == "pwl" and "r" in words:
        raise site.line.error("a `pwl` that repeats (`r=`) is not supported; write all of its points.")
    delay = 0.0
    if name == "pwl" and "td" in words[:-1]:
        at = words.index("td")
        delay = site.value(words[at + 1])
        words = words[:at] + words[at + 2 :]
    values = [site.value(word) for word in words]
    return [value + delay * (at % 2 == 0) for at, value in enumerate(values)] if delay else values


def _voltage_controlled(kind: str, field: str, form: str) -> Callable[[Site], list[PartSpec]]:
    def read(site: Site) -> list[PartSpec]:
        words = [word for word in site.card.words if word not in ("(", ")", ",")]
        site = dataclasses.replace(site, card=Card(site.line, tuple(words)))
        _only_linear(site)
        plus, minus, above, below = site.nodes(4)
        given = site.arguments(("m",) if kind == "VoltageControlledCurrentSource" else ())
        value = _gain(site, 5, form) * site.multiplier(given)
        pins = {"plus": plus, "minus": minus, "sense_plus": above, "sense_minus": below}
        return [site.part(kind, {field: value}, pins)]

    return read


def _current_controlled(kind: str, field: str, form: str) -> Callable[[Site], list[PartSpec]]:
    def read(site: Site) -> list[PartSpec]:
        _only_linear(site)
        plus, minus = site.nodes(2)
        given = site.arguments(("m",) if kind == "CurrentControlledCurrentSource" else ())
        value = _gain(site, 4, form) * site.multiplier(given)
        sensed = (site.scope.path + site.loose[3],)
        return [site.part(kind, {field: value}, {"plus": plus, "minus": minus}, refers=sensed)]

    return read


def _gain(site: Site, at: int, form: str) -> float:
    words = site.extent(at, 1, form)
    if not words:
        raise site.line.error(f"it must be `{form}`.")
    return site.value(words[0])


def _only_linear(site: Site) -> None:
    for word in site.card.words[3:]:
        if word in ("poly", "table", "laplace", "vol", "cur", "value", "vcvs", "vccs"):
            raise site.line.error(f"only linear controlled sources are supported, but this one has `{word}`.")


READERS: dict[str, Callable[[Site], list[PartSpec]]] = {
    "r": _resistor,
    "c": _capacitor,
    "l": _inductor,
    "k": _coupling,
    "v": _source("VoltageSource", "voltage"),
    "i": _source("CurrentSource", "current"),
    "e": _voltage_controlled("VoltageControlledVoltageSource", "gain", "ename plus minus above below gain"),
    "g": _voltage_controlled("VoltageControlledCurrentSource", "transconductance", "gname plus minus above below siemens"),
    "f": _current_controlled("CurrentControlledCurrentSource", "gain", "fname plus minus vname gain"),
    "h": _current_controlled("CurrentControlledVoltageSource", "transresistance", "hname plus minus vname ohms"),
}
"""First letter of an element -> how its card is read."""
