"""Two-terminal parts: resistor, conductance bus, switch, diode."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.electrical.silicon import depletion_charge
from devsim.parameter import deviation, parameter
from devsim.part import Element
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE, ROOM_TEMPERATURE, thermal_voltage
from devsim.ports import Balance, Noise, ageless, electrical, no_memory, signal_in


class Resistor(Element):
    """Ohmic resistor between `a` and `b`.

    Equations: i = v / R, R = R0 (1 + c (T - 300 K)); noise 4 k T / R (one-sided, A^2/Hz).
    Source: Ohm; Nyquist, Phys. Rev. 32, 110 (1928).
    Valid: below self-heating and above the quantum of conductance.
    """

    resistance: Array = parameter(1e3, unit="ohm", bounds=above(0), doc="resistance at 300 K")
    resistance_spread: Array = deviation("resistance", "1", "lognormal", each="part")
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the resistor")
    temperature_coefficient: Array = parameter(
        0.0, unit="1/K", stage="read", ideal=0.0, doc="relative change of resistance per kelvin above 300 K"
    )
    rest, age = no_memory, ageless

    def ports(self):
        """Pins `a` and `b`."""
        return {"a": electrical(), "b": electrical()}

    def conductance(self) -> Array:
        """1/R at the part's temperature, S."""
        return 1 / (self.resistance * (1 + self.temperature_coefficient * (self.temperature - ROOM_TEMPERATURE)))

    def balance(self, t, p, x):
        """i = v / R."""
        current = self.conductance() * (p["a"] - p["b"])
        return Balance({"a": current, "b": -current})

    def noise(self, p, x):
        """Johnson noise between `a` and `b`."""
        return {"thermal": Noise(4 * BOLTZMANN * self.temperature * self.conductance(), ("a", "b"))}


class ConductanceBus(Element):
    """A conductance from every wire of bus `a` to the same wire of bus `b`.

    Equations: i_k = g_k (a_k - b_k); noise 4 k T g_k.
    Source: Ohm; Nyquist, Phys. Rev. 32, 110 (1928).
    Valid: as a resistor; a conductance of zero is an open wire.
    """

    conductance: Array = parameter(unit="S", bounds=(0, None), doc="conductance of each wire, shape (n,)")
    conductance_spread: Array = deviation("conductance", "1", "lognormal", each="wire")
    temperature: Array = parameter(
        ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the conductances"
    )
    rest, age = no_memory, ageless

    def ports(self):
        """Buses `a` and `b`."""
        return {"a": electrical(self.conductance.shape), "b": electrical(self.conductance.shape)}

    def balance(self, t, p, x):
        """i = g v, wire by wire."""
        current = self.conductance * (p["a"] - p["b"])
        return Balance({"a": current, "b": -current})

    def noise(self, p, x):
        """Johnson noise of each wire."""
        return {"thermal": Noise(4 * BOLTZMANN * self.temperature * self.conductance, ("a", "b"))}


class Switch(Element):
    """Resistor between `a` and `b` that a signal on `control` opens (0) and closes (1).

    Equations: ln g = c ln g_on + (1 - c) ln g_off with c the control clipped to [0, 1].
    Source: the smooth voltage-controlled switch of SPICE, with a signal for its control.
    Valid: as an ideal switch with two resistances; no charge injection.
    """

    on_resistance: Array = parameter(1.0, unit="ohm", bounds=above(0), stage="read", doc="resistance when closed")
    off_resistance: Array = parameter(1e12, unit="ohm", bounds=above(0), stage="read", doc="resistance when open")
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the channel")
    rest, age = no_memory, ageless

    def ports(self):
        """Pins `a`, `b` and the signal `control`."""
        return {"a": electrical(), "b": electrical(), "control": signal_in()}

    def conductance(self, control: Array) -> Array:
        """Conductance in S at a control value."""
        c = jnp.clip(control, 0.0, 1.0)
        return jnp.exp(-c * jnp.log(self.on_resistance) - (1 - c) * jnp.log(self.off_resistance))

    def balance(self, t, p, x):
        """i = g(control) v."""
        current = self.conductance(p["control"]) * (p["a"] - p["b"])
        return Balance({"a": current, "b": -current})

    def noise(self, p, x):
        """Johnson noise of the channel."""
        return {"thermal": Noise(4 * BOLTZMANN * self.temperature * self.conductance(p["control"]), ("a", "b"))}


