"""An array of delays as a part: its power, its reduction, its place in a circuit."""

import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.delay import DelayChains, TappedDelays
from tests.delay.composed import KEY, KINDS, random_weights


def test_chains_take_power_for_each_stage_of_each_link():
    """192 oscillators, each linked to all others but not to itself."""
    array = DelayChains.of(192, 192, coupling=1 - np.eye(192), supply_voltage=0.9, leakage_current=2e-9)
    stages = 192 * 191 * 5
    assert int(array.stages_in_use()) == stages
    power = array.power()
    assert set(power) == {"inverters", "leakage"}
    assert float(power["inverters"]) == pytest.approx(stages * 300e6 * 1e-15 * 0.9**2, rel=1e-14)
    assert float(power["leakage"]) == pytest.approx(stages * 2e-9 * 0.9, rel=1e-14)


def test_tapped_lines_take_power_for_each_sender():
    array = TappedDelays.of(192, 192, stages=2, frequency=150e6, leakage_current=2e-9)
    stages = 192 * 2 * 15
    assert int(array.stages_in_use()) == stages
    assert float(array.power()["inverters"]) == pytest.approx(stages * 150e6 * 1e-15, rel=1e-14)
    assert float(array.power()["leakage"]) == pytest.approx(stages * 2e-9, rel=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reduced_array_answers_and_costs_the_same(kind):
    array = kind.of(5, 3, delay_spread=1e-11, leakage_current=1e-9).fabricate(KEY).program(random_weights(1, 5, 3), KEY)
    reduced, x = array.reduce(), random_weights(2, 4, 5)
    np.testing.assert_allclose(reduced.weights(), array.weights(), rtol=1e-15)
    np.testing.assert_allclose(reduced.read(x, KEY), array.read(x, KEY), rtol=1e-13)
    assert reduced.ports() == array.ports()
    assert {n: float(v) for n, v in reduced.power().items()} == {n: float(v) for n, v in array.power().items()}
    with pytest.raises(InputError, match="A reduced delay array cannot be written; program the delay array, then call"):
        reduced.program(random_weights(1, 5, 3), KEY)
    with pytest.raises(InputError, match="A reduced delay array cannot be written"):
        reduced.nudge(random_weights(1, 5, 3), KEY)
    with pytest.raises(InputError, match="Delay lines pass signals one way, from rows to columns"):
        reduced.read_reverse(np.ones(3), KEY)


def test_in_a_circuit_it_answers_with_inputs_times_weights():
    array = DelayChains.of(5, 3).program(random_weights(1, 5, 3), KEY)
    nets = {"sent": ("links.rows",), "field": ("links.columns",)}
    circuit = Circuit({"links": array}, nets, inputs={"x": "sent"}, outputs={"y": "field"})
    x = random_weights(4, 1, 5)[0]
    for each in (circuit, circuit.reduce()):
        np.testing.assert_allclose(operating_point(each, {"x": x})["field"], x @ np.asarray(array.weights()), rtol=1e-13)
