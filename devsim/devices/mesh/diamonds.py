"""Waves through a mesh of neighbours in diamonds: small dense matrices instead of single interferometers.

With p = (mode + column) / 2 and q = (column - mode) / 2 the interferometer (p, q) of a checkerboard feeds (p + 1, q) and
(p, q + 1), so a square of k x k in p and q is again an interferometer, of 2 k modes, in a coarser checkerboard. Its matrix is
found by merging four squares of half the size, M = (1 + D + 1) (B + C) (1 + A + 1), and the waves cross N / k + 1 coarse
columns of dense products: twice the arithmetic of one dense product, at its speed. Complex numbers are kept as real and
imaginary parts, which vector units like better.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.devices.mesh.layout import Layout
from devsim.devices.mesh.placing import Placing
from devsim.devices.mesh.rule import with_rule

Pair = tuple[Array, Array]
"""Real and imaginary part."""
SMALLEST = 48
"""Modes below which a scan over columns is quicker, or as quick and compiled much sooner."""


class Tiling(NamedTuple):
    """placing: what stands in each place (k k, stages tiles): a flat cell, then a pair of idle modes, at last nothing.
    idle: (2, pairs) the flat (column, mode) of pairs of idle modes, the number of all where one is beyond the edge. first: the
    parity of the first stage. shape: (stages, tiles). coarse: coarse modes. side: k."""

    placing: Placing
    idle: np.ndarray
    first: int
    shape: tuple[int, int]
    coarse: int
    side: int


@functools.cache
def tiling(layout: Layout) -> Tiling:
    """How the interferometers of a checkerboard fall into diamonds."""
    modes, (columns, slots) = layout.modes, layout.shape
    k = 4 if modes < 128 else 8
    c, m, what, idle = _everything(layout)
    p, q = (m + c) // 2, (c - m) // 2
    stage, height = p // k + q // k, p // k - q // k + 1  # the pair above the first mode has height 0
    first = int(stage.min())
    coarse = int(height.max()) + 2
    coarse += coarse % 2
    stages, tiles = int(stage.max()) - first + 1, coarse // 2
    odd = (stage + 1) % 2
    tile = (height - odd) // 2
    place = np.zeros_like(p)
    for bit in range(k.bit_length() - 1):  # the first merge joins what lies furthest apart in memory
        place = 4 * place + 2 * ((p >> bit) & 1) + ((q >> bit) & 1)
    column = (stage - first) * tiles + tile
    nothing = columns * slots + idle.shape[1]
    table = np.full((k * k, stages * tiles), nothing)
    table[place, column] = what
    return Tiling(Placing(table, nothing), idle, (first + 1) % 2, (stages, tiles), coarse, k)


def _everything(layout: Layout) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Column, upper mode and number of every place of the checkerboard that holds an interferometer or idle modes."""
    modes, (columns, slots) = layout.modes, layout.shape
    c, s = np.nonzero(layout.used)
    m = layout.top[c, s]
    taken = {*zip(c.tolist(), m.tolist(), strict=True)}
    blank = [(x, y) for x in range(columns) for y in range(-(x % 2), modes, 2) if (x, y) not in taken]
    column, upper = np.moveaxis(np.array(blank, int).reshape(-1, 2), 0, 1)
    beyond = columns * modes
    flat = lambda mode: np.where((mode >= 0) & (mode < modes), column * modes + mode, beyond)
    number = columns * slots + np.arange(len(column))
    what = np.concatenate([c * slots + s, number])
    return np.concatenate([c, column]), np.concatenate([m, upper]), what, np.stack([flat(upper), flat(upper + 1)])


def cross_diamonds(layout: Layout, cells: Pair, idle: Array, waves: Array) -> Array:
    """`waves` (modes, batch), complex, behind the last column, past interferometers `cells` (2, 2, columns, slots).

    idle: complex (columns, modes), the factor on modes that meet none. Agrees with `scan_columns` but for rounding.
    """
    told = tiling(layout)
    k, modes = told.side, layout.modes
    operators = _operators(told, _gathered(told, cells, idle))
    before = 2 * k - 1
    padded = jnp.pad(waves, ((before, told.coarse * k - modes - before), (0, 0))).reshape(told.coarse, k, -1)
    x = _stages(jnp.stack([padded.real, padded.imag], 1), operators, told.first)
    return jax.lax.complex(x[:, 0], x[:, 1]).reshape(told.coarse * k, -1)[before : before + modes]


