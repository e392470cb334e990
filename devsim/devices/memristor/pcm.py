"""`PhaseChangeCell`: phase-change memory as a programmed weight."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.devices.memristor.law import Law, LogLaw, PowerLaw, polynomial
from devsim.devices.memristor.statistical import StatisticalCell, two_draws
from devsim.devices.preset import Preset
from devsim.parameter import parameter
from devsim.ports import Noise


def _nandakumar(write_microsiemens=(0.26348, 1.9650, -1.1731)) -> dict:
    """Parameters of a 25 uS cell; the published write polynomial gives uS as a function of r."""
    return {
        "maximum_conductance": 25e-6,
        "reference_conductance": 25e-6,
        "write_coefficients": np.asarray(write_microsiemens) / 25,
        "drift_mean": LogLaw(-0.0155, 0.0244, 0.049, 0.1),
        "drift_deviation": LogLaw(-0.0125, -0.0059, 0.008, 0.045),
        "drift_time": 20.0,
        "read_law": PowerLaw(0.0088, 0.65, 0.2),
        "read_time": 250e-9,
    }


def _joshi() -> dict:
    """The same cell with the write polynomial of another fit, published in uS as a function of g in uS."""
    return _nandakumar(np.array([0.28638599, 0.07585724 * 25, -0.00178767 * 25**2]))


def _hermes(write_microsiemens, full_scale: float, drift_time: float, deviation: LogLaw, read: LogLaw) -> dict:
    """What the one- and two-device cells share: the law of the mean exponent and the read time."""
    return {
        "maximum_conductance": full_scale * 1e-6,
        "reference_conductance": full_scale * 1e-6,
        "write_coefficients": np.asarray(write_microsiemens) / full_scale,
        "drift_mean": LogLaw(-0.0387, -0.0182, 0.072, 0.13, 0.0945, (0.0736, -0.0126, -0.0436)),
        "drift_deviation": deviation,
        "drift_time": drift_time,
        "read_law": read,
        "read_time": 512e-9,
    }


def _hermes_one() -> dict:
    """One device per polarity, 10.35 uS."""
    deviation = LogLaw(-0.0120, -0.0023, 0.0124, 0.04, 0.3039, (0.0104, 0.0116, -0.0165))
    read = LogLaw(-0.0078, 0.0038, 0.0179, 0.04, 0.1591, (0.0088, 0.0768, -0.1352, 0.0664))
    return _hermes((0.15781817, 2.32443916, -2.16310839, 0.68841818), 10.35, 200.0, deviation, read)


def _hermes_two() -> dict:
    """Two devices in parallel per polarity, 20.7 uS."""
    deviation = LogLaw(-0.0117, -0.0057, 0.0091, 0.04, 0.3055, (0.0073, 0.0093, -0.0118))
    read = LogLaw(-0.0117, -0.0069, 0.015, 0.04, 0.16, (0.0123, 0.0211, -0.0280, 0.0069))
    return _hermes((0.16603222, 4.71806468, -8.48101252, 4.68961419), 20.7, 300.0, deviation, read)


PRESETS = {
    "nandakumar-2019": Preset("Nandakumar et al., IEEE ICECS 2019: 90 nm doped Ge2Sb2Te5, 25 uS, t_0 = 20 s", _nandakumar),
    "joshi-2020": Preset(
        "write noise: Joshi et al., Nat. Commun. 11, 2473 (2020), fig. 3b; the rest as nandakumar-2019", _joshi
    ),
    "hermes-one-device": Preset(
        "Le Gallo et al., Nat. Electron. 6, 680 (2023): HERMES chip, one device, 10.35 uS", _hermes_one
    ),
    "hermes-two-devices": Preset(
        "Le Gallo et al., Nat. Electron. 6, 680 (2023): HERMES chip, two devices, 20.7 uS", _hermes_two
    ),
}
"""Named parameter sets of `PhaseChangeCell`."""


class PhaseChangeCell(StatisticalCell):
    """Mushroom cells of phase-change memory after iterative programming.

    Equations, with r = g / g_ref, g_T the target, x, y, z standard normal and t the time since the write:
      g_P = max(0, g_T + write_noise g_ref (c_0 + c_1 r_T + c_2 r_T^2 + ...) x)
      g(t) = g_P (1 + t / t_0)^-nu,  nu = drift |mu(r_T) + drift_spread s(r_T) y|
      one read finds max(0, g + read_noise g Q(r_P) sqrt(ln((t + t_0 + t_r) / (2 t_r))) z)
    That read noise is the band 1/(t + t_0) to 1/(2 t_r) of a 1/f current noise of density (Q i)^2 / f, which `noise`
    declares.
    Source: Nandakumar et al., IEEE ICECS 2019; Joshi et al., Nat. Commun. 11, 2473 (2020); Le Gallo et al., Nat.
    Electron. 6, 680 (2023). The model's published description and the public program that made it known disagree on
    the argument of Q: target or written conductance. Here it is the written one, as in the program: the material
    knows only that. (It matters for targets below about a tenth of the range.)
    Valid: 300 K, 1 us to 1 year, r from 0 to 1. All cells of one array share `reference_conductance`, which scales
    the laws; `maximum_conductance` only limits what is written.
    """

    catalogue: ClassVar = PRESETS
    reference_conductance: Array = parameter(25e-6, unit="S", bounds=(1e-12, None), doc="g_ref: conductance at which r = 1")
    write_coefficients: Array = parameter(
        (0.0105392, 0.0786, -0.046924),
        unit="1",
        doc="c_i: polynomial in r of the write error relative to g_ref, from the constant up",
    )
    drift_mean: Law = eqx.field(default_factory=lambda: LogLaw(-0.0155, 0.0244, 0.049, 0.1))
    drift_deviation: Law = eqx.field(default_factory=lambda: LogLaw(-0.0125, -0.0059, 0.008, 0.045))
    read_law: Law = eqx.field(default_factory=PowerLaw)
    drift_time: Array = parameter(20.0, unit="s", bounds=(1e-12, None), doc="t_0: time of the first read after the write")
    read_time: Array = parameter(250e-9, unit="s", bounds=(1e-12, None), doc="t_r: duration of one read")
    write_noise: Array = parameter(
        1.0, unit="1", bounds=(0, None), stage="program", ideal=0.0, doc="multiplier of the write error"
    )
    drift: Array = parameter(1.0, unit="1", bounds=(0, None), stage="age", ideal=0.0, doc="multiplier of the drift exponents")
    drift_spread: Array = parameter(
        1.0, unit="1", bounds=(0, None), stage="age", ideal=0.0, doc="multiplier of the spread of the drift exponents"
    )
    read_noise: Array = parameter(1.0, unit="1", bounds=(0, None), stage="read", ideal=0.0, doc="multiplier of the read noise")
    draws = two_draws

    def write_deviation(self, target):
        """write_noise g_ref (c_0 + c_1 r + ...), in S, at least 0."""
        relative = polynomial(self.write_coefficients, target / self.reference_conductance)
        return self.write_noise * self.reference_conductance * jnp.maximum(relative, 0.0)

    def exponent(self) -> Array:
        """Drift exponent nu of each cell, at least 0."""
        ratio = self.target / self.reference_conductance
        spread = self.drift_spread * self.drift_deviation(ratio) * self.draw
        return self.drift * jnp.abs(self.drift_mean(ratio) + spread)

    def aged(self):
        """g_P (1 + t / t_0)^-nu, in S."""
        return self.written() * jnp.exp(-self.exponent() * jnp.log1p(self.elapsed / self.drift_time))

    def relative_noise(self) -> Array:
        """read_noise Q(r_P): square root of the relative current noise density times frequency."""
        return self.read_noise * self.read_law(self.written() / self.reference_conductance)

    def read_deviation(self):
        """read_noise g Q(r_P) sqrt(ln((t + t_0 + t_r) / (2 t_r))), in S."""
        decades = jnp.log((self.elapsed + self.drift_time + self.read_time) / (2 * self.read_time))
        return self.conductance() * self.relative_noise() * jnp.sqrt(jnp.maximum(decades, SMALLEST_BAND))

    def noise(self, p, x):
        """1/f current noise of density (Q i)^2 / f, in A^2/Hz."""
        current = self.current(p["a"] - p["b"], self.conductance())
        return StatisticalCell.noise(self, p, x) | {
            "flicker": Noise((self.relative_noise() * current) ** 2, ("a", "b"), "flicker", 1.0)
        }


SMALLEST_BAND = 1e-12
"""Floor of the logarithm under the square root, for reads that are longer than the time since the write."""
