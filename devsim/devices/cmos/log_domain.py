"""Currents whose logarithm is the state: how they rise and fall, exactly.

A current I through a subthreshold transistor whose gate is a capacitor of C has the voltage (U_T / kappa) ln I on it, so that
the logarithm is what physics stores: it is positive by construction, and currents from femto- to microamperes are alike.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array

UNIT = 1e-12
"""The current (A) whose logarithm is zero."""

SHORTEST = 1e-30
"""Time constants that change nothing in either precision, but keep a logarithm finite."""


def log_of(current: Array) -> Array:
    """ln(I / 1 pA)."""
    return jnp.log(current / UNIT)


def current_of(log_current: Array) -> Array:
    """I (A) of ln(I / 1 pA)."""
    return UNIT * jnp.exp(log_current)


@jax.custom_jvp
def log_omega(y: Array) -> Array:
    """The v for which exp(v) + v = y: the logarithm of Wright's omega function, to rounding.

    Its derivative is 1 / (1 + exp(v)).
    Source: Corless and Jeffrey, The Wright omega function, LNCS 2385, 76 (2002). The guess is within 0.036; one of
    Householder's steps of third order leaves 1.5e-8, a second one rounding.
    """
    y = jnp.asarray(y)
    low = y < 1
    log = jnp.log(jnp.where(low, 1 + jnp.exp(jnp.where(low, y, 0.0)), y))
    v = jnp.where(low, y - log / (1 + log / 2 - 0.417 * log**2 / (1 + 0.85 * log)), log - log / jnp.where(low, 1.0, y + 1))
    for _ in range(2 if jnp.finfo(y.dtype).bits > 32 else 1):
        grown = jnp.exp(v)
        share, newton = grown / (grown + 1), (grown + v - y) / (grown + 1)
        v -= newton * (1 - share * newton / 2) / (1 - share * newton + share * newton**2 / 6)
    return v


@log_omega.defjvp
def _log_omega_jvp(primals, tangents):
    (y,), (dy,) = primals, tangents
    v = log_omega(y)
    return v, dy / (1 + jnp.exp(v))


def charged(v: Array, dose: Array) -> Array:
    """v = ln(I / I_th) of a differential-pair integrator after a `dose`: the integral of I_in / I_tau over t / tau, no leak.

    Equations: (1 + exp(v)) dv = d(dose): for I >> I_th the current grows in proportion to the dose, far below it exponentially.
    """
    return log_omega(jnp.exp(v) + v + dose)


def discharged(v: Array, floor: Array, times: Array, kappa: Array) -> Array:
    """v = ln I after leaking for `times` time constants, down to the logarithm `floor` of the off current.

    Equations: dv = -(1 - exp(-(v - floor) / kappa)) d(times): the current falls exponentially as long as the drain of the
    transistor that leaks is above 4 U_T, and ends at the off current.
    """
    a = times / kappa
    return floor + kappa * jnp.log(jnp.exp((v - floor) / kappa - a) - jnp.expm1(-a))


def settling(v: Array, steady: Array, times: Array) -> Array:
    """v = ln I on its way to the logarithm `steady` of a constant, after `times` time constants.

    Equations: dI = (I_steady - I) d(times), in logarithms, so that neither current is lost beside the other.
    """
    return jnp.logaddexp(v - times, steady + jnp.log(-jnp.expm1(-jnp.maximum(times, SHORTEST))))
