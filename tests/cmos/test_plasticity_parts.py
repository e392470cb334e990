"""Pairs that compare currents, eligibility and its gate, and the nodes of short-term plasticity, against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.cmos import (
    CurrentPair,
    CurrentSteering,
    CurrentSum,
    EligibilityTrace,
    FacilitationNode,
    ResourceNode,
    Technology,
    ThirdFactorGate,
)
from devsim.devices.cmos.log_domain import current_of, log_of
from devsim.physics import thermal_voltage

UT = float(thermal_voltage(300.0))
NO_FLOOR = Technology(threshold=1.5)


def test_a_pair_is_linear_far_below_its_reference_and_saturates_at_its_bias():
    pair = CurrentPair(bias_current=2e-9, reference_current=1e-9, technology=NO_FLOOR)
    assert float(pair.current(1e-15)) == pytest.approx(2e-15, rel=2e-6, abs=0)
    assert float(pair.current(1e-9)) == pytest.approx(1e-9, rel=1e-12, abs=0)
    assert float(pair.current(1e-3)) == pytest.approx(2e-9, rel=2e-6, abs=0)


def test_a_steep_pair_has_edges_as_wide_as_one_over_its_steepness():
    share = CurrentSteering(reference_current=1e-9, steepness=40.0).share(1e-9 * jnp.array([0.8, 1.0, 1.25]))
    np.testing.assert_allclose(share, 1 / (1 + np.array([1.25, 1.0, 0.8]) ** 40.0), rtol=1e-10)


def test_stacked_pairs_lose_no_current():
    p = {"tail": jnp.array(3e-9), "input": jnp.array(2e-10)}
    static = CurrentSteering(reference_current=1e-9).balance(0.0, p, {}).static
    assert float(static["over"]) == pytest.approx(3e-9 * 0.2 / 1.2, rel=1e-12)
    assert float(static["over"] + static["under"]) == pytest.approx(3e-9, rel=1e-12)


def test_currents_add_up_and_none_is_zero():
    assert float(
        CurrentSum(2).balance(0.0, {"in0": jnp.array(1e-9), "in1": jnp.array(2e-9)}, {}).static["out"]
    ) == pytest.approx(3e-9, rel=1e-15)
    assert float(CurrentSum(0).balance(0.0, {}, {}).static["out"]) == 0.0
    with pytest.raises(InputError, match="`count` must be a whole number of at least 0, but is -1"):
        CurrentSum(-1)


def test_eligibility_adds_up_linearly_and_decays_exponentially():
    trace = EligibilityTrace(gain_current=5e-12, technology=NO_FLOOR)
    tau = float(trace.time_constant())
    assert tau == pytest.approx(25e-12 * UT / (0.7 * 2e-12), rel=1e-12)
    v, each = log_of(jnp.array(1e-15)), 2.5 * 1e-9 * 100e-6 / tau
    for count in (1, 2, 3):
        v = trace.struck(v, trace.pulse(jnp.array(1e-9)))
        assert float(current_of(v)) == pytest.approx(1e-15 + count * each, rel=1e-12)
    later = current_of(trace.relaxed(v, 1.3 * tau))
    assert float(later / current_of(v)) == pytest.approx(np.exp(-1.3), rel=1e-9)


def test_the_gate_sends_eligibility_the_way_of_the_third_factor():
    gate = ThirdFactorGate(bias_current=2e-12, reference_current=1e-12)
    factor = jnp.array([-10.0, -1e-5, 0.0, 1e-5, 10.0])
    out = np.asarray(gate.current(5e-12, 2e-12, factor))
    slope = 6e-12 * 0.7 * 1e-5 / (2 * UT)
    np.testing.assert_allclose(out, [-6e-12, -slope, 0.0, slope, 6e-12], rtol=1e-7)
    assert out[2] == 0.0


def test_the_offset_of_a_gate_is_the_mismatch_of_its_technology():
    die = ThirdFactorGate(np.full(20_000, 1e-12)).fabricate(jax.random.key(0))
    assert np.asarray(die.offset).std() == pytest.approx(2.5e-3, rel=5 / np.sqrt(40_000))
    assert float(jnp.max(jnp.abs(die.ideal().open(0.0)))) == 0.0


def test_spikes_discharge_nodes_in_proportion_and_they_recover_exponentially():
    node = ResourceNode(discharge_current=20e-12)
    tau, dose = float(node.time_constant()), float(node.dose())
    assert dose == pytest.approx(20e-12 * 300e-6 * 0.7 / (1.5e-12 * UT), rel=1e-12)
    v = node.struck(jnp.array(0.0), 1.0, 0.4)
    assert float(jnp.exp(v)) == pytest.approx(np.exp(-0.4 * dose), rel=1e-12)
    share = float(jnp.exp(node.relaxed(v, 0.7 * tau)))
    assert 1 - share == pytest.approx((1 - np.exp(-0.4 * dose)) * np.exp(-0.7), rel=1e-12)
    slope = float(node.rate(v)) * float(jnp.exp(v))
    assert slope == pytest.approx((1 - float(jnp.exp(v))) / tau, rel=1e-12)


def test_a_facilitation_node_releases_what_it_no_longer_holds_back():
    node = FacilitationNode(mirror_ratio=0.8)
    assert float(node.used(jnp.array(0.0))) == pytest.approx(0.2, rel=1e-12)
    assert float(node.used(jnp.log(0.5))) == pytest.approx(0.6, rel=1e-12)
    with pytest.raises(InputError, match=r"`mirror_ratio` must be at least 0 and at most 1, but is 1\.2"):
        FacilitationNode(mirror_ratio=1.2)
