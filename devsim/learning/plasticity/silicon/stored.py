"""`StoredOnCapacitors`: rules whose weights are voltages on capacitors."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import InputError
from devsim.devices.cmos.bistability import BistabilityAmplifier
from devsim.devices.cmos.capacitor_weight import CapacitorWeight
from devsim.learning.plasticity.plasticity import Signals
from devsim.learning.plasticity.silicon.rule import SiliconRule, where_any


class StoredOnCapacitors(SiliconRule):
    """What rules share whose weights are where a voltage is between the rails, from `minimum_weight` to `maximum_weight`.

    The latch, where its strength is above zero, draws each weight to the nearer rail.
    """

    noisy = True
    store_places: ClassVar[dict[str, str]] = {"weight": "synapse", "latch": "synapse"}
    weight: CapacitorWeight = eqx.field(default_factory=CapacitorWeight)
    latch: BistabilityAmplifier = eqx.field(default_factory=lambda: BistabilityAmplifier(strength=0.0))

    def check_key(self, key: Key[Array, ""] | None) -> None:
        """Raise InputError where writes are known to be noisy and there is no key for their noise."""
        noise = self.weight.write_noise
        if self.noisy and key is None and check.is_concrete(noise) and np.any(np.asarray(noise)):
            raise InputError(f"{type(self).__name__} draws noise; give `key`, or set `weight.write_noise` to 0.")

    def voltage(self, weights: Array) -> Array:
        """The voltages (V) that hold `weights`."""
        share = (weights - self.minimum_weight) / (self.maximum_weight - self.minimum_weight)
        return share * self.technology.supply()

    def weights(self, voltage: Array) -> Array:
        """The weights that a `voltage` (V) holds."""
        share = voltage / self.technology.supply()
        return self.within(self.minimum_weight + (self.maximum_weight - self.minimum_weight) * share)

    def kept(self, voltage: Array, seconds: Array) -> Array:
        """The voltage (V) after `seconds` without an event: leakage, and the latch where it acts."""
        alone = lambda v: self.weight.leaked(v, seconds)
        latched = lambda v: self.latch.relaxed(v, seconds, self.weight)
        return jax.lax.cond(jnp.any(self.latch.strength > 0), latched, alone, voltage)

    def raised(self, voltage: Array, events: Array, current: Array) -> Array:
        """The voltage (V) after pulses of `current` (A) up at `events`, shapes that broadcast to those of the voltage."""
        return where_any(events, lambda v: self.weight.pulsed_up(v, events * current), voltage)

    def lowered(self, voltage: Array, events: Array, current: Array) -> Array:
        """The voltage (V) after pulses of `current` (A) down at `events`."""
        return where_any(events, lambda v: self.weight.pulsed_down(v, events * current), voltage)

    def written(self, voltage: Array, signals: Signals, key) -> Array:
        """The voltage (V) with the noise of the writes of a step."""
        if key is None:
            return voltage
        first, second = jax.random.split(key)
        noisy = self.weight.jittered(voltage, signals.pre[:, None], first)
        return self.weight.jittered(noisy, signals.post, second)
