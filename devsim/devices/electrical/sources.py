"""Independent sources of potential and current, constant or with a waveform."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.check import InputError, above
from devsim.parameter import parameter
from devsim.part import Element
from devsim.physics import BOLTZMANN, ROOM_TEMPERATURE
from devsim.ports import Balance, Noise, Unknown, ageless, electrical, no_memory
from devsim.waveform import Waveform


class VoltageSource(Element):
    """Keeps `plus` above `minus` by its voltage less the drop over its source resistance; a pin or a bus.

    Equations: v_plus - v_minus = V + w(t) + R_s i, i the current into `plus` (an internal unknown, so R_s may be zero)
    and w the waveform, where there is one; noise 4 k T R_s (one-sided, V^2/Hz).
    Source: Thevenin; modified nodal analysis, Ho et al., IEEE Trans. Circuits Syst. 22, 504 (1975).
    Valid: any load; two ideal sources in a loop have no solution.

    Raises InputError where the waveform's value does not fit the shape of the voltage.
    """

    side_by_side = True
    voltage: Array = parameter(1.0, unit="V", doc="open-circuit voltage, a number or shape (n,) for a bus")
    source_resistance: Array = parameter(0.0, unit="ohm", bounds=(0, None), stage="read", ideal=0.0, doc="series resistance")
    temperature: Array = parameter(
        ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the series resistance"
    )
    waveform: Waveform | None = None
    age = ageless

    def __check_init__(self):
        check_waveform(self.waveform, self.voltage, "voltage")

    def ports(self):
        """`plus` and `minus`, of the shape of the voltage."""
        return {"plus": electrical(self.voltage.shape), "minus": electrical(self.voltage.shape)}

    def rest(self):
        """The current into `plus`."""
        return {"current": Unknown(jnp.zeros_like(self.voltage), 1e-3)}

    def balance(self, t, p, x):
        """Thevenin's equation."""
        current = x["current"]
        drop = p["plus"] - p["minus"] - moved(self.voltage, self.waveform, t) - self.source_resistance * current
        return Balance({"plus": current, "minus": -current, "current": drop})

    def noise(self, p, x):
        """Johnson noise of the series resistance, in Thevenin's equation."""
        density = 4 * BOLTZMANN * self.temperature * self.source_resistance
        return {"thermal": Noise(jnp.broadcast_to(density, self.voltage.shape), ("current",))}


class CurrentSource(Element):
    """Drives its current through itself from `plus` to `minus`, as in SPICE; a pin or a bus.

    Equations: i = I + w(t) + (v_plus - v_minus) / R_s, i the current into `plus` and w the waveform, where there is one;
    R_s is stated as a conductance, ideally zero; noise 4 k T / R_s (one-sided, A^2/Hz).
    Source: Norton.
    Valid: any load.

    Raises InputError where the waveform's value does not fit the shape of the current.
    """

    side_by_side = True
    current: Array = parameter(1e-3, unit="A", doc="short-circuit current, a number or shape (n,) for a bus")
    source_conductance: Array = parameter(0.0, unit="S", bounds=(0, None), stage="read", ideal=0.0, doc="parallel conductance")
    temperature: Array = parameter(
        ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the parallel conductance"
    )
    waveform: Waveform | None = None
    rest, age = no_memory, ageless

    def __check_init__(self):
        check_waveform(self.waveform, self.current, "current")

    def ports(self):
        """`plus` and `minus`, of the shape of the current."""
        return {"plus": electrical(self.current.shape), "minus": electrical(self.current.shape)}

    def balance(self, t, p, x):
        """Norton's equation."""
        current = moved(self.current, self.waveform, t) + self.source_conductance * (p["plus"] - p["minus"])
        return Balance({"plus": current, "minus": -current})

    def noise(self, p, x):
        """Johnson noise of the parallel conductance."""
        density = 4 * BOLTZMANN * self.temperature * self.source_conductance
        return {"thermal": Noise(jnp.broadcast_to(density, self.current.shape), ("plus", "minus"))}


def moved(level: Array, waveform: Waveform | None, t: Array | float) -> Array:
    """`level`, plus the value of the waveform at time `t` (s) where there is one."""
    return level if waveform is None else level + waveform(t)


def check_waveform(waveform: Waveform | None, level: Array, name: str) -> None:
    """Raise where `waveform` is none, or its value has not the shape of the field `name`."""
    if waveform is None:
        return
    check.instance("waveform", waveform, Waveform)
    given = jax.eval_shape(waveform, 0.0).shape
    if not check.fits(given, np.shape(level)):
        raise InputError(f"`waveform` must match `{name}` (shape {np.shape(level)}), but its value has shape {given}.")
