"""Losses of a fit: how much a residual counts, and what that makes of the variance of the estimates."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

LOSSES = ("linear", "soft_l1", "huber", "cauchy")
TUNING = {"linear": 1.0, "soft_l1": 1.0, "huber": 1.345, "cauchy": 2.385}
"""The residual, in standard deviations of the noise, from which on a loss no longer grows as the square; for Huber's and
Cauchy's the estimates then keep 95 % efficiency under normal noise (Holland and Welsch, Commun. Stat. A6, 813 (1977))."""
_TINY = 1e-12


def transformed(index: Array, r: Array) -> Array:
    """Residuals whose squares sum to the loss: rho(r^2) = q^2, sign(q) = sign(r).

    index: place in `LOSSES`. With z = r^2: linear z; soft_l1 2 (sqrt(1 + z) - 1); huber z to z = 1, then 2 sqrt(z) - 1;
    cauchy ln(1 + z).
    """
    return jax.lax.switch(index, (_linear, _soft_l1, _huber, _cauchy), r)


def _linear(r: Array) -> Array:
    return r


def _soft_l1(r: Array) -> Array:
    return r * jnp.sqrt(2 / (jnp.sqrt(1 + r**2) + 1))


def _huber(r: Array) -> Array:
    size = jnp.abs(r)
    far = jnp.maximum(size, 1.0)
    return jnp.where(size <= 1, r, jnp.sign(r) * jnp.sqrt(2 * far - 1))


def _cauchy(r: Array) -> Array:
    z = r**2
    safe = jnp.where(z < _TINY, 1.0, z)
    return r * jnp.sqrt(jnp.where(z < _TINY, 1 - z / 2, jnp.log1p(safe) / safe))


def influence(loss: str, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """psi = d rho / (2 dr) and its derivative at every residual."""
    z = r**2
    if loss == "soft_l1":
        return r / np.sqrt(1 + z), (1 + z) ** -1.5
    if loss == "huber":
        return np.clip(r, -1, 1), (z <= 1).astype(float)
    if loss == "cauchy":
        return r / (1 + z), (1 - z) / (1 + z) ** 2
    return r, np.ones_like(r)


def variance(loss: str, r: np.ndarray, parameters: int) -> float:
    """What (J^T J)^-1 is multiplied with to be the covariance of the estimates, from the residuals in units of the loss.

    K^2 n/(n - p) <psi^2> / <psi'>^2, K = 1 + p/n var(psi') / <psi'>^2 (Huber, Robust Statistics (Wiley, 1981), section 7.6);
    for `linear` the sum of squares over n - p.
    """
    psi, slope = influence(loss, r)
    n, mean = r.size, slope.mean()
    correction = 1 + parameters / n * slope.var() / mean**2
    return float(correction**2 * (psi**2).sum() / (n - parameters) / mean**2)
