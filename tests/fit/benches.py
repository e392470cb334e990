"""Small benches: laws whose fits are known well."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from devsim.fit.bench import Axis, Bench, Search
from devsim.parameter import deviation, parameter
from devsim.part import Part
from devsim.ports import ageless


class _Device(Part):
    """A device that is not wired to anything."""

    age = ageless

    def ports(self):
        """None."""
        return {}


class Capacitor(_Device):
    """What decays, with its spreads."""

    amplitude: Array = parameter(1.0, unit="V", bounds=(0, None), doc="where the decay begins")
    rate: Array = parameter(1.0, unit="1/s", bounds=(0, None), doc="rate of the decay")
    amplitude_spread: Array = deviation("amplitude", "V")
    rate_spread: Array = deviation("rate", "1", "lognormal")


class Decay(Bench):
    """amplitude exp(-rate t) + offset + slope t."""

    device: Capacitor
    offset: Array = parameter(0.0, unit="V", doc="of the meter")
    slope: Array = parameter(0.0, unit="V/s", doc="drift of the meter")
    name: ClassVar[str] = "decay"
    inputs: ClassVar[dict[str, Axis]] = {"time": Axis("s", "since the pulse")}
    output: ClassVar[Axis] = Axis("V", "voltage")
    free: ClassVar[tuple[str, ...]] = ("device.amplitude", "device.rate", "offset")
    search: ClassVar[dict[str, Search]] = {
        "device.amplitude": Search(0.1, 10, True),
        "device.rate": Search(0.05, 20, True),
        "offset": Search(-1, 1),
        "slope": Search(-1, 1),
    }

    def predict(self, inputs):
        """The decay."""
        t = inputs["time"]
        return self.device.amplitude * jnp.exp(-self.device.rate * t) + self.offset + self.slope * t


class Cell(_Device):
    """Drift of a conductance."""

    conductance: Array = parameter(1e-5, unit="S", bounds=(0, None), doc="one second after programming")
    exponent: Array = parameter(0.05, unit="1", bounds=(0, 1), doc="of the power law")


class Drift(Bench):
    """conductance t^-exponent, compared in the logarithm."""

    device: Cell
    name: ClassVar[str] = "drift"
    inputs: ClassVar[dict[str, Axis]] = {"time": Axis("s", "since programming")}
    output: ClassVar[Axis] = Axis("S", "conductance")
    free: ClassVar[tuple[str, ...]] = ("device.conductance", "device.exponent")
    search: ClassVar[dict[str, Search]] = {"device.conductance": Search(1e-7, 1e-3, True)}
    residual: ClassVar[str] = "logarithm"

    def predict(self, inputs):
        """The power law."""
        return self.device.conductance * inputs["time"] ** -self.device.exponent


class Junction(_Device):
    """A diode with a resistance in series, which is small."""

    saturation: Array = parameter(1e-12, unit="A", bounds=(0, None), doc="saturation current")
    ideality: Array = parameter(1.2, unit="1", bounds=(1, 3), doc="ideality")


class Diode(Bench):
    """saturation (exp(v / ideality V_T) - 1), compared in the logarithm."""

    device: Junction
    name: ClassVar[str] = "diode"
    inputs: ClassVar[dict[str, Axis]] = {"voltage": Axis("V", "across the diode")}
    output: ClassVar[Axis] = Axis("A", "current")
    free: ClassVar[tuple[str, ...]] = ("device.saturation", "device.ideality")
    search: ClassVar[dict[str, Search]] = {"device.saturation": Search(1e-15, 1e-8, True)}
    residual: ClassVar[str] = "logarithm"

    def predict(self, inputs):
        """Shockley's law."""
        return self.device.saturation * jnp.expm1(inputs["voltage"] / (0.02585 * self.device.ideality))


class Ring(_Device):
    """A resonance."""

    centre: Array = parameter(1.0, unit="Hz", bounds=(0, None), doc="where it is")
    width: Array = parameter(0.1, unit="Hz", bounds=(0, None), doc="full width at half maximum")
    height: Array = parameter(1.0, unit="1", bounds=(0, None), doc="at the centre")


class Resonance(Bench):
    """height / (1 + (2 (f - centre) / width)^2) + floor."""

    device: Ring
    floor: Array = parameter(0.0, unit="1", doc="of the detector")
    name: ClassVar[str] = "resonance"
    inputs: ClassVar[dict[str, Axis]] = {"frequency": Axis("Hz", "of the probe")}
    output: ClassVar[Axis] = Axis("1", "transmission")
    free: ClassVar[tuple[str, ...]] = ("device.centre", "device.width", "device.height", "floor")
    search: ClassVar[dict[str, Search]] = {
        "device.centre": Search(0.5, 1.5),
        "device.width": Search(0.02, 0.5, True),
        "device.height": Search(0.1, 5, True),
        "floor": Search(-1, 1),
    }

    def predict(self, inputs):
        """Lorentz's line."""
        detuning = 2 * (inputs["frequency"] - self.device.centre) / self.device.width
        return self.device.height / (1 + detuning**2) + self.floor

    def guess(self, inputs, output):
        """The highest point."""
        return {"device.centre": inputs["frequency"][jnp.argmax(output)]}


class Synapse(_Device):
    """A cell whose steps shrink towards its end."""

    start: Array = parameter(0.0, unit="1", bounds=(-2, 2), doc="weight before the first pulse")
    end: Array = parameter(1.0, unit="1", bounds=(-5, 5), doc="weight after many pulses")
    step: Array = parameter(0.1, unit="1", bounds=(0, 1), doc="share of the remaining way in a pulse")


class Pulses(Bench):
    """w + step (end - w) at every pulse."""

    device: Synapse
    name: ClassVar[str] = "pulses"
    inputs: ClassVar[dict[str, Axis]] = {"pulse": Axis("1", "number of the pulse")}
    output: ClassVar[Axis] = Axis("1", "weight")
    free: ClassVar[tuple[str, ...]] = ("device.start", "device.end", "device.step")

    def predict(self, inputs):
        """Soft bounds in closed form."""
        d = self.device
        return d.end + (d.start - d.end) * (1 - d.step) ** inputs["pulse"]


class Product(Bench):
    """gain amplitude exp(-rate t): only the product is seen."""

    device: Capacitor
    gain: Array = parameter(1.0, unit="1", bounds=(0, None), doc="of the amplifier")
    name: ClassVar[str] = "product"
    inputs: ClassVar[dict[str, Axis]] = {"time": Axis("s", "since the pulse")}
    output: ClassVar[Axis] = Axis("V", "voltage")
    free: ClassVar[tuple[str, ...]] = ("device.amplitude", "device.rate", "gain")
    search: ClassVar[dict[str, Search]] = Decay.search | {"gain": Search(0.1, 10, True)}

    def predict(self, inputs):
        """The amplified decay."""
        return self.gain * self.device.amplitude * jnp.exp(-self.device.rate * inputs["time"])
