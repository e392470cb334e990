"""`DifferentialPair` and `OTA`: a difference of potentials in, currents out."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.parameter import parameter
from devsim.ports import Balance, Noise, Port, no_memory
from devsim.randomness import named_key


class Gates(CurrentMode):
    """What circuits share that compare the potentials of two gates `plus` and `minus`, which draw no current."""

    biases = ("bias_current",)

    bias_current: Array = parameter(1e-9, unit="A", bounds=above(0), doc="I_b, a number or shape (n,) for a bus")
    offset: Array = parameter(
        0.0, unit="V", stage="fabricate", ideal=0.0, doc="potential that mismatch adds to `plus`, drawn by the technology"
    )
    rest = no_memory

    def gates(self) -> dict[str, Port]:
        """The two gates: electrical, or signals in volts."""
        return {name: Port(self.domain, self.shape()) for name in ("plus", "minus")}

    def fabricate(self, key):
        """One physical die: mirrors and offsets are drawn."""
        drawn = self.technology.drawn_shifts(self.shape(), named_key(key, "offset"))
        return super().fabricate(key).put(offset=self.offset + drawn)

    def tilt(self, p: dict[str, Array]) -> Array:
        """kappa (V_plus - V_minus + offset) / U_T."""
        return (p["plus"] - p["minus"] + self.offset) / self.technology.gate_unit()

    def undrawn(self) -> dict[str, Array]:
        """The currents into the gates: none."""
        return {} if self.domain == "signal" else {name: jnp.zeros(self.shape()) for name in ("plus", "minus")}

    def flicker(self, slope: Array) -> Array:
        """Density (A^2/Hz) at 1 Hz of the flicker noise of both gates; `slope`: change of the current with `tilt`, A."""
        return 2 * self.technology.flicker_noise(slope)


class DifferentialPair(Gates):
    """Two transistors that share one current between them; a pin or a bus.

    Equations, x = kappa (V_plus - V_minus + offset) / U_T: I_plus = I_b / (1 + exp(-x)), I_minus = I_b / (1 + exp(x)).
      Noise: 2 q I in each, independent of each other (that of I_b, and what one transistor takes from the other, together);
      flicker of the pair, which moves current from one to the other. The offset is normal, its standard deviation
      A_VT / (W L)^0.5.
    Source: Mead, Analog VLSI and Neural Systems (Addison-Wesley, 1989), chapter 5; noise: Sarpeshkar, Delbruck and Mead, IEEE
    Circuits Devices Mag. 9(6), 23 (1993).
    Valid: weak inversion, all three transistors saturated.
    """

    def ports(self):
        """Gates `plus` and `minus`, and the currents `out_plus` and `out_minus`."""
        return self.gates() | {"out_plus": self.current_out(), "out_minus": self.current_out()}

    def currents(self, p: dict[str, Array]) -> tuple[Array, Array]:
        """I_plus and I_minus, A."""
        bias, x = self.bias("bias_current"), self.tilt(p)
        return bias * jax.nn.sigmoid(x), bias * jax.nn.sigmoid(-x)

    def balance(self, t, p, x):
        """The two currents."""
        plus, minus = self.currents(p)
        return Balance(self.undrawn() | {"out_plus": self.sent(plus), "out_minus": self.sent(minus)})

    def noise(self, p, x):
        """Shot noise of each current, and flicker noise between them."""
        plus, minus = self.currents(p)
        shot = self.technology.shot_noise
        moved = self.flicker(plus * jax.nn.sigmoid(-self.tilt(p)))
        return {
            "shot, plus": Noise(shot(plus), ("out_plus",)),
            "shot, minus": Noise(shot(minus), ("out_minus",)),
            "flicker": Noise(moved, ("out_plus", "out_minus"), "flicker", 1.0),
        }


class Amplifier(Gates):
    """What amplifiers share: a differential pair whose currents are subtracted by a mirror."""

    def tail(self) -> Array:
        """The current that the pair shares, A."""
        return self.bias("bias_current")

    def amplified(self, tilt: Array) -> Array:
        """The current (A) out at a `tilt` of the pair."""
        return self.tail() * jnp.tanh(tilt / 2)

    def noises(self, tilt: Array) -> dict[str, Noise]:
        """Shot noise of the pair and of the mirror, and flicker noise of the pair, out of `out`."""
        slope = self.tail() / 2 / jnp.cosh(jnp.clip(tilt / 2, -40, 40)) ** 2
        shot = self.technology.shot_noise(2 * self.tail() + self.amplified(tilt))
        return {
            "shot": Noise(self.everywhere(shot), ("out",)),
            "flicker": Noise(self.everywhere(self.flicker(slope)), ("out",), "flicker", 1.0),
        }


class OTA(Amplifier):
    """Transconductance amplifier, between two gates; a pin or a bus.

    Equations: I = I_b tanh(kappa (V_plus - V_minus + offset) / (2 U_T)), out of `out`.
      Noise: 2 q (I_b + 2 I_plus), the pair's and the mirror's, I_plus = (I_b + I) / 2; flicker of the pair. The offset is
      normal, its standard deviation A_VT / (W L)^0.5.
    Source: Mead, Analog VLSI and Neural Systems (Addison-Wesley, 1989), chapter 5; noise: Sarpeshkar, Delbruck and Mead, IEEE
    Circuits Devices Mag. 9(6), 23 (1993).
    Valid: weak inversion, every transistor saturated; no output conductance.
    """

    def ports(self):
        """Gates `plus` and `minus`, and the current `out`."""
        return self.gates() | {"out": self.current_out()}

    def current(self, p: dict[str, Array]) -> Array:
        """I, A."""
        return self.amplified(self.tilt(p))

    def balance(self, t, p, x):
        """The difference of the pair's currents."""
        return Balance(self.undrawn() | {"out": self.sent(self.current(p))})

    def noise(self, p, x):
        """Shot noise of four transistors and flicker noise of two."""
        return self.noises(self.tilt(p))
