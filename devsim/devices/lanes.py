"""`Lanes`: one lane for each element of a part's parameters, side by side."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.parameter import quantities
from devsim.part import Element, Part
from devsim.ports import Unknown, ageless


class Lanes(Element):
    """A part whose ports have the shape to which its parameters broadcast: numbers make a pin, shape (n,) a bus.

    Raises InputError for parameters whose shapes do not broadcast.
    """

    side_by_side = True
    age = ageless

    def shape(self) -> tuple[int, ...]:
        """`()` for one lane, `(n,)` for n."""
        own = (name for name in quantities(self) if name not in self.between)
        return np.broadcast_shapes(*(np.shape(getattr(self, name)) for name in own))

    def everywhere(self, value: Array) -> Array:
        """`value` in the shape of the lanes."""
        return jnp.broadcast_to(value, self.shape())

    def fabricate(self, key):
        """One physical die: every lane draws for itself, also where the lanes share one nominal value."""
        spread = {q.spreads for q in quantities(self).values() if q.spreads is not None}
        wide = {name: self.everywhere(getattr(self, name)) for name in sorted(spread)}
        return Part.fabricate(self.put(**wide) if wide else self, key)

    def quiet_wave(self) -> Unknown:
        """A complex unknown of the lanes' shape that is dark at power-up."""
        precision = jnp.result_type(jnp.complex64, *(getattr(self, name) for name in quantities(self)))
        return Unknown(jnp.zeros(self.shape(), precision))

    def silent(self, *, scale: float = 1.0, settles: bool = False) -> Unknown:
        """A real unknown of the lanes' shape that is zero at power-up."""
        precision = jnp.result_type(*(getattr(self, name) for name in quantities(self)))
        return Unknown(jnp.zeros(self.shape(), precision), scale, settles)
