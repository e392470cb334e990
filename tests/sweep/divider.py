"""A chip so small that sweeps of it take moments; processes of their own import it by name."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.chip import Chip, Metric
from devsim.circuit import Circuit
from devsim.devices.electrical.passive import Resistor
from devsim.parameter import parameter


class Divider(Chip):
    """Two resistors that share a voltage of the chip's own; a crooked metric that is no number for some settings."""

    circuit: Circuit
    supply: Array = parameter(1.0, unit="V", bounds=(0, None), doc="what is divided")

    name: ClassVar[str] = "divider"
    budget_metric: ClassVar[str] = "error"
    metrics: ClassVar[dict[str, Metric]] = {
        "error": Metric("V", "distance from half the supply", higher_is_better=False, low=0.0),
        "level": Metric("1", "logarithm of the lower share", has_ideal=False),
    }

    @classmethod
    def design(cls):
        """10 % resistors."""
        parts = {"upper": Resistor(1e3, resistance_spread=0.1), "lower": Resistor(1e3, resistance_spread=0.1)}
        nets = {"top": ("upper.a",), "middle": ("upper.b", "lower.a"), "gnd": ("lower.b",)}
        return cls(Circuit(parts, nets, inputs={"top": "top"}))

    def task(self, key):
        """A few supplies about the nominal one."""
        return self.supply * (1 + 0.1 * jax.random.normal(key, (5,)))

    def build(self, task, key):
        """One pair of resistors."""
        return self.put(circuit=self.circuit.fabricate(key))

    def measure(self, task, key):
        """The middle against half the supply."""
        upper, lower = (self.circuit[name].resistance for name in ("upper", "lower"))
        share = lower / (upper + lower)
        return {"error": jnp.mean(jnp.abs(task * (share - 0.5))), "level": jnp.log(jnp.log2(share) + 1.5)}
