"""Derivatives of weights: of knobs against differences, of what is programmed against what was asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.devices.delay import DelayChains, TappedDelays
from devsim.devices.memristor.linear import LinearCell
from tests.delay.composed import KEY, KINDS, SIZE, random_weights


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("knob", ["load_capacitance", "frequency"])
def test_derivatives_by_a_knob_equal_central_differences(kind, knob):
    array = kind.of(SIZE, SIZE).program(random_weights(1), KEY)
    nominal, h = float(array.get(knob)), 1e-5
    weights = jax.jit(lambda factor: array.set(knob, factor * nominal).weights())
    slope = jax.jvp(weights, (1.0,), (1.0,))[1]
    difference = (weights(1 + h) - weights(1 - h)) / (2 * h)
    theta = 2 * np.pi * float(jnp.max(array.frequency * array.delays()))
    third = theta**3 * h**2 / 6 * float(jnp.max(jnp.abs(array.weights())))
    np.testing.assert_allclose(slope, difference, atol=third + 1e-9)
    assert float(jnp.max(jnp.abs(slope))) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_exact_array_follows_its_target(kind):
    array, wanted, direction = kind.of(SIZE, SIZE).ideal(), random_weights(2), random_weights(3)
    found = jax.jit(lambda w: jax.jvp(lambda w: array.program(w, KEY).weights(), (w,), (direction,))[1])(wanted)
    np.testing.assert_allclose(found, direction, atol=1e-10)


def test_rounded_phases_have_the_derivative_of_the_line_through_the_staircase():
    wanted = np.exp(1j * np.linspace(-3, 3, 15)).reshape(3, 5)
    for array in (DelayChains.of(3, 5, delay_bits=3), TappedDelays.of(3, 5, taps=8)):
        write = jax.jit(lambda angle, a=array: a.program(wanted * jnp.exp(1j * angle), KEY).weights())
        still = jnp.zeros((3, 5))
        found = write(still)
        slope = jax.jvp(write, (still,), (jnp.ones((3, 5)),))[1]
        np.testing.assert_allclose(slope, 1j * found, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_targets_of_zero_and_open_memristors_have_finite_values_and_derivatives(kind):
    shape = (5, 2, 3) if kind is DelayChains else (1, 2, 15)
    cell = LinearCell.of(shape, minimum_conductance=0.0, write_noise=0.1, stuck_probability=0.5)
    array = kind.of(2, 3, cell=cell).fabricate(KEY)
    wanted = jnp.asarray([[0, 1, -1], [1j, -1j, 0]], complex)

    @jax.jit
    def total(array, wanted):
        weights = array.program(wanted, KEY).weights()
        return jnp.sum(jnp.real(weights) + 0.3 * jnp.imag(weights)) + 1e9 * jnp.sum(array.delays())

    assert float(jnp.min(array.program(wanted, KEY).cell.conductance())) == 0
    found = jax.value_and_grad(total, (0, 1))(array, wanted)
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(found))
