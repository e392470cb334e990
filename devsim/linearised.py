"""A circuit linearised around an operating point: its response to small changes at any frequency, and the reverse.

Every stage's equations become A_s1 x_1 + ... + A_ss x_s = b_s with A = dF/dx + j omega dQ/dx, rows of delayed values
turned by exp(-j omega delay). Stages follow one another, so that one small solve per loop and frequency is enough.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.compile import Plan, Step
from devsim.layout import FIRST_STAGE, INPUT_SEGMENT

_ENTRIES = 2**19
"""Complex numbers of all matrices that are held at once: 8 MB each for the matrices, their factors and what is in work."""


class Block(NamedTuple):
    """Derivatives of a stage's equations with respect to one segment, (n, m) each; of loops side by side with respect to
    themselves (loops, n, n)."""

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
                    slopes = Block(*step.slopes(groups, segments[: step.segment + step.implicit], 0.0, column))
                    is_own = column == step.segment
                    self.blocks[step.segment, column] = Block(*(_diagonal(step, s) for s in slopes)) if is_own else slopes

    @property
    def entries(self) -> int:
        """How many complex numbers the response at one frequency takes."""
        return sum(step.size * (1 + step.size // step.blocks if step.implicit else 1) for step in self.plan.steps)

    def matrix(self, step: Step, omega: Array) -> Array:
        """A of a stage with loops with respect to itself, (loops, n, n) complex."""
        shape = (step.blocks, -1)
        static, stored = self.blocks[step.segment, step.segment]
        turn = jnp.exp(-1j * omega * self.delays[step.segment]).reshape(*shape, 1)
        stated = jnp.asarray(step.stated, float).reshape(shape)
        return turn * static + 1j * omega * stored + stated[..., None] * jnp.eye(static.shape[-1])

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
                if block := self.blocks.get((step.segment, column)):
                    right += self.pushed(step, block.static @ found[column], block.stored @ found[column], omega)
            found.append(_solved(self.matrix(step, omega), right) if step.implicit else right)
        return found

    def influence(self, wanted: dict[int, Array], omega: Array) -> dict[int, Array]:
        """By segment, the change of the weighted sum `wanted` (segment -> (n,)) per unit of each right-hand side."""
        found: dict[int, Array] = {}
        for step in reversed(self.plan.steps):
            right = wanted.get(step.segment, jnp.zeros(step.size)).astype(complex)
            for later in self.plan.steps:
                block = self.blocks.get((later.segment, step.segment)) if later.segment > step.segment else None
                if block is not None:
                    right += self._pulled(later, block, found[later.segment], omega)
            if step.implicit:
                right = _solved(jnp.swapaxes(self.matrix(step, omega), -1, -2), right)
            found[step.segment] = right
        return found

    def _pulled(self, step: Step, block: Block, influence: Array, omega: Array) -> Array:
        """The transpose of what `pushed` does behind a block."""
        return self.pushed(step, influence, jnp.zeros_like(influence), omega) @ block.static - 1j * omega * (
            influence @ block.stored
        )


def _diagonal(step: Step, matrix: Array) -> Array:
    """The blocks of a matrix that belong to one loop each, (loops, n, n)."""
    each = np.arange(step.blocks)
    return matrix.reshape(step.blocks, step.size // step.blocks, step.blocks, -1)[each, :, each, :]


def _solved(matrix: Array, right: Array) -> Array:
    """The solutions of loops side by side, one behind the other, (n,)."""
    return jnp.linalg.solve(matrix, right.reshape(len(matrix), -1, 1)).reshape(right.shape)


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
            lanes, at = told[np.array(list(rows))].reshape(len(rows), -1), np.stack([slot.indices() for slot in rows.values()])
            total = total.at[at].set(jnp.tile(lanes, (1, at.shape[1] // lanes.shape[1])))
    return total


def _own(plan: Plan, part: str, name: str, step: Step):
    slot = plan.slots.get(("unknown", part, name))
    return slot if slot and slot.segment == step.segment else None


def at_frequencies(function: Callable[[Array], Any], frequency: Array, entries: int) -> Any:
    """`function(omega)` at every frequency (Hz), stacked along a leading axis; `entries`: the numbers that one call holds."""
    return in_batches(lambda f: function(2 * jnp.pi * f), frequency, entries)


def in_batches(function: Callable[[Array], Any], over: Array, entries: int) -> Any:
    """`function` of every element of a row, stacked, as many at once as hold a bounded number of `entries` (each per call).

    A derivative finds each batch anew, so that its memory is bounded too.
    """
    size, count = max(1, _ENTRIES // max(entries, 1)), len(over)
    if count <= size:
        return jax.vmap(function)(over)
    batches = -(-count // size)
    size = -(-count // batches)
    filled = jnp.concatenate([over, jnp.broadcast_to(over[-1], (batches * size - count,))]).reshape(batches, size)
    found = jax.lax.map(jax.checkpoint(jax.vmap(function)), filled)
    return jax.tree.map(lambda leaf: leaf.reshape(batches * size, *leaf.shape[2:])[:count], found)
