"""Files that are whole or absent: written under another name in the same folder, then renamed."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devsim.check import InputError


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write(temporary)` write a file, then rename it to `path` in one step.

    A reader sees the old file or the new one, never a half; where `write` fails nothing is left behind and the old
    file stays. Raises InputError where the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        write(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"The file `{path}` cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def output_folder(path: Path, *, make_parent: bool = False) -> Iterator[Path]:
    """A folder that can be written, made where it is missing; taken away again where it was made and stays empty.

    Its parent must exist unless `make_parent`. Raises InputError before anything is computed.
    """
    check_folder(path, make_parent=make_parent)
    made = [folder for folder in (path.parent, path) if not folder.exists()]
    try:
        try:
            for folder in made:
                folder.mkdir()
            probe = path / f".{secrets.token_hex(4)}.part"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise InputError(f"`--out` must be a folder that can be written, but `{path}` is not: {error.strerror}.") from error
        yield path
    finally:
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()  # fails, as it should, where something was written


def check_folder(path: Path, *, make_parent: bool = False) -> None:
    """Raise InputError where `path` is a file, or its parent is missing; nothing is written."""
    try:
        if path.exists() and not path.is_dir():
            raise InputError(f"`--out` must be a folder, but `{path}` is a file.")
        if not path.parent.is_dir() and (path.parent.exists() or not make_parent):
            raise InputError(f"`--out` must lie in a folder that exists, but `{path.parent}` is not one; make it first.")
    except OSError as error:
        raise InputError(f"`--out` must be a folder that can be written, but `{path}` is not: {error.strerror}.") from error
