"""What the benches of one thread share: a pinned core, medians, tables. Import it before anything that computes."""

import os
import sys
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import devsim  # noqa: E402, F401, I001
import jax  # noqa: E402
import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402


def median_ms(function, *args, budget=3.0, most=100):
    """(first call in s, median of the later ones in ms), within about `budget` seconds."""
    begin = time.perf_counter()
    jax.block_until_ready(function(*args))
    first, times = time.perf_counter() - begin, []
    while len(times) < 3 or (sum(times) < budget and len(times) < most):
        begin = time.perf_counter()
        jax.block_until_ready(function(*args))
        times.append(time.perf_counter() - begin)
    return first, 1e3 * float(np.median(times))


def shown(cells):
    """A row of a table as text."""
    return ["" if cell is None else f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells]


def print_table(header, rows, title):
    """Print rows of text under their header."""
    table = Table(*header, title=title)
    for row in rows:
        table.add_row(*row)
    Console(width=130).print(table)
