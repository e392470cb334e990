"""Options that many commands share."""

from typing import Annotated

import typer

Seed = Annotated[int, typer.Option(metavar="S", help="Seed of all randomness: the same seed gives the same numbers.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else.")]
