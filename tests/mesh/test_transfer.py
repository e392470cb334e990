"""A mesh is the product of its interferometers; without loss it is unitary, with loss it never amplifies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.devices.mesh import Butterfly, Mesh, Rectangular, Symmetric, Triangular
from devsim.devices.photonic import MachZehnder
from tests.mesh.composed import KEY, by_hand, haar, program, weights, with_random_phases

LAYOUTS = [
    Rectangular(5),
    Rectangular(48),
    Rectangular(51),
    Triangular(6),
    Triangular(49),
    Symmetric(6),
    Symmetric(7),
    Butterfly(8),
]
PART = jax.jit(
    lambda *values: MachZehnder(*values[:2], input_error=values[2], output_error=values[3], arm_loss_db=values[4]).matrix()
)


def flawed(layout, **knobs):
    spreads = {"splitter_spread": 0.2, "phase_offset_spread": 1.0, "power_pi_spread": 0.1, "thermal_sensitivity_spread": 0.01}
    drawn = Mesh.of(layout, **(spreads | {"temperature": 320.0, "splitter_offset": 0.1, "crosstalk": 0.05, **knobs})).fabricate(
        KEY
    )
    return with_random_phases(drawn, 1)


def machine_zehnder_part(before, inside, angles, kept):
    """The 2x2 transfer that the single part of `devsim.devices.photonic` states."""
    decibels = -20 * np.log10(kept[1])
    first, second = angles - np.pi / 4
    return np.array(PART(inside[0] - inside[1], before, first, second, decibels)).reshape(2, 2) * np.exp(1j * inside[1])


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_a_mesh_is_the_product_of_its_interferometers(layout):
    rng = np.random.default_rng(2)
    mesh = Mesh.of(
        layout,
        splitter_error=rng.normal(0, 0.2, (2, *layout.shape)),
        loss_db=rng.uniform(0, 0.5, layout.shape),
        imbalance_db=rng.normal(0, 0.3, layout.shape),
        splitter_offset=0.05,
    )
    mesh = with_random_phases(mesh, 3)
    np.testing.assert_allclose(weights(mesh), by_hand(mesh).T, rtol=0, atol=1e-14 * layout.modes)


@pytest.mark.parametrize("layout", [Rectangular(6), Triangular(5), Butterfly(8), Symmetric(5)], ids=str)
def test_a_mesh_is_made_of_the_single_interferometers_of_this_package(layout):
    rng = np.random.default_rng(4)
    mesh = Mesh.of(layout, splitter_error=rng.normal(0, 0.2, (2, *layout.shape)), loss_db=rng.uniform(0, 0.5, layout.shape))
    mesh = with_random_phases(mesh, 5)
    np.testing.assert_allclose(weights(mesh), by_hand(mesh, machine_zehnder_part).T, rtol=0, atol=1e-13)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_without_loss_any_imperfect_mesh_is_unitary(layout):
    mesh = flawed(layout, phase_noise=0.3, phase_step=0.1, drift_rate=0.01)
    mesh = mesh.age(jnp.asarray(100.0), jnp.asarray(300.0), KEY).snapshot(KEY)
    w = np.asarray(weights(mesh))
    np.testing.assert_allclose(np.conj(w.T) @ w, np.eye(layout.modes), rtol=0, atol=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_with_loss_no_mesh_amplifies(layout):
    """Every singular value lies between the losses of all columns together and one."""
    mesh = flawed(
        layout, loss_db=0.2, loss_spread=0.3, imbalance_db=0.1, imbalance_spread=0.2, phase_noise=0.3, drift_rate=0.01
    )
    mesh = mesh.age(jnp.asarray(100.0), jnp.asarray(300.0), KEY).snapshot(KEY)
    worst = np.max(np.asarray(mesh.loss_db) + abs(np.asarray(mesh.imbalance_db)), axis=1, where=layout.used, initial=0).sum()
    values = np.linalg.svd(np.asarray(weights(mesh)), compute_uv=False)
    assert 10 ** (-worst / 20) <= values.min() and values.max() <= 1.0


def test_equal_loss_in_every_interferometer_of_a_butterfly_is_one_factor():
    mesh = flawed(Butterfly(16))
    lossy = mesh.set("loss_db", 0.3)
    np.testing.assert_allclose(weights(lossy), 10 ** (-0.3 * 4 / 20) * np.asarray(weights(mesh)), rtol=0, atol=1e-14)


@pytest.mark.parametrize("size", [4, 64, 200])
def test_answers_are_products_with_the_weights_whatever_the_batch(size):
    """Few waves cross the mesh, many meet its matrix; both ways, with any leading axes."""
    mesh = flawed(Rectangular(50), loss_db=0.1).put(crosstalk=jnp.asarray(0.02))
    rng = np.random.default_rng(6)
    inputs = rng.normal(size=(2, size // 2, 50))
    w = np.asarray(weights(mesh))
    ahead = jax.jit(lambda mesh, x: mesh.answer(x))(mesh, inputs)
    back = jax.jit(lambda mesh, x: mesh.answer_reverse(x))(mesh, inputs)
    np.testing.assert_allclose(ahead, inputs @ w, rtol=0, atol=1e-12)
    np.testing.assert_allclose(back, inputs @ w.T, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", [Rectangular, Triangular, Symmetric])
def test_a_perfect_mesh_asked_for_the_same_phases_has_the_programmed_matrix(kind):
    target = haar(6, 8)
    drifted = program(Mesh.of(kind(6), splitter_spread=0.1, loss_db=0.2, drift_rate=0.01).fabricate(KEY), target)
    drifted = drifted.age(jnp.asarray(10.0), jnp.asarray(300.0), KEY)
    assert np.max(np.abs(weights(drifted) - target)) > 0.01
    np.testing.assert_allclose(weights(drifted.ideal()), target, rtol=0, atol=6e-12)
