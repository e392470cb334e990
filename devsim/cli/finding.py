"""What an analysis found: the object that `--json` prints, the dataset, the picture, and rows for people."""

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from devsim import style
from devsim.cli.encoding import encoded
from devsim.files import replace_file
from devsim.units import engineering

SHOWN = 40
"""Rows of a table."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """A table for people: a title, the names of its columns, and cells of text."""

    title: str
    columns: tuple[str, ...]
    cells: list[tuple[str, ...]]

    @classmethod
    def of(cls, title: str, columns: tuple[str, ...], cells: list[tuple[str, ...]]) -> Self:
        """A table of at most `SHOWN` rows; of more, the rest is counted."""
        if len(cells) > SHOWN:
            rest = len(cells) - SHOWN + 1
            cells = [*cells[: SHOWN - 1], (f"... and {rest} more", *("",) * (len(columns) - 1))]
        return cls(title, columns, cells)


@dataclasses.dataclass
class Finding:
    """told: for `--json`. tables: for people. dataset, picture: what is left in a folder; `files` grows as it is."""

    told: dict[str, Any]
    tables: list[Rows]
    dataset: xr.Dataset | None = None
    picture: Callable[[], Figure] | None = None
    files: list[Path] = dataclasses.field(default_factory=list)

    def json(self) -> str:
        """`told` on one line; what is no finite number is null."""
        return encoded(self.told, indent=None)

    def put(self, folder: Path, name: str, complain: Callable[[str], object]) -> None:
        """Leave `name.nc` and `name.png` in a folder that is there; a picture that fails is complained of and left out."""
        picture = folder / f"{name}.png"
        with suppress(OSError):
            picture.unlink(missing_ok=True)  # that of an earlier run must not stand beside new numbers
        left = self.dataset
        if left is None or self.picture is None:
            return
        self._write(folder / f"{name}.nc", lambda file: left.to_netcdf(file, engine="h5netcdf"))
        try:
            data = style.png(self.picture())
        except Exception as error:
            complain(f"warning: the picture could not be drawn ({type(error).__name__}: {error}); the numbers are unaffected.")
            return
        self._write(picture, lambda file: file.write_bytes(data))

    def _write(self, path: Path, write: Callable[[Path], object]) -> None:
        replace_file(path, write)
        self.files.append(path)


def listed(values: Any) -> Any:
    """An array as JSON has it: a number, or lists of them; complex ones as an object of real and imaginary parts."""
    array = np.asarray(values)
    if np.iscomplexobj(array):
        return {"real": array.real.tolist(), "imag": array.imag.tolist()}
    return array.astype(float).tolist()


def worded(value: Any, unit: str) -> str:
    """A value with its unit; of arrays the range, of complex numbers magnitude and phase."""
    array = np.asarray(value)
    if array.ndim:
        sizes = np.abs(array) if np.iscomplexobj(array) else array
        low, high = (engineering(float(end), unit, digits=6) for end in (sizes.min(), sizes.max()))
        return f"{array.size} lanes: {low}" + (f" to {high}" if low != high else "")
    if np.iscomplexobj(array):
        return f"{engineering(float(abs(array)), unit, digits=6)} at {np.degrees(np.angle(array)):.4g} degrees"
    return engineering(float(array), unit, digits=6)
