"""`CurrentSum`: a node at which currents meet."""

import equinox as eqx
import jax.numpy as jnp

from devsim import check
from devsim.part import Element
from devsim.ports import Balance, ageless, no_memory, quiet, signal_in, signal_out


class CurrentSum(Element):
    """The sum of currents that are signals: Kirchhoff's law at a node which a mirror holds; a pin or a bus of `width`.

    Equations: out = in0 + in1 + ..., zero without any.
    Source: Kirchhoff's current law.
    Valid: ideal copies; mismatch of mirrors is that of the parts that read the sum.
    """

    count: int = eqx.field(static=True, default=2)
    width: tuple[int, ...] = eqx.field(static=True, default=())
    age, noise, rest = ageless, quiet, no_memory

    def __check_init__(self):
        check.whole("count", self.count, 0)

    def ports(self):
        """The currents `in0`, `in1`, ... and `out`."""
        return {name: signal_in(self.width) for name in self._names()} | {"out": signal_out(self.width)}

    def balance(self, t, p, x):
        """The sum."""
        return Balance({"out": sum((p[name] for name in self._names()), jnp.zeros(self.width))})

    def _names(self) -> list[str]:
        return [f"in{k}" for k in range(self.count)]
