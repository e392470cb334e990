"""From the structure of a deck to a flat list of parts, subcircuits spelled out."""

import dataclasses

from devsim.check import InputError, shown, suggest
from devsim.exchange import expression
from devsim.exchange.deck import NoiseAnalysis
from devsim.exchange.spice_controls import CONTROLS, IGNORED, NOT_MADE, STRUCTURE, Settings, node, settings_of
from devsim.exchange.spice_elements import READERS, RESERVED, PartSpec, Site
from devsim.exchange.spice_lines import Line
from devsim.exchange.spice_scope import DEEPEST, Body, Card, Scope
from devsim.exchange.spice_semiconductors import SEMICONDUCTORS
from devsim.exchange.spice_waveforms import WAVEFORMS

MOST_PARTS = 100_000
"""Element cards that a deck may come to, subcircuits spelled out."""


@dataclasses.dataclass(frozen=True)
class FlatDeck:
    """A deck as plain data: parts, the number of pins on every net, and what the dot cards say."""

    title: str
    parts: tuple[PartSpec, ...]
    nets: dict[str, int]
    settings: Settings


def flat_deck(title: str, body: Body) -> FlatDeck:
    """Every part of the deck; InputError for what is unknown, wrong, recursive or too much."""
    scope = Scope(body)
    settings = settings_of(body, scope)
    if _is_like_a_card(title):
        settings.warn(Line("line 1", title), "note: the first line is the title and not read as a card")
    parts = _linked(list(_Expansion(settings).parts(body, scope, ())))
    if not parts:
        raise InputError("A deck must hold at least one element, but holds none.")
    nets: dict[str, int] = {}
    for part in parts:
        for net in part.pins.values():
            nets[net] = nets.get(net, 0) + 1
    _check_names(settings, nets, {part.name for part in parts})
    if not (settings.transient and settings.transient.from_initial):
        for part in (part for part in parts if part.initial):
            settings.warn(part.line, "`ic` ignored: it counts for a `.tran` with `uic` only")
    return FlatDeck(title, tuple(parts), nets, settings)


def _is_like_a_card(title: str) -> bool:
    """Whether a title looks like a card that was meant to be read: `.op`, `v1 a 0 1`, `d1 a 0 model`."""
    words = title.lower().replace("(", " ( ").replace("=", " = ").split()
    name = words[0] if words else ""
    if name.startswith("."):
        return name in (*CONTROLS, *IGNORED, *NOT_MADE, *STRUCTURE)
    if len(words) < 4 or name[0] not in {"x", *READERS, *SEMICONDUCTORS} or not name.isidentifier():
        return False
    if not any(sign.isdigit() for sign in name) and not {"0", "gnd"} & set(words[1:3]):
        return False
    known = ("dc", "ac", *WAVEFORMS, "r", "c", "l")
    return name[0] not in "rclvi" or words[3][0] in "{'" or words[3] in known or expression.number(words[3]) is not None


class _Expansion:
    """Spells out subcircuits, counting all cards on the way."""

    def __init__(self, settings: Settings):
        self.settings, self.count = settings, 0

    def parts(self, body: Body, scope: Scope, above: tuple[Body, ...]):
        seen: set[str] = set()
        for card in body.elements:
            self._counted(card, 1)
            _check_name(card, seen)
            if card.words[0][0] == "x":
                yield from self._instance(card, scope, above)
            else:
                yield from _read(card, scope, self.settings)

    def _counted(self, card: Card, more: int) -> None:
        self.count += more
        if self.count > MOST_PARTS:
            raise card.line.error(f"a deck must come to at most {MOST_PARTS} elements, subcircuits spelled out.")

    def _instance(self, card: Card, scope: Scope, above: tuple[Body, ...]):
        words = tuple(word for word in card.words if word not in ("params:", "(", ")", ","))
        site = Site(Card(card.line, words), scope, self.settings)
        if len(site.loose) < 2:
            raise card.line.error("it must be `xname node ... subcircuit [name=value ...]`.")
        body, home = scope.body_named(card, site.loose[-1])
        if any(body is other for other in above) or len(above) >= DEEPEST:
            raise card.line.error(f"`{shown(body.name)}` must not be made of itself, nor of more than {DEEPEST} levels.")
        nets = [site.net(word) for word in site.loose[1:-1]]
        if len(nets) != len(body.ports):
            wanted = f"{len(body.ports)} node{'s' * (len(body.ports) != 1)}"
            raise card.line.error(f"`{shown(body.name)}` must be given {wanted}, but is given {len(nets)}.")
        given = site.arguments(tuple(dict.fromkeys((*body.defaults, "m"))))
        copies = 1.0 if "m" in body.defaults else given.pop("m", 1.0)
        if not 1 <= copies <= MOST_PARTS or copies != int(copies):
            raise card.line.error(f"`m` of a subcircuit must be a whole number of copies, but is {copies:g}.")
        self._counted(card, int(copies) - 1)
        joined = dict(zip(body.ports, nets, strict=True))
        for k in range(int(copies)):
            path = f"{scope.path}{site.loose[0]}{f'#{k + 1}' if k else ''}."
            yield from self.parts(body, Scope(body, home, path=path, nets=joined, given=given), (*above, body))


