"""Calibration of thermo-optic phase shifters in one arm of an interferometer."""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.photonic.shifter import ThermoOpticPhaseShifter
from devsim.fit.bench import Axis, Bench, Search
from devsim.fit.models.fringes import strongest
from devsim.parameter import parameter

LIGHT = Axis("W", "optical power at one output of the interferometer")
SEARCH = {
    "device.power_pi": Search(1e-4, 0.2, logarithmic=True),
    "device.offset": Search(-jnp.pi, jnp.pi),
    "device.resistance": Search(50.0, 5e4, logarithmic=True),
    "device.temperature_coefficient": Search(1e-4, 5e-3, logarithmic=True),
    "bright": Search(1e-9, 1e-1, logarithmic=True),
    "dark": Search(1e-12, 1e-2, logarithmic=True),
}
FREE = ("device.power_pi", "device.offset", "bright", "dark")
FEWEST, MOST = 0.3, 0.45
"""Turns over the whole sweep, and turns from row to row, between which the first rate is looked for."""


class Fringe(Bench):
    """The light behind an interferometer with a heater in one arm.

    Equations: P = dark + (bright - dark) (1 + cos(phase)) / 2, phase = pi heat / P_pi + offset.
    Source: Harris et al., Opt. Express 22, 10487 (2014).
    Valid: steady heat, one wavelength; another arm of unlike loss shows in `dark`.
    """

    output: ClassVar = LIGHT
    search: ClassVar = SEARCH
    device: eqx.AbstractVar[ThermoOpticPhaseShifter]
    bright: eqx.AbstractVar[Array]
    dark: eqx.AbstractVar[Array]

    @abc.abstractmethod
    def heat(self, inputs) -> Array:
        """The heat (W) of each row."""

    def predict(self, inputs):
        """The power (W) of each row."""
        phase = self.device.phase(self.heat(inputs))
        return self.dark + (self.bright - self.dark) * (1 + jnp.cos(phase)) / 2

    def guess(self, inputs, output):
        """The strongest sinusoid in the heat, between the lowest and the highest power."""
        heat = self.heat(inputs)
        span = jnp.maximum(jnp.ptp(heat), 1e-12)
        most = MOST * heat.size / span
        rate, phase = strongest(heat, output, 2 * jnp.pi * FEWEST / span, 2 * jnp.pi * most)
        return {
            "device.power_pi": jnp.pi / rate,
            "device.offset": phase,
            "bright": jnp.max(output),
            "dark": jnp.maximum(jnp.min(output), 1e-6 * jnp.max(output)),
        }


def _bright() -> Array:
    return parameter(1e-3, unit="W", bounds=(0, None), doc="power where both arms are in phase")


def _dark() -> Array:
    return parameter(0.0, unit="W", bounds=(0, None), doc="power where the arms cancel")


class HeaterVoltage(Fringe):
    """The light against the heater's voltage.

    Equations: as `Fringe`; heat = v^2 / R, R = R0 (1 + alpha R_th heat).
    Source: as `Fringe`.
    Valid: as `Fringe`; the resistance comes from a meter, since only P_pi R can be told from the light, unless the heater's
    resistance rises.
    """

    name: ClassVar = "heater-voltage"
    inputs: ClassVar = {"voltage": Axis("V", "across the heater")}
    free: ClassVar = FREE
    device: ThermoOpticPhaseShifter = eqx.field(default_factory=ThermoOpticPhaseShifter)
    bright: Array = _bright()
    dark: Array = _dark()

    def heat(self, inputs):
        """The root of alpha R_th heat^2 + heat = v^2 / R0."""
        cold = inputs["voltage"] ** 2 / self.device.resistance
        rise = self.device.temperature_coefficient * self.device.thermal_resistance
        return 2 * cold / (1 + jnp.sqrt(1 + 4 * rise * cold))


class HeaterPower(Fringe):
    """The light against the electrical power in the heater.

    Equations, Source, Valid: as `Fringe`.
    """

    name: ClassVar = "heater-power"
    inputs: ClassVar = {"power": Axis("W", "electrical power in the heater")}
    free: ClassVar = FREE
    device: ThermoOpticPhaseShifter = eqx.field(default_factory=ThermoOpticPhaseShifter)
    bright: Array = _bright()
    dark: Array = _dark()

    def heat(self, inputs):
        """The input itself."""
        return inputs["power"]
