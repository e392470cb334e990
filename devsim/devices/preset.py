"""`Preset`: a published set of parameters, under a name, with its source."""

from collections.abc import Callable
from typing import Any, NamedTuple

from devsim import check


class Preset(NamedTuple):
    """Where the numbers come from, and a function that makes the fields of the device from them."""

    source: str
    fields: Callable[[], dict[str, Any]]


def look_up(table: dict[str, Preset], name: str) -> dict[str, Any]:
    """The fields of the preset `name`; InputError with the nearest names where there is none."""
    check.one_of("preset", name, table)
    return table[name].fields()


def sources(table: dict[str, Preset]) -> dict[str, str]:
    """Preset name -> the publication its numbers come from."""
    return {name: preset.source for name, preset in table.items()}
