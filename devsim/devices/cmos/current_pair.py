"""`CurrentPair` and `CurrentSteering`: differential pairs that compare two currents whose logarithms are voltages."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.parameter import parameter
from devsim.ports import Balance, Noise, no_memory


class Ratio(CurrentMode):
    """What circuits share that compare an `input` current with a reference of their own."""

    reference_current: Array = parameter(10e-9, unit="A", bounds=above(0), doc="I_ref, with which the input is compared")
    steepness: Array = parameter(
        1.0, unit="1", bounds=above(0), doc="g, how often the pair amplifies the ratio: 1 for two gates, infinity for a switch"
    )
    rest = no_memory

    def share(self, current: Array) -> Array:
        """The share of the tail current that an input of `current` (A) takes: 1 / (1 + (I_ref / I)^g)."""
        return jax.nn.sigmoid(self.steepness * (jnp.log(current) - jnp.log(self.bias("reference_current"))))


class CurrentPair(Ratio):
    """Differential pair whose gates are at the voltages of an input and of a reference current; a pin or a bus.

    Equations: I = I_b / (1 + (I_ref / I_in)^g): I_b I_in / I_ref where I_in << I_ref, for g = 1; never above I_b.
      Noise 2 q I. Mismatch of the two gates and of the copy of the input are in I_ref, that of the tail in I_b.
    Source: Mead, Analog VLSI and Neural Systems (Addison-Wesley, 1989), chapter 5; as the source of the weight's pulses:
    Indiveri, Chicca and Douglas, IEEE Trans. Neural Netw. 17, 211 (2006).
    Valid: weak inversion, all transistors saturated; the input is positive.
    """

    biases = ("bias_current", "reference_current")
    bias_current: Array = parameter(1e-9, unit="A", bounds=above(0), doc="I_b, the most that comes out")

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
    Valid: weak inversion, all transistors saturated; the input is positive.
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
