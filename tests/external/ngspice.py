"""Decks for ngspice: cards, operating points, transients, small signals."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from devsim.physics import thermal_voltage

needs_ngspice = pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not on PATH")

PRECISION = ".options temp=26.85 tnom=26.85 gmin=1e-12 reltol=1e-9 abstol=1e-15 vntol=1e-12"
"""300 K, a gmin of 1e-12 S, and an iteration that goes on until nothing moves by more than 1e-9 of its value."""


TIGHT = ".options temp=26.85 tnom=26.85 gmin=1e-12 reltol=1e-6 abstol=1e-12 vntol=1e-9 chgtol=1e-17 trtol=1"
"""The same for a transient, whose step is bounded by what the test asks for."""


def told(folder, cards, options, commands):
    """What ngspice prints for a deck and the `commands` of its control section."""
    deck = folder / "deck.cir"
    deck.write_text("\n".join(["deck", *cards, options, ".control", "set numdgt=15", *commands, "quit", ".endc", ".end", ""]))
    run = subprocess.run(["ngspice", "-b", deck], capture_output=True, text=True, timeout=60, check=False, cwd=folder)
    return run.stdout, run.stderr


def solved(folder, cards, wanted):
    """Values of the expressions `wanted` (`v(out)`, `i(v1)`) at the operating point of the deck `cards`."""
    prints = [f"let w{k} = {expression}\nprint w{k}" for k, expression in enumerate(wanted)]
    printed, complaints = told(folder, cards, PRECISION, ["op", *prints])
    found = {int(k): float(value) for k, value in re.findall(r"^w(\d+) = (\S+)$", printed, re.MULTILINE)}
    assert len(found) == len(wanted), f"ngspice did not solve {cards}:\n{printed[-2000:]}\n{complaints[-2000:]}"
    return np.array([found[k] for k in range(len(wanted))])


def followed(folder, cards, wanted, *, duration, step, options=""):
    """A transient of the deck in steps of at most `step` (s): (times, values (times, wanted)) as ngspice chose them."""
    command = f"tran {step:.17g} {duration:.17g} 0 {step:.17g} {options}"
    times, values = _table(folder, cards, TIGHT, command, wanted)
    assert times[-1] > duration * (1 - 1e-9), f"ngspice gave up at {times[-1]} s of {duration} s"
    return times, values


def swept(folder, cards, wanted, *, decades, first):
    """Small signals at ten frequencies per decade from `first` (Hz): (frequencies, complex values (frequencies, wanted))."""
    command = f"ac dec 10 {first:.17g} {first * 10**decades:.17g}"
    frequency, values = _table(folder, cards, PRECISION, command, wanted)
    return frequency, values[:, ::2] + 1j * values[:, 1::2]


def _table(folder, cards, options, analysis, wanted):
    """The first column and the others of what an analysis writes."""
    written = folder / "written.txt"
    written.unlink(missing_ok=True)
    commands = ["set wr_singlescale", analysis, f"wrdata {written.name} {' '.join(wanted)}"]
    printed, complaints = told(folder, cards, options, commands)
    assert written.exists(), f"ngspice did not solve {cards}:\n{printed[-2000:]}\n{complaints[-2000:]}"
    table = np.loadtxt(written)
    return table[:, 0], table[:, 1:]


def warming(folder):
    """kT/q in ngspice over kT/q here.

    ngspice 39 has the k and q of CODATA 2014, and their ratio is 3.4e-7 below the exact one of the SI: 1e-5 of a current at
    30 thermal voltages. Diodes are therefore warmed here, so that both have one kT/q.
    """
    return solved(folder, ["r1 1 0 1"], ["boltz/echarge"])[0] / thermal_voltage(1.0)


def resistor(name, a, b, resistance):
    """One card; ngspice would replace a resistance of zero by one milliohm, so a source of 0 V takes its place."""
    return f"r{name} {a} {b} {float(resistance):.17g}" if resistance else f"vshort_{name} {a} {b} 0"


def grid_cards(conductance, wires, cell_card):
    """A crossbar between the nodes `r0 ..` and `c0 ..`: drivers, word lines, cells, bit lines, sense resistances.

    wires: driver, word-segment, bit-segment and sense resistance, ohm. `cell_card(name, word, bit, g)` is one cell.
    """
    driver, word, bit, sense = wires
    rows, columns = conductance.shape
    cards = [resistor(f"d{i}", f"r{i}", f"x{i}", driver) for i in range(rows)]
    cards += [resistor(f"s{j}", f"y{j}", f"c{j}", sense) for j in range(columns)]
    for i in range(rows):
        for j in range(columns):
            left = f"x{i}" if j == 0 else f"w{i}_{j - 1}"
            below = f"y{j}" if i == rows - 1 else f"b{i + 1}_{j}"
            cards += [resistor(f"w{i}_{j}", left, f"w{i}_{j}", word), resistor(f"b{i}_{j}", f"b{i}_{j}", below, bit)]
            cards += [cell_card(f"{i}_{j}", f"w{i}_{j}", f"b{i}_{j}", conductance[i, j])]
    return cards


def ohmic_cell(name, word, bit, g):
    """A cell that is a resistor."""
    return resistor(f"g{name}", word, bit, 1 / g)


def curved_cell(law):
    """Cells that carry the current `law`, a text in `{g}` and `{v}`."""

    def card(name, word, bit, g):
        return f"bg{name} {word} {bit} i=" + law.format(g=f"{g:.17g}", v=f"(v({word})-v({bit}))")

    return card
