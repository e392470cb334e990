"""`SiliconPSTDP`: pair STDP by transistors."""

from typing import Self

import equinox as eqx
from jaxtyping import Array

from devsim.circuit import Circuit
from devsim.devices.cmos.capacitor_weight import CapacitorWeight
from devsim.devices.cmos.current_pair import CurrentPair
from devsim.devices.cmos.current_sum import CurrentSum
from devsim.devices.cmos.dpi_synapse import DPISynapse
from devsim.devices.cmos.log_domain import current_of
from devsim.devices.cmos.technology import Technology
from devsim.devices.spiking import SpikeSource
from devsim.learning.plasticity.pair import PSTDP
from devsim.learning.plasticity.plasticity import Local, per_post, per_pre
from devsim.learning.plasticity.silicon.stored import StoredOnCapacitors
from devsim.learning.plasticity.silicon.trace import at_rest, peak_current, trace

SATURATION = 100.0
"""Reference of the pairs, in units of a trace's current after one event: they saturate by one part in it."""


def sampler(gain: Array | float, technology: Technology, weight: CapacitorWeight) -> CurrentPair:
    """A pair whose pulse moves the weight by `gain` of its range for a small trace, in units of that of one event."""
    charge = gain * weight.capacitance * technology.supply_voltage
    reference = SATURATION * peak_current(technology)
    return CurrentPair(bias_current=SATURATION * charge / weight.pulse_width, reference_current=reference)


class SiliconPSTDP(StoredOnCapacitors):
    """Pair STDP by log-domain traces that differential pairs sample onto a capacitor.

    Equations: a presynaptic event lowers the voltage of the weight by I-(I_y) width / C, one of the postsynaptic neuron raises
      it by I+(I_x) width / C, less near the rails, I+-(I) = I_b / (1 + I_ref / I), I_x and I_y the integrators of the events.
      Departures from the rule: traces are sampled with saturation, 1 / (1 + I / I_ref); an event adds to a trace that is not
      at rest up to (ln N - ln(I_0 / I_th)) / N more than to one that is, N = I / I_th after one event; traces end at I_0, so
      that every event moves the weight by at least I_b I_0 / I_ref width / C; junctions leak; writes are noisy.
    Source: Indiveri, Chicca and Douglas, IEEE Trans. Neural Netw. 17, 211 (2006), with the traces of Bartolozzi and Indiveri,
    Neural Comput. 19, 2581 (2007).
    Valid: steps and pulses far shorter than the traces; as its parts.
    """

    uses = (Local.PRE_TRACE, Local.POST_TRACE, Local.WEIGHT)
    kinds = {"pre_trace": Local.PRE_TRACE, "post_trace": Local.POST_TRACE}
    places = StoredOnCapacitors.store_places | {
        "pre_trace": "pre",
        "post_trace": "post",
        "potentiation": "synapse",
        "depression": "synapse",
    }
    pre_trace: DPISynapse = eqx.field(default_factory=lambda: trace(20e-3, Technology()))
    post_trace: DPISynapse = eqx.field(default_factory=lambda: trace(20e-3, Technology()))
    potentiation: CurrentPair = eqx.field(default_factory=lambda: sampler(0.005, Technology(), CapacitorWeight()))
    depression: CurrentPair = eqx.field(default_factory=lambda: sampler(0.00525, Technology(), CapacitorWeight()))

    @classmethod
    def imitating(cls, ideal: PSTDP, *, technology: Technology | None = None, **fields) -> Self:
        """The circuit whose biases give the amplitudes and times of `ideal`, in the limit of small traces.

        technology: of all its parts, the default one where none is given. fields: others in place of those, such as `latch`.
        """
        technology = Technology() if technology is None else technology
        weight = fields.pop("weight", CapacitorWeight(voltage=technology.supply_voltage / 2))
        span = ideal.maximum_weight - ideal.minimum_weight
        own = {
            "minimum_weight": ideal.minimum_weight,
            "maximum_weight": ideal.maximum_weight,
            "pre_trace": trace(ideal.pre_time, technology),
            "post_trace": trace(ideal.post_time, technology),
            "potentiation": sampler(ideal.potentiation / span, technology, weight),
            "depression": sampler(ideal.depression / span, technology, weight),
        }
        return cls(technology=technology, weight=weight, **(own | fields))

    def begin(self, weights):
        """Traces at the off current, as the logarithm of a current in pA."""
        rest = at_rest(self.technology, weights)
        return {"pre_trace": per_pre(weights) + rest, "post_trace": per_post(weights) + rest}

    def advance(self, weights, state, signals, seconds, key):
        """Traces and leakage, then rows, then columns."""
        x = self.pre_trace.relaxed(state["pre_trace"], seconds)
        y = self.post_trace.relaxed(state["post_trace"], seconds)
        voltage = self.kept(self.voltage(weights), seconds)
        voltage = self.lowered(voltage, signals.pre[:, None], self.depression.current(current_of(y)))
        x = self.pre_trace.struck(x, self.pre_trace.dose(signals.pre))
        voltage = self.raised(voltage, signals.post, self.potentiation.current(current_of(x)[:, None]))
        y = self.post_trace.struck(y, self.post_trace.dose(signals.post))
        return self.weights(self.written(voltage, signals, key)), {"pre_trace": x, "post_trace": y}

    def circuit(self, pre_times, post_times):
        """One synapse as a graph of the same parts, with spikes at given times (s); the net `weight` is its voltage."""
        parts = self.circuits() | {"pre": SpikeSource(pre_times), "post": SpikeSource(post_times), "nothing": CurrentSum(0)}
        nets = {
            "pre spikes": ("pre.out", "pre_trace.input", "weight.down"),
            "post spikes": ("post.out", "post_trace.input", "weight.up"),
            "no drive": ("nothing.out", "pre_trace.drive", "post_trace.drive"),
            "pre trace": ("pre_trace.out", "potentiation.input"),
            "post trace": ("post_trace.out", "depression.input"),
            "up": ("potentiation.out", "weight.up_current"),
            "down": ("depression.out", "weight.down_current"),
            "weight": ("weight.out", "latch.weight"),
            "latch": ("latch.out", "weight.drive"),
        }
        return Circuit(parts, nets, outputs={"weight": "weight"})
