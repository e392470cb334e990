"""`Bistability`: a capacitor that holds a weight, drawn to the nearer of its rails."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.parameter import deviation, parameter
from devsim.ports import Balance, Noise, Unknown, potential_out, signal_in, signal_out, spikes_in
from devsim.randomness import named_key

STEEP = 30.0
"""Argument from which on the hyperbolic sine is half an exponential, to rounding."""

LEAST, LONGEST = 1e-30, 80.0
"""A distance that no potential resolves, and the time constants after which any that one resolves has passed `STEEP`."""


class Bistability(CurrentMode):
    """Weight capacitors with an amplifier in positive feedback, pulses that charge and discharge them; a pin or a bus.

    Equations: C dV/dt = I_bias tanh(kappa (V - V_thw + offset) / (2 U_T)) + I_drive - I_leak + pulses, 0 <= V <= V_DD: what
    would pass a rail stays on it. An event at `up` brings the charge I_up T, one at `down` takes I_down T.
      Without leak, sinh(x) grows as exp(t / tau), x = kappa (V - V_thw + offset) / (2 U_T), tau = 2 C U_T / (kappa I_bias).
      Noise: 2 q I of the amplifier's four transistors, of the drive and of the leak.
    Source: Indiveri, Chicca and Douglas, IEEE Trans. Neural Netw. 17, 211 (2006); Fusi, Annunziato, Badoni, Salamon and Amit,
    Neural Comput. 12, 2227 (2000).
    Valid: weak inversion; pulses far shorter than tau, whose charge arrives at the end of the step in which they come.
    """

    biases = ("drift_current", "up_current", "down_current")

    drift_current: Array = parameter(1e-12, unit="A", bounds=above(0), doc="I_bias of the amplifier, a number or shape (n,)")
    up_current: Array = parameter(10e-9, unit="A", bounds=above(0), doc="I_up during a pulse that charges")
    down_current: Array = parameter(10e-9, unit="A", bounds=above(0), doc="I_down during a pulse that discharges")
    pulse_width: Array = parameter(10e-6, unit="s", bounds=above(0), doc="length T of the pulse that an event makes")
    threshold: Array = parameter(0.9, unit="V", bounds=above(0), doc="V_thw, that parts the two basins")
    offset: Array = parameter(
        0.0, unit="V", stage="fabricate", ideal=0.0, doc="potential that mismatch adds to V, drawn by the technology"
    )
    capacitance: Array = parameter(1e-12, unit="F", bounds=above(0), doc="capacitance C")
    capacitance_spread: Array = deviation("capacitance", "1", "lognormal")
    initial: Array = parameter(0.0, unit="V", bounds=(0, None), doc="V at power-up; at most the upper rail")

    def go_together(self):
        """Raise where the threshold or the first potential is no potential between the rails."""
        rail = ("technology.supply_voltage", self.technology.supply_voltage, "V")
        check.at_most("threshold", self.threshold, *rail, strict=True)
        check.at_most("initial", self.initial, *rail)

    def ports(self):
        """Events `up` and `down`, a current `drive` into the capacitor, and its potential `out` as a signal in volts.

        With `domain` electrical, `drive` is a pin at that potential.
        """
        drive = signal_in if self.domain == "signal" else potential_out
        events = {"up": spikes_in(self.shape()), "down": spikes_in(self.shape())}
        return events | {"drive": drive(self.shape()), "out": signal_out(self.shape())}

    def fabricate(self, key):
        """One physical die: capacitors, mirrors and offsets are drawn."""
        drawn = self.technology.drawn_shifts(self.shape(), named_key(key, "offset"))
        return super().fabricate(key).put(offset=self.offset + drawn)

    def rest(self):
        """The potential V."""
        return {"voltage": Unknown(self.everywhere(self.within_rails(self.initial)))}

    def within_rails(self, voltage: Array) -> Array:
        """`voltage` (V), or the rail beyond which it is."""
        return jnp.clip(voltage, 0.0, self.technology.supply())

    def amplified(self, voltage: Array) -> Array:
        """The current (A) of the amplifier at a `voltage` (V)."""
        return self.bias("drift_current") * jnp.tanh(self._tilt(voltage))

    def rate(self, voltage: Array, drive: Array) -> Array:
        """dV/dt (V/s) under a continuous current `drive` (A)."""
        rate = (self.amplified(voltage) + drive - self.technology.leakage()) / self.capacitance
        stuck = ((voltage >= self.technology.supply()) & (rate > 0)) | ((voltage <= 0) & (rate < 0))
        return jnp.where(stuck, 0.0, rate)

    def charge(self, up: Array, down: Array) -> Array:
        """What the pulses of events bring, C."""
        return self.pulse_width * (up * self.bias("up_current") - down * self.bias("down_current"))

    def struck(self, voltage: Array, charge: Array) -> Array:
        """The potential after a `charge` (C)."""
        return self.within_rails(voltage + charge / self.capacitance)

    def relaxed(self, voltage: Array, seconds: Array) -> Array:
        """The potential after `seconds` without input: exactly, but for the leak, which is taken by halves at both ends."""
        half = -self.technology.leakage() * seconds / 2
        start = self.struck(voltage, half)
        x = self._tilt(start)
        moved = (grown(x, seconds / self.time_constant()) - x) * self._unit()
        return self.struck(self.within_rails(start + moved), half)

    def time_constant(self) -> Array:
        """tau (s), in which a small distance from the threshold grows by e."""
        return self.capacitance * self._unit() / self.bias("drift_current")

    def _unit(self) -> Array:
        return 2 * self.technology.thermal_voltage() / self.technology.gate_coupling

    def _tilt(self, voltage: Array) -> Array:
        return (voltage - self.threshold + self.offset) / self._unit()

    def balance(self, t, p, x):
        """The charge on the capacitor, over its capacitance; within a step the rails hold what others see."""
        v = self.within_rails(x["voltage"])
        imposed = {} if self.domain == "signal" else {"drive": v}
        return Balance({"out": v, "voltage": -self.rate(v, p["drive"])} | imposed, {"voltage": x["voltage"]})

    def jump(self, t, p, x):
        """Every event brings its pulse; nothing has passed a rail."""
        return {"voltage": self.struck(self.within_rails(x["voltage"]), self.charge(p["up"], p["down"]))}

    def noise(self, p, x):
        """Shot noise of all that charges the capacitor, as a rate of its potential."""
        technology, voltage = self.technology, self.within_rails(x["voltage"])
        amplifier = 2 * self.bias("drift_current") + self.amplified(voltage)
        through = amplifier + jnp.abs(p["drive"]) + technology.leakage()
        density = technology.shot_noise(through) / self.capacitance**2
        return {"shot": Noise(self.everywhere(density), ("voltage",))}


def grown(x: Array, times: Array) -> Array:
    """The y for which sinh(y) = sinh(x) exp(times): dy = tanh(y) d(times), however long."""
    size = jnp.abs(x)
    least = jnp.maximum(size, LEAST)
    logarithm = least + jnp.log(-jnp.expm1(-2 * least)) + times  # of 2 sinh(y)
    far = logarithm > STEEP
    near = jnp.sinh(jnp.where(far, 0.0, x)) * jnp.exp(jnp.where(far, 0.0, jnp.minimum(times, LONGEST)))
    return jnp.where(far, jnp.sign(x) * logarithm, jnp.arcsinh(near))
