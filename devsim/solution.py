"""What an analysis found, by net name, with its status in words."""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check, newton
from devsim.compile import Plan
from devsim.dependency import zeros
from devsim.layout import Slot
from devsim.newton import Outcome
from devsim.part import Element
from devsim.ports import GROUND, Port


class Solution(eqx.Module):
    """Values of every net: `solution["out"]`; leading axes are those of the batch it was found in.

    A solve that failed holds NaN; `status` is 0 where all is well, else an index into `devsim.newton.WORDS`.
    """

    segments: list[Array]
    outcomes: list[Outcome]
    groups: tuple[Element, ...]
    plan: Plan = eqx.field(static=True)
    analysis: str = eqx.field(static=True)

    def __getitem__(self, name: str) -> Array | np.ndarray:
        """Value of a net or of a `part.unknown`; leading batch axes, then its shape.

        Potential in V on electrical nets; on optical nets the wave (W^0.5) that leaves the first of its pins from
        which one can leave; `wave` tells both directions. Internal unknowns in their own unit.
        """
        return self._value(*named_place(self.plan, name))

    def wave(self, pin: str) -> Array | np.ndarray:
        """The wave (W^0.5) that leaves the optical port `part.port`. Raises InputError for any other name."""
        return self._value(*wave_place(self.plan, pin))

    def current(self, pin: str) -> Array | np.ndarray:
        """The current (A) into the electrical port `part.port`, of the port's shape. Raises InputError for any other name.

        `current("v1.plus")` is SPICE's i(v1). Charges at rest make none: it is the current of the operating point.
        """
        ports = self.plan.netlist.pin_ports()
        _check_pin(pin, ports, "electrical")
        part, port = pin.rsplit(".", 1)
        group, index = self.plan.netlist.places()[part]
        single = len(self.plan.netlist.members[group]) == 1

        def asked(group: Element, segments: list[Array]) -> Array | np.ndarray:
            element = group if single else jax.tree.map(lambda leaf: leaf[index], group)
            return _answered(self.plan, element, part, segments)[port]

        for _ in range(self.segments[0].ndim - 1):
            asked = jax.vmap(asked)
        return asked(self.groups[group], self.segments)

    def _value(self, slot: Slot | None, port: Port) -> Array | np.ndarray:
        """What stands at a slot; zero where there is none."""
        return slot.read(self.segments) if slot else zeros(port, self.segments[0].shape[:-1])

    def nets(self) -> list[str]:
        """Every net that has a value, ground left out."""
        return list(self.plan.netlist.net_ports())

    def outputs(self) -> dict[str, Array | np.ndarray]:
        """The circuit's named outputs."""
        return {name: self[net] for name, net in self.plan.netlist.outputs}

    @property
    def status(self) -> Array:
        """0 where every solve converged."""
        return jnp.max(jnp.stack([o.status for o in self.outcomes]), axis=0) if self.outcomes else jnp.zeros((), int)

    @property
    def steps(self) -> Array:
        """Newton iterations of all solves together; 0 where none was needed."""
        return sum((o.steps for o in self.outcomes), jnp.zeros((), int))

    def words(self) -> str:
        """The status in words, naming what moved last where a solve failed."""
        if not self.outcomes:
            return "evaluated in order; no solve was needed"
        status = np.asarray(self.status)
        if (status == 0).all():
            return f"converged in {int(np.max(np.asarray(self.steps)))} Newton steps"
        loops = [step for step in self.plan.steps if step.implicit]
        told = []
        for step, outcome in zip(loops, self.outcomes, strict=True):
            codes = np.atleast_1d(np.asarray(outcome.status))
            if codes.any():
                worst = int(np.atleast_1d(np.asarray(outcome.worst))[np.argmax(codes != 0)])
                told.append(f"{newton.WORDS[codes.max()]} at {step.names[worst]} ({(codes != 0).sum()} of {codes.size} solves)")
        return "; ".join(told)

    def __str__(self) -> str:
        ports = self.plan.netlist.net_ports()
        lines = [f"{self.analysis}: {self.words()}"]
        for net in self.nets()[:24]:
            unit = {"electrical": " V", "optical": " W^0.5"}.get(ports[net].domain, "")
            lines.append(f"  {net:<20} {summary(self[net])}{unit}")
        if len(self.nets()) > 24:
            lines.append(f"  ... and {len(self.nets()) - 24} more nets")
        return "\n".join(lines)

    __repr__ = __str__


def named_place(plan: Plan, name: str) -> tuple[Slot | None, Port]:
    """Where the value of a net or of a `part.unknown` is (None for one that is always zero), and its kind.

    Raises InputError, with the nearest names, where there is neither.
    """
    if name == GROUND:
        return None, Port("electrical")
    nets = plan.netlist.net_ports()
    if name in nets:
        return plan.slot(name), nets[name]
    part, _, unknown = str(name).rpartition(".")
    kinds = {p: plan.graph.outline(p).unknowns for p in plan.netlist.names()}
    if unknown in kinds.get(part, {}):
        return plan.slots.get(("unknown", part, unknown)), kinds[part][unknown]
    known = [*nets, *(f"{p}.{n}" for p, every in kinds.items() for n in every)]
    raise check.InputError(f"There is no net or unknown `{name}`.{check.suggest(str(name), known)}")


def wave_place(plan: Plan, pin: str) -> tuple[Slot | None, Port]:
    """Where the wave that leaves an optical port is (None for one that is always zero), and its kind; or InputError."""
    ports = plan.netlist.pin_ports()
    _check_pin(pin, ports, "optical")
    return plan.slots.get(("wave", pin)), ports[pin]


def _check_pin(pin: str, ports: Mapping[str, Port], domain: str) -> None:
    known = [name for name, port in ports.items() if port.domain == domain]
    if pin not in known:
        raise check.InputError(f"There is no {domain} port `{pin}`.{check.suggest(str(pin), known)}")


def _answered(plan: Plan, element: Element, part: str, segments: list[Array]) -> dict[str, Array | np.ndarray]:
    """By port of a part (given as `element`): the current into an electrical one (A), what it answers at any other."""
    ports = dict(plan.netlist.ports[plan.netlist.places()[part][0]])
    unknowns = plan.graph.outline(part).unknowns

    def told(kinds: Mapping[str, Port]) -> dict[str, Array | np.ndarray]:
        slots = {name: plan.slots.get(plan.graph.value_node(part, name)) for name in kinds}
        return {name: slot.read(segments) if slot else zeros(kinds[name]) for name, slot in slots.items()}

    p = told(ports)
    static = element.balance(0.0, p, told(unknowns)).static
    is_told = lambda port: port.domain == "electrical" and port.drives
    return {name: p[name] if is_told(port) else static.get(name, zeros(port)) for name, port in ports.items()}


def summary(value: Array) -> str:
    """A number as it is, an array by its shape, extremes and mean."""
    if not check.is_concrete(value):
        return f"{value.dtype}{list(jax.numpy.shape(value))}"
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{array.item():.6g}"
    if np.iscomplexobj(array):
        return f"shape {array.shape}, magnitude {abs(array).min():.6g} to {abs(array).max():.6g}"
    return f"shape {array.shape}, {array.min():.6g} to {array.max():.6g}, mean {array.mean():.6g}"
