"""A memory of oscillators: fixed phases, falling energy, predicted errors, order of the steps, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.delay import DelayChains
from devsim.devices.magnetic.auto_oscillator import AutoOscillator
from devsim.devices.magnetic.phase_oscillator import PhaseOscillator
from devsim.devices.synaptic_array import IdealArray
from devsim.learning import hopfield
from devsim.learning.oscillator_network import OscillatorNetwork
from devsim.learning.phases import phase_error, scramble
from devsim.stepping.rotating_frame import SplitSteps

KEY = jax.random.key(21)
SIZE, STORED = 64, 4
CARRIER = 300e6
QUIET = {"linewidth": 0.0}


def random_phases(count, size, key=KEY):
    return jnp.exp(2j * jnp.pi * jax.random.uniform(key, (count, size)))


def memory(kind=AutoOscillator, size=SIZE, stored=STORED, *, rule="pseudo_inverse", **knobs):
    """(network, patterns): `stored` random patterns in `size` oscillators."""
    patterns = random_phases(stored, size)
    network = OscillatorNetwork(kind.of(size, **knobs), IdealArray(jnp.zeros((size, size), complex)))
    return network.store(patterns, KEY, rule=rule), patterns


@pytest.mark.parametrize("knobs", [{"kind": AutoOscillator}, {"kind": PhaseOscillator, "nonlinearity": 2.0}])
def test_stored_patterns_are_fixed_phases(knobs):
    network, patterns = memory(**QUIET, **knobs)
    found = network.recall(patterns, 5e-6, KEY)
    assert float(jnp.max(found.errors)) <= 1e-12


def test_patterns_are_fixed_also_where_the_frequency_moves_with_the_power():
    """The pull lifts amplitudes and so frequencies; turning by atan nu takes that back, but for the error of the steps."""
    network, patterns = memory(nonlinear_shift=3e8, **QUIET)
    errors = [network.recall(patterns, 5e-6, KEY, step=step).errors[:, -1] for step in (2e-9, 1e-9)]
    assert float(jnp.max(errors[1])) < 1e-6
    np.testing.assert_allclose(errors[0] / errors[1], 4.0, rtol=0.02)


def test_corrupted_patterns_come_back():
    network, patterns = memory(**QUIET)
    cues = scramble(jnp.tile(patterns, (4, 1)), 0.3, KEY)
    found = network.recall(cues, 4e-6, KEY, targets=jnp.tile(patterns, (4, 1)))
    assert float(jnp.min(found.errors[:, 0])) > 0.1
    assert float(jnp.max(found.errors[:, -1])) < 1e-6
    np.testing.assert_allclose(phase_error(found.states, jnp.tile(patterns, (4, 1))), found.errors[:, -1], rtol=1e-6)
    assert "Recall of 16 cues in 4e-06 s: RMS phase error 0.1" in str(found)


def test_oscillators_that_do_not_pull_keep_their_phases():
    network, patterns = memory(PhaseOscillator, size=16, stored=2, coupling=0.0, **QUIET)
    cues = scramble(patterns, 0.3, KEY)
    np.testing.assert_allclose(network.recall(cues, 1e-6, KEY).states, cues, rtol=1e-12)


def test_noiseless_flow_never_raises_the_energy():
    network, patterns = memory(PhaseOscillator, **QUIET)
    cues = jnp.concatenate([scramble(patterns, 0.6, KEY), random_phases(4, SIZE, jax.random.key(1))])
    found = network.recall(cues, 1e-6, KEY, frames=200, keep_states=True)
    assert found.trajectory is not None
    energy = hopfield.energy(found.trajectory, network.array.weights())
    assert float(jnp.max(jnp.diff(energy, axis=-1))) <= 1e-12 * SIZE


@pytest.mark.slow
def test_errors_of_detuning_are_those_of_the_linear_theory():
    """In the phase model, and with amplitudes, which the pull raises and which so weaken it."""
    network, patterns = memory(PhaseOscillator, 192, 12, **QUIET)
    spread, dies = 1e-4, 3
    predicted = jax.vmap(lambda p: network.stability(p).static_error(2 * np.pi * CARRIER * spread / 1e7))(patterns)
    expected = float(jnp.sqrt(jnp.mean(predicted**2))) / (2 * np.pi)

    def die(oscillators, key):
        drawn = OscillatorNetwork(oscillators.put(frequency_spread=jnp.asarray(spread)).fabricate(key), network.array)
        return drawn.recall(patterns, 2e-6, key).errors[:, -1]

    for oscillators in (network.oscillators, AutoOscillator.of(192, **QUIET)):
        errors = jnp.concatenate([die(oscillators, jax.random.fold_in(KEY, i)) for i in range(dies)])
        ratio = float(jnp.sqrt(jnp.mean(errors**2))) / expected
        assert ratio == pytest.approx(1.0, abs=0.2)
        if oscillators is network.oscillators:
            assert ratio == pytest.approx(1.0, abs=5 / np.sqrt(2 * 192 * dies))


@pytest.mark.parametrize("kind", [PhaseOscillator, AutoOscillator])
def test_errors_of_noise_are_those_of_the_linear_theory(kind):
    network, patterns = memory(kind, 192, 12, linewidth=2e4)
    diffusion = np.pi * 2e4 / 1e7
    predicted = jax.vmap(lambda p: network.stability(p).noise_error(diffusion))(patterns)
    expected = float(jnp.sqrt(jnp.mean(predicted**2))) / (2 * np.pi)
    found = network.recall(patterns, 6e-6, KEY, frames=12)
    measured = float(jnp.sqrt(jnp.mean(found.errors[:, 4:] ** 2)))
    assert measured / expected == pytest.approx(1.0, abs=0.2)


def test_turning_the_feedback_by_atan_nu_matters():
    """Without it the pull has a wrong angle, and detuning costs more (here, where it points where nu is 3, three times)."""
    network, patterns = memory(AutoOscillator, 192, 12, nonlinear_shift=4.5e8, frequency_spread=1e-4, **QUIET)
    drawn = network.oscillators.fabricate(KEY)
    wrong = drawn.put(feedback_phase_error=-jnp.arctan(drawn.nonlinear_coefficient()))
    errors = [
        float(jnp.mean(OscillatorNetwork(o, network.array).recall(patterns, 4e-6, KEY).errors[:, -1])) for o in (drawn, wrong)
    ]
    assert float(drawn.nonlinear_coefficient()) == pytest.approx(3.0)
    assert errors[1] > 1.3 * errors[0]


def test_binary_patterns_need_a_second_harmonic():
    signs = jnp.sign(jax.random.normal(KEY, (STORED, SIZE))) + 0j
    empty = IdealArray(jnp.zeros((SIZE, SIZE), complex))
    ends = []
    for rate in (0.0, 3e6):
        oscillators = PhaseOscillator.of(SIZE, second_harmonic=rate, frequency_spread=3e-4, **QUIET).fabricate(KEY)
        network = OscillatorNetwork(oscillators, empty).store(signs, KEY)
        assert int(network.stability(signs[0]).neutral().sum()) == (STORED - 1 if rate == 0 else 0)
        ends.append(float(jnp.max(network.recall(signs, 8e-6, KEY).errors[:, -1])))
    assert ends[1] < 0.03 < ends[0]


def final_state(oscillators, weights, state, steps, seconds=2e-7):
    scheme = SplitSteps(oscillators, lambda sent: sent @ weights, seconds / steps, jax.random.split(KEY, len(state)))
    at = jax.lax.fori_loop(0, steps, lambda _, at: scheme.advance(at), scheme.start(state))
    return scheme.now(at)


def test_the_steps_are_of_second_order():
    network, patterns = memory(nonlinear_shift=3e8, limiter_softness=0.5, second_harmonic=1e6, **QUIET)
    oscillators = network.oscillators.put(detuning=2e-3 * jax.random.normal(KEY, (SIZE,)))
    start = 0.6 * oscillators.begin(jnp.angle(scramble(patterns, 0.3, KEY)))
    weights = network.array.weights()
    coarse, middle, fine, finest = (final_state(oscillators, weights, start, n) for n in (50, 100, 200, 1600))
    errors = [float(jnp.max(jnp.abs(each - finest))) for each in (coarse, middle, fine)]
    np.testing.assert_allclose(np.log2([errors[0] / errors[1], errors[1] / errors[2]]), 2, atol=0.15)


def test_strong_fields_take_shorter_steps():
    """All to all with weight one: a field of 23, and phases that lock as firmly."""
    size = 24
    network = OscillatorNetwork(PhaseOscillator.of(size, **QUIET), IdealArray(jnp.ones((size, size)) - jnp.eye(size) + 0j))
    assert float(network.longest_step()) == pytest.approx(float(network.oscillators.longest_step()) / (size - 1))
    cues = jnp.exp(0.3j * jax.random.normal(KEY, (size,)))
    assert float(network.recall(cues, 1e-6, KEY, targets=jnp.ones(size)).errors[-1]) < 1e-9
    with pytest.raises(InputError, match=r"`step` must be at most 2\.17e-10 s"):
        network.recall(cues, 1e-6, KEY, step=1e-9)


def test_a_cue_is_recalled_alike_alone_and_among_others():
    network, patterns = memory()
    cues = scramble(patterns, 0.3, KEY)
    together = network.recall(cues, 1e-6, KEY, targets=patterns)
    alone = network.recall(cues[2], 1e-6, jax.random.fold_in(KEY, 2), targets=patterns[2])
    np.testing.assert_allclose(alone.states, together.states[2], rtol=1e-9)
    assert alone.errors.shape == (101,)
    stacked = network.recall(cues.reshape(2, 2, SIZE), 1e-6, KEY, targets=patterns.reshape(2, 2, SIZE))
    np.testing.assert_allclose(stacked.states.reshape(-1, SIZE), together.states, rtol=1e-9)


def test_one_compilation_serves_all_knobs(monkeypatch):
    traces = []
    start = SplitSteps.start
    monkeypatch.setattr(SplitSteps, "start", lambda self, state: traces.append(0) or start(self, state))
    network, patterns = memory(size=16, stored=2)
    for coupling, duration, linewidth in ((1e7, 1e-6, 1e5), (3e7, 2e-6, 0.0), (1e6, 1e-7, 1e6)):
        oscillators = network.oscillators.put(coupling=jnp.asarray(coupling), linewidth=jnp.asarray(linewidth))
        OscillatorNetwork(oscillators, network.array).recall(patterns, duration, KEY)
    assert len(traces) == 1


def test_time_to_an_error_is_where_it_stays_below():
    network, patterns = memory(**QUIET)
    cues = scramble(patterns, 0.3, KEY)
    found = network.recall(cues, 4e-6, KEY, targets=patterns, frames=400)
    time = found.time_to(0.05)
    for i in range(STORED):
        assert float(jnp.interp(time[i], found.time, found.errors[i])) == pytest.approx(0.05, rel=1e-6)
    assert np.all(np.isinf(found.time_to(1e-30)))
    np.testing.assert_array_equal(found.time_to(jnp.full(STORED, 0.05)), time)
    np.testing.assert_array_equal(network.recall(patterns, 1e-6, KEY).time_to(0.05), 0)


def test_gradients_through_a_recall_equal_finite_differences():
    network, patterns = memory(size=16, stored=2, nonlinear_shift=3e8, frequency_spread=1e-3)
    network = OscillatorNetwork(network.oscillators.fabricate(KEY), network.array)
    cues = scramble(patterns, 0.3, KEY)
    direction = jax.random.normal(KEY, (2, 16, 16))
    direction = direction[0] + 1j * direction[1]

    def error(shift, coupling):
        weights = network.array.weights() + shift * direction
        oscillators = network.oscillators.put(coupling=coupling * 1e7)
        found = OscillatorNetwork(oscillators, IdealArray(weights)).recall(
            cues, 2.56e-7, KEY, targets=patterns, step=2e-9, frames=1
        )
        return jnp.sum(found.errors[:, -1])

    error = jax.jit(error)
    gradient = jax.grad(error, (0, 1))(0.0, 1.0)
    h = 1e-5
    np.testing.assert_allclose(gradient[0], (error(h, 1.0) - error(-h, 1.0)) / (2 * h), rtol=1e-6)
    np.testing.assert_allclose(gradient[1], (error(0.0, 1 + h) - error(0.0, 1 - h)) / (2 * h), rtol=1e-6)


@pytest.mark.slow
def test_hebb_fails_where_the_pseudo_inverse_works():
    """12 patterns in 192: 0.0625 N, above what Hebb's rule holds of phases (about 0.038 N)."""
    ends = {}
    for rule in ("hebb", "pseudo_inverse"):
        network, patterns = memory(PhaseOscillator, 192, 12, rule=rule, **QUIET)
        cues = scramble(patterns, 0.3, KEY)
        ends[rule] = np.asarray(network.recall(cues, 1e-5, KEY, targets=patterns).errors[:, -1])
    assert np.all(ends["pseudo_inverse"] < 1e-4)
    assert np.all(ends["hebb"] > 0.05)


