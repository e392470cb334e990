"""From a unitary matrix to the 2x2 matrices of a mesh's interferometers.

A decomposition is U = diag(screen) x column x ... x column, the first column nearest to the input; each column is the
2x2 unitaries of its interferometers.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.devices.mesh.layout import Butterfly, Layout, Triangular


class Cells(NamedTuple):
    """cells: (columns, slots, 2, 2) unitary, the identity in empty slots. screen: (modes,) of modulus one, behind them.
    residual: the largest deviation from what the layout can do; rounding for a universal layout and a unitary matrix."""

    cells: Array
    screen: Array
    residual: Array


@functools.partial(jax.jit, static_argnums=0)
def decompose(layout: Layout, unitary: Array) -> Cells:
    """The 2x2 unitaries of `layout` whose product is `unitary` (modes, modes).

    Sources: Reck et al., Phys. Rev. Lett. 73, 58 (1994); Clements et al., Optica 3, 1460 (2016), whose screen in the middle
    is pushed to the outputs: H^+ D = D (D^+ H^+ D).
    """
    if isinstance(layout, Butterfly):
        return _butterfly(layout, unitary)
    return _triangle(layout, unitary) if isinstance(layout, Triangular) else _rectangle(layout, unitary)


def _dark(size: Array) -> Array:
    """Where two amplitudes of together `size` are rounding: they turn nothing, so that a permutation has one set of phases."""
    return size <= 16 * jnp.finfo(size.dtype).eps


def _rotation(first: Array, second: Array) -> tuple[Array, Array]:
    """(a, b) with |a|^2 + |b|^2 = 1 for which [[a, -b], [b*, a*]] takes [first*, second*] to [0, n]; a = second* / n."""
    size = jnp.sqrt(jnp.abs(first) ** 2 + jnp.abs(second) ** 2)
    dark = _dark(size)
    safe = jnp.where(dark, 1.0, size)
    return jnp.where(dark, 1.0, jnp.conj(second) / safe), jnp.where(dark, 0.0, jnp.conj(first) / safe)


def _matrix(a: Array, b: Array) -> Array:
    """[[a, -b], [b*, a*]]."""
    return jnp.stack([jnp.stack([a, -b], -1), jnp.stack([jnp.conj(b), jnp.conj(a)], -1)], -2)


def _placed(layout: Layout, cells: Array) -> Array:
    """`cells` with the identity in empty slots."""
    return jnp.where(layout.used[..., None, None], cells, jnp.eye(2, dtype=cells.dtype))


def _triangle(layout: Layout, unitary: Array) -> Cells:
    """Every column nulls one element in each of many rows at once, from the right: as many steps as columns."""
    modes, (columns, slots) = layout.modes, layout.shape
    top = np.minimum(layout.top, modes - 2)
    row = np.where(layout.used, modes - 1 - (np.arange(columns)[:, None] - layout.top) // 2, 0)

    def step(v, at):
        """`v` is the transposed matrix, padded so that odd pairs fit."""
        top, row, used, odd = at
        a, b = _rotation(v[top, row], v[top + 1, row])
        a, b = jnp.where(used, a, 1.0), jnp.where(used, b, 0.0)
        shifted = jax.lax.dynamic_slice_in_dim(v, odd, 2 * slots, 0).reshape(slots, 2, modes)
        upper, lower = shifted[:, 0], shifted[:, 1]
        p, q = jnp.conj(a)[:, None], jnp.conj(b)[:, None]
        turned = jnp.stack([p * upper - q * lower, jnp.conj(q) * upper + jnp.conj(p) * lower], 1)
        return jax.lax.dynamic_update_slice_in_dim(v, turned.reshape(2 * slots, modes), odd, 0), (a, b)

    padded = jnp.concatenate([unitary.T, jnp.zeros((1, modes), unitary.dtype)])
    v, (a, b) = jax.lax.scan(step, padded, (top, row, layout.used, np.arange(columns) % 2))
    return _done(layout, _matrix(a, b), v[:modes].T)


def _done(layout: Layout, cells: Array, left: Array) -> Cells:
    """Cells whose inverse has left a diagonal matrix but for rounding."""
    screen = jnp.diagonal(left)
    residual = jnp.max(jnp.abs(left - jnp.diag(screen)))
    return Cells(_placed(layout, cells), screen / jnp.abs(screen), residual)


def _rectangle(layout: Layout, unitary: Array) -> Cells:
    """One antidiagonal after the other is nulled, from the right and from the left in turn.

    The rotations of one antidiagonal share lines, so that each waits for the one before. Lines are kept as real and
    imaginary parts, (modes, 2, modes), which vector units like better.
    """
    modes = layout.modes
    count = modes - 1
    lines = jnp.stack([unitary.T.real, unitary.T.imag], 1)
    found = jnp.zeros((2, count + count % 2, count, 4), lines.dtype)

    def both(p, carry):
        lines, found = carry
        lines, right = _chain(lines, 2 * p, reverse=True)
        lines = jnp.swapaxes(lines, 0, 2)
        lines, left = jax.lax.cond(
            2 * p + 1 < count, lambda x: _chain(x, 2 * p + 1, reverse=False), lambda x: (x, jnp.zeros_like(right)), lines
        )
        found = found.at[0, 2 * p].set(right).at[1, 2 * p].set(left)
        return jnp.swapaxes(lines, 0, 2), found

    lines, found = jax.lax.fori_loop(0, (count + 1) // 2, both, (lines, found))
    left_over = jax.lax.complex(lines[:, 0], lines[:, 1]).T
    return _from_chains(layout, jax.lax.complex(found[..., 0::2], found[..., 1::2]), left_over)


def _chain(lines: Array, i: Array, *, reverse: bool) -> tuple[Array, Array]:
    """Null antidiagonal `i` by rotations of neighbouring lines (modes, 2, modes); (a, b) of each as four real numbers.

    reverse: the lines are columns of the matrix and go from line i + 1 down to 0; else they are its rows, from row
    N - 2 - i to N - 1.
    """
    modes = lines.shape[0]

    def step(j, carry):
        done, held, found = carry
        if reverse:
            at, pivot = i - j, modes - 1 - j
        else:
            at, pivot = modes - 1 - i + j, j
        first, second = jax.lax.dynamic_index_in_dim(lines, at, 0, False), held
        u, w = first[:, pivot], second[:, pivot]
        size = jnp.sqrt(jnp.sum(u**2) + jnp.sum(w**2))
        dark = _dark(size)
        safe = jnp.where(dark, 1.0, size)
        c = jnp.where(dark, jnp.array([1.0, 0.0], lines.dtype), w / safe)
        s = jnp.where(dark, 0.0, u / safe)
        nulled = _product(c, first) - _product(s, second)
        kept = _product(_conjugate(s), first) + _product(_conjugate(c), second)
        done = jax.lax.dynamic_update_index_in_dim(done, kept, at + 1 if reverse else at - 1, 0)
        return done, nulled, jax.lax.dynamic_update_index_in_dim(found, jnp.concatenate([c, s]), j, 0)

    start = jnp.zeros((modes - 1, 4), lines.dtype)
    first_line = i + 1 if reverse else modes - 2 - i
    held = jax.lax.dynamic_index_in_dim(lines, first_line, 0, False)
    # What is read and what is written are two arrays, so that neither is copied in each step.
    done, held, found = jax.lax.fori_loop(0, i + 1, step, (jax.lax.optimization_barrier(lines), held, start))
    return jax.lax.dynamic_update_index_in_dim(done, held, 0 if reverse else modes - 1, 0), found


def _product(number: Array, line: Array) -> Array:
    """A complex number (2,) times a line (2, modes)."""
    re, im = line
    return jnp.stack([number[0] * re - number[1] * im, number[0] * im + number[1] * re])


def _conjugate(number: Array) -> Array:
    return jnp.stack([number[0], -number[1]])


def _from_chains(layout: Layout, found: Array, left_over: Array) -> Cells:
    """The chains' rotations (side, antidiagonal, position, (c, s)) where they stand in the mesh."""
    modes, columns = layout.modes, layout.shape[0]
    c, m = np.arange(columns)[:, None], layout.top
    from_right = m + c <= modes - 2
    antidiagonal = np.where(from_right, m + c, 2 * modes - 3 - m - c)
    position = np.where(from_right, c, modes - 1 - c)
    place = lambda x: np.where(layout.used, x, 0)
    at = found[place((~from_right).astype(int)), place(antidiagonal - ~from_right), place(position)]
    # A chain turns two lines x, y into (c x - s y, s* x + c* y).
    first, second = at[..., 0], at[..., 1]
    right = jnp.conj(_matrix(first, second))
    screen = jnp.diagonal(left_over)
    screen = screen / jnp.abs(screen)
    rows = jnp.stack([jnp.stack([jnp.conj(first), jnp.conj(second)], -1), jnp.stack([-second, first], -1)], -2)
    inverse = jnp.conj(jnp.swapaxes(rows, -1, -2))
    upper, lower = screen[np.minimum(m, modes - 2)], screen[np.minimum(m + 1, modes - 1)]
    phases = jnp.stack([upper, lower], -1)
    left = jnp.conj(phases)[..., :, None] * inverse * phases[..., None, :]
    cells = jnp.where(from_right[..., None, None], right, left)
    residual = jnp.max(jnp.abs(left_over - jnp.diag(jnp.diagonal(left_over))))
    return Cells(_placed(layout, cells), screen, residual)


