"""How a programmed cell conducts: ohmic, or bent by transport through the oxide."""

import abc
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from devsim.parameter import parameter
from devsim.part import Part
from devsim.ports import ageless


class Conduction(Part):
    """An I-V curve through the origin whose slope there is the stored conductance."""

    linear: ClassVar[bool]
    age = ageless

    @abc.abstractmethod
    def current(self, voltage: Array, conductance: Array) -> Array:
        """Current (A) at `voltage` (V) for low-field `conductance` (S)."""

    def ports(self):
        """None: a curve is a property of a cell."""
        return {}


class Ohmic(Conduction):
    """i = g v."""

    linear = True

    def current(self, voltage, conductance):
        """i = g v, in A."""
        return conductance * voltage


class Cubic(Conduction):
    """i = g v (1 + k v^2): the first odd correction to Ohm's law.

    Source: series of any odd I-V curve; Milo et al., IEEE Trans. Electron Devices 68, 3832 (2021) fit HfO2 cells so.
    Valid: k v^2 below about 1.
    """

    linear = False
    strength: Array = parameter(
        1.0, unit="1/V^2", bounds=(0, None), stage="read", ideal=0.0, doc="cubic term relative to the linear one"
    )

    def current(self, voltage, conductance):
        """i = g v (1 + k v^2), in A."""
        return conductance * voltage * (1 + self.strength * voltage**2)


class Sinh(Conduction):
    """i = g sinh(k v) / k: hopping and tunnelling transport.

    Source: Yakopcic et al., IEEE Electron Device Lett. 32, 1436 (2011); Simmons, J. Appl. Phys. 34, 1793 (1963).
    """

    linear = False
    strength: Array = parameter(
        2.0,
        unit="1/V",
        bounds=(0, None),
        stage="read",
        ideal=0.0,
        doc="k: at v = 1/k the slope is cosh(1) times the ohmic one",
    )

    def current(self, voltage, conductance):
        """i = g sinh(k v) / k, in A; the ohmic limit is taken by series below k = 1e-4 / V."""
        small = self.strength < 1e-4
        k = jnp.where(small, 1.0, self.strength)
        series = voltage * (1 + (self.strength * voltage) ** 2 / 6)
        return conductance * jnp.where(small, series, jnp.sinh(k * voltage) / k)
