"""Cards of nonlinear parts: junctions and transistors as models, memristors and EKV transistors as behavioural sources."""

from collections.abc import Iterator

import numpy as np

from devsim.check import InputError
from devsim.devices.electrical.mosfet import SIGNS
from devsim.devices.electrical.silicon import surface_potential_at
from devsim.devices.memristor.conduction import Conduction, Cubic, Ohmic, Sinh
from devsim.devices.memristor.window import NoWindow
from devsim.exchange.deck import SmallSignal, Transient
from devsim.exchange.spice_lanes import Lane, across, celsius, text
from devsim.physics import ROOM_TEMPERATURE, thermal_voltage

LEVEL_ONE = {
    "vto": "threshold",
    "kp": "transconductance",
    "gamma": "body_effect",
    "phi": "surface_potential",
    "lambda": "length_modulation",
    "is": "saturation_current",
    "cgso": "gate_source_overlap",
    "cgdo": "gate_drain_overlap",
    "cgbo": "gate_bulk_overlap",
    "cbd": "drain_junction_capacitance",
    "cbs": "source_junction_capacitance",
    "pb": "junction_potential",
    "mj": "junction_grading",
}
"""SPICE's parameter -> the field of `LevelOneMOSFET`."""


DIODE_CHARGE = {
    "cjo": "junction_capacitance",
    "vj": "built_in_potential",
    "m": "grading",
    "fc": "depletion_factor",
    "tt": "transit_time",
}
"""SPICE's parameter -> the field of `Diode`."""


def diode(lane: Lane) -> Iterator[str]:
    """D with a model of its own, whose parameters are those at its temperature."""
    anode, cathode, model = lane.node("anode"), lane.node("cathode"), lane.card("m", "model")
    warm = celsius(lane.value("temperature"))
    yield f"{lane.card('d')} {anode} {cathode} {model} temp={warm}"
    law = f"is={text(lane.value('saturation_current'))} n={text(lane.value('ideality'))} tnom={warm}"
    if lane.value("junction_capacitance") or lane.value("transit_time"):
        law += "".join(f" {name}={text(lane.value(field))}" for name, field in DIODE_CHARGE.items())
    yield f".model {model} d({law})"
    yield from _beyond_gmin(lane, "gmin", anode, cathode)


def _beyond_gmin(lane: Lane, what: str, a: str, b: str) -> Iterator[str]:
    """The conductance of a junction beyond the `gmin` that the whole deck has."""
    more = lane.value("minimum_conductance") - lane.sheet.gmin
    if more > 1e-9 * lane.sheet.gmin:
        yield lane.resistor(what, a, b, 1 / more)


def level_one(lane: Lane) -> Iterator[str]:
    """M with a model of level 1 of its own."""
    nodes = [lane.node(pin) for pin in ("drain", "gate", "source", "bulk")]
    size = f"w={text(lane.value('width'))} l={text(lane.value('length'))}"
    model = lane.card("m", "model")
    law = " ".join(f"{name}={text(lane.value(field))}" for name, field in LEVEL_ONE.items())
    yield f"{lane.card('m')} {' '.join(nodes)} {model} {size} temp={celsius(lane.value('temperature'))}"
    yield f".model {model} {lane.part.polarity}mos(level=1 {law})"
    yield from _beyond_gmin(lane, "gmin_drain", nodes[3], nodes[0])
    yield from _beyond_gmin(lane, "gmin_source", nodes[3], nodes[2])


