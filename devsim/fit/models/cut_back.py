"""Loss of waveguides from the power behind several lengths of them."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.photonic.light import power
from devsim.devices.photonic.waveguide import Waveguide
from devsim.fit.bench import Axis, Bench, Search
from devsim.parameter import parameter


class CutBack(Bench):
    """The power behind guides of unlike length between equal couplers.

    Equations: P = power 10^(-loss L / 10).
    Source: as `Waveguide`; Keck, Tynes, Appl. Opt. 11, 1502 (1972).
    Valid: couplers that repeat; where one of them does not, take a robust loss.
    """

    name: ClassVar = "cut-back"
    inputs: ClassVar = {"length": Axis("m", "length of the guide")}
    output: ClassVar = Axis("W", "optical power behind it")
    free: ClassVar = ("power", "device.loss_db_per_cm")
    search: ClassVar = {
        "power": Search(1e-10, 1e-1, logarithmic=True),
        "device.loss_db_per_cm": Search(0.05, 50.0, logarithmic=True),
    }
    residual: ClassVar = "logarithm"
    device: Waveguide = eqx.field(default_factory=Waveguide)
    power: Array = parameter(1e-3, unit="W", bounds=(0, None), doc="power behind no length")

    def predict(self, inputs):
        """The power (W) of each row."""
        return self.power * power(self.device.transmission(inputs["length"]))

    def guess(self, inputs, output):
        """From the shortest to the longest."""
        length, level = inputs["length"], 10 * jnp.log10(jnp.maximum(output, 1e-30))
        short, long = jnp.argmin(length), jnp.argmax(length)
        slope = (level[short] - level[long]) / jnp.maximum(length[long] - length[short], 1e-9) / 100
        slope = jnp.maximum(slope, 0.01)
        return {"device.loss_db_per_cm": slope, "power": 10 ** ((level[short] + 100 * slope * length[short]) / 10)}
