"""The gradient of a loss with respect to a mesh's phases, from light alone: three measurements of intensity."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.devices.mesh.columns import fields, lane_factors
from devsim.devices.mesh.mesh import Mesh


class InSituGradient(eqx.Module):
    """What the chip measured.

    loss: of the answers. gradient: d loss / d phases (heaters,). forward, backward, interference: the power at every heater,
    summed over the samples, of the three measurements.
    """

    loss: Array
    gradient: Array
    forward: Array
    backward: Array
    interference: Array

    def __str__(self) -> str:
        size = float(jnp.linalg.norm(self.gradient))
        return f"In-situ gradient of a loss of {float(self.loss):.4g}: {self.gradient.size} phases, length {size:.4g}."


def in_situ_gradient(mesh: Mesh, inputs: Array, loss: Callable[[Array], Array]) -> InSituGradient:
    """Gradient of `loss`, a function of the complex answers (samples, columns), to `inputs` (samples, rows).

    Equations: light x goes forwards and has the field v at a heater; the cotangent g of the answers goes backwards, has w
    there and leaves as u; x - i u* goes forwards and has v - i w*. Then d loss / d phase = -Im sum w v
    = sum (|v - i w*|^2 - |v|^2 - |w|^2) / 2 over the samples, times the heater's efficiency.
    Source: Hughes et al., Optica 5, 864 (2018); measured: Pai et al., Science 380, 398 (2023).
    Valid: exact in a mesh without loss, noise and crosstalk of heat; with them it is what such a chip would measure.

    Raises InputError for inputs of another shape.
    """
    check.instance("mesh", mesh, Mesh)
    inputs = jnp.asarray(inputs)
    rows, columns = mesh.shape()
    if inputs.ndim != 2 or inputs.shape[1] != rows:
        raise check.InputError(f"`inputs` must have shape (samples, {rows}), but has shape {inputs.shape}.")
    modes = mesh.layout.modes
    waves = lambda values: jnp.pad(values.T + 0j, ((0, modes - values.shape[1]), (0, 0)))
    answers, forward = _forwards(mesh, waves(inputs))
    value, cotangent = jax.value_and_grad(loss)(answers[:columns].T)
    left, backward = _backwards(mesh, waves(cotangent))
    _, interference = _forwards(mesh, waves(inputs) - 1j * jnp.conj(left))
    gradient = mesh.heater_efficiency * (interference - forward - backward) / 2
    return InSituGradient(value, gradient, forward, backward, interference)


def _power(wave: Array) -> Array:
    """Summed over the samples."""
    return jnp.sum(jnp.real(wave) ** 2 + jnp.imag(wave) ** 2, axis=-1)


def _at_heaters(mesh: Mesh, before: Array, inside: Array, behind: Array) -> Array:
    """Powers (columns, modes) before and inside interferometers and (modes,) behind all, at the heaters (heaters,)."""
    places = jnp.stack([before, inside], axis=1).reshape(-1, mesh.layout.modes)
    return jnp.concatenate([places, behind[None]]).reshape(-1)[mesh.layout.heaters.segment]


def _inside(mesh: Mesh, waves: Array, splitter: int) -> Array:
    """Powers (columns, modes) behind splitter 0 or 1 of each interferometer that `waves` (columns, modes, samples) meet."""
    lanes = mesh.layout.lanes
    angle = (jnp.pi / 4 + mesh.splitter_angles()[splitter]).reshape(-1)[lanes.cell]
    angle = jnp.where(lanes.idle, 0.0, angle)[..., None]
    partner = jnp.take_along_axis(waves, jnp.asarray(lanes.partner)[..., None], axis=1)
    return _power(jnp.cos(angle) * waves + 1j * jnp.sin(angle) * partner)


def _forwards(mesh: Mesh, waves: Array) -> tuple[Array, Array]:
    """The waves behind the outputs, and the powers at the heaters."""
    layout, parts = mesh.layout, mesh.optics()
    out, before = fields(layout, *lane_factors(layout, parts.cells, parts.idle), waves)
    turned = _shifted(mesh, before)
    return parts.screen[:, None] * out, _at_heaters(mesh, _power(before), _inside(mesh, turned, 0), _power(out))


def _shifted(mesh: Mesh, before: Array) -> Array:
    """The waves behind the phase shifters in front of the interferometers."""
    places = mesh.places()[:-1:2]
    return jnp.exp(1j * places)[..., None] * before


def _backwards(mesh: Mesh, waves: Array) -> tuple[Array, Array]:
    """The waves that leave the inputs of what enters the outputs, and the powers at the heaters."""
    layout, parts = mesh.layout, mesh.optics()
    own, cross = lane_factors(layout, parts.cells, parts.idle)
    crossed = jnp.take_along_axis(cross, jnp.asarray(layout.lanes.partner), axis=1)

    def step(wave, at):
        own, cross, partner = at
        return own[:, None] * wave + cross[:, None] * wave[partner], wave

    start = parts.screen[:, None] * waves
    left, behind = jax.lax.scan(step, start, (own, crossed, np.asarray(layout.lanes.partner)), reverse=True)
    before = jnp.concatenate([left[None], behind[:-1]])
    return left, _at_heaters(mesh, _power(before), _inside(mesh, behind, 1), _power(start))
