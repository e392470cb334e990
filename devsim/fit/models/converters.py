"""Transfer curves of converters: gain, offset and integral nonlinearity."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.converters import ADC, DAC, Converter
from devsim.fit.bench import Axis, Bench, Search
from devsim.parameter import parameter
from devsim.quantise import quantise

FREE = ("device.gain", "device.offset", "bow", "skew")
SEARCH = {
    "device.gain": Search(0.5, 2.0, logarithmic=True),
    "device.offset": Search(-0.1, 0.1),
    "bow": Search(-0.05, 0.05),
    "skew": Search(-0.05, 0.05),
}


class Transfer(Bench):
    """A converter whose curve bends: what is not a straight line is its integral nonlinearity.

    Equations: INL(u) = bow (1 - u^2) + skew (u^3 - u), u from -1 to 1 over the range, zero at both ends of it.
    Source: IEEE Std 1241-2010 and 1658-2011: integral nonlinearity against the line through both ends.
    Valid: at low frequency; a bend without jumps. The device itself is straight: bow and skew stay with the measurement.
    """

    output: ClassVar = Axis("V", "converted potential")
    free: ClassVar = FREE
    search: ClassVar = SEARCH
    device: eqx.AbstractVar[Converter]
    bow: eqx.AbstractVar[Array]
    skew: eqx.AbstractVar[Array]

    def nonlinearity(self, place: Array) -> Array:
        """INL (V) at places u (n,) of the range."""
        return self.bow * (1 - place**2) + self.skew * (place**3 - place)


def _bow() -> Array:
    return parameter(0.0, unit="V", doc="nonlinearity at mid-range")


def _skew() -> Array:
    return parameter(0.0, unit="V", doc="odd part of the nonlinearity: at u = -0.577 it is 0.385 times this")


class ADCTransfer(Transfer):
    """The code of an ADC, in volts, against its input.

    Equations: code = Q(clip(gain v + offset + INL(v / full_scale))); the rest as `Transfer`.
    Source, Valid: as `Transfer`.
    """

    name: ClassVar = "adc-transfer"
    inputs: ClassVar = {"input": Axis("V", "potential at the input")}
    device: ADC = eqx.field(default_factory=ADC)
    bow: Array = _bow()
    skew: Array = _skew()

    def predict(self, inputs):
        """The code (V) of each row."""
        device, volts = self.device, inputs["input"]
        bent = self.nonlinearity(jnp.clip(volts / device.full_scale, -1.0, 1.0))
        seen = jnp.clip(device.gain * volts + device.offset + bent, -device.full_scale, device.full_scale)
        return quantise(seen, device.step)


class DACTransfer(Transfer):
    """The potential of a DAC against its code.

    Equations: v = gain Q(full_scale code) + offset + INL(code); the rest as `Transfer`.
    Source, Valid: as `Transfer`.
    """

    name: ClassVar = "dac-transfer"
    inputs: ClassVar = {"code": Axis("1", "from -1 to 1")}
    device: DAC = eqx.field(default_factory=DAC)
    bow: Array = _bow()
    skew: Array = _skew()

    def predict(self, inputs):
        """The potential (V) of each row."""
        code = jnp.clip(inputs["code"], -1.0, 1.0)
        held = quantise(self.device.full_scale * code, self.device.step)
        return self.device.gain * held + self.device.offset + self.nonlinearity(code)
