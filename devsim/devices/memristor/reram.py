"""`WanReRAM` and `CMOReRAM`: filamentary oxide memories as programmed weights."""

from functools import partial
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.devices.memristor.law import polynomial
from devsim.devices.memristor.statistical import StatisticalCell, one_draw, two_draws
from devsim.devices.preset import Preset
from devsim.parameter import parameter
from devsim.ports import Noise

MICROSIEMENS = 1e-6

WAN_TIMES = (1.0, 86400.0, 172800.0)
"""Times (s) at which the deviations were published."""

WAN_DEVIATIONS = (
    (0.348, 16.030, -43.853, 45.393, -16.815),
    (0.701, 22.086, -50.773, 47.095, -16.458),
    (0.782, 20.274, -43.507, 37.062, -11.934),
)
"""Standard deviation in uS as a polynomial in r = g / 40 uS, one row per time."""


def _wan() -> dict:
    """A 40 uS cell."""
    return {"maximum_conductance": 40e-6, "reference_conductance": 40e-6, "coefficients": np.asarray(WAN_DEVIATIONS) / 40}


WAN_PRESETS = {"wan-2022": Preset("Wan et al., Nature 608, 504 (2022): NeuRRAM, 1T1R HfOx, 40 uS", _wan)}
"""Named parameter sets of `WanReRAM`."""


class WanReRAM(StatisticalCell):
    """Write-verified HfOx cells whose deviation from the target widens for days.

    Equations, with r = g_T / g_ref, x one standard normal draw per write and t the time since the write:
      g(t) = max(0, g_T + (write_noise s_1(r) + relaxation (s(r, t) - s_1(r))) x)
      s(r, t) interpolates the polynomials published for 1 s, 1 day and 2 days linearly in ln t, constant outside.
    At those times the distribution is the published one; between them, and that a cell keeps its x, are assumptions
    (the source gives the distributions, not the paths). In silicon x would partly be drawn anew.
    Source: Wan et al., Nature 608, 504 (2022), its statistics of 1 s, 1 day, 2 days as fourth-order polynomials.
    Valid: room temperature, r from 0 to 1, 1 s to 2 days. Read noise was not characterised there: its default is 0.
    """

    catalogue: ClassVar = WAN_PRESETS
    reference_conductance: Array = parameter(40e-6, unit="S", bounds=(1e-12, None), doc="g_ref: conductance at which r = 1")
    times: Array = parameter(
        WAN_TIMES, unit="s", bounds=(1e-9, None), doc="increasing times since the write for which there are coefficients"
    )
    coefficients: Array = parameter(
        tuple(tuple(c / 40 for c in row) for row in WAN_DEVIATIONS),
        unit="1",
        doc="polynomial in r of the deviation relative to g_ref, from the constant up; one row per time",
    )
    write_noise: Array = parameter(
        1.0, unit="1", bounds=(0, None), stage="program", ideal=0.0, doc="multiplier of the deviation at the first time"
    )
    relaxation: Array = parameter(1.0, unit="1", bounds=(0, None), stage="age", ideal=0.0, doc="multiplier of its later growth")
    read_noise: Array = parameter(
        0.0,
        unit="1",
        bounds=(0, None),
        stage="read",
        ideal=0.0,
        doc="standard deviation of one read relative to the conductance",
    )
    draws = one_draw

    def deviations(self, target: Array) -> Array:
        """Published deviations (S) of `target` (S), one leading row per time, at least 0."""
        ratio = target / self.reference_conductance
        rows = [polynomial(row, ratio) for row in self.coefficients]
        return self.reference_conductance * jnp.maximum(jnp.stack(rows), 0.0)

    def write_deviation(self, target):
        """write_noise s_1, in S."""
        return self.write_noise * self.deviations(target)[0]

    def growth(self) -> Array:
        """s(r, t) - s_1(r), in S, at the present age of each cell."""
        rows, knots = self.deviations(self.target), jnp.log(self.times)
        age = jnp.log(jnp.clip(self.elapsed, self.times[0], self.times[-1]))
        total = jnp.zeros_like(self.target)
        for i in range(rows.shape[0] - 1):
            share = jnp.clip((age - knots[i]) / (knots[i + 1] - knots[i]), 0.0, 1.0)
            total = total + share * (rows[i + 1] - rows[i])
        return total

    def aged(self):
        """Target, write error and what the write error has grown by, in S, at least 0."""
        return jnp.maximum(self.target + self.deviation + self.relaxation * self.growth() * self.draw, 0.0)

    def read_deviation(self):
        """read_noise x g, in S."""
        return self.read_noise * self.conductance()


def _cmo(write_slope: float, write_offset: float) -> partial:
    """A 9 to 88.19 uS cell that was verified to one acceptance range; the offset was published in uS."""
    bounds = {"minimum_conductance": 9e-6, "maximum_conductance": 88.19e-6}
    return partial(dict, write_slope=write_slope, write_offset=write_offset * MICROSIEMENS, **bounds)


