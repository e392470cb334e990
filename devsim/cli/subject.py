"""Which chip a command is about: its name and what was set, as options give it; the same for `run`, `sweep` and `budget`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from devsim import check, registry
from devsim.cli.request import adjusted, assignments

if TYPE_CHECKING:
    from devsim.chip import Chip

ChipName = Annotated[str, typer.Argument(metavar="CHIP", help="A chip's name, as `devsim list` tells it.", show_default=False)]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Set a parameter: a number in SI units, or numbers with commas. Repeatable."
    ),
]


@dataclasses.dataclass(frozen=True)
class Subject:
    """The chip, what it is called in files and titles, the parameters that were set, and the words that ask for it again."""

    chip: Chip
    name: str
    parameters: dict[str, float | list[float]]
    words: list[str]


def subject(name: str, *, settings: Sequence[str] | None = None) -> Subject:
    """The chip with its parameters set. Raises InputError for an unknown chip or path, or a refused value."""
    check.one_of("chip", name, registry.chips())
    parameters = assignments(settings or [])
    chip = adjusted(registry.load(name).design(), parameters, "see `devsim show`")
    words = [name]
    for path, value in parameters.items():
        words += ["--set", f"{path}={','.join(map(repr, value)) if isinstance(value, list) else repr(value)}"]
    return Subject(chip, name, parameters, words)
