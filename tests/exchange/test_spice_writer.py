"""Exported decks: ngspice solves them to what devsim finds, and the reader reads them back."""

import re
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim import waveform as waves
from devsim.analyses.operating_point import operating_point
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.converters import TransimpedanceAmplifier
from devsim.devices.electrical import (
    MOSFET,
    Capacitor,
    ConductanceBus,
    CurrentControlledCurrentSource,
    CurrentSource,
    LevelOneMOSFET,
    OperationalAmplifier,
    Resistor,
    Switch,
    VoltageSource,
)
from devsim.devices.memristor.conduction import Sinh
from devsim.devices.memristor.crossbar import Crossbar
from devsim.devices.memristor.linear import LinearCell
from devsim.devices.memristor.vteam import VTEAM
from devsim.devices.memristor.yakopcic import Yakopcic
from devsim.exchange import NoiseAnalysis, OperatingPoint, SmallSignal, Transient, read_spice, write_spice
from devsim.physics import BOLTZMANN
from tests.exchange.decks import DECKS, DIODES
from tests.exchange.ngspice_runs import found, potentials
from tests.external.ngspice import needs_ngspice


def circuit_of(branches):
    """A circuit from name -> (part, net of each port); nets of one pin are outputs."""
    nets = {}
    for name, (part, *nodes) in branches.items():
        for port, node in zip(part.ports(), nodes, strict=True):
            nets.setdefault(node, []).append(f"{name}.{port}")
    loose = {net: net for net, pins in nets.items() if len(pins) == 1 and net != "gnd"}
    return Circuit({n: b[0] for n, b in branches.items()}, {n: tuple(p) for n, p in nets.items()}, outputs=loose)


def crossbar():
    cell = LinearCell.of((3, 4), minimum_conductance=1e-6, conduction=Sinh(3.0))
    array = Crossbar(cell, wire_resistance=3.0, driver_resistance=10.0)
    return array.program(np.random.default_rng(0).normal(size=(3, 2)), jax.random.key(0))


def transistors():
    return circuit_of(
        {
            "vd": (VoltageSource(2.0), "vdd", "gnd"),
            "vg": (VoltageSource(0.6), "g", "gnd"),
            "rd": (Resistor(2e4, temperature=350.0, temperature_coefficient=1e-3), "vdd", "d"),
            "m": (MOSFET(width=5e-6), "d", "g", "s", "gnd"),
            "rs": (Resistor(1e3), "s", "gnd"),
            "mp": (MOSFET.p_channel(temperature=330.0), "d2", "g", "vdd", "vdd"),
            "r2": (Resistor(1e5), "d2", "gnd"),
            "n1": (LevelOneMOSFET(0.4, 1e-4, 5e-6, 1e-6, body_effect=0.4, temperature=330.0), "e", "g", "s2", "gnd"),
            "re": (Resistor(1e4), "vdd", "e"),
            "rs2": (Resistor(1e3), "s2", "gnd"),
        }
    )


def memristors(**vteam):
    return circuit_of(
        {
            "v": (VoltageSource(0.5), "in", "gnd"),
            "r": (Resistor(300.0), "in", "m"),
            "x": (VTEAM.of(initial=1e-9, **vteam), "m", "n"),
            "y": (Yakopcic.of(), "n", "gnd"),
            "r3": (Resistor(10.0), "n", "gnd"),
        }
    )


def array():
    loads = jnp.array([1e-3, 2e-3])
    return circuit_of(
        {
            "v": (VoltageSource(jnp.array([0.3, -0.2, 0.5]), source_resistance=5.0), "rows", "low"),
            "ground": (ConductanceBus(jnp.ones(3)), "low", "gnd"),
            "x": (crossbar(), "rows", "cols", "refs"),
            "g": (ConductanceBus(loads), "cols", "gnd"),
            "g2": (ConductanceBus(loads), "refs", "gnd"),
        }
    )


