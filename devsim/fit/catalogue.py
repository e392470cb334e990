"""The benches that come with devsim, by name; none is imported until it is asked for."""

import importlib
from typing import TYPE_CHECKING

from devsim import check

if TYPE_CHECKING:
    from devsim.fit.bench import Bench

MODELS: dict[str, str] = {}
"""Name -> `module:Class` below `devsim.fit.models`."""


def load(name: str) -> "type[Bench]":
    """The bench of that name; InputError with the nearest names where there is none."""
    check.one_of("model", name, MODELS)
    module, _, kind = MODELS[name].partition(":")
    return getattr(importlib.import_module(f"devsim.fit.models.{module}"), kind)
