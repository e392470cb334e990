"""`Part`: declared quantities and the five verbs of a chip's life; `Element`: a part with physics of its own."""

import abc
import dataclasses
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check, randomness
from devsim.check import InputError
from devsim.parameter import Derived, Quantity, as_leaf, check_fields, quantities
from devsim.physics import ROOM_TEMPERATURE
from devsim.ports import Balance, Noise, Port, Unknown


@dataclasses.dataclass(frozen=True)
class Entry:
    """One row of a part's table: a dotted `path`, the `value` there and what it declares of itself."""

    path: str
    value: Any
    quantity: Quantity


class Part(eqx.Module):
    """Anything that is designed, fabricated, programmed, aged and read.

    Every verb is a pure function that returns a new object. All randomness comes from explicit keys.
    """

    derived: ClassVar[dict[str, Derived]] = {}

    def __check_init__(self):
        check_fields(self)
        self.check_shapes()
        self.go_together()

    def check_shapes(self) -> None:
        """Raise InputError where the shapes of several quantities exclude each other; asked at construction only."""

    def go_together(self) -> None:
        """Raise InputError where known values of several quantities exclude each other."""

    @abc.abstractmethod
    def ports(self) -> dict[str, Port]:
        """Name -> domain, shape and direction."""

    @abc.abstractmethod
    def age(self, seconds: Array, temperature: Array, key: Key[Array, ""]) -> Self:
        """The same part after `seconds` more at `temperature` (K). Ageing composes."""

    def children(self) -> dict[str, "Part"]:
        """The parts inside this one, by field name."""
        values = {f.name: getattr(self, f.name, None) for f in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Part)}

    def parameters(self) -> dict[str, Entry]:
        """Every declared quantity here and below, by dotted path."""
        table = {n: Entry(n, v, q) for n, q in quantities(self).items() if (v := getattr(self, n)) is not None}
        for name, twin in self.derived.items():
            table[name] = Entry(name, twin.get(self), Quantity(twin.unit, twin.doc, twin.bounds))
        for name, child in self.children().items():
            table |= {f"{name}.{e.path}": dataclasses.replace(e, path=f"{name}.{e.path}") for e in child.parameters().values()}
        return table

    def imperfections(self) -> dict[str, Entry]:
        """The knobs that have an ideal value: what makes hardware differ from mathematics."""
        return {path: e for path, e in self.parameters().items() if e.quantity.ideal is not None}

    def entry(self, path: str) -> Entry:
        """The row of the table at a dotted path; InputError with the nearest paths where there is none."""
        table = self.parameters()
        if path not in table:
            raise unknown_path(path, table)
        return table[path]

    def get(self, path: str) -> Any:
        """The value at a dotted path."""
        return self.entry(path).value

    def set(self, path: str, value: Any) -> Self:
        """A copy with the quantity at `path` replaced; a scalar fills an array.

        Raises InputError for an unknown path, a value outside the bounds, or a shape that does not fit.
        """
        if not isinstance(path, str):
            raise InputError(f"A path must be words joined by dots, but is {check.described(path)}.")
        quantity, leaf = self.entry(path).quantity, as_leaf(value)
        check.real(path, leaf)
        check.within(path, leaf, quantity.bounds, quantity.unit)
        return self._assigned(path, leaf, path)

    def _assigned(self, path: str, leaf: Array, full: str) -> Self:
        head, _, rest = path.partition(".")
        if rest:
            return self.put(**{head: getattr(self, head)._assigned(rest, leaf, full)})
        if head in self.derived:
            return self.put(**self.derived[head].put(self, leaf))
        return self.put(**{head: filled(full, leaf, getattr(self, head))})

    def put(self, **fields: Any) -> Self:
        """A copy with whole fields replaced, checked like a new object."""
        names = tuple(fields)
        copy = eqx.tree_at(
            lambda part: [getattr(part, n) for n in names], self, [fields[n] for n in names], is_leaf=lambda x: x is None
        )
        check_fields(copy)
        copy.go_together()
        return copy

    def ideal(self) -> Self:
        """The same part with every imperfection, here and below, at its ideal value."""
        fields = {n: jnp.full_like(getattr(self, n), q.ideal) for n, q in quantities(self).items() if q.ideal is not None}
        fields |= {name: child.ideal() for name, child in self.children().items()}
        return self.put(**fields) if fields else self

    def fabricate(self, key: Key[Array, ""]) -> Self:
        """One physical die: every field named by a `spreads` declaration is drawn, here and below."""
        fields = {}
        for name, quantity in quantities(self).items():
            if quantity.spreads is not None:
                field = quantity.spreads
                nominal = fields.get(field, getattr(self, field))
                drawn = randomness.spread(nominal, getattr(self, name), quantity.law, randomness.named_key(key, name))
                bounds = quantities(self)[field].bounds
                fields[field] = jnp.clip(drawn, bounds.low, bounds.high)
        fields |= {n: child.fabricate(randomness.named_key(key, n)) for n, child in self.children().items()}
        return self.put(**fields) if fields else self

    def snapshot(self, key: Key[Array, ""]) -> Self:
        """The part as one read finds it: its read noise drawn anew and held, here and below."""
        fields = {n: child.snapshot(randomness.named_key(key, n)) for n, child in self.children().items()}
        return self.put(**fields) if fields else self

    def reduce(self, grounded: frozenset[str] = frozenset()) -> "Part":
        """A part that does the same with less work per read; itself where there is nothing to prepare.

        grounded: its ports that will always be told potential zero.
        """
        fields = {name: child.reduce() for name, child in self.children().items()}
        return self.put(**fields) if fields else self


