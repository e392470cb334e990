"""A countdown: how a part remembers that it has to wait. It falls by one second per second and never stops.

Because it is linear in time, every integrator follows it exactly; only its sign is looked at.
"""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.ports import Unknown

CLOSE = 1e-6
"""Share of the waiting time that is left to rounding: the steps that it takes need not add up exactly."""


def over(shape: tuple[int, ...], scale: float = 1e-3) -> Unknown:
    """A countdown that has run out, in s."""
    return Unknown(jnp.zeros(shape), scale)


def waiting(countdown: Array, duration: Array) -> Array:
    """True until `duration` (s) has passed since the countdown was set to it."""
    return countdown > CLOSE * duration


def restarted(countdown: Array, event: Array, duration: Array) -> Array:
    """The countdown at the end of a step: `duration` (s) where there was an event, or at least half of one.

    Of an event that a delay shares between two steps, one has a half.
    """
    return jnp.where(event > 0.5 - CLOSE, duration, countdown)
