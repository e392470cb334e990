"""Circuits described once, from which a `Circuit` and a deck for ngspice are made."""

from typing import NamedTuple

import numpy as np

from devsim.circuit import Circuit
from devsim.devices.electrical import (
    Capacitor,
    CoupledInductors,
    CurrentControlledCurrentSource,
    CurrentControlledVoltageSource,
    CurrentSource,
    Diode,
    Inductor,
    LevelOneMOSFET,
    OperationalAmplifier,
    Resistor,
    VoltageControlledCurrentSource,
    VoltageControlledVoltageSource,
    VoltageSource,
)
from devsim.devices.memristor.vteam import VTEAM
from devsim.waveform import Pulse, Sine


class Bench(NamedTuple):
    """What is compared.

    branches: part name -> (part, node of each of its ports). duration, step: s, of a transient. refine: how much finer
    the steps of ngspice are. method: of ours. options: of its `tran`. swept: the source whose small signal is compared.
    first: the lowest frequency of that, Hz.
    """

    branches: dict
    duration: float = 0.0
    step: float = 0.0
    refine: int = 4
    method: str = "trapezoidal"
    options: str = ""
    swept: str | None = None
    first: float = 1e3

    def circuit(self) -> Circuit:
        """The circuit."""
        nets: dict[str, list[str]] = {}
        for name, (part, *nodes) in self.branches.items():
            for port, node in zip(part.ports(), nodes, strict=True):
                nets.setdefault(node, []).append(f"{name}.{port}")
        return Circuit({name: branch[0] for name, branch in self.branches.items()}, {n: tuple(p) for n, p in nets.items()})

    def cards(self) -> list[str]:
        """The deck, without its analysis."""
        found = []
        for name, (part, *nodes) in self.branches.items():
            nodes = ["0" if node == "gnd" else node for node in nodes]
            found += CARDS[type(part)](name, part, *nodes, *(["ac 1"] if name == self.swept else []))
        return found

    def nodes(self) -> list[str]:
        """Every node but ground."""
        return list(dict.fromkeys(node for _, *nodes in self.branches.values() for node in nodes if node != "gnd"))


def warmed(circuit: Circuit, ratio: float) -> Circuit:
    """The circuit with the kT/q of its diodes `ratio` times as large."""
    for name, part in circuit.parts.items():
        if isinstance(part, Diode):
            circuit = circuit.set(f"{name}.temperature", part.temperature * ratio)
    return circuit


# --- Cards ------------------------------------------------------------------------------------------


def number(value) -> str:
    """All digits."""
    return f"{float(value):.17g}"


def source(letter, level, waveform, extra) -> str:
    """The value of an independent source: level, waveform, `ac 1`."""
    level = float(level)
    if isinstance(waveform, Pulse):
        w = waveform
        told = [level + float(w.low), level + float(w.high), w.delay, w.rise_time, w.fall_time, w.width]
        told += [w.period] if float(w.period) else []
        return f"dc {number(told[0])} {extra} pulse({' '.join(number(v) for v in told)})"
    if isinstance(waveform, Sine):
        told = [level + float(waveform.offset), waveform.amplitude, waveform.frequency, waveform.delay, waveform.damping]
        return f"dc {number(told[0])} {extra} sin({' '.join(number(v) for v in told)})"
    assert waveform is None, waveform
    return f"dc {number(level)} {extra}"


def _voltage(name, part, plus, minus, extra=""):
    inner = f"{name}_inner" if float(part.source_resistance) else plus
    cards = [f"v{name} {inner} {minus} {source('v', part.voltage, part.waveform, extra)}"]
    return cards + ([f"rr{name} {plus} {inner} {number(part.source_resistance)}"] if inner != plus else [])


def _current(name, part, plus, minus, extra=""):
    return [f"i{name} {plus} {minus} {source('i', part.current, part.waveform, extra)}"]


def _inductor(name, part, a, b):
    resistance = float(part.series_resistance)
    if not resistance:
        return [f"l{name} {a} {b} {number(part.inductance)}"]
    return [f"l{name} {a} {name}_inner {number(part.inductance)}", f"rl{name} {name}_inner {b} {resistance:.17g}"]


def _coupled(name, part, a, b, c, d):
    cards = [
        f"l{name}1 {a} {name}_i1 {number(part.primary_inductance)}",
        f"rl{name}1 {name}_i1 {b} {number(part.primary_resistance)}",
    ]
    cards += [f"l{name}2 {c} {name}_i2 {number(part.secondary_inductance)}"]
    return [
        *cards,
        f"rl{name}2 {name}_i2 {d} {number(part.secondary_resistance)}",
        f"k{name} l{name}1 l{name}2 {number(part.coupling)}",
    ]


