"""What a circuit remembers between steps: stored unknowns and their rates, events, and delayed values."""

import math
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.check import InputError
from devsim.compile import Plan
from devsim.layout import REST_SEGMENT, Job, assembled, merged, packed, unpacked
from devsim.part import Element

CLOSE = 1e-9
"""Relative rounding of a delay in steps."""


class Stored(NamedTuple):
    """The stored unknowns of one group: their names, where each is (members, reals), and whether each is its own store."""

    job: Job
    names: tuple[str, ...]
    places: list[np.ndarray]
    plain: bool


class Memory:
    """The stored unknowns of a circuit in which nothing else is stored, as part of the segment of unknowns."""

    def __init__(self, plan: Plan):
        self.plan, self.groups = plan, []
        for group, (parts, outline) in enumerate(zip(plan.netlist.members, plan.outlines, strict=True)):
            facts = plan.graph.facts(parts[0])
            names = tuple(name for name in outline.unknowns if name in facts.stored)
            if names:
                places = [np.stack([plan.at_rest["unknown", part, name].indices() for part in parts]) for name in names]
                plain = all(plan.graph.facts(part).stored[name].alias == name for part in parts for name in names)
                self.groups.append(Stored(plan.job(group), names, places, plain))

    def kinds(self) -> list[np.ndarray]:
        """Places of the first stored unknowns of all parts, of the second ones, and so on."""
        most = max((len(stored.names) for stored in self.groups), default=0)
        return [np.concatenate([s.places[k].ravel() for s in self.groups if k < len(s.names)]) for k in range(most)]

    def rates(self, groups: tuple, segments: list[Array], t: Array, injected: Array | float = 0.0) -> Array:
        """Change of every stored unknown per second, zero at the other places of the segment of unknowns.

        d(stored)/dt = -static, divided by the derivative of what is stored where that is not the unknown itself.
        """
        injected = jnp.broadcast_to(injected, segments[REST_SEGMENT].shape)
        written = [
            (np.concatenate([p.ravel() for p in s.places]), self._rates(s, groups, segments, t, injected)) for s in self.groups
        ]
        return assembled(self.plan.lengths[REST_SEGMENT], written)

    def has_mass(self, groups: tuple) -> bool | None:
        """Whether every stored unknown has inertia, which one with a time constant of zero has not; None if not known."""
        nowhere = [np.zeros(length) for length in self.plan.lengths.values()]
        for stored in [s for s in self.groups if not s.plain]:
            kinds = self.plan.outlines[stored.job.group].unknowns
            question = lambda part, p, x, names=stored.names, kinds=kinds: _store_slope(part, p, x, 0.0, names, kinds)
            with jax.ensure_compile_time_eval():
                slopes = stored.job.ask(groups, nowhere, question)
            if not check.is_concrete(slopes):
                return None
            if not np.all(np.linalg.det(np.asarray(slopes))):
                return False
        return True

    def _rates(self, stored: Stored, groups: tuple, segments: list[Array], t: Array, injected: Array) -> Array:
        kinds = self.plan.outlines[stored.job.group].unknowns

        def question(part, p, x):
            static = part.balance(t, p, x).static
            rate = [-packed(static.get(n, 0.0 * x[n]), kinds[n].is_complex) for n in stored.names]
            return rate if stored.plain else (rate, _store_slope(part, p, x, t, stored.names, kinds))

        told = stored.job.ask(groups, segments, question)
        rates, slope = (told, None) if stored.plain else told
        rates = [rate - injected[place] for rate, place in zip(rates, stored.places, strict=True)]
        if slope is not None:
            ends = np.cumsum([rate.shape[1] for rate in rates])[:-1]
            rates = jnp.split(jnp.linalg.solve(slope, jnp.concatenate(rates, axis=1)[..., None])[..., 0], ends, axis=1)
        return jnp.concatenate([rate.reshape(-1) for rate in rates])


@lru_cache(maxsize=256)
def memory_of(plan: Plan) -> Memory:
    """The memory of a plan; made once."""
    return Memory(plan)


