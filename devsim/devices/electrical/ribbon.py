"""`ElectricalRibbon`: the lanes of a bus as pins of their own."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp

from devsim import check
from devsim.part import Element
from devsim.ports import Balance, Unknown, ageless, electrical, quiet


class ElectricalRibbon(Element):
    """Joins every lane of the electrical bus `bus` to a pin of its own, `lane0`, `lane1`, ..., without resistance.

    Equations: v_bus[k] = v_lane_k, with the current through lane k as an internal unknown.
    Source: modified nodal analysis, Ho et al., IEEE Trans. Circuits Syst. 22, 504 (1975).
    Valid: always; it is a way of naming and no device.

    Raises InputError where the count of `lanes` is no whole number from one on.
    """

    lanes: int = eqx.field(static=True, default=2)
    noise, age = quiet, ageless

    def __check_init__(self):
        check.whole("lanes", self.lanes, 1)

    def ports(self) -> dict[str, Any]:
        """`bus` of shape (lanes,), and one pin for each lane."""
        return {"bus": electrical((self.lanes,))} | {f"lane{k}": electrical() for k in range(self.lanes)}

    def rest(self):
        """`current`: into every lane of the bus, A."""
        return {"current": Unknown(jnp.zeros(self.lanes), 1e-3)}

    def balance(self, t, p, x):
        """Equal potentials; what enters the bus leaves through the pins."""
        current = x["current"]
        into = {f"lane{k}": -current[k] for k in range(self.lanes)}
        return Balance({"bus": current, "current": p["bus"] - jnp.stack([p[f"lane{k}"] for k in range(self.lanes)])} | into)
