"""`OneWayArray`: complex weights between envelopes that pass from senders to receivers only."""

import abc
from typing import Self

import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check
from devsim.devices.synaptic_array import SynapticArray
from devsim.ports import Balance, no_memory, quiet, signal_in, signal_out


class OneWayArray(SynapticArray):
    """A matrix of complex weights: senders in `rows`, receivers in `columns`, no path back."""

    rest, noise = no_memory, quiet

    @abc.abstractmethod
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the weights."""

    @abc.abstractmethod
    def power(self) -> dict[str, Array]:
        """What it draws from its supply (W), by cause."""

    def found(self, key: Key[Array, ""]) -> Self:
        """The array as a read with `key` finds it; an array without read noise is itself."""
        return self

    def ports(self):
        """The complex envelopes `rows` in and `columns` out."""
        rows, columns = self.shape()
        return {"rows": signal_in((rows,), is_complex=True), "columns": signal_out((columns,), is_complex=True)}

    def balance(self, t, p, x):
        """rows @ weights, with the read noise that is held."""
        return Balance({"columns": p["rows"] @ self.weights()})

    def read(self, inputs, key):
        """inputs (..., rows) -> (..., columns), complex; one draw of read noise for all."""
        inputs = jnp.asarray(inputs)
        check.shape("inputs", inputs, self.shape()[:1], "the array's rows")
        return inputs @ self.found(key).weights()

    def read_reverse(self, inputs, key):
        """Not possible: inverters drive one way."""
        raise check.InputError(
            "Delay lines pass signals one way, from rows to columns; to go back, program a second array with `weights().T`."
        )