class Element(Part):
    """A part that says its own physics.

    side_by_side: True for a part that is a bus of like ones, whose quantities are numbers or arrays of the ports' shape, but
    for those `between` its lanes.
    """

    side_by_side: ClassVar[bool] = False
    between: ClassVar[frozenset[str]] = frozenset()

    def check_shapes(self) -> None:
        """Raise where quantities of a bus of like parts do not broadcast to the shape of its ports.

        A part whose ports are pins may hold one more axis of everything, that of its dies.
        """
        if not self.side_by_side:
            return
        shapes = {name: np.shape(getattr(self, name)) for name in quantities(self) if name not in self.between}
        together = check.broadcast(*shapes.values())
        bus = None if together is None else next((port.shape for port in self.ports().values()), ())
        if together is None or (bus and together != bus):
            named = ", ".join(f"`{name}` {shape}" for name, shape in shapes.items() if shape)
            but = "" if together is None else f", while its ports have shape {bus}"
            raise InputError(
                f"The parameters of a {type(self).__name__} must be numbers or arrays of one shape, but have {named}{but}."
            )

    @abc.abstractmethod
    def rest(self) -> dict[str, Unknown]:
        """Internal unknowns at power-up."""

    @abc.abstractmethod
    def balance(self, t: Array | float, p: dict[str, Array], x: dict[str, Array]) -> Balance:
        """Its share of `static + d(stored)/dt = 0` at time `t` (s), port values `p`, internal unknowns `x`."""

    def jump(self, t: Array | float, p: dict[str, Array], x: dict[str, Array]) -> dict[str, Array]:
        """The new values of those internal unknowns that events change, once at the end of each step of a transient.

        `p` holds the spikes of the step; an unknown that is left out does not jump. Parts without events do nothing.
        """
        return {}

    @abc.abstractmethod
    def noise(self, p: dict[str, Array], x: dict[str, Array]) -> dict[str, Noise]:
        """Its noise sources by name."""


def aged(part: Part, seconds: Any, *, temperature: Any = ROOM_TEMPERATURE, key: Key[Array, ""]) -> Part:
    """`part.age` with its inputs checked: `seconds` at least 0, `temperature` (K) above 0."""
    check.within("seconds", as_leaf(seconds), check.Bounds(0), "s")
    check.within("temperature", as_leaf(temperature), check.above(0), "K")
    return part.age(as_leaf(seconds), as_leaf(temperature), key)


def filled(path: str, new: Array, old: Array | None) -> Array:
    """`new` broadcast to the shape and type of `old`."""
    if old is None:
        return new
    if not check.fits(jnp.shape(new), jnp.shape(old)):
        allowed = f"a number or have shape {jnp.shape(old)}" if jnp.ndim(old) else "a number"
        raise InputError(f"`{path}` must be {allowed}, but has shape {jnp.shape(new)}.")
    return jnp.broadcast_to(new, jnp.shape(old)).astype(jnp.result_type(old))


def unknown_path(path: str, table: dict[str, Entry]) -> InputError:
    """The error for a path that names nothing, with the nearest ones."""
    return InputError(f"There is no parameter `{path}`.{check.suggest(path, table)}")
