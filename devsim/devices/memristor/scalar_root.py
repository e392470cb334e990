"""`scalar_root`: one equation in one unknown, solved for many elements at once inside of brackets."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

MOST_STEPS = 200


def scalar_root(function, low: Array, high: Array) -> Array:
    """Elementwise x in [low, high] with function(x) = 0, where function(low) <= 0 <= function(high).

    Newton steps inside a shrinking bracket; every third step halves it. NaN where no root was found. Derivatives with
    respect to what `function` closes over come from the implicit function theorem, not from the iterations.
    """
    return jax.lax.custom_root(function, (low + high) / 2, lambda f, _: _search(f, low, high), _divide_by_slope)


def _divide_by_slope(slope, y):
    """The solution of slope(x) = y for an elementwise linear `slope`."""
    return y / slope(jnp.ones_like(y))


def _search(function, low, high):
    """Safeguarded Newton iteration until no element moves by more than rounding."""
    tolerance = 8 * jnp.finfo(low.dtype).eps

    def step(carry):
        x, low, high, done, count = carry
        value, slope = jax.jvp(function, (x,), (jnp.ones_like(x),))
        low, high = jnp.where(value <= 0, x, low), jnp.where(value >= 0, x, high)
        newton = x - value / slope
        usable = (newton >= low) & (newton <= high) & (count % 3 != 2)
        trial = jnp.where(usable, newton, (low + high) / 2)
        now = done | ((jnp.abs(trial - x) <= tolerance * (1 + jnp.abs(x))) & ~jnp.isnan(value))
        return jnp.where(done, x, trial), low, high, now, count + 1

    def unfinished(carry):
        return ~jnp.all(carry[3]) & (carry[4] < MOST_STEPS)

    start = ((low + high) / 2, low, high, jnp.zeros(low.shape, bool), 0)
    x, _, _, done, _ = jax.lax.while_loop(unfinished, step, start)
    return jnp.where(done, x, jnp.nan)
