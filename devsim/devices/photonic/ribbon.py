"""`OpticalRibbon`: the lanes of a bus as ports of their own."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp

from devsim import check
from devsim.part import Element
from devsim.ports import Balance, ageless, no_memory, optical, quiet


class OpticalRibbon(Element):
    """Joins every lane of the optical bus `bus` to a port of its own, `lane0`, `lane1`, ..., without loss.

    Equations: lane_k = bus[k] and bus[k] = lane_k, of the waves that leave and enter.
    Source: the definition of a bus.
    Valid: always; it is a way of naming and no device.

    Raises InputError where the count of `lanes` is no whole number from one on.
    """

    lanes: int = eqx.field(static=True, default=2)
    rest, noise, age = no_memory, quiet, ageless

    def __check_init__(self):
        check.whole("lanes", self.lanes, 1)

    def ports(self) -> dict[str, Any]:
        """`bus` of shape (lanes,), and one port for each lane."""
        return {"bus": optical((self.lanes,))} | {f"lane{k}": optical() for k in range(self.lanes)}

    def balance(self, t, p, x):
        """What enters on one side leaves on the other."""
        return Balance(
            {"bus": jnp.stack([p[f"lane{k}"] for k in range(self.lanes)])}
            | {f"lane{k}": p["bus"][k] for k in range(self.lanes)}
        )
