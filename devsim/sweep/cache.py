"""Compiled code that the processes of a sweep share: a folder beside its results, one for each kind of processor."""

import hashlib
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import jax
from jax.experimental.compilation_cache import compilation_cache

from devsim.sweep.store import GROUP

FOLDER = "sweep.compiled"
_SECONDS = "jax_persistent_cache_min_compile_time_secs"
_PLACE = "jax_compilation_cache_dir"


def share_compilations(folder: Path) -> bool:
    """Keep compiled code under `folder` from now on, and take it from there; not where JAX has a place for it already.

    Only for processes that trust who writes there: compiled code is run as it lies. Tells whether it is so now.
    """
    if getattr(jax.config, _PLACE):
        return False
    jax.config.update(_PLACE, str(folder / processor()))
    jax.config.update(_SECONDS, 0.2)
    compilation_cache.reset_cache()
    return True


@contextmanager
def shared_compilations(folder: Path) -> Iterator[None]:
    """The same for as long as the context lasts; the folder goes where no sweep is left unfinished beside it."""
    before = getattr(jax.config, _SECONDS)
    shared = share_compilations(folder)
    try:
        yield
    finally:
        if shared:
            jax.config.update(_PLACE, None)
            jax.config.update(_SECONDS, before)
            compilation_cache.reset_cache()
        if not (folder.parent / GROUP).exists():
            forget_compilations(folder)


def forget_compilations(folder: Path) -> None:
    """Take the folder away."""
    shutil.rmtree(folder, ignore_errors=True)


def processor() -> str:
    """A name for this kind of processor: code compiled for one may not run on another."""
    told = platform.processor()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        told += "".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))
    return f"{platform.machine()}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
