"""The rules for gradients through columns and diamonds against plain differentiation, and finite differences."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.devices.mesh import Butterfly, Mesh, Rectangular, Symmetric, Triangular
from devsim.devices.mesh.columns import lane_factors, plain_columns, scan_columns
from devsim.devices.mesh.diamonds import cross_diamonds
from devsim.devices.mesh.interferometer import cosine_and_sine, transfer
from tests.mesh.composed import with_random_phases

BATCH = 3


def through_columns(scan, layout, phases, errors, kept, idle, waves):
    cells = transfer(jnp.concatenate(phases), errors, kept, plain=scan is plain_columns)
    return scan(layout, *lane_factors(layout, cells, idle), waves)


def through_diamonds(layout, phases, errors, kept, idle, waves):
    return cross_diamonds(layout, transfer(jnp.concatenate(phases), errors, kept), idle, waves)


PLAIN = functools.partial(through_columns, plain_columns)
STORED = functools.partial(through_columns, scan_columns)
WALKED = functools.partial(through_columns, functools.partial(scan_columns, unitary=True))


def told(layout, *, lossy, dtype=np.float64, seed=0):
    """Phases, splitters, losses, idle factors and waves, all drawn."""
    rng = np.random.default_rng(seed)
    shape, idle_shape = layout.shape, (layout.shape[0], layout.modes)
    complex_type = np.result_type(dtype, np.complex64)
    kept = rng.uniform(0.8, 1.0, (2, *shape)) if lossy else np.ones((2, *shape))
    idle = np.exp(1j * rng.normal(size=idle_shape)) * (rng.uniform(0.8, 1.0, idle_shape) if lossy else 1.0)
    waves = rng.normal(size=(layout.modes, BATCH)) + 1j * rng.normal(size=(layout.modes, BATCH))
    reals = rng.normal(size=(2, 2, *shape)), 0.1 * rng.normal(size=(2, *shape)), kept
    return *(jnp.asarray(x, dtype) for x in reals), jnp.asarray(idle, complex_type), jnp.asarray(waves, complex_type)


def loss_of(function, layout):
    """A real number of every detected power and every amplitude."""
    rng = np.random.default_rng(9)
    weight, phase = rng.normal(size=(2, layout.modes, BATCH))

    def loss(*values):
        out = function(layout, *values)
        real = jnp.real(out).dtype
        return jnp.sum(weight.astype(real) * jnp.abs(out) ** 2) + jnp.sum(phase.astype(real) * jnp.real(out))

    return loss


@functools.cache
def plain_gradient(layout, lossy, dtype):
    values = told(layout, lossy=lossy, dtype=dtype)
    return jax.jit(jax.value_and_grad(loss_of(PLAIN, layout), tuple(range(len(values)))))(*values)


def assert_same_gradients(function, layout, *, lossy, dtype=np.float64, tolerance=1e-10):
    """Value and every gradient relative to the largest element of what plain differentiation gives."""
    values = told(layout, lossy=lossy, dtype=dtype)
    found = jax.jit(jax.value_and_grad(loss_of(function, layout), tuple(range(len(values)))))(*values)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(plain_gradient(layout, lossy, dtype)), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * float(jnp.max(jnp.abs(other))))


SMALL = [Rectangular(2), Rectangular(5), Rectangular(6), Triangular(7)]
LARGE = [pytest.param(layout, marks=pytest.mark.slow, id=str(layout)) for layout in (Rectangular(48), Triangular(49))]
LARGEST = [pytest.param(layout, marks=pytest.mark.slow, id=str(layout)) for layout in (Rectangular(130), Triangular(129))]


@pytest.mark.parametrize("layout", [*SMALL, Butterfly(16), *LARGE], ids=str)
def test_stored_fields_give_the_plain_gradient(layout):
    assert_same_gradients(STORED, layout, lossy=True)


@pytest.mark.parametrize("layout", [*SMALL, Butterfly(16), *LARGE], ids=str)
def test_walking_a_unitary_mesh_backwards_gives_the_plain_gradient(layout):
    assert_same_gradients(WALKED, layout, lossy=False)


@pytest.mark.parametrize("layout", [*SMALL, Rectangular(51), *LARGE, *LARGEST], ids=str)
def test_diamonds_give_the_plain_gradient(layout):
    assert_same_gradients(through_diamonds, layout, lossy=True)


@pytest.mark.parametrize("function", [STORED, through_diamonds], ids=["stored", "diamonds"])
def test_gradients_in_single_precision_lose_nothing_but_rounding(function):
    """50 columns of a few roundings of 6e-8 each."""
    assert_same_gradients(function, Rectangular(51), lossy=True, dtype=np.float32, tolerance=50 * 10 * 6e-8)


@pytest.mark.parametrize("function", [STORED, WALKED, through_diamonds], ids=["stored", "walked", "diamonds"])
def test_gradients_of_many_meshes_at_once_equal_a_loop(function):
    layout = Rectangular(8)
    each = [told(layout, lossy=False, seed=seed) for seed in range(3)]
    gradient = jax.grad(loss_of(function, layout), (0, 1, 3, 4))
    together = jax.jit(jax.vmap(gradient))(*(jnp.stack(values) for values in zip(*each, strict=True)))
    alone = [jax.jit(gradient)(*values) for values in each]
    for many, ones in zip(together, zip(*alone, strict=True), strict=True):
        np.testing.assert_allclose(many, jnp.stack(ones), rtol=0, atol=1e-12 * float(jnp.max(jnp.abs(many))))


def test_cosines_and_sines_are_those_of_numpy():
    """Two roundings, and what half a rounding of the angle itself does, up to ten turns."""
    for dtype in (np.float32, np.float64):
        angle = np.random.default_rng(0).uniform(-63, 63, 20000).astype(dtype)
        found = cosine_and_sine(jnp.asarray(angle))
        wanted = np.cos(angle.astype(np.longdouble)), np.sin(angle.astype(np.longdouble))
        bound = (2 + abs(angle) / 2) * np.finfo(dtype).eps
        for one, other in zip(found, wanted, strict=True):
            assert one.dtype == dtype
            assert np.all(np.abs(np.asarray(one) - other) < bound)


@pytest.mark.parametrize("layout", [Rectangular(5), Symmetric(6), Butterfly(4), *LARGE[:1]], ids=str)
def test_the_gradient_of_a_mesh_equals_differences_and_forward_tangents(layout):
    """Central differences of step h miss by h^2 / 6 of the third derivative."""
    rng = np.random.default_rng(1)
    mesh = with_random_phases(
        Mesh.of(layout, splitter_error=0.05, loss_db=0.1, imbalance_db=0.1, crosstalk=0.01, phase_offset=0.2), 2
    )
    inputs = rng.normal(size=(4, layout.modes)) + 1j * rng.normal(size=(4, layout.modes))
    wanted = rng.normal(size=(4, layout.modes))
    score = lambda phases: jnp.sum(wanted * jnp.abs(mesh.put(phases=phases).answer(inputs)) ** 2)
    plain = lambda phases: jnp.sum(wanted * jnp.abs(inputs @ mesh.put(phases=phases).weights(plain=True)) ** 2)
    direction = jnp.asarray(rng.normal(size=mesh.phases.shape))
    direction = direction / jnp.linalg.norm(direction)
    slope = jax.jit(jax.grad(score))(mesh.phases) @ direction
    scale = float(jnp.linalg.norm(jax.jit(jax.grad(score))(mesh.phases)))
    h = 1e-4
    difference = (jax.jit(score)(mesh.phases + h * direction) - jax.jit(score)(mesh.phases - h * direction)) / (2 * h)
    assert abs(slope - difference) < 1e-6 * scale
    _, tangent = jax.jit(lambda x, v: jax.jvp(plain, (x,), (v,)))(mesh.phases, direction)
    assert abs(slope - tangent) < 1e-11 * scale
