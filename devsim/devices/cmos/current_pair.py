"""`CurrentPair` and `CurrentSteering`: differential pairs that compare two currents whose logarithms are voltages."""

from typing import Self

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.devices.cmos.technology import Technology
from devsim.devices.cmos.winner_take_all import steepness
from devsim.parameter import parameter
from devsim.ports import Balance, Noise, no_memory


class Ratio(CurrentMode):
    """What circuits share that compare an `input` current with a reference of their own."""

    reference_current: Array = parameter(10e-9, unit="A", bounds=above(0), doc="I_ref, with which the input is compared")
    steepness: Array = parameter(
        1.0, unit="1", bounds=above(0), doc="g, power to which the ratio counts: 1 for two gates, large for a comparator"
    )
    rest = no_memory

    def share(self, current: Array) -> Array:
        """The share of the tail current that an input of `current` (A) takes: 1 / (1 + (I_ref / I)^g)."""
        excess = jnp.log(self.technology.floored(current)) - jnp.log(self.bias("reference_current"))
        return jax.nn.sigmoid(self.steepness * excess)


class CurrentPair(Ratio):
    """Differential pair whose gates are at the voltages of an input and of a reference current; a pin or a bus.

    Equations: I = I_b / (1 + (I_ref / I_in)^g): I_b I_in / I_ref where I_in << I_ref, for g = 1; never above I_b. An input is
      never below the off current.
      Noise 2 q I. Mismatch of the two gates and of the copy of the input are in I_ref, that of the tail in I_b.
    Source: Mead, Analog VLSI and Neural Systems (Addison-Wesley, 1989), chapter 5; as the source of the weight's pulses:
    Indiveri, Chicca and Douglas, IEEE Trans. Neural Netw. 17, 211 (2006).
    Valid: weak inversion, all transistors saturated; at once: no dynamics of the gates.
    """

    biases = ("bias_current", "reference_current")
    bias_current: Array = parameter(1e-9, unit="A", bounds=above(0), doc="I_b, the most that comes out")

    @classmethod
    def comparator(cls, threshold: Array, bias: Array, *, early_voltage: Array, technology: Technology, **fields) -> Self:
        """A pair of competing cells: `bias` (A) above a current `threshold` (A) and nothing below.

        As steep as g = kappa V_A / U_T, V_A the `early_voltage` (V) and U_T that of the `technology` as it is given; `fields`:
        others. Source: Lazzaro, Ryckebusch, Mahowald and Mead, NIPS 1, 703 (1989), with two cells; as the comparator of a
        learning circuit: Mitra, Fusi and Indiveri, IEEE Trans. Biomed. Circuits Syst. 3, 32 (2009).
        """
        power = steepness(technology, early_voltage)
        return cls(threshold, power, bias_current=bias, technology=technology, **fields)

    def ports(self):
        """The current `input`, and the current `out`."""
        return {"input": self.current_in(), "out": self.current_out()}

    def current(self, current: Array) -> Array:
        """What comes out (A) for an input of `current` (A)."""
        return self.bias("bias_current") * self.share(current)

    def balance(self, t, p, x):
        """The share of the bias."""
        return Balance({"out": self.sent(self.current(p["input"]))} | self.held("input"))

    def noise(self, p, x):
        """Shot noise of what comes out."""
        return {"shot": Noise(self.everywhere(self.technology.shot_noise(self.current(p["input"]))), ("out",))}


class CurrentSteering(Ratio):
    """The same pair with its tail at a port: it steers that current by the ratio of its input to a reference; a pin or a bus.

    Equations: I_over = I_tail / (1 + (I_ref / I_in)^g), I_under = I_tail - I_over. Stacked, such pairs multiply their shares.
    Source: Mead, Analog VLSI and Neural Systems (Addison-Wesley, 1989), chapter 5.
    Valid: weak inversion, all transistors saturated; at once: no dynamics of the gates.
    """

    biases = ("reference_current",)

    def ports(self):
        """The currents `tail` and `input`, and the currents `over` and `under`."""
        return {"tail": self.current_in(), "input": self.current_in(), "over": self.current_out(), "under": self.current_out()}

    def balance(self, t, p, x):
        """The tail's current, in two parts."""
        over = p["tail"] * self.share(p["input"])
        return Balance({"over": self.sent(over), "under": self.sent(p["tail"] - over)} | self.held("tail", "input"))

    def noise(self, p, x):
        """Shot noise of both parts."""
        share, shot = self.share(p["input"]), self.technology.shot_noise(p["tail"])
        density = {"over": shot * share, "under": shot * (1 - share)}
        return {f"shot, {name}": Noise(self.everywhere(value), (name,)) for name, value in density.items()}
