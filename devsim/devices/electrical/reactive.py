"""Parts that store energy: capacitor, inductor, coupled inductors."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.parameter import deviation, parameter
from devsim.part import Element
from devsim.physics import BOLTZMANN, ROOM_TEMPERATURE
from devsim.ports import Balance, Noise, Unknown, ageless, electrical, no_memory


class Capacitor(Element):
    """Capacitor between `a` and `b`, with a leakage in parallel; a pin or a bus.

    Equations: q = C v behind `a`, i = dq/dt + G v; noise 4 k T G (one-sided, A^2/Hz).
    Source: Faraday; Nyquist, Phys. Rev. 32, 110 (1928).
    Valid: linear dielectric without absorption; below self-resonance.
    """

    side_by_side = True
    capacitance: Array = parameter(1e-9, unit="F", bounds=above(0), doc="capacitance, a number or shape (n,) for a bus")
    capacitance_spread: Array = deviation("capacitance", "1", "lognormal", each="part")
    leakage_conductance: Array = parameter(
        0.0, unit="S", bounds=(0, None), stage="read", ideal=0.0, doc="conductance in parallel"
    )
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the leakage")
    rest, age = no_memory, ageless

    def ports(self):
        """`a` and `b`, of the shape of the capacitance."""
        return {"a": electrical(self.capacitance.shape), "b": electrical(self.capacitance.shape)}

    def balance(self, t, p, x):
        """Leakage current, and the charge behind the ports."""
        voltage = p["a"] - p["b"]
        leak, charge = self.leakage_conductance * voltage, self.capacitance * voltage
        return Balance({"a": leak, "b": -leak}, {"a": charge, "b": -charge})

    def noise(self, p, x):
        """Johnson noise of the leakage."""
        density = 4 * BOLTZMANN * self.temperature * self.leakage_conductance
        return {"thermal": Noise(jnp.broadcast_to(density, self.capacitance.shape), ("a", "b"))}


class Inductor(Element):
    """Inductor between `a` and `b`, with the resistance of its winding in series; a pin or a bus.

    Equations: v = L di/dt + R i, i the current into `a` (an internal unknown that settles); noise 4 k T R (one-sided,
    V^2/Hz).
    Source: Faraday; Nyquist, Phys. Rev. 32, 110 (1928).
    Valid: linear core without hysteresis; below self-resonance.
    """

    side_by_side = True
    inductance: Array = parameter(1e-6, unit="H", bounds=above(0), doc="inductance, a number or shape (n,) for a bus")
    inductance_spread: Array = deviation("inductance", "1", "lognormal", each="part")
    series_resistance: Array = parameter(
        0.0, unit="ohm", bounds=(0, None), stage="read", ideal=0.0, doc="resistance of the winding"
    )
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the winding")
    age = ageless

    def ports(self):
        """`a` and `b`, of the shape of the inductance."""
        return {"a": electrical(self.inductance.shape), "b": electrical(self.inductance.shape)}

    def rest(self):
        """The current into `a`."""
        return {"current": Unknown(jnp.zeros_like(self.inductance), 1e-3, settles=True)}

    def balance(self, t, p, x):
        """The voltage drives the flux L i."""
        current = x["current"]
        drop = self.series_resistance * current - (p["a"] - p["b"])
        return Balance({"a": current, "b": -current, "current": drop}, {"current": self.inductance * current})

    def noise(self, p, x):
        """Johnson noise of the winding, in the equation of the current."""
        density = 4 * BOLTZMANN * self.temperature * self.series_resistance
        return {"thermal": Noise(jnp.broadcast_to(density, self.inductance.shape), ("current",))}


class CoupledInductors(Element):
    """Two windings on one core: a transformer with leakage and magnetising inductance.

    Equations: v_1 = d(L_1 i_1 + M i_2)/dt + R_1 i_1, v_2 = d(M i_1 + L_2 i_2)/dt + R_2 i_2, M = k sqrt(L_1 L_2); a
    current into the `a` pin of either winding makes flux of the same sign.
    Source: the K card of SPICE; Nagel, Memorandum ERL-M520, University of California, Berkeley (1975).
    Valid: |k| < 1 (perfect coupling leaves one combination of the currents without an equation); linear core.
    """

    side_by_side = True
    primary_inductance: Array = parameter(1e-6, unit="H", bounds=above(0), doc="inductance of the first winding")
    secondary_inductance: Array = parameter(1e-6, unit="H", bounds=above(0), doc="inductance of the second winding")
    coupling: Array = parameter(0.99, unit="1", bounds=(-1, 1, True, True), doc="coupling coefficient k")
    primary_resistance: Array = parameter(
        0.0, unit="ohm", bounds=(0, None), stage="read", ideal=0.0, doc="resistance of the first winding"
    )
    secondary_resistance: Array = parameter(
        0.0, unit="ohm", bounds=(0, None), stage="read", ideal=0.0, doc="resistance of the second winding"
    )
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the windings")
    age = ageless

    def ports(self):
        """Pins `primary_a`, `primary_b`, `secondary_a`, `secondary_b`."""
        shape = self.primary_inductance.shape
        return {f"{winding}_{end}": electrical(shape) for winding in ("primary", "secondary") for end in "ab"}

    def rest(self):
        """The currents into the `a` pins."""
        still = Unknown(jnp.zeros_like(self.primary_inductance), 1e-3, settles=True)
        return {"primary": still, "secondary": still}

    def balance(self, t, p, x):
        """Each voltage drives the flux of its winding."""
        static, resistances = {}, {"primary": self.primary_resistance, "secondary": self.secondary_resistance}
        for winding, resistance in resistances.items():
            current = x[winding]
            static |= {f"{winding}_a": current, f"{winding}_b": -current}
            static[winding] = resistance * current - (p[f"{winding}_a"] - p[f"{winding}_b"])
        mutual = self.coupling * jnp.sqrt(self.primary_inductance * self.secondary_inductance)
        flux = {
            "primary": self.primary_inductance * x["primary"] + mutual * x["secondary"],
            "secondary": mutual * x["primary"] + self.secondary_inductance * x["secondary"],
        }
        return Balance(static, flux)

    def noise(self, p, x):
        """Johnson noise of each winding, in the equation of its current."""
        density = 4 * BOLTZMANN * self.temperature
        shape = self.primary_inductance.shape
        return {
            "primary thermal": Noise(jnp.broadcast_to(density * self.primary_resistance, shape), ("primary",)),
            "secondary thermal": Noise(jnp.broadcast_to(density * self.secondary_resistance, shape), ("secondary",)),
        }
