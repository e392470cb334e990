"""Laws of cells that are written once and described by statistics."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.devices.memristor.linear import LinearCell
from devsim.devices.memristor.pcm import PhaseChangeCell
from devsim.devices.memristor.reram import CMOReRAM, WanReRAM

KEY = jax.random.key(7)
NOISY = {"write_noise": 0.05, "drift": 0.03, "drift_spread": 0.01, "read_noise": 0.02}
CASES = [
    (PhaseChangeCell, "nandakumar-2019"),
    (PhaseChangeCell, "hermes-two-devices"),
    (WanReRAM, "wan-2022"),
    (CMOReRAM, "cmo-2-percent"),
    (LinearCell, "exact"),
]
AGE_KNOBS = {
    PhaseChangeCell: ("drift", "drift_spread"),
    WanReRAM: ("relaxation",),
    CMOReRAM: ("decay", "relaxation"),
    LinearCell: ("drift", "drift_spread"),
}


def make(cls, name, shape=(4, 5)):
    """Cells with every imperfection at work."""
    extra = NOISY if cls is LinearCell else {"read_noise": 0.01} if cls is WanReRAM else {}
    return cls.preset(name, shape, **extra)


def middle(cell):
    """Targets over the middle of the range, S."""
    low, high = float(cell.minimum_conductance), float(cell.maximum_conductance)
    return jnp.linspace(low + 0.3 * (high - low), low + 0.8 * (high - low), int(np.prod(cell.shape()))).reshape(cell.shape())


@pytest.fixture(params=CASES, ids=[name for _, name in CASES])
def cell(request):
    return make(*request.param)


def test_ageing_composes(cell):
    written = cell.program(middle(cell), KEY)
    twice = written.age(100.0, 300.0, KEY).age(5e5, 350.0, jax.random.key(1))
    once = written.age(100.0 + 5e5, 300.0, KEY)
    np.testing.assert_allclose(twice.conductance(), once.conductance(), rtol=1e-12)
    np.testing.assert_allclose(twice.sample(KEY), once.sample(KEY), rtol=1e-12)


def test_no_time_changes_nothing(cell):
    written = cell.program(middle(cell), KEY).age(50.0, 300.0, KEY)
    assert eqx.tree_equal(written.age(0.0, 300.0, KEY), written)


def test_time_changes_something(cell):
    written = cell.program(middle(cell), KEY)
    assert not np.allclose(written.age(1e4, 300.0, KEY).conductance(), written.conductance(), rtol=1e-4)


def test_an_ideal_cell_holds_and_tells_exactly_what_was_written(cell):
    ideal = cell.ideal().fabricate(KEY).program(middle(cell), KEY).age(1e7, 300.0, KEY)
    np.testing.assert_allclose(ideal.sample(KEY), middle(cell), rtol=1e-15)


def test_zero_age_knobs_undo_ageing_and_a_zero_read_knob_undoes_noise(cell):
    written = cell.program(middle(cell), KEY)
    aged = written.age(1e5, 300.0, KEY)
    still = aged.put(**{name: jnp.zeros(()) for name in (*AGE_KNOBS[type(cell)], "read_noise")})
    np.testing.assert_allclose(still.conductance(), written.conductance(), rtol=1e-15)
    np.testing.assert_array_equal(still.sample(KEY), still.conductance())


def test_targets_are_clipped_and_conductances_never_negative(cell):
    low = cell.program(-1.0, KEY).age(1e4, 300.0, KEY)
    np.testing.assert_array_equal(low.target, jnp.full(cell.shape(), cell.minimum_conductance))
    assert np.min(low.sample(KEY)) >= 0 and np.min(low.conductance()) >= 0
    high = cell.ideal().program(1.0, KEY)
    np.testing.assert_allclose(high.conductance(), jnp.full(cell.shape(), cell.maximum_conductance), rtol=1e-15)


def life(cell, key, seconds=1e4):
    """Conductances after a whole life."""
    a, b, c, d = jax.random.split(key, 4)
    return cell.fabricate(a).program(middle(cell), b).age(seconds, 300.0, c).sample(d)


def test_mapped_lives_equal_single_ones(cell):
    keys = jax.random.split(KEY, 3)
    target = middle(cell)

    def one(key):
        a, b, c, d = jax.random.split(key, 4)
        return cell.fabricate(a).program(target, b).age(1e4, 300.0, c).sample(d)

    mapped = jax.jit(jax.vmap(one))(keys)
    np.testing.assert_allclose(mapped, jnp.stack([jax.jit(one)(key) for key in keys]), rtol=1e-12)


def test_derivatives_of_knobs_equal_finite_differences(cell):
    target, names = middle(cell), ("write_noise", *AGE_KNOBS[type(cell)], "read_noise")

    @jax.jit
    def total(values):
        knobbed = cell.put(**dict(zip(names, values, strict=True)))
        return 1e6 * jnp.sum(knobbed.program(target, KEY).age(3e4, 300.0, KEY).sample(KEY) ** 2) / jnp.sum(target)

    at = jnp.array([float(getattr(cell, name)) for name in names])
    slope, step = jax.jit(jax.grad(total)), 1e-5
    gradient = slope(at)
    for i in range(len(names)):
        shift = step * jnp.eye(len(names))[i]
        np.testing.assert_allclose(gradient[i], (total(at + shift) - total(at - shift)) / (2 * step), rtol=1e-6)
    assert np.all(np.isfinite(slope(jnp.zeros(len(names)))))


def test_no_derivative_is_lost_for_cells_at_zero_conductance():
    cell = PhaseChangeCell.of((200,))
    slope = jax.grad(lambda k, t: jnp.sum(cell.put(write_noise=k).program(t, KEY).age(t, 300.0, KEY).sample(KEY)), (0, 1))
    assert np.all(np.isfinite(slope(jnp.asarray(1.0), jnp.asarray(0.0))))
    assert np.all(np.isfinite(slope(jnp.asarray(0.0), jnp.asarray(0.0))))


def test_only_cells_with_a_rounded_pulse_are_written_anew(cell):
    aged = cell.program(middle(cell), KEY).age(1e4, 300.0, KEY)
    pulses = jnp.zeros(cell.shape()).at[0].set(2.0).at[1].set(0.4)
    after = aged.nudge(pulses, KEY)
    np.testing.assert_array_equal(after.conductance()[1:], aged.conductance()[1:])
    np.testing.assert_array_equal(after.elapsed[0], 0.0)
    np.testing.assert_array_equal(after.elapsed[1:], 1e4)
    exact = aged.put(write_noise=jnp.zeros(())).nudge(pulses, KEY)
    np.testing.assert_allclose(exact.conductance()[0], aged.conductance()[0] + 2 * cell.pulse_step(), rtol=1e-12)


def test_the_derivative_of_a_nudge_is_one_step_per_pulse(cell):
    ideal = cell.ideal().program(middle(cell), KEY)
    slope = jax.grad(lambda n: jnp.sum(ideal.nudge(n, KEY).conductance()))(jnp.full(cell.shape(), 0.3))
    np.testing.assert_allclose(slope, jnp.full(cell.shape(), ideal.pulse_step()), rtol=1e-12)


def test_stuck_cells_have_their_share_and_ignore_writes():
    n, p, high = 40_000, 0.03, 0.25
    cell = PhaseChangeCell.of((n,), stuck_probability=p, stuck_high_share=high, minimum_conductance=1e-7)
    die = cell.fabricate(KEY)
    first, second = (np.asarray(die.program(10e-6, jax.random.key(i)).age(i * 1e3, 300.0, KEY).conductance()) for i in (1, 2))
    stuck = first == second
    assert abs(stuck.mean() - p) < 5 * np.sqrt(p * (1 - p) / n)
    assert abs((first[stuck] == 25e-6).mean() - high) < 5 * np.sqrt(high * (1 - high) / stuck.sum())
    assert set(np.unique(first[stuck])) == {1e-7, 25e-6}
    assert np.all(cell.ideal().fabricate(KEY).program(10e-6, KEY).conductance() == 10e-6)
    assert np.all(cell.program(10e-6, KEY).or_stuck(0.0) == 0.0), "before fabrication no cell is stuck"


def test_wan_cells_have_the_published_deviation_at_the_three_times():
    rows = {
        1.0: (0.348, 16.030, -43.853, 45.393, -16.815),
        86400.0: (0.701, 22.086, -50.773, 47.095, -16.458),
        172800.0: (0.782, 20.274, -43.507, 37.062, -11.934),
    }
    n = 20_000
    for target in (15.0, 25.0, 32.0):
        written = WanReRAM.of((n,)).program(target * 1e-6, KEY)
        for seconds, row in rows.items():
            sigma = np.polynomial.polynomial.polyval(target / 40, row)
            got = np.asarray(written.age(seconds, 300.0, KEY).conductance()) * 1e6
            assert abs(got.std() - sigma) < 5 * sigma / np.sqrt(2 * n)
            assert abs(got.mean() - target) < 5 * sigma / np.sqrt(n)


def test_wan_cells_widen_in_the_logarithm_of_time():
    cell = WanReRAM.of((50,)).program(10e-6, KEY)
    at = [cell.age(t, 300.0, KEY).growth()[0] for t in (1e-3, 1.0, 86400.0**0.5, 86400.0, 172800.0, 1e9)]
    np.testing.assert_allclose(at[0], 0.0, atol=1e-18)
    np.testing.assert_allclose(at[2], at[3] / 2, rtol=1e-12)
    np.testing.assert_allclose(at[5], at[4], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "slope", "offset"), [("cmo-0.2-percent", 0.00106879, 0.00081107), ("cmo-2-percent", 0.01129027418, 0.0112185391)]
)
def test_cmo_cells_have_the_published_statistics(name, slope, offset):
    n, target = 40_000, 50.0
    written = CMOReRAM.preset(name, (n,)).program(target * 1e-6, KEY)
    fresh = np.asarray(written.conductance()) * 1e6
    sigma = slope * target + offset
    assert abs(fresh.std() - sigma) < 5 * sigma / np.sqrt(2 * n)
    for t in (1.0, 3600.0, 86400.0):
        aged = written.age(t, 300.0, KEY)
        g = np.asarray(aged.conductance()) * 1e6
        total = np.hypot(sigma, 0.04201137 * np.log(t) + 0.41183342)
        assert abs(g.mean() - (49.92383444 - 0.08900206 * np.log(t))) < 5 * total / np.sqrt(n)
        assert abs(g.std() - total) < 5 * total / np.sqrt(2 * n)
        read = 0.0277316483 * np.log10(g) * np.sqrt(np.log((t + 1e-6) / 2e-6))
        ratio = (np.asarray(aged.sample(jax.random.key(9))) * 1e6 - g) / read
        assert abs(ratio.std() - 1) < 5 / np.sqrt(2 * n)


@pytest.mark.parametrize(
    ("name", "full", "poly", "t0", "s_low", "s_split", "s_high"),
    [
        (
            "hermes-one-device",
            10.35,
            (0.15781817, 2.32443916, -2.16310839, 0.68841818),
            200.0,
            (-0.0120, -0.0023, 0.0124),
            0.3039,
            (0.0104, 0.0116, -0.0165),
        ),
        (
            "hermes-two-devices",
            20.7,
            (0.16603222, 4.71806468, -8.48101252, 4.68961419),
            300.0,
            (-0.0117, -0.0057, 0.0091),
            0.3055,
            (0.0073, 0.0093, -0.0118),
        ),
    ],
)
def test_hermes_cells_follow_the_branches_of_their_laws(name, full, poly, t0, s_low, s_split, s_high):
    n = 40_000
    for ratio in (0.2, 0.6, 0.95):
        cell = PhaseChangeCell.preset(name, (n,)).program(ratio * full * 1e-6, KEY)
        g, nu = np.asarray(cell.conductance()) * 1e6, np.asarray(cell.exponent())
        sigma = np.polynomial.polynomial.polyval(ratio, poly)
        assert abs(g.std() - sigma) < 5 * sigma / np.sqrt(2 * n)
        mu = -0.0436 * ratio**2 - 0.0126 * ratio + 0.0736
        below = np.clip(s_low[0] * np.log(ratio) + s_low[1], s_low[2], 0.04)
        s = below if ratio < s_split else np.polynomial.polynomial.polyval(ratio, s_high)
        assert abs(nu.mean() - mu) < 5 * s / np.sqrt(n)
        assert abs(nu.std() - s) < 5 * s / np.sqrt(2 * n)
        aged = np.asarray(cell.age(1e4, 300.0, KEY).conductance()) * 1e6
        np.testing.assert_allclose(aged, g * ((1e4 + t0) / t0) ** -nu, rtol=1e-12)


def test_linear_cells_have_the_asked_for_moments():
    n = 40_000
    cell = LinearCell.of((n,), **NOISY).program(5e-5, KEY)
    g = np.asarray(cell.conductance())
    assert abs(g.std() / 5e-5 - 0.05) < 5 * 0.05 / np.sqrt(2 * n)
    nu = -np.log(np.asarray(cell.age(999.0, 300.0, KEY).conductance()) / g) / np.log(1000.0)
    assert abs(nu.mean() - 0.03) < 5 * 0.01 / np.sqrt(n)
    assert abs(nu.std() - 0.01) < 5 * 0.01 / np.sqrt(2 * n)
    read = np.asarray(cell.sample(jax.random.key(3))) / g - 1
    assert abs(read.std() - 0.02) < 5 * 0.02 / np.sqrt(2 * n)


def test_read_noise_is_the_integral_of_the_declared_flicker_spectrum():
    cell = PhaseChangeCell.of((3,)).program(jnp.array([2e-6, 8e-6, 2e-5]), KEY).age(1e3, 300.0, KEY)
    source = cell.noise({"a": jnp.full(3, 0.2), "b": jnp.zeros(3)}, {})["flicker"]
    assert source.colour == "flicker"
    low, high = 1 / (1e3 + 20 + 250e-9), 1 / (2 * 250e-9)
    current = jnp.sqrt(source.density * source.corner * np.log(high / low))
    np.testing.assert_allclose(current, 0.2 * cell.read_deviation(), rtol=1e-9)


def test_cells_keep_the_precision_they_were_made_with():
    with jax.enable_x64(False):
        for cls, name in CASES:
            cell = make(cls, name)
            got = life(cell, jax.random.key(3))
            assert got.dtype == jnp.float32 and np.all(np.isfinite(got)), name


@pytest.mark.parametrize("name", ["write_noise", "read_noise", "stuck_probability", "maximum_conductance", "pulse_fraction"])
def test_bad_values_are_refused_by_name(cell, name):
    with pytest.raises(ValueError, match=f"`{name}` must be (at least|above) 0"):
        cell.set(name, -1.0)


def test_every_preset_makes_cells_and_names_its_source():
    for cls in (PhaseChangeCell, WanReRAM, CMOReRAM, LinearCell):
        for name, source in cls.presets().items():
            assert source and life(make(cls, name, (2, 3)), KEY).shape == (2, 3)


def test_an_empty_range_and_unknown_presets_are_refused():
    with pytest.raises(ValueError, match="`maximum_conductance` must be above `minimum_conductance`"):
        PhaseChangeCell.of((2,), minimum_conductance=30e-6)
    with pytest.raises(ValueError, match=r"`preset` must be one of .*Did you mean `nandakumar-2019`"):
        PhaseChangeCell.preset("nandakumar-2020")
