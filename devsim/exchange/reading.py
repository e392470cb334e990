"""`read`: a circuit file of any kind that is known."""

from pathlib import Path

from devsim.check import InputError, shown
from devsim.exchange.deck import Deck
from devsim.exchange.spice_reader import read_spice
from devsim.exchange.yaml_reader import read_yaml_deck

SPICE = (".cir", ".sp", ".spice", ".net", ".ckt")
YAML = (".yaml", ".yml")


def read(path: str | Path) -> Deck:
    """The circuit and the analyses of a file: a SPICE deck (`.cir`, `.sp`, `.spice`, `.net`, `.ckt`) or a YAML netlist.

    It may name files of its own folder.
    Raises InputError for another suffix, and as `read_spice` and `read_yaml`.
    """
    path = Path(path)
    if path.suffix.lower() in SPICE:
        return read_spice(path, folder=path.parent)
    if path.suffix.lower() in YAML:
        return read_yaml_deck(path, folder=path.parent)
    known = ", ".join((*YAML, *SPICE))
    raise InputError(f"A circuit file must end in one of {known}, but `{shown(path.name)}` does not.")
