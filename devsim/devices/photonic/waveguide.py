"""Waveguides: what a length of guide does to a wave."""

from dataclasses import KW_ONLY

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.lanes import Lanes
from devsim.devices.photonic.knobs import carrier
from devsim.devices.photonic.light import SPEED_OF_LIGHT, turned, weakened
from devsim.parameter import deviation, parameter
from devsim.ports import Balance, Stated, optical, quiet


class Guide(Lanes):
    """A part made of waveguide, whose parameters are those of the guided mode; the defaults are a silicon strip."""

    _: KW_ONLY
    effective_index: Array = parameter(
        2.44, unit="1", bounds=above(0), doc="phase index at the reference wavelength: phase = 2 pi n L / wavelength"
    )
    effective_index_spread: Array = deviation("effective_index", "1")
    group_index: Array = parameter(4.18, unit="1", bounds=above(0), doc="group index at the reference wavelength")
    dispersion: Array = parameter(
        0.0, unit="s/m^2", doc="group delay per length and wavelength at the reference; 1 ps/(nm km) is 1e-6 s/m^2"
    )
    loss_db_per_cm: Array = parameter(0.0, unit="dB/cm", bounds=(0, None), ideal=0.0, doc="propagation loss")
    wavelength: Array = carrier()
    reference_wavelength: Array = parameter(1.55e-6, unit="m", bounds=above(0), doc="wavelength at which the indices hold")

    def _bend(self) -> tuple[Array, Array]:
        slope = (self.effective_index - self.group_index) / self.reference_wavelength
        return slope, -SPEED_OF_LIGHT * self.dispersion / self.reference_wavelength

    def phase_index(self) -> Array:
        """The effective index at the carrier, to second order in its distance from the reference."""
        slope, curvature = self._bend()
        away = self.wavelength - self.reference_wavelength
        return self.effective_index + away * slope + away**2 / 2 * curvature

    def carrier_group_index(self) -> Array:
        """n - wavelength dn/d(wavelength) at the carrier."""
        slope, curvature = self._bend()
        away = self.wavelength - self.reference_wavelength
        return self.phase_index() - self.wavelength * (slope + away * curvature)

    def transmission(self, length: Array) -> Array:
        """The factor on the carrier after `length` (m)."""
        phase = 2 * jnp.pi * self.phase_index() * (length / self.wavelength)
        return weakened(self.loss_db_per_cm * (100 * length)) * turned(phase)

    def delay(self, length: Array) -> Array:
        """Group delay in s over `length` (m)."""
        return self.carrier_group_index() * length / SPEED_OF_LIGHT


class Waveguide(Guide):
    """A length of single-mode waveguide, alike in both directions.

    Equations: out(t) = 10^(-loss L / 20) exp(2 pi i n L / wavelength) in(t - n_g L / c); with d = wavelength - reference,
    n = n_0 + d (n_0 - n_g0) / reference - d^2 c D / (2 reference); n_g = n - wavelength dn/d(wavelength).
    Source: Saleh, Teich, Fundamentals of Photonics (2nd ed., Wiley, 2007), sections 5.6 and 8.2; without dispersion D the
    index is that of SAX's `straight`.
    Valid: one mode and one polarisation, no nonlinearity, a modulation much narrower than the carrier; dispersion acts
    from carrier to carrier, not within the band of a modulation. In time a delay of no whole number of steps interpolates
    linearly, which takes energy from pulses as short as a step.
    """

    length: Array = parameter(1e-4, unit="m", bounds=(0, None), doc="length of the path")
    noise = quiet

    def ports(self):
        """The ends `in` and `out`."""
        return {"in": optical(self.shape()), "out": optical(self.shape())}

    def rest(self):
        """The waves that arrive at `out` and at `in`."""
        return {"forward": self.quiet_wave(), "backward": self.quiet_wave()}

    def balance(self, t, p, x):
        """What entered a delay ago leaves at the other end."""
        factor, delay = self.transmission(self.length), self.delay(self.length)
        stated = {"forward": Stated(factor * p["in"], delay), "backward": Stated(factor * p["out"], delay)}
        return Balance({"out": x["forward"], "in": x["backward"]}, stated=stated)
