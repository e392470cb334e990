"""A circuit linearised around an operating point: its response to small changes at any frequency, and the reverse.

Every stage's equations become A_s1 x_1 + ... + A_ss x_s = b_s with A = dF/dx + j omega dQ/dx, rows of delayed values
turned by exp(-j omega delay). Stages follow one another, so that one small solve per stage and frequency is enough.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.compile import Plan, Step
from devsim.layout import FIRST_STAGE, INPUT_SEGMENT


class Block(NamedTuple):
    """Derivatives of a stage's equations with respect to one segment: (n, m) each."""

    static: Array
    stored: Array


class Linearised:
    """The linear equations of a plan (of the mode `frequency`) at the values `segments`."""

    def __init__(self, plan: Plan, groups: tuple, segments: list[Array]):
        self.plan, self.groups, self.segments = plan, groups, segments
        self.blocks: dict[tuple[int, int], Block] = {}
        self.delays: dict[int, Array] = {}
        for step in plan.steps:
            self.delays[step.segment] = _row_delays(plan, groups, segments, step)
            last = step.segment + 1 if step.implicit else step.segment
            for column in (INPUT_SEGMENT, *range(FIRST_STAGE, last)):
                if any(
                    column in gather.segments for job in step.jobs for gather in (*job.ports.values(), *job.unknowns.values())
                ):
                    self.blocks[step.segment, column] = Block(
                        *step.slopes(groups, segments[: step.segment + step.implicit], 0.0, column)
                    )

    def matrix(self, step: Step, column: int, omega: Array) -> Array | None:
        """A of one stage with respect to one segment, (n, m) complex; None where it is zero."""
        block = self.blocks.get((step.segment, column))
        own = jnp.asarray(step.stated if step.implicit else np.ones(step.size), float) if column == step.segment else None
        if block is None:
            return None if own is None else jnp.diag(own + 0j)
        sign = 1.0 if step.implicit else -1.0
        turn = jnp.exp(-1j * omega * self.delays[step.segment])[:, None]
        total = sign * turn * block.static + 1j * omega * block.stored
        return total if own is None else total + jnp.diag(own)

    def pushed(self, step: Step, static: Array, stored: Array, omega: Array) -> Array:
        """The right-hand side for equations that change by `static` and `stored` (n,) when the cause grows by one."""
        sign = -1.0 if step.implicit else 1.0
        return sign * jnp.exp(-1j * omega * self.delays[step.segment]) * static - 1j * omega * stored

    def response(self, causes: dict[int, Array], omega: Array) -> list[Array]:
        """Complex changes of every segment for the right-hand sides `causes` (segment -> (n,)) at `omega` (rad/s)."""
        found = [jnp.zeros(s.shape, complex) for s in self.segments[:FIRST_STAGE]]
        for step in self.plan.steps:
            right = causes.get(step.segment, jnp.zeros(step.size)).astype(complex)
            for column in range(FIRST_STAGE, step.segment):
                matrix = self.matrix(step, column, omega)
                right = right if matrix is None else right - matrix @ found[column]
            found.append(jnp.linalg.solve(self.matrix(step, step.segment, omega), right) if step.implicit else right)
        return found

    def influence(self, wanted: dict[int, Array], omega: Array) -> dict[int, Array]:
        """By segment, the change of the weighted sum `wanted` (segment -> (n,)) per unit of each right-hand side."""
        found: dict[int, Array] = {}
        for step in reversed(self.plan.steps):
            right = wanted.get(step.segment, jnp.zeros(step.size)).astype(complex)
            for later in self.plan.steps:
                if later.segment > step.segment:
                    matrix = self.matrix(later, step.segment, omega)
                    right = right if matrix is None else right - matrix.T @ found[later.segment]
            if step.implicit:
                own = self.matrix(step, step.segment, omega)
                assert own is not None
                right = jnp.linalg.solve(own.T, right)
            found[step.segment] = right
        return found


def _row_delays(plan: Plan, groups: tuple, segments: list[Array], step: Step) -> Array:
    """The delay (s) of each value of a stage that is stated to be late, else zero."""
    total = jnp.zeros(step.size)
    for group, parts in enumerate(plan.netlist.members):
        stated = plan.outlines[group].answers(plan.graph.patterns[parts[0]]).stated
        for name in [n for n, s in stated.items() if s.delay is not None]:
            rows = {k: slot for k, part in enumerate(parts) if (slot := _own(plan, part, name, step))}
            if not rows:
                continue
            question = lambda part, p, x, name=name: jnp.asarray(part.balance(0.0, p, x).stated[name].delay, float)
            told = plan.job(group).ask(groups, segments, question)
            for k, slot in rows.items():
                lanes = jnp.ravel(told[k])
                total = total.at[slot.indices()].set(jnp.tile(lanes, slot.size // lanes.shape[0]))
    return total


def _own(plan: Plan, part: str, name: str, step: Step):
    slot = plan.slots.get(("unknown", part, name))
    return slot if slot and slot.segment == step.segment else None


def at_frequencies(function, frequency: Array):
    """`function(omega)` at every frequency (Hz), stacked along a leading axis."""
    return jax.vmap(lambda f: function(2 * jnp.pi * f))(frequency)
