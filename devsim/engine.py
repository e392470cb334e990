"""Runs a function of a key on many keys: chunked for the cache, spread over the cores, with the same numbers either way."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Key

from devsim import check

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
    """`function(arguments, key)` for every key, stacked along a leading axis, as NumPy arrays.

    XLA runs a loop on one core, so chunks of keys run in as many threads as there are cores. Every chunk has the same
    size (the last repeats its last key and is cut), so one compilation serves all, and a key's result does not depend
    on which chunk it fell into. `progress` is told how many keys are done after each chunk.
    """
    check.key(keys, single=False)
    check.whole("chunk", chunk, 1)
    if keys.ndim != 1 or not len(keys):
        raise check.InputError(f"`keys` must be a row of at least one key, but has shape {keys.shape}.")
    count = len(keys)
    chunk = min(chunk, count)
    places = [np.minimum(np.arange(start, start + chunk), count - 1) for start in range(0, count, chunk)]
    done = 0

    def run(place):
        nonlocal done
        values = jax.tree.map(np.asarray, _vectorised(function, arguments, keys[place]))
        done = min(done + chunk, count)
        if progress is not None:
            progress(done)
        return values

    first = run(places[0])  # compiles once, before the threads start
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        pieces = [first, *pool.map(run, places[1:])]
    return jax.tree.map(lambda *parts: np.concatenate(parts)[:count], *pieces)


@eqx.filter_jit
def _vectorised(function, arguments, keys):
    return jax.vmap(lambda key: function(arguments, key))(keys)