def _store_slope(part: Element, p: dict, x: dict, t: Array, names: tuple[str, ...], kinds: dict) -> Array:
    """Derivative of what one part stores with respect to its stored unknowns, (reals, reals)."""
    sizes = [packed(x[n], kinds[n].is_complex).shape[0] for n in names]

    def stores(flat):
        pieces = jnp.split(flat, np.cumsum(sizes)[:-1])
        own = {n: unpacked(v, kinds[n].shape, kinds[n].is_complex) for n, v in zip(names, pieces, strict=True)}
        stored = part.balance(t, p, x | own).stored
        return jnp.concatenate([packed(stored[n], kinds[n].is_complex) for n in names])

    return jax.jacfwd(stores)(jnp.concatenate([packed(x[n], kinds[n].is_complex) for n in names]))


class Events:
    """The parts whose unknowns jump when something happens."""

    def __init__(self, plan: Plan):
        self.plan = plan
        jumping = [g for g, outline in enumerate(plan.outlines) if type(outline.part).jump is not Element.jump]
        self.jobs = [plan.job(group) for group in jumping]

    def __bool__(self) -> bool:
        return bool(self.jobs)

    def happen(self, groups: tuple, segments: list[Array], t: Array) -> list[Array]:
        """The segments after the events of a step that ends at `t`."""
        changed = list(segments)
        for job in self.jobs:
            parts = self.plan.netlist.members[job.group]
            kinds = self.plan.outlines[job.group].unknowns
            for name, value in job.ask(groups, segments, lambda part, p, x: part.jump(t, p, x)).items():
                flat = packed(value, kinds[name].is_complex, lead=1)
                slots = [self.plan.slots["unknown", part, name] for part in parts]
                segment = np.concatenate([np.full(slot.size, slot.segment) for slot in slots])
                place = np.concatenate([slot.indices() for slot in slots])
                for each in np.unique(segment):
                    chosen = np.flatnonzero(segment == each)
                    values = flat.reshape(-1)[chosen]
                    changed[each] = changed[each].at[place[chosen]].set(values, unique_indices=True)
        return changed


class Late(NamedTuple):
    """One delayed unknown of one group: where it is (members, reals), and whether it carries events."""

    job: Job
    name: str
    places: np.ndarray
    spiking: bool


class History(NamedTuple):
    """past: (depth, n) values of what is delayed, the present step's in the row n mod depth."""

    past: Array
    steps_late: Array