CMO_PRESETS = {
    "cmo-0.2-percent": Preset(
        "Falcone et al., Adv. Funct. Mater. (2025): verified to 0.2 % of the target", _cmo(0.00106879, 0.00081107)
    ),
    "cmo-2-percent": Preset(
        "Falcone et al., Adv. Funct. Mater. (2025): verified to 2 % of the target", _cmo(0.01129027418, 0.0112185391)
    ),
}
"""Named parameter sets of `CMOReRAM`."""


class CMOReRAM(StatisticalCell):
    """Conductive-metal-oxide / HfOx cells: precise writes, then a relaxation that does not depend on the target.

    Equations, with x, y, z independent standard normal draws and t the time since the write:
      g_P = g_T + write_noise (c_0 + c_1 g_T) x
      g(t) = max(0, g_P + onset(t) (decay m + relaxation (b_0 + b_1 L) y)),
      m = (k - 1) g_T + a_1 L,  L = ln(max(t, 1 s) / 1 s),  onset(t) = min(t / 1 s, 1)
      one read finds max(0, g + read_noise K log10(g / 1 uS) sqrt(ln((t + t_r) / (2 t_r))) z), no noise below 1 uS
    The published statistics start at 1 s; that the relaxation sets in linearly within the first second is assumed, so
    that a fresh cell is what was written. The published spread b_0 + b_1 L is that of cells verified to 0.2 %; it is
    taken as independent of the write error and adds to it in variance (which widens those cells by 1 % at 50 uS).
    Source: Falcone et al., Adv. Funct. Mater. (2025), arXiv:2502.04524; read noise: Lombardo et al., Device Research
    Conference (2024).
    Valid: room temperature, 9 to 88 uS, 1 s to a few days.
    """

    catalogue: ClassVar = CMO_PRESETS
    write_offset: Array = parameter(
        0.00081107e-6, unit="S", bounds=(0, None), doc="c_0: write error that does not depend on the target"
    )
    write_slope: Array = parameter(0.00106879, unit="1", bounds=(0, None), doc="c_1: write error relative to the target")
    settled: Array = parameter(49.92383444 / 50, unit="1", bounds=(0, None), doc="k: mean after 1 s relative to the target")
    decay_rate: Array = parameter(-0.08900206e-6, unit="S", doc="a_1: shift of the mean per e-fold of time")
    relaxation_offset: Array = parameter(0.41183342e-6, unit="S", bounds=(0, None), doc="b_0: spread after 1 s")
    relaxation_rate: Array = parameter(
        0.04201137e-6, unit="S", bounds=(0, None), doc="b_1: growth of the spread per e-fold of time"
    )
    read_coefficient: Array = parameter(
        0.0277316483e-6, unit="S", bounds=(0, None), doc="K: read noise per decade of conductance"
    )
    read_time: Array = parameter(1e-6, unit="s", bounds=(1e-12, None), doc="t_r: duration of one read")
    write_noise: Array = parameter(
        1.0, unit="1", bounds=(0, None), stage="program", ideal=0.0, doc="multiplier of the write error"
    )
    decay: Array = parameter(1.0, unit="1", bounds=(0, None), stage="age", ideal=0.0, doc="multiplier of the shift of the mean")
    relaxation: Array = parameter(
        1.0, unit="1", bounds=(0, None), stage="age", ideal=0.0, doc="multiplier of the spread of relaxation"
    )
    read_noise: Array = parameter(1.0, unit="1", bounds=(0, None), stage="read", ideal=0.0, doc="multiplier of the read noise")
    draws = two_draws

    def write_deviation(self, target):
        """write_noise (c_0 + c_1 g_T), in S."""
        return self.write_noise * (self.write_offset + self.write_slope * target)

    def aged(self):
        """g_P with the shift and the spread of relaxation, in S, at least 0."""
        folds = jnp.log(jnp.maximum(self.elapsed, 1.0))
        mean = (self.settled - 1) * self.target + self.decay_rate * folds
        spread = (self.relaxation_offset + self.relaxation_rate * folds) * self.draw
        moved = jnp.minimum(self.elapsed, 1.0) * (self.decay * mean + self.relaxation * spread)
        return jnp.maximum(self.target + self.deviation + moved, 0.0)

    def noise_amplitude(self, conductance: Array) -> Array:
        """read_noise K log10(g / 1 uS), in S: square root of the conductance noise density times frequency."""
        decades = jnp.log10(jnp.maximum(conductance / MICROSIEMENS, 1.0))
        return self.read_noise * self.read_coefficient * decades

    def read_deviation(self):
        """The band of 1/f noise from 1/t to 1/(2 t_r), in S; none before t = t_r."""
        band = jnp.log((self.elapsed + self.read_time) / (2 * self.read_time))
        fresh = band <= 0
        width = jnp.where(fresh, 0.0, jnp.sqrt(jnp.where(fresh, 1.0, band)))
        return self.noise_amplitude(self.conductance()) * width

    def noise(self, p, x):
        """1/f current noise of density (K log10(g / 1 uS) v)^2 / f, in A^2/Hz."""
        voltage = p["a"] - p["b"]
        flicker = Noise((self.noise_amplitude(self.conductance()) * voltage) ** 2, ("a", "b"), "flicker", 1.0)
        return StatisticalCell.noise(self, p, x) | {"flicker": flicker}
