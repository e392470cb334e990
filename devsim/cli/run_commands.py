"""The commands that measure chips as they are: `run` for one or several, `diff` for what two do differently.

Nothing heavy is imported until one of them runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devsim.check import InputError
from devsim.cli.complaint import complain
from devsim.cli.options import Json, Seed
from devsim.cli.request import checked_dies, checked_folder, checked_seed
from devsim.cli.subject import Only, ParameterFiles, Scale, Settings, Subject, Vary, called, subject

if TYPE_CHECKING:
    from devsim.cli.comparison import ComparisonRequest

ChipNames = Annotated[
    list[str],
    typer.Argument(
        metavar="CHIP...",
        help="Names of chips, as `devsim list` tells them, or YAML files of variants; several are compared.",
        show_default=False,
    ),
]
Dies = Annotated[
    int | None,
    typer.Option(metavar="N", help="How many dies to fabricate and measure.", show_default="as many as the chip is worth"),
]
Folder = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder for the results; its parent must exist.", show_default="runs/CHIP"),
]
CHANGED = "changed"
"""What a chip is called that options make of another."""


def run(
    chips: ChipNames,
    settings: Settings = None,
    parameters: ParameterFiles = None,
    only: Only = None,
    scale: Scale = None,
    vary: Vary = None,
    dies: Dies = None,
    seed: Seed = 0,
    out: Folder = None,
    as_json: Json = False,
    budget: Annotated[bool, typer.Option("--budget/--no-budget", help="Rank the imperfections by what they cost.")] = True,
) -> None:
    """Measure a chip beside its ideal, rank its imperfections, draw it, and leave a report; compare several chips."""
    asked = {"settings": settings, "parameters": parameters, "only": only, "scale": scale, "vary": vary, "seed": seed}
    if len(chips) > 1:
        _compare("run", {name: {"name": path} | asked for name, path in _labels(chips).items()}, dies, seed, out, as_json, True)
        return
    checked_dies(dies)
    checked_seed(seed)
    folder = checked_folder(out, called(chips[0]))
    it = subject(chips[0], **asked)
    from devsim.cli import tables
    from devsim.cli.execution import Request, execute

    request = Request(it, it.chip.usual_dies if dies is None else dies, seed, folder, out is None, budget)
    outcome = execute(request, show_progress=not as_json and sys.stderr.isatty(), complain=complain)
    if as_json:
        typer.echo(outcome.json())
    else:
        tables.show_outcome(outcome)


def diff(
    chips: Annotated[
        list[str],
        typer.Argument(
            metavar="A [B]",
            help="Two chips or variants; one alone is compared with what the options make of it.",
            show_default=False,
        ),
    ],
    settings: Settings = None,
    parameters: ParameterFiles = None,
    only: Only = None,
    scale: Scale = None,
    vary: Vary = None,
    dies: Dies = None,
    seed: Seed = 0,
    out: Folder = None,
    as_json: Json = False,
    metrics: Annotated[bool, typer.Option("--metrics/--no-metrics", help="Measure both; otherwise only parameters.")] = True,
) -> None:
    """Tell two chips apart: parameters and metrics side by side, with paired intervals, and leave a report."""
    asked = {"settings": settings, "parameters": parameters, "only": only, "scale": scale, "vary": vary, "seed": seed}
    if len(chips) > 2:
        raise InputError(f"`diff` must have one or two chips, but has {len(chips)}; `devsim run A B C` compares several.")
    if len(chips) == 2:
        labelled = {name: {"name": path} | asked for name, path in _labels(chips).items()}
    elif any(value for name, value in asked.items() if name != "seed"):
        labelled = {called(chips[0]): {"name": chips[0], "seed": seed}, CHANGED: {"name": chips[0]} | asked}
    else:
        raise InputError("`diff` must have two chips, or one and what to change of it, such as --set PATH=VALUE.")
    _compare("diff", labelled, dies, seed, out, as_json, metrics, typed=chips)


def _labels(chips: list[str]) -> dict[str, str]:
    """What each is called -> how it was typed: the short names where those differ."""
    short = [called(name) for name in chips]
    labels = short if len(set(short)) == len(short) else chips
    if len(set(labels)) < len(labels):
        twice = next(name for i, name in enumerate(labels) if name in labels[:i])
        raise InputError(f"Each chip must be named once, but `{twice}` is named twice.")
    return dict(zip(labels, chips, strict=True))


def _compare(
    command: str,
    labelled: dict[str, dict[str, Any]],
    dies: int | None,
    seed: int,
    out: Path | None,
    as_json: bool,
    metrics: bool,
    typed: list[str] | None = None,
) -> None:
    """Compare what `labelled` says: label -> the arguments of `subject`."""
    checked_dies(dies)
    checked_seed(seed)
    folder = checked_folder(out, "-vs-".join(name.replace(" ", "-").replace("/", "-") for name in labelled))
    subjects: dict[str, Subject] = {label: subject(**arguments) for label, arguments in labelled.items()}
    from devsim.cli import tables
    from devsim.cli.comparison import ComparisonRequest, compare_all

    first, *_, last = subjects.values()
    words = [command, *(typed or [each.words[0] for each in subjects.values()]), *last.words[1:]]
    count = first.chip.usual_dies if dies is None else dies
    request: ComparisonRequest = ComparisonRequest(words, subjects, count, seed, folder, out is None, metrics)
    found = compare_all(request, show_progress=not as_json and sys.stderr.isatty(), complain=complain)
    if as_json:
        typer.echo(found.json())
    else:
        tables.show_comparison(found)


COMMANDS: dict[str, Callable[..., None]] = {"run": run, "diff": diff}
"""Name -> the function behind it."""
