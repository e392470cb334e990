"""Randomness by reparametrisation: a fixed standard draw times a knob, so that derivatives exist.

Every draw takes its own key, made from the owner's key and a name, so that adding a part or a field never changes
what another one draws.
"""

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
