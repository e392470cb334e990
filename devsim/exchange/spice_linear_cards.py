"""Cards of linear parts and sources."""

from collections.abc import Iterator

import numpy as np

from devsim import waveform as waves
from devsim.check import InputError
from devsim.exchange.spice_lanes import Lane, celsius, text
from devsim.waveform import Waveform

EDGE = 1e-12
"""The time (s) in which a jump is written: SPICE would replace an edge and a delay of 0 s by its printing step."""
SLOWEST = 1e-30
"""The frequency (Hz) as which 0 Hz is written: SPICE would replace it by one period in the transient."""


def resistor(lane: Lane) -> Iterator[str]:
    """R, with its coefficient and temperature."""
    coefficient = lane.value("temperature_coefficient")
    bent = f" tc1={text(coefficient)}" if coefficient else ""
    value, warm = text(lane.value("resistance")), celsius(lane.value("temperature"))
    yield f"{lane.card('r')} {lane.node('a')} {lane.node('b')} {value}{bent} temp={warm}"


def conductance(lane: Lane) -> Iterator[str]:
    """R, or nothing where the conductance is zero."""
    if value := lane.value("conductance"):
        warm = celsius(lane.value("temperature"))
        yield f"{lane.card('r')} {lane.node('a')} {lane.node('b')} {text(1 / value)} temp={warm}"


def capacitor(lane: Lane) -> Iterator[str]:
    """C, and R for its leakage."""
    a, b = lane.node("a"), lane.node("b")
    yield f"{lane.card('c')} {a} {b} {text(lane.value('capacitance'))}"
    if leak := lane.value("leakage_conductance"):
        yield lane.resistor("leak", a, b, 1 / leak, lane.value("temperature"))


def inductor(lane: Lane) -> Iterator[str]:
    """L, and R for its winding."""
    yield from _winding(lane, "", lane.node("a"), lane.node("b"), lane.value("inductance"), lane.value("series_resistance"))


def coupled_inductors(lane: Lane) -> Iterator[str]:
    """Two L and their K."""
    for winding in ("primary", "secondary"):
        a, b = lane.node(f"{winding}_a"), lane.node(f"{winding}_b")
        yield from _winding(lane, winding, a, b, lane.value(f"{winding}_inductance"), lane.value(f"{winding}_resistance"))
    names = f"{lane.card('l', 'primary')} {lane.card('l', 'secondary')}"
    yield f"{lane.card('k')} {names} {text(lane.value('coupling'))}"


def _winding(lane: Lane, what: str, a: str, b: str, inductance: float, resistance: float) -> Iterator[str]:
    inner = lane.inside(f"{what}winding") if resistance else a
    if resistance:
        yield lane.resistor(f"{what}winding", a, inner, resistance, lane.value("temperature"))
    yield f"{lane.card('l', what)} {inner} {b} {text(inductance)}"


def voltage_source(lane: Lane) -> Iterator[str]:
    """V, in series with R; the terms of a sum of waveforms stand in series."""
    plus, minus, resistance = lane.node("plus"), lane.node("minus"), lane.value("source_resistance")
    if resistance:
        inner = lane.inside("source")
        yield lane.resistor("source", plus, inner, resistance, lane.value("temperature"))
        plus = inner
    terms = _terms(lane)
    for k, wave in enumerate(terms):
        below = minus if k == len(terms) - 1 else lane.inside(f"term{k}")
        yield _source(lane, "v", "voltage", k, plus, below, wave)
        plus = below


def current_source(lane: Lane) -> Iterator[str]:
    """I, in parallel with R; the terms of a sum of waveforms stand in parallel."""
    plus, minus = lane.node("plus"), lane.node("minus")
    for k, wave in enumerate(_terms(lane)):
        yield _source(lane, "i", "current", k, plus, minus, wave)
    if shunt := lane.value("source_conductance"):
        yield lane.resistor("source", plus, minus, 1 / shunt, lane.value("temperature"))


def _terms(lane: Lane) -> list[Waveform | None]:
    found, left = [], [lane.part.waveform]
    while left:
        wave = left.pop()
        if isinstance(wave, waves.Sum):
            left += [wave.second, wave.first]
        else:
            found.append(wave)
    return found


