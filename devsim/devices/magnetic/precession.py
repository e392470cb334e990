"""How a macrospin precesses, in closed form: small orbits as an auto-oscillator, and the exact orbit about an axis."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.check import InputError
from devsim.devices.magnetic.macrospin import Macrospin

AZIMUTHS = 64
"""Points of an orbit, at equal angles around the equilibrium: averages over it converge exponentially with them."""
DESCENT = 60
"""Newton steps towards an equilibrium, each of at most `STRIDE`."""
STRIDE = 0.3
FLAT = 1e-9
"""Relative curvature below which a direction is taken to be flat on the way."""
NODES = np.array([0.005, 0.010, 0.015])
"""Powers, times the mean curvature over the geometric one, of the orbits that tell slopes at zero: angles up to 0.35.

A cubic through them errs by less than 1e-6 of the slope in the usual geometries.
"""
ALIGNED = 1e-6
"""Relative size of what counts as no component at right angles."""


class AutoOscillation(NamedTuple):
    """Macrospin as an oscillator of complex amplitude c, to first order in its power p = |c|^2.

    Equations: dc/dt = i (2 pi f + N p) c - [G (1 + Q p) - G zeta (1 - p)] c + n(t), zeta = I / I_th,
    <n(t) n*(t')> = 4 D delta(t - t'), white in both quadratures.
    frequency: f of the smallest orbit, Hz. damping_rate: G, 1/s. nonlinear_damping: Q. nonlinear_shift: N, rad/s.
    threshold_current: I_th, A. diffusion: D, 1/s, so that the phase of an orbit of power p diffuses by itself with
    2 D t / p. All are numbers, or shape (n,) for a bus.
    p is the canonical power: the part of the unit sphere that the orbit encloses, solid angle / 4 pi.
    """

    frequency: Array
    damping_rate: Array
    nonlinear_damping: Array
    nonlinear_shift: Array
    threshold_current: Array
    diffusion: Array

    def power(self, current: Array) -> Array:
        """p of the steady oscillation at `current` (A), (zeta - 1) / (zeta + Q); zero below the threshold."""
        supercriticality = current / self.threshold_current
        above = supercriticality > 1
        safe = jnp.where(above, supercriticality + self.nonlinear_damping, 1.0)
        return jnp.where(above, (supercriticality - 1) / safe, 0.0)

    def linewidth(self, current: Array) -> Array:
        """Full width at half maximum (Hz) of the line at `current` (A), (D / p) (1 + nu^2) / pi, nu = N / G (zeta + Q).

        Valid: well above the threshold, where the power hardly fluctuates.
        """
        stiffness = self.damping_rate * (current / self.threshold_current + self.nonlinear_damping)
        return self.diffusion / self.power(current) * (1 + (self.nonlinear_shift / stiffness) ** 2) / jnp.pi


class SteadyPrecession(NamedTuple):
    """An orbit about the polariser. frequency: Hz, NaN where there is no precession. power: (1 - m.p) / 2."""

    frequency: Array
    power: Array


def auto_oscillation(spin: Macrospin) -> AutoOscillation:
    """The auto-oscillator that a macrospin is about the equilibrium that it finds from `initial` without current.

    Equations, with the energy E in tesla (B = -dE/dm), its curvature H at the equilibrium m_0, and orbits E = const at the
    lowest order in alpha and a:
      2 pi f = gamma det(H)^(1/2);  G = alpha gamma tr(H) / (2 (1 + alpha^2));  a_th = alpha tr(H) / (2 p.m_0);
      damping rate of c: (alpha gamma / 8 pi p) closed integral of |grad E| dl = alpha gamma tr(H) / 2 (1 + Q' p);
      growth rate by the torque: gamma a times the mean of p.m over the enclosed cap = gamma a (p.m_0) (1 - k p);
      2 pi f + N p = (gamma / 2) dE/dp;  Q = Q' + k - 1, so that both models agree at zeta = 1, where p is small;
      D = G k T gamma / (4 Ms A d 2 pi f), from equipartition.
      Perpendicular, all along z, B_z = B_0 - M m_z: a_th = alpha (B_0 - M), N = 2 gamma M, Q = N / (2 pi f) - 1.
      In plane, all along x but the hard axis z, w_H = gamma (B_0 + B_k), w_M = gamma M: a_th = alpha (B_0 + B_k + M / 2),
      (2 pi f)^2 = w_H (w_H + w_M), N = -w_H w_M (w_H + w_M / 4) / (2 pi f)^2 where B_k = 0. The literature also has
      (2 pi f)(w_H + w_M / 2) for the denominator: this holds for the power <1 - m_x> / 2, larger for an elliptic orbit.
    Source: Slavin and Tiberkevich, IEEE Trans. Magn. 45, 1875 (2009); averages over orbits: Bertotti, Mayergoyz and
    Serpico, Nonlinear Magnetization Dynamics in Nanosystems (Elsevier, 2009); the mean over the cap is Stokes's theorem.
    Valid: alpha << 1; a torque that does not turn the equilibrium, so a polariser nearly along it, or weak damping.

    Raises InputError without a stable equilibrium, or for a polariser at right angles to it.
    """
    lanes = lambda vector: jnp.broadcast_to(vector, (*spin.shape(), 3))
    applied, stiffness = _affine(spin)
    small = _orbits_of_lanes(applied, stiffness, lanes(spin.polariser), lanes(spin.initial))
    _check_stable(small)
    alpha, gamma = spin.damping, spin.gyromagnetic_ratio
    damping = alpha * gamma * small.curvature / (1 + alpha**2)
    frequency = gamma * small.frequency / (2 * jnp.pi)
    return AutoOscillation(
        frequency=frequency,
        damping_rate=damping,
        nonlinear_damping=small.rise + small.fall - 1,
        nonlinear_shift=gamma * small.shift,
        threshold_current=alpha * small.curvature / small.along / spin.torque_field(jnp.ones_like(frequency)),
        diffusion=spin.diffusion() * small.curvature / small.frequency / 4,
    )


def steady_precession(spin: Macrospin, current: Array) -> SteadyPrecession:
    """The orbit of a macrospin whose field and anisotropies are all along its polariser, at a `current` in A; exact.

    Equations: with B = B_0 - M m.p along p, d(m.p)/dt = gamma (alpha B - a) (1 - (m.p)^2) / (1 + alpha^2), so that
    B = a / alpha on the orbit: f = gamma a / (2 pi alpha), 1 - 2 power = m.p = (B_0 - a / alpha) / M.
    Source: Slonczewski, J. Magn. Magn. Mater. 159, L1 (1996), whose torque it puts equal to the damping.
    Valid: for any current; without noise.

    Raises InputError where something is not along the polariser, or M is not above zero: no orbit is stable then.
    """
    applied, stiffness = _affine(spin)
    polariser = jnp.broadcast_to(spin.polariser, (*spin.shape(), 3))
    along = jnp.sum(applied * polariser, axis=-1)
    own = jnp.einsum("...i,...ij,...j->...", polariser, stiffness, polariser)
    across = (jnp.trace(stiffness, axis1=-2, axis2=-1) - own) / 2
    restoring = across - own
    outer = polariser[..., :, None] * polariser[..., None, :]
    rest = stiffness - across[..., None, None] * jnp.eye(3) + restoring[..., None, None] * outer
    _check_axial(applied - along[..., None] * polariser, rest, restoring, jnp.abs(along) + jnp.abs(restoring))
    torque = spin.torque_field(jnp.asarray(current))
    cosine = (along - torque / spin.damping) / restoring
    turning = jnp.abs(cosine) < 1
    frequency = spin.gyromagnetic_ratio * torque / (2 * jnp.pi * spin.damping)
    return SteadyPrecession(jnp.where(turning, frequency, jnp.nan), (1 - jnp.clip(cosine, -1, 1)) / 2)


class _Orbits(NamedTuple):
    """Small orbits, fields in T. curvature: tr(H) / 2. frequency: det(H)^(1/2). along: p.m_0. rise: Q'. fall: k. shift: N."""

    curvature: Array
    frequency: Array
    determinant: Array
    along: Array
    rise: Array
    fall: Array
    shift: Array


def _affine(spin: Macrospin) -> tuple[Array, Array]:
    """b (..., 3) and A (..., 3, 3) of the effective field B = b + A m."""
    applied = spin.field(jnp.zeros((*spin.shape(), 3)))
    columns = [spin.field(jnp.broadcast_to(axis, applied.shape)) - applied for axis in np.eye(3)]
    return applied, jnp.stack(columns, axis=-1)


@jax.jit
def _orbits_of_lanes(applied: Array, stiffness: Array, polariser: Array, start: Array) -> _Orbits:
    """`_small_orbits` for every lane of a bus."""
    orbits = _small_orbits
    for _ in applied.shape[:-1]:
        orbits = jax.vmap(orbits)
    return orbits(applied, stiffness, polariser, start)


def _small_orbits(applied: Array, stiffness: Array, polariser: Array, start: Array) -> _Orbits:
    """What the orbits of one macrospin are near its equilibrium."""
    rest = _equilibrium(applied, stiffness, start)
    (first, second), _, hessian = _landscape(applied, stiffness, rest)
    curvature, determinant = jnp.trace(hessian) / 2, jnp.linalg.det(hessian)
    frequency = jnp.sqrt(determinant)
    angles = 2 * np.pi * np.arange(AZIMUTHS) / AZIMUTHS
    outward = np.cos(angles)[:, None] * first + np.sin(angles)[:, None] * second
    around = np.cos(angles)[:, None] * second - np.sin(angles)[:, None] * first
    energies = 2 * frequency * jnp.asarray(NODES) * frequency / curvature
    strength = (applied + stiffness @ rest) @ rest
    orbit = lambda energy: _orbit(energy, rest, (outward, around), stiffness, (strength, polariser))
    power, turning, loss, gain = jax.vmap(orbit)(energies)
    along = polariser @ rest
    slope = lambda value: jnp.linalg.solve(power[:, None] ** np.arange(1, len(NODES) + 1), value - 1)[0]
    shift = frequency * slope(turning / frequency)
    return _Orbits(curvature, frequency, determinant, along, slope(loss / curvature), -slope(gain / along), shift)


def _orbit(energy: Array, rest: Array, frame: tuple, stiffness: Array, acting: tuple) -> tuple[Array, ...]:
    """Of the orbit `energy` (T) above the equilibrium `rest`: power, frequency and damping (T), mean of p.m over its cap."""
    (outward, around), (strength, polariser) = frame, acting

    def at(angle: Array) -> tuple[Array, Array, Array]:
        """Energy, its slope outwards, and the field of what has moved, at polar angles around the equilibrium."""
        sine, cosine, sagitta = jnp.sin(angle), jnp.cos(angle), 2 * jnp.sin(angle / 2) ** 2
        moved = sine[:, None] * outward - sagitta[:, None] * rest
        field = moved @ stiffness.T
        tangent = cosine[:, None] * outward - sine[:, None] * rest
        slope = strength * sine - jnp.sum(field * tangent, axis=1)
        return strength * sagitta - jnp.sum(moved * field, axis=1) / 2, slope, field

    def nearer(_, angle: Array) -> Array:
        height, slope, _ = at(angle)
        return angle + (energy - height) / slope

    stiff = strength - jnp.einsum("ki,ij,kj->k", outward, stiffness, outward)
    angle = jax.lax.fori_loop(0, 8, nearer, jnp.sqrt(2 * energy / stiff))
    _, slope, field = at(angle)
    squared = slope**2 + jnp.sum(field * around, axis=1) ** 2
    sine, full = jnp.sin(angle), 2 * jnp.pi
    solid = full * jnp.mean(2 * jnp.sin(angle / 2) ** 2)
    power = solid / (4 * jnp.pi)
    turning = full / (full * jnp.mean(sine / slope))
    loss = full * jnp.mean(squared * sine / slope) / (2 * solid)
    lifted = (polariser @ rest) * sine**2 / 2 + (outward @ polariser) * (angle / 2 - jnp.sin(2 * angle) / 4)
    return power, turning, loss, full * jnp.mean(lifted) / solid


def _equilibrium(applied: Array, stiffness: Array, start: Array) -> Array:
    """The direction to which the energy falls from `start`; its derivative is that of the last, plain Newton steps."""

    fixed, stiff, first = jax.lax.stop_gradient((applied, stiffness, start))

    def downhill(_, m: Array) -> Array:
        basis, slope, hessian = _landscape(fixed, stiff, m)
        values, vectors = jnp.linalg.eigh(hessian)
        size = jnp.abs(values)
        push = -vectors @ ((vectors.T @ slope) / jnp.maximum(size, FLAT * size.max() + jnp.finfo(size.dtype).tiny))
        return _moved(m, push / jnp.maximum(1.0, jnp.linalg.norm(push) / STRIDE) @ basis)

    def newton(m: Array) -> Array:
        basis, slope, hessian = _landscape(applied, stiffness, m)
        return _moved(m, -jnp.linalg.solve(hessian, slope) @ basis)

    return newton(newton(jax.lax.fori_loop(0, DESCENT, downhill, first)))


def _landscape(applied: Array, stiffness: Array, m: Array) -> tuple[Array, Array, Array]:
    """Two tangents at `m` (2, 3), and the slope (T) and curvature (T) of the energy along them."""
    basis = jnp.stack(_across(m))
    field = applied + stiffness @ m
    return basis, -basis @ field, (field @ m) * jnp.eye(2) - basis @ stiffness @ basis.T


def _moved(m: Array, step: Array) -> Array:
    moved = m + step
    return moved / jnp.linalg.norm(moved)


def _across(m: Array) -> tuple[Array, Array]:
    """Two unit vectors at right angles to `m` and to each other."""
    axis = jnp.eye(3)[jnp.argmin(jnp.abs(m))]
    first = jnp.cross(m, axis)
    first = first / jnp.linalg.norm(first)
    return first, jnp.cross(m, first)


def _check_stable(small: _Orbits) -> None:
    if not check.is_concrete(small.determinant):
        return
    curvature, determinant, along = (np.asarray(v) for v in (small.curvature, small.determinant, small.along))
    if not np.all((curvature > 0) & (determinant > ALIGNED * curvature**2)):
        raise InputError(
            "The macrospin must have a stable equilibrium without current to be an auto-oscillator, but its energy has no"
            " minimum near `initial`; apply a field, or give an anisotropy."
        )
    if np.any(np.abs(along) < ALIGNED):
        raise InputError(
            "`polariser` must have a component along the equilibrium for a threshold, but is at right angles to it."
        )


def _check_axial(sideways: Array, unlike: Array, restoring: Array, scale: Array) -> None:
    if not all(check.is_concrete(value) for value in (sideways, unlike, restoring)):
        return
    most = ALIGNED * np.asarray(scale)
    if np.any(np.abs(sideways).max(-1) > most) or np.any(np.abs(unlike).max((-2, -1)) > most):
        raise InputError(
            "The field, `easy_axis` and the unlike one of the three of `demagnetisation` must be along `polariser` for a steady"
            " precession, but are not; use `auto_oscillation`, or a transient."
        )
    if not np.all(np.asarray(restoring) > 0):
        raise InputError(
            "The demagnetising field must outweigh the anisotropy along `polariser` for a steady precession, but"
            f" B falls by {np.asarray(restoring).min():g} T along it; use a transient."
        )
