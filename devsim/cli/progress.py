"""Progress bars on stderr, or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars


class Progress:
    """Bars for what takes long; where `shown` is False the same calls do nothing. The bars vanish when all is done."""

    def __init__(self, shown: bool):
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Bars(*columns, console=Console(stderr=True), transient=True, disable=not shown)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *error) -> None:
        self._bars.stop()

    @contextmanager
    def task(self, label: str, total: int | None) -> Iterator[Callable[..., None]]:
        """One bar; yields the function that is told how much is done, and how much there is where that was unknown."""
        task = self._bars.add_task(label, total=total)
        yield lambda done, total=total: self._bars.update(task, completed=done, total=total)
        self._bars.update(task, visible=False)