def _diode(name, part, anode, cathode):
    law = f".model md{name} d(is={number(part.saturation_current)} n={number(part.ideality)} tnom=26.85)"
    return [f"d{name} {anode} {cathode} md{name}", law]


def _mosfet(name, part, drain, gate, source, bulk):
    told = {"vto": "threshold", "kp": "transconductance", "gamma": "body_effect", "phi": "surface_potential"}
    told |= {"lambda": "length_modulation", "is": "saturation_current", "cgso": "gate_source_overlap"}
    told |= {"cgdo": "gate_drain_overlap", "cgbo": "gate_bulk_overlap", "cbd": "drain_junction_capacitance"}
    told |= {"cbs": "source_junction_capacitance", "pb": "junction_potential", "mj": "junction_grading"}
    law = " ".join(f"{card}={number(part.get(field))}" for card, field in told.items())
    size = f"w={number(part.width)} l={number(part.length)}"
    return [
        f"m{name} {drain} {gate} {source} {bulk} mm{name} {size}",
        f".model mm{name} {part.polarity}mos(level=1 fc=0.5 {law})",
    ]


def _amplifier(name, part, plus, minus, out):
    """A / (1 + A tau s) by an E source into a low pass, behind another E source and the output resistance."""
    gain, tau = 1 / float(part.inverse_gain), float(part.time_constant)
    assert not any(float(part.get(n)) for n in ("offset", "inverse_swing", "inverse_slew_rate", "input_conductance"))
    return [
        f"e{name} {name}_e 0 {plus} {minus} {number(gain)}",
        f"rp{name} {name}_e {name}_stage 1e3",
        f"cp{name} {name}_stage 0 {number(gain * tau / 1e3)}",
        f"eo{name} {name}_o 0 {name}_stage 0 1",
        f"ro{name} {name}_o {out} {number(part.output_resistance)}",
    ]


def _sensed(letter, field):
    """F and H, whose controlling current flows through a source of 0 V."""

    def cards(name, part, plus, minus, high, low):
        return [f"vs{name} {high} {low} 0", f"{letter}{name} {plus} {minus} vs{name} {number(part.get(field))}"]

    return cards


def _memristor(name, part, a, b):
    """The state over its length as the voltage of a capacitor of 1 uF that a B source charges; it starts from `uic`."""
    volts, state = f"(v({a})-v({b}))", f"{name}_state"
    span = number(part.high_resistance - part.low_resistance)

    def speed(side):
        rate, limit, power = (getattr(part, f"{side}_{what}") for what in ("speed", "threshold", "exponent"))
        return f"({number(rate / part.length)})*(max({volts}/({number(limit)}),1)-1)**({number(power)})"

    return [
        f"b{name} {a} {b} i={volts}/({number(part.low_resistance)}+{span}*v({state}))",
        f"bs{name} 0 {state} i=1e-6*({speed('off')}+{speed('on')})",
        f"cs{name} {state} 0 1e-6 ic={number(part.initial / part.length)}",
    ]


CARDS = {
    Resistor: lambda name, part, a, b: [f"r{name} {a} {b} {number(part.resistance)}"],
    Capacitor: lambda name, part, a, b: [f"c{name} {a} {b} {number(part.capacitance)}"],
    Inductor: _inductor,
    CoupledInductors: _coupled,
    VoltageSource: _voltage,
    CurrentSource: _current,
    Diode: _diode,
    LevelOneMOSFET: _mosfet,
    OperationalAmplifier: _amplifier,
    VTEAM: _memristor,
    VoltageControlledVoltageSource: lambda name, part, *n: [f"e{name} {' '.join(n)} {number(part.gain)}"],
    VoltageControlledCurrentSource: lambda name, part, *n: [f"g{name} {' '.join(n)} {number(part.transconductance)}"],
    CurrentControlledCurrentSource: _sensed("f", "gain"),
    CurrentControlledVoltageSource: _sensed("h", "transresistance"),
}
"""Class of a part -> its cards, from its name, itself, and the nodes of its ports."""


# --- Circuits ---------------------------------------------------------------------------------------

N = dict(transconductance=1e-4, length_modulation=0.02, body_effect=0.4, surface_potential=0.65)
P = dict(transconductance=4e-5, length_modulation=0.03, body_effect=0.5, surface_potential=0.7, polarity="p")


def pulse(high, step, low=0.0, **told):
    """A pulse of edges of `step` s."""
    return VoltageSource(0.0, waveform=Pulse(low, high, rise_time=step, fall_time=step, **told))


def ladder(sections, step):
    """Resistors in a row, capacitors to ground."""
    branches = {"drive": (pulse(1.0, 20 * step, delay=step, width=100 * step), "n0", "gnd")}
    for k in range(sections):
        branches[f"r{k}"] = (Resistor(100.0 * (1 + 0.1 * k)), f"n{k}", f"n{k + 1}")
        branches[f"c{k}"] = (Capacitor(1e-11), f"n{k + 1}", "gnd")
    return branches