@pytest.mark.slow
def test_hebbian_capacity_is_that_of_the_phasor_model():
    """0.038 N (Cook, J. Phys. A 22, 2057 (1989)): most of 0.021 N patterns stay where they are, hardly any of 0.055 N."""
    shares = []
    for stored in (8, 21):
        network, patterns = memory(PhaseOscillator, 384, stored, rule="hebb", **QUIET)
        found = network.recall(patterns, 1e-5, KEY)
        shares.append(float(jnp.mean(found.errors[:, -1] < 0.05)))
    assert shares[0] >= 0.75 and shares[1] <= 0.25


def test_what_cannot_be_is_refused():
    network, patterns = memory(size=16, stored=2)
    with pytest.raises(InputError, match=r"`step` must be at most 5e-09 s for these oscillators, but is 1e-08 s"):
        network.recall(patterns, 1e-6, KEY, step=1e-8)
    with pytest.raises(InputError, match=r"`cues` must match the oscillators \(shape \(16,\)\), but has shape \(2, 15\)"):
        network.recall(patterns[:, :15], 1e-6, KEY)
    with pytest.raises(InputError, match="`cues` must hold complex numbers of magnitude 1"):
        network.recall(0.5 * patterns, 1e-6, KEY)
    with pytest.raises(InputError, match="`duration` must be above 0 s, but is -1 s"):
        network.recall(patterns, -1.0, KEY)
    with pytest.raises(InputError, match="`patterns` must be at most as many as their 16 neurons, but are 17"):
        network.store(random_phases(17, 16), KEY)
    with pytest.raises(InputError, match="pattern 2 is made of 0"):
        network.store(jnp.concatenate([patterns, patterns[:1]]), KEY)
    with pytest.raises(
        InputError, match=r"`array` must be of delays for the oscillators' 1e\+09 Hz, but its `frequency` is 3e\+08"
    ):
        OscillatorNetwork(AutoOscillator.of(3, frequency=1e9), DelayChains.of(3, 3))
    with pytest.raises(InputError, match="`coupling` must be one for all oscillators for their stability"):
        memory(size=16, stored=2, coupling=jnp.linspace(1e6, 1e7, 16))[0].stability(patterns[0])
    with pytest.raises(InputError, match="`coupling` must be above 0 1/s"):
        memory(size=16, stored=2, coupling=0.0)[0].stability(patterns[0])
    with pytest.raises(InputError, match="`rule` must be one of hebb, pseudo_inverse"):
        network.store(patterns, KEY, rule="storkey")
    with pytest.raises(InputError, match=r"`array` must join each of the oscillators \(16,\) to each, but has 3 rows"):
        OscillatorNetwork(network.oscillators, IdealArray(jnp.zeros((3, 3))))
