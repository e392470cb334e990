"""How many threads work: as many blocks of dies at a time as there are cores, and XLA's own, of which none may be missing.

jaxlib from 0.10.0 to before 0.11.2 hands the matrices of a batch to XLA's threads and keeps the thread that asked until they
are factorised. Where every thread has asked, none is left to do it, and the process waits for ever: two blocks at a time do
that on two cores. With threads to spare there is one left. Each of them calls LAPACK, which must not divide its work once more:
with threads of OpenBLAS beside XLA's a batch took several times as long.
"""

import os
import re
import sys
from importlib import metadata

WAITING = ((0, 10, 0), (0, 11, 2))
"""The first jaxlib whose threads wait for each other, and the first that does so no more."""
FEWEST, FOR_EACH_CORE = 16, 4
"""Threads of XLA where they wait: so many batches may be factorised at once, in one block or in those of all cores."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def blocks() -> int:
    """How many blocks may run at a time: as many as there are cores, but one where XLA began without threads to spare."""
    return cores() if _enough else 1


def spare_threads() -> bool:
    """Let XLA begin with threads to spare where it needs them, and OpenBLAS with one; tells whether XLA has what it needs.

    NPROC, which XLA reads for the number of its threads when it first computes, and OPENBLAS_NUM_THREADS, which SciPy's and
    NumPy's OpenBLAS read when they are imported, are left as they are where they are set.
    """
    if not waits_for_itself(metadata.version("jaxlib")) or "NPROC" in os.environ:
        return True
    if getattr(sys.modules.get("jax._src.xla_bridge"), "_backends", None):
        return False
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ["NPROC"] = str(max(FEWEST, FOR_EACH_CORE * cores()))
    return True


def waits_for_itself(jaxlib: str) -> bool:
    """Whether this version of jaxlib keeps a thread for each batch that is factorised."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", jaxlib)[:3])
    return WAITING[0] <= numbers < WAITING[1]


_enough = spare_threads()
