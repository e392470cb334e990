"""Decks for ngspice and their operating points."""

import re
import shutil
import subprocess

import numpy as np
import pytest

needs_ngspice = pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not on PATH")

PRECISION = ".options temp=26.85 tnom=26.85 gmin=1e-12 reltol=1e-9 abstol=1e-15 vntol=1e-12"
"""300 K, a gmin of 1e-12 S, and an iteration that goes on until nothing moves by more than 1e-9 of its value."""


def solved(folder, cards, wanted):
    """Values of the expressions `wanted` (`v(out)`, `i(v1)`) at the operating point of the deck `cards`."""
    lines = ["deck", *cards, PRECISION, ".control", "set numdgt=15", "op"]
    lines += [f"let w{k} = {expression}\nprint w{k}" for k, expression in enumerate(wanted)]
    deck = folder / "deck.cir"
    deck.write_text("\n".join([*lines, "quit", ".endc", ".end", ""]))
    run = subprocess.run(["ngspice", "-b", deck], capture_output=True, text=True, timeout=60, check=False)
    found = {int(k): float(value) for k, value in re.findall(r"^w(\d+) = (\S+)$", run.stdout, re.MULTILINE)}
    assert len(found) == len(wanted), f"ngspice did not solve {deck}:\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}"
    return np.array([found[k] for k in range(len(wanted))])


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