def awkward_names():
    return circuit_of(
        {
            "The source": (VoltageSource(1.0), "In put", "gnd"),
            "A": (OperationalAmplifier(1e-3, output_resistance=50.0, input_conductance=1e-6), "In put", "x", "Out"),
            "rf": (Resistor(1e4), "Out", "x"),
            "rg": (Resistor(1e3), "x", "gnd"),
            "f": (CurrentControlledCurrentSource(2.0), "gnd", "0", "Out", "in_put"),
            "load": (Resistor(1e3), "in_put", "gnd"),
            "r0": (Resistor(50.0), "0", "gnd"),
        }
    )


CIRCUITS = {"transistors": transistors, "memristors": memristors, "array": array, "awkward names": awkward_names}


def nodes_of(deck, solution):
    """Node -> value, by the comments of the deck where names differ."""
    told = {}
    for line in deck.split("\n"):
        if line.startswith("* node "):
            node, _, net = line.removeprefix("* node ").partition(" is net ")
            net, _, lane = net.partition("[")
            told[node] = net, tuple(int(k) for k in lane.rstrip("]").split(",") if k)
    renamed = {net for net, _ in told.values()}
    told |= {net: (net, ()) for net in solution.nets() if net not in renamed}
    return {node: float(np.asarray(solution[net])[lane]) for node, (net, lane) in told.items()}


