"""`LevelOneMOSFET`: the square-law transistor of SPICE, for decks that were written for it."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.devices.electrical.mosfet import SIGNS
from devsim.devices.electrical.silicon import bandgap, depletion_charge, surface_potential_at
from devsim.parameter import parameter
from devsim.part import Element
from devsim.physics import BOLTZMANN, ROOM_TEMPERATURE, thermal_voltage
from devsim.ports import Balance, Noise, ageless, electrical, no_memory

BENT = 0.5
"""Share of its potential from which a junction's capacitance goes on in a straight line: FC of SPICE."""


class LevelOneMOSFET(Element):
    """MOS transistor of Shichman and Hodges as in SPICE, with pins `drain`, `gate`, `source`, `bulk`; a pin or a bus.

    Equations, for the p-channel with all signs turned, drain and source exchanged where V_DS < 0:
      V_on = V_T0 + gamma (sqrt(phi - V_BS) - sqrt(phi)), for V_BS > 0 with the tangent of the root
      I_D = beta (1 + lambda V_DS) u (V_GS - V_on - u/2),  u = min(V_DS, (V_GS - V_on)+),  beta = K W / L
      junctions bulk-source and bulk-drain: I_S (exp(V / U_T) - 1) + g_min V, depletion capacitances with FC = 0.5
      charges: overlaps C_GSO W, C_GDO W, C_GBO L.  Noise: 8 k T g_m / 3 (one-sided, A^2/Hz).
      K goes as T^-1.5; phi, V_T0 and I_S move with the intrinsic density.
    Source: Shichman & Hodges, IEEE J. Solid-State Circuits 3, 285 (1968); Vladimirescu & Liu, Memorandum UCB/ERL M80/7,
    University of California, Berkeley (1980); SPICE3's MOS1, whose parameters K, V_T0 ... are KP, VTO, GAMMA, PHI, LAMBDA.
    Valid: where a deck says so. Without the Meyer capacitances of the channel, series resistances RD and RS, lateral
    diffusion, junction sidewalls, shot and flicker noise; junction capacitances as at 300 K. L is the effective length.
    """

    side_by_side = True
    threshold: Array = parameter(0.0, unit="V", doc="VTO, at V_BS = 0 and 300 K; negative for a p-channel that is off")
    transconductance: Array = parameter(2e-5, unit="A/V^2", bounds=above(0), doc="KP, at 300 K")
    width: Array = parameter(1e-4, unit="m", bounds=above(0), doc="channel width W")
    length: Array = parameter(1e-4, unit="m", bounds=above(0), doc="effective channel length L")
    body_effect: Array = parameter(0.0, unit="V^0.5", bounds=(0, None), doc="GAMMA, of the body effect")
    surface_potential: Array = parameter(0.6, unit="V", bounds=above(0), doc="PHI, at 300 K")
    length_modulation: Array = parameter(0.0, unit="1/V", bounds=(0, None), doc="LAMBDA, by the drain voltage")
    saturation_current: Array = parameter(1e-14, unit="A", bounds=(0, None), doc="IS of each junction, at 300 K")
    minimum_conductance: Array = parameter(1e-12, unit="S", bounds=(0, None), doc="conductance in parallel with each junction")
    gate_source_overlap: Array = parameter(0.0, unit="F/m", bounds=(0, None), doc="CGSO, capacitance per width")
    gate_drain_overlap: Array = parameter(0.0, unit="F/m", bounds=(0, None), doc="CGDO, capacitance per width")
    gate_bulk_overlap: Array = parameter(0.0, unit="F/m", bounds=(0, None), doc="CGBO, capacitance per length")
    drain_junction_capacitance: Array = parameter(0.0, unit="F", bounds=(0, None), doc="CBD, at zero voltage")
    source_junction_capacitance: Array = parameter(0.0, unit="F", bounds=(0, None), doc="CBS, at zero voltage")
    junction_potential: Array = parameter(0.8, unit="V", bounds=above(0), doc="PB, of both junctions")
    junction_grading: Array = parameter(0.5, unit="1", bounds=(0, 1, True, True), doc="MJ, of both junctions")
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="device temperature")
    polarity: str = eqx.field(static=True, default="n")
    rest, age = no_memory, ageless

    def __check_init__(self):
        check.one_of("polarity", self.polarity, SIGNS)

    def ports(self):
        """Pins `drain`, `gate`, `source`, `bulk`."""
        shape = jnp.broadcast_shapes(*(v.shape for v in (self.threshold, self.transconductance, self.width, self.length)))
        return {pin: electrical(shape) for pin in ("drain", "gate", "source", "bulk")}

    def channel(self, p: dict[str, Array]) -> tuple[Array, Array]:
        """Current (A) into the drain at port values `p` (V), and the transconductance g_m (S), always positive."""
        sign = SIGNS[self.polarity]
        across = sign * (p["drain"] - p["source"])
        forward = across >= 0
        origin = jnp.where(forward, p["source"], p["drain"])
        phi = surface_potential_at(self.surface_potential, self.temperature)
        on = self.built_in(phi) + self.body_effect * barrier(phi, sign * (p["bulk"] - origin))
        drive = jnp.maximum(sign * (p["gate"] - origin) - on, 0.0)
        limited = jnp.minimum(jnp.abs(across), drive)
        gain = self.transconductance * (self.temperature / ROOM_TEMPERATURE) ** -1.5 * self.width / self.length
        steepness = gain * (1 + self.length_modulation * jnp.abs(across)) * limited
        return sign * jnp.where(forward, 1.0, -1.0) * steepness * (drive - limited / 2), steepness

    def built_in(self, phi: Array) -> Array:
        """The threshold less its body term (V) at the device's temperature, where the surface potential is `phi`."""
        sign = SIGNS[self.polarity]
        narrowing = bandgap(ROOM_TEMPERATURE) - bandgap(self.temperature)
        moved = (sign * narrowing + phi - self.surface_potential) / 2
        return sign * self.threshold - self.body_effect * jnp.sqrt(self.surface_potential) + moved

    def junction(self, voltage: Array) -> Array:
        """Current (A) from the bulk into a junction at `voltage` (V), both in the sense of an n-channel."""
        thermal, room = thermal_voltage(self.temperature), thermal_voltage(ROOM_TEMPERATURE)
        warmer = jnp.exp(bandgap(ROOM_TEMPERATURE) / room - bandgap(self.temperature) / thermal)
        return self.saturation_current * warmer * jnp.expm1(voltage / thermal) + self.minimum_conductance * voltage

    def balance(self, t, p, x):
        """Channel, junctions and charges."""
        sign = SIGNS[self.polarity]
        channel, _ = self.channel(p)
        into = {pin: sign * self.junction(sign * (p["bulk"] - p[pin])) for pin in ("drain", "source")}
        static = {
            "drain": channel - into["drain"],
            "source": -channel - into["source"],
            "bulk": into["drain"] + into["source"],
        }
        return Balance(static, self.charges(p))

    def charges(self, p: dict[str, Array]) -> dict[str, Array]:
        """The charge (C) behind each pin; they sum to zero."""
        sign = SIGNS[self.polarity]
        depletion = lambda capacitance, pin: capacitance * sign * self.depletion(sign * (p["bulk"] - p[pin]))
        at_drain = depletion(self.drain_junction_capacitance, "drain")
        at_source = depletion(self.source_junction_capacitance, "source")
        over_drain = self.width * self.gate_drain_overlap * (p["gate"] - p["drain"])
        over_source = self.width * self.gate_source_overlap * (p["gate"] - p["source"])
        over_bulk = self.length * self.gate_bulk_overlap * (p["gate"] - p["bulk"])
        return {
            "drain": -at_drain - over_drain,
            "gate": over_drain + over_source + over_bulk,
            "source": -at_source - over_source,
            "bulk": at_drain + at_source - over_bulk,
        }

    def depletion(self, voltage: Array) -> Array:
        """Charge of a junction over its capacitance at zero (V): the integral of its relative capacitance."""
        return depletion_charge(voltage, self.junction_potential, self.junction_grading, BENT)

    def noise(self, p, x):
        """Thermal noise of the channel, as SPICE2 has it: none at V_DS = 0."""
        _, steepness = self.channel(p)
        return {"thermal": Noise(8 / 3 * BOLTZMANN * self.temperature * steepness, ("drain", "source"))}


def barrier(phi: Array, voltage: Array) -> Array:
    """sqrt(phi - V_BS), and for a forward bias the tangent at zero, down to zero (V^0.5)."""
    reverse = voltage <= 0
    root = jnp.sqrt(phi)
    tangent = jnp.maximum(root - voltage / (2 * root), 0.0)
    return jnp.where(reverse, jnp.sqrt(phi - jnp.where(reverse, voltage, 0.0)), tangent)
