"""Progress bars on stderr, or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text


class _Left(TimeRemainingColumn):
    """How long a task will take yet, for those that ask for it."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.fields["left"] else Text()


class Progress:
    """Bars for what takes long; where `shown` is False the same calls do nothing. The bars vanish when all is done."""

    def __init__(self, shown: bool):
        times = (TimeElapsedColumn(), TextColumn("{task.fields[left]}"), _Left())
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *times)
        console = Console(stderr=True)
        self._bars = Bars(*columns, console=console, transient=True, disable=not shown, speed_estimate_period=600)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *error) -> None:
        self._bars.stop()

    @contextmanager
    def task(self, label: str, total: int | None, *, remaining: bool = False) -> Iterator[Callable[..., None]]:
        """One bar; yields the function that is told how much is done, and how much there is where that was unknown.

        remaining: also say how long it will take yet.
        """
        task = self._bars.add_task(label, total=total, left="left" if remaining else "")
        yield lambda done, total=total: self._bars.update(task, completed=done, total=total)
        self._bars.update(task, visible=False)
