"""`ResetSwitch`: a switch that an event closes for a while."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.spiking.countdown import over, restarted, waiting
from devsim.parameter import parameter
from devsim.part import Element
from devsim.physics import BOLTZMANN, ROOM_TEMPERATURE
from devsim.ports import Balance, Noise, Unknown, ageless, electrical, spikes_in


class ResetSwitch(Element):
    """Resistor between `a` and `b` that is closed for a hold time after every event; a pin or a bus.

    Equations: i = v / R_on from the step after an event until the hold time has passed, v / R_off else; a further event
    begins the hold time again. Noise 4 k T / R. The derivative with respect to the hold time is zero.
    Source: the reset of an integrate-and-fire circuit; Indiveri et al., Front. Neurosci. 5, 73 (2011).
    Valid: as an ideal switch with two resistances; the hold time on the grid of the time steps; no charge injection.
    """

    side_by_side = True
    hold_time: Array = parameter(1e-6, unit="s", bounds=above(0), doc="time closed, a number or shape (n,) for a bus")
    on_resistance: Array = parameter(1e3, unit="ohm", bounds=above(0), stage="read", doc="resistance when closed")
    off_resistance: Array = parameter(1e12, unit="ohm", bounds=above(0), stage="read", doc="resistance when open")
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the channel")
    age = ageless

    def ports(self):
        """Pins `a`, `b` and the events `close`."""
        shape = self.hold_time.shape
        return {"a": electrical(shape), "b": electrical(shape), "close": spikes_in(shape)}

    def rest(self):
        """The countdown of the hold time (s), and whether the switch is closed: it changes at the end of a step only."""
        return {"countdown": over(self.hold_time.shape), "closed": Unknown(jnp.zeros(self.hold_time.shape))}

    def conductance(self, closed: Array) -> Array:
        """Conductance (S), open at 0 and closed at 1."""
        return jnp.where(closed > 0.5, 1 / self.on_resistance, 1 / self.off_resistance)

    def balance(self, t, p, x):
        """Ohm's law."""
        current = self.conductance(x["closed"]) * (p["a"] - p["b"])
        rates = {"countdown": jnp.ones_like(x["countdown"]), "closed": jnp.zeros_like(x["closed"])}
        return Balance({"a": current, "b": -current} | rates, dict(x))

    def jump(self, t, p, x):
        """An event closes the switch, the end of the hold time opens it."""
        countdown = restarted(x["countdown"], p["close"], self.hold_time)
        closed = jnp.where(waiting(countdown, self.hold_time), 1.0, 0.0).astype(x["closed"].dtype)
        return {"countdown": countdown, "closed": closed}

    def noise(self, p, x):
        """Johnson noise of the channel."""
        density = 4 * BOLTZMANN * self.temperature * self.conductance(x["closed"])
        return {"thermal": Noise(density, ("a", "b"))}
