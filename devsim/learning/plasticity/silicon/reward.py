"""`SiliconRSTDP`: reward-modulated STDP by transistors."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.circuit import Circuit
from devsim.devices.cmos.capacitor_weight import CapacitorWeight
from devsim.devices.cmos.current_pair import CurrentPair
from devsim.devices.cmos.current_sum import CurrentSum
from devsim.devices.cmos.dpi_synapse import DPISynapse
from devsim.devices.cmos.eligibility_trace import EligibilityTrace
from devsim.devices.cmos.log_domain import current_of
from devsim.devices.cmos.technology import Technology
from devsim.devices.cmos.third_factor_gate import ThirdFactorGate
from devsim.devices.spiking import SpikeSource
from devsim.learning.plasticity.plasticity import Local, per_post, per_pre
from devsim.learning.plasticity.reward import RSTDP
from devsim.learning.plasticity.silicon.stored import StoredOnCapacitors
from devsim.learning.plasticity.silicon.trace import at_rest, capacitor, peak_current, trace
from devsim.parameter import parameter

SATURATION = 100.0
"""Reference of the pairs, in units of a trace's current after one event."""
FULL = 10e-9
"""Bias of the pairs (A)."""
WEIGHT_CAPACITANCE = 10e-12
"""Large, as the currents that a third factor sends are small, F."""
FACTOR_SCALE = 5e-3
"""Potential of a third factor of one, V."""


def coincidence(seconds: Array, technology: Technology) -> EligibilityTrace:
    """A trace that a pair at no distance brings to `peak_current`."""
    capacitance, bias = capacitor(seconds, technology)
    made = EligibilityTrace(bias, capacitance=capacitance, technology=technology, pulse_width=300e-6)
    gain = bias * peak_current(technology) * seconds * SATURATION / (FULL * made.pulse_width)
    return made.put(gain_current=gain)


def biases(ideal: RSTDP, technology: Technology, weight: CapacitorWeight) -> dict:
    """The parts that have the constants of `ideal`."""
    reference = SATURATION * peak_current(technology)
    largest = jnp.maximum(jnp.maximum(ideal.potentiation, ideal.depression), 1e-12)
    pair = lambda gain: CurrentPair(bias_current=FULL * jnp.maximum(gain, 1e-12) / largest, reference_current=reference)
    share = largest / (ideal.maximum_weight - ideal.minimum_weight)
    slope = technology.gate_coupling * FACTOR_SCALE / (2 * technology.thermal_voltage())
    current = share * weight.capacitance * technology.supply_voltage / slope
    eligible = coincidence(ideal.eligibility_time, technology)
    return {
        "pre_trace": trace(ideal.pre_time, technology),
        "post_trace": trace(ideal.post_time, technology),
        "potentiation": pair(ideal.potentiation),
        "depression": pair(ideal.depression),
        "eligible_up": eligible,
        "eligible_down": eligible,
        "gate": ThirdFactorGate(current, reference_current=peak_current(technology)),
    }


def _default(name: str):
    return eqx.field(
        default_factory=lambda: biases(RSTDP(), Technology(), CapacitorWeight(capacitance=WEIGHT_CAPACITANCE))[name]
    )


