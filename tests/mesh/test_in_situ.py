"""Gradients that light measures equal those that JAX finds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim import in_situ_gradient
from devsim.check import InputError
from devsim.devices.mesh import Butterfly, Mesh, Rectangular, Symmetric, Triangular

KEY = jax.random.key(3)


def drawn(layout, **knobs):
    mesh = Mesh.of(layout)
    mesh = mesh.tuned(jax.random.uniform(KEY, mesh.phases.shape, maxval=6.0))
    for name, value in knobs.items():
        mesh = mesh.set(name, value)
    return mesh.fabricate(KEY)


def samples(size, count=5):
    draw = np.random.default_rng(size)
    x = jnp.asarray(draw.normal(size=(count, size)) + 1j * draw.normal(size=(count, size)))
    wanted = jnp.asarray(draw.normal(size=(count, size)))
    return x, lambda y: jnp.sum((jnp.abs(y) ** 2 - wanted) ** 2) + jnp.sum(jnp.real(y) ** 3)


LONG = [pytest.param(layout, marks=pytest.mark.slow, id=str(layout)) for layout in (Triangular(4), Symmetric(4), Butterfly(4))]


@pytest.mark.parametrize("layout", [Rectangular(5), *LONG], ids=str)
def test_intensities_give_the_exact_gradient_of_a_mesh_without_loss_and_noise(layout):
    mesh = drawn(layout, splitter_spread=0.05, phase_offset_spread=0.3, power_pi_spread=0.05)
    x, loss = samples(layout.modes)
    found = in_situ_gradient(mesh, x, loss)
    exact = jax.grad(lambda phases: loss(mesh.tuned(phases).answer(x)))(mesh.phases)
    np.testing.assert_allclose(found.gradient, exact, atol=1e-9 * float(jnp.max(jnp.abs(exact))))
    np.testing.assert_allclose(found.loss, loss(mesh.answer(x)), rtol=1e-12)


def test_all_light_crosses_every_column():
    mesh = drawn(Rectangular(4))
    x, loss = samples(4)
    found = in_situ_gradient(mesh, x, loss)
    outputs = found.forward[-4:]
    np.testing.assert_allclose(outputs.sum(), jnp.sum(jnp.abs(x) ** 2), rtol=1e-12)


def test_loss_on_the_chip_makes_the_measured_gradient_wrong_in_proportion():
    x, loss = samples(4)
    errors = []
    for decibels in (0.01, 0.02):
        mesh = drawn(Rectangular(4), loss_db=decibels)
        exact = jax.grad(lambda phases, mesh=mesh: loss(mesh.tuned(phases).answer(x)))(mesh.phases)
        errors.append(float(jnp.linalg.norm(in_situ_gradient(mesh, x, loss).gradient - exact)))
    assert 1.8 < errors[1] / errors[0] < 2.2


def test_inputs_of_another_width_are_refused():
    mesh = drawn(Rectangular(4))
    with pytest.raises(InputError, match=r"`inputs` must have shape \(samples, 4\), but has shape \(2, 3\)"):
        in_situ_gradient(mesh, jnp.ones((2, 3)), jnp.sum)
