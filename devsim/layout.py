"""Where values live in flat segments, and one group's work on them: gathered, asked, written, differentiated."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.dependency import zeros
from devsim.ports import Balance, Port

GROUND_SEGMENT, INPUT_SEGMENT, REST_SEGMENT, FIRST_STAGE = range(4)


@dataclasses.dataclass(frozen=True)
class Slot:
    """Where a value lives: its segment, offset and kind; a complex value as its real parts, then its imaginary parts."""

    segment: int
    offset: int
    shape: tuple[int, ...]
    is_complex: bool = False

    @property
    def size(self) -> int:
        """How many real numbers it holds."""
        return reals(self.shape, self.is_complex)

    def indices(self) -> np.ndarray:
        """Its places in the segment."""
        return self.offset + np.arange(self.size)

    def read(self, segments: list[Array]) -> Array:
        """The value, behind the leading axes of the segments."""
        values = segments[self.segment][..., self.offset : self.offset + self.size]
        return unpacked(values, self.shape, self.is_complex)


def reals(shape: tuple[int, ...], is_complex: bool) -> int:
    """How many real numbers a value of this kind holds."""
    return int(np.prod(shape, dtype=int)) * (2 if is_complex else 1)


def unpacked(values: Array, shape: tuple[int, ...], is_complex: bool) -> Array:
    """Real numbers along the last axis as a value of this kind."""
    lead = values.shape[:-1]
    if not is_complex:
        return values.reshape(*lead, *shape)
    parts = values.reshape(*lead, 2, *shape)
    return jax.lax.complex(*(jax.lax.index_in_dim(parts, k, len(lead), keepdims=False) for k in (0, 1)))


def packed(value: Any, is_complex: bool, lead: int = 0) -> Array:
    """A value as real numbers along one axis behind `lead` axes."""
    value = jnp.asarray(value)
    if is_complex:
        value = jnp.stack([value.real, value.imag], axis=lead)
    return value.reshape(*value.shape[:lead], -1).astype(float)


@dataclasses.dataclass(frozen=True, eq=False)
class Gather:
    """How one told value of a group is read: places in the concatenation of some segments.

    homes: of every real number, its segment and its place there, (2, members, reals).
    """

    segments: tuple[int, ...]
    places: np.ndarray
    homes: np.ndarray
    port: Port
    single: bool

    @classmethod
    def of(cls, slots: list[Slot | None], port: Port, single: bool, lengths: dict[int, int]) -> "Gather":
        """From the slots of the members, None being always zero; `lengths` of the segments."""
        size = reals(port.shape, port.is_complex)
        used = sorted({slot.segment if slot else GROUND_SEGMENT for slot in slots})
        starts = dict(zip(used, np.cumsum([0, *(lengths[s] for s in used[:-1])]), strict=True))
        zero = np.zeros(size, int)
        index = np.stack([slot.indices() if slot else zero for slot in slots])
        segment = np.stack([np.full(size, slot.segment if slot else GROUND_SEGMENT) for slot in slots])
        places = np.concatenate([starts[s.segment] + s.indices() if s else starts[GROUND_SEGMENT] + zero for s in slots])
        return cls(tuple(used), places, np.stack([segment, index]), port, single)

    @property
    def is_dark(self) -> bool:
        """True where all members are always told zero."""
        return self.segments == (GROUND_SEGMENT,)

    def flat(self, segments: list[Array]) -> Array:
        """The told real numbers, (members, reals)."""
        one = segments[self.segments[0]]
        source = one if len(self.segments) == 1 else jnp.concatenate([segments[s] for s in self.segments])
        first, count = int(self.places[0]) if self.places.size else 0, self.places.size
        shape = self.homes.shape[1:]
        if np.array_equal(self.places, first + np.arange(count)):
            return jax.lax.slice(source, (first,), (first + count,)).reshape(shape)
        return source[self.places].reshape(shape)

    def value(self, flat: Array) -> Array:
        """Told real numbers as the value that they mean."""
        return unpacked(flat, self.port.shape, self.port.is_complex)

    def __call__(self, segments: list[Array]) -> Array | np.ndarray:
        if self.is_dark:
            return zeros(self.port, () if self.single else self.homes.shape[1:2])
        told = self.value(self.flat(segments))
        return told[0] if self.single else told


@dataclasses.dataclass(frozen=True, eq=False)
class Write:
    """How one answer enters a stage's equations: which members, where, with which sign, at rest or as a rate."""

    answer: str
    is_stored: bool
    is_complex: bool
    positions: np.ndarray
    destinations: np.ndarray
    sign: float

    def values(self, answers: Balance) -> Array:
        """The answer's real numbers, (positions, reals), with their sign."""
        value = packed((answers.stored if self.is_stored else answers.static)[self.answer], self.is_complex, lead=1)
        whole = np.array_equal(self.positions, np.arange(value.shape[0]))
        return self.sign * (value if whole else value[self.positions])


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """One group's work: the members `rows` (None for all) are told the `ports` and `unknowns` and make the `writes`."""

    group: int
    rows: np.ndarray | None
    single: bool
    ports: dict[str, Gather]
    unknowns: dict[str, Gather]
    writes: tuple[Write, ...] = ()

    def ask(self, groups: tuple, segments: list[Array], question: Callable) -> Any:
        """`question(part, p, x)` of every member, with a leading axis of members."""
        part, told, dark = self._told(groups, segments)
        if self.single:
            return jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], question(part, *_joined(told, dark)))
        members = next(iter((self.ports | self.unknowns).values())).homes.shape[1]
        return jax.vmap(lambda part, told: question(part, *_joined(told, dark)), axis_size=members)(part, told)

    def _told(self, groups: tuple, segments: list[Array]) -> tuple[Any, tuple[dict, dict], tuple[dict, dict]]:
        """The parts, what they are told, and what is zero always (without the axis of members)."""
        part = groups[self.group]
        if self.rows is not None:
            part = jax.tree.map(lambda leaf: leaf[self.rows], part)
        kinds = (self.ports, self.unknowns)
        p, x = ({n: gather(segments) for n, gather in kind.items() if not gather.is_dark} for kind in kinds)
        dark_p, dark_x = ({n: zeros(gather.port) for n, gather in kind.items() if gather.is_dark} for kind in kinds)
        return part, (p, x), (dark_p, dark_x)

    def answers(self, groups: tuple, segments: list[Array], t: Array | float) -> Balance:
        """What the members answer, each (members, ...); what an unknown is stated to equal is a static answer."""
        return self.ask(groups, segments, lambda part, p, x: merged(part.balance(t, p, x)))

    def stamps(self, groups: tuple, segments: list[Array], t: Array | float, column: int) -> list[tuple]:
        """Derivatives of the writes with respect to the values of segment `column`: (stored?, rows, columns, values)."""
        active = {
            (k, n): g for k, kind in enumerate((self.ports, self.unknowns)) for n, g in kind.items() if column in g.segments
        }
        if not active or not self.writes:
            return []
        part, told, dark = self._told(groups, segments)
        flat = {at: gather.flat(segments) for at, gather in active.items()}

        def local(part, flat, told):
            p, x = _joined(told, dark)
            for (kind, name), gather in active.items():
                (p if kind == 0 else x)[name] = gather.value(flat[kind, name])
            answers = merged(part.balance(t, p, x))
            return [packed((answers.stored if w.is_stored else answers.static)[w.answer], w.is_complex) for w in self.writes]

        slope = jax.jacfwd(local, argnums=1)
        if self.single:
            flat = {at: value[0] for at, value in flat.items()}
            found = jax.tree.map(lambda leaf: leaf[None], slope(part, flat, told))
        else:
            found = jax.vmap(slope)(part, flat, told)
        return [
            entry
            for write, slopes in zip(self.writes, found, strict=True)
            for at, gather in active.items()
            if (entry := _entries(write, gather, slopes[at], column)) is not None
        ]


