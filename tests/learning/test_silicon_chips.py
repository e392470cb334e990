"""Rules in silicon as chips: one technology, mismatch, temperature, single precision, gradients, the graph of a synapse."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.transient import transient
from devsim.check import InputError
from devsim.devices.cmos import BistabilityAmplifier, CapacitorWeight, Technology
from devsim.learning.plasticity import CSTDP, PSTDP, RSTDP, SDSP, ShortTerm, Signals, replay
from devsim.learning.plasticity.silicon import SiliconCSTDP, SiliconPSTDP, SiliconRSTDP, SiliconSDSP, SiliconShortTerm

LATCHED = {"latch": BistabilityAmplifier(bias_current=2e-12)}
RULES = {
    "PSTDP": lambda: SiliconPSTDP.imitating(PSTDP(), **LATCHED),
    "SDSP": lambda: SiliconSDSP.imitating(SDSP(up_low=0.5, down_low=0.5)),
    "C-STDP": lambda: SiliconCSTDP.imitating(CSTDP()),
    "R-STDP": lambda: SiliconRSTDP.imitating(RSTDP(), **LATCHED),
    "short-term": lambda: SiliconShortTerm.imitating(ShortTerm()),
}
SIGNALS = {"SDSP": {"membrane": 0.85}, "R-STDP": {"third_factor": 1.0}}
MILLISECOND = jnp.array(1e-3)
KAPPA, UT = 0.7, 0.025852


def signals(name, pre, post):
    """One step with every neuron's event, and what the rule asks for."""
    offered = {key: jnp.full(post, value) for key, value in SIGNALS.get(name, {}).items()}
    return Signals(jnp.ones(pre), jnp.ones(post), **offered)


@eqx.filter_jit
def two_steps(rule, given, weights, seconds=MILLISECOND):
    """Weights and state after two steps of the same signals."""
    state = rule.begin(weights)
    for _ in range(2):
        weights, state = rule.step(weights, state, given, seconds)
    return weights, state


@pytest.mark.parametrize("name", RULES)
def test_one_path_sets_the_technology_of_every_part(name):
    rule = RULES[name]().set("technology.temperature", 330.0).set("technology.supply_error", 0.1)
    for part in rule.circuits().values():
        assert float(part.technology.temperature) == 330.0
        assert float(part.technology.supply_error) == 0.1
    assert [path for path in rule.parameters() if path.endswith("temperature")] == ["technology.temperature"]
    with pytest.raises(InputError, match=r"There is no parameter `weight.technology.temperature`"):
        rule.set("weight.technology.temperature", 330.0)


@pytest.mark.parametrize("name", RULES)
def test_time_constants_go_as_the_temperature_where_biases_are_currents(name):
    rule = RULES[name]()
    cold, warm = rule.time_constants(), rule.set("technology.temperature", 330.0).time_constants()
    assert cold
    for time, value in cold.items():
        assert float(warm[time] / value) == pytest.approx(1.1, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_a_die_without_mismatch_is_the_drawing_and_one_with_it_is_not(name):
    rule = RULES[name]().sized(2, 3)
    given, weights = signals(name, 2, 3), jnp.full((2, 3), 0.6)
    drawn, state = two_steps(rule.ideal().fabricate(jax.random.key(0)), given, weights)
    plain, same = two_steps(rule.ideal(), given, weights)
    np.testing.assert_allclose(drawn, plain, rtol=1e-12)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12), state, same)
    die = rule.fabricate(jax.random.key(0))
    shown = lambda rule: rule.efficacy(*two_steps(rule, given, weights))
    assert np.asarray(shown(die)).std() > 1e-6
    again = rule.fabricate(jax.random.key(0))
    np.testing.assert_array_equal(shown(again), shown(die))


@pytest.mark.parametrize("name", RULES)
def test_a_rule_ages_with_its_technology(name):
    rule = RULES[name]().set("technology.threshold_drift", 20e-3)
    key, warm = jax.random.key(0), jnp.array(350.0)
    once = rule.age(jnp.array(3e7), warm, key)
    twice = rule.age(jnp.array(1e7), warm, key).age(jnp.array(2e7), warm, key)
    for part, other in zip(once.circuits().values(), twice.circuits().values(), strict=True):
        assert float(part.technology.drift()) == pytest.approx(float(other.technology.drift()), rel=1e-9)
    for time, value in rule.time_constants().items():
        assert float(once.time_constants()[time]) > 1.2 * float(value)


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_single_precision_stays_single_and_close(name):
    rule = RULES[name]()
    narrow = jax.tree.map(lambda x: x.astype(jnp.float32), rule)
    given, weights = signals(name, 2, 3), jnp.full((2, 3), 0.6)
    wide, _ = two_steps(rule, given, weights)
    shorten = lambda tree: jax.tree.map(lambda x: x.astype(jnp.float32), tree)
    single, state = two_steps(narrow, shorten(given), shorten(weights), jnp.float32(1e-3))
    assert {x.dtype for x in jax.tree.leaves((single, state))} == {jnp.dtype(jnp.float32)}
    np.testing.assert_allclose(single, wide, rtol=0, atol=2e-5)


