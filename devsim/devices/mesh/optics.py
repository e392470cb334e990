"""The waves in a mesh, from the phases of its places, its splitters and its losses."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.mesh.columns import lane_factors, plain_columns, scan_columns, scan_reversed
from devsim.devices.mesh.diamonds import SMALLEST, cross_diamonds
from devsim.devices.mesh.interferometer import cosine_and_sine, transfer
from devsim.devices.mesh.layout import Layout


class Optics(NamedTuple):
    """cells: (2, 2, columns, slots) as real and imaginary parts. idle: (columns, modes) and screen: (modes,), complex."""

    cells: tuple[Array, Array]
    idle: Array
    screen: Array


@functools.partial(jax.jit, static_argnames=("layout", "plain"))
def optics(layout: Layout, places: Array, errors: Array, kept: Array, *, plain: bool = False) -> Optics:
    """From the phases of all `places` (2 columns + 1, modes), rad, splitter `errors` (2, columns, slots), rad, and what the
    inner arms keep of the amplitude, `kept` (2, columns, slots). plain: as `transmit`."""
    heaters = layout.heaters
    flat = places.reshape(-1)
    phases = heaters.at_cells(flat, plain=plain)
    cells = transfer(phases, errors, kept, plain=plain)
    idle = heaters.at_idle(flat, plain=plain)
    factor = lambda phase: jax.lax.complex(*cosine_and_sine(phase))
    return Optics(cells, factor(idle[0] + idle[1]), factor(places[-1]))


@functools.partial(jax.jit, static_argnames=("layout", "plain"))
def transmit(layout: Layout, parts: Optics, waves: Array, *, plain: bool = False) -> Array:
    """`waves` (modes, batch) at the inputs, as they leave the outputs.

    plain: without rules of our own, which are quick in reverse but know no forward mode, which Newton's method needs.
    """
    if plain:
        crossed = plain_columns(layout, *lane_factors(layout, parts.cells, parts.idle), waves)
    elif layout.neighbours and layout.modes >= SMALLEST:
        crossed = cross_diamonds(layout, parts.cells, parts.idle, waves)
    else:
        crossed = scan_columns(layout, *lane_factors(layout, parts.cells, parts.idle), waves)
    return parts.screen[:, None] * crossed


@functools.partial(jax.jit, static_argnames="layout")
def transmit_back(layout: Layout, parts: Optics, waves: Array) -> Array:
    """`waves` (modes, batch) that enter the outputs, as they leave the inputs: the transposed matrix."""
    factors = lane_factors(layout, parts.cells, parts.idle)
    return scan_reversed(layout, *factors, parts.screen[:, None] * waves)


def whole(layout: Layout, parts: Optics, *, plain: bool = False) -> Array:
    """The matrix (outputs, inputs)."""
    return transmit(layout, parts, jnp.eye(layout.modes, dtype=parts.screen.dtype), plain=plain)


def ideal_transfer(layout: Layout, phases: Array, errors: Array) -> Array:
    """The matrix (outputs, inputs) of a lossless mesh with heaters at `phases` and splitter `errors`."""
    places = layout.heaters.on_chip(phases)
    return whole(layout, optics(layout, places, errors, jnp.ones_like(errors)))