class Delays:
    """The delayed unknowns of a circuit whose delays are resolved by the steps."""

    def __init__(self, plan: Plan, depth: int):
        self.plan, self.depth, self.late = plan, depth, []
        for group, (parts, outline) in enumerate(zip(plan.netlist.members, plan.outlines, strict=True)):
            spiking = any(port.domain == "spike" for port in outline.ports.values())
            for name in outline.unknowns:
                if any((part, name) in plan.graph.late for part in parts):
                    places = np.stack([plan.at_rest["unknown", part, name].indices() for part in parts])
                    self.late.append(Late(plan.job(group), name, places, spiking))

    def __bool__(self) -> bool:
        return bool(self.late)

    def values(self, groups: tuple, segments: list[Array], t: Array) -> Array:
        """What will arrive later, one after another."""
        told = [
            self._asked(late, groups, segments, lambda part, p, x: merged(part.balance(t, p, x)).static) for late in self.late
        ]
        return jnp.concatenate([value.reshape(-1) for value in told])

    def _asked(self, late: Late, groups: tuple, segments: list[Array], question) -> Array:
        kind = self.plan.outlines[late.job.group].unknowns[late.name]
        return packed(late.job.ask(groups, segments, question)[late.name], kind.is_complex, lead=1)

    def without_events(self, groups: tuple, segments: list[Array]) -> list[Array]:
        """The segments of an operating point, where delays are transparent, with no event of the past arriving."""
        arriving = [late.places.ravel() for late in self.late if late.spiking]
        if not arriving:
            return segments
        found = [*segments[:REST_SEGMENT], segments[REST_SEGMENT].at[np.concatenate(arriving)].set(0.0)]
        for step in self.plan.steps:
            found.append(segments[step.segment] if step.implicit else step.values(groups, found))
        return found

    def start(self, groups: tuple, segments: list[Array], step: Array) -> History:
        """A past in which everything was as it is now, and that had no events."""
        now = self.values(groups, segments, jnp.zeros(()))
        eventful = np.concatenate([np.full(late.places.size, late.spiking) for late in self.late])
        past = jnp.broadcast_to(jnp.where(eventful, 0.0, now), (self.depth, now.size)).at[0].set(now)
        steps = []
        for late in self.late:
            shape = late.places.shape
            delay = late.job.ask(
                groups, segments, lambda part, p, x, n=late.name: jnp.asarray(part.balance(0.0, p, x).stated[n].delay)
            )
            lanes = delay.reshape(shape[0], -1)
            each = jnp.tile(lanes, (1, shape[1] // lanes.shape[1])).reshape(-1) / step
            steps.append(jnp.maximum(_snapped(each) if late.spiking else each, 1.0))
        return History(past, jnp.concatenate(steps))

    def push(self, history: History, n: Array, groups: tuple, segments: list[Array], t: Array) -> History:
        """The history with the values at step n."""
        return history._replace(past=history.past.at[n % self.depth].set(self.values(groups, segments, t)))

    def arrived(self, history: History, n: Array, ahead: Array | float, rest: Array) -> Array:
        """The segment of unknowns at `ahead` (0 to 1) steps after step n: linear between the steps of the past."""
        position = n + ahead - history.steps_late
        before = jnp.floor(position)
        share = position - before
        lane = jnp.arange(history.past.shape[1])
        row = before.astype(int) % self.depth
        reached = history.steps_late <= self.depth - 2  # a longer delay than the history holds must not look like a number
        value = (1 - share) * history.past[row, lane] + share * history.past[(row + 1) % self.depth, lane]
        value = jnp.where(reached, value, jnp.nan)
        return rest.at[np.concatenate([late.places.ravel() for late in self.late])].set(value)


def _snapped(steps: Array) -> Array:
    """Numbers of steps, whole where they are so but for rounding: an event must not leave a trace in a step beside its own."""
    whole = jnp.round(steps)
    close = jnp.abs(steps - whole) < CLOSE * whole
    return steps + jax.lax.stop_gradient(jnp.where(close, whole - steps, 0.0))


def resolved(plan: Plan, groups: tuple, step: float, longest_delay: float | None) -> tuple[frozenset[tuple[str, str]], int]:
    """The (part, unknown) pairs whose delay is at least one step, and how many steps of history they need.

    A power of two, so that delays may change a little without another compilation.

    plan: one in which delays are transparent. Raises InputError where delays are traced and `longest_delay` is not given.
    """
    late, longest = set(), 0.0
    for group, (parts, outline) in enumerate(zip(plan.netlist.members, plan.outlines, strict=True)):
        names = [n for n, s in outline.answers(plan.graph.patterns[parts[0]]).stated.items() if s.delay is not None]
        if not names:
            continue
        nowhere = [np.zeros(length) for length in plan.lengths.values()]
        question = lambda part, p, x, names=names: {n: jnp.asarray(part.balance(0.0, p, x).stated[n].delay) for n in names}
        with jax.ensure_compile_time_eval():  # so that delays are known inside a transformation of other things
            found = plan.job(group).ask(groups, nowhere, question)
        for name, delays in found.items():
            if longest_delay is not None:
                late |= {(part, name) for part in parts}
                greatest = np.asarray(delays).max(initial=0) if check.is_concrete(delays) else 0.0
                if greatest > longest_delay * (1 + 1e-9):
                    raise InputError(
                        f"`longest_delay` must be at least every delay, but is {longest_delay:g} s, and one of `{name}` of"
                        f" `{parts[0]}` or its like is {greatest:g} s."
                    )
            elif not check.is_concrete(delays):
                raise InputError("`longest_delay` (s) must be given where delays are traced, so that the history has a size.")
            else:
                each = np.asarray(delays).reshape(len(parts), -1)
                late |= {(part, name) for part, d in zip(parts, each, strict=True) if d.max(initial=0) >= step * (1 - 1e-9)}
                longest = max(longest, each.max(initial=0))
    if longest_delay is not None:
        longest = longest_delay
    return frozenset(late), 1 << (math.ceil(longest / step + 1e-9) + 2).bit_length()
