"""Where weights live, whatever they are made of."""

import abc
from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check
from devsim.parameter import as_leaf, state
from devsim.part import Element
from devsim.ports import Balance, ageless, no_memory, quiet, signal_in, signal_out


class Proposal(eqx.Module):
    """A wanted change of weights, local by construction: dW = sum_k weight_k pre_k post_k^T.

    Every synapse sees what its own row and column carry, and one number for all. pre: (k, rows). post: (k, columns).
    weight: (k,), signed, the learning rate included.
    """

    pre: Array = eqx.field(converter=as_leaf)
    post: Array = eqx.field(converter=as_leaf)
    weight: Array = eqx.field(converter=as_leaf)

    def __check_init__(self):
        for name, wanted in (("pre", "(k, rows)"), ("post", "(k, columns)"), ("weight", "(k,)")):
            value = getattr(self, name)
            if jnp.ndim(value) != (1 if name == "weight" else 2):
                raise check.InputError(f"`{name}` must have shape {wanted}, but has shape {jnp.shape(value)}.")
            check.finite(name, value)
        terms = self.weight.shape[0]
        for name in ("pre", "post"):
            given = getattr(self, name).shape
            if given[0] != terms:
                raise check.InputError(f"`{name}` must have one row for each of {terms} weights, but has shape {given}.")

    def change(self) -> Array:
        """pre^T diag(weight) post, (rows, columns)."""
        return self.pre.T @ (self.weight[:, None] * self.post)


class SynapticArray(Element):
    """A matrix of weights (rows, columns) that is read forwards and backwards and changed in place.

    Inputs and outputs are in the units of the weights' own mathematics: an ideal array returns `inputs @ weights`.
    """

    @abc.abstractmethod
    def weights(self) -> Array:
        """The stored weights (rows, columns) at the array's present age, as their cells hold them."""

    @abc.abstractmethod
    def read(self, inputs: Array, key: Key[Array, ""]) -> Array:
        """(..., rows) -> (..., columns): what the hardware answers to `inputs`."""

    @abc.abstractmethod
    def read_reverse(self, inputs: Array, key: Key[Array, ""]) -> Array:
        """(..., columns) -> (..., rows) through the same cells."""

    @abc.abstractmethod
    def program(self, target: Array, key: Key[Array, ""]) -> Self:
        """Write the weights `target` (rows, columns)."""

    @abc.abstractmethod
    def nudge(self, delta: Array, key: Key[Array, ""]) -> Self:
        """Ask every weight to change by `delta` (rows, columns); the device decides what happens."""

    def learn(self, proposal: Proposal, key: Key[Array, ""]) -> Self:
        """Try to follow a `proposal`: `nudge` by its change.

        A device whose answer is not linear in its inputs (a mesh whose detectors square) makes of it what it can.
        """
        return self.nudge(proposal.change(), key)

    def presented(self, key: Key[Array, ""]) -> "SynapticArray":
        """The array as the many reads of one presentation find it: noise that is slower than a presentation is drawn.

        What it returns is read, not written. An array without such noise is itself.
        """
        return self


class IdealArray(SynapticArray):
    """The mathematics itself: exact weights, exact products, no units.

    Equations: y = x W forwards, x = W y backwards; a write is exact and nothing ages.
    """

    matrix: Array = state(unit="1", doc="weights (rows, columns), real or complex", is_complex=True)
    age = ageless
    rest = no_memory
    noise = quiet

    def __check_init__(self):
        if jnp.ndim(self.matrix) < 2:
            raise check.InputError(f"`matrix` must have rows and columns, but has shape {jnp.shape(self.matrix)}.")

    def ports(self):
        """`rows` in, `columns` out."""
        rows, columns = self.matrix.shape[-2:]
        kind = {"is_complex": jnp.iscomplexobj(self.matrix)}
        return {"rows": signal_in((rows,), **kind), "columns": signal_out((columns,), **kind)}

    def balance(self, t, p, x):
        """The product itself."""
        return Balance({"columns": p["rows"] @ self.matrix})

    def weights(self):
        """The matrix, (rows, columns)."""
        return self.matrix

    def read(self, inputs, key):
        """inputs @ W; the key is not used."""
        check.shape("inputs", inputs, self.matrix.shape[-2:-1], "the array's rows")
        return inputs @ self.matrix

    def read_reverse(self, inputs, key):
        """inputs @ W.T; the key is not used."""
        check.shape("inputs", inputs, self.matrix.shape[-1:], "the array's columns")
        return inputs @ self.matrix.T

    def program(self, target, key):
        """Exactly `target`."""
        check.finite("target", target)
        check.shape("target", target, self.matrix.shape, "the array's weights")
        return self.put(matrix=as_leaf(target))

    def nudge(self, delta, key):
        """Exactly `delta` more."""
        check.finite("delta", delta)
        check.shape("delta", delta, self.matrix.shape, "the array's weights")
        return self.put(matrix=self.matrix + delta)
