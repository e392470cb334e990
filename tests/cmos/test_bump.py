"""The bump circuit against four EKV transistors, its width, and what happens volts away."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.cmos import Bump, Technology
from devsim.devices.electrical import MOSFET, CurrentSource, VoltageSource
from devsim.physics import thermal_voltage

UT = thermal_voltage(300.0)
PLAIN = dict(length_modulation=0.0, mobility_reduction=0.0, body_effect=0.0)
CIRCUIT = Circuit(
    {
        "m1": MOSFET(**PLAIN),
        "m2": MOSFET(**PLAIN),
        "upper": MOSFET(**PLAIN, width=4e-6),
        "lower": MOSFET(**PLAIN, width=4e-6),
        "tail": CurrentSource(1e-12),
        "outer": VoltageSource(2.0),
        "middle": VoltageSource(2.0),
    },
    {
        "g1": ("m1.gate", "upper.gate"),
        "g2": ("m2.gate", "lower.gate"),
        "s": ("m1.source", "m2.source", "lower.source", "tail.plus"),
        "between": ("upper.source", "lower.drain"),
        "a": ("m1.drain", "m2.drain", "outer.plus"),
        "b": ("upper.drain", "middle.plus"),
        "gnd": ("m1.bulk", "m2.bulk", "upper.bulk", "lower.bulk", "tail.minus", "outer.minus", "middle.minus"),
    },
    inputs={"g1": "g1", "g2": "g2"},
)


def current(part, difference):
    return part.current(part.tilt({"plus": difference, "minus": 0.0}))


@pytest.mark.slow
def test_four_ekv_transistors_make_the_bump():
    differences = np.linspace(-0.12, 0.12, 7)
    at = jax.vmap(lambda d: operating_point(CIRCUIT, {"g1": 1.0 + d / 2, "g2": 1.0 - d / 2})["middle.current"])
    share = -np.asarray(jax.jit(at)(jnp.asarray(differences))) / 1e-12
    part = Bump(1e-12, technology=Technology(gate_coupling=1.0))
    wanted = np.asarray(jax.vmap(lambda d: current(part, d))(differences)) / 1e-12
    off = 2 * np.sqrt(1e-12 / (2 * 1.5e-4 * UT**2))  # moderate inversion, relative
    np.testing.assert_allclose(share, wanted, rtol=0, atol=off * 0.25)
    assert share[3] == pytest.approx(0.5, abs=off * 0.25)


def test_half_of_the_peak_is_where_the_squared_cosine_says():
    """1 + (4/S) cosh^2 = 2 (1 + 4/S)."""
    for ratio in (1.0, 4.0, 40.0):
        part = Bump(ratio=ratio)
        width = 2 * np.arccosh(np.sqrt((1 + 8 / ratio) * ratio / 4)) * UT / 0.7
        assert float(current(part, 0.0)) == pytest.approx(1e-9 / (1 + 4 / ratio), rel=1e-12, abs=0)
        assert float(current(part, width)) == pytest.approx(0.5e-9 / (1 + 4 / ratio), rel=1e-11, abs=0)
        assert float(current(part, -width)) == pytest.approx(float(current(part, width)), rel=1e-12, abs=0)


def test_volts_away_nothing_overflows_in_single_precision():
    part = jax.tree.map(lambda v: v.astype(jnp.float32), Bump())
    value = jax.jit(jax.value_and_grad(current, (0, 1)))
    for volts in (-5.0, 0.0, 1e-3, 5.0):
        found, slopes = value(part, jnp.float32(volts))
        assert 0 <= float(found) <= 0.5001e-9
        assert all(np.isfinite(v).all() for v in jax.tree.leaves(slopes)), volts


def test_mismatch_moves_the_peak():
    count = 5000
    die = Bump(np.full(count, 1e-9)).fabricate(jax.random.key(0))
    assert np.asarray(die.offset).std() == pytest.approx(2.5e-3, rel=5 / np.sqrt(2 * count), abs=0)
    peak = die.current(die.tilt({"plus": -die.offset, "minus": jnp.zeros(count)}))
    np.testing.assert_allclose(peak, die.bias("bias_current") / 2, rtol=1e-12)


def test_a_ratio_of_nothing_is_refused():
    with pytest.raises(InputError, match="`ratio` must be above 0, but is 0"):
        Bump(ratio=0.0)
    with pytest.raises(InputError, match="`bias_current` must be above 0 A, but is -1e-09 A"):
        Bump(-1e-9)
