"""The chip of synapses that learn from the times of spikes: windows, their spread, what the neuron learns, what is refused."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from circuits import cmos_stdp_pictures, stdp_window
from circuits.cmos_stdp import CMOSSTDP, MIRRORS, RULE, STEP, SYNAPSES, TOGETHER, selectivity, separation
from circuits.learning_neuron import LearningNeuron
from circuits.stdp_window import INTERVALS, SIDE, described
from devsim.check import InputError
from devsim.compare import one_die
from devsim.devices.cmos.technology import YEAR
from devsim.learning.plasticity import PSTDP, replay
from devsim.physics import thermal_voltage
from devsim.randomness import numbered_keys

KEY = jax.random.key(6)


@pytest.fixture(scope="module")
def chip():
    return CMOSSTDP.design()


@pytest.fixture(scope="module")
def ideal(chip):
    return chip.ideal()


@pytest.fixture(scope="module")
def made():
    """(chip) -> a die and its windows, compiled once."""

    def build(chip):
        die = chip.build(None, KEY)
        return die, die.windows()

    return eqx.filter_jit(build)


@eqx.filter_jit
def window(chip):
    """That of the circuit as it is drawn."""
    return stdp_window.changes(chip.rule, 0.5, 1)


def test_the_window_of_the_equations_is_their_closed_form():
    found = stdp_window.changes(PSTDP(**RULE), 0.5, 1)[0]
    late = [0.02 * np.exp(-d / 20e-3) for d in SIDE]
    early = [-0.025 * np.exp(-d / 20e-3) for d in SIDE[::-1]]
    np.testing.assert_allclose(found, early + late, rtol=1e-12)
    np.testing.assert_allclose(stdp_window.equation(**RULE), early + late, rtol=1e-12)


def test_pre_before_post_strengthens_and_the_reverse_weakens(ideal):
    found = window(ideal)[0]
    np.testing.assert_array_equal(np.sign(found), np.sign(INTERVALS))
    assert described(found[None]).right_sign.all()
    assert not described(-found[None]).right_sign.any()


def test_exponentials_are_found_through_their_own_window():
    told = {"potentiation": 0.01, "depression": 0.02, "pre_time": 15e-3, "post_time": 30e-3}
    found = described(jnp.asarray(stdp_window.equation(**told))[None])
    for name, value in told.items():
        assert float(getattr(found, name)[0]) == pytest.approx(value, rel=1e-9), name
    assert float(found.area_ratio()[0]) == pytest.approx(4.0, rel=1e-9)


def test_the_window_without_imperfections_is_off_by_saturation_and_the_off_current_only(ideal):
    """A pair saturates by I / (I + I_ref), I_ref a hundred traces; traces end at I_0, which both events of a pair sample."""
    exact = stdp_window.equation(**RULE)
    rest = float(ideal.technology.off_current() / (100 * ideal.rule.pre_trace.gain_current))
    bound = np.abs(exact) / 101 + 2 * rest * (RULE["potentiation"] + RULE["depression"])
    off = np.abs(window(ideal)[0] - exact)
    assert np.all(off <= bound)
    assert off.max() > 0.5 * bound.max()


def test_a_compensated_time_goes_as_the_temperature_and_an_amplitude_as_its_inverse(ideal):
    now, warm = described(window(ideal)), described(window(ideal.set("technology.temperature", 330.0)))
    for name, power in (("pre_time", 1), ("post_time", 1), ("potentiation", -1), ("depression", -1)):
        ratio = float(getattr(warm, name)[0] / getattr(now, name)[0])
        assert ratio == pytest.approx(1.1**power, rel=0.02), name


def test_thresholds_that_rise_slow_the_traces_as_their_bias_falls(ideal):
    aged = ideal.set("technology.threshold_drift", 3e-3).age(YEAR, 300.0, KEY)
    slower = np.exp(0.7 * 3e-3 / float(thermal_voltage(300.0)))
    ratio = described(window(aged)).post_time / described(window(ideal)).post_time
    assert float(ratio[0]) == pytest.approx(slower, rel=1e-3)


@pytest.mark.slow
def test_spread_is_that_of_the_mirrors_and_falls_with_the_root_of_the_area(chip, made):
    """Standard deviations of N draws are within five times 1 / (2 N)^0.5 of those of the law."""
    sized = lambda side: chip.set("technology.width", side).set("technology.length", side)
    small, large = (described(made(sized(side))[1]) for side in (2e-6, 4e-6))
    mirror = 0.7 * 5e-9 / 2e-6 / float(thermal_voltage(300.0))
    kinds = {"potentiation": MIRRORS, "depression": MIRRORS, "pre_time": 1, "post_time": 1}
    for name, mirrors in kinds.items():
        spread, finer = (float(jnp.std(jnp.log(getattr(w, name)), ddof=1)) for w in (small, large))
        assert spread == pytest.approx(np.sqrt(mirrors * mirror**2 + 0.01**2), rel=5 / np.sqrt(2 * SYNAPSES)), name
        assert spread / finer == pytest.approx(2.0, rel=0.1), name
    assert made._cached._cache_size() == 1


@pytest.mark.slow
def test_an_amplitude_is_the_product_of_what_its_mirrors_make(chip, ideal, made):
    """To the curvature of a trace, a few parts in a hundred of a mirror's error."""
    die, found = made(ideal.set("technology.threshold_mismatch", 5e-9))
    trace, pair, store = die.rule.pre_trace, die.rule.potentiation, die.rule.weight
    bias = lambda part, name: part.threshold_shift[part.biases.index(name)]
    larger = [trace.weight_shift, bias(trace, "gain_current"), bias(pair, "bias_current"), bias(store, "up")]
    wanted = -0.7 / float(thermal_voltage(300.0)) * (sum(larger) - bias(pair, "reference_current"))
    assert len(larger) + 1 == MIRRORS
    relative = jnp.log(described(found).potentiation / described(window(ideal)).potentiation)
    np.testing.assert_allclose(relative, wanted, atol=0.015)
    assert float(jnp.std(wanted)) > 0.1


