"""Exchange with the tools people have: SPICE decks and YAML netlists, read and written."""

from devsim.exchange.deck import Deck, NoiseAnalysis, OperatingPoint, SmallSignal, Transient
from devsim.exchange.reading import read
from devsim.exchange.spice_reader import read_spice
from devsim.exchange.spice_writer import write_spice
from devsim.exchange.yaml_reader import read_yaml
from devsim.exchange.yaml_writer import write_yaml

__all__ = [
    "Deck",
    "NoiseAnalysis",
    "OperatingPoint",
    "SmallSignal",
    "Transient",
    "read",
    "read_spice",
    "read_yaml",
    "write_spice",
    "write_yaml",
]