def _gathered(told: Tiling, cells: Pair, idle: Array) -> Pair:
    """What stands in each place (2, 2, places, tiles), the identity for nothing."""
    eye = jnp.eye(2, dtype=cells[0].dtype)
    pairs = jnp.append(idle.reshape(-1), 1.0)[told.idle]
    found = []
    for part, alone, blank in zip(cells, (pairs.real, pairs.imag), (eye, 0 * eye), strict=True):
        diagonal = jnp.einsum("ij,in->ijn", eye, alone)
        found.append(told.placing(jnp.concatenate([part.reshape(2, 2, -1), diagonal], -1), blank))
    return jax.lax.optimization_barrier(tuple(found))


def _operators(told: Tiling, cells: Pair) -> Array:
    """The matrices of the diamonds, (stages, tiles, 4 k, 4 k) real: rows and columns are coarse modes, each as its real and
    then its imaginary parts."""
    k, merged = told.side, cells
    while merged[0].shape[0] < 2 * k:
        size = merged[0].shape[0]
        merged = _merge(*_two(lambda g: g.reshape(size, size, 4, -1, g.shape[-1]), merged))
    shape = (*told.shape, 2, k, 2, k)
    re, im = (jnp.moveaxis(part[:, :, 0], -1, 0).reshape(shape) for part in merged)
    rows = jnp.stack([jnp.stack([re, -im], axis=5), jnp.stack([im, re], axis=5)], axis=3)
    return rows.reshape(*told.shape, 4 * k, 4 * k)


def _two(function, *pairs: Pair) -> Pair:
    return tuple(function(*parts) for parts in zip(*pairs, strict=True))


def _at(pair: Pair, rows: slice, columns: slice) -> Pair:
    return _two(lambda x: x[rows, columns], pair)


def _product(x: Pair, y: Pair) -> Pair:
    """The matrix product over the first two axes, many side by side along the others; unrolled, so that it is vectorised."""
    (a, b), (c, d) = x, y
    inner = range(a.shape[1])
    re = sum(a[:, j, None] * c[None, j] - b[:, j, None] * d[None, j] for j in inner)
    im = sum(a[:, j, None] * d[None, j] + b[:, j, None] * c[None, j] for j in inner)
    return jax.lax.optimization_barrier((re, im))


def _adjoint(x: Pair) -> Pair:
    return jnp.swapaxes(x[0], 0, 1), -jnp.swapaxes(x[1], 0, 1)


def _blocks(rows: list[list[Pair]]) -> Pair:
    """A matrix of blocks."""
    joined = tuple(jnp.concatenate([jnp.concatenate([b[part] for b in row], 1) for row in rows], 0) for part in (0, 1))
    return jax.lax.optimization_barrier(joined)


def _merged(a: Pair, c: Pair, b: Pair, d: Pair) -> tuple[Pair, Pair]:
    """(1 + d + 1) (c + b) (1 + a + 1), `+` the direct sum, and the middle columns that `d` acts on."""
    half = a[0].shape[0] // 2
    u, w, every = slice(0, half), slice(half, None), slice(None)
    zero = _two(jnp.zeros_like, _at(a, u, u))
    upper = _product(_at(c, every, w), _at(a, u, every))
    lower = _product(_at(b, every, u), _at(a, w, every))
    middle = _blocks([[_at(upper, w, every)], [_at(lower, u, every)]])
    row = [_product(_at(d, every, u), _at(c, w, u)), _product(d, middle), _product(_at(d, every, w), _at(b, u, w))]
    return _blocks([[_at(c, u, u), _at(upper, u, every), zero], row, [zero, _at(lower, w, every), _at(b, w, w)]]), middle


def _merge_primal(*quarters: Array) -> tuple[Pair, tuple]:
    """Of (size, size, 4, ...): four squares side by side, the first, the upper, the lower and the last one."""
    parts = tuple(_two(lambda g, i=i: g[:, :, i], quarters) for i in range(4))
    out, middle = _merged(*parts)
    return out, (*parts, middle)


