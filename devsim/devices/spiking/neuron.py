"""`IntegrateAndFire`: the leaky integrate-and-fire neuron."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.devices.spiking.countdown import over, restarted, waiting
from devsim.parameter import deviation, parameter
from devsim.part import Element
from devsim.ports import Balance, Noise, Unknown, ageless, potential_out, signal_in, spikes_out
from devsim.surrogate import spike


class IntegrateAndFire(Element):
    """Leaky integrate-and-fire neurons: a membrane that charges, fires at a threshold and starts again; a pin or a bus.

    Equations: C dv/dt = i - g (v - v_rest) + noise; an event and v := v_reset when v > v_th, then v stays there for the
    refractory time. The derivative of the event with respect to v is that of a fast sigmoid of `surrogate_width`.
      For a constant i the interval between events is t_ref + (C/g) ln((i/g + v_rest - v_reset) / (i/g + v_rest - v_th)).
    Source: Lapicque, J. Physiol. Pathol. Gen. 9, 620 (1907); Gerstner, Kistler, Naud & Paninski, Neuronal Dynamics
    (Cambridge University Press, 2014), chapter 1; surrogate gradient: Neftci et al., IEEE Signal Process. Mag. 36(6),
    51 (2019).
    Valid: events on the grid of the time steps, so that an interval is within a step or two of the closed form.
    """

    side_by_side = True
    threshold: Array = parameter(1.0, unit="V", doc="membrane potential at which it fires, a number or shape (n,) for a bus")
    threshold_spread: Array = deviation("threshold", "V", each="neuron")
    capacitance: Array = parameter(1e-12, unit="F", bounds=above(0), doc="membrane capacitance C")
    leak_conductance: Array = parameter(1e-10, unit="S", bounds=(0, None), doc="leak g; zero for a pure integrator")
    resting_potential: Array = parameter(0.0, unit="V", doc="potential that the leak tends to, and that of power-up")
    reset_potential: Array = parameter(0.0, unit="V", doc="potential after an event")
    refractory_time: Array = parameter(0.0, unit="s", bounds=(0, None), doc="time at the reset potential after an event")
    noise_density: Array = parameter(
        0.0, unit="A/Hz^0.5", bounds=(0, None), stage="read", ideal=0.0, doc="one-sided noise current into the membrane"
    )
    surrogate_width: Array = parameter(
        0.1, unit="V", bounds=above(0), doc="width of the surrogate derivative; no effect on the events"
    )
    domain: str = eqx.field(static=True, default="signal")
    age = ageless

    def __check_init__(self):
        check.one_of("domain", self.domain, ("electrical", "signal"))

    def ports(self):
        """`input` (a signal in amperes, or a pin that takes a current at the membrane's potential) and the `spikes`."""
        enter = signal_in if self.domain == "signal" else potential_out
        return {"input": enter(self.threshold.shape), "spikes": spikes_out(self.threshold.shape)}

    def rest(self):
        """The membrane potential (V), and the countdown of the refractory time (s)."""
        return {
            "membrane": Unknown(jnp.broadcast_to(self.resting_potential, self.threshold.shape)),
            "countdown": over(self.threshold.shape),
        }

    def event(self, x: dict[str, Array]) -> Array:
        """1.0 where the membrane is above its threshold outside of the refractory time, else 0.0."""
        ready = jnp.where(waiting(x["countdown"], self.refractory_time), 0.0, 1.0)
        return spike(x["membrane"] - self.threshold, self.surrogate_width) * ready

    def balance(self, t, p, x):
        """The membrane's charge, and the event."""
        membrane = x["membrane"]
        leak = self.leak_conductance * (membrane - self.resting_potential)
        resting = waiting(x["countdown"], self.refractory_time)
        static = {
            "spikes": self.event(x),
            "membrane": jnp.where(resting, 0.0, leak - p["input"]),
            "countdown": jnp.ones_like(membrane),
        }
        imposed = {} if self.domain == "signal" else {"input": membrane}
        return Balance(static | imposed, {"membrane": self.capacitance * membrane, "countdown": x["countdown"]})

    def jump(self, t, p, x):
        """Reset; the refractory time begins."""
        event = self.event(x)
        membrane = x["membrane"] + event * (self.reset_potential - x["membrane"])
        return {"membrane": membrane, "countdown": restarted(x["countdown"], event, self.refractory_time)}

    def noise(self, p, x):
        """A noise current into the membrane."""
        return {"membrane": Noise(jnp.broadcast_to(self.noise_density**2, self.threshold.shape), ("membrane",))}
