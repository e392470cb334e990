"""`CurrentMode`: what every circuit of subthreshold transistors shares."""

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.devices.cmos.technology import Technology
from devsim.devices.lanes import Lanes
from devsim.parameter import state
from devsim.ports import Port, electrical, potential_out, signal_in, signal_out
from devsim.randomness import named_key


class CurrentMode(Lanes):
    """A bus of circuits that compute with currents, whose biases come through mirrors of one technology.

    biases: the names of the fields that are bias currents: each differs from lane to lane by the mismatch of its mirror, and
    follows temperature, supply and age as the technology says. Currents between parts are signals in amperes, or, with
    `domain` electrical, flow into and out of nets, where they add up; such an input holds its net at zero volts.
    """

    between = frozenset({"threshold_shift", "ageing_share"})
    biases: ClassVar[tuple[str, ...]] = ()

    _: dataclasses.KW_ONLY
    technology: Technology = eqx.field(default_factory=Technology)
    threshold_shift: Array = state(
        0.0, unit="V", stage="fabricate", doc="threshold errors of the mirrors, a number or shape (biases, *lanes)"
    )
    ageing_share: Array = state(
        1.0, unit="1", stage="fabricate", doc="share of the drift that each mirror shows, a number or shape (biases, *lanes)"
    )
    domain: str = eqx.field(static=True, default="signal")

    def __check_init__(self):
        check.one_of("domain", self.domain, ("electrical", "signal"))
        check.instance("technology", self.technology, Technology)

    def bias(self, name: str) -> Array:
        """The bias current `name` (A) as it is on this die, at its temperature, supply and age."""
        k = self.biases.index(name)
        own = lambda drawn: drawn[k] if jnp.ndim(drawn) else drawn
        return self.technology.bias(getattr(self, name), own(self.threshold_shift), own(self.ageing_share))

    def fabricate(self, key):
        """One physical die: every lane draws its capacitors and mirrors."""
        die, shape = super().fabricate(key), (len(self.biases), *self.shape())
        technology = self.technology
        shifts = technology.drawn_shifts(shape, named_key(key, "threshold_shift"))
        ages = technology.drawn_ageing(shape, named_key(key, "ageing_share"))
        return die.put(threshold_shift=self.threshold_shift + shifts, ageing_share=self.ageing_share * ages)

    def ideal(self):
        """Without imperfections, those that are drawn included."""
        return super().ideal().put(threshold_shift=jnp.zeros(()), ageing_share=jnp.ones(()))

    def age(self, seconds, temperature, key):
        """The technology ages."""
        return self.put(technology=self.technology.age(seconds, temperature, key))

    def current_in(self, shape: tuple[int, ...] | None = None) -> Port:
        """A port that is told a current into the part, A."""
        port = signal_in if self.domain == "signal" else potential_out
        return port(self.shape() if shape is None else shape)

    def current_out(self, shape: tuple[int, ...] | None = None) -> Port:
        """A port out of which a current flows."""
        port = signal_out if self.domain == "signal" else electrical
        return port(self.shape() if shape is None else shape)

    def sent(self, current: Array) -> Array:
        """What a `current_out` answers for a `current` (A) out of the part: the current into an electrical port counts."""
        return current if self.domain == "signal" else -current

    def held(self, *inputs: str) -> dict[str, Array]:
        """What the `current_in` ports answer: zero volts where they are electrical."""
        if self.domain == "signal":
            return {}
        return {name: jnp.zeros(self.ports()[name].shape) for name in inputs}
