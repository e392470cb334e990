"""Operating points and small signals of whole circuits against ngspice, on every net."""

import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point
from devsim.analyses.small_signal import small_signal
from tests.external.ngspice import needs_ngspice, solved, swept, warming
from tests.external.ngspice_circuits import CIRCUITS, warmed

pytestmark = needs_ngspice

QUICK = ("low pass", "common source", "active filter", "differential pair")


@pytest.mark.parametrize("name", CIRCUITS)
def test_the_operating_point_equals_ngspice(name, tmp_path):
    """To 1e-6, and to a microvolt in nets that are at nothing."""
    bench = CIRCUITS[name]
    if bench.options == "uic":
        pytest.skip("memory is held here, and would run away there")
    solution = operating_point(warmed(bench.circuit(), warming(tmp_path)))
    theirs = solved(tmp_path, bench.cards(), [f"v({node})" for node in bench.nodes()])
    ours = [float(solution[node]) for node in bench.nodes()]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9 * max(np.abs(theirs).max(), 1e-3))


def marked(names):
    return [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", marked(n for n, bench in CIRCUITS.items() if bench.swept))
def test_small_signals_equal_ngspice(name, tmp_path):
    """Magnitude and phase: the complex difference stays below 1e-4 of the net's own size, or 1e-9 of the largest."""
    bench = CIRCUITS[name]
    circuit = warmed(bench.circuit(), warming(tmp_path))
    wanted = [f"v({node})" for node in bench.nodes()]
    frequency, theirs = swept(tmp_path, bench.cards(), wanted, decades=5, first=bench.first)
    ours = small_signal(circuit, source=f"{bench.swept}.voltage", frequency=frequency)
    for node, column in zip(bench.nodes(), theirs.T, strict=True):
        np.testing.assert_allclose(ours[node], column, rtol=1e-4, atol=1e-9 * np.abs(theirs).max(), err_msg=node)
