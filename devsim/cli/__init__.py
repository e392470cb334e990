"""The command `devsim`: list the chips, show one, run one; analyse the circuit in a file.

Nothing heavy is imported until a command needs it, so that help and lists come at once. What a user got wrong ends in
one line on stderr and exit code 2.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from devsim import registry
from devsim.check import InputError, SolveError
from devsim.cli import budget_command, circuit_commands, fit_command, run_commands, sweep_command
from devsim.cli.complaint import complain
from devsim.cli.options import Json
from devsim.cli.subject import ChipName, subject

app = typer.Typer(
    name="devsim",
    help="What will this chip do, compared with the ideal network it imitates, and which imperfection costs it most?",
    epilog="Start with: devsim list; devsim run CHIP; devsim diff CHIP --set PATH=VALUE; devsim budget CHIP; devsim models",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"devsim {version('devsim-cosim')}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    pass


@app.command("list")
def list_chips() -> None:
    """List every chip that is installed, with a line on what it does."""
    from devsim.cli import tables

    tables.show_chips({name: registry.summary(point) for name, point in registry.chips().items()})


@app.command()
def show(chip: ChipName, as_json: Json = False) -> None:
    """Show every parameter of a chip or a variant: path, value, unit, bounds, stage, ideal value and meaning."""
    design = subject(chip).chip
    from devsim.cli import tables

    if as_json:
        typer.echo(tables.parameters_json(design))
    else:
        tables.show_parameters(design)


for _commands in (run_commands, sweep_command, budget_command, fit_command, circuit_commands):
    for _name, _command in _commands.COMMANDS.items():
        app.command(_name)(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code: 0, 2 where the user can mend it, 130 where interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(given or ["--help"], standalone_mode=False)
    except (InputError, SolveError) as error:
        code = complain(str(error))
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; say nothing at exit
        code = 0
    except Exception as error:
        if not hasattr(error, "format_message"):  # how typer's errors of usage are told from bugs
            raise
        code = complain(error.format_message())
    if code == 130:
        complain("interrupted; finished files are kept.")
    sys.exit(code if isinstance(code, int) else 0)
