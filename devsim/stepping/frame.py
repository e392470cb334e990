"""What every step of a run shares, and the note of its first failure."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple, Self

import jax.numpy as jnp
from jaxtyping import Array

from devsim.compile import Plan
from devsim.newton import Outcome
from devsim.noise import NoiseSources
from devsim.smooth import root
from devsim.stepping.memory import Delays
from devsim.stepping.noise_path import NoisePath, PathState


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """A run as its steps see it: parameters, plan, inputs at a time, step (s), first step, noise and delays."""

    plan: Plan
    groups: tuple
    inputs: Callable[[Array], Array]
    scales: Array
    step: Array
    origin: Array
    delays: Delays | None
    sources: NoiseSources | None
    path: NoisePath | None

    def noise_of_step(self, state: PathState, n: Array, segments: list[Array]) -> tuple[PathState, dict[int, Array]]:
        """The noise over step n, as strong as it is at the step's start, by the segment whose equations it enters."""
        assert self.path is not None and self.sources is not None
        state, units = self.path.advance(state, n - self.origin)
        densities = self.sources.densities(self.groups, segments)
        values = [root(density) * unit for density, unit in zip(densities, units, strict=True)]
        return state, self.sources.injected(self.plan, values)


class Failure(NamedTuple):
    """The first solve of a run that failed: the step (-1: none), the status, which loop, which of its unknowns."""

    step: Array
    status: Array
    loop: Array
    worst: Array

    @classmethod
    def none(cls) -> Self:
        """No failure yet."""
        zero = jnp.zeros((), int)
        return cls(zero - 1, zero, zero, zero)


def first_failure(before: Failure, n: Array, outcomes: list[Outcome]) -> Failure:
    """The failure noted before, or that of step n if there is one among the `outcomes` of its loops."""
    found = before
    for loop, outcome in reversed(list(enumerate(outcomes))):
        fails = (before.step < 0) & (outcome.status != 0)
        here = Failure(n, outcome.status, jnp.asarray(loop), outcome.worst)
        found = Failure(*(jnp.where(fails, new, old) for new, old in zip(here, found, strict=True)))
    return found
