"""Windows: how the motion of a boundary slows down near the ends of its range."""

import abc

import jax.numpy as jnp
from jaxtyping import Array

from devsim.parameter import parameter
from devsim.part import Part
from devsim.ports import ageless


class Window(Part):
    """A factor on the speed of the relative state x in [0, 1]."""

    age = ageless

    @abc.abstractmethod
    def factor(self, position: Array, rate: Array) -> Array:
        """The factor at relative state `position` for motion of the sign of `rate`."""

    def ports(self):
        """None: a window is a property of a device."""
        return {}


class NoWindow(Window):
    """1: the state moves freely and stops at its bounds."""

    def factor(self, position, rate):
        """1."""
        return jnp.ones_like(position)


class Joglekar(Window):
    """1 - (2 x - 1)^(2 p): zero at both ends, so that a state that reaches one never leaves it.

    Source: Joglekar and Wolf, Eur. J. Phys. 30, 661 (2009).
    """

    exponent: Array = parameter(2.0, unit="1", bounds=(1e-3, None), doc="p: sharpness of the ends")

    def factor(self, position, rate):
        """1 - (2 x - 1)^(2 p)."""
        return 1 - power(2 * position - 1, self.exponent)


class Biolek(Window):
    """1 - (x - [moving down])^(2 p): zero only at the end that is moved towards.

    Source: Biolek, Biolek, Biolkova, Radioengineering 18, 210 (2009), with the direction taken from the motion.
    """

    exponent: Array = parameter(2.0, unit="1", bounds=(1e-3, None), doc="p: sharpness of the ends")

    def factor(self, position, rate):
        """1 - (x - [rate < 0])^(2 p)."""
        return 1 - power(position - (rate < 0), self.exponent)


def power(base: Array, exponent: Array) -> Array:
    """(base^2)^exponent, with a finite derivative at base 0."""
    square = base**2
    zero = square == 0
    return jnp.where(zero, 0.0, jnp.exp(exponent * jnp.log(jnp.where(zero, 1.0, square))))
