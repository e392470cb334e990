"""Spin-torque oscillators: frequency against the bias current."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from devsim.devices.magnetic.auto_oscillator import AutoOscillator
from devsim.fit.bench import Axis, Bench, Search


class FrequencyCurrent(Bench):
    """The frequency of an auto-oscillator above its threshold.

    Equations: f(I) = frequency + (N / 2 pi) (p(I) - p(I_bias)), p(I) = (I / I_th - 1) / (I / I_th + Q), `frequency` that at
    the nominal bias current.
    Source: Slavin and Tiberkevich, IEEE Trans. Magn. 45, 1875 (2009).
    Valid: above the threshold, p well below 1. N and Q are told apart by the curvature only: with currents near the threshold
    keep Q as it is. `device.bias_current` must lie above the threshold.
    """

    name: ClassVar = "sto-frequency"
    inputs: ClassVar = {"current": Axis("A", "bias current")}
    output: ClassVar = Axis("Hz", "frequency of the oscillation")
    free: ClassVar = ("device.frequency", "device.nonlinear_shift", "device.threshold_current")
    search: ClassVar = {
        "device.frequency": Search(1e8, 3e10, logarithmic=True),
        "device.nonlinear_shift": Search(-3e10, 3e10),
        "device.threshold_current": Search(1e-6, 1e-2, logarithmic=True),
        "device.nonlinear_damping": Search(0.0, 5.0),
    }
    device: AutoOscillator = eqx.field(default_factory=AutoOscillator)

    def predict(self, inputs):
        """The frequency (Hz) of each row."""
        shift = self._power(inputs["current"]) - self._power(self.device.bias_current)
        return self.device.frequency + self.device.nonlinear_shift / (2 * jnp.pi) * shift

    def _power(self, current):
        zeta = jnp.maximum(current / self.device.threshold_current, 1.0)
        return (zeta - 1) / (zeta + self.device.nonlinear_damping)

    def guess(self, inputs, output):
        """A threshold below the first current, and the shift that joins the lowest and the highest one."""
        current = inputs["current"]
        low, high = jnp.argmin(current), jnp.argmax(current)
        threshold = 0.8 * jnp.minimum(current[low], self.device.bias_current)
        tried = eqx.tree_at(lambda bench: bench.device.threshold_current, self, threshold)
        powers = tried._power(current)
        slope = (output[high] - output[low]) / jnp.maximum(powers[high] - powers[low], 1e-6)
        bias = output[low] + slope * (tried._power(self.device.bias_current) - powers[low])
        return {
            "device.threshold_current": threshold,
            "device.nonlinear_shift": 2 * jnp.pi * slope,
            "device.frequency": jnp.maximum(bias, 1.0),
        }
