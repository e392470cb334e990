"""`CapacitorWeight`: a weight that is the voltage on a capacitor."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check
from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.devices.cmos.rails import emptied, opening
from devsim.parameter import deviation, parameter, state
from devsim.physics import BOLTZMANN
from devsim.ports import Balance, Noise, Unknown, signal_out, spikes_in


class CapacitorWeight(CurrentMode):
    """Voltages on capacitors between the rails, which pulses of current raise and lower and junctions leak away; a pin or bus.

    Equations, with the thermal voltage U_T, U = V_DD - V, and currents through single transistors:
      C dV/dt = I+ (1 - exp(-U / U_T)) - (I- + I_leak) (1 - exp(-V / U_T)), I+ and I- the drive in and out
      An event `up` is a pulse of I_up, through a mirror, for `pulse_width`, `down` one of I_down: (exp(U / U_T) - 1) shrinks by
      exp(-I width / (C U_T)), exactly; V moves by I width / C as long as it is more than 4 U_T from the rail.
      Left alone, dV/dt = -I_leak / C, doubling with every `leakage_doubling` kelvin of the technology.
      A write through a switch freezes k T / C of noise, `write_noise` of it after each event.
    Source: Indiveri, Chicca and Douglas, IEEE Trans. Neural Netw. 17, 211 (2006); Vittoz and Fellrath, IEEE J. Solid-State
    Circuits 12, 224 (1977); k T / C: Sarpeshkar, Delbrueck and Mead, IEEE Circuits Devices Mag. 9(6), 23 (1993).
    Valid: pulses in weak inversion, whose charge arrives at the end of the step in which they come: `up` before `down`.
      A transient has no noise of writes; `jittered` draws it.
    """

    biases = ("up", "down")

    capacitance: Array = parameter(1e-12, unit="F", bounds=above(0), doc="capacitance C that stores the weight")
    capacitance_spread: Array = deviation("capacitance", "1", "lognormal")
    pulse_width: Array = parameter(100e-6, unit="s", bounds=above(0), doc="length of the pulse that an event makes")
    write_noise: Array = parameter(
        0.0, unit="1", bounds=(0, None), stage="read", ideal=0.0, doc="noise of each write, in units of (k T / C)^0.5"
    )
    voltage: Array = state(0.9, unit="V", bounds=(0, None), doc="the voltage at power-up")

    def go_together(self):
        """Raise where the voltage at power-up is above the upper rail."""
        check.at_most("voltage", self.voltage, "technology.supply_voltage", self.technology.supply_voltage, "V")

    def ports(self):
        """Events `up` and `down`, the currents that they gate, a current `drive` into it, and the voltage `out` (V)."""
        shape, current = self.shape(), self.current_in()
        gated = {"up": spikes_in(shape), "up_current": current, "down": spikes_in(shape), "down_current": current}
        return gated | {"drive": current, "out": signal_out(shape)}

    def rest(self):
        """The voltage (V)."""
        return {"voltage": Unknown(self.everywhere(self.voltage), self.technology.supply())}

    def within_rails(self, voltage: Array) -> Array:
        """`voltage` (V), or the rail beyond which it is."""
        return jnp.clip(voltage, 0, self.technology.supply())

    def copied(self, way: str, current: Array) -> Array:
        """What the mirror of the pulses `up` or `down` makes of a `current` (A) on this die."""
        k = self.biases.index(way)
        shift = self.threshold_shift[k] if self.threshold_shift.ndim else self.threshold_shift
        return current * jnp.exp(-shift / self.technology.gate_unit())

    def pulsed_up(self, voltage: Array, current: Array) -> Array:
        """The voltage (V) after a pulse of `current` (A) from the upper rail."""
        return self.raised(voltage, self.copied("up", current) * self.pulse_width)

    def pulsed_down(self, voltage: Array, current: Array) -> Array:
        """The voltage (V) after a pulse of `current` (A) to the lower rail."""
        return self.lowered(voltage, self.copied("down", current) * self.pulse_width)

    def raised(self, voltage: Array, charge: Array) -> Array:
        """The voltage (V) after a `charge` (C) has come from the upper rail."""
        supply, unit = self.technology.supply(), self.technology.thermal_voltage()
        return supply - unit * emptied((supply - voltage) / unit, charge / (self.capacitance * unit))

    def lowered(self, voltage: Array, charge: Array) -> Array:
        """The voltage (V) after a `charge` (C) has gone to the lower rail."""
        unit = self.technology.thermal_voltage()
        return unit * emptied(voltage / unit, charge / (self.capacitance * unit))

    def driven(self, voltage: Array, current: Array, seconds: Array) -> Array:
        """The voltage (V) after a `current` (A) of either sign into the capacitor for `seconds`."""
        charge = current * seconds
        return self.lowered(self.raised(voltage, jnp.maximum(charge, 0)), jnp.maximum(-charge, 0))

    def leaked(self, voltage: Array, seconds: Array) -> Array:
        """The voltage (V) after it was left alone for `seconds`."""
        return self.lowered(voltage, self.technology.leakage() * seconds)

    def jittered(self, voltage: Array, events: Array, key: Key[Array, ""]) -> Array:
        """The voltage (V) with the noise of its writes, one for each of the `events`."""
        wide = jnp.broadcast_shapes(jnp.shape(voltage), jnp.shape(events))
        spread = jnp.sqrt(BOLTZMANN * self.technology.temperature / self.capacitance)
        draw = jax.random.normal(key, wide, jnp.result_type(voltage))
        noisy = voltage + self.write_noise * spread * jnp.where(events > 0, 1.0, 0.0) * draw
        return self.within_rails(noisy)

    def balance(self, t, p, x):
        """The charge on the capacitor: the drive, less the leakage; within a step the rails hold what others see."""
        technology, voltage = self.technology, self.within_rails(x["voltage"])
        unit, drive = technology.thermal_voltage(), p["drive"]
        rise = jnp.maximum(drive, 0) * opening((technology.supply() - voltage) / unit)
        fall = (jnp.maximum(-drive, 0) + technology.leakage()) * opening(voltage / unit)
        static = {"out": voltage, "voltage": fall - rise}
        return Balance(static | self.held("up_current", "down_current", "drive"), {"voltage": self.capacitance * x["voltage"]})

    def jump(self, t, p, x):
        """Every event brings its pulse; nothing has passed a rail."""
        gated = lambda way: p[way] * jnp.maximum(p[f"{way}_current"], 0)
        return {"voltage": self.pulsed_down(self.pulsed_up(self.within_rails(x["voltage"]), gated("up")), gated("down"))}

    def noise(self, p, x):
        """Shot noise of the leakage; what drives the capacitor brings its own."""
        return {"shot": Noise(self.everywhere(self.technology.shot_noise(self.technology.leakage())), ("voltage",))}
