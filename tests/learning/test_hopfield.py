"""Hopfield networks against NumPy and against theorems of their dynamics."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.synaptic_array import IdealArray, SynapticArray
from devsim.learning import hopfield
from devsim.learning.hopfield import Asynchronous, Hopfield, Synchronous, basin, flip, occlude, recall
from devsim.learning.storage import hebb, pseudo_inverse
from devsim.parameter import parameter, state
from devsim.ports import Balance, ageless, no_memory, quiet, signal_in, signal_out
from devsim.randomness import numbered_keys

KEY = jax.random.key(20)


class NoisyArray(SynapticArray):
    """Weights whose every read has additive noise; it counts how often it is traced."""

    matrix: jax.Array = state(unit="1", doc="weights")
    read_noise: jax.Array = parameter(0.0, unit="1", stage="read", ideal=0.0, doc="standard deviation of a read")
    age = ageless
    rest = no_memory
    noise = quiet
    traces = []

    def ports(self):
        return {"rows": signal_in(self.matrix.shape[:1]), "columns": signal_out(self.matrix.shape[1:])}

    def balance(self, t, p, x):
        return Balance({"columns": p["rows"] @ self.matrix})

    def weights(self):
        return self.matrix

    def read(self, inputs, key):
        self.traces.append(1)
        return inputs @ self.matrix + self.read_noise * jax.random.normal(key, inputs.shape)

    def read_reverse(self, inputs, key):
        return inputs @ self.matrix.T

    def program(self, target, key):
        return self.put(matrix=target)

    def nudge(self, delta, key):
        return self.put(matrix=self.matrix + delta)


def bits(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).choice([-1.0, 1.0], shape)


def symmetric(seed: int, size: int) -> np.ndarray:
    w = np.random.default_rng(seed).normal(size=(size, size))
    w = w + w.T
    np.fill_diagonal(w, 0.0)
    return w


def ideal(weights) -> Hopfield:
    return Hopfield(IdealArray(weights))


def host(found):
    """The same result in NumPy arrays: picking from them compiles nothing."""
    return jax.tree.map(np.asarray, found)


def numpy_step(s: np.ndarray, w: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """One synchronous step, neuron by neuron."""
    h = [sum(s[i] * w[i, j] for i in range(len(s))) - thresholds[j] for j in range(len(s))]
    tie = 1e-12 * max(abs(x) for x in h)
    return np.array([s[j] if abs(x) <= tie else (1.0 if x > 0 else -1.0) for j, x in enumerate(h)])


# --- recall: the mathematics ---------------------------------------------------------------------------------------


def test_pseudo_inverse_patterns_are_left_alone_by_recall():
    x = bits(1, 30, 80)
    for keep in (True, False):
        network = ideal(pseudo_inverse(x, keep_diagonal=keep))
        for order in hopfield.ORDERS:
            found = network.recall(x, 3, KEY, order=order)
            np.testing.assert_array_equal(found.states, x)
            assert np.all(found.settled == 0) and np.all(found.converged) and not np.any(found.cycled)


def test_synchronous_recall_equals_numpy_bit_for_bit():
    # Hebbian weights of an even number of patterns have many exact ties.
    x = bits(2, 6, 30)
    w = np.asarray(hebb(x))
    thresholds = np.where(np.arange(30) % 3 == 0, 0.1, 0.0)
    cues = bits(3, 8, 30)
    found = host(Hopfield(IdealArray(w), thresholds).recall(cues, 6, KEY, targets=x[0], keep_states=True))
    for cue, states, overlaps in zip(cues, found.trajectory, found.overlaps, strict=True):
        s = cue
        for t in range(7):
            np.testing.assert_array_equal(states[t], s)
            assert overlaps[t] == np.dot(s, x[0]) / 30
            s = numpy_step(s, w, thresholds)


@pytest.mark.parametrize("array", [IdealArray, NoisyArray])
def test_asynchronous_recall_equals_numpy_bit_for_bit(array):
    w, cue, thresholds = np.asarray(hebb(bits(4, 6, 30))), bits(5, 30), np.linspace(-0.1, 0.1, 30)
    found = host(Hopfield(array(w), thresholds).recall(cue, 4, KEY, order="asynchronous", keep_states=True))
    s = cue.copy()
    for t in range(4):
        for neuron in host(hopfield.sweep_order(30, jax.random.fold_in(KEY, t))):
            s[neuron] = numpy_step(s, w, thresholds)[neuron]
        np.testing.assert_array_equal(found.trajectory[t + 1], s)


def test_a_sweep_visits_every_neuron_once_in_an_order_of_its_own():
    orders = [np.asarray(hopfield.sweep_order(50, jax.random.key(k))) for k in range(3)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(50))
    assert not np.array_equal(orders[0], orders[1]) and not np.array_equal(orders[1], orders[2])


def test_energy_never_rises_at_any_asynchronous_update():
    for seed in range(4):
        size = 40
        rng = np.random.default_rng(seed)
        network = Hopfield(IdealArray(symmetric(seed, size)), rng.normal(size=size))
        update, s = Asynchronous(network.field), jnp.asarray(bits(seed + 50, size))
        states = [s]
        visit = jax.jit(lambda s, i, update=update: update.visit(s, i[None], KEY))
        for neuron in rng.integers(0, size, 5 * size):
            states.append(visit(states[-1], jnp.asarray(neuron)))
        e = np.asarray(network.energy(jnp.stack(states)))
        assert np.all(np.diff(e) <= 1e-12 * np.abs(e).max()) and e[-1] < e[0]


def test_energy_never_rises_over_sweeps_and_they_end_in_a_fixed_point():
    network = ideal(symmetric(9, 100))
    found = host(network.recall(bits(10, 20, 100), 40, KEY, order="asynchronous", keep_states=True))
    e = np.asarray(network.energy(found.trajectory))
    assert np.all(np.diff(e, axis=-1) <= 1e-12 * np.abs(e).max())
    assert np.all(found.converged)


def test_energy_equals_its_sum_over_pairs():
    w, s, thresholds = symmetric(11, 9), bits(12, 9), np.arange(9.0)
    pairs = -sum(w[i, j] * s[i] * s[j] for i in range(9) for j in range(i)) + sum(thresholds * s)
    assert Hopfield(IdealArray(w), thresholds).energy(s) == pytest.approx(pairs, rel=1e-13)


def test_synchronous_recall_of_symmetric_weights_ends_in_a_fixed_point_or_a_cycle_of_two():
    fixed, cycling = 0, 0
    for seed in range(5):
        found = ideal(symmetric(seed, 60)).recall(bits(seed + 70, 40, 60), 200, KEY)
        assert np.all(found.converged ^ found.cycled)
        fixed, cycling = fixed + int(found.converged.sum()), cycling + int(found.cycled.sum())
    assert cycling > 0 and fixed + cycling == 200


def test_antisymmetric_weights_turn_in_a_cycle_of_four_which_is_neither():
    found = host(ideal(np.array([[0.0, 1.0], [-1.0, 0.0]])).recall(np.array([1.0, 1.0]), 9, KEY, keep_states=True))
    np.testing.assert_array_equal(found.trajectory[4:], found.trajectory[:-4])
    assert not found.converged and not found.cycled and found.settled == 9


def test_a_cycle_of_two_and_the_step_of_the_last_change_are_reported():
    two = ideal(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert bool(two.recall(np.array([1.0, -1.0]), 5, KEY).cycled)
    x = bits(13, 3, 100)
    found = ideal(hebb(x)).recall(flip(x, 0.2, KEY), 10, KEY, targets=x, keep_states=True)
    moved = np.any(np.diff(np.asarray(found.trajectory), axis=1) != 0, axis=-1)
    np.testing.assert_array_equal(found.settled, [np.max(np.flatnonzero(m), initial=-1) + 1 for m in moved])
    assert "Recall of 3 cues in 10 steps: 3 at a fixed point" in str(found)


def test_a_tie_keeps_the_old_state_and_rounding_does_not_decide():
    s = jnp.array([1.0, -1.0, 1.0, -1.0])
    np.testing.assert_array_equal(hopfield.decide(jnp.array([-3e-16, 1e-16, 0.0, 1.0]), s), [1, -1, 1, 1])
    np.testing.assert_array_equal(hopfield.decide(jnp.zeros(4), s), s)
    np.testing.assert_array_equal(hopfield.decide(jnp.array([-1e-20, 1e-20, -2e-20, 0]), s), [-1, 1, -1, -1])


def test_a_field_that_is_nan_never_looks_like_a_recalled_state():
    found = recall(lambda s, key: hopfield.decide(s * jnp.nan, s), bits(14, 2, 5), 3, KEY)
    assert np.all(np.isnan(found.states)) and not np.any(found.converged)


# --- recall: batches, keys, compilation ----------------------------------------------------------------------------


@pytest.mark.parametrize("order", hopfield.ORDERS)
def test_a_noisy_cue_recalls_alone_as_in_a_batch(order):
    network = Hopfield(NoisyArray(symmetric(15, 25), 3.0))
    cues = bits(16, 2, 3, 25)

    def run(cues, keys):
        return host(network.recall(cues, 4, keys, order=order, keep_states=True))

    together = run(cues, KEY)
    assert together.states.shape == (2, 3, 25) and together.overlaps.shape == (2, 3, 5)
    assert together.trajectory.shape == (2, 3, 5, 25) and together.settled.shape == (2, 3)
    keys = numbered_keys(KEY, 6).reshape(2, 3)
    row, alone = run(cues[1], keys[1]), run(cues[1, 2], keys[1, 2])
    np.testing.assert_array_equal(row.trajectory, together.trajectory[1])
    np.testing.assert_array_equal(alone.trajectory, together.trajectory[1, 2])
    np.testing.assert_array_equal(alone.overlaps, together.overlaps[1, 2])


def test_equal_cues_and_equal_steps_have_noise_of_their_own():
    network = Hopfield(NoisyArray(np.zeros((40, 40)), 1.0))
    found = host(network.recall(np.ones((2, 40)), 2, KEY, keep_states=True))
    drawn = found.trajectory[:, 1:].reshape(4, 40)
    assert len(np.unique(drawn, axis=0)) == 4
    np.testing.assert_array_equal(network.recall(np.ones((2, 40)), 2, KEY, keep_states=True).states, found.states)


def test_every_visit_of_a_sweep_reads_with_noise_of_its_own():
    one_draw_for_all = Asynchronous(lambda s, key: jnp.full(30, jax.random.normal(key)))
    assert abs(float(one_draw_for_all(jnp.ones(30), KEY).sum())) < 30


def test_rows_of_exact_weights_give_the_states_that_full_reads_give():
    w, cues = np.asarray(hebb(bits(17, 10, 60))), bits(18, 12, 60)
    by_rows = ideal(w).recall(cues, 5, KEY, order="asynchronous")
    by_reads = recall(Asynchronous(ideal(w).field), cues, 5, KEY)
    np.testing.assert_array_equal(by_rows.states, by_reads.states)
    np.testing.assert_array_equal(by_rows.overlaps, by_reads.overlaps)


@pytest.mark.parametrize("order", hopfield.ORDERS)
def test_many_weight_matrices_of_one_shape_compile_once(order):
    for seed in range(4):
        array = NoisyArray(symmetric(seed, 13), 0.1 * seed)
        Hopfield(array, np.full(13, 0.01 * seed)).recall(bits(seed, 3, 13), 4, jax.random.key(seed), order=order)
        if seed == 0:
            first = len(NoisyArray.traces)
    assert len(NoisyArray.traces) == first


def test_recall_works_under_vmap_over_networks():
    weights, cues = np.stack([symmetric(s, 20) for s in range(3)]), bits(19, 5, 20)
    states = jax.vmap(lambda w: ideal(w).recall(cues, 4, KEY).states)(jnp.asarray(weights))
    for w, expected in zip(weights, host(states), strict=True):
        np.testing.assert_array_equal(ideal(w).recall(cues, 4, KEY).states, expected)


def test_a_chip_may_supply_the_next_state_or_the_field():
    w, cues = symmetric(21, 20), bits(22, 5, 20)
    expected = ideal(w).recall(cues, 4, KEY).states
    volts = Synchronous(lambda s, key: 1e-3 * (s @ w))
    comparator = lambda s, key: jnp.where(s @ w > 0, 1.0, -1.0)
    np.testing.assert_array_equal(recall(volts, cues, 4, KEY).states, expected)
    np.testing.assert_array_equal(recall(comparator, cues, 4, KEY).states, expected)


def test_the_ideal_of_a_noisy_network_is_the_mathematics():
    w, cues = symmetric(23, 20), bits(24, 5, 20)
    noisy = Hopfield(NoisyArray(w, 2.0))
    assert list(noisy.imperfections()) == ["array.read_noise"]
    np.testing.assert_array_equal(noisy.ideal().recall(cues, 4, KEY).states, ideal(w).recall(cues, 4, KEY).states)
    assert not np.array_equal(noisy.recall(cues, 4, KEY).states, ideal(w).recall(cues, 4, KEY).states)
    np.testing.assert_array_equal(noisy.program(2 * w, KEY).array.weights(), 2 * w)
    np.testing.assert_array_equal(noisy.age(10.0, 300.0, KEY).array.weights(), w)


# --- measures and corruption ---------------------------------------------------------------------------------------


def test_overlap_and_success_count():
    x = bits(25, 4, 10)
    s = x.copy()
    s[1, :3] *= -1
    s[2] *= -1
    np.testing.assert_array_equal(hopfield.overlap(s, x), [1.0, 0.4, -1.0, 1.0])
    assert hopfield.success(s, x) == 0.5 and hopfield.success(s, x, up_to_sign=True) == 0.75


@pytest.mark.parametrize("share", [0.0, 0.1, 0.29, 0.5, 1.0])
def test_flip_changes_exactly_the_share_it_says(share):
    x = bits(26, 3, 7, 100)
    changed = np.asarray(flip(x, share, KEY)) != x
    assert np.all(changed.sum(-1) == round(share * 100))
    if 0 < share < 1:
        assert len(np.unique(changed.reshape(21, 100), axis=0)) == 21


def test_flip_takes_a_share_for_each_pattern_and_draws_alone_as_in_a_batch():
    x, shares = bits(27, 4, 30), np.array([0.0, 0.2, 0.5, 0.9])
    together = np.asarray(flip(x, shares, KEY))
    np.testing.assert_array_equal((together != x).sum(-1), [0, 6, 15, 27])
    for i, key in enumerate(numbered_keys(KEY, 4)):
        np.testing.assert_array_equal(flip(x[i], shares[i], key), together[i])


def test_flip_hits_every_neuron_equally_often():
    draws, share = 4000, 0.3
    hits = np.mean(np.asarray(flip(np.ones((draws, 20)), share, KEY)) < 0, axis=0)
    assert np.all(np.abs(hits - share) < 5 * math.sqrt(share * (1 - share) / draws))


@pytest.mark.parametrize("shape", [(4, 6), (5, 3)])
def test_occlude_masks_the_half_it_names(shape):
    height, width = shape
    picture = np.arange(1, height * width + 1) / 100
    seen = {s: np.asarray(occlude(picture, shape, s, fill=-1.0)).reshape(shape) for s in hopfield.SIDES}
    np.testing.assert_array_equal(seen["top"][: height // 2], -1)
    np.testing.assert_array_equal(seen["bottom"][height - height // 2 :], -1)
    np.testing.assert_array_equal(seen["left"][:, : width // 2], -1)
    np.testing.assert_array_equal(seen["right"][:, width - width // 2 :], -1)
    for side, lines, across in (
        ("top", height, width),
        ("bottom", height, width),
        ("left", width, height),
        ("right", width, height),
    ):
        assert (seen[side] == -1).sum() == lines // 2 * across
        np.testing.assert_array_equal(seen[side][seen[side] != -1], picture.reshape(shape)[seen[side] != -1])


def test_one_stored_pattern_attracts_from_just_below_one_half():
    # The field at a neuron without coupling to itself is x (N m - x s) / N, so N m must exceed 1: 48 flips of 100.
    x = bits(28, 1, 100)
    found = basin(ideal(hebb(x)).update(), x, np.array([0.1, 0.3, 0.48, 0.5, 0.6]), steps=5, key=KEY, trials=20)
    np.testing.assert_array_equal(found.success, [1, 1, 1, 0, 0])
    assert found.size == 0.48 and "Basin 0.48" in str(found)


def test_basin_counts_only_shares_up_to_which_recall_never_failed():
    x = np.repeat(bits(29, 1, 40), 5, axis=0)
    fails_once = lambda s, key: jnp.where(jnp.sum(s != x[0]) == 8, -s, x[0])
    found = basin(fails_once, x, np.array([0.1, 0.2, 0.3]), steps=1, key=KEY)
    np.testing.assert_array_equal(found.success, [1, 0, 1])
    assert found.size == 0.1
    lost = basin(lambda s, key: -s, x, np.array([0.0, 0.1, 0.2]), steps=1, key=KEY)
    assert lost.size == 0


# --- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda n, x: n.recall(x * 2, 3, KEY), r"`cues` must be at least -1 and at most 1, but is"),
        (lambda n, x: n.recall(x * np.nan, 3, KEY), r"`cues` must be at least -1 and at most 1, but is nan"),
        (lambda n, x: n.recall(x[:, :3], 3, KEY), r"`inputs` must match the array's rows"),
        (lambda n, x: n.recall(x, 0, KEY), r"`steps` must be a whole number of at least 1, but is 0"),
        (lambda n, x: n.recall(x, 2.5, KEY), r"`steps` must be a whole number of at least 1, but is 2.5"),
        (lambda n, x: n.recall(x, 3, KEY, targets=x[:, :4]), r"`targets` must match the cues' neurons"),
        (lambda n, x: n.recall(x[0], 3, KEY, targets=x), r"`targets` must be one for all cues or one each"),
        (lambda n, x: n.recall(x, 3, KEY, order="async"), r"`order` must be one of .* Did you mean `asynchronous`"),
        (lambda n, x: n.recall(x, 3, jax.random.split(KEY, 3)), r"`key` must be one key or one for each cue \(2,\)"),
        (lambda n, x: n.recall(x, 3, jax.random.PRNGKey(0)), r"`key` must be made by `jax.random.key\(seed\)`"),
        (lambda n, x: flip(x, 1.2, KEY), r"`share` must be at least 0 and at most 1, but is 1.2"),
        (lambda n, x: flip(x, np.zeros(3), KEY), r"`share` must be a number or one for each pattern \(2,\)"),
        (lambda n, x: occlude(x, (2, 4), "top"), r"`patterns` must match pictures of 2 x 4 pixels"),
        (lambda n, x: occlude(x, (2, 3), "up"), r"`side` must be one of bottom, left, right, top"),
        (lambda n, x: occlude(x, (2, 3), "top", 3.0), r"`fill` must be at least -1 and at most 1"),
        (lambda n, x: basin(n.update(), x, [0.2, 0.1], steps=2, key=KEY), r"`shares` must be a list of rising shares"),
        (lambda n, x: ideal(np.ones((2, 3))), r"`array` must have as many rows as columns, but has 2 rows and 3 columns"),
        (
            lambda n, x: Hopfield(n.array, np.ones(4)),
            r"`thresholds` must be one or one for each of 6 neurons, but has shape \(4,\)",
        ),
        (lambda n, x: Hopfield(n.array, np.inf), r"`thresholds` must be finite"),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(InputError, match=words):
        call(ideal(symmetric(30, 6)), bits(31, 2, 6))
