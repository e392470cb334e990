"""How the runs of a sweep are cut into chunks: what a chunk holds, and how large it should be."""

import dataclasses
import math
import time

import jax

from devsim.check import InputError
from devsim.engine import CHUNK
from devsim.sweep.memory import free_memory
from devsim.sweep.plan import Plan

CHUNK_SECONDS = 5.0
"""Work in a chunk: what a crash can lose, and long beside what it costs to write one."""
MOST_CHUNKS = 4000
WIDEST = 256
"""Runs in a block of an accelerator, where its memory holds them."""
START_SECONDS = 5.0
"""What a worker needs before it computes, with compilation: measured, see `benchmarks/sweep.py`."""


@dataclasses.dataclass(frozen=True)
class Piece:
    """The runs from `start` to before `stop`, of the chip or of its `ideal`; `number` is that of its marker."""

    number: int
    start: int
    stop: int
    ideal: bool


@dataclasses.dataclass(frozen=True)
class Cutting:
    """`count` runs of the chip and `ideals` of the ideal one, in chunks of `chunk`, a multiple of the block's `width`.

    device: the kind for which the block was made: `cpu`, `gpu`, ...
    """

    count: int
    ideals: int
    chunk: int
    width: int
    device: str

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-self.count // self.chunk) - (-self.ideals // self.chunk)

    def piece(self, number: int) -> Piece:
        """The chunk of that number: first those of the chip, then those of the ideal."""
        measured = -(-self.count // self.chunk)
        ideal = number >= measured
        start = (number - measured * ideal) * self.chunk
        return Piece(number, start, min(start + self.chunk, self.ideals if ideal else self.count), ideal)


@dataclasses.dataclass(frozen=True)
class Pace:
    """What one block of `width` runs takes on a kind of `device`: `seconds` on one core, and `memory` in bytes."""

    width: int
    seconds: float
    memory: int
    device: str


def chunk_of(pace: Pace, runs: int, *, cores: int, workers: int = 1) -> int:
    """Runs in a chunk: some seconds of work for the `cores` it runs on, a few chunks for each of `workers`, not too many."""
    blocks = -(-runs // pace.width)
    by_time = cores * CHUNK_SECONDS / max(pace.seconds, 1e-6)
    wanted = max(min(by_time, blocks / (4 * workers)), blocks / MOST_CHUNKS, cores)
    return pace.width * max(1, min(math.ceil(wanted), blocks))


def threads_that_fit(memory: int, cores: int) -> int:
    """Blocks of `memory` bytes that run at once: one for each core, fewer where memory is short; one on an accelerator."""
    if jax.default_backend() != "cpu":
        return 1
    free = free_memory()
    if free is None or memory <= 0:
        return cores
    return max(1, min(cores, int(0.8 * free // memory)))


def pace_of(plan: Plan) -> Pace:
    """Compile the block and time it: `CHUNK` runs wide for a processor's cache, up to `WIDEST` on an accelerator."""
    width = CHUNK if jax.default_backend() == "cpu" else WIDEST
    runs = plan.runs(width)
    free = free_memory()
    while width > CHUNK and free is not None and runs.executable().memory > 0.8 * free:
        width //= 2
        runs = plan.runs(width)
    memory = runs.executable().memory
    seconds = 0.0
    for _ in range(2):  # the first one also wakes what sleeps until it is needed
        if seconds < 1.0:
            started = time.perf_counter()
            runs(0, min(width, runs.count), threads=1)
            seconds = time.perf_counter() - started
    return Pace(width, seconds, memory, jax.default_backend())


def check_device(cutting: Cutting) -> None:
    """Raise InputError where this process computes on another kind of device than the one a sweep was begun on."""
    here = jax.default_backend()
    if here != cutting.device:
        raise InputError(
            f"The sweep was begun on `{cutting.device}`, but this process computes on `{here}`, whose numbers differ by "
            f"rounding; set JAX_PLATFORMS={cutting.device}, or choose another `--out`."
        )
