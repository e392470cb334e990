"""`SpikeSource`: events at given times."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import InputError
from devsim.parameter import parameter
from devsim.part import Element
from devsim.ports import Balance, Unknown, ageless, quiet, spikes_out

NEVER = -1.0
"""A time (s) before any event: `last` at power-up, so that an event at time zero is one of the start."""

CLOSE = 1e-9
"""Relative rounding of the end of a step: a time that is the end of a step belongs to that step."""


class SpikeSource(Element):
    """Events at given times; a lane or a bus.

    Equations: out = number of times in (t_last, t], t_last the end of the step before; its derivative with respect to
    the times is zero.
    Source: the spike train as a sum of Dirac pulses; Gerstner, Kistler, Naud & Paninski, Neuronal Dynamics (Cambridge
    University Press, 2014), chapter 1.
    Valid: events on the grid of the time steps; two within one step leave as one value of 2.

    Raises InputError where `times` is no row or matrix.
    """

    times: Array = parameter(
        unit="s", bounds=(0, None), doc="times of the events in any order, shape (events,) or (n, events), padded with inf"
    )
    age, noise = ageless, quiet

    def __check_init__(self):
        if jnp.ndim(self.times) not in (1, 2):
            raise InputError(f"`times` must be a row, or a matrix with one row per lane, but has shape {self.times.shape}.")

    def ports(self):
        """The events `out`."""
        return {"out": spikes_out(self.times.shape[:-1])}

    def rest(self):
        """The end of the step before (s)."""
        return {"last": Unknown(jnp.full((), NEVER))}

    def balance(self, t, p, x):
        """The events since the step before."""
        due = (self.times <= t * (1 + CLOSE)) & (self.times > x["last"] * (1 + CLOSE))
        return Balance({"out": jnp.sum(due, -1).astype(self.times.dtype), "last": jnp.zeros(())}, {"last": x["last"]})

    def jump(self, t, p, x):
        """The step has ended."""
        return {"last": jnp.asarray(t, x["last"].dtype)}
