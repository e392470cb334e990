"""The command `sweep`: a chip measured over the values of its knobs.

Nothing heavy is imported until it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from devsim.check import InputError
from devsim.cli.complaint import complain
from devsim.cli.options import Json, Seed
from devsim.cli.request import checked_dies, checked_folder, checked_seed
from devsim.cli.subject import ChipName, Only, ParameterFiles, Scale, Settings, Vary, called, subject

Over = Annotated[
    list[str] | None,
    typer.Option(
        "--over",
        metavar="PATH=AXIS",
        help="A knob and its values, in SI units: lin:a:b:n, log:a:b:n or v1,v2,... Repeatable.",
        show_default=False,
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder for the results; its parent must exist.", show_default="runs/CHIP-sweep"),
]
Points = Annotated[int | None, typer.Option(metavar="N", help="How many random or Sobol points to draw.", show_default=False)]
Metrics = Annotated[
    list[str] | None,
    typer.Option("--metric", metavar="NAME", help="Keep this metric only. Repeatable.", show_default="all"),
]
Shard = Annotated[
    str | None,
    typer.Option(metavar="I/N", help="Do the I-th (from 0) of N parts; all share --out.", show_default=False),
]
Chunk = Annotated[
    int | None, typer.Option(metavar="N", help="Runs that are written at once.", show_default="some seconds of work")
]


def sweep(
    chip: ChipName,
    over: Over = None,
    settings: Settings = None,
    parameters: ParameterFiles = None,
    only: Only = None,
    scale: Scale = None,
    vary: Vary = None,
    dies: Annotated[int, typer.Option(metavar="N", help="How many dies to measure at each point.")] = 16,
    seed: Seed = 0,
    out: Folder = None,
    design: Annotated[
        str, typer.Option(metavar="KIND", help="grid; zip (axes in step); random or sobol (--points between lin:a:b).")
    ] = "grid",
    points: Points = None,
    metric: Metrics = None,
    engine: Annotated[str, typer.Option(metavar="E", help="local, or a cluster: dask://HOST:PORT.")] = "local",
    resume: Annotated[bool, typer.Option("--resume", help="Do what is missing in --out.")] = False,
    shard: Shard = None,
    chunk: Chunk = None,
    as_json: Json = False,
) -> None:
    """Measure a chip over the values of its knobs: a grid, axes in step, random or Sobol points."""
    if not over:
        raise InputError("A sweep must go over at least one knob; give one as `--over PATH=lin:a:b:n`, see `devsim show CHIP`.")
    checked_dies(dies)
    checked_seed(seed)
    folder = checked_folder(out, f"{called(chip)}-sweep")
    what = subject(chip, settings=settings, parameters=parameters, only=only, scale=scale, vary=vary, seed=seed)
    from devsim.cli.sweep_execution import SweepRequest, execute

    request = SweepRequest(
        subject=what,
        over=over,
        dies=dies,
        seed=seed,
        out=folder,
        made_for_us=out is None,
        design=design,
        points=points,
        metrics=metric,
        engine=engine,
        resume=resume,
        shard=shard,
        chunk=chunk,
    )
    outcome = execute(request, show_progress=not as_json and sys.stderr.isatty(), complain=complain)
    if as_json:
        typer.echo(outcome.json())
    else:
        outcome.show()


COMMANDS: dict[str, Callable[..., None]] = {"sweep": sweep}
"""Name -> what it does."""