def _source(lane: Lane, letter: str, field: str, term: int, plus: str, minus: str, wave: Waveform | None) -> str:
    """One source card; only its first term carries the direct value and the small signal."""
    direct = lane.value(field) if term == 0 else 0.0
    card = f"{lane.card(letter, f'term{term}' if term else '')} {plus} {minus}"
    if wave is None:
        body = f" dc {text(direct)}"
    else:
        body = f" dc {text(direct + lane.of(wave(0.0)))}{time_function(lane, wave, direct)}"
    if term == 0 and lane.name in lane.sheet.stimuli:
        magnitude, phase = lane.sheet.stimuli[lane.name]
        body += f" ac {text(magnitude)} {text(np.degrees(phase))}"
    return card + body


def time_function(lane: Lane, wave: Waveform, offset: float) -> str:
    """The time function of a source whose direct value is `offset`; empty for a constant."""
    at = lambda field: lane.of(getattr(wave, field))
    match wave:
        case waves.Constant():
            return ""
        case waves.Step():
            edge = max(at("rise_time"), EDGE)
            return _points([at("time"), at("time") + edge], [at("before") + offset, at("after") + offset])
        case waves.Pulse():
            edges = [max(at("rise_time"), EDGE), max(at("fall_time"), EDGE)]
            period = [at("period")] if at("period") else []
            return _function("pulse", [at("low") + offset, at("high") + offset, at("delay"), *edges, at("width"), *period])
        case waves.Sine():
            turns = max(at("frequency"), SLOWEST)
            return _function(
                "sin",
                [at("offset") + offset, at("amplitude"), turns, at("delay"), at("damping"), np.degrees(at("phase"))],
            )
        case waves.Exponential():
            delays = [max(at(f"{way}_delay"), EDGE) for way in ("rise", "fall")]
            times = [delays[0], at("rise_time_constant"), delays[1], at("fall_time_constant")]
            return _function("exp", [at("low") + offset, at("high") + offset, *times])
        case waves.PiecewiseLinear():
            return _points(np.asarray(wave.times), _lane_of(lane, wave.values) + offset)
        case waves.Sampled() if not wave.hold:
            values = _lane_of(lane, wave.values) + offset
            return _points(np.arange(len(values)) * at("interval"), values)
    raise InputError(f"`{lane.name}` cannot be written: SPICE has no waveform like {type(wave).__name__}.")


def _lane_of(lane: Lane, values) -> np.ndarray:
    """The points of one lane, of an array (points,) or (points, n)."""
    array = np.asarray(values)
    return array if array.ndim == 1 else array[(slice(None), *lane.index)]


def _points(times, values) -> str:
    """PWL; two points at one time are put apart, SPICE's times must ascend."""
    apart = np.array(times, float)
    for k in range(1, len(apart)):
        apart[k] = max(apart[k], apart[k - 1] + EDGE)
    return _function("pwl", [number for pair in zip(apart, values, strict=True) for number in pair])


def _function(name: str, numbers) -> str:
    return f" {name}({' '.join(text(number) for number in numbers)})"


def voltage_controlled_voltage_source(lane: Lane) -> Iterator[str]:
    """E."""
    yield f"{lane.card('e')} {_four(lane)} {text(lane.value('gain'))}"


def voltage_controlled_current_source(lane: Lane) -> Iterator[str]:
    """G."""
    yield f"{lane.card('g')} {_four(lane)} {text(lane.value('transconductance'))}"


def current_controlled_current_source(lane: Lane) -> Iterator[str]:
    """F, and a source of 0 V that senses."""
    yield from _sensing(lane, "f", "gain")


def current_controlled_voltage_source(lane: Lane) -> Iterator[str]:
    """H, and a source of 0 V that senses."""
    yield from _sensing(lane, "h", "transresistance")


def _four(lane: Lane) -> str:
    return " ".join(lane.node(pin) for pin in ("plus", "minus", "sense_plus", "sense_minus"))


def _sensing(lane: Lane, letter: str, field: str) -> Iterator[str]:
    sense = lane.card("v", "sense")
    yield f"{sense} {lane.node('sense_plus')} {lane.node('sense_minus')} 0"
    yield f"{lane.card(letter)} {lane.node('plus')} {lane.node('minus')} {sense} {text(lane.value(field))}"