def _butterfly(layout: Layout, unitary: Array) -> Cells:
    """The last column joins halves: rows m and m + N/2 of either half of the columns must be multiples of one row.

    Source: Le, Zheng, Riccietti, Gribonval, ICASSP (2022), exact hierarchical factorisation into butterflies.
    """
    blocks, columns, residual = unitary[None], [], jnp.zeros((), unitary.real.dtype)
    for _ in range(layout.shape[0]):
        count, size = blocks.shape[0], blocks.shape[1] // 2
        parts = blocks.reshape(count, 2, size, 2, size)
        pair = jnp.moveaxis(parts, (2, 3), (1, 2))  # (block, row in half, half of columns, half of rows, column in half)
        norms = jnp.linalg.norm(pair, axis=-1, keepdims=True)
        longer = jnp.where(norms[..., :1, :] >= norms[..., 1:, :], pair[..., :1, :], pair[..., 1:, :])
        row = longer / jnp.maximum(jnp.linalg.norm(longer, axis=-1, keepdims=True), jnp.finfo(norms.dtype).tiny)
        factor = jnp.sum(pair * jnp.conj(row), axis=-1)  # (block, row in half, half of columns, half of rows)
        residual = jnp.maximum(residual, jnp.max(jnp.abs(pair - factor[..., None] * row)))
        columns.append(jnp.swapaxes(factor, -1, -2).reshape(count * size, 2, 2))
        blocks = jnp.moveaxis(row[..., 0, :], 2, 1).reshape(2 * count, size, size)
    screen = blocks.reshape(-1)
    inputs = screen.reshape(-1, 1, 2)
    cells = jnp.stack([*columns[:-1], columns[-1] * inputs][::-1])
    return Cells(cells, jnp.ones(layout.modes, cells.dtype), residual)
