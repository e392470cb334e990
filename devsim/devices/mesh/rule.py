"""A function with derivatives of our own in both modes: a linear tangent map, and its transpose."""

from collections.abc import Callable
from typing import Any

import jax
from jax.custom_derivatives import linear_call


def with_rule(primal: Callable[..., tuple[Any, Any]], tangent: Callable, transpose: Callable) -> Callable:
    """A function of arrays whose value and derivatives are told.

    primal: (*arguments) -> (value, kept). tangent: (kept, tangents) -> tangent of the value, linear in `tangents`, a tuple.
    transpose: (kept, cotangent of the value) -> tuple of cotangents of the arguments.
    """

    @jax.custom_jvp
    def function(*arguments):
        return primal(*arguments)[0]

    @function.defjvp
    def _(arguments, tangents):
        value, kept = primal(*arguments)
        return value, linear_call(tangent, transpose, kept, tangents)

    return function
