"""What spectra of guides have in common: the couplers to the fibre around them, and a first group index from their fringes."""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.photonic.light import weakened
from devsim.devices.photonic.waveguide import Guide
from devsim.fit.bench import Axis, Bench, Search
from devsim.fit.models.fringes import strongest
from devsim.parameter import parameter

WAVELENGTH = {"wavelength": Axis("m", "in vacuum")}
POWER = Axis("W", "optical power behind the second coupler to fibre")
STEP = 10e-9
"""Metres of wavelength that count as one in the envelope."""
FEWEST, DENSEST = 1.5, 0.2
"""Fringes in all rows, and from row to row, between which a first period is looked for."""
ENVELOPE = ("power", "tilt", "bend", "skew", "flatness", "floor")
SEARCH = {
    "power": Search(1e-10, 1e-2, logarithmic=True),
    "tilt": Search(-1.0, 1.0),
    "bend": Search(-1.0, 0.2),
    "skew": Search(-0.1, 0.1),
    "flatness": Search(-0.02, 0.02),
    "floor": Search(1e-13, 1e-8, logarithmic=True),
    "device.effective_index": Search(2.4, 2.5),
    "device.group_index": Search(1.4, 5.0),
    "device.dispersion": Search(-2e-3, 2e-3),
    "device.loss_db_per_cm": Search(0.1, 30.0, logarithmic=True),
}


class Spectrum(Bench):
    """The power behind a guide between couplers to fibre, whose own band is a polynomial in the logarithm.

    Equations: P = power exp(tilt d + bend d^2 + skew d^3 + flatness d^4) T(wavelength) + floor, d = (wavelength - reference) /
    10 nm, T the device's share, one at its highest.
    Source: that of the device.
    Valid: without reflections between the couplers.
    """

    inputs: ClassVar = WAVELENGTH
    output: ClassVar = POWER
    residual: ClassVar = "logarithm"
    device: eqx.AbstractVar[Guide]
    power: eqx.AbstractVar[Array]
    tilt: eqx.AbstractVar[Array]
    bend: eqx.AbstractVar[Array]
    skew: eqx.AbstractVar[Array]
    flatness: eqx.AbstractVar[Array]
    floor: eqx.AbstractVar[Array]

    @abc.abstractmethod
    def share(self, device: Guide, inputs) -> Array:
        """T of each row, `device` with the wavelength of each row."""

    def path(self, device: Guide) -> tuple[Array, Array]:
        """The factor on the size of a wave along the device's length, and the phase (rad) that it gains."""
        phase = 2 * jnp.pi * device.phase_index() * (device.length / device.wavelength)
        return weakened(device.loss_db_per_cm * (100 * device.length)), phase

    def away(self, wavelength: Array) -> Array:
        """d: distance from the reference wavelength, in 10 nm."""
        return (wavelength - self.device.reference_wavelength) / STEP

    def predict(self, inputs):
        """The power (W) of each row."""
        d = self.away(inputs["wavelength"])
        band = self.power * jnp.exp(d * (self.tilt + d * (self.bend + d * (self.skew + d * self.flatness))))
        device = eqx.tree_at(lambda device: device.wavelength, self.device, inputs["wavelength"])
        return band * self.share(device, inputs) + self.floor

    def indices(self, inputs, output: Array, bright: float, *, widest: bool = False) -> dict[str, Array]:
        """Group index and effective index from the strongest fringe over the length of the device.

        bright: the phase (rad) of the path at which the output is high. widest: look for any group index whose fringes the rows
        can show, not only between 1.3 and 5.
        """
        reference, length = self.device.reference_wavelength, self.device.length
        place = 2 * jnp.pi * length * (1 / inputs["wavelength"] - 1 / reference)
        turns = jnp.maximum(jnp.ptp(place), 1e-12) / (2 * jnp.pi)
        ends = (FEWEST / turns, DENSEST * place.size / turns) if widest else (1.3, 5.0)
        index, phase = strongest(place, jnp.log(jnp.maximum(output, 1e-30)), *ends)
        own = (phase + bright) / (2 * jnp.pi)
        whole = jnp.round(self.device.effective_index * length / reference - own)
        return {"device.group_index": index, "device.effective_index": (whole + own) * reference / length}

    def envelope(self, inputs, output: Array) -> dict[str, Array]:
        """The polynomial through the logarithm of the power, by least squares twice, the second time of what lies above."""
        d = self.away(inputs["wavelength"])
        basis, level = d[:, None] ** jnp.arange(5), jnp.log(jnp.maximum(output, 1e-30))
        first = basis @ jnp.linalg.lstsq(basis, level)[0]
        weight = jnp.where(level > first, 1.0, 1e-3)[:, None]
        found = jnp.linalg.lstsq(basis * weight, level * weight[:, 0])[0]
        named = dict(zip(("tilt", "bend", "skew", "flatness"), found[1:], strict=True))
        return {"power": jnp.exp(found[0]), **named, "floor": jnp.maximum(jnp.min(output), 1e-18) / 3}


def power_at_reference() -> Array:
    """The knob of the envelope's height."""
    return parameter(1e-5, unit="W", bounds=(0, None), doc="power at the reference wavelength where the device takes none")


def term(power: int) -> Array:
    """A knob of the envelope's shape."""
    return parameter(0.0, unit="1", doc=f"ln of the power gained for (10 nm)^{power} away from the reference wavelength")


def floor() -> Array:
    """The knob of what is read in the dark."""
    return parameter(0.0, unit="W", bounds=(0, None), doc="reading without light, and light that goes another way")
