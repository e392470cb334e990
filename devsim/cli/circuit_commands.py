"""The commands that analyse a circuit file: `op`, `tran`, `ac`, `noise` and `draw`.

Nothing heavy is imported until one of them runs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devsim import files
from devsim.check import InputError
from devsim.cli.complaint import complain
from devsim.cli.options import Json
from devsim.cli.request import assignments, checked_seed

if TYPE_CHECKING:
    from devsim.cli.finding import Finding
    from devsim.cli.workbench import Workbench

CircuitFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A SPICE deck (.cir, .sp ...) or a YAML netlist (.yaml).", show_default=False)
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Set a parameter: a number in SI units, or several with commas. Repeatable."
    ),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="NAME=VALUE", help="Value of a named input of the circuit, in SI units. Repeatable."),
]
Folder = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder for the results; its parent must exist.", show_default="runs/FILE"),
]
Start = Annotated[str | None, typer.Option(metavar="HZ", help="First frequency, such as 1kHz.", show_default="the file's")]
Stop = Annotated[str | None, typer.Option(metavar="HZ", help="Last frequency.", show_default="the file's")]
PerDecade = Annotated[
    int | None,
    typer.Option("--points-per-decade", metavar="N", help="Frequencies in a decade.", show_default="the file's, or 20"),
]


def op(file: CircuitFile, settings: Settings = None, inputs: Inputs = None, as_json: Json = False) -> None:
    """Operating point of a circuit file: the potential of every net, memory held where it is."""
    bench = _opened(file, settings, inputs)
    from devsim.cli import time_analyses

    _tell(time_analyses.at_rest(bench), as_json)


def tran(
    file: CircuitFile,
    duration: Annotated[str | None, typer.Option(metavar="S", help="How long, such as 1ms.", show_default="the file's")] = None,
    step: Annotated[
        str | None,
        typer.Option(metavar="S", help="Exact time step, such as 1us.", show_default="the file's, divided until it suffices"),
    ] = None,
    method: Annotated[
        str | None, typer.Option(metavar="M", help="Method of integration.", show_default="fits the circuit")
    ] = None,
    noise: Annotated[bool, typer.Option("--noise", help="Draw the noise of all parts.")] = False,
    seed: Annotated[int | None, typer.Option(metavar="S", help="Seed of the noise.", show_default="0")] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="NET", help="Keep this net or part.unknown only. Repeatable.", show_default="all nets"),
    ] = None,
    every: Annotated[int, typer.Option(metavar="N", help="Keep every N-th step.")] = 1,
    settings: Settings = None,
    inputs: Inputs = None,
    out: Folder = None,
    as_json: Json = False,
) -> None:
    """Transient of a circuit file: every net over time, from the operating point on."""
    if seed is not None and not noise:
        raise InputError("`--seed` needs `--noise`: without it nothing is drawn.")
    checked_seed(seed or 0)
    seconds = {"--duration": _quantity("--duration", duration, "s"), "--step": _quantity("--step", step, "s")}
    with _folder(file, out) as folder:
        bench = _opened(file, settings, inputs, in_time=True)
        from devsim.cli import time_analyses
        from devsim.cli.schedule import Schedule
        from devsim.exchange import Transient

        schedule = Schedule.of(bench.asked(Transient), duration=seconds["--duration"], step=seconds["--step"], every=every)
        for note in schedule.notes():
            complain(note)
        with _spinner("Transient", as_json):
            found = time_analyses.over_time(
                bench,
                schedule,
                method=method,
                seed=(seed or 0) if noise else None,
                keep=keep or [],
                rescue=lambda finding: _left(finding, folder, "transient"),
                complain=complain,
            )
        _left(found, folder, "transient")
    _tell(found, as_json)


def ac(
    file: CircuitFile,
    source: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A source, an input, a pin or a parameter.", show_default="the file's AC sources"),
    ] = None,
    start: Start = None,
    stop: Stop = None,
    per_decade: PerDecade = None,
    settings: Settings = None,
    inputs: Inputs = None,
    out: Folder = None,
    as_json: Json = False,
) -> None:
    """Small-signal response of a circuit file: magnitude and phase of every net over frequency."""
    ends = _quantity("--start", start, "Hz"), _quantity("--stop", stop, "Hz")
    with _folder(file, out) as folder:
        bench = _opened(file, settings, inputs)
        from devsim.cli import frequency_analyses
        from devsim.cli.frequencies import frequencies
        from devsim.exchange import SmallSignal

        frequency = frequencies(bench.asked(SmallSignal), start=ends[0], stop=ends[1], per_decade=per_decade)
        with _spinner("Small signal", as_json):
            found = frequency_analyses.over_frequency(bench, frequency, source=source)
        _left(found, folder, "ac")
    _tell(found, as_json)


def noise(
    file: CircuitFile,
    output: Annotated[
        str | None, typer.Option(metavar="NET", help="Where the noise is wanted.", show_default="the file's")
    ] = None,
    reference: Annotated[str | None, typer.Option(metavar="NET", help="Against which net.", show_default="ground")] = None,
    start: Start = None,
    stop: Stop = None,
    per_decade: PerDecade = None,
    settings: Settings = None,
    inputs: Inputs = None,
    out: Folder = None,
    as_json: Json = False,
) -> None:
    """Noise of a circuit file at a net: its density, by contributor, and integrated."""
    ends = _quantity("--start", start, "Hz"), _quantity("--stop", stop, "Hz")
    with _folder(file, out) as folder:
        bench = _opened(file, settings, inputs)
        from devsim.cli import frequency_analyses
        from devsim.cli.frequencies import frequencies
        from devsim.exchange import NoiseAnalysis, SmallSignal

        asked = bench.asked(NoiseAnalysis)
        nets = frequency_analyses.checked_output(bench, asked, output, reference)
        swept = asked or bench.asked(SmallSignal)
        frequency = frequencies(swept, start=ends[0], stop=ends[1], per_decade=per_decade)
        with _spinner("Noise", as_json):
            found = frequency_analyses.noise_at(bench, frequency, output=nets[0], reference=nets[1])
        _left(found, folder, "noise")
    _tell(found, as_json)


def draw(
    file: CircuitFile,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="PICTURE", help="The picture: .png, .svg or .pdf.", show_default="runs/FILE/circuit.png"),
    ] = None,
) -> None:
    """Draw a circuit file: parts, nets and domains."""
    place = _default_folder(file) / "circuit.png" if out is None else out
    folder = files.output_folder(place.parent, make_parent=True) if out is None else _existing(place)
    with folder:
        from devsim.draw import draw as drawn
        from devsim.exchange import read

        drawn(read(file).circuit, path=place)
    typer.echo(f"Picture: {place}")


@contextmanager
def _existing(place: Path) -> Iterator[None]:
    from devsim.draw import picture_format

    picture_format("--out", place)
    if not place.parent.is_dir():
        raise InputError(f"`--out` must lie in a folder that exists, but `{place.parent}` is not one; make it first.")
    yield


def _default_folder(file: Path) -> Path:
    return Path("runs") / (file.stem or "circuit")


@contextmanager
def _folder(file: Path, out: Path | None) -> Iterator[Path]:
    """The folder for the results, taken away again where nothing was written."""
    if out is not None and str(out) in ("", "."):
        raise InputError("`--out` must name a folder of its own, but is empty or the current one.")
    with files.output_folder(_default_folder(file) if out is None else out, make_parent=out is None) as folder:
        yield folder


def _opened(file: Path, settings: list[str] | None, inputs: list[str] | None, *, in_time: bool = False) -> Workbench:
    told = assignments(settings or []), assignments(inputs or [], "--input")
    from devsim.cli.workbench import Workbench

    return Workbench.opened(file, settings=told[0], inputs=told[1], complain=complain, in_time=in_time)


def _quantity(option: str, text: str | None, unit: str) -> float | None:
    """A number, bare, with SPICE's suffix or in a unit, as an option gives it."""
    if text is None:
        return None
    from devsim.exchange.expression import number
    from devsim.exchange.quantity import quantity
    from devsim.yaml_tree import Scalar

    if SUFFIXED.fullmatch(text) and (plain := number(text)) is not None:
        return plain
    return float(quantity(option, Scalar(text), unit))


def _left(found: Finding, folder: Path, name: str) -> Path:
    """Leave the files of a finding in a folder; returns the first."""
    found.put(folder, name, complain)
    return found.files[0]


def _tell(found: Finding, as_json: bool) -> None:
    if as_json:
        typer.echo(found.json())
    else:
        from devsim.cli import tables

        tables.show_finding(found)


@contextmanager
def _spinner(label: str, as_json: bool) -> Iterator[None]:
    from devsim.cli.progress import Progress

    with Progress(not as_json and sys.stderr.isatty()) as progress, progress.task(label, None):
        yield


SUFFIXED = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?(t|g|meg|k|m|u|n|p|f)", re.ASCII | re.IGNORECASE)
"""A number as SPICE abbreviates it, without a unit."""

COMMANDS: dict[str, Callable[..., None]] = {"op": op, "tran": tran, "ac": ac, "noise": noise, "draw": draw}
"""Name -> what it does."""
