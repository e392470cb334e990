"""`SpikingCells`: the synapses and the neurons of one layer of a spiking network; `IdealCells`, their mathematics."""

import abc
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import InputError, above
from devsim.parameter import deviation, parameter
from devsim.part import Part
from devsim.surrogate import spike

State = dict[str, Array]
"""State variables of all cells by name, (..., n)."""


class Fired(NamedTuple):
    """What a step leaves behind before the events that arrive in it: the `state`, and the `events` and `membrane` of the
    neurons; membrane potentials are those before a reset."""

    state: State
    events: Array
    membrane: Array


class Stepper(NamedTuple):
    """What cells do in one step of a given length, all that does not change from step to step computed once.

    fire(state, drive): the step itself under a current `drive`, a number or (..., n), into the neurons. strike(state,
    arrivals): the events that arrive at its end, weighted: (..., wires), see `SpikingCells.wired`.
    """

    fire: Callable[[State, Array], Fired]
    strike: Callable[[State, Array], State]


class SpikingCells(Part):
    """n neurons with the synapses in front of each.

    unit: of a `drive` into the neurons.
    """

    unit: ClassVar[str] = "1"

    @abc.abstractmethod
    def size(self) -> int:
        """How many neurons."""

    @abc.abstractmethod
    def wired(self, weights: Array) -> Array:
        """Weights (..., n) as they go to the synapses: (..., wires), so that events @ wired(weights) are the arrivals."""

    @abc.abstractmethod
    def begin(self) -> State:
        """The state (n,) at power-up."""

    @abc.abstractmethod
    def stepper(self, seconds: Array) -> Stepper:
        """Steps of `seconds`."""

    @abc.abstractmethod
    def times(self) -> dict[str, Array]:
        """The times (s) that a step has to resolve, by name."""

    def ports(self):
        """None: they are asked through a network."""
        return {}


class IdealCells(SpikingCells):
    """Exponential synapses in front of leaky integrate-and-fire neurons, solved exactly over each step; pure numbers, n lanes.

    Equations: tau_s ds/dt = -s, s += the weighted events that arrive; tau_m dv/dt = -v + s + bias + drive; an event and
      v := reset where v > threshold, then v stays there for the refractory time.
      For a constant input i the interval between events is t_ref + tau_m ln((i - reset) / (i - threshold)).
      Whole steps: an interval is rounded up to them, and so is the refractory time.
    Source: Rotter and Diesmann, Biol. Cybern. 81, 381 (1999); Gerstner, Kistler, Naud & Paninski, Neuronal Dynamics (Cambridge
    University Press, 2014), chapter 1; surrogate gradient: Neftci et al., IEEE Signal Process. Mag. 36(6), 51 (2019).
    Valid: as mathematics; a silicon cell far above its gain current comes close to it.
    """

    threshold: Array = parameter(1.0, unit="1", doc="membrane variable at which a neuron fires, a number or shape (n,)")
    threshold_spread: Array = deviation("threshold", "1", each="neuron")
    reset: Array = parameter(0.0, unit="1", doc="membrane variable after an event")
    bias: Array = parameter(0.0, unit="1", doc="constant input to each neuron, a number or shape (n,)")
    membrane_time: Array = parameter(20e-3, unit="s", bounds=above(0), doc="tau_m, time constant of the membrane")
    synapse_time: Array = parameter(10e-3, unit="s", bounds=above(0), doc="tau_s, time constant of the synapses")
    refractory_time: Array = parameter(2e-3, unit="s", bounds=(0, None), doc="time at the reset after an event; 0 for none")
    surrogate_width: Array = parameter(
        0.5, unit="1", bounds=above(0), doc="width of the surrogate derivative; no effect on the events"
    )

    @classmethod
    def of(cls, count: int, **fields) -> "IdealCells":
        """`count` cells of the same `fields`."""
        check.whole("count", count, 1)
        fields = {"threshold": 1.0} | fields
        return cls(**fields | {"threshold": jnp.broadcast_to(jnp.asarray(fields["threshold"], float), (count,))})

    def check_shapes(self):
        """Raise where the threshold is not a row, or the others do not fit it."""
        if jnp.ndim(self.threshold) != 1:
            raise InputError(
                f"`threshold` must be a row with one value per neuron, but has shape {jnp.shape(self.threshold)}; "
                "`IdealCells.of(n)` makes n alike."
            )
        for name in ("reset", "bias", "membrane_time", "synapse_time", "refractory_time", "surrogate_width"):
            if not check.fits(jnp.shape(getattr(self, name)), self.threshold.shape):
                raise InputError(
                    f"`{name}` must be a number or have the shape {self.threshold.shape} of `threshold`, but has shape "
                    f"{jnp.shape(getattr(self, name))}."
                )

    def go_together(self):
        """A neuron starts again below where it fires."""
        check.at_most("reset", self.reset, "threshold", self.threshold, strict=True)

    def age(self, seconds, temperature, key):
        """Mathematics does not age."""
        return self

    def size(self):
        """The length of `threshold`."""
        return self.threshold.shape[0]

    def wired(self, weights):
        """As they are: one synapse takes both signs."""
        return weights

    def begin(self):
        """Nothing arrived, membranes at the reset."""
        zero = jnp.zeros_like(self.threshold)
        return {"synapse": zero, "membrane": zero + self.reset, "countdown": zero}

    def times(self):
        """Both time constants; the refractory time where there is one."""
        return {name: getattr(self, name) for name in ("membrane_time", "synapse_time", "refractory_time")}

    def stepper(self, seconds):
        """Exact exponentials, computed once."""
        kept, decayed = jnp.exp(-seconds / self.membrane_time), jnp.exp(-seconds / self.synapse_time)
        passed, share = reached(seconds, self.membrane_time, self.synapse_time), -jnp.expm1(-seconds / self.membrane_time)
        waits = jnp.ceil(self.refractory_time / seconds - 1e-3)

        def fire(state, drive):
            ready = state["countdown"] < 0.5
            moved = kept * state["membrane"] + passed * state["synapse"] + share * (self.bias + drive)
            membrane = jnp.where(ready, moved, state["membrane"])
            events = spike(membrane - self.threshold, self.surrogate_width) * jnp.where(ready, 1.0, 0.0).astype(moved.dtype)
            left = jnp.where(events > 0.5, waits, jnp.maximum(state["countdown"] - 1, 0.0))
            after = membrane + events * (self.reset - membrane)
            return Fired({"synapse": decayed * state["synapse"], "membrane": after, "countdown": left}, events, membrane)

        strike = lambda state, arrivals: state | {"synapse": state["synapse"] + arrivals}
        return Stepper(fire, strike)


def reached(seconds: Array, membrane_time: Array, synapse_time: Array) -> Array:
    """What a synaptic current of one at the begin of a step has made of the membrane at its end.

    Equations: (exp(-h / tau_s) - exp(-h / tau_m)) tau_s / (tau_s - tau_m), which is h / tau exp(-h / tau) where both are equal.
    """
    z = seconds / membrane_time - seconds / synapse_time
    small = jnp.abs(z) < 1e-4
    safe = jnp.where(small, 1.0, z)
    growth = jnp.where(small, 1 + z / 2, jnp.expm1(safe) / safe)
    return seconds / membrane_time * jnp.exp(-seconds / membrane_time) * growth
