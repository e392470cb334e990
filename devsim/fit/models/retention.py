"""What written cells hold as time goes on: drift of phase-change memory, relaxation of oxides, decay of pulse cells."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.memristor.pcm import PhaseChangeCell
from devsim.devices.memristor.pulse import PulseCell
from devsim.devices.memristor.reram import CMOReRAM
from devsim.fit.bench import Axis, Bench, Search
from devsim.parameter import parameter

TIME = {"time": Axis("s", "time since the write")}
CONDUCTANCE = Axis("S", "conductance")
WRITTEN = Search(1e-8, 1e-3, logarithmic=True)


def _written() -> Array:
    return parameter(1e-5, unit="S", bounds=(1e-15, None), doc="conductance right after the write")


class PhaseChangeDrift(Bench):
    """The conductance of a phase-change cell after it was written.

    Equations: g(t) = written (1 + t / t_0)^-nu, nu = drift mu(written / g_ref).
    Source: that of `PhaseChangeCell`.
    Valid: 300 K. `device.drift_time` can be told apart from `written` only by times around it.
    """

    name: ClassVar = "pcm-drift"
    inputs: ClassVar = TIME
    output: ClassVar = CONDUCTANCE
    free: ClassVar = ("written", "device.drift")
    search: ClassVar = {
        "written": WRITTEN,
        "device.drift": Search(0.1, 10.0, logarithmic=True),
        "device.drift_time": Search(1e-3, 1e3, logarithmic=True),
    }
    residual: ClassVar = "logarithm"
    device: PhaseChangeCell = eqx.field(default_factory=lambda: PhaseChangeCell.of(maximum_conductance=1e-3))
    written: Array = _written()

    def predict(self, inputs):
        """The conductance (S) at each time."""
        where = lambda cell: (cell.target, cell.deviation, cell.draw, cell.elapsed)
        nothing = jnp.zeros_like(self.written)
        return eqx.tree_at(where, self.device, (self.written, nothing, nothing, inputs["time"])).aged()

    def guess(self, inputs, output):
        """The largest conductance, and the exponent between the first and the last row."""
        ratio = jnp.log(jnp.maximum(output[-1], 1e-15) / jnp.maximum(output[0], 1e-15))
        ages = jnp.log1p(inputs["time"] / self.device.drift_time)
        nominal = self.device.drift_mean(jnp.max(output) / self.device.reference_conductance)
        drift = jnp.clip(-ratio / jnp.maximum(ages[-1] - ages[0], 1e-3) / nominal, 0.01, 100.0)
        return {"written": jnp.max(output), "device.drift": drift}


class OxideRelaxation(Bench):
    """The mean conductance of conductive-metal-oxide cells after they were written.

    Equations: g(t) = written + (k - 1) written + a_1 ln(t / 1 s) from 1 s on, and its part min(t / 1 s, 1) before.
    Source: that of `CMOReRAM`.
    Valid: room temperature, the mean of many cells.
    """

    name: ClassVar = "cmo-relaxation"
    inputs: ClassVar = TIME
    output: ClassVar = CONDUCTANCE
    free: ClassVar = ("written", "device.decay_rate")
    search: ClassVar = {
        "written": WRITTEN,
        "device.decay_rate": Search(-1e-6, 1e-6),
        "device.settled": Search(0.9, 1.1),
    }
    device: CMOReRAM = eqx.field(default_factory=CMOReRAM.of)
    written: Array = _written()

    def predict(self, inputs):
        """The conductance (S) at each time."""
        where = lambda cell: (cell.target, cell.deviation, cell.draw, cell.elapsed)
        nothing = jnp.zeros_like(self.written)
        return eqx.tree_at(where, self.device, (self.written, nothing, nothing, inputs["time"])).aged()

    def guess(self, inputs, output):
        """The first conductance, and the slope between the first and the last row."""
        folds = jnp.log(jnp.maximum(inputs["time"], 1.0))
        slope = (output[-1] - output[0]) / jnp.maximum(folds[-1] - folds[0], 1e-3)
        return {"written": jnp.maximum(output[0], 1e-15), "device.decay_rate": slope}


class WeightDecay(Bench):
    """A pulse cell that leaks away to its rest weight.

    Equations: h(t) = rest + (start - rest) exp(-decay_rate t); y = the conductance of h.
    Source: that of `PulseCell`.
    Valid: without diffusion, one rate.
    """

    name: ClassVar = "pulse-cell-decay"
    inputs: ClassVar = TIME
    output: ClassVar = CONDUCTANCE
    free: ClassVar = ("written", "device.decay_rate", "device.rest_weight")
    search: ClassVar = {
        "written": WRITTEN,
        "device.decay_rate": Search(1e-6, 1e6, logarithmic=True),
        "device.rest_weight": Search(-1.0, 1.0),
    }
    device: PulseCell = eqx.field(default_factory=lambda: PulseCell((), decay_rate=1.0))
    written: Array = _written()

    def predict(self, inputs):
        """The conductance (S) at each time."""
        cell = self.device
        start = cell.weight_of(self.written)
        weight = cell.rest_weight + (start - cell.rest_weight) * jnp.exp(-cell.decay_rate * inputs["time"])
        return cell.conductance_of(weight)

    def guess(self, inputs, output):
        """Begins at the first row, rests at the last, and is half way at the row that is nearest to the mean of both."""
        half = (output[0] + output[-1]) / 2
        when = inputs["time"][jnp.argmin(jnp.abs(output - half))]
        rate = jnp.log(2.0) / jnp.maximum(when, 1e-12)
        rest = self.device.weight_of(output[-1])
        return {"written": jnp.maximum(output[0], 1e-15), "device.decay_rate": rate, "device.rest_weight": rest}
