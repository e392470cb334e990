"""The command `devsim budget`: everything that can be asked of a chip's imperfections.

Nothing heavy is imported until it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from devsim import check
from devsim.check import InputError
from devsim.cli.complaint import complain
from devsim.cli.options import Json, Seed
from devsim.cli.request import MOST_DIES, checked_folder, checked_seed
from devsim.cli.subject import ChipName, Only, ParameterFiles, Scale, Settings, Vary, called, subject

USUAL_DIES, USUAL_LOSS = 16, 0.05


Metric = Annotated[
    str | None, typer.Option(metavar="NAME", help="The metric to rank by.", show_default="the chip's own choice")
]
Dies = Annotated[
    int | None,
    typer.Option(metavar="N", help="How many dies; at least 2.", show_default=f"{USUAL_DIES}, or fewer if the chip says so"),
]
Loss = Annotated[
    float | None,
    typer.Option(
        metavar="X", help="Loss that tolerances allow, as a share of the metric of the chip as it is.", show_default="0.05"
    ),
]
Amount = Annotated[
    float | None, typer.Option("--loss-abs", metavar="X", help="The same loss as an amount, in the metric's SI unit.")
]
Points = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Base points of the Sobol indices, a power of two: N (imperfections + 2) settings; 0 leaves them out.",
        show_default="what about 8,000 runs afford",
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="Folder for the results; its parent must exist.", show_default="runs/CHIP-budget"
    ),
]


def budget(
    chip: ChipName,
    metric: Metric = None,
    settings: Settings = None,
    parameters: ParameterFiles = None,
    only: Only = None,
    scale: Scale = None,
    vary: Vary = None,
    dies: Dies = None,
    seed: Seed = 0,
    loss: Loss = None,
    loss_abs: Amount = None,
    sobol: Points = None,
    out: Folder = None,
    as_json: Json = False,
) -> None:
    """Rank a chip's imperfections: alone, removed, derivative, Sobol indices, and how much of each can be borne."""
    check.within("--dies", 2 if dies is None else dies, check.Bounds(2, MOST_DIES))
    checked_seed(seed)
    allowed = _checked_loss(loss, loss_abs)
    folder = checked_folder(out, f"{called(chip)}-budget")
    it = subject(chip, settings=settings, parameters=parameters, only=only, scale=scale, vary=vary, seed=seed)
    check.one_of("--metric", it.chip.budget_metric if metric is None else metric, it.chip.metrics)
    from devsim.cli.budget_run import Asked, ranked

    asked = Asked(it, metric, dies, seed, allowed, loss_abs is None, sobol, folder, out is None)
    found = ranked(asked, show_progress=not as_json and sys.stderr.isatty(), complain=complain)
    if as_json:
        typer.echo(found.json())
    else:
        from devsim.cli.budget_table import show

        show(found)


def _checked_loss(loss: float | None, amount: float | None) -> float:
    if loss is not None and amount is not None:
        raise InputError("`--loss` and `--loss-abs` say the same in two ways; give one of them.")
    allowed = amount if amount is not None else USUAL_LOSS if loss is None else loss
    check.within("--loss" if amount is None else "--loss-abs", allowed, check.above(0))
    return allowed


COMMANDS: dict[str, Callable[..., None]] = {"budget": budget}
"""Name -> what it does."""