def ekv(lane: Lane) -> Iterator[str]:
    """The current of an EKV transistor as a behavioural source, and its overlap capacitances."""
    lane.behavioural()
    if lane.sheet.asked & {Transient, SmallSignal}:
        raise InputError(
            f"`{lane.name}` cannot be written for a transient or a small signal: the charge of an EKV channel has no card."
        )
    drain, gate, source, bulk = (lane.node(pin) for pin in ("drain", "gate", "source", "bulk"))
    sign, temperature = SIGNS[lane.part.polarity], lane.value("temperature")
    thermal, body = thermal_voltage(temperature), lane.value("body_effect")
    phi = float(surface_potential_at(lane.value("surface_potential"), temperature))
    moved = lane.value("threshold_coefficient") * (temperature - ROOM_TEMPERATURE)
    shift = -(sign * lane.value("threshold") - moved) + phi + body * np.sqrt(phi)
    gain = lane.value("transconductance") * (temperature / ROOM_TEMPERATURE) ** lane.value("mobility_exponent")
    gain *= lane.value("width") / lane.value("length")
    told = lambda a, b: f"{text(sign)}*{across(a, b)}"
    depth, pinch = lane.inside("depth"), lane.inside("pinch")
    above = f"max(v({depth}),0)"
    square = f"((sqrt({above}+{text(body**2 / 4)})-{text(body / 2)})^2)"
    soft = lambda end: f"(ln(1+exp(min(((v({pinch})-{told(end, bulk)})/{text(thermal)})/2,300)))^2)"
    slope = f"(1+{text(body)}/(2*sqrt(v({pinch})+{text(phi + 4 * thermal)})))"
    positive = f"((v({pinch})+sqrt(v({pinch})^2+{text(2 * thermal**2)}))/2)"
    mobility = f"({text(gain)}/(1+{text(lane.value('mobility_reduction'))}*{positive}))"
    swing = told(drain, source)
    longer = f"(1+{text(lane.value('length_modulation'))}*{swing}*tanh({swing}/{text(4 * thermal)}))"
    current = f"{text(sign * 2 * thermal**2)}*{slope}*{mobility}*({soft(source)}-{soft(drain)})*{longer}"
    yield f"{lane.card('b', 'depth')} {depth} 0 v={told(gate, bulk)}+{text(shift)}"
    yield f"{lane.card('b', 'pinch')} {pinch} 0 v={square}-{text(phi)}"
    yield f"{lane.card('b', 'channel')} {drain} {source} i={current}"
    if edge := lane.value("width") * lane.value("overlap_capacitance"):
        yield f"{lane.card('c', 'drain')} {gate} {drain} {text(edge)}"
        yield f"{lane.card('c', 'source')} {gate} {source} {text(edge)}"


def _state(lane: Lane, start: float, rate: str) -> Iterator[str]:
    """A state between 0 and 1 as the potential of a node: integrated where there is a transient, else held."""
    lane.behavioural()
    node = lane.inside("state")
    if lane.sheet.moving and lane.sheet.asked - {Transient}:
        raise InputError(
            f"`{lane.name}` cannot be written for a transient, in which its state moves, beside another analysis, which holds"
            " it; write two decks."
        )
    if not lane.sheet.moving:
        yield f"{lane.card('v', 'state')} {node} 0 {text(start)}"
        return
    inside = f"(v({node})<=0 && {rate}<0) || (v({node})>=1 && {rate}>0) ? 0 : {rate}"
    yield f"{lane.card('c', 'state')} {node} 0 1"
    yield f"{lane.card('b', 'rate')} 0 {node} i={inside}"
    lane.sheet.initial[node] = start


def vteam(lane: Lane) -> Iterator[str]:
    """The current as a behavioural source; the state, as a share of its length, as the potential of a node."""
    if not isinstance(lane.part.window, NoWindow):
        raise InputError(
            f"`{lane.name}` cannot be written: its window must be NoWindow, but is {type(lane.part.window).__name__}."
        )
    a, b, length = lane.node("a"), lane.node("b"), lane.value("length")
    voltage, share = across(a, b), f"v({lane.inside('state')})"
    speed = lambda end: (
        f"{text(lane.value(f'{end}_speed') / length)}*pwr(max({voltage}/{text(lane.value(f'{end}_threshold'))}-1,0),"
        f"{text(lane.value(f'{end}_exponent'))})"
    )
    yield from _state(lane, lane.value("initial") / length, f"({speed('off')}+{speed('on')})")
    resistance = f"({text(lane.value('high_resistance'))}*{share}+{text(lane.value('low_resistance'))}*(1-{share}))"
    yield f"{lane.card('b', 'current')} {a} {b} i={voltage}/{resistance}"


