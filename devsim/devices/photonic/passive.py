"""Parts that only weaken, absorb or send back: attenuator, isolator, termination, mirror."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import InputError, described
from devsim.devices.lanes import Lanes
from devsim.devices.photonic.knobs import loss
from devsim.devices.photonic.light import weakened
from devsim.parameter import Derived, parameter
from devsim.part import Element
from devsim.ports import Balance, ageless, no_memory, optical, quiet
from devsim.smooth import root


class Attenuator(Lanes):
    """A loss without reflection, alike in both directions.

    Equations: out = 10^(-loss / 20) in.
    Source: the definition of the decibel, IEC 60027-3.
    Valid: at powers that do not saturate it.
    """

    loss_db: Array = loss("loss of power from end to end")
    rest, noise = no_memory, quiet

    def ports(self):
        """The ends `in` and `out`."""
        return {"in": optical(self.shape()), "out": optical(self.shape())}

    def balance(self, t, p, x):
        """Weaken both ways."""
        kept = weakened(self.loss_db)
        return Balance({"out": kept * p["in"], "in": kept * p["out"]})


def _isolation(part) -> Array:
    return -10 * jnp.log10(jnp.where(part.leakage > 0, part.leakage, jnp.nan))


ISOLATION = Derived(
    _isolation,
    lambda part, db: {"leakage": 10 ** (-db / 10)},
    "dB",
    "another name for `leakage`; NaN where that is zero",
)


class Isolator(Lanes):
    """Lets light through from `in` to `out` and absorbs what comes back.

    Equations: out = 10^(-loss / 20) in; backwards in = leakage^0.5 out.
    Source: Saleh, Teich, Fundamentals of Photonics (2nd ed., Wiley, 2007), section 6.6.
    Valid: in the band of the Faraday rotator.
    """

    loss_db: Array = loss("loss of power in the forward direction")
    leakage: Array = parameter(0.0, unit="1", bounds=(0, 1), ideal=0.0, doc="share of the power that passes backwards")
    rest, noise = no_memory, quiet
    derived = {"isolation_db": ISOLATION}

    def ports(self):
        """`in` and `out`."""
        return {"in": optical(self.shape()), "out": optical(self.shape())}

    def balance(self, t, p, x):
        """Much forwards, little backwards."""
        return Balance({"out": weakened(self.loss_db) * p["in"], "in": root(self.leakage) * p["out"]})


class Termination(Element):
    """The end of a waveguide, which absorbs what arrives.

    Equations: the wave that leaves is zero.
    Source: Pozar, Microwave Engineering (4th ed., Wiley, 2012), section 2.3: the matched load.
    Valid: without back-reflection; a `Mirror` in front of it has one.
    """

    lanes: tuple[int, ...] = eqx.field(static=True, default=())
    rest, noise, age = no_memory, quiet, ageless

    def __check_init__(self):
        lanes = self.lanes
        if not isinstance(lanes, tuple) or not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in lanes):
            shown = lanes if isinstance(lanes, tuple) else described(lanes)
            raise InputError(f"`lanes` must be a shape, () for a pin and (n,) for a bus of n, but is {shown}.")

    def ports(self):
        """`in`, of shape `lanes`."""
        return {"in": optical(self.lanes)}

    def balance(self, t, p, x):
        """Nothing comes back."""
        return Balance({"in": jnp.zeros_like(p["in"])})


class Mirror(Lanes):
    """A partly reflecting plane in a waveguide: a facet, a joint, a short grating.

    Equations: out = A (i T^0.5 in + R^0.5 out'), in = A (R^0.5 in' + i T^0.5 out') for the waves in', out' that arrive,
    T = 1 - R, A = 10^(-loss / 20).
    Source: Saleh, Teich, Fundamentals of Photonics (2nd ed., Wiley, 2007), section 7.1: a lossless reciprocal symmetric
    mirror; planes of reference chosen so that it reflects in phase.
    Valid: where the reflectivity is constant over the band.
    """

    reflectivity: Array = parameter(0.04, unit="1", bounds=(0, 1), ideal=0.0, doc="share of the power that is sent back")
    loss_db: Array = loss("loss of both waves that leave")
    rest, noise = no_memory, quiet

    def ports(self):
        """The sides `in` and `out`."""
        return {"in": optical(self.shape()), "out": optical(self.shape())}

    def balance(self, t, p, x):
        """Part goes through, part goes back."""
        kept = weakened(self.loss_db)
        back, through = kept * root(self.reflectivity), 1j * kept * root(1 - self.reflectivity)
        return Balance({"out": through * p["in"] + back * p["out"], "in": back * p["in"] + through * p["out"]})