def crossbar(size, step):
    """Rows driven through 200 ohm, columns sensed through 500 ohm, 50 fF on every line."""
    random = np.random.default_rng(8)
    branches = {}
    for i in range(size):
        volts = float(random.uniform(-0.5, 0.5))
        source = VoltageSource(
            0.0,
            source_resistance=200.0,
            waveform=Pulse(0.1, volts, delay=4 * step, rise_time=20 * step, fall_time=step, width=1.0),
        )
        branches[f"v{i}"] = (source, f"r{i}", "gnd")
        branches[f"cr{i}"] = (Capacitor(5e-14 * (1 + 0.1 * i)), f"r{i}", "gnd")
        branches[f"cc{i}"] = (Capacitor(5e-14), f"c{i}", "gnd")
        branches[f"rs{i}"] = (Resistor(500.0), f"c{i}", "gnd")
        for j in range(size):
            branches[f"x{i}_{j}"] = (Resistor(float(np.exp(random.uniform(np.log(1e3), np.log(1e5))))), f"r{i}", f"c{j}")
    return branches


def inverters(count, driven=None):
    """A ring of inverters of different strengths; where it is `driven` (V), a chain."""
    branches = {"supply": (VoltageSource(3.0), "vdd", "gnd")}
    if driven is not None:
        branches["drive"] = (VoltageSource(driven), "n0", "gnd")
    for k in range(count):
        before, after = f"n{k}", f"n{(k + 1) % count if driven is None else k + 1}"
        branches[f"up{k}"] = (LevelOneMOSFET(-0.7, width=1e-4 * (2 + 0.3 * k), **P), after, before, "vdd", "vdd")
        branches[f"down{k}"] = (LevelOneMOSFET(0.6 + 0.02 * k, **N), after, before, "gnd", "gnd")
    return branches


