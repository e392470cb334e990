"""Sources of potential and current."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.parameter import parameter
from devsim.part import Element
from devsim.ports import Balance, Unknown, ageless, electrical, no_memory, quiet


class VoltageSource(Element):
    """Keeps `plus` above `minus` by its voltage less the drop over its source resistance; a pin or a bus.

    Equations: v_plus - v_minus = V + R_s i, i the current into `plus` (an internal unknown, so R_s may be zero).
    Source: Thevenin; modified nodal analysis, Ho et al., IEEE Trans. Circuits Syst. 22, 504 (1975).
    Valid: any load; two ideal sources in a loop have no solution.
    """

    voltage: Array = parameter(1.0, unit="V", doc="open-circuit voltage, a number or shape (n,) for a bus")
    source_resistance: Array = parameter(0.0, unit="ohm", bounds=(0, None), stage="read", ideal=0.0, doc="series resistance")
    age, noise = ageless, quiet

    def ports(self):
        """`plus` and `minus`, of the shape of the voltage."""
        return {"plus": electrical(self.voltage.shape), "minus": electrical(self.voltage.shape)}

    def rest(self):
        """The current into `plus`."""
        return {"current": Unknown(jnp.zeros_like(self.voltage), 1e-3)}

    def balance(self, t, p, x):
        """Thevenin's equation."""
        current = x["current"]
        drop = p["plus"] - p["minus"] - self.voltage - self.source_resistance * current
        return Balance({"plus": current, "minus": -current, "current": drop})


class CurrentSource(Element):
    """Drives its current through itself from `plus` to `minus`, as in SPICE; a pin or a bus.

    Equations: i = I + (v_plus - v_minus) / R_s, i the current into `plus`; R_s is stated as a conductance, ideally zero.
    Source: Norton.
    Valid: any load.
    """

    current: Array = parameter(1e-3, unit="A", doc="short-circuit current, a number or shape (n,) for a bus")
    source_conductance: Array = parameter(0.0, unit="S", bounds=(0, None), stage="read", ideal=0.0, doc="parallel conductance")
    rest, age, noise = no_memory, ageless, quiet

    def ports(self):
        """`plus` and `minus`, of the shape of the current."""
        return {"plus": electrical(self.current.shape), "minus": electrical(self.current.shape)}

    def balance(self, t, p, x):
        """Norton's equation."""
        current = self.current + self.source_conductance * (p["plus"] - p["minus"])
        return Balance({"plus": current, "minus": -current})
