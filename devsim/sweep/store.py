"""`Store`: what a sweep has found so far, on disk: a Zarr group that grows by chunks, and a marker for each finished one."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
import zarr

from devsim.check import InputError
from devsim.files import replace_file
from devsim.provenance import provenance
from devsim.sweep.pieces import Cutting, Piece
from devsim.sweep.plan import Plan, difference

GROUP, MARKERS, RESULT = "sweep.zarr", "sweep.done", "sweep.nc"
SLACK = 20_000_000
"""Bytes that must be free beyond the numbers themselves: metadata, pictures, the report, compiled code."""


class Store:
    """Arrays `<metric>` (run,) and `<metric>_ideal` (ideal,), whose Zarr chunks are the chunks of the sweep.

    A chunk is written as one region, then marked; what has no marker counts as not there.
    """

    def __init__(self, folder: Path, group: zarr.Group, cutting: Cutting):
        self.folder, self.group, self.cutting = folder, group, cutting

    @classmethod
    def found(cls, folder: Path, plan: Plan) -> Self | None:
        """The store in a folder; None where there is none. Raises InputError where it cannot be read or is another sweep's."""
        if not (folder / GROUP).exists():
            return None
        try:
            group = zarr.open_group(folder / GROUP, mode="r+")
            told: dict[str, Any] = json.loads(str(group.attrs["sweep"]))
            cutting = Cutting(**told["cutting"])
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise InputError(
                f"`{folder / GROUP}` cannot be read as a sweep ({error}); take it away or choose another `--out`."
            ) from error
        refuse_another(folder / GROUP, told["identity"], plan)
        return cls(folder, group, cutting)

    @classmethod
    def made(cls, folder: Path, plan: Plan, cutting: Cutting, extra: dict[str, Any]) -> Self:
        """A new, empty store; the one that another process made first where there are several.

        Raises InputError where the disk has no room for the results.
        """
        _check_room(folder, plan, cutting)
        shutil.rmtree(folder / MARKERS, ignore_errors=True)
        temporary = folder / f".{GROUP}.{secrets.token_hex(4)}.part"
        with told_as_unwritable(folder / GROUP):
            try:
                _empty(temporary, plan, cutting, extra)
                with suppress(OSError):  # another shard was first: its store is used
                    os.rename(temporary, folder / GROUP)
                (folder / MARKERS).mkdir(exist_ok=True)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        store = cls.found(folder, plan)
        if store is None:
            raise InputError(f"The folder `{folder / GROUP}` cannot be written.")
        return store

    def finished(self) -> set[int]:
        """Numbers of the chunks that are done."""
        with suppress(FileNotFoundError):
            return {int(path.name) for path in (self.folder / MARKERS).iterdir() if path.name.isdigit()}
        return set()

    def missing(self) -> list[Piece]:
        """The chunks that are not done, in order."""
        done = self.finished()
        return [self.cutting.piece(number) for number in range(self.cutting.chunks) if number not in done]

    def put(self, piece: Piece, values: dict[str, np.ndarray]) -> None:
        """Write a chunk, then its marker. Raises InputError where the disk is full; what was finished stays."""
        with self._kept():
            for name in self.metrics():
                array: Any = self.group[f"{name}_ideal" if piece.ideal else name]
                array[piece.start : piece.stop] = values[name]
        with self._kept():
            replace_file(self.folder / MARKERS / f"{piece.number:06d}", lambda file: file.touch())

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except (OSError, InputError) as error:
            done, reason = len(self.finished()), getattr(error, "strerror", None) or error
            raise InputError(
                f"A chunk of the sweep cannot be written to `{self.folder}`: {reason}. {done} of {self.cutting.chunks} chunks "
                "are finished and kept; make room and go on with `--resume`."
            ) from error

    def metrics(self) -> list[str]:
        """The names of the arrays of runs."""
        return [str(name) for name in json.loads(str(self.group.attrs["sweep"]))["identity"]["metrics"]]

    def values(self) -> dict[str, np.ndarray] | None:
        """All arrays; None where chunks are missing, or were taken away meanwhile by one who gathered them first."""
        if self.missing():
            return None
        found = {}
        for name in self.metrics():
            for told in (name, f"{name}_ideal"):
                found[told] = np.asarray(self.group[told])
        return None if self.missing() else found

    def remove(self) -> None:
        """Take the store away; markers first, so that nobody takes an array half removed for a whole one."""
        for name in (MARKERS, GROUP):
            aside = self.folder / f".{name}.{secrets.token_hex(4)}.part"
            with suppress(OSError):
                os.rename(self.folder / name, aside)
                shutil.rmtree(aside, ignore_errors=True)


def refuse_another(path: Path, identity: dict[str, Any], plan: Plan) -> None:
    """Raise InputError where `identity`, found at `path`, is not that of the `plan`, with what differs."""
    told = difference(identity, plan.identity)
    if told:
        raise InputError(f"`{path}` holds another sweep: {told}; ask for that one again, or choose another `--out`.")


def _empty(path: Path, plan: Plan, cutting: Cutting, extra: dict[str, Any]) -> None:
    told = {"identity": plan.identity, "cutting": {**cutting.__dict__}}
    group = zarr.create_group(path, attributes={"sweep": json.dumps(told)} | provenance() | extra)
    for name in plan.metrics:
        metric = plan.chip.metrics[name]
        attributes = {"units": metric.unit, "long_name": metric.doc}
        for label, size, dimension in ((name, cutting.count, "run"), (f"{name}_ideal", cutting.ideals, "ideal")):
            group.create_array(
                label,
                shape=(size,),
                chunks=(min(cutting.chunk, size),),
                dtype=number_type(plan),
                fill_value=np.nan,
                dimension_names=(dimension,),
                attributes=attributes,
            )


def number_type(plan: Plan) -> str:
    """The type of the results."""
    return f"float{plan.identity['precision']}"


def _check_room(folder: Path, plan: Plan, cutting: Cutting) -> None:
    """The arrays as they grow, and the file of results with its intervals."""
    each = np.dtype(number_type(plan)).itemsize * len(plan.metrics)
    needed = each * (2 * cutting.count + 5 * plan.design.points) + SLACK
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return
    if free < needed:
        raise InputError(
            f"`--out` must have room for the results, about {needed / 1e6:,.0f} MB, but the disk of `{folder}` has "
            f"{free / 1e6:,.0f} MB free."
        )


@contextmanager
def told_as_unwritable(path: Path) -> Iterator[None]:
    """What the system says of a folder that cannot be written, as an InputError."""
    try:
        yield
    except OSError as error:
        raise InputError(f"`{path}` cannot be written: {error.strerror or error}.") from error
