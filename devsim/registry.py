"""Where chips are found: the entry-point group `devsim.circuits`, read without importing the chips."""

import ast
import importlib.util
from importlib import metadata
from typing import TYPE_CHECKING

from devsim import check

if TYPE_CHECKING:
    from devsim.chip import Chip

GROUP = "devsim.circuits"


def chips() -> dict[str, metadata.EntryPoint]:
    """Name -> entry point `package.module:Class` of every installed chip."""
    return {point.name: point for point in sorted(metadata.entry_points(group=GROUP), key=lambda p: p.name)}


def summary(point: metadata.EntryPoint) -> str:
    """The first line of the docstring of the chip's module, read from its source without running it."""
    spec = importlib.util.find_spec(point.module)
    if spec is None or spec.origin is None:
        return "(not found)"
    with open(spec.origin, encoding="utf-8") as source:
        docstring = ast.get_docstring(ast.parse(source.read())) or ""
    return docstring.partition("\n")[0]


def load(name: str) -> "type[Chip]":
    """The chip class of that name; InputError with the nearest names where there is none."""
    check.one_of("chip", name, chips())
    return chips()[name].load()
