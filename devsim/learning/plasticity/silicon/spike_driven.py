"""`SiliconSDSP`: spike-driven plasticity by transistors."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim.circuit import Circuit
from devsim.devices.cmos.bistability import BistabilityAmplifier
from devsim.devices.cmos.capacitor_weight import CapacitorWeight
from devsim.devices.cmos.current_pair import CurrentSteering
from devsim.devices.cmos.current_sum import CurrentSum
from devsim.devices.cmos.dpi_synapse import DPISynapse
from devsim.devices.cmos.log_domain import current_of
from devsim.devices.cmos.technology import Technology
from devsim.devices.cmos.transconductor import DifferentialPair
from devsim.devices.spiking import SpikeSource
from devsim.learning.plasticity.plasticity import Local, per_post
from devsim.learning.plasticity.silicon.stored import StoredOnCapacitors
from devsim.learning.plasticity.silicon.trace import at_rest, peak_current, trace
from devsim.learning.plasticity.spike_driven import SDSP
from devsim.parameter import parameter

STEEPNESS = 40.0
"""Of comparators of calcium: the edges of its windows are as wide as a fortieth."""
LIKE = SDSP()


def edge(calcium: Array, technology: Technology) -> CurrentSteering:
    """A comparator with a `calcium`, in units of that of one event."""
    return CurrentSteering(reference_current=calcium * peak_current(technology), steepness=STEEPNESS)


def decision(jump: Array, technology: Technology, weight: CapacitorWeight) -> DifferentialPair:
    """A comparator of the membrane whose pulse moves the weight by a `jump`, in shares of its range."""
    return DifferentialPair(jump * weight.capacitance * technology.supply_voltage / weight.pulse_width)


def biases(ideal: SDSP, technology: Technology, weight: CapacitorWeight) -> dict:
    """The parts that have the constants of `ideal`."""
    span, supply = ideal.maximum_weight - ideal.minimum_weight, technology.supply_voltage
    drift = (ideal.up_drift + ideal.down_drift) / 2 / span * weight.capacitance * supply
    middle = (ideal.weight_threshold - ideal.minimum_weight) / span * supply
    on = drift > 0
    jump = ideal.calcium_jump
    return {
        "latch": BistabilityAmplifier(jnp.where(on, drift, 1e-12), strength=jnp.where(on, 1.0, 0.0), threshold=middle),
        "calcium": trace(ideal.calcium_time, technology),
        "rise": decision(ideal.up_jump / span, technology, weight),
        "fall": decision(ideal.down_jump / span, technology, weight),
        "up_low": edge(ideal.up_low / jump, technology),
        "up_high": edge(ideal.up_high / jump, technology),
        "down_low": edge(ideal.down_low / jump, technology),
        "down_high": edge(ideal.down_high / jump, technology),
    }


def _default(name: str):
    return eqx.field(default_factory=lambda: biases(LIKE, Technology(), CapacitorWeight())[name])


class SiliconSDSP(StoredOnCapacitors):
    """Spike-driven plasticity by a calcium integrator, comparators with soft edges, and a latch around the weight's capacitor.

    Equations: at a presynaptic event the voltage of the weight moves by (I_up - I_down) width / C,
      I_up = I_a s(kappa (V - V_th) / U_T) S(c / l_up) (1 - S(c / h_up)),
      I_down = I_b s(kappa (V_th - V) / U_T) S(c / l_down) (1 - S(c / h_down)),
      s(x) = 1 / (1 + exp(-x)), S(r) = 1 / (1 + r^-g), c the current of an integrator of the postsynaptic events.
      Departures from the rule: edges are soft, by U_T / kappa in the membrane and by 1 / g in calcium; outside a window the
      share (c / edge)^g or its inverse of a jump is left; events add up to (ln N - ln(I_0 / I_th)) / N more to calcium that
      is there, N = I / I_th after one event; one bias drifts to both rails, and slowly within 2 U_T / kappa of the threshold.
    Source: Mitra, Fusi and Indiveri, IEEE Trans. Biomed. Circuits Syst. 3, 32 (2009); Qiao et al., Front. Neurosci. 9, 141
    (2015); the rule: Brader, Senn and Fusi, Neural Comput. 19, 2881 (2007).
    Valid: steps and pulses far shorter than the time constant of calcium; as its parts.
    """

    uses = (Local.MEMBRANE, Local.CALCIUM, Local.WEIGHT)
    kinds = {"calcium": Local.CALCIUM}
    places = StoredOnCapacitors.store_places | dict.fromkeys(
        ("calcium", "rise", "fall", "up_low", "up_high", "down_low", "down_high"), "post"
    )
    latch: BistabilityAmplifier = _default("latch")
    calcium: DPISynapse = _default("calcium")
    rise: DifferentialPair = _default("rise")
    fall: DifferentialPair = _default("fall")
    up_low: CurrentSteering = _default("up_low")
    up_high: CurrentSteering = _default("up_high")
    down_low: CurrentSteering = _default("down_low")
    down_high: CurrentSteering = _default("down_high")
    membrane_threshold: Array = parameter(0.8, unit="V", doc="V_th between depression and potentiation")
    low_efficacy: Array = parameter(0.0, unit="1", doc="what a spike transmits far below the threshold of the latch")
    high_efficacy: Array = parameter(1.0, unit="1", doc="what a spike transmits far above it")

    @classmethod
    def imitating(cls, ideal: SDSP, *, technology: Technology | None = None, **fields) -> Self:
        """The circuit with the jumps, windows, drift (mean of both) and times of `ideal`.

        technology: of all its parts, the default one where none is given. fields: others in place of those.
        """
        technology = Technology() if technology is None else technology
        weight = fields.pop("weight", CapacitorWeight(voltage=technology.supply_voltage / 2))
        names = ("minimum_weight", "maximum_weight", "membrane_threshold", "low_efficacy", "high_efficacy")
        own = biases(ideal, technology, weight) | {name: getattr(ideal, name) for name in names}
        return cls(technology=technology, weight=weight, **(own | fields))

    def begin(self, weights):
        """Calcium at the off current, as the logarithm of a current in pA."""
        return {"calcium": per_post(weights) + at_rest(self.technology, weights)}

    def currents(self, calcium: Array, membrane: Array) -> tuple[Array, Array]:
        """I_up and I_down (A) at a `calcium` (A) and potentials of the `membrane` (V), (post,)."""
        gates = {"plus": membrane, "minus": self.membrane_threshold}
        up = self.rise.currents(gates)[0] * self.up_low.share(calcium) * (1 - self.up_high.share(calcium))
        down = self.fall.currents(gates)[1] * self.down_low.share(calcium) * (1 - self.down_high.share(calcium))
        return up, down

    def advance(self, weights, state, signals, seconds, key):
        """Leakage and drift, then jumps; calcium counts events of the step only afterwards."""
        calcium = self.calcium.relaxed(state["calcium"], seconds)
        up, down = self.currents(current_of(calcium), signals.membrane)
        voltage = self.kept(self.voltage(weights), seconds)
        voltage = self.raised(voltage, signals.pre[:, None], up)
        voltage = self.lowered(voltage, signals.pre[:, None], down)
        calcium = self.calcium.struck(calcium, self.calcium.dose(signals.post))
        return self.weights(self.written(voltage, signals, key)), {"calcium": calcium}

    def efficacy(self, weights, state):
        """Between two values, as a pair decides that compares the weight with the threshold of the latch."""
        return self.low_efficacy + (self.high_efficacy - self.low_efficacy) * self.latch.high(self.voltage(weights))

    def circuit(self, pre_times, post_times):
        """One synapse as a graph of the same parts, with spikes at given times (s).

        Its inputs are the `membrane` and the `membrane threshold` (V); the net `weight` is its voltage.
        """
        parts = self.circuits() | {"pre": SpikeSource(pre_times), "post": SpikeSource(post_times), "nothing": CurrentSum(0)}
        nets = {
            "pre spikes": ("pre.out", "weight.up", "weight.down"),
            "post spikes": ("post.out", "calcium.input"),
            "no drive": ("nothing.out", "calcium.drive"),
            "calcium": ("calcium.out", "up_low.input", "up_high.input", "down_low.input", "down_high.input"),
            "membrane": ("rise.plus", "fall.plus"),
            "membrane threshold": ("rise.minus", "fall.minus"),
            "rise": ("rise.out_plus", "up_low.tail"),
            "rise low": ("up_low.over", "up_high.tail"),
            "up": ("up_high.under", "weight.up_current"),
            "fall": ("fall.out_minus", "down_low.tail"),
            "fall low": ("down_low.over", "down_high.tail"),
            "down": ("down_high.under", "weight.down_current"),
            "weight": ("weight.out", "latch.weight"),
            "latch": ("latch.out", "weight.drive"),
        }
        unused = ("rise.out_minus", "up_low.under", "up_high.over", "fall.out_plus", "down_low.under", "down_high.over")
        nets |= {f"unused {pin}": (pin,) for pin in unused}
        outputs = {name: name for name in nets if name.startswith("unused") or name == "weight"}
        inputs = {name: name for name in ("membrane", "membrane threshold")}
        return Circuit(parts, nets, inputs=inputs, outputs=outputs)
