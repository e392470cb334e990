"""Columns of numbers in MATLAB's `.mat` files, of version 4, 5 and, through HDF5, 7.3."""

import importlib
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from devsim.check import InputError, shown
from devsim.exchange.matlab_elements import DEEPEST, MOST_BYTES, variables_of
from devsim.exchange.measured_table import Column

MOST_COLUMNS = 10_000
HDF5 = b"\x89HDF\r\n\x1a\n"
"""How a file of version 7.3 begins, after 512 bytes or at once."""
BELOW_RANGE = -100.0
"""dBm: what a laser sweep writes where it saw nothing."""


def matlab_columns(path: Path) -> tuple[list[Column], dict]:
    """The arrays of numbers that have the commonest length, as columns, and what was left out.

    A field of a struct is named `outer.inner`; the columns of a matrix `name_1`, `name_2`, ...; a complex array becomes
    `name.real` and `name.imaginary`. A spectrum as SiEPIC's test stands store it, `scandata` with wavelength (m) and
    power (dBm), becomes `wavelength`, `channel_1`, ... Raises InputError for what is no such file or holds code.
    """
    name = shown(path.name)
    content = _bytes(path)
    try:
        variables = _variables(content, name)
        flat = dict(_flattened(variables))
    except InputError:
        raise
    except Exception as error:  # whatever a parser of another house raises at a broken file
        told = shown(str(error).splitlines()[0]) if str(error).strip() else type(error).__name__
        raise InputError(f"{name} must be a MATLAB file, but reading it says: {told}.") from error
    if {"scandata.wavelength", "scandata.power"} <= set(flat):
        return _spectrum(flat, name), {}
    return _commonest(flat, name)


def _bytes(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise InputError(f"The MATLAB file `{shown(str(path))}` cannot be read: {reason}.") from error
    if len(content) > MOST_BYTES:
        raise InputError(f"The MATLAB file `{shown(str(path))}` must have at most {MOST_BYTES} bytes, but has more.")
    return content


def _variables(content: bytes, name: str) -> dict[str, Any]:
    """Variables by name, as nested dictionaries and arrays."""
    if HDF5 in (content[:8], content[512:520]):
        return _of_hdf5(content)
    return variables_of(content, name)


def _of_hdf5(content: bytes) -> dict[str, Any]:
    h5py = importlib.import_module("h5py")

    def of(node: Any, deep: int) -> Any:
        if deep == 0:
            raise ValueError(f"more than {DEEPEST} groups within groups")
        if isinstance(node, h5py.Group):
            inside = {key: node.get(key, getlink=True) for key in node}
            own = [key for key, link in inside.items() if isinstance(link, h5py.HardLink) and not key.startswith("#")]
            return {key: of(node[key], deep - 1) for key in own}
        if not isinstance(node, h5py.Dataset) or (node.dtype.kind not in "fiub" and node.dtype.names != ("real", "imag")):
            return None
        if node.attrs.get("MATLAB_class", b"double") == b"char" or node.size * node.dtype.itemsize > MOST_BYTES:
            return None
        values = np.asarray(node[()]).T
        return values["real"] + 1j * values["imag"] if values.dtype.names else values

    with h5py.File(io.BytesIO(content), "r") as file:
        return of(file, DEEPEST)


def _flattened(value: Any, name: str = "", deep: int = DEEPEST) -> Iterator[tuple[str, np.ndarray]]:
    """(dotted name, array of numbers) of everything inside."""
    if deep == 0:
        return
    joined = lambda key: f"{name}.{key}" if name else str(key)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flattened(inner, joined(key), deep - 1)
        return
    array = np.asarray(value)
    if array.dtype.kind == "c":
        yield f"{name}.real", array.real.astype(float)
        yield f"{name}.imaginary", array.imag.astype(float)
    elif array.dtype.kind in "fiub" and array.size:
        yield name, array.astype(float)


def _columns_of(name: str, array: np.ndarray, rows: int) -> list[Column]:
    """A vector as one column, a matrix as several."""
    squeezed = np.squeeze(array)
    if squeezed.ndim == 1:
        return [Column(name, None, squeezed)]
    upright = squeezed if squeezed.shape[0] == rows else squeezed.T
    return [Column(f"{name}_{k + 1}", None, column) for k, column in enumerate(upright.T)]


def _spectrum(flat: dict[str, np.ndarray], name: str) -> list[Column]:
    """`wavelength` (m) and the channels (dBm) of a laser sweep."""
    wavelength, power = np.ravel(flat["scandata.wavelength"]), np.squeeze(flat["scandata.power"])
    power = power[:, None] if power.ndim == 1 else power
    if power.ndim != 2 or wavelength.size not in power.shape:
        raise InputError(
            f"{name} must have one power for each wavelength, but has powers of shape {power.shape}"
            f" for {wavelength.size} wavelengths."
        )
    power = power if power.shape[0] == wavelength.size else power.T
    seen = np.where(power <= BELOW_RANGE, np.nan, power)
    if power.shape[1] > MOST_COLUMNS:
        raise InputError(f"{name} must have at most {MOST_COLUMNS} columns, but has {power.shape[1]}.")
    return [Column("wavelength", "m", wavelength)] + [
        Column(f"channel_{k + 1}", "dBm", column) for k, column in enumerate(seen.T)
    ]


def _commonest(flat: dict[str, np.ndarray], name: str) -> tuple[list[Column], dict]:
    """The columns whose length most arrays share; the longer one where two lengths are as common."""
    lengths: Counter[int] = Counter()
    for array in flat.values():
        squeezed = np.squeeze(array)
        if 1 <= squeezed.ndim <= 2 and squeezed.size > 1:
            lengths.update(set(squeezed.shape))
    if not lengths:
        raise InputError(f"{name} must hold arrays of numbers, but holds none.")
    most = max(lengths.values())
    rows = max(length for length, count in lengths.items() if count == most)
    fits = lambda array: 1 <= np.squeeze(array).ndim <= 2 and rows in np.squeeze(array).shape
    columns = [column for key, array in flat.items() if fits(array) for column in _columns_of(key, array, rows)]
    if len(columns) > MOST_COLUMNS:
        raise InputError(f"{name} must have at most {MOST_COLUMNS} columns, but has {len(columns)}.")
    left = [key for key, array in flat.items() if not fits(array)]
    notes: dict = {"left_out": ", ".join(left)} if left else {}
    return [column._replace(name=re.sub(r"[^\w.]", "_", column.name)) for column in columns], notes