@needs_ngspice
@pytest.mark.parametrize("name", CIRCUITS)
def test_an_exported_deck_has_the_same_operating_point(name, tmp_path):
    circuit = CIRCUITS[name]()
    deck = write_spice(circuit, title=name, analyses=[OperatingPoint()])
    ours = nodes_of(deck, operating_point(circuit))
    np.testing.assert_allclose(list(ours.values()), potentials(tmp_path, deck, list(ours)), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", [*DECKS, "diodes"])
def test_a_deck_reads_back_with_the_same_numbers(name):
    deck = read_spice(DECKS.get(name, DIODES))
    text = write_spice(deck.circuit, title=deck.title, analyses=deck.analyses, stimuli=deck.stimuli)
    again = read_spice(text)
    assert again.title == deck.title and again.analyses == deck.analyses and again.stimuli == deck.stimuli
    kinds = lambda circuit: sorted((type(p).__name__, *np.round(_logs(p), 6)) for p in circuit.parts.values() if not _sensor(p))
    assert kinds(again.circuit) == kinds(deck.circuit)


def _logs(part):
    """The logarithms of a part's numbers, which compare as relative differences."""
    return [np.log(np.abs(np.asarray(leaf)) + 1e-300) for leaf in jax.tree.leaves(part)]


def _sensor(part):
    """A source of 0 V, which senses a current in a deck."""
    return isinstance(part, VoltageSource) and float(part.voltage) == 0.0


WAVES = {
    "pulse": waves.Pulse(0.1, 1.0, 1e-7, 2e-7, 3e-7, 1e-6, 3e-6),
    "sine": waves.Sine(0.2, 1.0, 3e5, 1e-6, 1e5, 0.5),
    "exponential": waves.Exponential(0.0, 1.0, 1e-6, 1e-6, 3e-6, 5e-7),
    "points": waves.PiecewiseLinear(jnp.array([0.0, 1e-6, 2e-6, 4e-6]), jnp.array([0.0, 1.0, -1.0, 0.5])),
    "step": waves.Step(0.3, 1.0, 1e-6, 1e-6),
    "samples": waves.Sampled(jnp.array([0.0, 1.0, 0.5, 0.2]), 1e-6),
    "no turn": waves.Sine(0.2, 1.0, 0.0, 1e-6, 1e5, 0.5),
    "exponential at once": waves.Exponential(0.0, 1.0, 0.0, 1e-6, 0.0, 5e-7),
    "sum": waves.Sine(0.2, 1.0, 3e5) + waves.Constant(0.25),
}


@needs_ngspice
@pytest.mark.parametrize("name", WAVES)
def test_ngspice_follows_an_exported_waveform(name, tmp_path):
    branches = {
        "v": (VoltageSource(0.5, waveform=WAVES[name]), "a", "gnd"),
        "i": (CurrentSource(0.1, waveform=WAVES[name]), "gnd", "b"),
        "ra": (Resistor(1.0), "a", "gnd"),
        "rb": (Resistor(1.0), "b", "gnd"),
    }
    deck = write_spice(circuit_of(branches), title=name, analyses=[Transient(5e-6, 1e-8)])
    times = np.array([0.0, 4e-7, 1.3e-6, 2.1e-6, 3.7e-6, 4.4e-6])
    commands = ["tran 1n 5u 0 1n", *(f"meas tran a{k} find v(a) at={t}" for k, t in enumerate(times))]
    commands += [f"meas tran b{k} find v(b) at={t}" for k, t in enumerate(times)]
    theirs = found(tmp_path, deck, commands, [f"{node}{k}" for node in "ab" for k in range(len(times))]).reshape(2, -1)
    ours = np.array([float(WAVES[name](t)) for t in times])
    np.testing.assert_allclose(theirs, [ours + 0.5, ours + 0.1], atol=1e-5)  # straight lines of 1 ns: (2 pi f dt)^2 / 8


@needs_ngspice
def test_ngspice_moves_an_exported_memristor_as_its_equations_say(tmp_path):
    circuit = memristors(off_speed=1.0)
    deck = write_spice(circuit, title="moving", analyses=[Transient(1e-9, 1e-12)])
    wanted = ["w", "w2"]
    commands = ["tran 1p 1n 0 1p uic", "meas tran w find v(x_state) at=0.5n", "meas tran w2 find v(x_state) at=1n"]
    device, state, step = circuit["x"], 1e-9, 1e-12
    shares = []
    lower = float(jnp.abs(circuit["y"].current(1e-3, 0.11) / 1e-3))

    def rate(w):
        resistance = float(device.length) and 1 / float(device.current(1.0, w))
        below = 1 / (lower + 1 / 10.0)
        return float(device.rate(0.5 * resistance / (300.0 + resistance + below), w))

    for _ in range(1000):
        slope = rate(state)
        state += step * rate(state + step * slope / 2)
        shares.append(state / float(device.length))
    theirs = found(tmp_path, deck, commands, wanted)
    assert shares[-1] > shares[0] + 0.01  # it moves
    np.testing.assert_allclose(theirs, [shares[499], shares[999]], rtol=1e-3)


def followers():
    return circuit_of(
        {
            "vg": (VoltageSource(0.6), "g", "gnd"),
            "rd": (Resistor(2e4), "g", "d"),
            "rs": (Resistor(1e3), "d", "s"),
            "r2": (Resistor(1e3), "s", "gnd"),
        }
    )


def test_analyses_and_stimuli_are_written():
    circuit = followers()
    analyses = [SmallSignal("dec", 10, 1.0, 1e6), NoiseAnalysis("d", "s", "vg", "oct", 5, 10.0, 1e3)]
    text = write_spice(circuit, title="two\nlines", analyses=analyses, stimuli={"vg": (1.0, np.pi / 2)})
    assert text.startswith("two?lines\n") and ".ac dec 10 1.0 1000000.0\n" in text
    assert ".noise v(d,s) vg oct 5 10.0 1000.0\n" in text and "vg g 0 dc 0.6 ac 1.0 90.0\n" in text


R = (Resistor(), "a", "gnd")
REFUSED = {
    "a switch": (
        {"s": (Switch(), "a", "gnd", "c"), "r": R},
        "`s` cannot be written as a deck: a Switch has no card; known are",
    ),
    "a virtual ground": ({"t": (TransimpedanceAmplifier.of(2), "a", "b")}, "a TransimpedanceAmplifier has no card"),
    "a held waveform": (
        {"v": (VoltageSource(0.0, waveform=waves.Sampled(jnp.ones(3), 1.0, hold=True)), "a", "gnd"), "r": R},
        "SPICE has no waveform like Sampled",
    ),
    "a limited amplifier": ({"o": (OperationalAmplifier(inverse_swing=0.2), "a", "gnd", "a")}, "its limits"),
    "an infinite gain": ({"o": (OperationalAmplifier(inverse_gain=0.0), "a", "gnd", "a")}, "its gain must be finite"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_card_is_refused_by_name(name):
    branches, words = REFUSED[name]
    nets, pins = (
        {},
        [(f"{n}.{port}", net) for n, (p, *nodes) in branches.items() for port, net in zip(p.ports(), nodes, strict=True)],
    )
    for pin, net in pins:
        nets.setdefault(net, []).append(pin)
    parts = {n: b[0] for n, b in branches.items()}
    signals = {"c": "c"} if "c" in nets else {}
    faces = {net: net for net in nets if net not in (*signals, "gnd")}
    circuit = Circuit(parts, {n: tuple(p) for n, p in nets.items()}, inputs=signals, outputs=faces)
    with pytest.raises(InputError, match="A circuit with inputs cannot be written" if signals else words):
        write_spice(circuit, title="t")


TRANSIENT, AC, NOISE = (
    Transient(1e-6, 1e-9),
    SmallSignal("dec", 1, 1.0, 10.0),
    NoiseAnalysis("g", None, "vg", "dec", 1, 1.0, 10.0),
)
LESS = {
    "a transient of a channel": (transistors, [TRANSIENT], "`m` cannot be written for a transient or a small signal"),
    "a small signal of a channel": (transistors, [AC], "`m` cannot be written for a transient or a small signal"),
    "the noise of a channel": (transistors, [NOISE], "`m` cannot be written for a noise analysis: its card, a behavioural"),
    "the noise of a memristor": (memristors, [NOISE], "`x` cannot be written for a noise analysis"),
    "the noise of bent cells": (array, [NOISE], "`x` cannot be written for a noise analysis"),
    "a state that moves and is held": (memristors, [OperatingPoint(), TRANSIENT], "`x` .* write two decks"),
}


@pytest.mark.parametrize("name", LESS)
def test_what_a_card_cannot_tell_of_a_part_is_refused(name):
    circuit, analyses, words = LESS[name]
    with pytest.raises(InputError, match=words):
        write_spice(circuit(), title="t", analyses=analyses)


@needs_ngspice
def test_an_exported_deck_runs_its_own_analyses_and_prints_them(tmp_path):
    """A low pass: its step response, its transfer and its noise, 4 k T R / (1 + (2 pi f tau)^2), as the deck asks for them."""
    tau, ohms, kelvin = 1e-6, 1e3, 300.0
    branches = {
        "v": (VoltageSource(0.0, waveform=waves.Step(0.0, 1.0, 0.0)), "in", "gnd"),
        "r": (Resistor(ohms, temperature=kelvin), "in", "out"),
        "c": (Capacitor(tau / ohms), "out", "gnd"),
    }
    sweep = ("lin", 3, 1e5, 3e5)
    analyses = [Transient(2e-6, 5e-7, maximum_step=2e-9), SmallSignal(*sweep), NoiseAnalysis("out", None, "v", *sweep)]
    (tmp_path / "deck.cir").write_text(write_spice(circuit_of(branches), title="own", analyses=analyses))
    run = subprocess.run(["ngspice", "-b", tmp_path / "deck.cir"], capture_output=True, text=True, timeout=60, check=False)
    tables = {}
    for line in run.stdout.split("\n"):
        if line.startswith("Index"):
            rows = tables.setdefault(tuple(line.split()[1:]), [])
        elif re.match(r"^\d+\t", line):
            rows.append([float(number) for number in line.replace(",", " ").split()[1:]])
    t, _, step = np.array(tables["time", "v(in)", "v(out)"]).T
    f, real, imaginary = np.array(tables["frequency", "v(out)"]).T
    noise = np.array(tables["frequency", "inoise_spectrum", "onoise_spectrum"])[:, 2]
    np.testing.assert_allclose(step, 1 - np.exp(-t / tau), atol=1e-5)
    transfer = 1 / (1 + 2j * np.pi * f * tau)
    np.testing.assert_allclose(real + 1j * imaginary, transfer, rtol=1e-6)
    np.testing.assert_allclose(noise, np.sqrt(4 * BOLTZMANN * kelvin * ohms) * np.abs(transfer), rtol=1e-6)


def test_a_capacitor_may_leak():
    circuit = circuit_of({"c": (Capacitor(1e-9, leakage_conductance=1e-6), "a", "gnd"), "r": R})
    assert "r_c_leak a 0 1000000.0" in write_spice(circuit, title="t")
