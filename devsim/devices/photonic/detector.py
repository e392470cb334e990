"""From light to current: photodiode, balanced detector, coherent detector."""

import math

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.lanes import Lanes
from devsim.devices.photonic.light import power, turned
from devsim.parameter import Derived, deviation, parameter
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE, ROOM_TEMPERATURE
from devsim.ports import Balance, Noise, electrical, optical

BANDWIDTH = Derived(
    lambda part: 1 / (2 * jnp.pi * jnp.where(part.time_constant > 0, part.time_constant, jnp.nan)),
    lambda part, hertz: {"time_constant": 1 / (2 * jnp.pi * hertz)},
    "Hz",
    "another name for `time_constant`: one over 2 pi times it; NaN where that is zero",
    above(0, math.inf),
)


class Detector(Lanes):
    """One or more photodiodes of the same make, each of whose outputs has a shunt and a capacitance of its own."""

    responsivity: Array = parameter(1.0, unit="A/W", bounds=(0, None), doc="photocurrent per power of the light")
    responsivity_spread: Array = deviation("responsivity", "1", "lognormal")
    dark_current: Array = parameter(
        0.0, unit="A", bounds=(0, None), stage="read", ideal=0.0, doc="current of each reverse-biased diode in the dark"
    )
    time_constant: Array = parameter(
        0.0, unit="s", bounds=(0, None), stage="read", ideal=0.0, doc="time constant with which the photocurrent follows"
    )
    shunt_conductance: Array = parameter(
        0.0, unit="S", bounds=(0, None), stage="read", ideal=0.0, doc="conductance across each output"
    )
    capacitance: Array = parameter(0.0, unit="F", bounds=(0, None), ideal=0.0, doc="capacitance across each output")
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of its noise")
    derived = {"bandwidth": BANDWIDTH}

    def driven(self, p: dict, high: str, low: str, photocurrent: Array) -> tuple[Array, Array]:
        """Current into pin `high` and charge behind it, where `photocurrent` (A) flows out of it and returns at `low`."""
        voltage = p[high] - p[low]
        return self.shunt_conductance * voltage - photocurrent, self.capacitance * voltage

    def lag(self, x: dict, name: str, photocurrent: Array) -> tuple[Array, Array]:
        """Residual and stored quantity of the unknown `name`, which follows `photocurrent`."""
        return x[name] - photocurrent, self.time_constant * x[name]

    def output_noise(self, photocurrent: Array, diodes: int, unknown: str, pins: tuple[str, str]) -> tuple[Noise, Noise]:
        """Shot noise of the total `photocurrent` (A) and dark current of so many `diodes`, and of the shunt.

        Carriers that the dark makes cross the same junction as those of the light, so that the shot noise of both enters
        the equation of the `unknown` and is low-passed as the signal is.
        """
        shot = 2 * ELEMENTARY_CHARGE * (photocurrent + diodes * self.dark_current)
        thermal = 4 * BOLTZMANN * self.temperature * self.shunt_conductance
        return Noise(self.everywhere(shot), (unknown,)), Noise(self.everywhere(thermal), pins)


class Photodiode(Detector):
    """Reverse-biased photodiode: its current leaves at `anode`, whatever the potentials.

    Equations: tau dI/dt = R |light|^2 - I; i_anode = -(I + I_dark) + G v + C dv/dt, v = v_anode - v_cathode; noise
    (one-sided) 2 q (R |light|^2 + I_dark) in the equation of I, whose pole it passes, and 4 k T G at the pins.
    Source: Saleh, Teich, Fundamentals of Photonics (2nd ed., Wiley, 2007), chapter 18.
    Valid: under reverse bias or at a virtual ground, below saturation; the diode's own forward conduction is a `Diode`.
    """

    def ports(self):
        """The wave `light`, electrical `anode` and `cathode`."""
        return {"light": optical(self.shape()), "anode": electrical(self.shape()), "cathode": electrical(self.shape())}

    def rest(self):
        """The photocurrent, A."""
        return {"current": self.silent(scale=1e-3, settles=True)}

    def balance(self, t, p, x):
        """Detect, and drive the pins."""
        residual, stored = self.lag(x, "current", self.responsivity * power(p["light"]))
        current, charge = self.driven(p, "anode", "cathode", x["current"] + self.dark_current)
        pins = {"anode": current, "cathode": -current}
        return Balance(
            {"light": jnp.zeros_like(p["light"]), "current": residual} | pins,
            {"current": stored, "anode": charge, "cathode": -charge},
        )

    def noise(self, p, x):
        """Shot noise and the shunt's Johnson noise."""
        shot, thermal = self.output_noise(self.responsivity * power(p["light"]), 1, "current", ("anode", "cathode"))
        return {"shot": shot, "thermal": thermal}


