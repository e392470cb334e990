"""What sweeps and output powers tell of a mesh."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.mesh import Mesh, calibrate, self_configure
from tests.mesh.composed import haar

KEY = jax.random.key(4)
HEAT = np.linspace(0, 0.06, 40)


@pytest.mark.parametrize("power_pi", [0.015, 0.0248, 0.06])
def test_a_sweep_without_noise_gives_the_heater_exactly(power_pi):
    found = calibrate(HEAT, 0.5 + 0.4 * np.cos(np.pi * HEAT / power_pi + 0.7))
    np.testing.assert_allclose(found.power_pi, power_pi, rtol=1e-9)
    np.testing.assert_allclose([found.phase, found.amplitude, found.offset], [0.7, 0.4, 0.5], rtol=1e-8)
    assert found.residual < 1e-10


def test_noise_of_a_sweep_spreads_power_pi_as_the_least_squares_say():
    count, sigma, power_pi = 400, 0.01, 0.0248
    noise = sigma * np.random.default_rng(0).normal(size=(count, HEAT.size))
    found = calibrate(HEAT, 0.5 + 0.4 * np.cos(np.pi * HEAT / power_pi + 0.7) + noise)
    angle = np.pi * HEAT / power_pi + 0.7
    jacobian = np.stack([np.ones_like(HEAT), np.cos(angle), -0.4 * np.sin(angle), -0.4 * np.sin(angle) * HEAT], -1)
    rate = sigma * np.sqrt(np.linalg.inv(jacobian.T @ jacobian)[3, 3])  # of pi / power_pi
    expected = rate * power_pi**2 / np.pi
    deviation = float(jnp.std(found.power_pi))
    assert abs(deviation / expected - 1) < 5 / np.sqrt(2 * count)
    assert abs(float(jnp.mean(found.power_pi)) - power_pi) < 5 * expected / np.sqrt(count)


@pytest.mark.slow
def test_a_mesh_finds_its_setting_from_output_powers_alone():
    mesh = Mesh.of(4).set("splitter_spread", 0.03).set("phase_offset_spread", 0.5).fabricate(KEY)
    target = haar(4, seed=2)
    start = mesh.program(target, KEY)
    found, light = self_configure(start, target, KEY, passes=40)
    assert np.all(np.diff(light) > -1e-12)
    assert light[-1] > 0.9999 > 0.9 > light[0]
    probes = jnp.conj(jnp.asarray(target).T)
    np.testing.assert_allclose(jnp.mean(jnp.abs(jnp.diagonal(found.answer(probes))) ** 2), light[-1], rtol=1e-9)


@pytest.mark.parametrize(
    ("heat", "powers", "words"),
    [
        (HEAT[:5], HEAT[:5], r"`heat` must be a row of at least 8 points, but has shape \(5,\)"),
        (HEAT[::-1], HEAT, "`heat` must rise from point to point"),
        (HEAT, HEAT[:-1], "`powers` must match the points of the sweep"),
        (HEAT, np.full(40, np.nan), "`powers` must be finite"),
    ],
)
def test_sweeps_that_cannot_be_fitted_are_refused(heat, powers, words):
    with pytest.raises(InputError, match=words):
        calibrate(heat, powers)


def test_a_target_of_another_size_is_refused():
    with pytest.raises(InputError, match=r"`target` must match the mesh's weights \(4, 4\), but has shape \(3, 3\)"):
        self_configure(Mesh.of(4), np.eye(3), KEY)
