"""The `analyses` of a YAML netlist."""

from typing import Any

from devsim import check
from devsim.check import InputError, shown
from devsim.exchange.deck import Analysis, NoiseAnalysis, OperatingPoint, SmallSignal, Transient
from devsim.exchange.quantity import quantity
from devsim.yaml_tree import Scalar

MOST_POINTS = 10_000_000
UNITS = {"duration": "s", "step": "s", "start": "s", "maximum_step": "s"}
SWEEP = {"start": "Hz", "stop": "Hz", "points_per_decade": "1"}
KINDS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "operating_point": ({}, ()),
    "transient": (UNITS, ("duration", "step")),
    "small_signal": (SWEEP | {"source": "name", "magnitude": "1", "phase": "rad"}, ("source", "start", "stop")),
    "noise": (SWEEP | {"output": "name", "reference": "name", "source": "name"}, ("output", "source", "start", "stop")),
}
"""Analysis -> the unit of each of its settings (`name` for a name), and those that must be given."""


def analyses_of(data: dict[str, Any]) -> tuple[tuple[Analysis, ...], dict[str, tuple[float, float]]]:
    """The analyses in their order, and source -> (magnitude, phase in rad) of the small signal.

    Raises InputError for an analysis or setting that is not known, missing or out of bounds.
    """
    found: list[Analysis] = []
    stimuli: dict[str, tuple[float, float]] = {}
    for kind, settings in data.items():
        if kind not in KINDS:
            raise InputError(f"There is no analysis `{shown(kind, 40)}`.{check.suggest(kind[:60], KINDS)}")
        given = _settings(kind, settings)
        if kind == "operating_point":
            found.append(OperatingPoint())
        elif kind == "transient":
            found.append(_transient(given))
        elif kind == "small_signal":
            found.append(SmallSignal(*_sweep(kind, given)))
            stimuli[given["source"]] = (given.get("magnitude", 1.0), given.get("phase", 0.0))
        else:
            found.append(NoiseAnalysis(given["output"], given.get("reference"), given["source"], *_sweep(kind, given)))
    return tuple(found), stimuli


def _settings(kind: str, data: Any) -> dict[str, Any]:
    units, needed = KINDS[kind]
    if data is None or (isinstance(data, Scalar) and data.plain() is None):
        data = {}
    check.mapping(f"analyses.{kind}", data, "settings to values")
    given: dict[str, Any] = {}
    for name, value in data.items():
        path = f"analyses.{kind}.{shown(name, 40)}"
        if name not in units:
            raise InputError(f"`{path}` is not known.{check.suggest(name[:60], units)}")
        if isinstance(value, list) or (units[name] == "name" and not isinstance(value, Scalar)):
            raise InputError(f"`{path}` must be one {'name' if units[name] == 'name' else 'number'}, but is a list.")
        given[name] = str(value) if units[name] == "name" else quantity(path, value, units[name])
    for name in needed:
        if name not in given:
            raise InputError(f"`analyses.{kind}` must give `{name}`.")
    return given


def _transient(given: dict[str, Any]) -> Transient:
    found = Transient(given["duration"], given["step"], given.get("start", 0.0), given.get("maximum_step"))
    longest = found.maximum_step
    if not (found.step > 0 and 0 <= found.start < found.duration and (longest is None or longest > 0)):
        raise InputError("`analyses.transient` must have steps above 0 s, and a start of at least 0 s within its duration.")
    if not found.duration / found.step <= MOST_POINTS:
        raise InputError(f"`analyses.transient` must have at most {MOST_POINTS} points; take a longer step.")
    return found


def _sweep(kind: str, given: dict[str, Any]) -> tuple[str, int, float, float]:
    points, start, stop = given.get("points_per_decade", 10.0), given["start"], given["stop"]
    if not (0 < start <= stop < float("inf")):
        raise InputError(f"The frequencies of `analyses.{kind}` must be above 0 Hz and ascend.")
    if not 1 <= points <= MOST_POINTS or points != int(points):
        raise InputError(f"`analyses.{kind}.points_per_decade` must be a whole number from 1 to {MOST_POINTS}.")
    return "dec", int(points), start, stop
