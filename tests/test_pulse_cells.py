"""The laws of pulse cells: what fabrication draws, what pulses do, what time does, and that derivatives are right."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.memristor.pulse import PulseCell
from devsim.devices.memristor.pulse_pair import OneSidedPair
from devsim.devices.memristor.pulse_steps import (
    ConstantStep,
    ExpStep,
    LinearStep,
    PiecewiseStep,
    SoftBounds,
    SoftBoundsReference,
)
from devsim.part import aged

KEY = jax.random.key(20)
SHAPE = (40, 50)
MANY = SHAPE[0] * SHAPE[1]
SMALL = (3,)


def near(values, mean, deviation):
    """Mean and standard deviation of normal `values` within five standard errors."""
    values = np.asarray(values).ravel()
    assert abs(values.mean() - mean) <= 5 * deviation / np.sqrt(values.size) + 1e-12
    assert abs(values.std() - deviation) <= 5 * deviation / np.sqrt(2 * values.size) + 1e-12


def every_preset(test):
    return pytest.mark.parametrize("name", PulseCell.presets())(test)


# ---- presets ----


def test_presets_name_their_sources():
    assert len(PulseCell.presets()) == 10
    assert all("20" in source and ":" in source for source in PulseCell.presets().values())


@every_preset
def test_a_preset_starts_at_weight_zero_and_keeps_its_range(name):
    cell = PulseCell.preset(name, SMALL)
    assert cell.shape() == SMALL
    np.testing.assert_allclose(cell.weight(), 0)
    np.testing.assert_allclose(cell.conductance_of(cell.w_max), cell.maximum_conductance, rtol=1e-12)
    np.testing.assert_allclose(cell.weight_of(cell.conductance_of(0.3)), 0.3, rtol=1e-12)


def test_a_preset_takes_changes():
    cell = PulseCell.preset("reram-om", SMALL, stuck_probability=0.0, step=0.1)
    assert (float(cell.stuck_probability), float(cell.step)) == (0.0, 0.1)


# ---- fabrication ----


@every_preset
def test_fabrication_without_spread_changes_nothing(name):
    cell = PulseCell.preset(name, SMALL)
    spreads = {path: 0.0 for path in cell.parameters() if path.endswith("_spread") or path == "stuck_probability"}
    for path, value in spreads.items():
        cell = cell.set(path, value)
    die = cell.fabricate(KEY).put(stuck_draw=cell.stuck_draw, stuck_place=cell.stuck_place)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool(jnp.all(a == b)), die, cell))


def test_the_same_key_draws_the_same_die():
    cell = PulseCell.preset("ecram", SHAPE)
    same = jax.tree.map(lambda a, b: bool(jnp.all(a == b)), cell.fabricate(KEY), cell.fabricate(KEY))
    assert jax.tree.all(same)
    assert jnp.all(cell.fabricate(KEY).gain != cell.fabricate(jax.random.key(21)).gain)


def test_fabricated_cells_have_the_published_statistics():
    die = PulseCell.preset("ecram", SHAPE).fabricate(KEY)
    limits = die.limits()
    near((limits.up + limits.down) / 2 / die.step, 1, 0.1)
    near((limits.up - limits.down) / 2 / die.step, 0, 0.01)
    near(limits.high / die.w_max, 1, 0.05)
    near(limits.low / die.w_min, 1, 0.05)
    near(die.law.gamma_up + die.law.up_deviation, 0.1153, 0.05)
    assert die.law.down_deviation.shape == SHAPE


def test_lognormal_steps_keep_their_median():
    die = PulseCell.preset("reram-om", SHAPE).fabricate(KEY)
    near(jnp.log(die.gain), 0, 0.7829)
    near(die.law.deviation, 0, 0.05)
    share = float(jnp.mean(die.stuck()))
    assert abs(share - 0.1348) < 5 * np.sqrt(0.1348 * 0.8652 / MANY)


def test_steps_and_bounds_never_change_sign():
    die = PulseCell(SHAPE, step_spread=1.0, upper_spread=1.0, lower_spread=1.0).fabricate(KEY)
    limits = die.limits()
    assert jnp.all(limits.up >= 0) and jnp.all(limits.down >= 0)
    assert jnp.all(limits.high >= 0) and jnp.all(limits.low <= 0)


def test_a_decay_rate_is_drawn_cell_by_cell():
    rate = PulseCell(SHAPE, decay_rate=2.0, decay_spread=0.3).fabricate(KEY).decay_rate
    assert abs(float(rate.mean()) - 2) < 5 * 0.6 / np.sqrt(MANY)
    assert jnp.std(rate) > 0.5


def test_ideal_forgets_the_die():
    die = PulseCell.preset("reram-es", SMALL).fabricate(KEY)
    limits = die.ideal().limits()
    np.testing.assert_array_equal(limits.up, np.full(SMALL, 0.00135))
    np.testing.assert_array_equal(limits.down, limits.up)
    moved = die.ideal().nudge(10, KEY)
    np.testing.assert_allclose(moved.weight(), 10 * 0.00135, rtol=1e-12)


def test_stuck_cells_do_not_move():
    die = PulseCell(SMALL, SoftBounds(), stuck_probability=1.0, step=0.1, write_noise=1.0, decay_rate=1.0, most_pulses=16)
    die = die.fabricate(KEY)
    weight = die.weight()
    assert jnp.all(jnp.abs(weight) <= die.stuck_range)
    for after in (
        die.nudge(5, KEY),
        die.program(90e-6, KEY),
        die.reset(KEY),
        aged(die, 10.0, key=KEY),
    ):
        np.testing.assert_array_equal(after.weight(), weight)
        np.testing.assert_array_equal(after.conductance(), die.conductance())


def test_healed_cells_move_again():
    die = (
        PulseCell(SMALL, SoftBounds(), step=0.1, stuck_probability=1.0, most_pulses=16)
        .fabricate(KEY)
        .set("stuck_probability", 0.0)
    )
    assert jnp.all(die.nudge(5, KEY).weight() > 0)


# ---- pulses ----


def test_cycle_noise_adds_up_like_a_random_walk():
    cell = PulseCell(SHAPE, ConstantStep(), step=1e-3, cycle_noise=0.5, most_pulses=16)
    near(cell.nudge(16, KEY).weight(), 16e-3, 0.5e-3 * 4)


def test_absolute_noise_does_not_shrink_with_the_step():
    draw = jax.random.normal(KEY, SHAPE)
    for noise, deviation in (("absolute", 0.5e-3), ("relative", 0.25e-3)):
        cell = PulseCell(SHAPE, SoftBounds(noise=noise), step=1e-3, cycle_noise=0.5)
        cell = cell.put(hidden=jnp.full(SHAPE, 0.5))
        near(cell.pulse(jnp.asarray(True), draw), 0.5 + 0.5e-3, deviation)


def test_exponential_steps_have_noise_that_grows_with_the_weight():
    law = ExpStep(amplitude_up=0.0, amplitude_down=0.0, noise_floor=0.01, noise_slope=0.02)
    cell = PulseCell(SHAPE, law, step=1e-3, cycle_noise=0.5, most_pulses=16).put(hidden=jnp.full(SHAPE, -0.4))
    near(cell.nudge(-1, KEY).weight(), -0.401, 0.5 * (1e-3 + 0.01 + 0.02 * 0.4))


def test_write_noise_is_visible_but_not_remembered():
    cell = PulseCell(SHAPE, step=1e-3, write_noise=20.0, most_pulses=16)
    up = cell.nudge(4, KEY)
    near(up.weight(), 4e-3, 20e-3)
    np.testing.assert_allclose(up.hidden, 4e-3, rtol=1e-12)
    np.testing.assert_array_equal(up.nudge(0, jax.random.key(1)).weight(), up.weight())


def test_cells_take_their_own_counts():
    cell = PulseCell((5,), step=0.01, most_pulses=16)
    np.testing.assert_allclose(
        cell.nudge(jnp.asarray([0, 1, -2, 3.4, 7]), KEY).weight(), [0, 0.01, -0.02, 0.03, 0.07], atol=1e-15
    )


def test_a_train_is_cut_at_its_longest():
    cell = PulseCell(SMALL, step=0.01, most_pulses=16)
    np.testing.assert_allclose(cell.nudge(1000, KEY).weight(), 0.16, rtol=1e-12)


def test_slopes_refer_to_the_mean_bound_where_it_is_asked_for():
    for mean, slope in ((False, 0.5 / 2), (True, 0.5)):
        cell = PulseCell((), LinearStep(0.5, 0.5, mean_bound=mean), step=0.01).put(
            upper=jnp.asarray(2.0), hidden=jnp.asarray(0.8)
        )
        np.testing.assert_allclose(cell.pulse(jnp.asarray(True), 0.0) - 0.8, 0.01 * (1 - slope * 0.8), rtol=1e-12)


def test_a_pulse_step_is_what_a_nominal_pulse_moves():
    cell = PulseCell(SMALL, LinearStep(0.2, 0.4), step=0.01, step_spread=0.3).fabricate(KEY)
    np.testing.assert_allclose(cell.pulse_step(), 0.01 * 80e-6 / 2, rtol=1e-9)
    pcm = PulseCell.preset("pcm", SMALL).put(hidden=jnp.ones(SMALL))
    np.testing.assert_allclose(pcm.pulse_step() / 40e-6, pcm.pulse(jnp.ones(SMALL, bool), 0.0) - 1, rtol=1e-9)


def test_reading_is_noisy_around_the_stored_conductance():
    cell = PulseCell(SHAPE, read_noise=0.02)
    near(cell.sample(KEY), 60e-6, 0.02 * 60e-6)
    assert jnp.all(cell.put(hidden=jnp.full(SHAPE, -3.0)).conductance() == 0)


# ---- open-loop writing ----


def test_a_nominal_cell_is_programmed_to_half_a_step():
    cell = PulseCell((30,), LinearStep(0.3, 0.6), step=0.01, most_pulses=400)
    target = jnp.linspace(22e-6, 98e-6, 30)
    left = cell.program(target, KEY).conductance() - target
    assert jnp.max(jnp.abs(left)) <= 0.5 * 0.01 * 1.6 * 40e-6  # the steepest down step is 1.6 steps


def test_the_counts_of_an_open_loop_know_nothing_of_the_die():
    cell = PulseCell((30,), SoftBounds(), step=0.01, step_spread=0.5, upper_spread=0.3, most_pulses=400)
    target = jnp.linspace(22e-6, 90e-6, 30)
    np.testing.assert_array_equal(cell.fabricate(KEY).pulses_towards(target), cell.pulses_towards(target))


# ---- batches and types ----


def test_a_batch_equals_a_loop():
    cell = PulseCell(SMALL, SoftBounds(), step=0.02, step_spread=0.3, cycle_noise=0.3, write_noise=1.0, most_pulses=16)
    keys = jax.random.split(KEY, 3)
    counts = jnp.asarray([0, 5, -16])

    def one(key, count):
        return cell.fabricate(key).nudge(jnp.full(SMALL, count), key).weight()

    batch = jax.vmap(one)(keys, counts)
    np.testing.assert_allclose(batch, jnp.stack([one(k, n) for k, n in zip(keys, counts, strict=True)]), rtol=1e-12)


def test_single_precision_stays_single():
    cell = PulseCell.preset("reram-sb", SMALL, most_pulses=16)
    half = jax.tree.map(lambda x: x.astype(jnp.float32), cell)
    moved = aged(
        half.fabricate(KEY).nudge(jnp.asarray([3, -2, 0]), KEY), jnp.float32(1.0), temperature=jnp.float32(300), key=KEY
    )
    types = {leaf.dtype for leaf in jax.tree.leaves(moved)} | {moved.sample(KEY).dtype, moved.conductance().dtype}
    assert types == {jnp.dtype(jnp.float32)}
    wide = cell.fabricate(KEY)
    assert moved.conductance().shape == wide.shape()


def test_many_values_of_the_knobs_compile_once():
    traces = []

    @eqx.filter_jit
    def run(cell, key):
        traces.append(1)
        return cell.fabricate(key).nudge(3, key).conductance()

    cell = PulseCell(SMALL, LinearStep(), most_pulses=16)
    for path, value in (
        ("step", 0.01),
        ("cycle_noise", 0.3),
        ("law.gamma_up", 0.0),
        ("write_noise", 2),
        ("stuck_probability", 1),
    ):
        run(cell.set(path, value), KEY)
    assert len(traces) == 1


# ---- time ----


@every_preset
def test_no_time_leaves_no_mark(name):
    cell = PulseCell.preset(name, SMALL, decay_rate=0.3, diffusion=0.1).fabricate(KEY)
    np.testing.assert_array_equal(aged(cell, 0.0, key=KEY).hidden, cell.hidden)


def test_decay_composes():
    cell = PulseCell(SMALL, decay_rate=0.3, rest_weight=0.1).put(hidden=jnp.asarray([0.9, -0.5, 0.2]))
    twice = aged(aged(cell, 0.7, key=KEY), 2.4, key=KEY)
    np.testing.assert_allclose(twice.hidden, aged(cell, 3.1, key=KEY).hidden, rtol=0, atol=1e-12)
    np.testing.assert_allclose(twice.hidden, 0.1 + (cell.hidden - 0.1) * np.exp(-0.3 * 3.1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("rate", [0.0, 0.8])
def test_diffusion_composes_in_its_statistics(rate):
    cell = PulseCell(SHAPE, diffusion=0.05, decay_rate=rate)
    variance = 0.05**2 * (3.0 if rate == 0 else (1 - np.exp(-2 * rate * 3.0)) / (2 * rate))
    near(aged(cell, 3.0, key=KEY).hidden, 0, np.sqrt(variance))
    twice = aged(aged(cell, 1.0, key=KEY), 2.0, key=jax.random.key(1))
    near(twice.hidden, 0, np.sqrt(variance))


# ---- resets and pairs ----


def test_a_reset_returns_to_the_rest_weight():
    cell = PulseCell.preset("pcm", SHAPE, reset_noise=0.01).fabricate(KEY).put(hidden=jnp.full(SHAPE, 1.5))
    near(cell.put(w_min=jnp.asarray(-1.0)).reset(KEY).hidden, 0.01, np.hypot(0.02, 0.01))
    chosen = jnp.arange(SHAPE[1]) < 10
    assert jnp.all(cell.reset(KEY, chosen).hidden[:, 10:] == 1.5)
    assert jnp.all(cell.reset(KEY).hidden >= 0)


def test_a_pair_grows_on_the_side_of_the_sign():
    pair = OneSidedPair.preset("pcm", SMALL, cycle_noise=0.0)
    moved = pair.nudge(jnp.asarray([3, -2, 0]), KEY)
    assert np.all((np.asarray(moved.plus.hidden) > 0) == [True, False, False])
    assert np.all((np.asarray(moved.minus.hidden) > 0) == [False, True, False])
    np.testing.assert_array_equal(np.sign(moved.conductance()), [1, -1, 0])


def test_a_refresh_empties_full_pairs_and_keeps_their_difference():
    pair = OneSidedPair.preset("pcm", SMALL, cycle_noise=0.0)
    plus, minus = pair.plus.put(hidden=jnp.asarray([1.9, 1.9, 1.0])), pair.minus.put(hidden=jnp.asarray([1.3, 0.1, 1.0]))
    pair = pair.put(plus=plus, minus=minus)
    np.testing.assert_array_equal(pair.full(), [True, False, False])
    fresh = pair.refresh(KEY)
    np.testing.assert_array_equal(fresh.full(), False)
    step = plus.put(hidden=jnp.full(SMALL, 0.5)).pulse(jnp.ones(SMALL, bool), 0.0) - 0.5
    assert abs(fresh.weight()[0] - 0.6) <= float(step[0])
    np.testing.assert_array_equal(fresh.weight()[1:], pair.weight()[1:])


# ---- bad input ----


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PulseCell.preset("reram-ex"), r"`preset` must be one of .* but is `reram-ex`. Did you mean `reram-es`"),
        (lambda: PulseCell(SMALL, stepp=1.0), r"There is no knob `stepp` of a pulse cell. Did you mean `step`"),
        (lambda: PulseCell(SMALL, step=-0.1), r"`step` must be above 0, but is -0.1"),
        (lambda: PulseCell(SMALL, w_min=0.1), r"`w_min` must be at most 0, but is 0.1"),
        (lambda: PulseCell(SMALL, stuck_probability=1.5), r"`stuck_probability` must be at least 0 and at most 1, but is 1.5"),
        (lambda: PulseCell(SMALL, minimum_conductance=2e-4), r"`maximum_conductance - minimum_conductance` must be above 0 S"),
        (lambda: PulseCell(SMALL, most_pulses=0), r"`most_pulses` must be a whole number of at least 1, but is 0"),
        (lambda: PulseCell(SMALL, gain_law="normal"), r"`gain_law` must be one of lognormal, relative, but is `normal`"),
        (lambda: LinearStep(noise="loud"), r"`noise` must be one of absolute, relative, but is `loud`"),
        (lambda: SoftBoundsReference(symmetry=2.0), r"`symmetry` must be at least 0 and at most 1, but is 2"),
        (lambda: PiecewiseStep(1.0, 1.0), r"`multipliers_up` must be a list of numbers, but has shape \(\)"),
        (
            lambda: PulseCell(SMALL).nudge(jnp.ones(4), KEY),
            r"`pulses` must match the array of cells \(shape \(3,\)\), but has shape",
        ),
        (lambda: PulseCell(SMALL).nudge(jnp.nan, KEY), r"`pulses` must be finite, but 1 of 1 values are not"),
        (lambda: PulseCell(SMALL).program(jnp.nan, KEY), r"`target` must be finite"),
    ],
)
def test_bad_input_is_named(make, words):
    with pytest.raises(InputError, match=words):
        make()
