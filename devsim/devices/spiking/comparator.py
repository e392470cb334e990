"""`SpikingComparator`: an event at every upward crossing of a threshold."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.devices.spiking.countdown import over, restarted, waiting
from devsim.parameter import deviation, parameter
from devsim.part import Element
from devsim.ports import Balance, Port, Unknown, ageless, quiet, spikes_out
from devsim.surrogate import spike


class SpikingComparator(Element):
    """One event when `input` rises above the threshold; the next one after it has fallen below it again.

    Equations: event = H(v - v_th) (1 - above) outside of the refractory time, above = 1 from a crossing on until
    v < v_th - hysteresis; dH/dv is that of a fast sigmoid of `surrogate_width`. A crossing within the refractory time
    is lost. At power-up the input counts as below.
    Source: Lazar & Toth, IEEE Trans. Circuits Syst. I 51, 2060 (2004) (time encoding); surrogate gradient: Neftci et
    al., IEEE Signal Process. Mag. 36(6), 51 (2019).
    Valid: events on the grid of the time steps; it draws no current and decides at once.
    """

    side_by_side = True
    threshold: Array = parameter(0.0, unit="V", doc="input above which it fires, a number or shape (n,) for a bus")
    threshold_spread: Array = deviation("threshold", "V", each="channel")
    hysteresis: Array = parameter(0.0, unit="V", bounds=(0, None), doc="how far below the threshold it arms again")
    refractory_time: Array = parameter(0.0, unit="s", bounds=(0, None), doc="time after an event without another one")
    surrogate_width: Array = parameter(
        0.1, unit="V", bounds=above(0), doc="width of the surrogate derivative; no effect on the events"
    )
    domain: str = eqx.field(static=True, default="electrical")
    age, noise = ageless, quiet

    def __check_init__(self):
        check.one_of("domain", self.domain, ("electrical", "signal"))

    def ports(self):
        """`input` (a potential, or a signal in volts) and the events `spikes`."""
        return {"input": Port(self.domain, self.threshold.shape), "spikes": spikes_out(self.threshold.shape)}

    def rest(self):
        """Whether it has fired since it was last armed (1 or 0), and the countdown of the refractory time (s)."""
        return {"above": Unknown(jnp.zeros_like(self.threshold)), "countdown": over(self.threshold.shape)}

    def event(self, p: dict[str, Array], x: dict[str, Array]) -> Array:
        """1.0 where the input has crossed the threshold in this step, else 0.0."""
        ready = jnp.where(waiting(x["countdown"], self.refractory_time), 0.0, 1.0)
        return spike(p["input"] - self.threshold, self.surrogate_width) * (1 - x["above"]) * ready

    def balance(self, t, p, x):
        """The event, and what is remembered."""
        static = {"spikes": self.event(p, x), "above": jnp.zeros_like(x["above"]), "countdown": jnp.ones_like(x["countdown"])}
        return Balance(static, {"above": x["above"], "countdown": x["countdown"]})

    def jump(self, t, p, x):
        """Armed again below the hysteresis; the refractory time begins with an event."""
        low = p["input"] < self.threshold - self.hysteresis
        fired = jnp.where(p["input"] > self.threshold, 1.0, jnp.where(low, 0.0, x["above"]))
        return {"above": fired, "countdown": restarted(x["countdown"], self.event(p, x), self.refractory_time)}
