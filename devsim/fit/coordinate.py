"""`Coordinate`: an unbounded number in which a fit moves a parameter, whatever the bounds of that."""

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from devsim import check
from devsim.check import Bounds, InputError
from devsim.fit.bench import Bench, Search

INSIDE = 1e-3
"""Of the range of search: how far starts stay off a bound."""
AROUND = 10.0
"""Where a parameter has no range of its own, starts lie between a tenth and ten times its value."""


@dataclasses.dataclass(frozen=True)
class Coordinate:
    """A parameter x as z, which runs from 0 to 1 where the search does, and on to infinity where x meets a bound.

    kind: `identity` without bounds; one bound: `log`(x - low) where the search is logarithmic, else the inverse of the softplus
    log(1 + exp) of x above `floor` (or below `ceiling`) in units of the range; two bounds: `logit`. All grow with x.
    """

    path: str
    unit: str
    low: float
    high: float
    search: Search
    kind: str

    def inner(self, x: float) -> float:
        """The transform itself, before it is scaled."""
        low, high, width = self.low, self.high, self.search.high - self.search.low
        if self.kind == "log":
            return math.log(x - low)
        if self.kind == "floor":
            return _softplus_inverse((x - low) / width)
        if self.kind == "ceiling":
            return -_softplus_inverse((high - x) / width)
        if self.kind == "logit":
            return math.log((x - low) / (high - x))
        return x

    @functools.cached_property
    def ends(self) -> tuple[float, float]:
        """The transform at both ends of the search, drawn in from the bounds."""
        return self.inner(self.inside(self.search.low)), self.inner(self.inside(self.search.high))

    def inside(self, x: float) -> float:
        """`x`, off the bounds by a little of the range."""
        margin = INSIDE * (self.search.high - self.search.low)
        if self.kind == "log":
            return max(x, self.low + INSIDE * max(self.search.low - self.low, INSIDE * margin))
        return min(max(x, self.low + margin), self.high - margin)

    def to_z(self, x: float) -> float:
        """The coordinate of a value, which is first drawn inside the bounds."""
        first, last = self.ends
        return (self.inner(self.inside(float(x))) - first) / (last - first)

    def to_x(self, z: Any, xp: Any = np) -> Any:
        """The value at a coordinate; `xp` is `jax.numpy` where it is traced."""
        first, last = self.ends
        u = first + (last - first) * z
        width = self.search.high - self.search.low
        if self.kind == "log":
            return self.low + xp.exp(u)
        if self.kind == "floor":
            return self.low + width * xp.logaddexp(0.0, u)
        if self.kind == "ceiling":
            return self.high - width * xp.logaddexp(0.0, -u)
        if self.kind == "logit":
            return self.low + (self.high - self.low) * xp.exp(-xp.logaddexp(0.0, -u))
        return u

    def slope(self, z: float) -> float:
        """dx/dz at a coordinate."""
        first, last = self.ends
        u, stretch = first + (last - first) * z, last - first
        width = self.search.high - self.search.low
        if self.kind == "log":
            return stretch * float(np.exp(u))
        if self.kind in ("floor", "ceiling"):
            return stretch * width * float(np.exp(-np.logaddexp(0.0, -u if self.kind == "floor" else u)))
        if self.kind == "logit":
            gate = -np.logaddexp(0.0, -u) - np.logaddexp(0.0, u)
            return stretch * (self.high - self.low) * float(np.exp(gate))
        return stretch

    def of_share(self, share: float) -> float:
        """The coordinate of the point that lies at a `share` (0 to 1) of the search."""
        low, high = self.search.low, self.search.high
        x = low * (high / low) ** share if self.search.logarithmic else low + (high - low) * share
        return self.to_z(x)


def _softplus_inverse(y: float) -> float:
    return y + math.log(-math.expm1(-y))


def coordinates(bench: Bench, free: Any, search: Mapping[str, Any] | None) -> tuple[Coordinate, ...]:
    """A coordinate for every free path.

    Raises InputError for a path that is unknown, no knob, not one number, named twice, or has no range to search.
    """
    paths = bench.free if free is None else (free,) if isinstance(free, str) else tuple(free)
    if not paths:
        raise InputError("`free` must name at least one parameter, but names none.")
    for path in paths:
        if paths.count(path) > 1:
            raise InputError(f"`free` must name each parameter once, but names `{path}` twice.")
        _check_free(bench, path)
    own = {} if search is None else dict(search)
    for path in own:
        if path not in paths:
            raise InputError(f"`search` must be about free parameters, but `{path}` is none.{check.suggest(str(path), paths)}")
    return tuple(_coordinate(bench, path, own.get(path)) for path in paths)


def _check_free(bench: Bench, path: Any) -> None:
    if not isinstance(path, str):
        raise InputError(f"`free` must hold paths, but holds {check.described(path)}.")
    entry = bench.entry(path)
    if not entry.quantity.knob:
        raise InputError(f"`{path}` must be a knob to be fitted, but is what `{bench.name}` carries along.")
    if np.shape(entry.value) != ():
        raise InputError(f"`{path}` must be one number to be fitted, but has shape {np.shape(entry.value)}.")
    low, high = entry.quantity.bounds.low, entry.quantity.bounds.high
    if low is not None and low == high:
        raise InputError(f"`{path}` must have room to be fitted, but is fixed at {low:g}.")


def _coordinate(bench: Bench, path: str, asked: Any) -> Coordinate:
    entry = bench.entry(path)
    bounds = entry.quantity.bounds
    low = -math.inf if bounds.low is None else bounds.low
    high = math.inf if bounds.high is None else bounds.high
    search = _search(path, asked, bench, (low, high), float(entry.value))
    if math.isfinite(low) and math.isfinite(high):
        kind = "logit"
    elif math.isfinite(low):
        kind = "log" if search.logarithmic and search.low > low else "floor"
    else:
        kind = "ceiling" if math.isfinite(high) else "identity"
    return Coordinate(path, entry.quantity.unit, low, high, search, kind)


def _search(path: str, asked: Any, bench: Bench, bounds: tuple[float, float], nominal: float) -> Search:
    if asked is not None:
        search = asked if isinstance(asked, Search) else _pair(path, asked)
    elif path in bench.search:
        search = bench.search[path]
    elif math.isfinite(bounds[0]) and math.isfinite(bounds[1]):
        search = Search(*bounds)
    elif nominal != 0 and math.isfinite(nominal):
        wide = AROUND * abs(nominal)
        search = Search(nominal / AROUND, wide, True) if bounds[0] >= 0 else Search(nominal - wide, nominal + wide)
    else:
        raise InputError(f"`{path}` must have a range to begin with; give it one: `search={{'{path}': (low, high)}}`.")
    low, high = max(search.low, bounds[0]), min(search.high, bounds[1])
    if not (math.isfinite(low) and math.isfinite(high) and low < high) or (search.logarithmic and low <= 0):
        within = Bounds(*(None if math.isinf(end) else end for end in bounds))
        raise InputError(
            f"The search of `{path}` must have two ends in order within {within}, above 0 where it is logarithmic, but is from "
            f"{search.low:g} to {search.high:g}."
        )
    return Search(low, high, search.logarithmic)


def _pair(path: str, asked: Any) -> Search:
    try:
        low, high = (float(end) for end in asked)
    except (TypeError, ValueError):
        raise InputError(f"`search` must give `{path}` two numbers, but gives {check.described(asked)}.") from None
    return Search(low, high, low > 0 and high / low > AROUND)
