"""A part in a YAML netlist that another file describes: `{class: Touchstone, file: part.s2p, passive: check}`."""

import dataclasses
from pathlib import Path
from typing import Any

from devsim import check
from devsim.check import InputError, shown
from devsim.devices.photonic.tabulated import TabulatedScatterer
from devsim.exchange.lumerical import read_lumerical
from devsim.exchange.quantity import quantity
from devsim.exchange.text import file_inside
from devsim.exchange.touchstone import read_touchstone
from devsim.yaml_tree import Scalar

READERS = {"Touchstone": read_touchstone, "Lumerical": read_lumerical}
"""Class in the netlist -> what reads its file."""
SETTINGS = ("wavelength", "interpolation", "passive", "ports")
OWN_SETTINGS = {"Touchstone": ("conjugate",), "Lumerical": ("mode",)}


@dataclasses.dataclass(frozen=True)
class TableSpec:
    """A part whose table is in a file, as plain data: what reads it, how, and where it stands in the netlist."""

    kind: str
    file: Path
    settings: dict[str, Any]
    path: str

    def made(self) -> TabulatedScatterer:
        """The part; InputError, naming its place, for a file that cannot be read or amplifies."""
        try:
            return READERS[self.kind](self.file, **self.settings)
        except InputError as error:
            raise InputError(f"`{self.path}`: {error}") from error


def table_spec(path: str, data: dict[str, Any], folder: Path | None) -> TableSpec:
    """Read the mapping `data`, whose class is one of `READERS`; `folder`: where files may be, None refuses them.

    Raises InputError, naming the path, for a key that is not known, a file outside of the folder, a value of another kind.
    """
    kind = str(data["class"])
    known = (*SETTINGS, *OWN_SETTINGS[kind])
    settings = {}
    for name, value in data.items():
        if name not in ("class", "file", *known):
            raise InputError(f"`{path}` must not have `{shown(name)}`.{check.suggest(name[:60], ('file', *known))}")
        if name in known:
            settings[name] = _setting(f"{path}.{name}", name, value)
    name = data.get("file")
    if not isinstance(name, Scalar):
        raise InputError(f"`{path}` must name its `file`, but gives {check.described(name)}.")
    if folder is None:
        raise InputError(f"`{path}.file`: other files are read only where a folder for them is given; pass `folder=`.")
    file = file_inside(folder, str(name))
    if file is None:
        raise InputError(
            f"`{path}.file` must be a file inside the folder of the netlist, given by a relative path, but is"
            f" `{shown(name, 40)}`."
        )
    return TableSpec(kind, file, settings, path)


def _setting(path: str, name: str, value: Any) -> Any:
    if name == "ports":
        if not isinstance(value, list) or not all(isinstance(each, Scalar) for each in value):
            raise InputError(f"`{path}` must be a list of names.")
        return [str(each) for each in value]
    if not isinstance(value, Scalar):
        raise InputError(f"`{path}` must be one value, but is {check.described(value)}.")
    if name == "wavelength":
        return quantity(path, value, "m")
    if name == "conjugate":
        if not isinstance(value.plain(), bool):
            raise InputError(f"`{path}` must be true or false, but is `{shown(value)}`.")
        return value.plain()
    return value.plain() if name == "mode" and isinstance(value.plain(), int) else str(value)
