"""Time functions of SPICE sources, with ngspice's defaults for what is left out."""

import dataclasses
import math
from itertools import pairwise
from typing import Any

from devsim.exchange.deck import Transient
from devsim.exchange.spice_lines import Line

UNSUPPORTED = ("sffm", "am", "trnoise", "trrandom", "external", "portnum", "distof1", "distof2")


@dataclasses.dataclass(frozen=True)
class WaveSpec:
    """A waveform as plain data: its class, its fields, and its value at t = 0."""

    kind: str
    fields: dict[str, Any]
    first: float


def waveform(line: Line, name: str, values: list[float], transient: Transient | None) -> WaveSpec:
    """The waveform `name` of a source card from its numbers; `transient` gives the defaults that depend on it."""
    return WAVEFORMS[name](line, values, transient)


def _given(values: list[float], at: int, default: float) -> float:
    return values[at] if at < len(values) else default


def _counted(line: Line, name: str, values: list[float], few: int, most: int, form: str) -> None:
    if not few <= len(values) <= most:
        raise line.error(f"`{name}` must have {few} to {most} numbers, `{name}({form})`, but has {len(values)}.")


def _time(line: Line, values: list[float], at: int, transient: Transient | None, default: str) -> float:
    """A time above 0; where it is 0 or missing, the step or the duration of the transient."""
    if at < len(values) and values[at] != 0:
        if values[at] < 0:
            raise line.error(f"times must be at least 0 s, but one is {values[at]:g} s.")
        return values[at]
    if transient is None:
        raise line.error(f"a time that is missing is the {default} of the transient, but there is no `.tran`; give all times.")
    return getattr(transient, default)


def _pulse(line: Line, values: list[float], transient: Transient | None) -> WaveSpec:
    _counted(line, "pulse", values, 2, 7, "low high delay rise fall width period")
    low, high, delay = values[0], values[1], _given(values, 2, 0.0)
    if delay < 0:
        raise line.error(f"the delay of a pulse must be at least 0 s, but is {delay:g} s.")
    times = {
        "rise_time": _time(line, values, 3, transient, "step"),
        "fall_time": _time(line, values, 4, transient, "step"),
        "width": _time(line, values, 5, transient, "duration"),
        "period": _given(values, 6, 0.0),  # 0 does not come again; ngspice's default comes again when all is over
    }
    if times["period"] < 0:
        raise line.error(f"the period of a pulse must be at least 0 s, but is {times['period']:g} s.")
    return WaveSpec("Pulse", {"low": low, "high": high, "delay": delay} | times, low)


def _sine(line: Line, values: list[float], transient: Transient | None) -> WaveSpec:
    _counted(line, "sin", values, 2, 6, "offset amplitude frequency delay damping phase")
    offset, amplitude = values[:2]
    frequency = _given(values, 2, 0.0) or 1 / _time(line, [], 0, transient, "duration")
    delay, damping, phase = _given(values, 3, 0.0), _given(values, 4, 0.0), math.radians(_given(values, 5, 0.0))
    if delay < 0 or frequency < 0:
        raise line.error("the frequency and the delay of a sine must be at least 0.")
    fields = {"offset": offset, "amplitude": amplitude, "frequency": frequency}
    fields |= {"delay": delay, "damping": damping, "phase": phase}
    return WaveSpec("Sine", fields, offset + amplitude * math.sin(phase))


def _exponential(line: Line, values: list[float], transient: Transient | None) -> WaveSpec:
    _counted(line, "exp", values, 2, 6, "low high rise_delay rise_constant fall_delay fall_constant")
    low, high = values[:2]
    step = transient.step if transient else 0.0
    rise_delay = _given(values, 2, 0.0) or step
    fields = {
        "low": low,
        "high": high,
        "rise_delay": rise_delay,
        "rise_time_constant": _time(line, values, 3, transient, "step"),
        "fall_delay": _given(values, 4, 0.0) or rise_delay + _time(line, values, 4, transient, "step"),
        "fall_time_constant": _time(line, values, 5, transient, "step"),
    }
    if not 0 <= rise_delay <= fields["fall_delay"]:
        raise line.error("the delays of an exponential must be at least 0 s and ascend.")
    return WaveSpec("Exponential", fields, low)


def _piecewise(line: Line, values: list[float], transient: Transient | None) -> WaveSpec:
    times, heights = values[0::2], values[1::2]
    if len(values) < 2 or len(times) != len(heights):
        raise line.error("`pwl` must have pairs of a time and a value.")
    if any(b <= a for a, b in pairwise(times)):
        raise line.error("the times of `pwl` must ascend.")
    if len(times) == 1:
        return WaveSpec("Constant", {"value": heights[0]}, heights[0])
    return WaveSpec("PiecewiseLinear", {"times": times, "values": heights}, _between(times, heights))


def _between(times: list[float], heights: list[float]) -> float:
    """The value at t = 0 on straight lines, held before the first point and behind the last."""
    if times[0] >= 0 or times[-1] <= 0:
        return heights[0] if times[0] >= 0 else heights[-1]
    k = next(k for k in range(1, len(times)) if times[k] > 0)
    share = -times[k - 1] / (times[k] - times[k - 1])
    return heights[k - 1] + share * (heights[k] - heights[k - 1])


WAVEFORMS = {"pulse": _pulse, "sin": _sine, "exp": _exponential, "pwl": _piecewise}
"""SPICE name -> how its numbers are read."""
