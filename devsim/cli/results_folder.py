"""The folder in which a command leaves its files, each whole or not at all."""

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from devsim import plot
from devsim.chip import Picture
from devsim.files import replace_file
from devsim.report.record import Drawing


@dataclasses.dataclass
class ResultsFolder:
    """`files` are the paths written so far; `complain` is told of what could not be drawn, which stops nothing."""

    out: Path
    complain: Callable[[str], object]
    files: list[str] = dataclasses.field(default_factory=list)

    def put(self, name: str, write: Callable[[Path], object]) -> None:
        """Write one file: `write(path)` fills a temporary one, which is then renamed."""
        path = self.out / name
        replace_file(path, write)
        if str(path) not in self.files:
            self.files.append(str(path))

    def put_text(self, name: str, text: str) -> None:
        """Write one file of text."""
        self.put(name, lambda file: file.write_text(text, encoding="utf-8"))

    def drawn(self, pictures: Iterable[Picture]) -> list[Drawing]:
        """Every picture that can be drawn, each written as `NAME.png` as soon as it is."""
        drawings = []
        for picture in pictures:
            what = f"the picture `{picture.name}`"
            data = self.tried(lambda figure=picture.figure: plot.png(figure), what)
            if data is not None:
                self.put(f"{picture.name}.png", lambda file, data=data: file.write_bytes(data))
                drawings.append(Drawing(picture.name, picture.title, picture.caption, data))
        return drawings

    def tried(self, make: Callable[[], Any], what: str) -> Any:
        """What `make` makes; None, with a line of complaint, where it fails: numbers matter more than pictures."""
        try:
            return make()
        except Exception as error:
            self.complain(f"warning: {what} could not be drawn ({type(error).__name__}: {error}); the numbers are unaffected.")
            return None
