"""`Bump`: a current where two potentials agree."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.transconductor import Gates
from devsim.parameter import parameter
from devsim.ports import Balance, Noise


class Bump(Gates):
    """A differential pair with a third branch of two transistors in series: its current is largest at equal gates.

    Equations: I = I_b / (1 + (4 / S) cosh^2(x / 2)), x = kappa (V_plus - V_minus + offset) / U_T, S the ratio of W/L of the
    middle transistors to that of the outer ones. The offset is normal, its standard deviation A_VT / (W L)^0.5.
      Noise: 2 q I of the middle branch, and flicker of both gates.
    Source: Delbruck, Proc. IEEE IJCNN 1, 475 (1991).
    Valid: weak inversion, all transistors saturated but the middle ones.
    """

    ratio: Array = parameter(4.0, unit="1", bounds=above(0), doc="S, middle W/L over outer W/L")

    def ports(self):
        """Gates `plus` and `minus`, and the current `out`."""
        return self.gates() | {"out": self.current_out()}

    def current(self, tilt: Array) -> Array:
        """I (A) at a `tilt` x."""
        wide = jnp.logaddexp(tilt / 2, -tilt / 2)  # ln(2 cosh(x / 2))
        return self.bias("bias_current") * jax.nn.sigmoid(jnp.log(self.ratio) - 2 * wide)

    def balance(self, t, p, x):
        """The current of the middle branch."""
        return Balance(self.undrawn() | {"out": self.sent(self.everywhere(self.current(self.tilt(p))))})

    def noise(self, p, x):
        """Shot noise of the middle branch and flicker noise of both gates."""
        current, slope = jax.jvp(self.current, (self.tilt(p),), (jnp.ones_like(self.tilt(p)),))
        return {
            "shot": Noise(self.everywhere(self.technology.shot_noise(current)), ("out",)),
            "flicker": Noise(self.everywhere(self.flicker(slope)), ("out",), "flicker", 1.0),
        }
