"""The electrical side of an electro-optic part."""

from dataclasses import KW_ONLY

from jaxtyping import Array

from devsim.check import above
from devsim.devices.lanes import Lanes
from devsim.parameter import parameter
from devsim.physics import BOLTZMANN, ROOM_TEMPERATURE
from devsim.ports import Balance, Noise, electrical


class Electrode(Lanes):
    """A junction between `plus` and `minus`: a capacitance behind a series resistance, a leak across both.

    The light sees the potential across the capacitance, the internal unknown `junction`.
    """

    _: KW_ONLY
    capacitance: Array = parameter(0.0, unit="F", bounds=(0, None), ideal=0.0, doc="capacitance of the junction")
    series_resistance: Array = parameter(
        0.0, unit="ohm", bounds=(0, None), ideal=0.0, doc="resistance between the pins and the capacitance"
    )
    leak_conductance: Array = parameter(0.0, unit="S", bounds=(0, None), ideal=0.0, doc="conductance across the pins")
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of its noise")

    def pins(self) -> dict:
        """The electrical ports `plus` and `minus`."""
        return {"plus": electrical(self.shape()), "minus": electrical(self.shape())}

    def rest(self):
        """The potential across the capacitance, V."""
        return {"junction": self.silent(settles=True)}

    def load(self, p: dict, x: dict) -> Balance:
        """Leak and charging currents, and junction + R C d(junction)/dt = v."""
        voltage, charge = p["plus"] - p["minus"], self.capacitance * x["junction"]
        leak = self.leak_conductance * voltage
        return Balance(
            {"plus": leak, "minus": -leak, "junction": x["junction"] - voltage},
            {"plus": charge, "minus": -charge, "junction": self.series_resistance * charge},
        )

    def noise(self, p, x):
        """Johnson noise of the leak and of the series resistance."""
        energy = 4 * BOLTZMANN * self.temperature
        return {
            "leak": Noise(self.everywhere(energy * self.leak_conductance), ("plus", "minus")),
            "series": Noise(self.everywhere(energy * self.series_resistance), ("junction",)),
        }
