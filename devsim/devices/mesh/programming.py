"""How a mesh is told what to do: strategies that find its phases for a wanted unitary matrix."""

import abc

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.check import InputError
from devsim.devices.mesh.decomposition import Cells, decompose
from devsim.devices.mesh.layout import Layout
from devsim.devices.mesh.optics import ideal_transfer
from devsim.devices.mesh.realise import TURN, Realised, realise
from devsim.parameter import parameter
from devsim.part import Part
from devsim.ports import ageless


class Programmer(Part):
    """A strategy that turns the unitaries of a decomposition into what the heaters are asked for."""

    age = ageless

    def ports(self):
        """None: a strategy is a procedure."""
        return {}

    @abc.abstractmethod
    def phases(self, mesh, wanted: Cells) -> Array:
        """The phases (heaters,) to ask for, within the drivers' two turns."""


class Direct(Programmer):
    """The phases that an ideal mesh needs, whatever the chip is like.

    Equations: those of `realise` with perfect splitters. Source: Clements et al., Optica 3, 1460 (2016).
    Valid: for any mesh; what its imperfections do to the result is what a comparison shows.
    """

    def phases(self, mesh, wanted):
        """As on the drawing."""
        return realise(mesh.layout, wanted, jnp.zeros_like(mesh.splitter_error)).phases


class LocalCorrection(Programmer):
    """Hardware error correction: every interferometer divides as wanted in spite of its own measured splitters and offsets.

    Equations: `realise` with the chip's splitter angles, less its phase offsets, over its heaters' efficiencies.
    Source: Bandyopadhyay, Hamerly, Englund, Optica 8, 1247 (2021).
    Valid: interferometers whose splitters cannot divide as wanted are set to the nearest they can; with `lowest_fidelity`
    above zero a result worse than that is refused where the numbers are known.

    Raises InputError where the fidelity would fall below `lowest_fidelity`, with the number of interferometers that clip.
    """

    lowest_fidelity: Array = parameter(
        0.0, unit="1", bounds=(0, 1), stage="program", doc="fidelity |tr(U^+ W)|^2 / N^2 below which programming is refused"
    )

    def phases(self, mesh, wanted):
        """Corrected for what was measured."""
        found = realise(mesh.layout, wanted, mesh.splitter_angles())
        self._refuse(mesh.layout, wanted, found, mesh.splitter_angles())
        return jnp.minimum(jnp.mod(found.phases - mesh.still_phases(), TURN) / mesh.heater_efficiency, 2 * TURN)

    def _refuse(self, layout: Layout, wanted: Cells, found: Realised, errors: Array) -> None:
        if not (check.is_concrete(found.clipped) and check.is_concrete(self.lowest_fidelity)):
            return
        if self.lowest_fidelity <= 0 or not np.any(found.clipped):
            return
        reached = reachable(layout, wanted, errors)
        if reached < self.lowest_fidelity:
            raise InputError(
                f"`target` must be reachable with fidelity {float(self.lowest_fidelity):g}, but with the given splitter errors"
                f" {int(found.clipped.sum())} of {layout.interferometers} interferometers clip and the fidelity is"
                f" {float(reached):.6f}; lower `lowest_fidelity`, or take splitters nearer to 50:50."
            )


def reachable(layout: Layout, wanted: Cells, errors: Array) -> Array:
    """The fidelity |tr(U^+ W)|^2 / N^2 that `LocalCorrection` reaches with splitter `errors` (2, columns, slots)."""
    realised = realise(layout, wanted, errors).phases
    perfect = realise(layout, wanted, jnp.zeros_like(errors)).phases
    one, other = ideal_transfer(layout, realised, errors), ideal_transfer(layout, perfect, jnp.zeros_like(errors))
    return fidelity(one, other)


def fidelity(one: Array, other: Array) -> Array:
    """|tr(A^+ B)|^2 / (tr(A^+ A) tr(B^+ B)): one where the matrices agree up to a factor, blind to common loss."""
    overlap = jnp.sum(jnp.conj(one) * other, axis=(-2, -1))
    norms = jnp.sum(jnp.abs(one) ** 2, axis=(-2, -1)) * jnp.sum(jnp.abs(other) ** 2, axis=(-2, -1))
    return jnp.abs(overlap) ** 2 / norms


def completed(target: Array, modes: int) -> Array:
    """The unitary matrix U (modes, modes), outputs by inputs, whose corner is `target` (rows, columns) transposed.

    Raises InputError where known numbers are not those of a matrix with orthonormal rows or columns. Inside a transformation
    it is NaN then.
    """
    corner = target.T
    outputs, inputs = corner.shape
    small = corner if outputs >= inputs else corner.T
    excess = jnp.max(jnp.abs(jnp.conj(small.T) @ small - jnp.eye(min(corner.shape), dtype=corner.dtype)))
    tolerance = 10 * float(np.sqrt(np.finfo(corner.real.dtype).eps))
    if check.is_concrete(excess) and not excess <= tolerance:
        raise InputError(
            f"`target` must be unitary (orthonormal rows or columns, to {tolerance:.1g}), but W^+ W deviates from the identity"
            f" by {float(excess):.3g}; `SingularValueMesh` takes any matrix."
        )
    small = jnp.where(excess <= tolerance, small, jnp.nan)
    more, less = max(corner.shape), min(corner.shape)
    if more > less:
        rest = jnp.linalg.qr(small, mode="complete")[0][:, less:]
        small = jnp.concatenate([small, rest], axis=1)
    whole = small if outputs >= inputs else small.T
    return jnp.eye(modes, dtype=corner.dtype).at[:more, :more].set(whole)


def cells_of(layout: Layout, unitary: Array) -> Cells:
    """`decompose`, with an error in words where the layout cannot do it."""
    wanted = decompose(layout, unitary)
    tolerance = 100 * float(np.sqrt(np.finfo(unitary.real.dtype).eps))
    if not layout.universal and check.is_concrete(wanted.residual) and wanted.residual > tolerance:
        raise InputError(
            f"`target` must be a product of this {type(layout).__name__.lower()}'s columns, but deviates from any by"
            f" {float(wanted.residual):.3g}; a rectangular layout takes every unitary matrix."
        )
    return wanted
