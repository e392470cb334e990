"""The four linear controlled sources, each with explicit pins that sense what controls it."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.parameter import parameter
from devsim.part import Element
from devsim.ports import Balance, Unknown, ageless, electrical, no_memory, quiet

PINS = ("plus", "minus", "sense_plus", "sense_minus")


def four_pins(shape: tuple[int, ...]):
    """Output pins `plus`, `minus` and the pins `sense_plus`, `sense_minus`."""
    return {pin: electrical(shape) for pin in PINS}


def through(plus: str, minus: str, current: Array) -> dict[str, Array]:
    """The current into one pin and out of the other."""
    return {plus: current, minus: -current}


class VoltageControlledVoltageSource(Element):
    """SPICE's E: the voltage between the sense pins, times a gain; a pin or a bus.

    Equations: v_plus - v_minus = A (v_sense_plus - v_sense_minus); no current into the sense pins.
    Source: modified nodal analysis, Ho et al., IEEE Trans. Circuits Syst. 22, 504 (1975).
    Valid: at any frequency and level; without noise.
    """

    side_by_side = True
    gain: Array = parameter(1.0, unit="1", doc="voltage gain, a number or shape (n,) for a bus")
    age, noise = ageless, quiet

    def ports(self):
        """Four pins of the shape of the gain."""
        return four_pins(self.gain.shape)

    def rest(self):
        """The current into `plus`."""
        return {"current": Unknown(jnp.zeros_like(self.gain), 1e-3)}

    def balance(self, t, p, x):
        """The voltage law; the current is whatever it takes."""
        law = p["plus"] - p["minus"] - self.gain * (p["sense_plus"] - p["sense_minus"])
        return Balance(through("plus", "minus", x["current"]) | {"current": law})


class VoltageControlledCurrentSource(Element):
    """SPICE's G: a current from `plus` through the source to `minus`, set by the voltage between the sense pins.

    Equations: i_plus = g (v_sense_plus - v_sense_minus) = -i_minus; no current into the sense pins.
    Source: modified nodal analysis, Ho et al., IEEE Trans. Circuits Syst. 22, 504 (1975).
    Valid: at any frequency and level; without noise.
    """

    side_by_side = True
    transconductance: Array = parameter(1e-3, unit="S", doc="output current per volt, a number or shape (n,) for a bus")
    rest, age, noise = no_memory, ageless, quiet

    def ports(self):
        """Four pins of the shape of the transconductance."""
        return four_pins(self.transconductance.shape)

    def balance(self, t, p, x):
        """The current law."""
        return Balance(through("plus", "minus", self.transconductance * (p["sense_plus"] - p["sense_minus"])))


class CurrentControlledCurrentSource(Element):
    """SPICE's F: a current from `plus` through the source to `minus`, a multiple of the one between the sense pins.

    Equations: v_sense_plus = v_sense_minus; i_plus = A i_sense_plus = -i_minus.
    Source: modified nodal analysis, Ho et al., IEEE Trans. Circuits Syst. 22, 504 (1975).
    Valid: at any frequency and level; without noise. Its sense pins stand where SPICE names a 0 V source.
    """

    side_by_side = True
    gain: Array = parameter(1.0, unit="1", doc="current gain, a number or shape (n,) for a bus")
    age, noise = ageless, quiet

    def ports(self):
        """Four pins of the shape of the gain."""
        return four_pins(self.gain.shape)

    def rest(self):
        """The current into `sense_plus`."""
        return {"sensed": Unknown(jnp.zeros_like(self.gain), 1e-3)}

    def balance(self, t, p, x):
        """A short that measures, and its multiple."""
        into = through("sense_plus", "sense_minus", x["sensed"]) | through("plus", "minus", self.gain * x["sensed"])
        return Balance(into | {"sensed": p["sense_plus"] - p["sense_minus"]})


class CurrentControlledVoltageSource(Element):
    """SPICE's H: a voltage set by the current between the sense pins.

    Equations: v_sense_plus = v_sense_minus; v_plus - v_minus = r i_sense_plus.
    Source: modified nodal analysis, Ho et al., IEEE Trans. Circuits Syst. 22, 504 (1975).
    Valid: at any frequency and level; without noise.
    """

    side_by_side = True
    transresistance: Array = parameter(1e3, unit="ohm", doc="output voltage per ampere, a number or shape (n,) for a bus")
    age, noise = ageless, quiet

    def ports(self):
        """Four pins of the shape of the transresistance."""
        return four_pins(self.transresistance.shape)

    def rest(self):
        """The currents into `sense_plus` and `plus`."""
        still = Unknown(jnp.zeros_like(self.transresistance), 1e-3)
        return {"sensed": still, "current": still}

    def balance(self, t, p, x):
        """A short that measures, and the voltage law."""
        into = through("sense_plus", "sense_minus", x["sensed"]) | through("plus", "minus", x["current"])
        law = p["plus"] - p["minus"] - self.transresistance * x["sensed"]
        return Balance(into | {"sensed": p["sense_plus"] - p["sense_minus"], "current": law})
