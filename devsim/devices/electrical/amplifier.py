"""`OperationalAmplifier`: a macromodel with one pole."""

import math
from typing import Self

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.parameter import Derived, deviation, parameter
from devsim.part import Element
from devsim.physics import BOLTZMANN, ROOM_TEMPERATURE
from devsim.ports import Balance, Noise, Unknown, ageless, electrical

HEADROOM = 4.0
"""Swings at which the gain stage stops rising: the output is then within 0.2 % of its limit."""


def _inverse(field: str, unit: str, doc: str, factor: float = 1.0) -> Derived:
    """Another name for a field that is one over it; infinite where the field is zero."""
    return Derived(
        lambda part: 1 / (factor * getattr(part, field)),
        lambda part, v: {field: 1 / (factor * v)},
        unit,
        doc,
        above(0, math.inf),
    )


class OperationalAmplifier(Element):
    """Voltage-feedback amplifier with pins `plus`, `minus`, `out`; its output current comes out of the net `gnd`.

    Equations: tau du/dt = S(e) - u/A - C(u), e = v_plus - v_minus - offset, u the gain stage (an unknown that settles),
    tau = 1 / (2 pi f_unity); v_out = T(u) + R_o i, i the current into `out`.
      S(e) = L tanh(e/L) with L = tau times the slew rate; T(u) = V_s tanh(u/V_s) with V_s the swing; C(u) is nothing
      within the swing and grows as |u| - 4 V_s beyond, so that the stage does not run away in an overload.
      Each limit is stated as its inverse, so that the ideal amplifier (S(e) = e, T(u) = u, 1/A = tau = 0) is a nullor.
      Noise: e_n^2 (1 + f_c/f) in series with the input, 4 k T R_o in series with the output (one-sided, V^2/Hz).
    Source: Boyle, Cohn, Pederson & Solomon, IEEE J. Solid-State Circuits 9, 353 (1974), reduced to one pole.
    Valid: inputs within the common-mode range, supplies that hold; without bias and noise currents, CMRR, PSRR.
    """

    side_by_side = True
    offset: Array = parameter(0.0, unit="V", stage="fabricate", ideal=0.0, doc="input offset, a number or shape (n,) for a bus")
    offset_spread: Array = deviation("offset", "V", each="amplifier")
    inverse_gain: Array = parameter(
        1e-5, unit="1", bounds=(0, None), stage="read", ideal=0.0, doc="1/A, one over the voltage gain at rest"
    )
    time_constant: Array = parameter(
        1 / (2e6 * jnp.pi), unit="s", bounds=(0, None), stage="read", ideal=0.0, doc="tau, 1 / (2 pi unity-gain frequency)"
    )
    inverse_swing: Array = parameter(
        0.0, unit="1/V", bounds=(0, None), stage="read", ideal=0.0, doc="one over the largest output voltage"
    )
    inverse_slew_rate: Array = parameter(
        0.0, unit="s/V", bounds=(0, None), stage="read", ideal=0.0, doc="one over the fastest change of the output"
    )
    input_conductance: Array = parameter(
        0.0, unit="S", bounds=(0, None), stage="read", ideal=0.0, doc="conductance between the inputs"
    )
    output_resistance: Array = parameter(
        0.0, unit="ohm", bounds=(0, None), stage="read", ideal=0.0, doc="R_o, resistance in series with the output"
    )
    noise_density: Array = parameter(
        0.0, unit="V/Hz^0.5", bounds=(0, None), stage="read", ideal=0.0, doc="e_n, one-sided input noise voltage"
    )
    noise_corner: Array = parameter(
        0.0, unit="Hz", bounds=(0, None), stage="read", ideal=0.0, doc="f_c, where flicker noise equals white noise"
    )
    temperature: Array = parameter(
        ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the output resistance"
    )
    derived = {
        "gain": _inverse("inverse_gain", "1", "A, voltage gain at rest: another name for `inverse_gain`"),
        "unity_gain_frequency": _inverse(
            "time_constant", "Hz", "frequency of unit gain: another name for `time_constant`", 2 * jnp.pi
        ),
        "swing": _inverse("inverse_swing", "V", "largest output voltage: another name for `inverse_swing`"),
        "slew_rate": _inverse("inverse_slew_rate", "V/s", "fastest change: another name for `inverse_slew_rate`"),
    }
    age = ageless

    @classmethod
    def of(cls, shape: tuple[int, ...] = (), **knobs) -> Self:
        """A bus of amplifiers; knobs by name, `gain`, `unity_gain_frequency`, `swing` and `slew_rate` among them."""
        renamed = {name: knobs.pop(name) for name in cls.derived if name in knobs}
        part = cls(**{"offset": jnp.zeros(shape)} | knobs)
        for name, value in renamed.items():
            part = part.set(name, value)
        return part

    def ports(self):
        """Pins `plus`, `minus`, `out`, of the shape of the offset."""
        return {pin: electrical(self.offset.shape) for pin in ("plus", "minus", "out")}

    def rest(self):
        """The voltage of the gain stage, and the current into `out`."""
        zero = jnp.zeros_like(self.offset)
        return {"stage": Unknown(zero, 1.0, settles=True), "current": Unknown(zero, 1e-3)}

    def balance(self, t, p, x):
        """One pole between two limits."""
        error = p["plus"] - p["minus"] - self.offset
        timed = self.time_constant > 0
        inverse_limit = jnp.where(timed, self.inverse_slew_rate / jnp.where(timed, self.time_constant, 1.0), 0.0)
        stage, current = x["stage"], x["current"]
        held = self.inverse_gain * stage + excess(stage, self.inverse_swing) - limited(error, inverse_limit)
        drop = p["out"] - limited(stage, self.inverse_swing) - self.output_resistance * current
        leak = self.input_conductance * (p["plus"] - p["minus"])
        static = {"plus": leak, "minus": -leak, "out": current, "stage": held, "current": drop}
        return Balance(static, {"stage": self.time_constant * stage})

    def noise(self, p, x):
        """Input noise in the equation of the gain stage, Johnson noise in that of the output."""
        shape, white = self.offset.shape, self.noise_density**2
        thermal = 4 * BOLTZMANN * self.temperature * self.output_resistance
        return {
            "input": Noise(jnp.broadcast_to(white, shape), ("stage",)),
            "flicker": Noise(jnp.broadcast_to(white * self.noise_corner, shape), ("stage",), "flicker", 1.0),
            "output thermal": Noise(jnp.broadcast_to(thermal, shape), ("current",)),
        }


def limited(value: Array, inverse_limit: Array) -> Array:
    """limit tanh(value / limit); `value` itself where one over the limit is zero."""
    free = inverse_limit <= 0
    safe = jnp.where(free, 1.0, inverse_limit)
    return jnp.where(free, value, jnp.tanh(safe * value) / safe)


def excess(value: Array, inverse_limit: Array) -> Array:
    """How far `value` lies beyond `HEADROOM` limits on either side, with rounded corners; nothing without a limit."""
    free = inverse_limit <= 0
    safe = jnp.where(free, 1.0, inverse_limit)
    over = lambda side: jax.nn.softplus(8 * (side * safe * value - HEADROOM)) / (8 * safe)
    return jnp.where(free, 0.0, over(1) - over(-1))
