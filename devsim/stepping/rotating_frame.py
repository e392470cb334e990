"""Split steps of coupled oscillators in their rotating frame."""

from collections.abc import Callable
from typing import NamedTuple, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key

from devsim.devices.magnetic.oscillator import Oscillator
from devsim.randomness import coin_sums


class RealProduct(NamedTuple):
    """sent -> sent @ W, complex, as one product of real matrices, which takes less time than a complex one.

    both: [[Re W, Im W], [-Im W, Re W]], (2 n, 2 n).
    """

    both: Array

    @classmethod
    def of(cls, weights: Array) -> Self:
        """Of complex `weights` (n, n)."""
        real, imaginary = jnp.real(weights), jnp.imag(weights)
        return cls(jnp.block([[real, imaginary], [-imaginary, real]]))

    def __call__(self, sent: Array) -> Array:
        """The field (cues, n) of what is sent (cues, n)."""
        found = jnp.concatenate([jnp.real(sent), jnp.imag(sent)], axis=-1) @ self.both
        return jax.lax.complex(*jnp.split(found, 2, axis=-1))


class Ahead(NamedTuple):
    """n: the number of steps done. state: of the oscillators, half a step of own motion ahead."""

    n: Int[Array, ""]
    state: Array


class SplitSteps:
    """Steps of `step` seconds: half of the own motion exactly, what others do by the midpoint rule, noise, the other half.

    The two halves between steps are taken as one. Second order in the step without noise, weak order one with it (Strang, SIAM
    J. Numer. Anal. 5, 506 (1968)); each step asks twice for the `field` of what is sent. States are (cues, n), one key for
    each cue; cue c draws the noise of step k from fold_in(key_c, k). Where all noise is zero none is drawn.
    """

    def __init__(self, oscillators: Oscillator, field: Callable[[Array], Array], step: Array, keys: Key[Array, " cues"]):
        self.oscillators, self.field, self.step, self.keys = oscillators, field, step, keys

    def start(self, state: Array) -> Ahead:
        """Before the first step."""
        return Ahead(jnp.zeros((), jnp.int32), self.oscillators.flow(state, self.step / 2))

    def now(self, at: Ahead) -> Array:
        """The state itself."""
        return self.oscillators.flow(at.state, -self.step / 2)

    def advance(self, at: Ahead) -> Ahead:
        """One step."""
        others, h = self.oscillators, self.step
        rate = lambda state: others.pull(state, self.field(others.sent(state)))
        middle = at.state + h / 2 * rate(at.state)
        state = at.state + h * rate(middle)
        state = jax.lax.cond(others.noisy(), self._kicked, lambda n, state: state, at.n, state)
        return Ahead(at.n + 1, others.flow(state, h))

    def _kicked(self, n: Array, state: Array) -> Array:
        shape = (self.oscillators.draws, state.shape[-1])
        draw = lambda key: coin_sums(jax.random.fold_in(key, n), shape, jnp.real(state).dtype)
        return self.oscillators.kick(state, jnp.moveaxis(jax.vmap(draw)(self.keys), 0, 1), self.step)
