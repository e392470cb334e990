"""Reader of Touchstone files (`.s2p` and its kin) through scikit-rf."""

import importlib
import io
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from devsim.check import InputError, shown
from devsim.devices.photonic.tabulated import TabulatedScatterer
from devsim.exchange.scattering_table import MOST_PORTS, file_text, port_names

LOWEST_OPTICAL = 1e13
"""Hz, 30 um: what lies below is no carrier of guided light."""


def read_touchstone(
    path: str | Path,
    *,
    ports: Sequence[str] | None = None,
    conjugate: bool = True,
    wavelength: Any = None,
    interpolation: str = "linear",
    passive: str = "check",
) -> TabulatedScatterer:
    """The optical part that a Touchstone file describes.

    ports: new names, in the order of the file, instead of its own (`port_1` where it has none). conjugate: the file's
    phases are those of exp(+j w t), as RF tools have them; False where its writer used exp(-i w t), as this package
    does. wavelength, interpolation, passive: see `TabulatedScatterer.of`.

    Raises InputError for what is no such file, for frequencies below light's, and for a gain in a passive part.
    """
    names, frequencies, scattering = scattering_of(path, ports)
    source = shown(Path(path).name)
    if frequencies.size and frequencies.min() < LOWEST_OPTICAL:
        raise InputError(
            f"An optical part must have frequencies above {LOWEST_OPTICAL:g} Hz, but {source} begins at"
            f" {frequencies.min():g} Hz; check the unit in its option line (`#`)."
        )
    return TabulatedScatterer.of(
        names,
        frequencies,
        np.conj(scattering) if conjugate else scattering,
        wavelength=wavelength,
        interpolation=interpolation,
        passive=passive,
        source=source,
    )


def scattering_of(path: str | Path, ports: Sequence[str] | None = None) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Port names, frequencies (k,) in Hz, rising, and matrices (k, n, n) of a Touchstone file, phases as they are there."""
    text = file_text(path, "Touchstone file")
    source = shown(Path(path).name)
    _check_size(text, Path(path).name, source)
    found = _parsed(text, Path(path).name, source)
    frequencies, scattering = np.asarray(found.f, float), np.asarray(found.s, complex)
    if scattering.ndim != 3 or frequencies.shape != scattering.shape[:1] or frequencies.size < 2:
        raise InputError(f"{source} must hold at least two frequencies, but holds {frequencies.size}.")
    count = scattering.shape[1]
    own = [str(name) for name in found.port_names or () if name]
    names = port_names(own if len(own) == count else [f"port_{k + 1}" for k in range(count)], ports, source)
    order = np.argsort(frequencies, kind="stable")
    return names, frequencies[order], scattering[order]


def _check_size(text: str, name: str, source: str) -> None:
    """Refuse numbers of ports for which the parser would take all memory."""
    by_name = re.findall(r"\.[ghsyz](\d+)p$", name.lower())
    inside = re.findall(r"(?im)^\s*\[number of ports\]\D*(\d+)", text)
    for count in by_name + inside:
        if len(count) > 9 or not 1 <= int(count) <= MOST_PORTS:
            raise InputError(f"{source} must have 1 to {MOST_PORTS} ports, but says that it has {shown(count)}.")


def _parsed(text: str, name: str, source: str) -> Any:
    """scikit-rf's reading of the text. Its `Network` is not used: given a file, that would first try to unpickle it."""
    try:
        touchstone = importlib.import_module("skrf.io.touchstone")
    except ImportError as error:
        raise InputError("Reading Touchstone needs scikit-rf; install it by `pip install devsim-cosim[touchstone]`.") from error
    stream = io.StringIO(text)
    stream.name = name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return touchstone.Touchstone(stream)
    except Exception as error:  # whatever a parser of another house raises at a broken file
        told = shown(str(error).splitlines()[0]) if str(error).strip() else type(error).__name__
        raise InputError(f"{source} must be a Touchstone file named like `part.s2p`, but scikit-rf says: {told}.") from error
