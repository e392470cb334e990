"""`SiliconCSTDP`: calcium-based plasticity by transistors."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.circuit import Circuit
from devsim.devices.cmos.bistability import BistabilityAmplifier
from devsim.devices.cmos.capacitor_weight import CapacitorWeight
from devsim.devices.cmos.current_pair import CurrentPair
from devsim.devices.cmos.current_sum import CurrentSum
from devsim.devices.cmos.dpi_synapse import DPISynapse
from devsim.devices.cmos.log_domain import current_of
from devsim.devices.cmos.technology import Technology
from devsim.devices.cmos.weight_bounds import WeightBounds
from devsim.devices.spiking import SpikeDelay, SpikeSource
from devsim.learning.plasticity.calcium import CSTDP
from devsim.learning.plasticity.plasticity import Local, per_post, per_pre
from devsim.learning.plasticity.silicon.stored import StoredOnCapacitors
from devsim.learning.plasticity.silicon.trace import at_rest, peak_current, trace
from devsim.parameter import parameter

STEEPNESS = 40.0
"""Of the comparators of calcium: their edges are as wide as a fortieth."""
LEAST = 1e-9
"""Of a calcium or a rate: biases are positive."""


def biases(ideal: CSTDP, technology: Technology, weight: CapacitorWeight) -> dict:
    """The parts that have the constants of `ideal`."""
    bounds = WeightBounds(technology=technology)
    least = lambda value: jnp.maximum(value, LEAST)

    def tail(strength, threshold):
        bias = least(strength) / ideal.time_constant * bounds.linear_range * weight.capacitance
        return CurrentPair(bias_current=bias, reference_current=threshold * peak_current(technology), steepness=STEEPNESS)

    middle = ideal.unstable_weight
    latch = BistabilityAmplifier(threshold=middle * technology.supply_voltage, technology=technology)
    slope = middle * (1 - middle) / ideal.time_constant
    return {
        "bounds": bounds,
        "latch": latch.put(bias_current=slope * weight.capacitance * latch.unit()),
        "pre_calcium": trace(ideal.calcium_time, technology, height=least(ideal.pre_calcium)),
        "post_calcium": trace(ideal.calcium_time, technology, height=least(ideal.post_calcium)),
        "potentiation": tail(ideal.potentiation, ideal.potentiation_threshold),
        "depression": tail(ideal.depression, ideal.depression_threshold),
    }


def _default(name: str):
    return eqx.field(default_factory=lambda: biases(CSTDP(), Technology(), CapacitorWeight())[name])


class SiliconCSTDP(StoredOnCapacitors):
    """Calcium-based STDP: two integrators make calcium, two comparators of it move the weight within soft bounds.

    Equations: C dV/dt = I_P S(c / thP) tanh((V_DD - V) / V_L) - I_D S(c / thD) tanh(V / V_L) + I_b tanh(kappa (V-V*) / 2 U_T),
      S(r) = 1 / (1 + r^-g), c the sum of the currents of an integrator of presynaptic events, a time D late, and one of
      postsynaptic events.
      Departures from the rule: edges are soft, by 1 / g; a soft bound is weaker by tanh(x) / x, x = V_DD / V_L, at the other
      rail; events add up to (ln N - ln(I_0 / I_th)) / N more to calcium that is there, N = I / I_th after one event; junctions
      leak; there is no noise of calcium. The latch agrees with the cubic -w (1 - w) (w* - w) / tau near w* only: from 2 U_T /
      kappa on it drifts by I_b / C, to the rails and not to a stop short of them, where the cubic grows and then fades.
    Source: Graupner and Brunel, PNAS 109, 3991 (2012); soft bounds: Sarpeshkar, Lyon and Mead, Analog Integr. Circuits Signal
    Process. 13, 123 (1997); the latch: Indiveri, Chicca and Douglas, IEEE Trans. Neural Netw. 17, 211 (2006).
    Valid: steps and pulses far shorter than the time constant of calcium. The published constants of the rule ask for a bias
      of the latch below the off current, which a circuit cannot have: it needs a larger capacitor. At most `pending_spikes`
      events of one neuron are on their way, the oldest are lost.
    """

    uses = (Local.CALCIUM, Local.WEIGHT)
    kinds = {"pre_calcium": Local.CALCIUM, "post_calcium": Local.CALCIUM, "pending": Local.CALCIUM}
    noisy = False
    places = StoredOnCapacitors.store_places | {
        "pre_calcium": "pre",
        "post_calcium": "post",
        "potentiation": "synapse",
        "depression": "synapse",
        "bounds": "synapse",
    }
    latch: BistabilityAmplifier = _default("latch")
    pre_calcium: DPISynapse = _default("pre_calcium")
    post_calcium: DPISynapse = _default("post_calcium")
    potentiation: CurrentPair = _default("potentiation")
    depression: CurrentPair = _default("depression")
    bounds: WeightBounds = _default("bounds")
    delay: Array = parameter(13.7e-3, unit="s", bounds=(0, None), doc="D, from a presynaptic event to its calcium")
    low_efficacy: Array = parameter(0.2, unit="1", doc="what a spike transmits at the lower rail")
    high_efficacy: Array = parameter(1.0, unit="1", doc="what a spike transmits at the upper rail")
    pending_spikes: int = eqx.field(static=True, default=8)

    def __check_init__(self):
        check.whole("pending_spikes", self.pending_spikes, 1)

    @classmethod
    def imitating(cls, ideal: CSTDP, *, technology: Technology | None = None, **fields) -> Self:
        """The circuit with the calcium, thresholds and rates of `ideal`; its weights 0 and 1 are the rails.

        technology: of all its parts, the default one where none is given. fields: others in place of those.
        """
        technology = Technology() if technology is None else technology
        weight = fields.pop("weight", CapacitorWeight(voltage=technology.supply_voltage / 2))
        own = {name: getattr(ideal, name) for name in ("delay", "low_efficacy", "high_efficacy", "pending_spikes")}
        return cls(technology=technology, weight=weight, **(own | biases(ideal, technology, weight) | fields))

    def begin(self, weights):
        """No calcium, and none on its way: `pending` is the time (s) until it arrives, (pending_spikes, pre)."""
        rest = at_rest(self.technology, weights)
        never = jnp.full((self.pending_spikes, weights.shape[0]), jnp.inf, weights.dtype)
        return {"pre_calcium": per_pre(weights) + rest, "post_calcium": per_post(weights) + rest, "pending": never}

    def advance(self, weights, state, signals, seconds, key):
        """The weight follows the mean of the calcium at both ends of the step; then what arrives adds to it."""
        before = self.pre_calcium.relaxed(state["pre_calcium"], seconds)
        after = self.post_calcium.relaxed(state["post_calcium"], seconds)
        first = current_of(state["pre_calcium"])[:, None] + current_of(state["post_calcium"])
        last = current_of(before)[:, None] + current_of(after)
        mean = lambda pair: (pair.current(first) + pair.current(last)) / 2
        moved = (mean(self.potentiation), mean(self.depression), seconds, self.weight.capacitance)
        voltage = self.kept(self.bounds.moved(self.voltage(weights), *moved), seconds)
        joined = jnp.concatenate([jnp.broadcast_to(self.delay, signals.pre.shape)[None], state["pending"][:-1] - seconds])
        pending = jnp.where(signals.pre > 0.5, joined.astype(weights.dtype), state["pending"] - seconds)
        arrived = jnp.sum((pending > -seconds / 2) & (pending <= seconds / 2), 0).astype(weights.dtype)
        state = {
            "pre_calcium": self.pre_calcium.struck(before, self.pre_calcium.dose(arrived)),
            "post_calcium": self.post_calcium.struck(after, self.post_calcium.dose(signals.post)),
            "pending": pending,
        }
        return self.weights(voltage), state

    def efficacy(self, weights, state):
        """Between the two efficacies."""
        return self.low_efficacy + weights * (self.high_efficacy - self.low_efficacy)

    def circuit(self, pre_times, post_times):
        """One synapse as a graph of the same parts, with spikes at given times (s); the net `weight` is its voltage."""
        extra = {"nothing": CurrentSum(0), "never": SpikeSource([jnp.inf]), "late": SpikeDelay(self.delay)}
        sums = {"meet": CurrentSum(2), "both": CurrentSum(2)}
        parts = self.circuits() | extra | sums | {"pre": SpikeSource(pre_times), "post": SpikeSource(post_times)}
        nets = {
            "pre spikes": ("pre.out", "late.input"),
            "late spikes": ("late.out", "pre_calcium.input"),
            "post spikes": ("post.out", "post_calcium.input"),
            "no event": ("never.out", "weight.up", "weight.down"),
            "no current": (
                "nothing.out",
                "pre_calcium.drive",
                "post_calcium.drive",
                "weight.up_current",
                "weight.down_current",
            ),
            "pre calcium": ("pre_calcium.out", "both.in0"),
            "post calcium": ("post_calcium.out", "both.in1"),
            "calcium": ("both.out", "potentiation.input", "depression.input"),
            "up": ("potentiation.out", "bounds.up"),
            "down": ("depression.out", "bounds.down"),
            "bounds": ("bounds.out", "meet.in0"),
            "latch": ("latch.out", "meet.in1"),
            "drive": ("meet.out", "weight.drive"),
            "weight": ("weight.out", "latch.weight", "bounds.weight"),
        }
        return Circuit(parts, nets, outputs={"weight": "weight"})
