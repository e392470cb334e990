"""Traces of cells under identical pulses: what the benches of all step laws share."""

import abc
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.memristor.pulse import PulseCell
from devsim.devices.memristor.pulse_steps import SoftBounds
from devsim.fit.bench import Axis, Bench, Search
from devsim.parameter import parameter

PULSE = {"pulse": Axis("1", "pulse before the reading: 1 up, -1 down, 0 none")}
STEPS = ("start", "device.step", "device.asymmetry")
SEARCH = {
    "start": Search(-1.0, 1.0),
    "scale": Search(0.1, 10.0, logarithmic=True),
    "offset": Search(-1.0, 1.0),
    "device.step": Search(1e-4, 0.1, logarithmic=True),
    "device.asymmetry": Search(-0.7, 0.7),
    "device.w_min": Search(-3.0, -0.3),
    "device.w_max": Search(0.3, 3.0),
    "device.minimum_conductance": Search(1e-8, 1e-4, logarithmic=True),
    "device.maximum_conductance": Search(1e-6, 1e-2, logarithmic=True),
}
"""What the benches of all laws search alike."""
ROOM = 0.1
"""Share of the measured span by which the first bounds lie beyond it."""


class PulseTrace(Bench):
    """A cell that is read after every pulse, without the noise of pulses, writes and reads."""

    inputs: ClassVar = PULSE
    device: eqx.AbstractVar[PulseCell]
    start: eqx.AbstractVar[Array]

    @abc.abstractmethod
    def reading(self, weight: Array) -> Array:
        """What is read of hidden weights (n,)."""

    def predict(self, inputs):
        """h_k = h_(k-1) after the pulse of row k; the first pulse acts on `start`."""

        def one(weight, sign):
            cell = eqx.tree_at(lambda cell: cell.hidden, self.device, weight)
            now = jnp.where(sign == 0, weight, cell.pulse(sign > 0, jnp.zeros_like(weight)))
            return now, now

        limits = self.device.limits()
        first = jnp.clip(self.start, limits.low, limits.high).astype(self.device.hidden.dtype)
        return self.reading(jax.lax.scan(one, first, inputs["pulse"])[1])


class WeightTrace(PulseTrace):
    """A trace in arbitrary units, of which `scale` and `offset` make weights.

    Equations: h_k = pulse(h_k-1) of the cell; y_k = offset + scale h_k; y_0 - offset = scale start.
    Source: the way in which Gong et al., Nat. Commun. 9, 2102 (2018) tell their cells apart.
    Valid: pulses all of one amplitude and length. `scale` and `offset` say nothing that bounds and steps do not say too: free
    one or the other.
    """

    output: ClassVar = Axis("1", "weight after the pulse, or a conductance in arbitrary units")
    device: PulseCell = eqx.field(default_factory=lambda: PulseCell((), SoftBounds(), step=0.01))
    start: Array = parameter(0.0, unit="1", doc="weight before the first pulse")
    scale: Array = parameter(1.0, unit="1", bounds=(1e-12, None), doc="reading per weight")
    offset: Array = parameter(0.0, unit="1", doc="reading at weight 0")

    def reading(self, weight):
        """offset + scale h."""
        return self.offset + self.scale * weight

    def guess(self, inputs, output):
        """Begins at the first reading; steps that cross the span in half of the pulses; bounds just beyond the span."""
        weight = (output - self.offset) / self.scale
        low, high, span = jnp.min(weight), jnp.max(weight), jnp.ptp(weight)
        pulses = jnp.maximum(jnp.sum(inputs["pulse"] != 0), 2)
        return {
            "start": weight[0],
            "device.step": jnp.maximum(4 * span / pulses, 1e-9),
            "device.asymmetry": jnp.zeros(()),
            "device.w_min": jnp.minimum(low - ROOM * span, -ROOM * span),
            "device.w_max": jnp.maximum(high + ROOM * span, ROOM * span),
        }


class ConductanceTrace(PulseTrace):
    """A trace in siemens; weights run from -1 to 1 over the range of conductance.

    Equations: h_k = pulse(h_k-1) of the cell; g_k = g_min + (g_max - g_min) (h_k - w_min) / (w_max - w_min).
    Source: as `WeightTrace`.
    Valid: pulses all of one amplitude and length.
    """

    output: ClassVar = Axis("S", "conductance after the pulse")
    device: PulseCell = eqx.field(default_factory=lambda: PulseCell((), SoftBounds(), step=0.01))
    start: Array = parameter(0.0, unit="1", doc="weight before the first pulse")

    def reading(self, weight):
        """The conductance of h, in S."""
        return self.device.conductance_of(weight)

    def guess(self, inputs, output):
        """A range just beyond the span; begins at the first reading; steps that cross the span in half of the pulses."""
        span = jnp.ptp(output)
        least = jnp.maximum(jnp.min(output) - ROOM * span, 1e-3 * span)
        most = jnp.max(output) + ROOM * span
        pulses = jnp.maximum(jnp.sum(inputs["pulse"] != 0), 2)
        return {
            "start": 2 * (output[0] - least) / (most - least) - 1,
            "device.step": 8 / pulses,
            "device.asymmetry": jnp.zeros(()),
            "device.minimum_conductance": least,
            "device.maximum_conductance": most,
        }