@pytest.mark.slow
def test_amplitudes_of_a_die_are_log_normal_and_none_is_negative_at_half():
    """Three mirrors between a trace and its weight: of the tail, of the reference and of the pulse."""
    sigma, count = 0.5, 4000
    technology = Technology(threshold_mismatch=sigma * UT / KAPPA * 2e-6)
    rule = SiliconPSTDP.imitating(PSTDP(potentiation=1e-3), technology=technology).sized(1, count)
    die = rule.fabricate(jax.random.key(3)).set("technology.leakage_current", 0.0)
    weights = jnp.full((1, count), 0.5)
    step = eqx.filter_jit(lambda *inputs: die.step(*inputs, jnp.array(1e-3)))
    weights, state = step(weights, die.begin(weights), Signals(jnp.ones(1), jnp.zeros(count)))
    after, _ = step(weights, state, Signals(jnp.zeros(1), jnp.ones(count)))
    change = np.asarray(after - weights)[0]
    assert change.min() > 0
    logs = np.log(change)
    # the mean saturation of a pair, 1 / SATURATION, narrows the spread by as much
    assert logs.std() == pytest.approx(np.sqrt(3) * sigma, rel=5 / np.sqrt(2 * count) + 0.03)
    skew = ((logs - logs.mean()) ** 3).mean() / logs.std() ** 3
    assert abs(skew) < 5 * np.sqrt(6 / count) + 0.1


def test_one_compilation_serves_all_knobs():
    rule, compiled = RULES["PSTDP"]().sized(2, 3), []
    given, weights = signals("PSTDP", 2, 3), jnp.full((2, 3), 0.5)

    @jax.jit
    def after(rule):
        compiled.append(1)
        return two_steps(rule, given, weights)[0]

    knobs = {
        "technology.temperature": 330.0,
        "technology.supply_error": 0.05,
        "weight.capacitance": 2e-12,
        "latch.strength": 0.0,
    }
    seen = [np.asarray(after(rule.set(path, value))) for path, value in knobs.items()]
    assert len(compiled) == 1
    assert len({float(w[0, 0]) for w in seen}) == len(knobs)


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_gradients_are_finite_and_those_of_differences(name):
    given = signals(name, 1, 1)

    def shown(knobs):
        rule, warmth = knobs
        warm = rule.set("technology.temperature", 300.0 * jnp.exp(warmth))
        return jnp.sum(warm.efficacy(*two_steps(warm, given, jnp.array([[0.6]]))))

    at = jax.jit(jax.value_and_grad(shown))
    rule = RULES[name]()
    slopes, slope = at((rule, jnp.array(0.0)))[1]
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(slopes))
    above, below = (float(at((rule, jnp.array(off)))[0]) for off in (1e-4, -1e-4))
    assert float(slope) == pytest.approx((above - below) / 2e-4, rel=1e-4, abs=1e-9)


@functools.cache
def both(name, step):
    """Final weight, or resource, of the graph and of the scan, with spikes away from the grid."""
    rule, half = RULES[name](), 1e-4
    pre, post = np.array([0.02, 0.036]) + half, np.array([0.0152, 0.0264, 0.044]) + half
    inputs = {"SDSP": {"membrane": 0.85, "membrane threshold": 0.8}, "R-STDP": {"factor": 5e-3}}.get(name, {})
    graph = transient(rule.circuit(pre, post), inputs, duration=0.064, step=step)
    run = replay(rule, np.array([[0.5]]), [pre], [post], duration=0.064, step=step, **SIGNALS.get(name, {}))
    if name == "short-term":
        return float(graph["resource"][-1]) / 1e-9, float(jnp.exp(run.local["resource"][-1, 0]))
    return float(graph["weight"][-1]) / 1.8, float(run.final[0, 0])


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_the_graph_of_one_synapse_and_the_scan_agree_to_first_order(name):
    off = [abs(graph - scan) for graph, scan in (both(name, 4e-4), both(name, 2e-4))]
    moved = abs(both(name, 2e-4)[1] - 0.5)
    assert moved > 5e-5
    assert off[0] < 0.1 * moved
    assert off[1] < max(0.6 * off[0], 1e-9)


def test_what_a_chip_cannot_be_is_refused():
    with pytest.raises(InputError, match="`pre` must be a whole number of at least 1, but is 0"):
        SiliconPSTDP().sized(0, 3)
    with pytest.raises(InputError, match="`technology` must be a Technology, but is 3"):
        SiliconPSTDP(technology=3)
    with pytest.raises(InputError, match=r"`weight` must be a CurrentMode, but is 0\.5"):
        SiliconPSTDP(weight=0.5)
    noisy = SiliconPSTDP(weight=CapacitorWeight(write_noise=1.0))
    with pytest.raises(InputError, match=r"SiliconPSTDP draws noise; give `key`, or set `weight.write_noise` to 0"):
        replay(noisy, np.array([[0.5]]), [[0.1]], [[0.1]], duration=0.2, step=1e-3)
    with pytest.raises(InputError, match=r"`step` must be at most `pre_trace time` .*, but is 0.05 s"):
        replay(SiliconPSTDP(), np.array([[0.5]]), [[0.1]], [[0.1]], duration=0.2, step=0.05)
    with pytest.raises(InputError, match="SiliconSDSP needs the membrane of the postsynaptic neurons"):
        replay(SiliconSDSP(), np.array([[0.5]]), [[0.1]], [[0.1]], duration=0.2, step=1e-3)
