"""`write_spice`: an electrical circuit as a deck that ngspice runs."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from devsim import check
from devsim.check import InputError, shown
from devsim.circuit import Circuit
from devsim.devices.electrical.level_one import LevelOneMOSFET
from devsim.devices.electrical.passive import Diode
from devsim.devices.memristor.cell import Cell
from devsim.devices.memristor.crossbar import Crossbar
from devsim.exchange import spice_device_cards as device
from devsim.exchange import spice_linear_cards as linear
from devsim.exchange.deck import Analysis, NoiseAnalysis, OperatingPoint, SmallSignal, Transient
from devsim.exchange.spice_lanes import Lane, Sheet, celsius, lanes, text
from devsim.part import Element
from devsim.physics import ROOM_TEMPERATURE

LEAST_GMIN = 1e-18
MOST_PRINTED = 60
"""Nodes that a deck asks ngspice to print, the first ones."""
WRITERS: dict[str, Callable[[Lane], Iterator[str]]] = {
    "Capacitor": linear.capacitor,
    "ConductanceBus": linear.conductance,
    "CoupledInductors": linear.coupled_inductors,
    "CurrentControlledCurrentSource": linear.current_controlled_current_source,
    "CurrentControlledVoltageSource": linear.current_controlled_voltage_source,
    "CurrentSource": linear.current_source,
    "Diode": device.diode,
    "Inductor": linear.inductor,
    "LevelOneMOSFET": device.level_one,
    "MOSFET": device.ekv,
    "OperationalAmplifier": device.amplifier,
    "Resistor": linear.resistor,
    "VTEAM": device.vteam,
    "VoltageControlledCurrentSource": linear.voltage_controlled_current_source,
    "VoltageControlledVoltageSource": linear.voltage_controlled_voltage_source,
    "VoltageSource": linear.voltage_source,
    "Yakopcic": device.yakopcic,
}
"""Class -> the cards of one lane of it."""


def write_spice(
    circuit: Circuit,
    *,
    title: str,
    analyses: Iterable[Analysis] = (),
    stimuli: Mapping[str, tuple[float, float]] | None = None,
) -> str:
    """The deck of a circuit of electrical parts, buses and crossbars spelled out wire by wire.

    stimuli: source -> magnitude (V or A) and phase (rad) of its small signal. Names are made fit for SPICE; comments say
    which net became which node. A memristor's state is integrated where there is a transient, else held; a jump of a
    waveform is written as an edge of 1 ps.

    Raises InputError, naming the part and its class, for what has no card, for a circuit with inputs, and for analyses
    and stimuli that name what is not there.
    """
    check.instance("circuit", circuit, Circuit)
    circuit.check_single()
    analyses, stimuli = list(analyses), dict(stimuli or {})
    if circuit.netlist.inputs:
        name = circuit.netlist.inputs[0][0]
        raise InputError(f"A circuit with inputs cannot be written as a deck; join a source to `{name}` in its place.")
    for source in stimuli:
        check.one_of("stimuli", source, circuit.netlist.names())
    parts = circuit.parts
    junctions = [part.minimum_conductance for part in parts.values() if isinstance(part, Diode | LevelOneMOSFET)]
    gmin = max(min(float(np.min(np.asarray(each))) for each in junctions), LEAST_GMIN) if junctions else 1e-12
    sheet = Sheet(frozenset(type(each) for each in analyses), gmin, _with_noise_sources(analyses, stimuli))
    pins = {pin: net for net, joined in circuit.nets.items() for pin in joined}
    cards: list[str] = []
    for name, part in parts.items():
        nets = {port: pins[f"{name}.{port}"] for port in part.ports()}
        cards += _cards(sheet, name, part, nets)
    room = celsius(ROOM_TEMPERATURE)
    head = [shown(title, 100) or "untitled", *_renamed(sheet), f".options temp={room} tnom={room} gmin={text(gmin)}"]
    initial = [f".ic v({node})={text(value)}" for node, value in sheet.initial.items()]
    asked = [_analysis(sheet, circuit, each) for each in analyses]
    return "\n".join([*head, *cards, *initial, *asked, *_prints(sheet, circuit, analyses), ".end", ""])


def _with_noise_sources(analyses: list[Analysis], stimuli: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """The stimuli, and one for the source of each noise analysis, to which ngspice refers the noise.

    It is of size one, but zero where it would add to the stimuli of a small signal.
    """
    size = 0.0 if stimuli and any(isinstance(each, SmallSignal) for each in analyses) else 1.0
    return {each.source: (size, 0.0) for each in analyses if isinstance(each, NoiseAnalysis)} | stimuli


def _prints(sheet: Sheet, circuit: Circuit, analyses: list[Analysis]) -> list[str]:
    """What ngspice prints in a batch: the nets of the circuit, or the noise; `.op` prints by itself.

    `.save all` keeps all for every analysis: without it ngspice 39 loses the small signal beside a transient.
    """
    nodes = [name for key, name in sheet.nodes.given.items() if len(key) == 2 and key[0] in circuit.nets]
    told = " ".join(f"v({node})" for node in nodes[:MOST_PRINTED])
    wanted = {Transient: f".print tran {told}", SmallSignal: f".print ac {told}", NoiseAnalysis: ".print noise all"}
    cards = [wanted[type(each)] for each in analyses if type(each) in wanted and nodes]
    return [".save all", *dict.fromkeys(cards)] if cards else []


def _cards(sheet: Sheet, name: str, part: Element, nets: dict[str, str]) -> list[str]:
    if isinstance(part, Crossbar):
        return list(_crossbar(Lane(sheet, name, part, nets, ())))
    write = device.cell if isinstance(part, Cell) else WRITERS.get(type(part).__name__)
    if write is None:
        known = ", ".join([*sorted(WRITERS), "cells", "Crossbar"])
        raise InputError(f"`{name}` cannot be written as a deck: a {type(part).__name__} has no card; known are {known}.")
    return [card for lane in lanes(sheet, name, part, nets) for card in write(lane)]


def _crossbar(array: Lane) -> Iterator[str]:
    """Drivers, word lines, cells, bit lines and sense resistances, as in `devsim.devices.memristor.wire_grid`."""
    part, sheet = array.part, array.sheet
    if part.two_sided or part.tile is not None or not np.all(np.asarray(part.row_mask) == 1):
        raise InputError(f"`{array.name}` cannot be written: it must be one array, driven from one side, with all rows on.")
    conductance = np.asarray(part.conductances())
    rows, wires = conductance.shape
    ends = _wire_ends(array, wires)
    value = lambda field: float(getattr(part, field))
    word, bit = (value("wire_resistance") + value(f"{line}_line_resistance") for line in ("word", "bit"))
    for i in range(rows):
        yield array.resistor(
            f"driver{i}", sheet.node(array.nets["rows"], (i,)), array.inside(f"row{i}"), value("driver_resistance")
        )
    for j in range(wires):
        yield array.resistor(f"sense{j}", array.inside(f"column{j}"), ends[j], value("sense_resistance"))
    for i, j in np.ndindex(rows, wires):
        left = array.inside(f"row{i}" if j == 0 else f"word{i}_{j - 1}")
        below = array.inside(f"column{j}" if i == rows - 1 else f"bit{i + 1}_{j}")
        here = array.inside(f"word{i}_{j}"), array.inside(f"bit{i}_{j}")
        yield array.resistor(f"word{i}_{j}", left, here[0], word)
        yield array.resistor(f"bit{i}_{j}", here[1], below, bit)
        yield from device.conducting(array, f"cell{i}_{j}", *here, conductance[i, j], part.cell.conduction)


def _wire_ends(array: Lane, wires: int) -> list[str]:
    """The node at the end of every bit line."""
    encoding = array.part.encoding
    columns = encoding.columns(wires)
    width = encoding.reference(columns) or 0
    order = np.asarray(encoding.join(np.arange(columns), columns + np.arange(width) if width else None))
    at = lambda k: ("columns", k) if k < columns else ("reference", k - columns)
    return [array.sheet.node(array.nets[at(int(k))[0]], (at(int(k))[1],)) for k in order]


def _renamed(sheet: Sheet) -> list[str]:
    """Comments that say which net became which node, where the names differ."""
    changed = [(key, name) for key, name in sheet.nodes.given.items() if len(key) == 2 and key != (name, ())]
    return [f"* node {name} is net {shown(net)}{list(lane) if lane else ''}" for (net, lane), name in changed]


def _analysis(sheet: Sheet, circuit: Circuit, analysis: Analysis) -> str:
    match analysis:
        case OperatingPoint():
            return ".op"
        case Transient():
            longest = "" if analysis.maximum_step is None else f" {text(analysis.maximum_step)}"
            start = f" {text(analysis.start)}" if analysis.start or longest else ""
            return f".tran {text(analysis.step)} {text(analysis.duration)}{start}{longest}" + " uic" * analysis.from_initial
        case SmallSignal():
            return f".ac {_sweep(analysis)}"
        case NoiseAnalysis():
            for net in (analysis.output, analysis.reference):
                if net is not None:
                    check.one_of("analyses", net, circuit.nets)
            check.one_of("analyses", analysis.source, circuit.netlist.names())
            nodes = [sheet.node(net) for net in (analysis.output, analysis.reference) if net is not None]
            letter = "i" if type(circuit[analysis.source]).__name__ == "CurrentSource" else "v"
            source = sheet.elements.given.get((analysis.source, (), letter, ""), analysis.source)
            return f".noise v({','.join(nodes)}) {source} {_sweep(analysis)}"
    raise InputError(f"`analyses` must hold analyses, but holds {check.described(analysis)}.")


def _sweep(analysis: SmallSignal | NoiseAnalysis) -> str:
    return f"{analysis.sweep} {analysis.points} {text(analysis.start)} {text(analysis.stop)}"
