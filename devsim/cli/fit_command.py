"""The commands `fit` and `models`: measured data become the parameters of a device.

Nothing heavy is imported until one of them runs.
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
from devsim.cli.request import checked_seed
from devsim.cli.subject import Settings
from devsim.fit import catalogue

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="What was measured, as `devsim models` lists it.", show_default=False)
]
Data = Annotated[Path, typer.Argument(metavar="DATA", help="The file of measurements: .csv, .mat, .mdm, .s2p ...")]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--x", metavar="[INPUT=]COLUMN", help="The column of an input. Repeatable.", show_default="of its name"),
]
Output = Annotated[str | None, typer.Option("--y", metavar="COLUMN", help="The column of the output.", show_default=False)]
Devices = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="The column that names each row's device.", show_default="one device")
]
Sigma = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The column of the output's standard deviation.", show_default="from the residuals"),
]
Free = Annotated[
    list[str] | None,
    typer.Option(metavar="PATH", help="Fit this parameter. Repeatable, or with commas.", show_default="the model's choice"),
]
Units = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN=UNIT", help="The unit of a column that does not say it. Repeatable.", show_default=False),
]
Place = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="Where a chip has the device, told in the file.", show_default="the one place it fits"),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.yaml", help="The parameter file; the report lies beside it.", show_default="runs/fit-MODEL/fit.yaml"
    ),
]


def fit(
    model: Model,
    data: Data,
    x: Inputs = None,
    y: Output = None,
    by: Devices = None,
    sigma: Sigma = None,
    free: Free = None,
    settings: Settings = None,
    unit: Units = None,
    loss: Annotated[str, typer.Option(metavar="L", help="linear; or soft_l1, huber, cauchy against outliers.")] = "linear",
    starts: Annotated[int, typer.Option(metavar="N", help="Sobol starts beside the guess and the nominal values.")] = 8,
    seed: Seed = 0,
    at: Place = None,
    bayes: Annotated[bool, typer.Option("--bayes", help="Draw from the posterior too (needs NumPyro).")] = False,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Fit a model to measured data: parameters with intervals, in a file that `run`, `sweep` and variants read."""
    check.one_of("model", model, catalogue.MODELS)
    if y is None:
        raise InputError("A fit must know the column of the output; give it as `--y COLUMN`.")
    checked_seed(seed)
    check.whole("--starts", starts, 0)
    place = Path("runs") / f"fit-{model}" / "fit.yaml" if out is None else out
    if place.suffix not in (".yaml", ".yml"):
        raise InputError(f"`--out` must be a file that ends in .yaml, but is `{place}`.")
    from devsim.cli.fit_execution import FitRequest, execute

    request = FitRequest(
        model=model,
        data=data,
        x=x or [],
        y=y,
        by=by,
        sigma=sigma,
        free=[path for word in free or [] for path in word.split(",") if path],
        settings=settings or [],
        units=_units(unit or []),
        loss=loss,
        starts=starts,
        seed=seed,
        at=at,
        bayes=bayes,
        out=place,
        made_for_us=out is None,
    )
    outcome = execute(request, show_progress=not as_json and sys.stderr.isatty(), complain=complain)
    typer.echo(outcome.json() if as_json else outcome.text())


def models(as_json: Json = False) -> None:
    """List the models that `fit` knows: inputs, output, and the parameters that are fitted unless told otherwise."""
    from devsim.cli.fit_execution import models_json, models_text

    typer.echo(models_json() if as_json else models_text())


def _units(words: list[str]) -> dict[str, str]:
    told = {}
    for word in words:
        column, equals, name = word.rpartition("=")
        if not equals or not column or not name:
            raise InputError(f"`--unit` must be written COLUMN=UNIT, such as I=mA, but is `{word}`.")
        if column in told:
            raise InputError(f"`--unit` must give each column once, but gives `{column}` twice.")
        told[column] = name
    return told


COMMANDS: dict[str, Callable[..., None]] = {"fit": fit, "models": models}
"""Name -> what it does."""
