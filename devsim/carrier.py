"""The carrier wavelength: one for all parts that waves connect."""

import dataclasses
from functools import cache
from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.check import InputError
from devsim.netlist import Netlist
from devsim.parameter import quantities
from devsim.part import Part

NAME = "wavelength"
"""The quantity by which a part says at which carrier it works."""


@runtime_checkable
class Covered(Protocol):
    """A part that holds data for some wavelengths only."""

    def check_covers(self, wavelength: Any) -> None:
        """Raise InputError where a known `wavelength` (m) lies outside of the data."""
        ...


def tuned(part: Part, wavelength: Array) -> Part:
    """The part, and those inside it, at a carrier wavelength (m); leading axes of its leaves are kept."""
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name, None)
        if field.name == NAME and NAME in quantities(part):
            fields[NAME] = jnp.broadcast_to(wavelength, jnp.shape(value)).astype(jnp.result_type(value))
        elif isinstance(value, Part):
            fields[field.name] = tuned(value, wavelength)
    return part.put(**fields) if fields else part


def check_one_carrier(netlist: Netlist, groups: tuple[Part, ...]) -> None:
    """Raise InputError where parts that waves connect differ in their wavelength; traced values are not looked at."""
    found: dict[str, np.ndarray] = {}
    for names, group in zip(netlist.members, groups, strict=True):
        leaf = getattr(group, NAME, None) if NAME in quantities(group) else None
        if leaf is not None and check.is_concrete(leaf):
            values = np.asarray(leaf)
            found |= dict(zip(names, values[None] if len(names) == 1 else values, strict=True))
    for island in _islands(netlist):
        told = [(name, found[name]) for name in island if name in found]
        for name, value in told[1:]:
            if not np.array_equal(np.unique(value), np.unique(told[0][1])):
                raise InputError(
                    f"Parts that waves connect must have one carrier, but `{told[0][0]}.{NAME}` is {_written(told[0][1])} m and"
                    f" `{name}.{NAME}` is {_written(value)} m; use `circuit.tuned(wavelength)` to set it everywhere."
                )


def _written(value: np.ndarray) -> str:
    return f"{value.item():.10g}" if value.ndim == 0 else str(value.tolist())


@cache
def _islands(netlist: Netlist) -> tuple[tuple[str, ...], ...]:
    """The parts that optical nets connect, island by island."""
    ports = netlist.net_ports()
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    for net, pins in netlist.nets:
        if net in ports and ports[net].domain == "optical":
            parts = [pin.rsplit(".", 1)[0] for pin in pins]
            for other in parts[1:]:
                leader[find(other)] = find(parts[0])
    islands: dict[str, list[str]] = {}
    for name in list(leader):
        islands.setdefault(find(name), []).append(name)
    return tuple(tuple(names) for names in islands.values())
