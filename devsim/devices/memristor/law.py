"""Laws that published cell statistics use: one quantity as a function of the relative conductance r = g / g_ref."""

import abc

import jax.numpy as jnp
from jaxtyping import Array

from devsim.parameter import parameter
from devsim.part import Part
from devsim.ports import ageless

SMALLEST_RATIO = 1e-7
"""Floor of r inside logarithms: published laws are clipped long before."""


def polynomial(coefficients: Array, ratio: Array) -> Array:
    """c0 + c1 r + c2 r^2 + ... for every element of `ratio`; the last axis of `coefficients` counts the powers."""
    total = jnp.zeros_like(ratio)
    for power in reversed(range(coefficients.shape[-1])):
        total = total * ratio + coefficients[..., power]
    return total


class Law(Part):
    """A pure number as a function of r = g / g_ref, whose coefficients are leaves that can be fitted."""

    age = ageless

    @abc.abstractmethod
    def __call__(self, ratio: Array) -> Array:
        """The value at `ratio`."""

    def ports(self):
        """None: a law is a property of a cell."""
        return {}


class PowerLaw(Law):
    """min(c r^-p, cap).

    Source: the read-noise law of Nandakumar et al., IEEE ICECS 2019.
    """

    coefficient: Array = parameter(0.0088, unit="1", bounds=(0, None), doc="value at r = 1")
    exponent: Array = parameter(0.65, unit="1", bounds=(0, None), doc="power of r by which the value falls")
    cap: Array = parameter(0.2, unit="1", bounds=(0, None), doc="largest value")

    def __call__(self, ratio):
        """min(c r^-p, cap)."""
        falling = jnp.exp(-self.exponent * jnp.log(jnp.maximum(ratio, SMALLEST_RATIO)))
        return jnp.minimum(self.coefficient * falling, self.cap)


class LogLaw(Law):
    """clip(a ln r + b, low, high) below r = split, a polynomial in r from there on.

    Source: the drift laws of Nandakumar et al., IEEE ICECS 2019 (no split); those of the HERMES chip, Le Gallo et al.,
    Nat. Electron. 6, 680 (2023), which jump by up to 2 % of their value at the split.
    """

    slope: Array = parameter(unit="1", doc="change per e-fold of r below the split")
    offset: Array = parameter(unit="1", doc="value at r = 1 of the logarithmic branch, before clipping")
    low: Array = parameter(unit="1", doc="smallest value of the logarithmic branch")
    high: Array = parameter(unit="1", doc="largest value of the logarithmic branch")
    split: Array = parameter(1e9, unit="1", bounds=(0, None), doc="r from which the polynomial holds")
    coefficients: Array = parameter((0.0,), unit="1", doc="coefficients of the polynomial in r, from the constant up")

    def __call__(self, ratio):
        """The branch that holds at `ratio`."""
        logarithmic = self.slope * jnp.log(jnp.maximum(ratio, SMALLEST_RATIO)) + self.offset
        below = jnp.clip(logarithmic, self.low, self.high)
        return jnp.where(ratio < self.split, below, polynomial(self.coefficients, ratio))
