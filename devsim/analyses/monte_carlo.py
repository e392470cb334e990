"""Many dies at once."""

from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import Array, Key

from devsim import check
from devsim.part import Part
from devsim.randomness import named_key, numbered_keys


def monte_carlo(analysis: Callable[..., Any], part: Part, *, dies: int, key: Key[Array, ""]) -> Any:
    """`analysis(die, key)` on `dies` fabricated copies of `part`, in one vectorised call.

    Returns what the analysis returns, with a leading axis of `dies`. Die i is drawn with a key that depends on `key`
    and i alone, so that it is the same die whatever the number of them. Raises InputError where `dies` is below 1.
    A pure function, to be jitted and differentiated; `devsim.engine.for_each_key` spreads big jobs over the cores.
    """
    check.whole("dies", dies, 1)

    def one(key):
        return analysis(part.fabricate(named_key(key, "fabricate")), named_key(key, "analysis"))

    return jax.vmap(one)(numbered_keys(key, dies))
