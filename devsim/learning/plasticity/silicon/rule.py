"""`SiliconRule`: what rules share that transistors compute."""

import abc
from collections.abc import Callable
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.circuit import Circuit
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.devices.cmos.technology import Technology
from devsim.learning.plasticity.plasticity import Plasticity
from devsim.parameter import quantities
from devsim.part import Entry, Part


class SiliconRule(Plasticity, Part):
    """Plasticity by circuits on one chip: a rule, and a part that is fabricated and ages, made of parts of one technology.

    The technology of the rule is that of all its parts: `rule.set("technology.temperature", 330.0)` warms the whole chip.
    places: of each part, whether there is one for each `pre`, each `post` neuron, or each `synapse`. Parts whose parameters
    are numbers serve any number of neurons, all alike; `sized` gives each its own, for `fabricate` to draw.
    """

    places: ClassVar[dict[str, str]]
    technology: Technology = eqx.field(default_factory=Technology)

    def __post_init__(self):
        check.instance("technology", self.technology, Technology)
        for name in self.places:
            part = getattr(self, name)
            check.instance(name, part, CurrentMode)
            setattr(self, name, part.put(technology=self.technology))

    def circuits(self) -> dict[str, CurrentMode]:
        """The parts that compute, by field name."""
        return {name: getattr(self, name) for name in self.places}

    def put(self, **fields) -> Self:
        """A copy with whole fields replaced; the parts take the technology of the rule."""
        copy = super().put(**fields)
        parts = [part.put(technology=copy.technology) for part in copy.circuits().values()]
        return eqx.tree_at(lambda rule: list(rule.circuits().values()), copy, parts)

    def ports(self):
        """None: a rule is asked by `step`; its `circuit` has nets."""
        return {}

    def parameters(self) -> dict[str, Entry]:
        """Every declared quantity, by dotted path; the technology once."""
        hidden = tuple(f"{name}.technology." for name in self.places)
        return {path: entry for path, entry in super().parameters().items() if not path.startswith(hidden)}

    def age(self, seconds, temperature, key):
        """The technology ages, and with it all parts."""
        return self.put(technology=self.technology.age(seconds, temperature, key))

    def sized(self, pre: int, post: int) -> Self:
        """The same circuits, one for each of `pre` neurons, of `post` neurons and of their synapses (pre, post)."""
        check.whole("pre", pre, 1)
        check.whole("post", post, 1)
        shapes = {"pre": (pre,), "post": (post,), "synapse": (pre, post)}
        return self.put(**{name: widened(part, shapes[self.places[name]]) for name, part in self.circuits().items()})

    def time_constants(self) -> dict[str, Array]:
        """The times (s) that a step has to resolve, by part: those of traces on this die, the shortest of each."""
        parts = {name: part for name, part in self.circuits().items() if hasattr(part, "time_constant")}
        return {f"{name} time": jnp.min(part.time_constant()) for name, part in parts.items()}

    @abc.abstractmethod
    def circuit(self, pre_times: Any, post_times: Any) -> Circuit:
        """One synapse as a graph of the same parts, with spikes at given times (s)."""


def widened(part: CurrentMode, shape: tuple[int, ...]) -> CurrentMode:
    """`part` with a lane for each place in `shape`."""
    name = next(name for name in quantities(part) if name not in part.between)
    return part.put(**{name: jnp.broadcast_to(getattr(part, name), shape)})


def where_any(events: Array, change: Callable[[Array], Array], voltage: Array) -> Array:
    """`change(voltage)` in a step with events, else `voltage`."""
    return jax.lax.cond(jnp.any(events > 0), change, lambda same: same, voltage)
