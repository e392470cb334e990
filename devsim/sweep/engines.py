"""The engines of a sweep: this process, a Dask cluster; and which shard of a job array this is."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any, Protocol

from devsim import check
from devsim.check import InputError
from devsim.sweep.pieces import START_SECONDS, Pace, Piece, check_device, chunk_of, pace_of, threads_that_fit
from devsim.sweep.plan import Plan
from devsim.sweep.store import Store
from devsim.threads import blocks, cores

_ADDRESS = re.compile(r"dask://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_SHARD = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


class Engine(Protocol):
    """What finds out how fast blocks are, and does chunks."""

    def pace(self, plan: Plan) -> Pace:
        """Compile and time one block where blocks will run."""
        ...

    def chunk(self, pace: Pace, runs: int) -> int:
        """Runs in a chunk that suits this engine."""
        ...

    def advice(self, pace: Pace, runs: int) -> str:
        """A line where another engine would be as quick; otherwise nothing."""
        ...

    def work(self, plan: Plan, store: Store, pieces: list[Piece], done: Callable[[int], None]) -> None:
        """Do the chunks and put them into the store; `done` is told of more finished runs, and may be told of parts."""
        ...


@dataclasses.dataclass(frozen=True)
class Shard:
    """One of `count` jobs that share a folder: number `index`, from 0, which does the chunks index, index + count, ..."""

    index: int
    count: int

    @classmethod
    def read(cls, given: Any) -> "Shard":
        """The shard of `i/N`, or of a pair (i, N). Raises InputError unless 0 <= i < N."""
        told = "/".join(map(str, given)) if isinstance(given, tuple | list) else str(given)
        found = _SHARD.fullmatch(told.strip())
        index, count = map(int, found.groups()) if found else (0, 0)
        if index >= count:
            raise InputError(f"`--shard` must be i/N with i from 0 to N - 1, such as 0/8, but is `{told}`.")
        return cls(index, count)

    def part(self, pieces: list[Piece]) -> list[Piece]:
        """Those chunks that are this shard's."""
        return [piece for piece in pieces if piece.number % self.count == self.index]


@dataclasses.dataclass
class Local:
    """This process: blocks side by side on its cores."""

    shards: int = 1

    def pace(self, plan: Plan) -> Pace:
        """Compile and time one block."""
        return pace_of(plan)

    def chunk(self, pace: Pace, runs: int) -> int:
        """Some seconds of work for all cores, and several chunks for every shard."""
        return chunk_of(pace, runs, cores=cores(), workers=self.shards)

    def advice(self, pace: Pace, runs: int) -> str:
        """Whether shards have less to do than they take to start."""
        seconds = pace.seconds * runs / pace.width / cores() / self.shards
        if self.shards == 1 or seconds > START_SECONDS:
            return ""
        return (
            f"a shard has about {seconds:.2g} s of work, less than the {START_SECONDS:g} s or so that it takes to start: fewer "
            "shards, or one process, would be as quick."
        )

    def work(self, plan: Plan, store: Store, pieces: list[Piece], done: Callable[[int], None]) -> None:
        """Chunk after chunk."""
        check_device(store.cutting)
        runs = plan.runs(store.cutting.width)
        threads = threads_that_fit(runs.executable().memory, blocks())
        for piece in pieces:
            told = 0

            def progress(now: int) -> None:
                nonlocal told
                done(now - told)
                told = now

            store.put(piece, runs(piece.start, piece.stop, ideal=piece.ideal, threads=threads, progress=progress))


def engine_of(name: str, *, shard: Shard | None, folder: str | None) -> Engine:
    """The engine of that name: `local` or `dask://HOST:PORT`.

    Raises InputError for another name, a port that is none, a shard on a cluster, a scheduler that does not answer.
    """
    if name == "local":
        return Local(1 if shard is None else shard.count)
    check.instance("engine", name, str)
    found = _ADDRESS.fullmatch(name)
    if not found or not 0 < int(found[2]) < 2**16:
        raise InputError(f"`--engine` must be `local` or `dask://HOST:PORT`, such as dask://127.0.0.1:8786, but is `{name}`.")
    if shard is not None:
        raise InputError(
            "`--shard` divides a sweep among local jobs; a Dask cluster divides it by itself. Give one of the two."
        )
    from devsim.sweep.cluster import Cluster

    return Cluster.joined(found[1], int(found[2]), folder)
