"""Transients of whole circuits against ngspice, on every net."""

import numpy as np
import pytest

from devsim.analyses.transient import transient
from tests.external.ngspice import followed, needs_ngspice, warming
from tests.external.ngspice_circuits import CIRCUITS, warmed

pytestmark = needs_ngspice

TOLERANCE = 1e-3
"""Of the swing of each net."""
QUICK = ("rectifier", "memristor")


def marked(names):
    return [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", marked(n for n, bench in CIRCUITS.items() if bench.duration))
def test_every_net_follows_ngspice(name, tmp_path):
    bench = CIRCUITS[name]
    circuit = warmed(bench.circuit(), warming(tmp_path))
    ours = transient(circuit, duration=bench.duration, step=bench.step, method=bench.method)
    wanted = [f"v({node})" for node in bench.nodes()]
    step = bench.step / bench.refine
    times, theirs = followed(tmp_path, bench.cards(), wanted, duration=bench.duration, step=step, options=bench.options)
    expected = np.stack([np.interp(ours.time, times, column) for column in theirs.T])
    swings = np.ptp(expected, axis=1)
    assert swings.max() > 0.2
    for node, waveform, swing in zip(bench.nodes(), expected, swings, strict=True):
        np.testing.assert_allclose(ours[node], waveform, rtol=0, atol=TOLERANCE * swing + 1e-8, err_msg=node)