def yakopcic(lane: Lane) -> Iterator[str]:
    """The current as a behavioural source; the state as the potential of a node."""
    a, b = lane.node("a"), lane.node("b")
    voltage, state, of = across(a, b), f"v({lane.inside('state')})", lambda field: text(lane.value(field))
    up = f"{of('up_speed')}*max(exp({voltage})-{text(np.exp(lane.value('up_threshold')))},0)"
    down = f"{of('down_speed')}*max(exp(-{voltage})-{text(np.exp(lane.value('down_threshold')))},0)"
    free = f"({of('direction')}*({up}-{down}))"
    high, low = lane.value("up_knee"), lane.value("down_knee")
    top = f"({state}>={text(high)} ? exp(-{of('up_decay')}*({state}-{text(high)}))*(1-{state})/{text(1 - high)} : 1)"
    bottom = f"({state}<={text(1 - low)} ? exp({of('down_decay')}*({state}-{text(1 - low)}))*{state}/{text(1 - low)} : 1)"
    yield from _state(lane, lane.value("initial"), f"({free}*({free}>0 ? {top} : {bottom}))")
    scale = f"({voltage}>=0 ? {of('up_current')} : {of('down_current')})"
    yield f"{lane.card('b', 'current')} {a} {b} i={scale}*{state}*sinh({of('bend')}*{voltage})"


def cell(lane: Lane) -> Iterator[str]:
    """A programmed cell: R, or a behavioural source where its curve is bent."""
    yield from conducting(lane, "", lane.node("a"), lane.node("b"), lane.of(lane.part.conductance()), lane.part.conduction)


def conducting(lane: Lane, what: str, a: str, b: str, siemens: float, law: Conduction) -> Iterator[str]:
    """One cell of conductance `siemens` between two nodes; nothing where it is zero."""
    if not siemens:
        return
    voltage = across(a, b)
    strength = float(np.max(np.asarray(getattr(law, "strength", 0.0))))
    if isinstance(law, Ohmic) or not strength:
        yield f"{lane.card('r', what)} {a} {b} {text(1 / siemens)}"
    elif np.ndim(getattr(law, "strength", 0.0)) or not isinstance(law, Cubic | Sinh):
        raise InputError(f"`{lane.name}` cannot be written: its cells conduct as {type(law).__name__}, which has no card.")
    else:
        lane.behavioural()
        bent = f"{voltage}*(1+{text(strength)}*{voltage}^2)"
        bent = bent if isinstance(law, Cubic) else f"sinh({text(strength)}*{voltage})/{text(strength)}"
        yield f"{lane.card('b', what)} {a} {b} i={text(siemens)}*{bent}"


def amplifier(lane: Lane) -> Iterator[str]:
    """The gain stage as a current into R and C, the output as E behind R."""
    for field in ("inverse_swing", "inverse_slew_rate"):
        if lane.value(field):
            raise InputError(f"`{lane.name}` cannot be written: its limits (`{field}`) have no card; set them to 0.")
    if not lane.value("inverse_gain"):
        raise InputError(f"`{lane.name}` cannot be written: its gain must be finite; set `inverse_gain` above 0.")
    plus, minus, out, stage, bias = (
        *(lane.node(pin) for pin in ("plus", "minus", "out")),
        lane.inside("stage"),
        lane.inside("bias"),
    )
    yield f"{lane.card('v', 'offset')} {plus} {bias} {text(lane.value('offset'))}"
    yield f"{lane.card('g', 'stage')} 0 {stage} {bias} {minus} 1"
    yield f"{lane.card('r', 'stage')} {stage} 0 {text(1 / lane.value('inverse_gain'))}"
    if constant := lane.value("time_constant"):
        yield f"{lane.card('c', 'stage')} {stage} 0 {text(constant)}"
    if leak := lane.value("input_conductance"):
        yield lane.resistor("input", plus, minus, 1 / leak)
    inner = lane.inside("out") if lane.value("output_resistance") else out
    yield f"{lane.card('e', 'out')} {inner} 0 {stage} 0 1"
    if resistance := lane.value("output_resistance"):
        yield lane.resistor("out", inner, out, resistance, lane.value("temperature"))
