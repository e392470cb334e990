"""`ReducedDelays`: the matrix of an array of delays, and nothing else."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.devices.delay.one_way import OneWayArray
from devsim.devices.reduced import Reduced
from devsim.parameter import state


class ReducedDelays(Reduced, OneWayArray):
    """An array of delays as the matrix that it multiplies with: many reads for one look at its lines.

    Equations: columns = rows @ (real + i imaginary); the powers are those of the array it was made from.
    Source: as that array.
    Valid: as that array, for one carrier frequency; it keeps the read noise that was held.
    """

    real: Array = state(unit="1", doc="real parts of the weights (rows, columns)")
    imaginary: Array = state(unit="1", doc="imaginary parts of the weights (rows, columns)")
    inverter_power: Array = state(0.0, unit="W", bounds=(0, None), doc="power of the switching stages")
    leakage_power: Array = state(0.0, unit="W", bounds=(0, None), doc="power that all stages leak")
    whole = "delay array"

    def check_shapes(self):
        """Raise where the two parts are not matrices of one shape."""
        if jnp.ndim(self.real) != 2:
            raise check.InputError(f"`real` must have rows and columns, but has shape {jnp.shape(self.real)}.")
        if jnp.shape(self.imaginary) != jnp.shape(self.real):
            raise check.InputError(
                f"`imaginary` must have the shape {jnp.shape(self.real)} of `real`, but has shape {jnp.shape(self.imaginary)}."
            )

    def shape(self):
        """(rows, columns) of the weights."""
        return jnp.shape(self.real)

    def weights(self):
        """The matrix, complex (rows, columns)."""
        return jax.lax.complex(self.real, self.imaginary)

    def power(self):
        """`inverters` and `leakage` of the array it was made from, W."""
        return {"inverters": self.inverter_power, "leakage": self.leakage_power}
