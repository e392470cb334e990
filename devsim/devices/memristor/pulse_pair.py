"""`OneSidedPair`: a signed weight from two cells that can only grow."""

from typing import Self

import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check
from devsim.devices.memristor.pulse import PulseCell
from devsim.parameter import parameter
from devsim.part import Part
from devsim.randomness import named_key


class OneSidedPair(Part):
    """Two cells that grow by pulses and are reset as a whole; their difference is the weight, as in phase-change memory.

    Equations: g = g_plus - g_minus; n > 0 pulses go to the plus cell, n < 0 pulses as |n| up pulses to the minus cell.
    A refresh takes the pairs of which the larger cell has passed `upper_threshold` of w_max and the smaller one
    `lower_threshold`, resets both cells and writes their difference anew, open loop.
    Source: Boybat et al., Nat. Commun. 9, 2514 (2018); Nandakumar et al., Front. Neurosci. 14, 406 (2020).
    Valid: cells with w_min = 0 whose down pulse is a reset.
    """

    plus: PulseCell
    minus: PulseCell
    upper_threshold: Array = parameter(0.75, unit="1", bounds=(0, 1), doc="share of w_max above which a cell counts as full")
    lower_threshold: Array = parameter(
        0.25, unit="1", bounds=(0, 1), doc="share of w_max above which its partner is worth a reset"
    )

    def __check_init__(self):
        check.shape("minus", self.minus.hidden, self.plus.shape(), "the plus cells")

    @classmethod
    def preset(cls, name: str, shape: tuple[int, ...], **knobs) -> Self:
        """A pair of published cells, `pcm` for phase-change memory."""
        return cls(PulseCell.preset(name, shape, **knobs), PulseCell.preset(name, shape, **knobs))

    def ports(self):
        """None: the array that holds the pair wires its two cells."""
        return {}

    def shape(self) -> tuple[int, ...]:
        """The shape of the array of pairs."""
        return self.plus.shape()

    def weight(self) -> Array:
        """Visible weight of unit 1, plus minus minus; `shape()`."""
        return self.plus.weight() - self.minus.weight()

    def conductance(self) -> Array:
        """Difference of the two conductances (S); `shape()`."""
        return self.plus.conductance() - self.minus.conductance()

    def nudge(self, pulses: Array, key: Key[Array, ""]) -> Self:
        """Positive counts pulse the plus cell up, negative ones the minus cell."""
        check.finite("pulses", pulses)
        pulses = jnp.broadcast_to(jnp.asarray(pulses), self.shape())
        plus = self.plus.nudge(jnp.where(pulses > 0, pulses, 0), named_key(key, "plus"))
        minus = self.minus.nudge(jnp.where(pulses < 0, -pulses, 0), named_key(key, "minus"))
        return self.put(plus=plus, minus=minus)

    def reset(self, key: Key[Array, ""], where: Array | bool = True) -> Self:
        """Throw both cells of the pairs in `where` back to their rest weight."""
        return self.put(
            plus=self.plus.reset(named_key(key, "plus"), where), minus=self.minus.reset(named_key(key, "minus"), where)
        )

    def full(self) -> Array:
        """True where a refresh is due: the larger cell is full and the smaller one has something to give back."""
        plus, minus = self.plus.weight() / self.plus.w_max, self.minus.weight() / self.minus.w_max
        return (jnp.maximum(plus, minus) > self.upper_threshold) & (jnp.minimum(plus, minus) > self.lower_threshold)

    def refresh(self, key: Key[Array, ""]) -> Self:
        """Reset the pairs that are `full()` and write their difference anew, open loop."""
        return self._write(self.conductance(), named_key(key, "refresh"), self.full())

    def program(self, target: Array, key: Key[Array, ""]) -> Self:
        """Reset both cells and write the difference `target` (S), open loop, into the one of its sign."""
        check.finite("target", target)
        return self._write(jnp.broadcast_to(target, self.shape()), key, jnp.ones(self.shape(), bool))

    def _write(self, target: Array, key: Key[Array, ""], where: Array) -> Self:
        blank = self.reset(named_key(key, "reset"), where)
        up = _growth(blank.plus, jnp.maximum(target, 0.0))
        down = _growth(blank.minus, jnp.maximum(-target, 0.0))
        pulses = jnp.where(target > 0, up, -down)
        return blank.nudge(jnp.where(where, pulses, 0), named_key(key, "nudge"))

    def age(self, seconds, temperature, key):
        """Both cells age, each with its own key."""
        plus = self.plus.age(seconds, temperature, named_key(key, "plus"))
        return self.put(plus=plus, minus=self.minus.age(seconds, temperature, named_key(key, "minus")))


def _growth(cell: PulseCell, distance: Array) -> Array:
    """Up pulses by which a nominal cell grows by `distance` (S) from its rest weight."""
    return jnp.maximum(cell.pulses_towards(cell.conductance_of(cell.rest_weight) + distance), 0.0)