class SiliconRSTDP(StoredOnCapacitors):
    """Reward-modulated STDP: pairs charge two eligibility traces, whose difference a third factor sends into the weight.

    Equations: C dV/dt = (I_b / I_ref) (I_e+ - I_e-) tanh(kappa (m V_m + offset) / (2 U_T)), less near the rails, m the third
      factor and V_m its potential per unit; a postsynaptic event lets I+(I_x) into I_e+, a presynaptic one I-(I_y) into I_e-,
      I+-(I) = I_b / (1 + I_ref / I), I_x and I_y the integrators of the events.
      Departures from the rule: those of traces and pairs as in the pair rule; the third factor saturates, by
      (kappa m V_m / (2 U_T))^2 / 3; the offset of the gate lets eligibility by where m = 0.
    Source: eligibility and third factor in silicon: Khacef et al., Neuromorph. Comput. Eng. 3, 042001 (2023); the rule:
    Izhikevich, Cereb. Cortex 17, 2443 (2007).
    Valid: steps and pulses far shorter than all traces; the current into the weight is a difference, which may be below the
      off current.
    """

    uses = (Local.PRE_TRACE, Local.POST_TRACE, Local.WEIGHT, Local.THIRD_FACTOR)
    kinds = {
        "pre_trace": Local.PRE_TRACE,
        "post_trace": Local.POST_TRACE,
        "eligible_up": Local.POST_TRACE,
        "eligible_down": Local.POST_TRACE,
    }
    noisy = False
    places = StoredOnCapacitors.store_places | {
        "pre_trace": "pre",
        "post_trace": "post",
        "potentiation": "synapse",
        "depression": "synapse",
        "eligible_up": "synapse",
        "eligible_down": "synapse",
        "gate": "synapse",
    }
    weight: CapacitorWeight = eqx.field(default_factory=lambda: CapacitorWeight(capacitance=WEIGHT_CAPACITANCE))
    pre_trace: DPISynapse = _default("pre_trace")
    post_trace: DPISynapse = _default("post_trace")
    potentiation: CurrentPair = _default("potentiation")
    depression: CurrentPair = _default("depression")
    eligible_up: EligibilityTrace = _default("eligible_up")
    eligible_down: EligibilityTrace = _default("eligible_down")
    gate: ThirdFactorGate = _default("gate")
    factor_scale: Array = parameter(FACTOR_SCALE, unit="V", bounds=above(0), doc="V_m, potential of a third factor of one")

    @classmethod
    def imitating(cls, ideal: RSTDP, *, technology: Technology | None = None, **fields) -> Self:
        """The circuit with the amplitudes and times of `ideal`, in the limit of small traces and a small third factor.

        technology: of all its parts, the default one where none is given. fields: others in place of those.
        """
        technology = Technology() if technology is None else technology
        store = CapacitorWeight(voltage=technology.supply_voltage / 2, capacitance=WEIGHT_CAPACITANCE)
        weight = fields.pop("weight", store)
        own = {name: getattr(ideal, name) for name in ("minimum_weight", "maximum_weight")}
        return cls(technology=technology, weight=weight, **(own | biases(ideal, technology, weight) | fields))

    def begin(self, weights):
        """Every trace at the off current, as the logarithm of a current in pA."""
        rest = at_rest(self.technology, weights)
        eligible = jnp.zeros_like(weights) + rest
        traces = {"pre_trace": per_pre(weights) + rest, "post_trace": per_post(weights) + rest}
        return traces | {"eligible_up": eligible, "eligible_down": eligible}

    def advance(self, weights, state, signals, seconds, key):
        """The third factor acts on what is eligible; then the pairs of the step become so."""
        x = self.pre_trace.relaxed(state["pre_trace"], seconds)
        y = self.post_trace.relaxed(state["post_trace"], seconds)
        up = self.eligible_up.relaxed(state["eligible_up"], seconds)
        down = self.eligible_down.relaxed(state["eligible_down"], seconds)
        mean = lambda name, now: (current_of(state[name]) + current_of(now)) / 2
        eligible = mean("eligible_up", up), mean("eligible_down", down)
        current = self.gate.current(*eligible, signals.third_factor * self.factor_scale)
        voltage = self.kept(self.weight.driven(self.voltage(weights), current, seconds), seconds)
        down = self.eligible_down.struck(
            down, self.eligible_down.pulse(signals.pre[:, None] * self.depression.current(current_of(y)))
        )
        x = self.pre_trace.struck(x, self.pre_trace.dose(signals.pre))
        up = self.eligible_up.struck(
            up, self.eligible_up.pulse(signals.post * self.potentiation.current(current_of(x)[:, None]))
        )
        y = self.post_trace.struck(y, self.post_trace.dose(signals.post))
        return self.weights(voltage), {"pre_trace": x, "post_trace": y, "eligible_up": up, "eligible_down": down}

    def circuit(self, pre_times, post_times):
        """One synapse as a graph of the same parts, with spikes at given times (s).

        Its input is the third `factor` (V); the net `weight` is its voltage.
        """
        extra = {"nothing": CurrentSum(0), "never": SpikeSource([jnp.inf]), "meet": CurrentSum(2)}
        parts = self.circuits() | extra | {"pre": SpikeSource(pre_times), "post": SpikeSource(post_times)}
        nets = {
            "pre spikes": ("pre.out", "pre_trace.input", "eligible_down.gate"),
            "post spikes": ("post.out", "post_trace.input", "eligible_up.gate"),
            "no event": ("never.out", "weight.up", "weight.down"),
            "no current": ("nothing.out", "pre_trace.drive", "post_trace.drive", "weight.up_current", "weight.down_current"),
            "pre trace": ("pre_trace.out", "potentiation.input"),
            "post trace": ("post_trace.out", "depression.input"),
            "pair up": ("potentiation.out", "eligible_up.input"),
            "pair down": ("depression.out", "eligible_down.input"),
            "eligible up": ("eligible_up.out", "gate.plus"),
            "eligible down": ("eligible_down.out", "gate.minus"),
            "factor": ("gate.factor",),
            "gate": ("gate.out", "meet.in0"),
            "latch": ("latch.out", "meet.in1"),
            "drive": ("meet.out", "weight.drive"),
            "weight": ("weight.out", "latch.weight"),
        }
        return Circuit(parts, nets, inputs={"factor": "factor"}, outputs={"weight": "weight"})