@pytest.mark.slow
def test_no_window_of_a_die_is_that_of_its_neighbour_or_has_the_wrong_sign(chip, made):
    found = np.asarray(made(chip)[1])
    assert len(np.unique(found[:, 0])) == SYNAPSES
    assert described(jnp.asarray(found)).right_sign.all()


def test_the_learning_neuron_changes_weights_as_a_replay_of_its_spikes_does(ideal):
    """The rule in the loop and the rule alone, under the same events of both sides."""
    events = (jax.random.uniform(KEY, (400, SYNAPSES)) < 0.03).astype(jnp.uint8)
    rule = PSTDP(**RULE)
    learned = LearningNeuron(rule, ideal.synapses, ideal.neuron).learn(events, start=0.5, step=STEP, blocks=400)
    fired = np.flatnonzero(np.asarray(learned.rate) > 0)
    assert len(fired) > 5
    times = lambda steps: (np.asarray(steps) + 0.5) * STEP
    rows = [times(np.flatnonzero(column)) for column in np.asarray(events).T]
    start = np.full((SYNAPSES, 1), 0.5)
    alone = replay(rule, start, rows, [times(fired)], duration=400 * STEP, step=STEP)
    np.testing.assert_allclose(learned.course, alone.weights[..., 0], atol=1e-12)


def test_separation_is_the_area_under_the_operating_characteristic():
    weights = np.round(np.random.default_rng(1).uniform(size=SYNAPSES), 1)
    weights[:TOGETHER] += 0.2
    together = np.arange(SYNAPSES) < TOGETHER
    assert float(separation(jnp.asarray(weights))) == pytest.approx(roc_auc_score(together, weights), rel=1e-12)
    expected = weights[together].mean() - weights[~together].mean()
    assert float(selectivity(jnp.asarray(weights))) == pytest.approx(expected, rel=1e-12)


def test_one_technology_serves_all_parts(chip):
    warm = chip.set("technology.temperature", 320.0)
    parts = [*warm.rule.circuits().values(), warm.synapses, warm.neuron]
    assert all(float(part.technology.temperature) == 320.0 for part in parts)
    assert not any(".technology." in path for path in warm.parameters())
    assert float(chip.set("rule.weight.capacitance", 2e-12).rule.weight.capacitance) == 2e-12
    assert "weight" in chip.circuit.nets and set(chip.ports()) == {"weight"}


def test_what_cannot_be_is_refused(chip):
    with pytest.raises(InputError, match=r"There is no parameter `rule\.technology\.temperature`\. Did you mean"):
        chip.set("rule.technology.temperature", 320.0)
    with pytest.raises(InputError, match=r"`correlation` must be at least 0 and at most 1, but is 1\.5"):
        chip.set("correlation", 1.5)
    with pytest.raises(InputError, match=r"`warm_temperature` must be above 0 K"):
        chip.set("warm_temperature", 0.0)


@pytest.mark.slow
def test_correlated_inputs_win_and_mismatch_hides_them(chip, ideal):
    task = chip.task(KEY)
    measured = jax.jit(lambda chip: one_die((chip, task), KEY))
    found, perfect = measured(chip), measured(ideal)
    assert CMOSSTDP.metrics.keys() <= found.keys()
    assert float(perfect["selectivity"]) == pytest.approx(float(perfect["selectivity_of_equations"]), abs=0.1)
    assert float(perfect["selectivity"]) > 0.7
    assert float(found["selectivity"]) < float(perfect["selectivity"]) - 0.1
    assert float(perfect["separation"]) > 0.95
    assert float(perfect["stable_share"]) == 1.0
    assert float(perfect["area_ratio"]) == pytest.approx(1.25, rel=0.01)
    assert float(found["window_error_fixed_voltages"]) > 10 * float(found["window_error_warm"])


@pytest.mark.slow
def test_every_figure_is_drawn(chip, monkeypatch):
    for name, value in {"DIES": 4, "SIDES": (8e-6,), "TEMPERATURES": (310.0,)}.items():
        monkeypatch.setattr(cmos_stdp_pictures, name, value)
    task = chip.task(KEY)
    drawn = chip.pictures(task._replace(events=task.events[:6000], course=task.course[:6]), numbered_keys(KEY, 1)[0])
    assert [each.name for each in drawn] == ["window", "situations", "learning", "decided", "area"]
    assert all(each.figure.axes and each.caption for each in drawn)
