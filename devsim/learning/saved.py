"""Arrays in a file without code, by name."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from devsim.check import InputError
from devsim.files import replace_file

_TOLD = "told"
_FORMAT = "devsim training 1"


def write_leaves(path: Path, leaves: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """Arrays `leaves` and a few words and numbers `told`, as one `.npz` file that is whole or absent."""
    words = json.dumps({"format": _FORMAT, **told})
    arrays = {_TOLD: np.array(words)} | {name: np.asarray(value) for name, value in leaves.items()}

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)

    replace_file(path, write)


def read_leaves(path: Path, like: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """(leaves, told) that `write_leaves` wrote. Raises InputError where a leaf of `like` is missing or looks different."""
    try:
        with np.load(path, allow_pickle=False) as file:
            leaves = {name: file[name] for name in file.files}
        told = json.loads(str(leaves.pop(_TOLD)))
    except OSError as error:
        raise InputError(f"The file `{path}` cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"The file `{path}` is no saved training.") from error
    if not isinstance(told, dict) or told.get("format") != _FORMAT:
        raise InputError(f"The file `{path}` is no saved training.")
    for name, value in like.items():
        if name not in leaves:
            raise InputError(f"The file `{path}` is of another network: it holds no `{name}`.")
        if leaves[name].shape != value.shape or leaves[name].dtype != value.dtype:
            given = f"{leaves[name].dtype} of shape {leaves[name].shape}"
            raise InputError(f"The file `{path}` is of another network: `{name}` is {given}, not {value.dtype} {value.shape}.")
    return leaves, told
