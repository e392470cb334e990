"""`Circuit`: named parts joined by named nets. Parameters are leaves, topology is static."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import carrier, check, randomness
from devsim.check import InputError
from devsim.compile import plan_of
from devsim.netlist import Netlist, flatten, validated
from devsim.parameter import as_leaf
from devsim.part import Element, Entry, Part, unknown_path
from devsim.ports import Port

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure


class Circuit(Part):
    """Parts and the nets that join them.

    `circuit.set("array.wire_resistance", 2.0)` is a copy with one quantity replaced.

    parts: name -> part; a part may be a circuit, whose parts are then named `outer.inner`.
    nets: name -> the `part.port` pins that it joins; the net `gnd` is at potential zero.
    inputs, outputs: name -> net. An input gives its net a value from outside (a potential or a signal); used inside
    another circuit, inputs and outputs are the ports.

    Equal parts (one class, one topology, one set of shapes) are kept as one stacked part, so that the cost of compiling
    hardly grows with their number.

    Raises InputError for an unknown pin, a loose pin, a pin on two nets, a net that joins different domains or shapes
    or two drivers, a signal net without a driver.
    """

    groups: tuple[Element, ...]
    netlist: Netlist = eqx.field(static=True)
    ranks: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self,
        parts: Mapping[str, Part],
        nets: Mapping[str, tuple[str, ...]],
        *,
        inputs: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
    ):
        check.mapping("parts", parts, "names to parts")
        check.mapping("nets", nets, "names to pins")
        check.mapping("inputs", {} if inputs is None else inputs, "names to nets")
        check.mapping("outputs", {} if outputs is None else outputs, "names to nets")
        elements, joined = flatten(parts, nets)
        members, self.groups = grouped(elements)
        self.ranks = tuple(_rank(group) for group in self.groups)
        ports = {name: part.ports() for name, part in elements.items()}
        self.netlist = validated(members, ports, joined, dict(inputs or {}), dict(outputs or {}))

    def __getitem__(self, name: str) -> Element:
        """The part of that name, taken out of its group."""
        group, index = self._place(name)
        part = self.groups[group]
        if len(self.netlist.members[group]) == 1:
            return part
        at = (*(slice(None),) * self._extra(group), index)
        return jax.tree.map(lambda leaf: leaf[at], part)

    @property
    def parts(self) -> dict[str, Element]:
        """Every part by name, nested circuits spelled out."""
        return {name: self[name] for name in self.netlist.names()}

    @property
    def nets(self) -> dict[str, tuple[str, ...]]:
        """Net name -> the pins it joins."""
        return dict(self.netlist.nets)

    def ports(self) -> dict[str, Port]:
        """The nets that inputs and outputs show to the outside."""
        return self.netlist.exposed()

    def children(self) -> dict[str, Part]:
        """The parts, by name."""
        return dict(self.parts)

    def entry(self, path: str) -> Entry:
        """The row of the table at a dotted path; InputError with the nearest paths where there is none."""
        name, rest = self._split(path)
        if rest not in self[name].parameters():
            raise unknown_path(path, self.parameters())
        return dataclasses.replace(self[name].entry(rest), path=path)

    def _assigned(self, path: str, leaf: Array, full: str) -> Self:
        name, rest = self._split(path)
        return self.replace(name, self[name]._assigned(rest, leaf, full))

    def replace(self, name: str, part: Element) -> Self:
        """A copy with one part replaced by another of the same class, topology and shapes."""
        group, index = self._place(name)
        old = self[name]
        if type(part) is not type(old) or part.ports() != old.ports():
            wanted = f"a {type(old).__name__} with the same ports"
            raise InputError(f"`{name}` must be replaced by {wanted}, but is given {check.described(part)}.")
        if len(self.netlist.members[group]) == 1:
            return self._with_groups(tuple(part if g == group else each for g, each in enumerate(self.groups)))
        if jax.tree.structure(part) != jax.tree.structure(old):
            raise InputError(f"`{name}` shares its kind with other parts and must be replaced by one of the same structure.")
        at = (*(slice(None),) * self._extra(group), index)
        changed = jax.tree.map(lambda all_, one: all_.at[at].set(one), self.groups[group], part)
        return self._with_groups(tuple(changed if g == group else each for g, each in enumerate(self.groups)))

    def ideal(self) -> Self:
        """The same graph with every imperfection at its ideal value."""
        return self._each(lambda part, key: part.ideal(), jax.random.key(0))

    def fabricate(self, key: Key[Array, ""]) -> Self:
        """One die: every part fabricated with the key that belongs to its name."""
        return self._each(lambda part, key: part.fabricate(key), key)

    def age(self, seconds: Array, temperature: Array, key: Key[Array, ""]) -> Self:
        """Every part `seconds` older at `temperature` (K)."""
        return self._each(lambda part, key: part.age(seconds, temperature, key), key)

    def snapshot(self, key: Key[Array, ""]) -> Self:
        """The circuit as one read finds it: every part's read noise drawn and held."""
        return self._each(lambda part, key: part.snapshot(key), key)

    def reduce(self, grounded: frozenset[str] = frozenset()) -> Self:
        """Every part reduced to what a read needs, with its grounded ports told to it."""
        self.check_single()
        graph = plan_of(self).graph
        groups = []
        for index, group in enumerate(self.groups):
            reduced = functools.partial(_reduced, graph.grounded_ports(index))
            groups.append(reduced(group) if len(self.netlist.members[index]) == 1 else jax.vmap(reduced)(group))
        return self._with_groups(tuple(groups))

    def _each(self, verb: Callable, key) -> Self:
        self.check_single()
        groups = []
        for names, group in zip(self.netlist.members, self.groups, strict=True):
            if len(names) == 1:
                groups.append(verb(group, randomness.named_key(key, names[0])))
            else:
                keys = jnp.stack([randomness.named_key(key, name) for name in names])
                groups.append(jax.vmap(verb)(group, keys))
        return self._with_groups(tuple(groups))

    def tuned(self, wavelength: Any) -> Self:
        """Every part that has a carrier wavelength (m) at this one; a row of them fills the lanes of buses."""
        wavelength = as_leaf(wavelength)
        check.within("wavelength", wavelength, check.above(0), "m")
        self.check_covered(wavelength)
        return self._with_groups(tuple(carrier.tuned(group, wavelength) for group in self.groups))

    def draw(self, *, path: "str | Path | None" = None) -> "Figure":
        """A picture of parts, nets and domains, written to the file `path` too where one is given.

        As `devsim.draw.draw`, which says what is drawn and what it raises.
        """
        from devsim.draw import draw

        return draw(self, path=path)

    def check_covered(self, wavelength: Array) -> None:
        """Raise InputError where a part that holds measured data has none at a wavelength (m)."""
        for names, group in zip(self.netlist.members, self.groups, strict=True):
            for name in names if isinstance(group, carrier.Covered) else ():
                self[name].check_covers(wavelength)

    def check_carrier(self) -> None:
        """Raise InputError where parts that waves connect differ in their carrier wavelength."""
        carrier.check_one_carrier(self.netlist, self.groups)

    def check_single(self) -> None:
        """Raise where the circuit holds several dies along leading axes: they are to be vmapped over."""
        if extra := max(self._extra(group) for group in range(len(self.groups))):
            raise InputError(f"The circuit holds dies along {extra} leading axes; use `jax.vmap` over it.")

    def _extra(self, group: int) -> int:
        """Leading axes of a group beyond its own: those of dies."""
        return _rank(self.groups[group]) - self.ranks[group]

    def _with_groups(self, groups: tuple[Element, ...]) -> Self:
        ranks = tuple(_rank(group) - self._extra(g) for g, group in enumerate(groups))
        copy = eqx.tree_at(lambda c: c.groups, self, groups)
        object.__setattr__(copy, "ranks", ranks)  # static: not a leaf that tree_at could replace
        return copy

    def _place(self, name: str) -> tuple[int, int]:
        place = self.netlist.places().get(name)
        if place is None:
            raise InputError(f"There is no part `{name}`.{check.suggest(name, self.netlist.names())}")
        return place

    def _split(self, path: str) -> tuple[str, str]:
        words = path.split(".")
        for cut in range(len(words) - 1, 0, -1):
            if ".".join(words[:cut]) in self.netlist.places():
                return ".".join(words[:cut]), ".".join(words[cut:])
        raise unknown_path(path, self.parameters())


def _rank(group: Element) -> int:
    """The number of axes of a group's first leaf."""
    return next((jnp.ndim(leaf) for leaf in jax.tree.leaves(group)), 0)


def _reduced(grounded: frozenset[str], part: Element) -> Part:
    return part.reduce(grounded)


def grouped(elements: Mapping[str, Element]) -> tuple[tuple[tuple[str, ...], ...], tuple[Element, ...]]:
    """Stack equal parts: the member names of each group, and the groups."""
    kinds: dict[Any, list[str]] = {}
    for name, part in elements.items():
        leaves, structure = jax.tree.flatten(part)
        kinds.setdefault((structure, tuple((jnp.shape(x), jnp.result_type(x)) for x in leaves)), []).append(name)
    members = tuple(tuple(names) for names in kinds.values())
    stacked = (stack([elements[n] for n in names]) for names in members)
    return members, tuple(stacked)


def stack(parts: list[Element]) -> Element:
    """One part whose leaves carry a leading axis; a single part stays as it is."""
    return parts[0] if len(parts) == 1 else jax.tree.map(lambda *leaves: jnp.stack(leaves), *parts)