def merged(balance: Balance) -> Balance:
    """A balance whose static answers hold what internal unknowns are stated to equal."""
    return Balance(balance.static | {name: stated.value for name, stated in balance.stated.items()}, balance.stored)


def _joined(told: tuple[dict, dict], dark: tuple[dict, dict]) -> tuple[dict, dict]:
    return told[0] | dark[0], told[1] | dark[1]


def _entries(write: Write, gather: Gather, slopes: Array, column: int) -> tuple | None:
    """The entries of a matrix that one write and one told value make: (stored?, rows, columns, values)."""
    rows = write.destinations.reshape(len(write.positions), -1)
    segment, index = gather.homes[:, write.positions]
    shape = (*rows.shape, index.shape[1])
    inside = np.broadcast_to((segment == column)[:, None, :], shape)
    if not inside.any():
        return None
    whole = np.array_equal(write.positions, np.arange(slopes.shape[0]))
    values = write.sign * (slopes if whole else slopes[write.positions]).reshape(shape)
    chosen = np.flatnonzero(inside.ravel())
    flat = values.reshape(-1)
    return (
        write.is_stored,
        np.broadcast_to(rows[:, :, None], shape)[inside],
        np.broadcast_to(index[:, None, :], shape)[inside],
        flat if chosen.size == flat.size else flat[chosen],
    )


def assembled(size: int, written: list[tuple[np.ndarray, Array]]) -> Array:
    """The sum of all that was written into a vector of `size`; a plain concatenation where nothing overlaps."""
    written = sorted(written, key=lambda w: w[0][0] if w[0].size else -1)
    if not written:
        return jnp.zeros(size)
    order = np.concatenate([places for places, _ in written])
    values = jnp.concatenate([values.reshape(-1) for _, values in written]) if len(written) > 1 else written[0][1].reshape(-1)
    if np.array_equal(order, np.arange(size)):
        return values
    return jnp.zeros(size).at[order].add(values)


def filled_matrix(shape: tuple[int, int], entries: list[tuple[np.ndarray, np.ndarray, Array]]) -> Array:
    """The matrix whose entries are the sums of `entries`, (rows, columns, values) each."""
    if not entries:
        return jnp.zeros(shape)
    rows, columns = (np.concatenate([entry[k] for entry in entries]) for k in (0, 1))
    values = jnp.concatenate([entry[2] for entry in entries])
    return jnp.zeros(shape[0] * shape[1]).at[rows * shape[1] + columns].add(values).reshape(shape)
