"""Whole decks through ngspice: what it finds at the nodes."""

import re
import subprocess

import numpy as np

TIGHT = ".options reltol=1e-9 abstol=1e-15 vntol=1e-12"


def found(folder, deck, commands, wanted):
    """The values of the expressions `wanted` after the `commands`, on the deck's cards without its own analyses."""
    left_out = {".op", ".tran", ".ac", ".noise", ".end"}
    cards = [line for line in deck.strip().split("\n") if line.lower().partition(" ")[0] not in left_out]
    script = ["set numdgt=15", *commands, *(f"let w{k} = {each}\nprint w{k}" for k, each in enumerate(wanted)), "quit"]
    path = folder / "deck.cir"
    path.write_text("\n".join([*cards, TIGHT, ".control", *script, ".endc", ".end", ""]))
    run = subprocess.run(["ngspice", "-b", path], capture_output=True, text=True, timeout=60, check=False)
    values = {int(k): float(value) for k, value in re.findall(r"^w(\d+) = (\S+)$", run.stdout, re.MULTILINE)}
    assert len(values) == len(wanted), f"ngspice did not solve {path}:\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}"
    return np.array([values[k] for k in range(len(wanted))])


def potentials(folder, deck, nodes):
    """Potentials of nodes at the operating point."""
    return found(folder, deck, ["op"], [f"v({node})" for node in nodes])
