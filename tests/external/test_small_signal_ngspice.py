"""Operating points and small signals of whole circuits against ngspice, on every net."""

import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point
from devsim.analyses.small_signal import small_signal
from tests.external.ngspice import needs_ngspice, solved, swept, warming
from tests.external.ngspice_circuits import CIRCUITS, warmed

pytestmark = needs_ngspice

QUICK = ("common source", "active filter")
BIASED = ("ring of inverters", "diode clamp")


def marked(names, quick):
    return [pytest.param(name, marks=[] if name in quick else pytest.mark.slow) for name in names]


def biased(bench):
    """The bench with every source that begins at nothing at 1.3 V from the start."""
    branches = {
        name: (part.set("voltage", part.voltage + 1.3), *nodes)
        if getattr(part, "waveform", None) is not None
        else (part, *nodes)
        for name, (part, *nodes) in bench.branches.items()
    }
    return bench._replace(branches=branches)


@pytest.mark.parametrize("name", marked((n for n, bench in CIRCUITS.items() if bench.options != "uic"), BIASED))
def test_the_operating_point_equals_ngspice(name, tmp_path):
    """To 1e-6 of each net, or 1e-9 of the largest; a memory, which is held here and would run away there, is left out."""
    bench = biased(CIRCUITS[name])
    solution = operating_point(warmed(bench.circuit(), warming(tmp_path)))
    theirs = solved(tmp_path, bench.cards(), [f"v({node})" for node in bench.nodes()])
    ours = [float(solution[node]) for node in bench.nodes()]
    assert np.abs(theirs).max() > 0.5
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9 * np.abs(theirs).max())


@pytest.mark.parametrize("name", marked((n for n, bench in CIRCUITS.items() if bench.swept), QUICK))
def test_small_signals_equal_ngspice(name, tmp_path):
    """Magnitude and phase: the complex difference stays below 1e-4 of the net's own size, or 1e-9 of the largest."""
    bench = CIRCUITS[name]
    circuit = warmed(bench.circuit(), warming(tmp_path))
    wanted = [f"v({node})" for node in bench.nodes()]
    frequency, theirs = swept(tmp_path, bench.cards(), wanted, decades=5, first=bench.first)
    ours = small_signal(circuit, source=f"{bench.swept}.voltage", frequency=frequency)
    for node, column in zip(bench.nodes(), theirs.T, strict=True):
        np.testing.assert_allclose(ours[node], column, rtol=1e-4, atol=1e-9 * np.abs(theirs).max(), err_msg=node)