def _merge_transpose(kept: tuple, g: Pair) -> Pair:
    """For Z = X Y: dX = dZ Y^+, dY = X^+ dZ, with the parts of the gradient as those of a complex number."""
    a, c, b, d, middle = kept
    size = a[0].shape[0]
    half = size // 2
    u, w, every = slice(0, half), slice(half, None), slice(None)
    top, centre, bottom = slice(0, half), slice(half, half + size), slice(half + size, None)
    zero = _two(jnp.zeros_like, _at(a, u, u))
    row = _at(g, centre, every)
    full = _blocks([[_at(c, w, u), _at(middle, u, every), zero], [zero, _at(middle, w, every), _at(b, u, w)]])
    below = _product(_adjoint(d), row)
    upper = _blocks([[_at(g, top, centre)], [_at(below, u, centre)]])
    lower = _blocks([[_at(below, w, centre)], [_at(g, bottom, centre)]])
    d_a = _blocks([[_product(_adjoint(_at(c, every, w)), upper)], [_product(_adjoint(_at(b, every, u)), lower)]])
    left = _blocks([[_at(g, top, top)], [_at(below, u, top)]])
    right = _blocks([[_at(below, w, bottom)], [_at(g, bottom, bottom)]])
    d_c = _blocks([[left, _product(upper, _adjoint(_at(a, u, every)))]])
    d_b = _blocks([[_product(lower, _adjoint(_at(a, w, every))), right]])
    return _two(lambda *parts: jnp.stack(parts, 2), d_a, d_c, d_b, _product(row, _adjoint(full)))


_merge = with_rule(_merge_primal, _merge_transpose)


def _cross(x: Array, operator: Array, odd: bool, transposed: bool = False) -> Array:
    """One coarse column on x (coarse, 2, k, batch); an odd one leaves the first and last coarse mode alone."""
    w = jnp.swapaxes(operator, -1, -2) if transposed else operator
    if not odd:
        return jnp.matmul(w, _tiles(x, w.shape[0])).reshape(x.shape)
    inner = jnp.matmul(w[:-1], _tiles(x[1:-1], w.shape[0] - 1)).reshape(x[1:-1].shape)
    return jnp.concatenate([x[:1], inner, x[-1:]])


def _tiles(x: Array, count: int) -> Array:
    return x.reshape(count, -1, x.shape[-1])


def _stages(x: Array, operators: Array, first: int) -> Array:
    """All coarse columns, two at a time. The reverse rule keeps the waves before each two and finds those between again."""
    odd = (first % 2 == 1, first % 2 == 0)
    count = operators.shape[0]
    whole = count - count % 2
    paired = lambda w: w[:whole].reshape(whole // 2, 2, *w.shape[1:])

    def primal(x, operators):
        both = lambda x, w: (_cross(_cross(x, w[0], odd[0]), w[1], odd[1]), x)
        x, before = jax.lax.scan(both, x, paired(operators))
        last = _cross(x, operators[-1], odd[0]) if count > whole else x
        return last, (operators, before, x)

    def transpose(kept, g):
        operators, before, x = kept
        tiles = operators.shape[1]

        def back(g, w, x, odd):
            return _cross(g, w, odd, transposed=True), _outer(g, x, tiles, odd)

        def both(g, told):
            w, x = told
            g, second = back(g, w[1], _cross(x, w[0], odd[0]), odd[1])
            g, first = back(g, w[0], x, odd[0])
            return g, jnp.stack([first, second])

        tail = jnp.zeros((0, *operators.shape[1:]), operators.dtype)
        if count > whole:
            g, tail = back(g, operators[-1], x, odd[0])
        g, found = jax.lax.scan(both, g, (paired(operators), before), reverse=True)
        return g, jnp.concatenate([found.reshape(whole, *operators.shape[1:]), tail.reshape(-1, *operators.shape[1:])])

    return with_rule(primal, transpose)(x, operators)


def _outer(g: Array, x: Array, count: int, odd: bool) -> Array:
    """The cotangent of a coarse column's operators."""
    inner = slice(1, -1) if odd else slice(None)
    found = jnp.einsum("tib,tjb->tij", _tiles(g[inner], count - odd), _tiles(x[inner], count - odd))
    return jnp.concatenate([found, jnp.zeros_like(found[:1])]) if odd else found
