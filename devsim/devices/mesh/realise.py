"""From the 2x2 unitaries of a decomposition to the phases of a mesh's heaters, exactly also with imperfect splitters.

A wave on the chip differs from the wave of the decomposition by a phase in each mode, which is carried from column to column;
the next phase shifter on the way, at last the outputs', takes it up.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from devsim.devices.mesh.decomposition import Cells
from devsim.devices.mesh.layout import Layout

_DARK = 1e-14
"""Amplitudes below this have no phase worth keeping."""
TURN = 2 * np.pi


class Realised(NamedTuple):
    """phases: of all heaters, in [0, 2 pi). clipped: interferometers whose splitters cannot divide as wanted."""

    phases: Array
    clipped: Bool[Array, "columns slots"]


@functools.partial(jax.jit, static_argnums=0)
def realise(layout: Layout, wanted: Cells, errors: Array) -> Realised:
    """Phases for `wanted` where the splitters have angles pi/4 + `errors` (2, columns, slots), first and second one.

    Equations: |T00|^2 = sin^2(a + b) + sin^2(theta/2) (cos^2(a - b) - sin^2(a + b)) is kept, so that
    sin^2(theta/2) = (|T00|^2 - sin^2(a + b)) / (cos^2(a - b) - sin^2(a + b)), cut to [0, 1]; all other phases are passed on.
    Source: Bandyopadhyay, Hamerly, Englund, Optica 8, 1247 (2021); with push-pull interferometers the phases are passed on
    as in Bell, Walmsley, APL Photonics 6, 070804 (2021).
    """
    cells = wanted.cells
    lowest = jnp.sin(errors[0] + errors[1]) ** 2
    span = jnp.cos(errors[0] - errors[1]) ** 2 - lowest
    share = (jnp.abs(cells[..., 0, 0]) ** 2 - lowest) / span
    # Near 0 and 1 the other amplitude tells the share more exactly.
    other = (jnp.abs(cells[..., 0, 1]) ** 2 - jnp.sin(errors[0] - errors[1]) ** 2) / span
    clipped = ((share < -1e-12) | (other < -1e-12)) & layout.used
    theta = 2 * jnp.arctan2(jnp.sqrt(jnp.clip(share, 0, 1)), jnp.sqrt(jnp.clip(other, 0, 1)))
    half = theta / 2
    chip = _matrix(half, -half, errors) if layout.push_pull else _matrix(theta, 0 * theta, errors)
    needed, gained = _phases(cells, chip)
    carry = _push_pull if layout.push_pull else _external
    phases = carry(layout, theta, needed, gained, jnp.angle(wanted.screen))
    within = jnp.mod(phases, TURN)  # which is a whole turn, rounded, for a phase just below zero
    return Realised(jnp.where(within >= TURN, 0.0, within), clipped)


def _matrix(upper: Array, lower: Array, errors: Array) -> Array:
    """B(second) diag(e^{i upper}, e^{i lower}) B(first), (..., 2, 2)."""
    coupler = lambda e: jnp.stack(
        [jnp.stack([jnp.cos(e) + 0j, 1j * jnp.sin(e)], -1), jnp.stack([1j * jnp.sin(e), jnp.cos(e) + 0j], -1)], -2
    )
    arms = jnp.exp(1j * jnp.stack([upper, lower], -1))
    return coupler(jnp.pi / 4 + errors[1]) @ (arms[..., None] * coupler(jnp.pi / 4 + errors[0]))


def _phases(cells: Array, chip: Array) -> tuple[Array, Array]:
    """What the inputs' phases must differ by (columns, slots), and what either output gains for each input's phase.

    gained: (columns, slots, 2, 2): (phase gained, which input it counts from) of each output.
    """
    ratio = jnp.angle(cells * jnp.conj(chip))
    known = jnp.minimum(jnp.abs(cells[..., 0, 0]), jnp.abs(cells[..., 0, 1])) > _DARK
    needed = jnp.where(known, ratio[..., 0, 0] - ratio[..., 0, 1], jnp.nan)
    brighter = jnp.argmax(jnp.abs(cells), axis=-1)
    gain = -jnp.take_along_axis(ratio, brighter[..., None], -1)[..., 0]
    return needed, jnp.stack([gain, brighter.astype(gain.dtype)], -1)


def _outputs(gained: Array, upper: Array, lower: Array) -> tuple[Array, Array]:
    """The phases behind an interferometer whose inputs carry `upper` and `lower`."""
    source = lambda output: jnp.where(gained[..., output, 1] > 0, lower, upper)
    return gained[..., 0, 0] + source(0), gained[..., 1, 0] + source(1)


def _places(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """The modes of every slot; those of empty ones beyond the last mode, where updates are dropped."""
    return np.where(layout.used, layout.top, layout.modes), np.where(layout.used, layout.bottom, layout.modes)


def _external(layout: Layout, theta: Array, needed: Array, gained: Array, screen: Array) -> Array:
    """Phases where a heater stands before every interferometer."""

    def column(carried, at):
        top, bottom, needed, gained = at
        upper, lower = carried[top], carried[bottom]
        phase = jnp.where(jnp.isnan(needed), 0.0, needed - (upper - lower))
        out = _outputs(gained, upper + phase, lower)
        return carried.at[top].set(out[0], mode="drop").at[bottom].set(out[1], mode="drop"), phase

    start = jnp.zeros(layout.modes, theta.dtype)
    carried, phase = jax.lax.scan(column, start, (*_places(layout), needed, gained))
    return jnp.concatenate([theta[layout.used], phase[layout.used], screen - carried])


def _push_pull(layout: Layout, theta: Array, needed: Array, gained: Array, screen: Array) -> Array:
    """Phases where only inner arms have heaters: what is common to both is chosen so that the next column finds what it needs.

    From the top mode down, each interferometer's (or idle mode's) common phase follows from that of its neighbour above.
    """
    modes = layout.modes
    top, bottom = _places(layout)
    following = jnp.concatenate([needed[1:], jnp.full_like(needed[:1], jnp.nan)])
    next_top = np.concatenate([top[1:], np.full_like(top[:1], modes)])

    def column(carried, at):
        top, bottom, gained, next_top, following = at
        out = _outputs(gained, carried[top], carried[bottom])
        carried = carried.at[top].set(out[0], mode="drop").at[bottom].set(out[1], mode="drop")
        below = jnp.concatenate([carried[1:], carried[-1:]])
        wanted = jnp.full(modes, jnp.nan, carried.dtype).at[next_top].set(following, mode="drop")
        step = jnp.where(jnp.isnan(wanted), 0.0, carried - below - wanted)
        common = jnp.concatenate([jnp.zeros(1, carried.dtype), jnp.cumsum(step)[:-1]])
        return carried + common, common

    pairs = layout.top[0][layout.used[0]]
    entry = jnp.where(jnp.isnan(needed[0]), 0.0, needed[0])
    start = jnp.zeros(modes, theta.dtype).at[pairs].set(entry[layout.used[0]])
    carried, common = jax.lax.scan(column, start, (top, bottom, gained, next_top, following))
    column_of, slot = np.nonzero(layout.used)
    shared, half = common[column_of, layout.top[column_of, slot]], theta[layout.used] / 2
    return jnp.concatenate([shared + half, shared - half, common[layout.edges, -1], entry, screen - carried])
