"""How firmly coupled oscillators hold a pattern of phases: what errors to expect before any simulation."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.check import InputError

NEUTRAL = 1e-9
"""A mode is neutral where its rate is below this share of the largest."""


class PhaseStability(eqx.Module):
    """The linear stability of one pattern, in units of the pull on the phases K (1 + nu^2)^0.5.

    matrix: L (N, N), without the pattern's common phase projected out. rates: of the N - 1 modes beside the common phase,
    rising (..., N - 1); negative where the pattern is unstable. modes: (N, N - 1), of length 1. torque: what turns each
    oscillator of the very pattern (N,); 0 for weights that hold it exactly.
    """

    matrix: Array
    rates: Array
    modes: Array
    torque: Array

    def neutral(self) -> Array:
        """Which modes nothing brings back."""
        return self.rates <= NEUTRAL * jnp.max(jnp.abs(self.rates))

    def static_error(self, spread: Array) -> Array:
        """RMS phase error (rad) of own frequencies with the standard deviation `spread`, over the pull K (1 + nu^2)^0.5:
        spread (mean 1 / rates^2)^0.5; infinite where a mode is neutral or unstable."""
        return jnp.asarray(spread) * jnp.sqrt(self._mean(2))

    def noise_error(self, diffusion: Array) -> Array:
        """RMS phase error (rad) of phases that diffuse: (diffusion mean 1 / rates)^0.5, `diffusion` = D (1 + nu^2) (rad^2/s)
        of each free phase over the pull; infinite where a mode is neutral or unstable."""
        return jnp.sqrt(jnp.asarray(diffusion) * self._mean(1))

    def torque_error(self) -> Array:
        """RMS phase error (rad) of weights that do not hold the pattern exactly, to first order; infinite as the others."""
        along = jnp.where(self.neutral(), 0.0, self.modes.T @ self.torque)
        error = jnp.sqrt(jnp.mean((along / jnp.where(self.neutral(), 1.0, self.rates)) ** 2) * along.size / self.torque.size)
        return jnp.where(jnp.any(self.neutral()), jnp.inf, error)

    def _inverse(self) -> Array:
        soft = self.neutral()
        return jnp.where(soft, jnp.inf, 1 / jnp.where(soft, 1.0, self.rates))

    def _mean(self, power: int) -> Array:
        return jnp.sum(self._inverse() ** power) / self.torque.size

    def __str__(self) -> str:
        soft = int(self.neutral().sum())
        lowest, middle, highest = (float(f(self.rates)) for f in (jnp.min, jnp.median, jnp.max))
        told = "stable" if soft == 0 else f"{soft} of {self.rates.size} modes neutral or unstable"
        return (
            f"Stability of {self.torque.size} phases: {told}; rates {lowest:.4g} to {highest:.4g}, median {middle:.4g}, of the "
            f"pull; errors of detuning x {float(self.static_error(1.0)):.4g}, of noise x {float(self.noise_error(1.0)):.4g}."
        )


def phase_stability(weights: Array, pattern: Array, *, second_harmonic: Array | float = 0.0) -> PhaseStability:
    """Linearise phases that pull each other through `weights` (N, N) around a `pattern` (N,) of complex numbers of magnitude 1.

    Equations: d phi_i/dt = Im(e^(-i phi_i) sum_j W_ji e^(i phi_j)) - h sin 2 phi_i, time over the pull, h = `second_harmonic`
      over the coupling; with W~_ij = x_i* W_ji x_j and phi = arg x + delta: d delta/dt = torque - L delta,
      L = diag(Re sum_j W~_ij + 2 h cos 2 arg x_i) - Re W~_ij, torque = Im sum_j W~_ij - h sin 2 arg x_i.
      Frequencies that differ leave delta = L^-1 dw, noise the variance L^-1 D (1 + nu^2), mode by mode.
    Source: linearisation of the phase model of Hoppensteadt and Izhikevich, Phys. Rev. Lett. 82, 2983 (1999).
    Valid: errors far below 1 rad; L is taken symmetric (half its sum with its transpose), which Hermitian weights make it; with
    a second harmonic, which holds the common phase too, patterns of phases 0 and pi.

    A pure function, to be jitted, differentiated and vmapped over patterns. Raises InputError for other shapes and for
    patterns that are no phases.
    """
    weights, pattern = jnp.asarray(weights), jnp.asarray(pattern)
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
        raise InputError(f"`weights` must have shape (N, N), but has shape {weights.shape}.")
    if pattern.shape != weights.shape[:1]:
        raise InputError(f"`pattern` must have one phase for each of {weights.shape[0]} oscillators, but has {pattern.shape}.")
    check.magnitude_one("pattern", pattern, 1e-4)
    seen = jnp.conj(pattern)[:, None] * weights.T * pattern[None, :]
    pulls = jnp.sum(seen, axis=1)
    twice = jnp.asarray(second_harmonic) * pattern**2
    matrix = jnp.diag(jnp.real(pulls) + 2 * jnp.real(twice)) - jnp.real(seen)
    beside = _beside_common(len(pattern)).astype(matrix.dtype)
    rates, modes = jnp.linalg.eigh(beside.T @ ((matrix + matrix.T) / 2) @ beside)
    return PhaseStability(matrix, rates, beside @ modes, jnp.imag(pulls) - jnp.imag(twice))


def _beside_common(size: int) -> np.ndarray:
    """(N, N - 1) orthonormal vectors that sum to zero: row k of Helmert's matrix is (1, ..., 1, -k, 0, ...)."""
    k = np.arange(1, size)
    rows = np.where(np.arange(size) < k[:, None], 1.0, 0.0) - k[:, None] * (np.arange(size) == k[:, None])
    return (rows / np.sqrt(k * (k + 1.0))[:, None]).T
