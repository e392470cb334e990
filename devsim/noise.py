"""The noise sources of a whole circuit: where each acts, and how strongly."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.check import InputError
from devsim.compile import Plan
from devsim.layout import Job, reals
from devsim.ordering import Node
from devsim.ports import GROUND


@dataclasses.dataclass(frozen=True, eq=False)
class Place:
    """Where numbers enter the equations: a segment and an index for each, -1 where there is no equation (ground)."""

    segment: np.ndarray
    index: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """One kind of noise of one group of parts.

    parts: the members. size: real numbers of each. into: where it is added. out_of: where it is subtracted, or None.
    """

    group: int
    name: str
    parts: tuple[str, ...]
    size: int
    shape: tuple[int, ...]
    colour: str
    corner: float
    into: Place
    out_of: Place | None

    def labels(self) -> list[str]:
        """`part.source` of each member."""
        return [f"{part}.{self.name}" for part in self.parts]


class NoiseSources:
    """Every noise source of a circuit, with respect to a plan."""

    def __init__(self, plan: Plan):
        self.jobs: dict[int, Job] = {}
        self.sources: list[Source] = []
        for group, (names, outline) in enumerate(zip(plan.netlist.members, plan.outlines, strict=True)):
            found = outline.noises()
            if found:
                self.jobs[group] = plan.job(group)
            for name, noise in found.items():
                first = noise.between[0]
                late = next((part for part in names if (part, first) in plan.graph.late), None)
                if late is not None:
                    raise InputError(
                        f"Noise `{name}` of part `{late}` acts on `{first}`, which is stated with a delay; let it act on an"
                        " unknown without one."
                    )
                kind = outline.unknowns.get(first) or outline.ports[first]
                second = noise.between[1] if len(noise.between) > 1 and noise.between[1] != first else None
                out_of = None if second is None else _place(plan, names, second)
                told = (reals(kind.shape, kind.is_complex), kind.shape, noise.colour, noise.corner)
                self.sources.append(Source(group, name, names, *told, _place(plan, names, first), out_of))

    def densities(self, groups: tuple, segments: list[Array]) -> list[Array]:
        """The one-sided density of every source (at its corner where it is not white), each (members, size)."""
        asked = {
            group: job.ask(groups, segments, lambda part, p, x: {n: noise.density for n, noise in part.noise(p, x).items()})
            for group, job in self.jobs.items()
        }
        return [_spread_out(asked[s.group][s.name], s) for s in self.sources]

    def injected(self, plan: Plan, values: list[Array]) -> dict[int, Array]:
        """Values of every source, each (members, size), as what they add to the equations of each segment."""
        totals: dict[int, Array] = {}
        for source, value in zip(self.sources, values, strict=True):
            for place, sign in ((source.into, 1.0), (source.out_of, -1.0)):
                if place is None:
                    continue
                for segment in np.unique(place.segment[place.segment >= 0]):
                    here = place.segment == segment
                    total = totals.get(int(segment))
                    total = jnp.zeros(plan.lengths[int(segment)]) if total is None else total
                    chosen = value if here.all() else value.reshape(-1)[np.flatnonzero(here)]
                    totals[int(segment)] = total.at[place.index[here]].add(sign * chosen.reshape(-1))
        return totals


def _spread_out(density: Array, source: Source) -> Array:
    members = len(source.parts)
    lead = density.reshape(members, *(1,) * (len(source.shape) + 1 - density.ndim), *density.shape[1:])
    full = jnp.broadcast_to(lead, (members, *source.shape)).reshape(members, -1)
    return jnp.tile(full, (1, source.size // max(full.shape[1], 1)))


def _place(plan: Plan, parts: tuple[str, ...], name: str) -> Place:
    """Where what a port or internal unknown of each part gets from outside enters the equations."""
    slots = [row_slot(plan, part, name) for part in parts]
    outline = plan.graph.outline(parts[0])
    kind = outline.unknowns.get(name) or outline.ports[name]
    none = np.full(reals(kind.shape, kind.is_complex), -1)
    segment = np.stack([none if slot is None else np.full(slot.size, slot.segment) for slot in slots])
    return Place(segment, np.stack([none if slot is None else slot.indices() for slot in slots]))


def row_slot(plan: Plan, part: str, name: str):
    """The equation into which a port or internal unknown of a part adds; None where there is none."""
    pin = f"{part}.{name}"
    net = plan.graph.net_of.get(pin)
    if net is None:
        node: Node = ("unknown", part, name)
        return plan.slots.get(node) or plan.at_rest.get(node)
    port = plan.graph.port_of[pin]
    if port.domain == "optical":
        return plan.slots.get(("wave", pin))
    if net == GROUND or net in plan.graph.given:
        return None
    if port.domain != "electrical":
        return plan.slots.get(("signal", net))
    driven = plan.graph.driver[net] is not None
    return plan.slots.get(("current" if driven and not port.drives else "potential", net))


def share(colour: str, frequency: Array, corner: float) -> Array:
    """A source's density at `frequency` (Hz) relative to its stated density."""
    if colour == "flicker":
        return corner / frequency
    return 1 / (1 + (frequency / corner) ** 2) if colour == "telegraph" else jnp.ones_like(frequency)
