"""Exchange with the tools people have: SPICE decks, YAML netlists and SAX both ways; tables of scattering parameters.

Importing this package is cheap: what a reader or writer needs is imported when its name is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devsim.exchange.deck import Deck as Deck
    from devsim.exchange.deck import NoiseAnalysis as NoiseAnalysis
    from devsim.exchange.deck import OperatingPoint as OperatingPoint
    from devsim.exchange.deck import SmallSignal as SmallSignal
    from devsim.exchange.deck import Transient as Transient
    from devsim.exchange.iccap import read_iccap as read_iccap
    from devsim.exchange.lumerical import read_lumerical as read_lumerical
    from devsim.exchange.measured import read_measured as read_measured
    from devsim.exchange.reading import read as read
    from devsim.exchange.sax_models import from_sax as from_sax
    from devsim.exchange.sax_models import from_sax_netlist as from_sax_netlist
    from devsim.exchange.sax_models import to_sax as to_sax
    from devsim.exchange.spice_reader import read_spice as read_spice
    from devsim.exchange.spice_writer import write_spice as write_spice
    from devsim.exchange.touchstone import read_touchstone as read_touchstone
    from devsim.exchange.yaml_reader import read_yaml as read_yaml
    from devsim.exchange.yaml_writer import write_yaml as write_yaml

_HOMES = {
    "Deck": "deck",
    "NoiseAnalysis": "deck",
    "OperatingPoint": "deck",
    "SmallSignal": "deck",
    "Transient": "deck",
    "from_sax": "sax_models",
    "from_sax_netlist": "sax_models",
    "read": "reading",
    "read_iccap": "iccap",
    "read_lumerical": "lumerical",
    "read_measured": "measured",
    "read_spice": "spice_reader",
    "read_touchstone": "touchstone",
    "read_yaml": "yaml_reader",
    "to_sax": "sax_models",
    "write_spice": "spice_writer",
    "write_yaml": "yaml_writer",
}
__all__ = [
    "Deck",
    "NoiseAnalysis",
    "OperatingPoint",
    "SmallSignal",
    "Transient",
    "from_sax",
    "from_sax_netlist",
    "read",
    "read_iccap",
    "read_lumerical",
    "read_measured",
    "read_spice",
    "read_touchstone",
    "read_yaml",
    "to_sax",
    "write_spice",
    "write_yaml",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module `devsim.exchange` has no attribute `{name}`")
    value = getattr(importlib.import_module(f"devsim.exchange.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
