"""`LinearCell`: the simplest cell that can be written, drift and be noisy."""

from functools import partial
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.memristor.statistical import StatisticalCell, two_draws
from devsim.devices.preset import Preset
from devsim.parameter import parameter

PRESETS = {
    "exact": Preset("no device: every imperfection is zero", partial(dict, minimum_conductance=1e-6, maximum_conductance=1e-4))
}
"""Named parameter sets of `LinearCell`."""


class LinearCell(StatisticalCell):
    """A cell that holds what is written into it, with textbook imperfections that are all zero unless asked for.

    Equations: g_written = max(0, target (1 + write_noise x)); g(t) = g_written (1 + t / t_0)^-nu,
    nu = drift + drift_spread y; one read finds max(0, g (1 + read_noise z)); x, y, z standard normal.
    Source: the power law of drift, Ielmini et al., IEEE Trans. Electron Devices 54, 308 (2007); the rest is definition.
    Valid: as a stand-in for a device whose statistics are not known.
    """

    catalogue: ClassVar = PRESETS
    write_noise: Array = parameter(
        0.0, unit="1", bounds=(0, None), stage="program", ideal=0.0, doc="standard deviation of a write relative to its target"
    )
    drift: Array = parameter(0.0, unit="1", stage="age", ideal=0.0, doc="mean exponent of the power-law decay")
    drift_spread: Array = parameter(
        0.0, unit="1", bounds=(0, None), stage="age", ideal=0.0, doc="standard deviation of the exponent from write to write"
    )
    drift_time: Array = parameter(1.0, unit="s", bounds=(1e-12, None), doc="time t_0 after which the decay shows")
    read_noise: Array = parameter(
        0.0,
        unit="1",
        bounds=(0, None),
        stage="read",
        ideal=0.0,
        doc="standard deviation of one read relative to the conductance",
    )
    draws = two_draws

    def write_deviation(self, target):
        """write_noise x target, in S."""
        return self.write_noise * target

    def aged(self):
        """g_written (1 + t / t_0)^-nu, in S."""
        exponent = self.drift + self.drift_spread * self.draw
        return self.written() * jnp.exp(-exponent * jnp.log1p(self.elapsed / self.drift_time))

    def read_deviation(self):
        """read_noise x g, in S."""
        return self.read_noise * self.conductance()