class BalancedDetector(Detector):
    """Two photodiodes back to back: the difference of their currents leaves at `plus`.

    Equations: tau dI/dt = R ((1 + e/2) |light0|^2 - (1 - e/2) |light1|^2) - I, e the imbalance;
    i_plus = -I + G v + C dv/dt, v = v_plus - v_minus; noise 2 q (both photocurrents + 2 I_dark) in the equation of I
    and 4 k T G at the pins.
    Source: Yuen, Chan, Opt. Lett. 8, 177 (1983).
    Valid: both diodes under reverse bias; equal dark currents, which cancel but for their noise.
    """

    imbalance: Array = parameter(
        0.0, unit="1", bounds=(-2, 2), stage="fabricate", ideal=0.0, doc="difference of the responsivities over their mean"
    )
    imbalance_spread: Array = deviation("imbalance", "1")

    def ports(self):
        """Waves `light0` and `light1`, electrical `plus` and `minus`."""
        waves = {"light0": optical(self.shape()), "light1": optical(self.shape())}
        return waves | {"plus": electrical(self.shape()), "minus": electrical(self.shape())}

    def rest(self):
        """The difference of the photocurrents, A."""
        return {"current": self.silent(scale=1e-3, settles=True)}

    def photocurrents(self, p: dict) -> tuple[Array, Array]:
        """What each diode makes of its light, A."""
        first = self.responsivity * (1 + self.imbalance / 2) * power(p["light0"])
        return first, self.responsivity * (1 - self.imbalance / 2) * power(p["light1"])

    def balance(self, t, p, x):
        """Detect, subtract, and drive the pins."""
        first, second = self.photocurrents(p)
        residual, stored = self.lag(x, "current", first - second)
        current, charge = self.driven(p, "plus", "minus", x["current"])
        dark = {name: jnp.zeros_like(p[name]) for name in ("light0", "light1")}
        return Balance(
            dark | {"current": residual, "plus": current, "minus": -current},
            {"current": stored, "plus": charge, "minus": -charge},
        )

    def noise(self, p, x):
        """Shot noise, which adds where the currents subtract, and the shunt's Johnson noise."""
        shot, thermal = self.output_noise(sum(self.photocurrents(p)), 2, "current", ("plus", "minus"))
        return {"shot": shot, "thermal": thermal}


class CoherentDetector(Detector):
    """A 90-degree hybrid and two balanced pairs: the in-phase and quadrature parts of `signal` against `local`.

    Equations: tau dI/dt = R Re(s l*) - I, tau dQ/dt = R Im(s l* e^{-i error}) - Q, which leave at `in_phase` and
    `quadrature` and return at `common`, each with G v + C dv/dt; noise 2 q (R (|s|^2 + |l|^2) / 2 + 2 I_dark) in each of the
    equations of I and Q, and 4 k T G at the pins.
    Source: Kikuchi, J. Lightwave Technol. 34, 157 (2016).
    Valid: one polarisation, a lossless hybrid of four equal outputs, matched diodes under reverse bias.
    """

    hybrid_error: Array = parameter(
        0.0, unit="rad", stage="fabricate", ideal=0.0, doc="departure of the hybrid's phase from 90 degrees"
    )
    hybrid_error_spread: Array = deviation("hybrid_error", "rad")

    def ports(self):
        """Waves `signal` and `local`, electrical `in_phase`, `quadrature` and `common`."""
        waves = {"signal": optical(self.shape()), "local": optical(self.shape())}
        return waves | {name: electrical(self.shape()) for name in ("in_phase", "quadrature", "common")}

    def rest(self):
        """Both photocurrents, A."""
        return {name: self.silent(scale=1e-3, settles=True) for name in ("in_phase_current", "quadrature_current")}

    def balance(self, t, p, x):
        """Beat, and drive the pins."""
        beat = self.responsivity * p["signal"] * jnp.conj(p["local"])
        seen = {"in_phase": jnp.real(beat), "quadrature": jnp.imag(beat * turned(-self.hybrid_error))}
        static = {name: jnp.zeros_like(p[name]) for name in ("signal", "local")}
        stored = {}
        for pin, photocurrent in seen.items():
            unknown = f"{pin}_current"
            static[unknown], stored[unknown] = self.lag(x, unknown, photocurrent)
            static[pin], stored[pin] = self.driven(p, pin, "common", x[unknown])
        static["common"] = -(static["in_phase"] + static["quadrature"])
        stored["common"] = -(stored["in_phase"] + stored["quadrature"])
        return Balance(static, stored)

    def noise(self, p, x):
        """Shot and Johnson noise of both outputs."""
        found = {}
        for pin in ("in_phase", "quadrature"):
            each = self.responsivity * (power(p["signal"]) + power(p["local"])) / 2
            found[f"{pin}_shot"], found[f"{pin}_thermal"] = self.output_noise(each, 2, f"{pin}_current", (pin, "common"))
        return found
