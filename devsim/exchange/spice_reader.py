"""`read_spice`: a circuit from a SPICE deck."""

from pathlib import Path

from devsim.exchange.deck import Deck
from devsim.exchange.spice_build import deck_of
from devsim.exchange.spice_expand import FlatDeck, flat_deck
from devsim.exchange.spice_lines import deck_lines
from devsim.exchange.spice_scope import structured


def read_spice(source: str | bytes | Path, *, folder: str | Path | None = None) -> Deck:
    """A deck as circuits, analyses and initial potentials.

    source: a path, or the deck's text (a string of several lines, or bytes). The first line is the title. Known are the
    elements R, C, L, K, V, I, E, G, F, H (linear), D, M (level 1) and X; `.subckt`, `.param` and expressions in `{}`;
    `.model`; `.op`, `.tran`, `.ac`, `.noise`, `.ic`, `.temp`, `.options` (`temp`, `tnom`, `gmin`), `.global`. Names are in
    lower case, node 0 is the net `gnd`, and what is inside of an instance `x1` is named `x1.r1`. folder: where `.include` and
    `.lib` may read files, by relative paths; without it they are refused.

    Raises InputError, naming the line, for everything else: what is unknown, misspelt, out of bounds, recursive, or too
    much (4 MB of text, 100,000 elements).
    """
    return deck_of(parse_spice(source, folder=folder))


def parse_spice(source: str | bytes | Path, *, folder: str | Path | None = None) -> FlatDeck:
    """The same deck as plain data, before any part is made; same arguments and errors as `read_spice`."""
    title, lines = deck_lines(source, None if folder is None else Path(folder))
    return flat_deck(title, structured(lines))
