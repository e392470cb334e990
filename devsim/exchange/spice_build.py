"""From the flat list of a deck's parts to circuits: parts made, subcircuits nested again."""

from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.exchange import catalogue
from devsim.exchange.deck import Deck
from devsim.exchange.nesting import Nest, Placed, nested
from devsim.exchange.spice_elements import PartSpec
from devsim.exchange.spice_expand import FlatDeck
from devsim.exchange.spice_initial import power_up
from devsim.part import Element
from devsim.ports import GROUND

DIRECT = {"VoltageSource": "voltage", "CurrentSource": "current"}
"""Source -> the field that its waveform replaces in a transient."""


def deck_of(flat: FlatDeck) -> Deck:
    """The circuits of a deck; InputError, with its line, for a part whose values are out of bounds."""
    loose = {net for net, pins in flat.nets.items() if pins == 1 and net != GROUND}
    direct = {spec.name: _element(spec) for spec in flat.parts}
    moving = {spec.name: _element(spec, moving=True) for spec in flat.parts if spec.waveform}
    place = lambda parts: [Placed(spec.name, parts[spec.name], spec.pins) for spec in flat.parts]
    circuit = made(nested(place(direct), loose))
    settings = flat.settings
    from_initial = settings.transient is not None and settings.transient.from_initial
    return Deck(
        flat.title,
        circuit,
        made(nested(place(direct | moving), loose)) if moving else circuit,
        {spec.name: spec.stimulus for spec in flat.parts if spec.stimulus},
        tuple(settings.analyses),
        dict(settings.initial),
        tuple(settings.warnings),
        power_up(flat.parts, settings.initial) if from_initial else {},
    )


def made(nest: Nest) -> Circuit:
    """The circuit of a nest of parts."""
    parts = nest.parts | {name: made(inner) for name, inner in nest.inner.items()}
    return Circuit(parts, nest.nets, inputs=nest.inputs, outputs=nest.outputs)


def _element(spec: PartSpec, *, moving: bool = False) -> Element:
    """The part, with its waveform in place of its direct value where `moving`."""
    known = catalogue.classes()
    fields = dict(spec.fields)
    try:
        if moving and spec.waveform:
            wave = spec.waveform
            fields |= {DIRECT[spec.kind]: 0.0, "waveform": catalogue.class_named(wave.kind, known)(**wave.fields)}
        return catalogue.class_named(spec.kind, catalogue.elements())(**fields)
    except InputError as error:
        raise spec.line.error(str(error)) from error
