"""What the readers of scattering parameters share: the file's text, its ports' names, and the part made of them."""

import re
from collections.abc import Sequence
from pathlib import Path

from devsim import check
from devsim.check import InputError, shown

MOST_BYTES = 64_000_000
"""Of one file."""

MOST_PORTS = 256
"""Of one file: beyond it, a slip of the pen would ask for all the memory there is."""


def file_text(path: str | Path, what: str) -> str:
    """The text of a file; InputError where it cannot be read, is too large, or is no text. `what` names it in errors."""
    if not isinstance(path, str | Path):
        raise InputError(f"`path` must be the path of a {what}, but is {check.described(path)}.")
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise InputError(f"The {what} `{shown(str(path))}` cannot be read: {reason}.") from error
    if len(content) > MOST_BYTES:
        raise InputError(f"The {what} `{shown(str(path))}` must have at most {MOST_BYTES} bytes, but has more.")
    if b"\0" in content:
        raise InputError(f"The {what} `{shown(str(path))}` must be plain text, but holds zero bytes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def port_names(found: Sequence[str], given: Sequence[str] | None, source: str) -> tuple[str, ...]:
    """Names that can stand in `part.port`: `given` in the order of the file, else the file's own with `_` for other signs.

    Raises InputError where `given` has another length, or two ports would have one name.
    """
    if given is not None:
        if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != len(found):
            raise InputError(f"`ports` must name the {len(found)} ports of {source}, but is {check.described(given)}.")
        names = tuple(given)
    else:
        names = tuple(re.sub(r"\W", "_", name.strip()) for name in found)
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(r"\w+", name):
            raise InputError(f"A port of {source} must have a name of letters, digits and `_`, but is `{shown(str(name))}`.")
    if len(set(names)) != len(names):
        listed = ", ".join(f"`{shown(name)}`" for name in names[:8])
        raise InputError(f"Each port of {source} must have its own name, but they are {listed}; give `ports`.")
    return names
