"""Text from outside: where it comes from, how large it may be, and which characters it may hold."""

import re
from pathlib import Path

from devsim import check
from devsim.check import InputError, shown

LARGEST = 4_000_000
"""Bytes of one file."""

_FORBIDDEN = re.compile(r"[^\t\n -~\x80-\U0010ffff]|[\x80-\x9f\u2028\u2029\ud800-\udfff]")


def text_of(source: str | bytes | Path, *, what: str) -> tuple[str, Path | None]:
    """The text of a deck or netlist, and the file it came from, if any.

    source: a path; or a string, which is a path where it has one line and text where it has several; or bytes, which
    are text. `what` names it in errors. Line ends become `\\n`. Raises InputError for a file that cannot be read, more
    than `LARGEST` bytes, and control characters; text that is not UTF-8 is taken as Latin-1.
    """
    if isinstance(source, str) and "\n" in source:
        return _checked(source, what), None
    if isinstance(source, bytes):
        return _checked(_decoded(source, what), what), None
    if not isinstance(source, str | Path):
        raise InputError(f"`source` must be a path or a text of several lines, but is {check.described(source)}.")
    path = Path(source)
    return _checked(_decoded(_bytes(path, what), what), what), path


def file_inside(folder: Path, name: str) -> Path | None:
    """The file of that relative path in `folder`, wherever links lead; None where there is none."""
    try:
        root = folder.resolve()
        path = (root / name).resolve()
        if name and not Path(name).is_absolute() and path.is_relative_to(root) and path.is_file():
            return path
    except (OSError, ValueError, RuntimeError):
        pass  # no file of that name can exist
    return None


def _bytes(path: Path, what: str) -> bytes:
    try:
        if path.is_dir():
            raise InputError(f"The {what} `{shown(str(path))}` must be a file, but is a directory.")
        if not path.is_file():
            raise InputError(f"The {what} `{shown(str(path))}` must be a file, but there is none of that name.")
        with open(path, "rb") as file:
            return file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise (
            error if isinstance(error, InputError) else InputError(f"The {what} `{shown(str(path))}` cannot be read: {reason}.")
        ) from error


def _decoded(content: bytes, what: str) -> str:
    if len(content) > LARGEST:
        raise InputError(f"A {what} must have at most {LARGEST} bytes, but has more.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _checked(text: str, what: str) -> str:
    if len(text) > LARGEST:
        raise InputError(f"A {what} must have at most {LARGEST} characters, but has {len(text)}.")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    if found := _FORBIDDEN.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise InputError(f"A {what} must be plain text, but line {line} holds the character U+{ord(found[0]):04X}.")
    return text
