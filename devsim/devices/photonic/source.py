"""Where light comes from: the laser."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import InputError, described
from devsim.devices.lanes import Lanes
from devsim.devices.photonic.knobs import carrier
from devsim.devices.photonic.light import turned
from devsim.parameter import Derived, parameter
from devsim.ports import Balance, Noise, Stated, optical, signal_in
from devsim.smooth import root


def _decibels(laser) -> Array:
    density = laser.relative_intensity_noise
    return 10 * jnp.log10(jnp.where(density > 0, density, jnp.nan))


NOISE_IN_DECIBELS = Derived(
    _decibels,
    lambda laser, decibels: {"relative_intensity_noise": 10 ** (decibels / 10)},
    "dB/Hz",
    "another name for `relative_intensity_noise`; NaN where that is zero",
)


class Laser(Lanes):
    """Single-mode laser behind an isolator; with `modulated`, a signal on `modulation` multiplies its power.

    Equations: out = (P m (1 + intensity))^0.5 exp(i (phase + drift)); `intensity` is white with the one-sided density RIN;
    d(drift)/dt is white with the one-sided density 4 pi linewidth, so that the line is a Lorentzian of that full width at
    half maximum and the variance of `drift` after a time t is 2 pi linewidth t.
    Source: Henry, IEEE J. Quantum Electron. 18, 259 (1982); Coldren, Corzine, Mashanovitch, Diode Lasers and Photonic
    Integrated Circuits (2nd ed., Wiley, 2012), chapter 5.
    Valid: below the relaxation resonance, without 1/f frequency noise and chirp; RIN times bandwidth well below one.
    """

    power: Array = parameter(1e-3, unit="W", bounds=(0, None), doc="power at the output")
    wavelength: Array = carrier()
    phase: Array = parameter(0.0, unit="rad", doc="phase at power-up")
    linewidth: Array = parameter(
        0.0, unit="Hz", bounds=(0, None), stage="read", ideal=0.0, doc="full width at half maximum of the Lorentzian line"
    )
    relative_intensity_noise: Array = parameter(
        0.0, unit="1/Hz", bounds=(0, None), stage="read", ideal=0.0, doc="one-sided density of the relative power, RIN"
    )
    modulated: bool = eqx.field(static=True, default=False)
    derived = {"relative_intensity_noise_db": NOISE_IN_DECIBELS}

    def __check_init__(self):
        if not isinstance(self.modulated, bool):
            raise InputError(f"`modulated` must be True or False, but is {described(self.modulated)}.")

    def ports(self):
        """The wave `out`, and the signal `modulation` (1 is full power) where modulated."""
        modulation = {"modulation": signal_in(self.shape())} if self.modulated else {}
        return {"out": optical(self.shape())} | modulation

    def rest(self):
        """The random walk `phase`, and the fluctuation `intensity` of the present moment."""
        return {"phase": self.silent(), "intensity": self.silent()}

    def balance(self, t, p, x):
        """A steady wave, whose phase stays where it is but for its noise."""
        level = self.power * p.get("modulation", 1.0) * (1 + x["intensity"])
        still = jnp.zeros_like(x["phase"])
        return Balance(
            {"out": root(level) * turned(self.phase + x["phase"]), "phase": still},
            {"phase": x["phase"]},
            {"intensity": Stated(still)},
        )

    def noise(self, p, x):
        """Frequency noise and relative intensity noise."""
        return {
            "frequency": Noise(self.everywhere(4 * jnp.pi * self.linewidth), ("phase",)),
            "intensity": Noise(self.everywhere(self.relative_intensity_noise), ("intensity",)),
        }
