"""`SiliconCells`: differential-pair integrators as synapses and neurons."""

from typing import Self

import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import InputError
from devsim.devices.cmos import DPINeuron, DPISynapse, Technology
from devsim.devices.cmos.log_domain import current_of, log_of
from devsim.learning.spiking_cells import Fired, SpikingCells, Stepper
from devsim.parameter import parameter
from devsim.randomness import named_key


class SiliconCells(SpikingCells):
    """DPI neurons, each behind an excitatory DPI synapse and, unless it is None, an inhibitory one.

    Equations: those of `DPISynapse` and `DPINeuron`. A weight of one is the synapse's `weight_current`; positive weights go to
      the excitatory synapse, negative ones to the inhibitory one, whose current discharges the membrane. Over a step the neuron
      sees the geometric mean of the synaptic currents at its begin and at its end; then events strike the synapses.
    Source: Chicca, Stefanini, Bartolozzi and Indiveri, Proc. IEEE 102, 1367 (2014).
    Valid: as the two parts, for steps well below their time constants.

    Raises InputError where the neuron is not a row of n lanes or a synapse has another number of lanes.
    """

    unit = "A"

    neuron: DPINeuron
    excitatory: DPISynapse
    inhibitory: DPISynapse | None = None
    bias_current: Array = parameter(
        0.0, unit="A", bounds=(0, None), doc="constant current into each membrane, a number or shape (n,)"
    )

    @classmethod
    def of(cls, count: int, *, inhibition: bool = True, technology: Technology | None = None, **fields) -> Self:
        """`count` cells of one technology with the parts' own values. inhibition: whether there are inhibitory synapses."""
        check.whole("count", count, 1)
        technology = Technology() if technology is None else technology
        wide = lambda kind, name: kind(
            technology=technology, **{name: jnp.full(count, kind.__dataclass_fields__[name].default)}
        )
        parts = {"neuron": wide(DPINeuron, "spike_current"), "excitatory": wide(DPISynapse, "weight_current")}
        if inhibition:
            parts["inhibitory"] = wide(DPISynapse, "weight_current")
        return cls(**parts | fields)

    def check_shapes(self):
        """Raise where the lanes of the parts do not go together."""
        check.instance("neuron", self.neuron, DPINeuron)
        if len(self.neuron.shape()) != 1:
            raise InputError(
                f"`neuron` must be a bus of n lanes, but has shape {self.neuron.shape()}; `SiliconCells.of(n)` makes n alike."
            )
        for name in ("excitatory", "inhibitory") if self.inhibitory is not None else ("excitatory",):
            synapse = getattr(self, name)
            check.instance(name, synapse, DPISynapse)
            if synapse.shape() != self.neuron.shape() or synapse.weight_current.ndim > 1:
                raise InputError(
                    f"`{name}` must have one lane for each of the neurons {self.neuron.shape()}, but has weights of shape "
                    f"{synapse.weight_current.shape} and lanes {synapse.shape()}."
                )
        if not check.fits(jnp.shape(self.bias_current), self.neuron.shape()):
            raise InputError(
                f"`bias_current` must be a number or have the shape {self.neuron.shape()} of the neurons, but has shape "
                f"{jnp.shape(self.bias_current)}."
            )

    def age(self, seconds, temperature, key):
        """All parts age."""
        return self.put(**{n: part.age(seconds, temperature, named_key(key, n)) for n, part in self.children().items()})

    def size(self):
        """The lanes of the neuron."""
        return self.neuron.shape()[0]

    def wired(self, weights):
        """Their positive parts, beside their negative ones. Raises InputError for negative ones that have no synapse."""
        if self.inhibitory is not None:
            return jnp.concatenate([jnp.maximum(weights, 0), jnp.maximum(-weights, 0)], -1)
        if check.is_concrete(weights) and (weights < 0).any():
            raise InputError("The weights must be at least 0 for cells without an inhibitory synapse; give `inhibitory`.")
        return jnp.maximum(weights, 0)

    def begin(self):
        """Every part as at power-up."""
        state = {name: unknown.value for name, unknown in self.neuron.rest().items()}
        state = {name: jnp.broadcast_to(value, self.neuron.shape()) for name, value in state.items()}
        for name in self.synapses():
            state[name] = getattr(self, name).rest()["log_current"].value
        return state

    def synapses(self) -> tuple[str, ...]:
        """Which there are, in the order of the wires."""
        return ("excitatory",) if self.inhibitory is None else ("excitatory", "inhibitory")

    def times(self):
        """The time constants of the parts and the refractory time, of this die."""
        times = {f"{name}.time_constant": getattr(self, name).time_constant() for name in self.synapses()}
        neuron = self.neuron
        times["neuron.time_constant"] = neuron.time_constant()
        times["neuron.adaptation.time_constant"] = neuron.adaptation().time_constant()
        return times | {"neuron.refractory_time": neuron.refractory_time()}

    def stepper(self, seconds):
        """Steps of the parts themselves, one after the other."""
        neuron, technology = self.neuron, self.neuron.technology
        one = jnp.ones_like(self.excitatory.weight_current)
        doses = jnp.concatenate([getattr(self, name).dose(one) for name in self.synapses()], -1)
        floor, threshold = log_of(technology.off_current()), log_of(neuron.bias("spike_current"))
        volts = technology.thermal_voltage() / technology.gate_coupling

        def fire(state, drive):
            synapses = {name: getattr(self, name).relaxed(state[name], seconds) for name in self.synapses()}
            mean = {name: current_of(0.5 * (state[name] + after)) for name, after in synapses.items()}
            own = {name: state[name] for name in neuron.rest()}
            into = mean["excitatory"] + self.bias_current + drive
            after, events = neuron.advance(own, into, mean.get("inhibitory", 0.0), seconds)
            membrane = volts * (jnp.where(events > 0.5, threshold, after["log_current"]) - floor)
            return Fired(after | synapses, events, membrane)

        def strike(state, arrivals):
            dose = jnp.split(arrivals * doses, len(self.synapses()), -1)
            return state | {
                name: getattr(self, name).struck(state[name], each) for name, each in zip(self.synapses(), dose, strict=True)
            }

        return Stepper(fire, strike)
