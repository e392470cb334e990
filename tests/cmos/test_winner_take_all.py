"""Winner-take-all and the comparator of currents: against transistors, the limit of a hard maximum, and each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.cmos import CurrentPair, Technology, WinnerTakeAll
from devsim.devices.electrical import MOSFET, CurrentSource, VoltageSource
from devsim.physics import thermal_voltage

UT = thermal_voltage(300.0)
NO_FLOOR = Technology(threshold=1.5)
"""Off currents far below anything."""
RATIOS = np.exp(np.array([-0.01, -0.003, 0.0, 0.005]))


def lazzaro(ratio):
    """Two cells with 1 pA and `ratio` times that into them; 1/lambda = 5 V, no body effect."""
    kind = dict(threshold=1.0, body_effect=0.0, mobility_reduction=0.0)
    parts, nets = {"tail": CurrentSource(1e-12)}, {"c": ["tail.plus"], "gnd": ["tail.minus"]}
    for j, current in enumerate((1e-12 * ratio, 1e-12)):
        parts |= {f"in{j}": CurrentSource(current), f"a{j}": MOSFET(**kind, length_modulation=0.2)}
        parts |= {f"b{j}": MOSFET(**kind, length_modulation=0.0), f"d{j}": VoltageSource(4.0)}
        nets |= {f"v{j}": [f"in{j}.minus", f"a{j}.drain", f"b{j}.gate"], f"o{j}": [f"b{j}.drain", f"d{j}.plus"]}
        nets["c"] += [f"a{j}.gate", f"b{j}.source"]
        nets["gnd"] += [f"in{j}.plus", f"a{j}.source", f"a{j}.bulk", f"b{j}.bulk", f"d{j}.minus"]
    return Circuit(parts, {name: tuple(pins) for name, pins in nets.items()})


@pytest.mark.slow
def test_two_cells_of_transistors_share_as_the_equation_says():
    """With the Early voltage at the drain, 1/lambda + V; moderate inversion and tanh against its argument are what is left."""
    found = jax.jit(jax.vmap(lambda r: operating_point(lazzaro(r))))(jnp.asarray(RATIOS))
    specific = 2 * 1.5e-4 * UT**2
    for i, ratio in enumerate(RATIOS):
        drain = (float(found["v0"][i]) + float(found["v1"][i])) / 2
        part = WinnerTakeAll(1e-12, 5.0 + drain, technology=NO_FLOOR.put(gate_coupling=jnp.ones(())))
        wanted = np.asarray(part.shares(1e-12 * jnp.array([ratio, 1.0])))
        off = 2 * np.sqrt(1e-12 / specific) + (5.0 + drain) / UT * abs(np.log(ratio)) ** 3 / 12
        got = -np.array([float(found["d0.current"][i]), float(found["d1.current"][i])]) / 1e-12
        assert off < 0.01
        np.testing.assert_allclose(got, wanted, rtol=0, atol=off * wanted[0] * wanted[1] + 1e-6)


def test_what_leaves_is_the_bias_whoever_wins_on_whatever_die():
    currents = 10 ** np.random.default_rng(0).uniform(-13, -8, (50, 6))
    die = WinnerTakeAll(2e-9, cells=6, early_voltage=0.05).fabricate(jax.random.key(2))
    out = jax.vmap(lambda i: die.balance(0.0, {"input": i}, {}).static["out"])(jnp.asarray(currents))
    np.testing.assert_allclose(out.sum(1), die.bias("bias_current"), rtol=1e-12)
    assert float(out.min()) >= 0.0


def test_the_output_follows_the_power_of_the_inputs():
    currents = jnp.asarray(10 ** np.random.default_rng(1).uniform(-11, -8, (20, 4)))
    for early in (0.5 * UT / 0.7, UT / 0.7, 3 * UT / 0.7):
        part = WinnerTakeAll(cells=4, early_voltage=early, technology=NO_FLOOR)
        power = np.asarray(currents) ** (early * 0.7 / UT)
        np.testing.assert_allclose(part.shares(currents), power / power.sum(1, keepdims=True), rtol=1e-11)


def test_the_winner_takes_all_where_the_early_voltage_is_without_limit():
    currents = 10 ** np.random.default_rng(2).uniform(-12, -7, (50, 5))
    shares = WinnerTakeAll(cells=5, early_voltage=1e6).shares(jnp.asarray(currents))
    np.testing.assert_array_equal(shares, np.eye(5)[currents.argmax(1)])


def test_a_comparator_is_two_cells_one_of_which_has_the_threshold():
    currents = jnp.asarray(10 ** np.linspace(-14, -8, 61))
    comparator = CurrentPair.comparator(100e-12, 3e-9, early_voltage=0.1, technology=Technology())
    pairs = jnp.stack([currents, jnp.full(61, 100e-12)], -1)
    shares = WinnerTakeAll(early_voltage=0.1).shares(pairs)[:, 0]
    np.testing.assert_allclose(comparator.share(currents), shares, rtol=1e-11)
    np.testing.assert_allclose(comparator.current(currents), 3e-9 * shares, rtol=1e-11)
    power = 0.1 * 0.7 / UT
    assert float(comparator.steepness) == pytest.approx(power, rel=1e-12)
    free = comparator.put(technology=NO_FLOOR).share(currents)
    np.testing.assert_allclose(free, 1 / (1 + (100e-12 / np.asarray(currents)) ** power), rtol=1e-11)


def test_an_input_below_the_off_current_counts_as_that_current():
    off = float(Technology().off_current())
    for share in (CurrentPair(1e-10).share, lambda i: WinnerTakeAll().shares(jnp.stack([i, i * 0 + 1e-10]))[0]):
        assert float(share(jnp.array(2 * off))) > float(share(jnp.array(off)))
        for below in (0.5 * off, 0.0, -1.0):
            assert float(share(jnp.array(below))) == float(share(jnp.array(off)))


def test_derivatives_are_finite_far_from_the_threshold_in_single_precision():
    single = lambda part: jax.tree.map(lambda v: v.astype(jnp.float32), part)
    level = jax.jit(jax.grad(lambda part, i: part.share(i), (0, 1)))
    shares = jax.jit(jax.grad(lambda part, i: part.shares(i)[0], (0, 1)))
    for current in (-1.0, 0.0, 1e-15, 1e-10, 1e-3):
        one = jnp.asarray(current, jnp.float32)
        found = (
            level(single(CurrentPair(1e-10, 135.0)), one),
            shares(single(WinnerTakeAll()), jnp.stack([one, one * 0 + 1e-10])),
        )
        assert all(np.isfinite(v).all() for v in jax.tree.leaves(found)), current


def test_bad_values_are_refused_by_name():
    with pytest.raises(InputError, match="`cells` must be a whole number of at least 2, but is 1"):
        WinnerTakeAll(cells=1)
    with pytest.raises(InputError, match=r"`bias_current` must be a number, but has shape \(3,\)"):
        WinnerTakeAll(np.full(3, 1e-9))
    with pytest.raises(InputError, match="`reference_current` must be above 0 A, but is -1e-10 A"):
        CurrentPair(-1e-10)
