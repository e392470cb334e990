"""Currents whose logarithm is the state: how they rise and fall, exactly.

A current I through a subthreshold transistor whose gate is a capacitor of C has the voltage (U_T / kappa) ln I on it, so that
the logarithm is what physics stores: it is positive by construction, and currents from femto- to microamperes are alike.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array

UNIT = 1e-12
"""The current (A) whose logarithm is zero."""

STEPS = 3
"""Of Halley's method, which reach 64 bits everywhere."""


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
    Source: Corless and Jeffrey, The Wright omega function, LNCS 2385, 76 (2002); Halley's method.
    """
    low = y < 1
    v = jnp.where(low, y - jax.nn.softplus(jnp.where(low, y, 1.0)), jnp.log(jnp.where(low, 1.0, y)))
    for _ in range(STEPS):
        grown = jnp.exp(v)
        off, slope = grown + v - y, grown + 1
        v -= off * slope / (slope**2 - 0.5 * off * grown)
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
    return floor + kappa * jnp.logaddexp(jnp.log(-jnp.expm1(-a)), (v - floor) / kappa - a)
