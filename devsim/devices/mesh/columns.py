"""Waves through the columns of a mesh, for any layout: one scan with its own reverse rule.

A column takes a wave x (modes, batch) to own x + cross x[partner]: what each mode keeps and what it gets from the one it meets.
Reverse rule: the cotangent g walks backwards through the transposed columns; d own = sum g x, d cross = sum g x[partner] over
the batch. The fields x are stored on the way, or, where every column is unitary, found again by walking backwards.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.devices.mesh.layout import Layout
from devsim.devices.mesh.rule import with_rule


def lane_factors(layout: Layout, cells: tuple[Array, Array], idle: Array) -> tuple[Array, Array]:
    """(own, cross), each (columns, modes), of interferometers `cells` (2, 2, columns, slots) as real and imaginary parts.

    idle: complex (columns, modes), the factor on modes that meet none.
    """
    lanes = layout.lanes
    at = lambda row, column: jax.lax.complex(*(part[row, column].reshape(-1)[lanes.cell] for part in cells))
    own = jnp.where(lanes.idle, idle, jnp.where(lanes.above, at(0, 0), at(1, 1)))
    return own, jnp.where(lanes.idle, 0.0, jnp.where(lanes.above, at(0, 1), at(1, 0)))


def scan_columns(layout: Layout, own: Array, cross: Array, waves: Array, *, unitary: bool = False) -> Array:
    """`waves` (modes, batch) behind the last column.

    unitary: every column is unitary; its reverse rule then stores no fields, but is wrong where there is loss.
    """
    partner = layout.lanes.partner
    found = with_rule(*(_walked(layout, partner) if unitary else _stored(layout, partner)))
    return found(own, cross, waves)


def scan_reversed(layout: Layout, own: Array, cross: Array, waves: Array) -> Array:
    """`waves` (modes, batch) that enter behind the last column, as they leave the first: the transposed columns in turn."""
    step = lambda x, at: (_back(x, *at), None)
    return jax.lax.scan(step, waves, (own, cross, layout.lanes.partner), reverse=True)[0]


def _step(x: Array, own: Array, cross: Array, partner: Array) -> Array:
    return own[:, None] * x + cross[:, None] * x[partner]


def plain_columns(layout: Layout, own: Array, cross: Array, waves: Array) -> Array:
    """`scan_columns` with the derivative that JAX finds for itself: what the rule is checked against."""
    return jax.lax.scan(lambda x, at: (_step(x, *at), None), waves, (own, cross, layout.lanes.partner))[0]


def fields(layout: Layout, own: Array, cross: Array, waves: Array) -> tuple[Array, Array]:
    """The waves behind the last column (modes, batch), and before each one (columns, modes, batch)."""
    return jax.lax.scan(lambda x, at: (_step(x, *at), x), waves, (own, cross, layout.lanes.partner))


def _gradients(g: Array, x: Array, partner: Array) -> tuple[Array, Array]:
    """Batch sums as products with a vector of ones, which XLA does not serialise."""
    ones = jnp.ones(x.shape[1:], x.dtype)
    return (g * x) @ ones, (g * x[partner]) @ ones


def _back(g: Array, own: Array, cross: Array, partner: Array) -> Array:
    """Through one transposed column."""
    return _step(g, own, cross[partner], partner)


def _stored(layout: Layout, partner: np.ndarray) -> tuple:
    """The rule that stores the waves before every column."""

    def primal(own, cross, waves):
        out, before = fields(layout, own, cross, waves)
        return out, (own, cross, before)

    def transpose(kept, g):
        def step(g, at):
            own, cross, partner, x = at
            return _back(g, own, cross, partner), _gradients(g, x, partner)

        own, cross, before = kept
        g, (d_own, d_cross) = jax.lax.scan(step, g, (own, cross, partner, before), reverse=True)
        return d_own, d_cross, g

    return primal, transpose


def _walked(layout: Layout, partner: np.ndarray) -> tuple:
    """The rule that finds the waves again by walking a unitary mesh backwards."""

    def primal(own, cross, waves):
        out = plain_columns(layout, own, cross, waves)
        return out, (own, cross, out)

    def transpose(kept, g):
        def step(carry, at):
            g, x = carry
            own, cross, partner = at
            x = _back(x, jnp.conj(own), jnp.conj(cross), partner)
            return (_back(g, own, cross, partner), x), _gradients(g, x, partner)

        own, cross, out = kept
        (g, _), (d_own, d_cross) = jax.lax.scan(step, (g, out), (own, cross, partner), reverse=True)
        return d_own, d_cross, g

    return primal, transpose
