"""`MOSFET`: the EKV transistor, from weak to strong inversion."""

from typing import NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.devices.electrical.silicon import surface_potential_at
from devsim.parameter import parameter
from devsim.part import Element
from devsim.physics import BOLTZMANN, ROOM_TEMPERATURE, thermal_voltage
from devsim.ports import Balance, Noise, ageless, electrical, no_memory
from devsim.randomness import named_key, spread

SIGNS = {"n": 1.0, "p": -1.0}
"""Polarity -> the sign that turns its voltages and currents into those of an n-channel transistor."""


class Inversion(NamedTuple):
    """The channel at one bias: slope factor n, gain factor (A/V^2), forward and reverse normalised currents and charges.

    A charge is the derivative of its current with respect to the voltage of its end, in thermal voltages. `bulk` is
    pinch_off + surface potential (V), `depth` the gate voltage above flat band (V).
    """

    slope: Array
    gain: Array
    forward: Array
    reverse: Array
    source: Array
    drain: Array
    bulk: Array
    depth: Array


class MOSFET(Element):
    """MOS transistor with pins `drain`, `gate`, `source`, `bulk`, symmetric in drain and source; a pin or a bus.

    Equations, all voltages against the bulk, for the p-channel with all signs turned:
      v = V_G - V_T + phi + gamma sqrt(phi);  V_P = v - phi - gamma (sqrt(v + gamma^2/4) - gamma/2), -phi for v < 0
      n = 1 + gamma / (2 sqrt(V_P + phi + 4 U_T));  F(u) = ln^2(1 + exp(u/2));  i_f,r = F((V_P - V_S,D) / U_T)
      I_D = 2 n beta U_T^2 (i_f - i_r) (1 + lambda V_DS tanh(V_DS / 4 U_T)),  beta = K W / L / (1 + theta V_P'),
      V_P' = (V_P + sqrt(V_P^2 + 2 U_T^2)) / 2;  V_T falls by c (T - 300 K), K goes as (T / 300 K)^b.
      Charges: those of EKV 2.6 with x = 1/2 + dF/du, shared between the four pins, their sum zero; overlaps W C_o.
      Noise: 4 k T beta U_T |q_I|, q_I the inversion charge (2/3 g_ms saturated in strong inversion, 1/2 in weak, g_ds
      at V_DS = 0); flicker g_m^2 K_F / (C_ox W L f). Mismatch: standard deviation A / sqrt(W L) of the difference of
      two equal transistors, A / sqrt(2 W L) of each one.
    Source: Enz, Krummenacher, Vittoz, Analog Integr. Circuits Signal Process. 8, 83 (1995); Bucher et al., The
    EPFL-EKV MOSFET model equations for simulation, version 2.6, EPFL (1998); Pelgrom et al., IEEE J. Solid-State
    Circuits 24, 1433 (1989).
    Valid: long channels, quasi-static. Without velocity saturation, junctions, gate leakage, short-channel effects.
    """

    side_by_side = True
    threshold: Array = parameter(
        0.5, unit="V", doc="V_T at V_S = V_B and 300 K; as in SPICE negative for a p-channel that is off"
    )
    transconductance: Array = parameter(
        1.5e-4, unit="A/V^2", bounds=above(0), doc="K = mobility times oxide capacitance, at 300 K"
    )
    width: Array = parameter(1e-6, unit="m", bounds=above(0), doc="channel width W")
    length: Array = parameter(1e-6, unit="m", bounds=above(0), doc="channel length L")
    body_effect: Array = parameter(0.7, unit="V^0.5", bounds=(0, None), doc="gamma, of the body effect")
    surface_potential: Array = parameter(0.9, unit="V", bounds=above(0), doc="phi, twice the Fermi potential, at 300 K")
    mobility_reduction: Array = parameter(0.05, unit="1/V", bounds=(0, None), doc="theta, by the vertical field")
    length_modulation: Array = parameter(0.05, unit="1/V", bounds=(0, None), doc="lambda, by the drain voltage")
    threshold_coefficient: Array = parameter(1e-3, unit="V/K", doc="c, fall of |V_T| per kelvin")
    mobility_exponent: Array = parameter(-1.5, unit="1", doc="b, power of the temperature in K")
    oxide_capacitance: Array = parameter(3.5e-3, unit="F/m^2", bounds=above(0), doc="C_ox, gate capacitance per area")
    overlap_capacitance: Array = parameter(
        2e-10, unit="F/m", bounds=(0, None), doc="C_o, of the gate over source and over drain, per width"
    )
    threshold_mismatch: Array = parameter(
        0.0, unit="V m", bounds=(0, None), stage="fabricate", ideal=0.0, doc="Pelgrom's A_VT, 1 mV um = 1e-9 V m"
    )
    gain_mismatch: Array = parameter(
        0.0, unit="m", bounds=(0, None), stage="fabricate", ideal=0.0, doc="Pelgrom's A_beta, 1 % um = 1e-8 m"
    )
    flicker_coefficient: Array = parameter(
        0.0, unit="V^2 F", bounds=(0, None), stage="read", ideal=0.0, doc="K_F of the flicker noise"
    )
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="device temperature")
    polarity: str = eqx.field(static=True, default="n")
    rest, age = no_memory, ageless

    def __check_init__(self):
        check.one_of("polarity", self.polarity, SIGNS)

    @classmethod
    def p_channel(cls, **knobs) -> Self:
        """A p-channel transistor; its threshold is -0.5 V and its K a third of the other's, unless `knobs` say otherwise."""
        return cls(**{"polarity": "p", "threshold": -0.5, "transconductance": 5e-5} | knobs)

    def shape(self) -> tuple[int, ...]:
        """The shape of the bus of transistors."""
        return jnp.broadcast_shapes(*(v.shape for v in (self.threshold, self.transconductance, self.width, self.length)))

    def ports(self):
        """Pins `drain`, `gate`, `source`, `bulk`."""
        return {pin: electrical(self.shape()) for pin in ("drain", "gate", "source", "bulk")}

    def fabricate(self, key):
        """Threshold and gain of each transistor drawn with Pelgrom's law."""
        share = 1 / jnp.sqrt(2 * self.width * self.length)
        level, gain = (jnp.broadcast_to(v, self.shape()) for v in (self.threshold, self.transconductance))
        threshold = spread(level, self.threshold_mismatch * share, "absolute", named_key(key, "threshold_mismatch"))
        drawn = spread(gain, self.gain_mismatch * share, "lognormal", named_key(key, "gain_mismatch"))
        return self.put(threshold=threshold, transconductance=drawn)

    def inversion(self, p: dict[str, Array]) -> Inversion:
        """The state of the channel at port values `p` (V)."""
        sign, thermal = SIGNS[self.polarity], thermal_voltage(self.temperature)
        gate, source, drain = (sign * (p[pin] - p["bulk"]) for pin in ("gate", "source", "drain"))
        phi = surface_potential_at(self.surface_potential, self.temperature)
        threshold = sign * self.threshold - self.threshold_coefficient * (self.temperature - ROOM_TEMPERATURE)
        depth = gate - threshold + phi + self.body_effect * jnp.sqrt(phi)
        bulk = depleted(depth, self.body_effect)
        pinch = bulk - phi
        slope = 1 + self.body_effect / (2 * jnp.sqrt(bulk + 4 * thermal))
        positive = (pinch + jnp.sqrt(pinch**2 + 2 * thermal**2)) / 2
        mobility = self.transconductance * (self.temperature / ROOM_TEMPERATURE) ** self.mobility_exponent
        gain = mobility * self.width / self.length / (1 + self.mobility_reduction * positive)
        forward, at_source = interpolation((pinch - source) / thermal)
        reverse, at_drain = interpolation((pinch - drain) / thermal)
        return Inversion(slope, gain, forward, reverse, at_source, at_drain, bulk, depth)

    def current(self, p: dict[str, Array]) -> Array:
        """The current (A) into the drain and out of the source."""
        sign, thermal, at = SIGNS[self.polarity], thermal_voltage(self.temperature), self.inversion(p)
        across = sign * (p["drain"] - p["source"])
        longer = 1 + self.length_modulation * across * jnp.tanh(across / (4 * thermal))
        return sign * 2 * at.slope * at.gain * thermal**2 * (at.forward - at.reverse) * longer

    def charges(self, p: dict[str, Array]) -> dict[str, Array]:
        """The charge (C) behind each pin; they sum to zero."""
        thermal, at = thermal_voltage(self.temperature), self.inversion(p)
        unit = SIGNS[self.polarity] * self.width * self.length * self.oxide_capacitance * thermal
        f, r = at.source + 0.5, at.drain + 0.5
        end = lambda near, far: (
            -at.slope * ((4 / 15) * (3 * near**3 + 6 * near**2 * far + 4 * near * far**2 + 2 * far**3) / (f + r) ** 2 - 0.5)
        )
        drain, source = unit * end(r, f), unit * end(f, r)
        bulk = -unit * (at.depth - at.bulk) / thermal - (at.slope - 1) / at.slope * (drain + source)
        edge = self.width * self.overlap_capacitance
        over = {pin: edge * (p["gate"] - p[pin]) for pin in ("drain", "source")}
        gate = -(drain + source + bulk) + over["drain"] + over["source"]
        return {"drain": drain - over["drain"], "gate": gate, "source": source - over["source"], "bulk": bulk}

    def balance(self, t, p, x):
        """The channel current, and the charges behind the pins."""
        current = self.current(p)
        return Balance({"drain": current, "source": -current}, self.charges(p))

    def noise(self, p, x):
        """Thermal noise of the channel and flicker noise of the oxide, between drain and source."""
        thermal, at = thermal_voltage(self.temperature), self.inversion(p)
        a, b = at.source, at.drain
        charge = at.slope * (4 * (a**2 + a * b + b**2) + 3 * (a + b)) / (3 * (a + b + 1))
        white = 4 * BOLTZMANN * self.temperature * at.gain * thermal * charge
        steepness = 2 * at.gain * thermal * (a - b)
        flicker = steepness**2 * self.flicker_coefficient / (self.oxide_capacitance * self.width * self.length)
        return {
            "thermal": Noise(white, ("drain", "source")),
            "flicker": Noise(flicker, ("drain", "source"), "flicker", 1.0),
        }


def interpolation(u: Array) -> tuple[Array, Array]:
    """F(u) = ln^2(1 + exp(u/2)) and its derivative."""
    root = jax.nn.softplus(u / 2)
    return root**2, root * jax.nn.sigmoid(u / 2)


def depleted(depth: Array, body_effect: Array) -> Array:
    """V_P + phi (V) at a gate voltage `depth` above flat band; zero below it, with a continuous slope."""
    inside = depth > 0
    safe = jnp.where(inside, depth, 1.0)
    return jnp.where(inside, safe - body_effect * (jnp.sqrt(safe + body_effect**2 / 4) - body_effect / 2), 0.0)