def _check_name(card: Card, seen: set[str]) -> None:
    name = card.words[0]
    if not name[0].isalpha():
        raise card.line.error("a card must begin with the name of an element, a dot, `+` or `*`.")
    if RESERVED & set(name):
        raise card.line.error("the name of an element must not hold a dot, `#` or `^`.")
    if name in seen:
        raise card.line.error(f"the name `{shown(name)}` must be given to one element only.")
    seen.add(name)


def _read(card: Card, scope: Scope, settings: Settings) -> list[PartSpec]:
    readers = READERS | SEMICONDUCTORS
    letter = card.words[0][0]
    if letter not in readers:
        known = ", ".join(sorted([*(each.upper() for each in readers), "X"]))
        raise card.line.error(f"elements `{letter.upper()}` are not supported; known are {known}.")
    return readers[letter](Site(card, scope, settings))


def _linked(parts: list[PartSpec]) -> list[PartSpec]:
    """The parts with those joined that refer to each other: sensed sources and coupled inductors."""
    found = {part.name: part for part in parts}
    for part in parts:
        if part.kind == "CoupledInductors":
            _couple(part, found)
        elif part.refers:
            _sense(part, found)
    return list(found.values())


def _sense(part: PartSpec, found: dict[str, PartSpec]) -> None:
    """Put the sense pins of a current-controlled source in series with the source whose current it senses."""
    source = _referred(part, part.refers[0], found, "VoltageSource")
    inside = f"{part.name}#sense"
    found[source.name] = dataclasses.replace(source, pins=source.pins | {"plus": inside})
    pins = part.pins | {"sense_plus": source.pins["plus"], "sense_minus": inside}
    found[part.name] = dataclasses.replace(part, pins=pins, refers=())


def _couple(part: PartSpec, found: dict[str, PartSpec]) -> None:
    """One part of two windings in place of a coupling and its two inductors."""
    first, second = (_referred(part, name, found, "Inductor") for name in part.refers)
    if first is second:
        raise part.line.error("a coupling must name two inductors.")
    fields = {"primary_inductance": first.fields["inductance"], "secondary_inductance": second.fields["inductance"]}
    pins = {f"{w}_{end}": coil.pins[end] for w, coil in (("primary", first), ("secondary", second)) for end in "ab"}
    coils = (("primary", first), ("secondary", second))
    initial = {f"{winding}_current": coil.initial["current"] for winding, coil in coils if coil.initial}
    del found[first.name], found[second.name]
    found[part.name] = dataclasses.replace(part, fields=part.fields | fields, pins=pins, refers=(), initial=initial)


def _referred(part: PartSpec, name: str, found: dict[str, PartSpec], kind: str) -> PartSpec:
    if name not in found or found[name].kind != kind:
        allowed = [other.name for other in found.values() if other.kind == kind]
        raise part.line.error(f"`{shown(name)}` must be a {kind} of its own.{suggest(name[:40], allowed)}")
    return found[name]


def _check_names(settings: Settings, nets: dict[str, int], parts: set[str]) -> None:
    """Initial potentials and noise analyses must name what is there."""
    for net in settings.initial:
        if net not in nets:
            raise settings.places[f"initial {net}"].error(f"there is no net `{shown(net)}`.{suggest(net[:40], nets)}")
    for at, analysis in enumerate(settings.analyses):
        if isinstance(analysis, NoiseAnalysis):
            line = settings.places[f"noise {at}"]
            for net in (analysis.output, analysis.reference):
                if net is not None and node(net) not in nets:
                    raise line.error(f"there is no net `{shown(net)}`.{suggest(net[:40], nets)}")
            if analysis.source not in parts:
                raise line.error(f"there is no source `{shown(analysis.source)}`.{suggest(analysis.source[:40], parts)}")
