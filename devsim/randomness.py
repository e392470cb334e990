"""Randomness by reparametrisation: a fixed standard draw times a knob, so that derivatives exist.

Every draw takes its own key, made from the owner's key and a name, so that adding a part or a field never changes
what another one draws.
"""

import math
import zlib

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check

LAWS = ("relative", "absolute", "lognormal")


def named_key(key: Key[Array, ""], name: str) -> Key[Array, ""]:
    """The key that belongs to `name`; the same for the same pair on every machine. Raises InputError for no key."""
    check.key(key)
    return jax.random.fold_in(key, zlib.crc32(name.encode()))


def numbered_keys(key: Key[Array, ""], count: int) -> Key[Array, " count"]:
    """One key per index: index `i` has the same key whatever the `count`. Raises InputError for no key."""
    check.key(key)
    return jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(count))


def spread(nominal: Array, deviation: Array, law: str, key: Key[Array, ""]) -> Array:
    """Draw device-to-device variation of `nominal`.

    Laws, with one standard normal draw x per element:
      relative   nominal (1 + deviation x)
      absolute   nominal + deviation x, `deviation` in the unit of `nominal`
      lognormal  nominal exp(s x - s^2/2), s^2 = ln(1 + deviation^2): mean `nominal`, relative standard deviation
                 `deviation`, never changes sign
    """
    x = jax.random.normal(key, jnp.shape(nominal), jnp.result_type(nominal, float))
    if law == "relative":
        return nominal * (1 + deviation * x)
    if law == "absolute":
        return nominal + deviation * x
    return nominal * lognormal_factor(deviation, x)


def lognormal_factor(deviation: Array, x: Array) -> Array:
    """exp(s x - s^2/2) with s^2 = ln(1 + deviation^2), smooth at `deviation` = 0."""
    square = deviation**2
    tiny = square < 1e-12
    safe = jnp.where(tiny, 1.0, square)
    ratio = jnp.where(tiny, 1 - square / 2, jnp.log1p(safe) / safe)
    s = deviation * jnp.sqrt(ratio)
    return jnp.exp(s * x - s**2 / 2)


def coin_sums(key: Key[Array, ""], shape: tuple[int, ...], dtype) -> Array:
    """Draws of mean 0 and variance 1 for steps in time: heads among 32 fair coins, less 16, over 8^0.5.

    Odd moments are those of the normal law, the fourth is 3 - 1/16: enough for schemes of weak order 1 and, to that sixteenth,
    2 (Kloeden and Platen, Numerical Solution of Stochastic Differential Equations (Springer, 1992), chapter 14), at a fraction
    of the cost of a normal draw.
    """
    wide = jax.config.read("jax_enable_x64")
    count = math.prod(shape)
    if wide:
        words = jax.random.bits(key, ((count + 1) // 2,), jnp.uint64)
        words = jax.lax.bitcast_convert_type(words, jnp.uint32).reshape(-1)[:count]
    else:
        words = jax.random.bits(key, (count,), jnp.uint32)
    heads = jax.lax.population_count(words).astype(dtype)
    return ((heads - 16) / math.sqrt(8)).reshape(shape)