PAIR = {
    "supply": (VoltageSource(5.0), "vdd", "gnd"),
    "bias": (CurrentSource(1e-4), "tail", "gnd"),
    "drive": (VoltageSource(2.5), "left", "gnd"),
    "reference": (VoltageSource(2.49), "right", "gnd"),
    "m1": (LevelOneMOSFET(0.6, width=1e-3, drain_junction_capacitance=1e-13, **N), "mirror", "left", "tail", "gnd"),
    "m2": (LevelOneMOSFET(0.6, width=1e-3, drain_junction_capacitance=1e-13, **N), "out", "right", "tail", "gnd"),
    "m3": (LevelOneMOSFET(-0.7, width=5e-4, **P), "mirror", "mirror", "vdd", "vdd"),
    "m4": (LevelOneMOSFET(-0.7, width=5e-4, **P), "out", "mirror", "vdd", "vdd"),
    "load": (Capacitor(1e-12), "out", "gnd"),
    "leak": (Resistor(1e6), "out", "gnd"),
}
RECTIFIER = {
    "drive": (VoltageSource(0.0, source_resistance=10.0, waveform=Sine(0.0, 5.0, 1e3)), "hot", "cold"),
    "d1": (Diode(1e-12, ideality=1.4), "hot", "plus"),
    "d2": (Diode(1e-12, ideality=1.4), "cold", "plus"),
    "d3": (Diode(2e-12, ideality=1.6), "gnd", "hot"),
    "d4": (Diode(1e-12, ideality=1.4), "gnd", "cold"),
    "load": (Resistor(1e3), "plus", "gnd"),
    "store": (Capacitor(2e-6), "plus", "gnd"),
    "c1": (Capacitor(1e-9), "hot", "gnd"),
    "c2": (Capacitor(1e-9), "cold", "gnd"),
}
AMPLIFIER = {
    "supply": (VoltageSource(5.0), "vdd", "gnd"),
    "drive": (VoltageSource(0.0, waveform=Sine(0.0, 0.1, 1e6)), "in", "gnd"),
    "couple": (Capacitor(1e-9), "in", "gate"),
    "upper": (Resistor(3e5), "vdd", "gate"),
    "lower": (Resistor(1e5), "gate", "gnd"),
    "m": (
        LevelOneMOSFET(
            0.7, width=1e-3, gate_drain_overlap=2e-10, gate_source_overlap=3e-10, drain_junction_capacitance=2e-13, **N
        ),
        "drain",
        "gate",
        "source",
        "gnd",
    ),
    "rd": (Resistor(5e3), "vdd", "drain"),
    "rs": (Resistor(200.0), "source", "gnd"),
    "load": (Capacitor(2e-12), "drain", "gnd"),
}
FILTER = {
    "drive": (pulse(1.0, 2e-7, delay=2e-7, width=2e-5), "in", "gnd"),
    "r1": (Resistor(1e4), "in", "mid"),
    "r2": (Resistor(1e4), "mid", "plus"),
    "c1": (Capacitor(2e-10), "mid", "out"),
    "c2": (Capacitor(1e-10), "plus", "gnd"),
    "a": (OperationalAmplifier.of(gain=1e4, unity_gain_frequency=5e6, output_resistance=50.0), "plus", "out", "out"),
}
TRANSFORMER = {
    "drive": (pulse(1.0, 2e-8, delay=2e-8, width=2e-6), "in", "gnd"),
    "rs": (Resistor(50.0), "in", "prim"),
    "t": (
        CoupledInductors(1e-5, 4e-5, coupling=0.9, primary_resistance=1.0, secondary_resistance=2.0),
        "prim",
        "gnd",
        "sec",
        "gnd",
    ),
    "c": (Capacitor(1e-9), "sec", "gnd"),
    "load": (Resistor(1e3), "sec", "gnd"),
}
CONTROLLED = {
    "drive": (pulse(1.0, 1e-8, delay=2e-8, width=1e-6), "in", "gnd"),
    "r1": (Resistor(1e3), "in", "a"),
    "c1": (Capacitor(1e-10), "a", "gnd"),
    "e": (VoltageControlledVoltageSource(2.5), "b", "gnd", "a", "gnd"),
    "r2": (Resistor(2e3), "b", "c"),
    "f": (CurrentControlledCurrentSource(3.0), "gnd", "d", "c", "gnd"),
    "r3": (Resistor(500.0), "d", "gnd"),
    "c3": (Capacitor(2e-10), "d", "gnd"),
    "g": (VoltageControlledCurrentSource(2e-3), "gnd", "h", "d", "a"),
    "r4": (Resistor(700.0), "h", "k"),
    "x": (CurrentControlledVoltageSource(1.5e3), "out", "gnd", "k", "gnd"),
    "r5": (Resistor(1e3), "out", "gnd"),
}
SOFT = VTEAM(on_speed=-1e-3, off_speed=5e-4, on_threshold=-0.3, off_threshold=0.25, off_exponent=2.0, initial=1e-9)
CIRCUITS = {
    "low pass": Bench(
        {
            "drive": (pulse(1.0, 1e-8, delay=2e-8, width=2e-6), "in", "gnd"),
            "r": (Resistor(), "in", "out"),
            "c": (Capacitor(2e-10), "out", "gnd"),
        },
        4e-6,
        1e-8,
        swept="drive",
    ),
    "ringing": Bench(
        {
            "drive": (pulse(1.0, 1e-8, delay=2e-8, width=1e-6), "in", "gnd"),
            "r": (Resistor(20.0), "in", "mid"),
            "l": (Inductor(1e-5, series_resistance=3.0), "mid", "out"),
            "c": (Capacitor(), "out", "gnd"),
        },
        4e-6,
        5e-9,
        swept="drive",
    ),
    "rectifier": Bench(RECTIFIER, 2e-3, 2e-6),
    "common source": Bench(AMPLIFIER, 1e-6, 2e-9, method="tr_bdf2", swept="drive"),
    "ring of inverters": Bench(inverters(5)),
    "longer ring of inverters": Bench(inverters(7)),
    "chain of inverters": Bench(inverters(15, driven=1.2)),
    "memristor": Bench(
        {
            "drive": (VoltageSource(0.0, waveform=Sine(0.0, 0.6, 1e5)), "in", "gnd"),
            "m": (SOFT, "in", "out"),
            "r": (Resistor(100.0), "out", "gnd"),
        },
        2e-5,
        2e-8,
        options="uic",
    ),
    "active filter": Bench(FILTER, 4e-5, 5e-8, swept="drive"),
    "crossbar": Bench(crossbar(16, 1e-12), 4e-10, 1e-12, refine=2, swept="v3", first=1e6),
    "ladder": Bench(ladder(20, 1e-10), 4e-8, 1e-10, swept="drive", first=1e5),
    "transformer": Bench(TRANSFORMER, 4e-6, 5e-9, swept="drive"),
    "controlled sources": Bench(CONTROLLED, 2e-6, 2.5e-9, swept="drive"),
    "diode clamp": Bench(
        {
            "drive": (pulse(5.0, 1e-8, low=-5.0, delay=5e-8, width=1e-6), "in", "gnd"),
            "r": (Resistor(), "in", "out"),
            "rail": (VoltageSource(2.0), "rail", "gnd"),
            "up": (Diode(1e-13, ideality=1.2), "out", "rail"),
            "down": (Diode(1e-13, ideality=1.2), "gnd", "out"),
            "c": (Capacitor(1e-10), "out", "gnd"),
        },
        2e-6,
        2e-9,
    ),
    "differential pair": Bench(PAIR, swept="drive"),
}
"""Name -> bench."""
