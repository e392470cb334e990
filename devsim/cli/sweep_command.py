"""The command `sweep`: a chip measured over the values of its knobs.

Nothing heavy is imported until it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from devsim import files
from devsim.check import Bounds, InputError, within
from devsim.cli.request import MOST_DIES
from devsim.cli.subject import ChipName, Settings, subject

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else.")]


def sweep(
    chip: ChipName,
    over: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH=AXIS",
            help="A knob and its values, in SI units: lin:a:b:n, log:a:b:n or v1,v2,... Repeatable.",
            show_default=False,
        ),
    ] = None,
    settings: Settings = None,
    dies: Annotated[int, typer.Option(metavar="N", help="How many dies to measure at each point.")] = 16,
    seed: Annotated[int, typer.Option(metavar="S", help="Seed of all randomness: the same seed gives the same numbers.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the results; its parent must exist.", show_default="runs/CHIP-sweep"),
    ] = None,
    design: Annotated[
        str, typer.Option(metavar="KIND", help="grid; zip (axes in step); random or sobol (--points between lin:a:b).")
    ] = "grid",
    points: Annotated[
        int | None, typer.Option(metavar="N", help="How many random or Sobol points to draw.", show_default=False)
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Keep this metric only. Repeatable.", show_default="all")
    ] = None,
    engine: Annotated[str, typer.Option(metavar="E", help="local, or a cluster: dask://HOST:PORT.")] = "local",
    resume: Annotated[bool, typer.Option("--resume", help="Do what is missing in --out.")] = False,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Do the I-th (from 0) of N parts; all share --out.", show_default=False),
    ] = None,
    chunk: Annotated[
        int | None, typer.Option(metavar="N", help="Runs that are written at once.", show_default="some seconds of work")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a chip over the values of its knobs: a grid, axes in step, random or Sobol points."""
    if not over:
        raise InputError("A sweep must go over at least one knob; give one as `--over PATH=lin:a:b:n`, see `devsim show CHIP`.")
    within("--dies", dies, Bounds(1, MOST_DIES))
    if not 0 <= seed < 2**32:
        raise InputError(f"`--seed` must be at least 0 and below 2^32, but is {seed}.")
    if out is not None and str(out) in ("", "."):
        raise InputError("`--out` must name a folder of its own, but is empty or the current one.")
    what = subject(chip, settings=settings)
    folder = Path("runs") / f"{what.name}-sweep" if out is None else out
    files.check_folder(folder, make_parent=out is None)
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
    outcome = execute(request, show_progress=not as_json and sys.stderr.isatty(), complain=_complain)
    if as_json:
        typer.echo(outcome.json())
    else:
        outcome.show()


def _complain(message: str) -> None:
    """One line on stderr, of what does not stop the command."""
    print(f"devsim: {' '.join(message.split())}", file=sys.stderr)


COMMANDS: dict[str, Callable[..., None]] = {"sweep": sweep}
"""Name -> what it does."""
