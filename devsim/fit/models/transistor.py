"""Drain currents of MOS transistors, from one temperature or from many."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.electrical.mosfet import MOSFET, SIGNS
from devsim.fit.bench import Axis, Bench, Search
from devsim.parameter import parameter
from devsim.physics import ROOM_TEMPERATURE, thermal_voltage

PINS = ("gate", "drain", "source", "bulk")
INPUTS = {pin: Axis("V", f"potential of the {pin}") for pin in PINS} | {"temperature": Axis("K", "of the device")}
AT_ONE_TEMPERATURE = (
    "device.threshold",
    "device.transconductance",
    "device.body_effect",
    "device.mobility_reduction",
    "floor",
)
"""What can be told from gate sweeps at one temperature."""
OVER_TEMPERATURE = (
    *AT_ONE_TEMPERATURE,
    "device.threshold_coefficient",
    "device.mobility_exponent",
    "leakage",
    "leakage_activation",
)
"""What can be told from gate sweeps at several temperatures."""
SEARCH = {
    "device.threshold": Search(0.0, 0.8),
    "device.transconductance": Search(1e-5, 1e-3, logarithmic=True),
    "device.body_effect": Search(0.05, 1.0, logarithmic=True),
    "device.mobility_reduction": Search(0.01, 1.0, logarithmic=True),
    "device.length_modulation": Search(0.005, 0.5, logarithmic=True),
    "device.threshold_coefficient": Search(0.0, 2e-3),
    "device.mobility_exponent": Search(-2.5, 0.0),
    "floor": Search(1e-14, 1e-10, logarithmic=True),
    "leakage": Search(1e-14, 1e-11, logarithmic=True),
    "leakage_activation": Search(0.1, 0.7),
}


class DrainCurrent(Bench):
    """The drain current that an ammeter reads, whose own floor and the leakage of junctions add to the channel's.

    Equations: I = I_D(gate, drain, source, bulk, T) + floor + leakage exp(-(E / k) (1 / T - 1 / 300 K)), with the sign of the
    channel's polarity.
    Source: I_D that of `MOSFET`; leakage: Sze, Ng, Physics of Semiconductor Devices (3rd ed., Wiley, 2007), section 2.3.
    Valid: where the ammeter's floor does not depend on its range.
    """

    inputs: ClassVar = INPUTS
    output: ClassVar = Axis("A", "current into the drain")
    free: ClassVar = AT_ONE_TEMPERATURE
    residual: ClassVar = "logarithm"
    device: eqx.AbstractVar[MOSFET]
    floor: eqx.AbstractVar[Array]
    leakage: eqx.AbstractVar[Array]
    leakage_activation: eqx.AbstractVar[Array]

    def predict(self, inputs):
        """The current (A) of each row."""
        warm = inputs["temperature"]
        device = eqx.tree_at(lambda device: device.temperature, self.device, warm)
        current = device.current({pin: inputs[pin] for pin in PINS})
        cold = self.leakage_activation * (1 / thermal_voltage(ROOM_TEMPERATURE) - 1 / thermal_voltage(warm))
        return current + SIGNS[self.device.polarity] * (self.floor + self.leakage * jnp.exp(cold))


def _floor() -> Array:
    return parameter(0.0, unit="A", bounds=(0, None), doc="reading of the ammeter without a current")


def _leakage() -> Array:
    return parameter(0.0, unit="A", bounds=(0, None), doc="leakage of the junctions at 300 K")


def _activation() -> Array:
    return parameter(0.5, unit="V", bounds=(0, 2), doc="activation energy E of the leakage per charge")


class NChannelCurrent(DrainCurrent):
    """The drain current of an n-channel transistor.

    Equations, Source, Valid: as `DrainCurrent`.
    """

    name: ClassVar = "mosfet-n"
    search: ClassVar = SEARCH
    device: MOSFET = eqx.field(default_factory=lambda: MOSFET(length_modulation=0.0))
    floor: Array = _floor()
    leakage: Array = _leakage()
    leakage_activation: Array = _activation()


class PChannelCurrent(DrainCurrent):
    """The drain current of a p-channel transistor.

    Equations, Source, Valid: as `DrainCurrent`.
    """

    name: ClassVar = "mosfet-p"
    search: ClassVar = SEARCH | {"device.threshold": Search(-0.8, 0.0)}
    device: MOSFET = eqx.field(default_factory=lambda: MOSFET.p_channel(length_modulation=0.0))
    floor: Array = _floor()
    leakage: Array = _leakage()
    leakage_activation: Array = _activation()
