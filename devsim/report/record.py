"""What one run left behind: all that a report tells."""

import dataclasses
import struct
from typing import Any

import xarray as xr

from devsim.chip import Chip


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A picture as it is shown: the PNG, its title and its caption."""

    name: str
    title: str
    caption: str
    png: bytes

    @property
    def width(self) -> int:
        """Width in pixels of the page: half of the PNG's, for sharp screens."""
        return struct.unpack(">I", self.png[16:20])[0] // 2


@dataclasses.dataclass(frozen=True)
class Record:
    """One run of a chip.

    about: what the chip's module says of it; its first line is the subtitle. parameters: those set by the user,
    path -> value. result: of `compare`. budget: of `error_budget`, or None. command: the line that repeats the run.
    seconds: how long the computation took. title: of the report, where it is not the chip's name. told: what else is different
    about the chip, in sentences.
    """

    chip: Chip
    about: str
    seed: int
    dies: int
    parameters: dict[str, Any]
    result: xr.Dataset
    budget: xr.Dataset | None
    drawings: list[Drawing]
    command: str
    seconds: float
    title: str = ""
    told: list[str] = dataclasses.field(default_factory=list)
