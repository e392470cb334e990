"""The optical amplifier."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.check import InputError, above, is_concrete
from devsim.devices.lanes import Lanes
from devsim.devices.photonic.knobs import carrier
from devsim.devices.photonic.light import photon_energy, power, turned
from devsim.parameter import Derived, parameter
from devsim.ports import Balance, Noise, Stated, Unknown, optical


def _ratio(db: Array) -> Array:
    return 10 ** (db / 10)


def _noise_figure(part) -> Array:
    gain = _ratio(part.gain_db)
    return 10 * jnp.log10((2 * part.spontaneous_emission * (gain - 1) + 1) / gain)


def _from_noise_figure(part, db: Array) -> dict[str, Array]:
    gain = _ratio(part.gain_db)
    if is_concrete(part.gain_db) and np.any(np.asarray(part.gain_db) <= 0):
        raise InputError(
            "`gain_db` must be above 0 dB where `noise_figure_db` is set, but is 0 dB; an amplifier without gain has no"
            " spontaneous emission."
        )
    return {"spontaneous_emission": (_ratio(db) * gain - 1) / (2 * jnp.where(gain > 1, gain - 1, jnp.nan))}


SATURATION_POWER = Derived(
    lambda part: 1 / jnp.where(part.saturation > 0, part.saturation, jnp.nan),
    lambda part, watts: {"saturation": 1 / watts},
    "W",
    "another name for `saturation`: one over it; NaN where that is zero",
    above(0, math.inf),
)
NOISE_FIGURE = Derived(
    _noise_figure,
    _from_noise_figure,
    "dB",
    "another name for `spontaneous_emission` at the small-signal gain, which must be above 0 dB",
)


class OpticalAmplifier(Lanes):
    """Travelling-wave amplifier between isolators, whose gain the light depletes.

    Equations: out = exp(h (1 - i alpha) / 2) in + inphase + i quadrature; tau dh/dt = h0 - h - (e^h - 1) s |in|^2, with
    h0 = gain_db ln(10) / 10 and s = 1 / (saturation power); the quadratures are white, each with the one-sided density
    n_sp (e^h - 1) h_P c / wavelength; noise figure 2 n_sp (G - 1) / G + 1 / G.
    Source: Agrawal, Olsson, IEEE J. Quantum Electron. 25, 2297 (1989); noise: Desurvire, Erbium-Doped Fiber Amplifiers
    (Wiley, 1994), chapter 2.
    Valid: one direction and one polarisation, internal loss small against the gain; physical amplifiers have n_sp of at
    least 1, and the noise does not itself deplete the gain. In time the emission fills the whole band 1 / h of the step h,
    so that its power in the dark, n_sp (e^h - 1) h_P c / wavelength / h with the gain e^h, depends on the step; operating
    point and noise spectrum hold its beat with the light, but not that with itself.
    """

    gain_db: Array = parameter(20.0, unit="dB", bounds=(0, None), doc="small-signal gain of power")
    saturation: Array = parameter(
        0.0, unit="1/W", bounds=(0, None), ideal=0.0, doc="one over the saturation power of the gain medium"
    )
    carrier_lifetime: Array = parameter(
        0.0, unit="s", bounds=(0, None), ideal=0.0, doc="time constant with which the gain recovers"
    )
    linewidth_enhancement: Array = parameter(
        0.0, unit="1", ideal=0.0, doc="Henry's factor alpha: phase per logarithm of gain, twice and reversed"
    )
    spontaneous_emission: Array = parameter(
        0.0, unit="1", bounds=(0, None), stage="read", ideal=0.0, doc="spontaneous emission factor n_sp"
    )
    wavelength: Array = carrier()
    derived = {"saturation_power": SATURATION_POWER, "noise_figure_db": NOISE_FIGURE}

    def ports(self):
        """`in` and `out`."""
        return {"in": optical(self.shape()), "out": optical(self.shape())}

    def rest(self):
        """The logarithm of the gain, unsaturated, and the two quadratures of the spontaneous emission (W^0.5)."""
        full = self.everywhere(self._small_signal())
        return {"log_gain": Unknown(full, 1.0, settles=True), "inphase": self.silent(), "quadrature": self.silent()}

    def _small_signal(self) -> Array:
        return self.gain_db * (math.log(10) / 10)

    def balance(self, t, p, x):
        """Amplify with the gain that is left."""
        h = x["log_gain"]
        factor = jnp.exp(h / 2) * turned(-self.linewidth_enhancement * h / 2)
        lacking = h - self._small_signal() + jnp.expm1(h) * self.saturation * power(p["in"])
        dark = jnp.zeros_like(x["inphase"])
        return Balance(
            {
                "out": factor * p["in"] + (x["inphase"] + 1j * x["quadrature"]),
                "in": jnp.zeros_like(p["in"]),
                "log_gain": lacking,
            },
            {"log_gain": self.carrier_lifetime * h},
            {"inphase": Stated(dark), "quadrature": Stated(dark)},
        )

    def noise(self, p, x):
        """Amplified spontaneous emission in two quadratures."""
        density = self.spontaneous_emission * jnp.expm1(jnp.maximum(x["log_gain"], 0.0)) * photon_energy(self.wavelength)
        return {"inphase": Noise(density, ("inphase",)), "quadrature": Noise(density, ("quadrature",))}
