"""Values put into places of a table, with a derivative that is taken out of the same places."""

import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.devices.mesh.rule import with_rule


class Placing:
    """A static table of places; each of `count` values stands in at most one of them, others hold a blank value.

    The derivative of a gather is a scatter, which XLA does one number after the other on a CPU; here it is a gather too.
    """

    def __init__(self, table: np.ndarray, count: int):
        self.table = np.where((table < 0) | (table > count), count, table)
        self.origin = np.zeros(count, int)
        self.placed = np.zeros(count, bool)
        where = np.nonzero(self.table.reshape(-1) < count)[0]
        values = self.table.reshape(-1)[where]
        assert len(np.unique(values)) == len(values), "a value stands in more than one place"
        self.origin[values] = where
        self.placed[values] = True

    def __call__(self, values: Array, blank: Array | float = 0.0, *, plain: bool = False) -> Array:
        """`values` (..., count) in their places (..., *table), `blank` (...) in the others; `plain` without the own rule."""
        blank = jnp.broadcast_to(jnp.asarray(blank, values.dtype), values.shape[:-1])
        return self._put(values, blank) if plain else self._ruled(values, blank)

    def _put(self, values: Array, blank: Array) -> Array:
        return jnp.concatenate([values, blank[..., None]], -1)[..., self.table]

    @functools.cached_property
    def _ruled(self):
        def take(_, g):
            taken = g.reshape(*g.shape[: g.ndim - self.table.ndim], -1)[..., self.origin]
            return jnp.where(self.placed, taken, 0.0), jnp.zeros(taken.shape[:-1], taken.dtype)

        return with_rule(lambda values, blank: (self._put(values, blank), None), take)