class Diode(Element):
    """Junction diode, current from `anode` to `cathode`.

    Equations: i = I_s (exp(v / (n kT/q)) - 1) + g_min v; noise 2 q (|i| + 2 I_s);
      charge q = C_j0 * integral of (1 - v/phi)^-m dv + tau i, the capacitance along its tangent where v > FC phi.
    Source: Shockley, Bell Syst. Tech. J. 28, 435 (1949); noise: van der Ziel, Noise in Solid State Devices (1986);
    charge: Nagel, Memorandum ERL-M520, University of California, Berkeley (1975): CJO, VJ, M, FC and TT of SPICE.
    Valid: without series resistance, breakdown and high injection; g_min is SPICE's aid to convergence. C_j0 and phi are
    those at the junction's temperature. Without capacitance and transit time nothing is stored.
    """

    saturation_current: Array = parameter(1e-14, unit="A", bounds=above(0), doc="reverse saturation current")
    saturation_current_spread: Array = deviation("saturation_current", "1", "lognormal", each="part")
    ideality: Array = parameter(1.0, unit="1", bounds=above(0), doc="emission coefficient n")
    minimum_conductance: Array = parameter(1e-12, unit="S", bounds=(0, None), doc="conductance in parallel with the junction")
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="junction temperature")
    junction_capacitance: Array = parameter(0.0, unit="F", bounds=(0, None), doc="depletion capacitance C_j0 at zero voltage")
    built_in_potential: Array = parameter(1.0, unit="V", bounds=above(0), doc="built-in potential phi of the junction")
    grading: Array = parameter(0.5, unit="1", bounds=(0, 1, False, True), doc="grading coefficient m: 0.5 abrupt, 0.33 linear")
    depletion_factor: Array = parameter(
        0.5, unit="1", bounds=(0, 1, False, True), doc="share FC of the built-in potential from which the tangent is taken"
    )
    transit_time: Array = parameter(0.0, unit="s", bounds=(0, None), doc="transit time tau of the minority carriers")
    rest, age = no_memory, ageless

    def ports(self):
        """Pins `anode` and `cathode`."""
        return {"anode": electrical(), "cathode": electrical()}

    def current(self, voltage: Array) -> Array:
        """Current in A at `voltage` in V."""
        slope = self.ideality * thermal_voltage(self.temperature)
        return self.saturation_current * jnp.expm1(voltage / slope) + self.minimum_conductance * voltage

    def charge(self, voltage: Array) -> Array:
        """Charge in C behind the anode at `voltage` in V: that of the depletion layer and that of the current."""
        depletion = depletion_charge(voltage, self.built_in_potential, self.grading, self.depletion_factor)
        return self.junction_capacitance * depletion + self.transit_time * self.current(voltage)

    def balance(self, t, p, x):
        """Shockley's law, and the charge behind the pins."""
        voltage = p["anode"] - p["cathode"]
        current, charge = self.current(voltage), self.charge(voltage)
        return Balance({"anode": current, "cathode": -current}, {"anode": charge, "cathode": -charge})

    def noise(self, p, x):
        """Shot noise of both carrier streams."""
        current = self.current(p["anode"] - p["cathode"])
        density = 2 * ELEMENTARY_CHARGE * (jnp.abs(current) + 2 * self.saturation_current)
        return {"shot": Noise(density, ("anode", "cathode"))}
