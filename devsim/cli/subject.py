"""Which chip a command is about: its name or that of a variant, and what options change; for every command the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devsim import check, registry
from devsim.check import InputError
from devsim.cli.request import assignments
from devsim.variant import VARYING, Fitted, Number, Said, Variant, blamed, read_variant

if TYPE_CHECKING:
    from devsim.chip import Chip

ENDINGS = (".yaml", ".yml")
ChipName = Annotated[
    str,
    typer.Argument(
        metavar="CHIP", help="A chip's name, as `devsim list` tells it, or the YAML file of a variant.", show_default=False
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Set a parameter: a number in SI units, or numbers with commas. Repeatable."
    ),
]
ParameterFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--parameters",
        metavar="FILE[@PATH]",
        help="Take the parameters that a fit left in a file, for the device at PATH, or where it fits. Repeatable.",
    ),
]
Only = Annotated[
    str | None,
    typer.Option(
        metavar="LEVEL,...",
        help="Leave only imperfections of these levels (process, die, device, cycle, age) or verbs (fabricate, ...).",
        show_default="all",
    ),
]
Scale = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN=FACTOR", help="Scale the imperfections that match, such as array.*_spread=2. Repeatable."),
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LEVEL:PATH=DEVIATION",
        help="Let a parameter vary as a whole, from die to die (die:) or from lot to lot (process:). Repeatable.",
    ),
]


@dataclasses.dataclass(frozen=True)
class Subject:
    """The chip, what it is called in files and titles, the parameters that were set, and the words that ask for it again.

    told: what else is different about it, in sentences. plain: True where nothing is.
    """

    chip: Chip
    name: str
    parameters: dict[str, Number]
    words: list[str]
    told: list[str] = dataclasses.field(default_factory=list)
    title: str = ""

    @property
    def plain(self) -> bool:
        """Whether it is the chip as it was drawn."""
        return not self.parameters and not self.told


def subject(
    name: str,
    *,
    settings: Sequence[str] | None = None,
    parameters: Sequence[str] | None = None,
    only: str | None = None,
    scale: Sequence[str] | None = None,
    vary: Sequence[str] | None = None,
    seed: int = 0,
) -> Subject:
    """The chip of a name or a variant's file, with what options say; `seed` draws the lot where the process varies.

    Raises InputError for an unknown chip or path, a refused value, and what the variant or its files get wrong.
    """
    variant = named(name)
    asked = variant.followed_by(options(settings, parameters, only, scale, vary))
    design = registry.load(asked.chip.value).design()
    key = None
    if any(level == "process" for level, _ in asked.vary):
        import jax

        key = jax.random.key(seed)
    made = asked.made(design, key=key)
    told = [variant.notes] * bool(variant.notes) + made.told
    words = [name, *_words(settings, parameters, only, scale, vary)]
    return Subject(made.chip, called(name), made.parameters, words, told, variant.title)


def called(name: str) -> str:
    """What a chip or a variant is called: the name, or that of the file without its ending."""
    return Path(name).stem if is_file(name) else name


def is_file(name: str) -> bool:
    """Whether a name is that of a variant's file: it ends like one, or is no chip and lies there."""
    return name.endswith(ENDINGS) or (name not in registry.chips() and Path(name).is_file())


def named(name: str) -> Variant:
    """The variant in a file, or one that is only a chip. Raises InputError for an unknown chip, naming the file and line."""
    variant = read_variant(name) if is_file(name) else Variant(Said(name))
    with blamed(variant.chip.where):
        check.one_of("chip", variant.chip.value, registry.chips())
    return variant


def options(
    settings: Sequence[str] | None,
    parameters: Sequence[str] | None,
    only: str | None,
    scale: Sequence[str] | None,
    vary: Sequence[str] | None,
) -> Variant:
    """What options say, as a variant without a chip. Parameters that are set go before those of files."""
    fitted = [Said(_fitted(text)) for text in parameters or []]
    return Variant(
        chip=Said(""),
        steps=(*fitted, *(Said((path, value)) for path, value in assignments(settings or []).items())),
        vary={_level(name): Said(_one("--vary", name, value)) for name, value in assignments(vary or [], "--vary").items()},
        scale={name: Said(_one("--scale", name, value)) for name, value in assignments(scale or [], "--scale").items()},
        only=None if only is None else Said([level.strip() for level in only.split(",")]),
    )


def _fitted(text: str) -> Fitted:
    """A file, or a file and a path behind its last `@`."""
    file, mark, place = text.rpartition("@")
    return Fitted(Path(file), place) if mark and file and place and not Path(text).exists() else Fitted(Path(text))


def _level(name: str) -> tuple[str, str]:
    level, colon, path = name.partition(":")
    if not colon or not path:
        raise InputError(
            f"`--vary` must be written LEVEL:PATH=DEVIATION, such as die:array.wire_resistance=0.1, but is `{name}`."
        )
    check.one_of("--vary", level, VARYING)
    return level, path


def _one(option: str, name: str, value: Number) -> float:
    if isinstance(value, list):
        raise InputError(f"`{option}` must give `{name}` one number, but gives {len(value)}.")
    return value


def _words(settings, parameters, only, scale, vary) -> list[str]:
    """The options as they would be typed again, each number as it is kept."""
    words = []
    for option, given in (("--set", settings), ("--vary", vary), ("--scale", scale)):
        for path, value in assignments(given or [], option).items():
            words += [option, f"{path}={','.join(map(repr, value)) if isinstance(value, list) else repr(value)}"]
    for file in parameters or []:
        words += ["--parameters", file]
    return words + ([] if only is None else ["--only", only])
