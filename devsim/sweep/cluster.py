"""The Dask engine: chunks go to the workers of a cluster, what they find comes back to this process, which writes it."""

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Self

from devsim.check import InputError
from devsim.provenance import provenance
from devsim.sweep import worker
from devsim.sweep.pieces import START_SECONDS, Pace, Piece, chunk_of
from devsim.sweep.plan import VERSIONS, Plan
from devsim.sweep.store import Store
from devsim.sweep.worker import Recipe
from devsim.threads import cores

ANSWERS_WITHIN = 5.0
"""Seconds in which a scheduler that lives answers; with what else is asked of it, ten at most."""


@dataclasses.dataclass
class Cluster:
    """Workers of a Dask scheduler. folder: where compiled code is shared with those workers that see it too, or None."""

    client: Any
    address: str
    folder: str | None

    @classmethod
    def joined(cls, host: str, port: int, folder: str | None) -> Self:
        """The cluster at an address. Raises InputError where Dask is missing, nobody answers, or there are no like workers."""
        try:
            import distributed
        except ImportError:
            raise InputError("`--engine dask://...` needs Dask: `pip install 'devsim-cosim[cluster]'`.") from None
        address = f"{host}:{port}"
        with _quiet():
            try:
                # A client that finds nobody hangs when Python ends. In a thread, since a notebook has a loop of its own here.
                with ThreadPoolExecutor(max_workers=1) as pool:
                    pool.submit(asyncio.run, _shake_hands(f"tcp://{address}")).result()
                client = distributed.Client(f"tcp://{address}", timeout=ANSWERS_WITHIN, set_as_default=False)
            except Exception as error:  # what answers may be no scheduler, and say anything
                raise InputError(
                    f"No Dask scheduler answers at `{address}` within {ANSWERS_WITHIN:g} s; start it (`dask scheduler`, "
                    f"`dask worker {address}`), or use `--engine local`."
                ) from error
        cluster = cls(client, address, folder)
        try:
            cluster._check_workers()
        except BaseException:
            client.close()
            raise
        return cluster

    def _check_workers(self) -> None:
        if not self.client.nthreads():
            raise InputError(
                f"The Dask scheduler at `{self.address}` has no workers; start some (`dask worker {self.address}`), or use "
                "`--engine local`."
            )
        here = provenance()
        told = self.client.run(worker.versions, on_error="return")
        for name, there in told.items():
            if not isinstance(there, dict):
                raise InputError(f"The Dask worker `{name}` cannot import devsim ({there}); install it there too.")
            for version in VERSIONS:
                if there[version] != here[version]:
                    label = version.removeprefix("version_").replace("_", "-")
                    raise InputError(
                        f"The Dask worker `{name}` has {label} {there[version]}, but this process has {here[version]}; numbers "
                        "would differ: install the same."
                    )

    @property
    def threads(self) -> int:
        """How many chunks the workers do at a time."""
        return max(1, sum(self.client.nthreads().values()))

    def pace(self, plan: Plan) -> Pace:
        """Compile and time one block on a worker."""
        with self._told():
            return self.client.submit(worker.pace, self._recipe(plan), pure=False).result()

    def chunk(self, pace: Pace, runs: int) -> int:
        """Some seconds of work for one thread, and several chunks for each of them."""
        return chunk_of(pace, runs, cores=1, workers=self.threads)

    def advice(self, pace: Pace, runs: int) -> str:
        """Whether this process alone would be as quick as workers that have to start first."""
        seconds = pace.seconds * runs / pace.width
        there, here = seconds / self.threads + START_SECONDS, seconds / cores()
        if here > there:
            return ""
        return (
            f"the sweep is about {seconds:.2g} s of work on one core, and workers take {START_SECONDS:g} s or so to start and "
            f"compile: `--engine local` would need about {here:.2g} s, these {self.threads} threads about {there:.2g} s."
        )

    def work(self, plan: Plan, store: Store, pieces: list[Piece], done: Callable[[int], None]) -> None:
        """Send all chunks; write each as it comes back. A chunk whose worker dies goes to another."""
        from distributed import as_completed

        recipe = self._recipe(plan)
        with self._told():
            sent = {self.client.submit(worker.chunk, recipe, store.cutting, piece, pure=False): piece for piece in pieces}
            try:
                for future in as_completed(list(sent), loop=self.client.loop):
                    store.put(sent[future], future.result())
                    done(sent[future].stop - sent[future].start)
                    future.release()
            finally:
                self.client.cancel(list(sent))

    def _recipe(self, plan: Plan) -> Any:
        """The recipe as a task of its own, so that it is sent once and made again where it gets lost."""
        return self.client.submit(Recipe.received, Recipe.of(plan, self.folder), pure=False)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong on the way, as an InputError."""
        from concurrent.futures import CancelledError

        from distributed.scheduler import KilledWorker

        try:
            with _quiet():
                yield
        except KilledWorker as error:
            raise InputError(
                f"A chunk brought down every Dask worker that took it ({error}); give workers more memory, or use "
                "`--engine local`."
            ) from error
        except (CancelledError, OSError, TimeoutError) as error:
            raise InputError(
                f"The Dask scheduler at `{self.address}` was lost ({type(error).__name__}); finished chunks are kept, go on "
                "with `--resume`."
            ) from error

    def close(self) -> None:
        """Leave the cluster, which goes on."""
        with _quiet():
            self.client.close()


async def _shake_hands(address: str) -> None:
    """Raise OSError where no scheduler of Dask answers in time."""
    from distributed.comm.core import connect

    comm = await asyncio.wait_for(connect(address, timeout=ANSWERS_WITHIN), ANSWERS_WITHIN)
    await comm.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask tells of lost connections on stderr by itself; what matters is raised."""
    loggers = [logging.getLogger(name) for name in ("distributed", "tornado")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
