"""`Tunable`: an array whose weights follow from settings that are not weights themselves."""

import abc
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.devices.synaptic_array import Proposal, SynapticArray


class Tunable(SynapticArray):
    """A synaptic array with `settings` (phases, attenuations); its `steering` decides how they follow a wanted change."""

    steering: eqx.AbstractVar[Any]

    @abc.abstractmethod
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the weights."""

    @abc.abstractmethod
    def settings(self) -> Array:
        """All that can be set, in one row."""

    @abc.abstractmethod
    def tuned(self, settings: Array) -> Self:
        """The same array with other settings, brought into their range."""

    @abc.abstractmethod
    def answer(self, inputs: Array) -> Array:
        """(..., rows) -> (..., columns): a read without new noise, differentiable with respect to the settings."""

    def learn(self, proposal: Proposal, key):
        """Settings moved as the `steering` says."""
        return self.tuned(self.settings() + self.steering.change(self, proposal, key))

    def nudge(self, delta, key):
        """Settings moved so that the weights change by about `delta` (rows, columns), as the `steering` can."""
        check.finite("delta", delta)
        rows, columns = self.shape()
        check.shape("delta", delta, (rows, columns), "the array's weights")
        return self.learn(Proposal(jnp.eye(rows), delta, jnp.ones(rows)), key)
