"""A hundred synapses of subthreshold transistors change with the times of spikes, and learn which inputs come together.

What it is: a neuron with a hundred synapses in the manner of Indiveri, Chicca and Douglas, IEEE Trans. Neural Netw. 17, 211
(2006). Each synapse has two traces of its own, integrators of presynaptic and of postsynaptic events, which differential pairs
sample onto the capacitor that holds its weight. All synapses charge one integrator, behind it one integrate-and-fire neuron.

What it is asked: how pairs of spikes from -80 to 80 ms change each synapse, at room temperature, warm, with biases that are
fixed gate voltages, and aged; then, from equal weights, to find those half of its inputs that fire together.

What the ideal does: pair STDP, exp(-|d| / tau) on both sides (Song, Miller and Abbott, Nat. Neurosci. 3, 919 (2000)), here as
the same transistors without mismatch, leakage and age; beside it, the equations themselves behind the same neuron.

What was published: the window in cultured neurons (Bi and Poo, J. Neurosci. 18, 10464 (1998)); that additive STDP selects
correlated inputs (Kempter, Gerstner and van Hemmen, Phys. Rev. E 59, 4498 (1999); Song, Miller and Abbott (2000); Gutig et al.,
J. Neurosci. 23, 3697 (2003)); the circuit, measured (Indiveri, Chicca and Douglas (2006)).
"""

from typing import Any, ClassVar, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from circuits import stdp_window
from circuits.learning_neuron import LearningNeuron
from circuits.stdp_window import described
from devsim.check import above
from devsim.chip import Chip, Metric, Picture, share
from devsim.circuit import Circuit
from devsim.devices.cmos import CapacitorWeight, DPINeuron, DPISynapse, Technology
from devsim.devices.cmos.technology import YEAR
from devsim.engine import for_each_key
from devsim.learning.plasticity import PSTDP
from devsim.learning.plasticity.silicon import SiliconPSTDP
from devsim.learning.plasticity.silicon.rule import widened
from devsim.learning.plasticity.silicon.trace import trace
from devsim.learning.spike_trains import correlated_poisson
from devsim.parameter import parameter
from devsim.part import Entry, Part
from devsim.physics import ROOM_TEMPERATURE
from devsim.randomness import named_key, numbered_keys

SYNAPSES = 100
TOGETHER = SYNAPSES // 2
"""How many inputs fire together: the first ones."""
RULE = {"potentiation": 0.02, "depression": 0.025, "pre_time": 20e-3, "post_time": 20e-3}
"""Pair STDP whose depression has a larger area than its potentiation, so that uncorrelated inputs lose."""
STEP, BLOCKS = 1e-3, 20
"""The time step (s), and how many blocks of 1 s the neuron learns."""
BLOCK = round(1 / STEP)
KICK = 5.0
"""Peak of the synaptic current after one event at full weight, in units of `trace`: 50 mean weights at 20 Hz make it fire."""
MIRRORS = 5
"""In an amplitude: pulse and gain of the trace, tail and reference of the pair that samples it, pulse onto the weight."""
SITUATIONS = ("", "_warm", "_fixed_voltages", "_aged")


class Task(NamedTuple):
    """Input events (steps, synapses) of 0 and 1, the first half of the inputs correlated, and what the equations learn from
    them: `course` (blocks, synapses)."""

    events: Array
    course: Array


def selectivity(weights: Array) -> Array:
    """Mean weight (...) of inputs that fire together, less that of the others, of `weights` (..., synapses)."""
    return weights[..., :TOGETHER].mean(-1) - weights[..., TOGETHER:].mean(-1)


def separation(weights: Array) -> Array:
    """Chance (...) that a correlated input has a larger weight than an uncorrelated one, half where equal: the area under the
    receiver operating characteristic."""
    one, other = weights[..., :TOGETHER, None], weights[..., None, TOGETHER:]
    return jnp.mean(jnp.where(one == other, 0.5, jnp.where(one > other, 1.0, 0.0)), (-2, -1))


