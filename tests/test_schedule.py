"""The loop over steps: the same numbers whatever is kept, and derivatives that store few of the states."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.stepping import schedule

LANES = 64


def final(start, blocks, every):
    """The sum of what is kept of lanes of dx/dt = sin x, and of their end."""
    advance = lambda x: x + 0.01 * jnp.sin(x)
    last, kept = schedule.run(advance, lambda x: x[0], start, blocks=blocks, every=every)
    return jnp.sum(last) + jnp.sum(kept)


def temporary(blocks, every):
    """Bytes that a gradient needs beside what it is given and answers."""
    compiled = jax.jit(jax.grad(lambda x: final(x, blocks, every))).lower(jnp.ones(LANES)).compile()
    memory = compiled.memory_analysis()
    assert memory is not None
    return memory.temp_size_in_bytes


@pytest.mark.parametrize("steps", [(10_007, 1), (1, 10_000), (1, 10_007), (4, 2_500)], ids=str)
def test_a_gradient_stores_the_square_root_of_the_steps(steps):
    """A hundred times the steps, ten times the states, and half as many again for the remainder of chunks."""
    blocks, every = steps
    few = (max(blocks // 100, 1), every if blocks > 1 and every == 1 else every // 100)
    kept = 8 * 2 * blocks  # of the record and its cotangent, which grow with what is kept
    assert temporary(blocks, every) - kept < 15 * temporary(*few)


@pytest.mark.parametrize("steps", [(1, 97), (97, 1), (3, 97)], ids=str)
def test_chunks_change_neither_values_nor_gradients(steps):
    blocks, every = steps
    start = jnp.linspace(0.1, 1.0, LANES)

    def plain(x):
        kept = []
        for n in range(blocks * every):
            kept += [x[0]] if n % every == 0 else []
            x = x + 0.01 * np.sin(x)
        return np.sum(x) + sum(kept) + x[0]

    value, slope = jax.jit(jax.value_and_grad(lambda x: final(x, blocks, every)))(start)
    assert float(value) == pytest.approx(float(plain(np.asarray(start))), rel=1e-12)
    lane = 5  # the others are alone too: the slope of one is that of a run of its own
    tangent = jax.jvp(lambda x: final(x, blocks, every), (start,), (jnp.zeros(LANES).at[lane].set(1.0),))[1]
    assert float(slope[lane]) == pytest.approx(float(tangent), rel=1e-12)
