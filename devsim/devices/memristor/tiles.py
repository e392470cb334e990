"""A matrix of conductances on one array, or cut into tiles whose currents add."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.memristor import wire_grid
from devsim.devices.memristor.wire_grid import Wires

Tile = tuple[int, int] | None
"""(rows, wires) of one array; None for an array as large as the matrix."""


def cut(conductance: Array, tile: tuple[int, int]) -> Array:
    """(rows, wires) -> (tiles down, tiles across, tile rows, tile wires), S.

    What a matrix leaves of its last tiles stays without cells: above its rows, far from the sense amplifiers, and
    behind its wires, far from the drivers.
    """
    down, across = _count(conductance.shape, tile)
    rows, wires = conductance.shape
    padded = jnp.pad(conductance, ((0, down * tile[0] - rows), (0, across * tile[1] - wires)))
    blocks = padded.reshape(down, tile[0], across, tile[1]).transpose(0, 2, 1, 3)
    return _shift_last(blocks, down * tile[0] - rows, -2)


def transfer(conductance: Array, wires: Wires, tile: Tile) -> Array:
    """Currents out of grounded columns per row potential, (rows, wires), S."""
    if tile is None:
        return wire_grid.transfer(conductance, wires)
    blocks = cut(conductance, tile)
    of_tiles = jax.vmap(jax.vmap(lambda g: wire_grid.transfer(g, wires)))(blocks)
    unused = of_tiles.shape[0] * tile[0] - conductance.shape[0]
    return _paste(_shift_last(of_tiles, -unused, -2), conductance.shape)


def admittance(conductance: Array, wires: Wires, tile: Tile, *, terminals: int | None = None) -> Array:
    """Currents into all terminals per volt at each of the first `terminals` (all unless given), rows then wires, S.

    Shape (rows + wires, terminals).
    """
    rows, columns = conductance.shape
    terminals = rows + columns if terminals is None else terminals
    if tile is None and terminals == rows + columns:
        return wire_grid.admittance(conductance, wires)
    respond = lambda v: jnp.concatenate(currents(conductance, v[:rows], v[rows:], wires, tile))
    return jax.lax.map(respond, jnp.eye(terminals, rows + columns, dtype=conductance.dtype), batch_size=8).T


def currents(conductance: Array, rows: Array, columns: Array, wires: Wires, tile: Tile) -> tuple[Array, Array]:
    """Currents into the row and the wire terminals (A) of linear cells."""
    return _over_tiles(lambda g, v, u: wire_grid.terminal_currents(g, v, u, wires), conductance, rows, columns, tile)


def nonlinear_currents(law: tuple, rows: Array, columns: Array, wires: Wires, tile: Tile) -> tuple[Array, Array]:
    """Currents into the row and the wire terminals (A) of cells that conduct as law = (conduction, conductance)."""
    conduction, conductance = law

    def solve(g, v, u):
        flow = lambda parameters, voltage: parameters[0].current(voltage, parameters[1])
        solution = wire_grid.solve_nonlinear_grid(flow, (conduction, g), v, u, wires)
        return solution.row_current, -solution.column_current

    return _over_tiles(solve, conductance, rows, columns, tile)


def _over_tiles(solve: Callable, conductance: Array, rows: Array, columns: Array, tile: Tile) -> tuple[Array, Array]:
    if tile is None:
        return solve(conductance, rows, columns)
    (down, across), (row_count, wire_count) = _count(conductance.shape, tile), conductance.shape
    unused = down * tile[0] - row_count
    drives = _shift_last(jnp.pad(rows, (0, unused)).reshape(down, tile[0]), unused, -1)
    sinks = jnp.pad(columns, (0, across * tile[1] - wire_count)).reshape(across, tile[1])
    at_rows, at_columns = jax.vmap(lambda g, v: jax.vmap(lambda g, u: solve(g, v, u))(g, sinks))(cut(conductance, tile), drives)
    at_rows = _shift_last(at_rows.sum(axis=1), -unused, -1)
    return at_rows.reshape(-1)[:row_count], at_columns.sum(axis=0).reshape(-1)[:wire_count]


def _shift_last(blocks: Array, by: int, axis: int) -> Array:
    """Move the rows of the last tile down by `by`: its unused rows are then above, far from the sense amplifiers."""
    return blocks.at[-1].set(jnp.roll(blocks[-1], by, axis=axis))


def _paste(blocks: Array, shape: tuple[int, int]) -> Array:
    down, across, rows, wires = blocks.shape
    return blocks.transpose(0, 2, 1, 3).reshape(down * rows, across * wires)[: shape[0], : shape[1]]


def _count(shape: tuple[int, int], tile: tuple[int, int]) -> tuple[int, int]:
    return -(-shape[0] // tile[0]), -(-shape[1] // tile[1])