def taught_by_equations(chip_and_events: tuple["CMOSSTDP", Array], key: Key[Array, ""]) -> Array:
    """Weights (blocks, synapses) that the rule itself learns from events, behind the synapses and the neuron of the chip."""
    chip, events = chip_and_events
    neuron = LearningNeuron(PSTDP(**RULE), chip.synapses, chip.neuron)
    return neuron.learn(events, start=chip.start_weight, step=STEP, blocks=len(events) // BLOCK).course


def _window_metrics() -> dict[str, Metric]:
    """What is asked of the windows."""
    told = ("", ", warm with compensated biases", ", warm with fixed gate voltages", ", after its service")
    spread = lambda what: Metric("1", f"standard deviation over synapses of ln {what}", higher_is_better=False, low=0.0)
    errors = {
        f"window_error{name}": Metric(
            "1", f"rms error of the mean window over the equations' peak{words}", higher_is_better=False, low=0.0
        )
        for name, words in zip(SITUATIONS, told, strict=True)
    }
    ratios = {
        f"area_ratio{name}": Metric("1", f"geometric mean over synapses, depression over potentiation in area{words}", low=0.0)
        for name, words in zip(SITUATIONS, told, strict=True)
        if name != "_fixed_voltages"
    }
    spreads = {
        "potentiation_spread": spread("amplitude of potentiation"),
        "depression_spread": spread("amplitude of depression"),
        "pre_time_spread": spread("time constant of potentiation"),
        "post_time_spread": spread("time constant of depression"),
    }
    shares = {
        "right_sign": share("share of synapses that pairs at 10 ms both ways move in the right direction"),
        "stable_share": share("share of synapses whose depression has the larger area, so that uncorrelated spikes weaken"),
    }
    return errors | ratios | spreads | shares


class CMOSSTDP(Chip):
    """Knobs beyond the parts': what the task sends, how warm it gets, how long it serves.

    The technology of the chip is that of all its parts. rule: the circuit of one synapse, of which there are a hundred.
    """

    rule: SiliconPSTDP
    synapses: DPISynapse
    neuron: DPINeuron
    technology: Technology = eqx.field(default_factory=Technology)
    warm_temperature: Array = parameter(343.0, unit="K", bounds=above(0), doc="at which the chip is asked again")
    service_time: Array = parameter(10 * YEAR, unit="s", bounds=(0, None), stage="age", doc="after which it is asked again")
    service_temperature: Array = parameter(
        ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="age", doc="temperature while it serves"
    )
    start_weight: Array = parameter(0.5, unit="1", bounds=(0, 1), doc="weight of all synapses when they are asked")
    input_rate: Array = parameter(20.0, unit="1/s", bounds=(0, 1 / STEP), doc="events of each input")
    correlation: Array = parameter(0.2, unit="1", bounds=(0, 1), doc="correlation coefficient of inputs that fire together")

    name: ClassVar[str] = "cmos-stdp"
    metrics: ClassVar[dict[str, Metric]] = {
        "selectivity": Metric("1", "mean weight of correlated inputs less that of the others, after 20 s", low=-1.0, high=1.0),
        "separation": share("chance that a correlated input has a larger weight than an uncorrelated one, after 20 s"),
        "selectivity_of_equations": Metric("1", "what the equations reach behind the same neuron", low=-1.0, high=1.0),
        "rate": Metric("1/s", "events of the neuron in the last 5 s", low=0.0),
    } | _window_metrics()
    budget_metric: ClassVar[str] = "selectivity"
    usual_dies: ClassVar[int] = 8

    @classmethod
    def design(cls) -> Self:
        """Transistors of 2 um x 2 um with a threshold of 0.6 V, whose off current is below biases of a picoampere at 343 K."""
        technology = Technology(threshold=0.6, threshold_drift=3e-3, drift_spread=0.3)
        rule = SiliconPSTDP.imitating(
            PSTDP(**RULE), technology=technology, weight=CapacitorWeight(voltage=0.9, capacitance_spread=0.01)
        )
        rule = rule.set("pre_trace.capacitance_spread", 0.01).set("post_trace.capacitance_spread", 0.01)
        pulse = trace(5e-3, technology, height=KICK)
        synapses = DPISynapse(
            jnp.full((SYNAPSES, 1), pulse.weight_current),
            time_constant_current=pulse.time_constant_current,
            gain_current=pulse.gain_current,
            capacitance=pulse.capacitance,
            capacitance_spread=0.01,
            pulse_width=pulse.pulse_width,
        )
        neuron = DPINeuron(jnp.full(1, 1e-9), time_constant_current=2.7e-12, capacitance_spread=0.01, adaptation_current=0.0)
        chip = cls(rule=rule, synapses=synapses, neuron=neuron)  # pyright: ignore[reportCallIssue]
        return chip.put(technology=technology)

    @property
    def circuit(self) -> Circuit:
        """One synapse as a graph, with a pair of spikes."""
        return self.rule.circuit([1e-3], [11e-3])

    def put(self, **fields: Any) -> Self:
        """A copy with whole fields replaced; the parts take the technology of the chip."""
        copy = super().put(**fields)
        parts = lambda chip: [chip.rule, chip.synapses, chip.neuron]
        return eqx.tree_at(parts, copy, [part.put(technology=copy.technology) for part in parts(copy)])

    def parameters(self) -> dict[str, Entry]:
        """The knobs of the chip and of its parts by dotted path, the technology once."""
        hidden = tuple(f"{name}.technology." for name in ("rule", "synapses", "neuron"))
        return {path: entry for path, entry in Part.parameters(self).items() if not path.startswith(hidden)}

    def entry(self, path: str) -> Entry:
        """The row of the table at a dotted path."""
        return super(Chip, self).entry(path)

    def _assigned(self, path: str, leaf: Array, full: str) -> Self:
        return super(Chip, self)._assigned(path, leaf, full)

    def age(self, seconds, temperature, key):
        """The technology ages, and with it all parts."""
        return self.put(technology=self.technology.age(seconds, temperature, key))

    def task(self, key: Key[Array, ""]) -> Task:
        """Twenty seconds of events, of which half of the inputs share a source, and what the equations make of them."""
        groups = np.maximum(np.arange(SYNAPSES) - TOGETHER + 1, 0)
        correlation = jnp.where(np.arange(groups[-1] + 1) == 0, self.correlation, 0.0)
        rates = jnp.broadcast_to(self.input_rate, (SYNAPSES,))
        drawn = correlated_poisson(rates, groups, correlation, BLOCKS * BLOCK * STEP, STEP, named_key(key, "events"))
        events = drawn.astype(jnp.uint8)
        course = for_each_key(taught_by_equations, (self.ideal(), events), numbered_keys(key, 1))[0]
        return Task(events, jnp.asarray(course))

    def build(self, task: Any, key: Key[Array, ""]) -> Self:
        """One die: every synapse has transistors and capacitors of its own."""
        parts = {name: widened(part, (SYNAPSES,)) for name, part in self.rule.circuits().items()}
        rule = self.rule.put(**parts).fabricate(named_key(key, "rule"))
        synapses, neuron = self.synapses.fabricate(named_key(key, "synapses")), self.neuron.fabricate(named_key(key, "neuron"))
        return self.put(rule=rule, synapses=synapses, neuron=neuron)

    def situations(self, key: Key[Array, ""]) -> Technology:
        """The technologies of a built die now, warm, warm with fixed gate voltages, and aged: `SITUATIONS`, stacked."""
        now = self.technology
        warm = now.put(temperature=self.warm_temperature)
        fixed = warm.put(bias_compensation=jnp.zeros_like(now.bias_compensation))
        aged = now.age(self.service_time, self.service_temperature, key)
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), now, warm, fixed, aged)

    def windows(self) -> Array:
        """Change of each weight of a built die by pairs of spikes, (synapses, intervals of `stdp_window`)."""
        return stdp_window.changes(self.rule, self.start_weight, SYNAPSES)

    def measure(self, task: Task, key: Key[Array, ""]) -> dict[str, Array]:
        """The windows of a built die in four situations, then what it learns.

        Beside the metrics, for pictures: `windows` (situations, synapses, intervals), `area_ratios` (synapses,), and weights in
        time, `course` (blocks, synapses).
        """
        technologies = self.situations(named_key(key, "age"))
        windows = jax.vmap(lambda technology: self.put(technology=technology).windows())(technologies)
        blocks = len(task.events) // BLOCK
        neuron = LearningNeuron(self.rule, self.synapses, self.neuron)
        learned = neuron.learn(task.events, start=self.start_weight, step=STEP, blocks=blocks)
        return asked_of_windows(windows) | {
            "selectivity": selectivity(learned.course[-1]),
            "separation": separation(learned.course[-1]),
            "selectivity_of_equations": selectivity(task.course[-1]),
            "rate": jnp.mean(learned.rate[-5:]),
            "windows": windows,
            "course": learned.course,
        }

    def pictures(self, task: Any, key: Key[Array, ""]) -> list[Picture]:
        """Windows with their spread, warm and aged; weights in time; what decides a weight; spread against area."""
        from circuits.cmos_stdp_pictures import pictures

        return pictures(self, task, key)


def asked_of_windows(windows: Array) -> dict[str, Array]:
    """Metrics of `windows` (situations, synapses, intervals), and the `area_ratios` (synapses,) in the first of them."""
    peak = max(RULE["potentiation"], RULE["depression"])
    errors = jnp.sqrt(jnp.mean((windows.mean(1) - stdp_window.equation(**RULE)) ** 2, axis=-1)) / peak
    found = dict(zip(SITUATIONS, [described(each) for each in windows], strict=True))
    told = {f"window_error{name}": error for name, error in zip(SITUATIONS, errors, strict=True)}
    told |= {f"area_ratio{name}": jnp.exp(jnp.mean(jnp.log(each.area_ratio()))) for name, each in found.items()}
    for name in ("potentiation", "depression", "pre_time", "post_time"):
        told[f"{name}_spread"] = jnp.std(jnp.log(getattr(found[""], name)), ddof=1)
    ratios = found[""].area_ratio()
    return told | {
        "right_sign": jnp.mean(found[""].right_sign, dtype=float),
        "stable_share": jnp.mean(ratios > 1, dtype=float),
        "area_ratios": ratios,
    }
