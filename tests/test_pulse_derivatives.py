"""Derivatives of pulse cells: of counts, of knobs, of targets, and of the loop they run in."""

import jax
import jax.numpy as jnp
import numpy as np

from devsim.devices.memristor.bounded_loop import bounded_loop
from devsim.devices.memristor.pulse import PulseCell
from devsim.devices.memristor.pulse_steps import LinearStep, SoftBounds
from devsim.part import aged

KEY = jax.random.key(20)
SMALL = (3,)


def test_the_derivative_of_a_count_is_the_next_step():
    cell = PulseCell((4,), SoftBounds(), step=0.01, most_pulses=16)
    cell = cell.put(hidden=jnp.asarray([0.5, 0.5, 0.5, 0.5]))
    counts = jnp.asarray([3.2, -2.0, 0.0, 1000.0])
    slopes = jax.jacobian(lambda n: cell.nudge(n, KEY).hidden)(counts)
    after = cell.nudge(counts, KEY).hidden
    expected = [0.01 * (1 - after[0]), 0.01 * (1 + after[1]), 0.01, 0.0]
    np.testing.assert_allclose(slopes, np.diag(expected), atol=1e-15)


KNOBS = ("step", "asymmetry", "cycle_noise", "write_noise", "w_max", "law.gamma_up", "law.gamma_down")


def test_knob_derivatives_equal_central_differences():
    law = LinearStep(0.4, 0.5, noise="absolute")
    cell = PulseCell((4,), law, step=0.01, asymmetry=0.1, cycle_noise=0.3, write_noise=2.0, step_spread=0.2, most_pulses=16)
    counts = jnp.asarray([7.0, 10.0, -6.0, -9.0])

    @jax.jit
    def weight(values):
        die = cell
        for path, value in zip(KNOBS, values, strict=True):
            die = die.set(path, value)
        return die.fabricate(KEY).nudge(counts, KEY).conductance().sum() * 1e6

    at, h = jnp.stack([cell.get(path) for path in KNOBS]), 1e-5
    exact = jax.jit(jax.grad(weight))(at)
    assert jnp.all(exact != 0)
    for path, slope, shift in zip(KNOBS, exact, h * jnp.eye(len(KNOBS)), strict=True):
        numeric = (weight(at + shift) - weight(at - shift)) / (2 * h)
        # error of the difference: h^2 times a third derivative of order one, and rounding over h, both below 1e-6
        assert abs(slope - numeric) <= 1e-6 * max(1.0, abs(numeric)), path


def test_a_knob_at_its_ideal_value_still_has_a_derivative():
    cell = PulseCell(SMALL, LinearStep(0.0, 0.0), step=0.01, decay_rate=0.0, most_pulses=16)

    def weight(gamma, noise, rate):
        knobs = cell.set("law.gamma_up", gamma).set("cycle_noise", noise).set("decay_rate", rate)
        return aged(knobs.nudge(10, KEY), 1.0, key=KEY).hidden.sum()

    assert all(slope != 0 for slope in jax.jit(jax.grad(weight, (0, 1, 2)))(0.0, 0.0, 0.0))


def test_the_derivative_of_a_programmed_nominal_cell_is_one():
    cell = PulseCell(SMALL, LinearStep(0.3, 0.6), step=0.01, most_pulses=400)
    slope = jax.grad(lambda target: cell.program(target, KEY).conductance().sum())(jnp.asarray([40e-6, 61e-6, 80e-6]))
    np.testing.assert_allclose(slope, 1, rtol=1e-6)


def test_the_derivative_of_diffusion_is_finite_at_no_time():
    cell = PulseCell(SMALL, diffusion=0.1)
    assert jnp.isfinite(jax.grad(lambda t: cell.age(t, 300.0, KEY).hidden.sum())(0.0))


def test_a_bounded_loop_ends_early_and_has_derivatives():
    def power(x, n):
        return bounded_loop(lambda i, c: i < n, lambda i, c: jnp.where(i < n, c * x, c), jnp.ones_like(x), 10)

    value, slope = jax.jit(jax.value_and_grad(power)), jax.jit(lambda x, n: jax.jvp(lambda x: power(x, n), (x,), (1.0,))[1])
    for n in range(12):
        expected = min(n, 10) * 1.3 ** (min(n, 10) - 1)
        np.testing.assert_allclose(value(1.3, n), (1.3 ** min(n, 10), expected), rtol=1e-12)
        np.testing.assert_allclose(slope(1.3, n), expected, rtol=1e-12)
    batch = jax.vmap(jax.vmap(power, (None, 0)), (0, None))(jnp.asarray([1.3, 0.7]), jnp.arange(4))
    np.testing.assert_allclose(batch, np.asarray([[1.3], [0.7]]) ** np.arange(4), rtol=1e-12)


def test_a_bounded_loop_skips_its_end_even_in_a_batch():
    """What is left over is not run: a body that would spoil the result is never reached, whatever the batch."""

    def spoilt(n):
        return bounded_loop(lambda i, c: i < n, lambda i, c: jnp.where(i < 3, c + (i < n), jnp.nan), jnp.asarray(0.0), 50)

    np.testing.assert_array_equal(jax.vmap(spoilt)(jnp.asarray([1, 3, 0])), [1, 3, 0])
