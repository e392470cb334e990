"""Where a SPICE transient with `uic` starts: `ic=` of capacitors and inductors, and `.ic`."""

import math
from collections import deque
from collections.abc import Iterable, Mapping

from devsim.check import shown
from devsim.exchange.spice_elements import PartSpec
from devsim.ports import GROUND


def power_up(parts: Iterable[PartSpec], initial: Mapping[str, float]) -> dict[str, float]:
    """Net -> potential (V) and `part.unknown` -> current (A) from which charges and fluxes start; others start from zero.

    initial: net -> potential (V), by `.ic`. A capacitor with `ic=` starts with that voltage, one without with that
    between its nets. Raises InputError, with its line, for a capacitor whose voltage follows from others and is another.
    """
    parts = list(parts)
    capacitors = [part for part in parts if part.kind == "Capacitor"]
    found = {
        f"{part.name}.{unknown}": value for part in parts for unknown, value in part.initial.items() if unknown != "voltage"
    }
    if not any(part.initial for part in capacitors):
        return dict(initial) | found
    at = dict(initial) | _potentials(capacitors, initial)
    for part in capacitors:
        across, wanted = at.get(part.pins["a"], 0.0) - at.get(part.pins["b"], 0.0), _voltage(part, initial)
        if not math.isclose(across, wanted, rel_tol=1e-9, abs_tol=1e-12):
            raise part.line.error(
                f"`{shown(part.name)}` must start with what the other capacitors in its loop leave, {across:g} V, but starts"
                f" with {wanted:g} V; give `ic=` to all of them."
            )
    return {net: value for net, value in at.items() if net != GROUND} | found


def _voltage(part: PartSpec, initial: Mapping[str, float]) -> float:
    """The voltage with which a capacitor starts."""
    a, b = part.pins["a"], part.pins["b"]
    return part.initial.get("voltage", initial.get(a, 0.0) - initial.get(b, 0.0))


def _potentials(capacitors: list[PartSpec], initial: Mapping[str, float]) -> dict[str, float]:
    """Potentials from capacitor to capacitor, from ground on, and from any net where no capacitor leads to ground."""
    beside: dict[str, list[tuple[str, float]]] = {}
    for part in capacitors:
        voltage = _voltage(part, initial)
        beside.setdefault(part.pins["a"], []).append((part.pins["b"], -voltage))
        beside.setdefault(part.pins["b"], []).append((part.pins["a"], voltage))
    at: dict[str, float] = {}
    for root in [GROUND, *beside]:
        waiting = deque([] if root in at else [(root, initial.get(root, 0.0))])
        while waiting:
            net, potential = waiting.popleft()
            if net not in at:
                at[net] = potential
                waiting += [(other, potential + more) for other, more in beside.get(net, [])]
    return at
