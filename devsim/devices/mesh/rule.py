"""A function with a reverse rule of our own."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array


def with_rule(primal: Callable[..., tuple[Any, Any]], transpose: Callable[..., tuple]) -> Callable:
    """A function of arrays whose value and reverse rule are told; JAX cannot push tangents forwards through it.

    primal: (*arguments) -> (value, kept). transpose: (kept, cotangent of the value) -> tuple of cotangents of the arguments.
    """

    @jax.custom_vjp
    def function(*arguments):
        return primal(*arguments)[0]

    function.defvjp(primal, transpose)
    return function


def _apart(count: int) -> Callable:
    split = lambda x: tuple(x[i] for i in range(count))
    return with_rule(lambda x: (split(x), None), lambda _, g: (jnp.stack(g),))


def apart(x: Array, *, plain: bool = False) -> tuple[Array, ...]:
    """The entries along the first axis. JAX's own derivative pads each to the whole and adds, this one stacks them; `plain`
    takes JAX's."""
    return tuple(x) if plain else _apart(x.shape[0])(x)
