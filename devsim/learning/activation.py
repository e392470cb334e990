"""What a unit answers to what drives it, with the derivative in closed form."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.parameter import check_fields, parameter


class Activation(eqx.Module):
    """A function of one number, applied to each unit of a layer."""

    def __check_init__(self):
        check_fields(self)

    @abc.abstractmethod
    def value(self, z: Array) -> Array:
        """f(z)."""

    @abc.abstractmethod
    def derivative(self, z: Array) -> Array:
        """f'(z)."""


class Sigmoid(Activation):
    """f(z) = 1 / (1 + exp(-slope (z - centre))): between 0 and 1, one half at `centre`, f' = slope f (1 - f)."""

    slope: Array = parameter(1.0, unit="1", bounds=above(0), doc="four times the derivative at the centre")
    centre: Array = parameter(0.0, unit="1", doc="where the value is one half")

    def value(self, z):
        """Between 0 and 1."""
        return jax.nn.sigmoid(self.slope * (z - self.centre))

    def derivative(self, z):
        """slope f (1 - f)."""
        f = self.value(z)
        return self.slope * f * (1 - f)


class Tanh(Activation):
    """f(z) = tanh(z), f' = 1 - f^2."""

    def value(self, z):
        """Between -1 and 1."""
        return jnp.tanh(z)

    def derivative(self, z):
        """1 - tanh(z)^2."""
        return 1 - jnp.tanh(z) ** 2


class Linear(Activation):
    """f(z) = z."""

    def value(self, z):
        """`z` itself."""
        return z

    def derivative(self, z):
        """One."""
        return jnp.ones_like(z)
