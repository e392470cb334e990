"""Runs a function on many draws or settings: chunked for the cache, spread over the cores, with the same numbers either way."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import equinox as eqx
import jax
import numpy as np
import scipy.linalg  # noqa: F401  its LAPACK, which JAX calls, must be loaded for threadpoolctl to find it
from jaxtyping import Array, Key
from threadpoolctl import threadpool_limits

from devsim import check
from devsim.threads import blocks

CHUNK = 4
"""Keys per vectorised call: enough to fill vector units, few enough for the cache."""


def for_each_key(
    function: Callable[..., Any],
    arguments: Any,
    keys: Key[Array, " n"],
    *,
    chunk: int = CHUNK,
    progress: Callable[[int], None] | None = None,
) -> Any:
    """`function(arguments, key)` for every key, stacked along a leading axis, as NumPy arrays; see `for_each`."""
    check.key(keys, single=False)
    if keys.ndim != 1 or not len(keys):
        raise check.InputError(f"`keys` must be a row of at least one key, but has shape {keys.shape}.")
    return for_each(function, arguments, keys, chunk=min(chunk, len(keys)), progress=progress)


def for_each(
    function: Callable[..., Any],
    shared: Any,
    each: Any,
    *,
    chunk: int = CHUNK,
    progress: Callable[[int], None] | None = None,
) -> Any:
    """`function(shared, one)` for every `one` along the leading axis of `each`, stacked, as NumPy arrays.

    XLA runs a loop on one core, so chunks run in as many threads as there are cores. Every chunk has the same size (the
    last repeats its last member and is cut), so one compilation serves all, and what one member gives does not depend on
    the chunk into which it fell. `progress` is told how many are done after each chunk.
    """
    check.whole("chunk", chunk, 1)
    count = len(jax.tree.leaves(each)[0])
    places = [np.minimum(np.arange(start, start + chunk), count - 1) for start in range(0, count, chunk)]
    done = 0

    def run(place):
        nonlocal done
        part = jax.tree.map(lambda leaf: leaf[place], each)
        values = jax.tree.map(np.asarray, _vectorised(function, shared, part))
        done = min(done + chunk, count)
        if progress is not None:
            progress(done)
        return values

    with undivided_algebra():
        first = run(places[0])  # compiles once, before the threads start
        pieces = [first, *side_by_side(run, places[1:])]
    return jax.tree.map(lambda *parts: np.concatenate(parts)[:count], *pieces)


def side_by_side(run: Callable[[Any], Any], many: Sequence[Any], *, threads: int | None = None) -> list[Any]:
    """`[run(one) for one in many]`, in as many `threads` as there are cores unless told (`devsim.threads`)."""
    with ThreadPoolExecutor(max_workers=threads or blocks()) as pool:
        return list(pool.map(run, many))


@contextmanager
def undivided_algebra() -> Iterator[None]:
    """LAPACK on one thread for each call: threads of its own beside those of the pool cost far more than they gain."""
    with threadpool_limits(1, user_api="blas"):
        yield


@eqx.filter_jit
def _vectorised(function, shared, each):
    return jax.vmap(lambda one: function(shared, one))(each)
