"""The 2x2 transfer of every interferometer of a mesh, from phases, splitter angles and losses."""

import functools
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.mesh.rule import apart

_TERMS = 10
_QUARTER = math.pi / 2
_COARSE = 1.5703125
"""The first bits of pi/2, so few that a small whole number of them is exact in 32 bits."""


@jax.custom_jvp
def cosine_and_sine(angle: Array) -> tuple[Array, Array]:
    """cos and sin of `angle` (rad) to a few roundings, of any shape.

    Equations: angle = n pi/2 + r, |r| <= pi/4, and the Taylor series of both in r. XLA's own functions reduce arguments of
    any size, one number after the other, which takes ten times as long on a CPU; a phase is a few turns at most.
    Valid: |angle| below about 1e4.
    """
    quarters = jnp.round(angle / _QUARTER)
    r = (angle - quarters * _COARSE) - quarters * (_QUARTER - _COARSE)
    square = r * r
    terms = range(_TERMS if angle.dtype == jnp.float64 else _TERMS - 3)
    cosine, sine = jnp.zeros_like(r), jnp.zeros_like(r)
    for i in reversed(terms):
        cosine = cosine * square + (-1) ** i / math.factorial(2 * i)
        sine = sine * square + (-1) ** i / math.factorial(2 * i + 1)
    sine = sine * r
    quadrant = quarters.astype(jnp.int32) & 3
    odd = (quadrant & 1) == 1
    cosine, sine = jnp.where(odd, sine, cosine), jnp.where(odd, cosine, sine)
    cosine = jnp.where((quadrant == 1) | (quadrant == 2), -cosine, cosine)
    return cosine, jnp.where(quadrant >= 2, -sine, sine)


@cosine_and_sine.defjvp
def _derivative(primals, tangents):
    cosine, sine = cosine_and_sine(primals[0])
    return (cosine, sine), (-sine * tangents[0], cosine * tangents[0])


def transfer(phases: Array, errors: Array, kept: Array, *, plain: bool = False) -> tuple[Array, Array]:
    """(real, imaginary) parts (2, 2, ...) of T = B(b) diag(p e^{i u}, q e^{i l}) B(a) diag(e^{i x}, e^{i y}).

    Equations: B(e) = [[cos, i sin], [i sin, cos]] of pi/4 + e. phases: (4, ...) x, y in front, then u, l of the inner arms,
    rad. errors: (2, ...) the splitters' a, b, rad. kept: (2, ...) p, q, what each arm keeps of the amplitude. plain: without
    rules of our own, which know no forward mode.
    Source: Clements et al., Optica 3, 1460 (2016); splitter errors: Bandyopadhyay, Hamerly, Englund, Optica 8, 1247 (2021).
    """
    split = functools.partial(apart, plain=plain)
    angles = (*split(phases), *split(errors + math.pi / 4))
    (cx, sx), (cy, sy), (cu, su), (cl, sl), (ca, sa), (cb, sb) = jax.lax.optimization_barrier(
        [cosine_and_sine(angle) for angle in angles]
    )
    upper, lower = split(kept)
    up, low = (upper * cu, upper * su), (lower * cl, lower * sl)
    combined = lambda p, q: (p * up[0] + q * low[0], p * up[1] + q * low[1])
    timesi = lambda z: (-z[1], z[0])
    turned = lambda z, cosine, sine: (z[0] * cosine - z[1] * sine, z[0] * sine + z[1] * cosine)
    rows = (
        (turned(combined(cb * ca, -sb * sa), cx, sx), turned(timesi(combined(cb * sa, sb * ca)), cy, sy)),
        (turned(timesi(combined(sb * ca, cb * sa)), cx, sx), turned(combined(-sb * sa, cb * ca), cy, sy)),
    )
    joined = lambda part: jnp.stack([jnp.stack([entry[part] for entry in row]) for row in rows])
    return joined(0), joined(1)
