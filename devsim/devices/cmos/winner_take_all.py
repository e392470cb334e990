"""`WinnerTakeAll`: currents that compete for one."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import InputError, above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.devices.cmos.log_domain import log_of
from devsim.devices.cmos.technology import Technology
from devsim.parameter import parameter, state
from devsim.ports import Balance, Noise, no_memory
from devsim.randomness import named_key


def steepness(technology: Technology, early_voltage: Array) -> Array:
    """g = kappa V_A / U_T: by how much ln I_out of a competing cell follows ln I, V_A the Early voltage (V)."""
    return early_voltage / technology.gate_unit()


class WinnerTakeAll(CurrentMode):
    """Cells that share one current: nearly all of it leaves at the cell into which the largest current flows; a bus.

    Equations: I_out,j = I_b I_j^g / sum_k I_k^g, g = kappa V_A / U_T; an input is never below the off current I_0. Mismatch
    multiplies I_j by exp(kappa shift_j / U_T). Noise: 2 q I of the output transistors, which share I_b.
    Source: Lazzaro, Ryckebusch, Mahowald and Mead, NIPS 1, 703 (1989).
    Valid: weak inversion, inputs within a factor exp(1 / g) exactly, beyond that but for what the losers keep; at once: no
    dynamics of the cells' nodes.

    Raises InputError for less than two cells.
    """

    side_by_side = False
    between = CurrentMode.between | {"cell_shift"}
    biases = ("bias_current",)

    bias_current: Array = parameter(1e-9, unit="A", bounds=above(0), doc="I_b, that the cells share")
    early_voltage: Array = parameter(5.0, unit="V", bounds=above(0), doc="V_A of the transistors that compete")
    cell_shift: Array = state(0.0, unit="V", stage="fabricate", doc="threshold errors of the cells, a number or shape (cells,)")
    cells: int = eqx.field(static=True, default=2)
    rest = no_memory

    def check_shapes(self):
        """Raise where there are no two cells, or where a quantity of them all is no number."""
        check.whole("cells", self.cells, 2)
        for name in ("bias_current", "early_voltage"):
            if jnp.ndim(getattr(self, name)):
                raise InputError(f"`{name}` must be a number, but has shape {getattr(self, name).shape}.")

    def ports(self):
        """Currents `input` and `out`, (cells,)."""
        return {"input": self.current_in((self.cells,)), "out": self.current_out((self.cells,))}

    def fabricate(self, key):
        """One physical die: every cell and the mirror of the bias are drawn."""
        drawn = self.technology.drawn_shifts((self.cells,), named_key(key, "cell_shift"))
        return super().fabricate(key).put(cell_shift=self.cell_shift + drawn)

    def ideal(self):
        """Without imperfections, those that are drawn included."""
        return super().ideal().put(cell_shift=jnp.zeros_like(self.cell_shift))

    def shares(self, currents: Array) -> Array:
        """The share of I_b that leaves each cell, (..., cells), for input currents (A) of that shape."""
        level = log_of(self.technology.floored(currents)) + self.cell_shift / self.technology.gate_unit()
        return jax.nn.softmax(steepness(self.technology, self.early_voltage) * level, axis=-1)

    def balance(self, t, p, x):
        """The shares of the bias."""
        out = self.bias("bias_current") * self.shares(p["input"])
        return Balance({"out": self.sent(out)} | self.held("input"))

    def noise(self, p, x):
        """Shot noise of every output."""
        return {"shot": Noise(self.technology.shot_noise(self.bias("bias_current") * self.shares(p["input"])), ("out",))}
