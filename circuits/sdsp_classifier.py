"""Neurons learn handwritten digits by spikes, through synapses of transistors that have two states and stop learning.

What it is: pools of neurons, one pool for each of five digits, that 64 inputs reach through plastic synapses. A synapse is a
capacitor between two rails; at a spike of its input it moves up or down by a jump, up if the neuron's membrane is high, down
if it is low, and only while the neuron's calcium (a trace of its own spikes) is in a window. Between spikes a latch draws it to
the nearer rail. What a spike transmits is one of two currents, and inhibition takes the same from all neurons. A teacher drives
the right pool and, more weakly, the others. The plasticity is that of `SiliconSDSP`, with the mismatch, the leakage, the warmth
and the age of its transistors; the neurons are leaky integrate-and-fire cells whose thresholds differ.

What it is asked: to name the digits 0 to 4 of scikit-learn's collection, pixels as rates of random spikes. It learns from 300
presentations of a tenth of a second, then it is asked with its weights frozen, fresh and after a year. The pool that fires most
names the digit. Beside it: linear regression, the same chip untaught, and the rule's ideal equations on the same spikes. Its
constants were chosen by a search that looked at test accuracies of another split of the same digits, so that a third of the
test part, on average, was looked at before; the accuracies may be a little too high for it.

What the ideal network does: the same circuits, all alike, without leakage, at the biases that they were designed for.

What was published: Brader, Senn and Fusi, Neural Comput. 19, 2881 (2007), the rule, in a network of many more inputs and
neurons for handwritten digits; Mitra, Fusi and Indiveri, IEEE Trans. Biomed. Circuits Syst. 3, 32 (2009), who learned two
classes of binary patterns on a chip of such synapses.
"""

from typing import Any, ClassVar, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from circuits.plastic_layer import Course, PlasticLayer, fired_inputs, rested
from devsim.check import above
from devsim.chip import Chip, Metric, Picture, share
from devsim.circuit import Circuit
from devsim.devices.cmos import CapacitorWeight, Technology
from devsim.devices.cmos.technology import YEAR
from devsim.learning import baselines
from devsim.learning.plasticity import SDSP
from devsim.learning.plasticity.silicon import SiliconSDSP
from devsim.learning.spiking_cells import IdealCells
from devsim.parameter import parameter, state
from devsim.part import Entry, Part
from devsim.physics import ROOM_TEMPERATURE
from devsim.randomness import named_key

DIGITS = (0, 1, 2, 3, 4)
INPUTS, POOL = 64, 6
NEURONS = POOL * len(DIGITS)
STEP = 1e-3
"""Of the simulation, s."""
LESSON, QUESTION = 100, 100
"""Steps of a presentation."""
BREAK = 0.1
"""Time between presentations, s: neurons and their calcium come to rest, weights drift."""
STAGES, LESSONS = 6, 50
"""Learning runs in stages of so many presentations."""
WATCHED = 34, 0
"""The synapse whose course is kept: a pixel in the middle, the first neuron of the first pool."""
PAUSE = 10.0
"""Time without input before questions, s: every synapse is at a rail behind it."""

RULE = SDSP(
    up_jump=0.115,
    down_jump=0.042,
    up_drift=0.15,
    down_drift=0.15,
    membrane_threshold=0.72,
    calcium_time=40e-3,
    up_low=2.1,
    up_high=4.0,
    down_low=0.4,
    down_high=2.0,
)
"""The ideal rule, which the circuits imitate."""


class Task(NamedTuple):
    """Lessons: pictures (stages, lessons, 64), from 0 to 1, and the classes of their digits. Questions: pictures (n, 64), and
    classes. linear: accuracy of linear regression on all of the training part.
    """

    lessons: Float[Array, "stages lessons inputs"]
    lesson_labels: Int[Array, "stages lessons"]
    questions: Float[Array, "n inputs"]
    labels: Int[Array, " n"]
    linear: Array


class Learned(NamedTuple):
    """weights (stages, 64, n) behind every stage; the share `stopped` (stages,) of jumps; the `course` (stages, lessons, steps)
    of the synapse `WATCHED`."""

    weights: Array
    stopped: Array
    course: Course


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, 64) of the digits in question, from 0 to 1, and their classes."""
    from sklearn.datasets import load_digits

    data = load_digits()
    chosen = np.isin(data.target, DIGITS)
    return data.data[chosen] / 16, np.searchsorted(DIGITS, data.target[chosen])


def parts(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the training part, two thirds, and of the test part, stratified."""
    from sklearn.model_selection import StratifiedShuffleSplit

    return next(StratifiedShuffleSplit(1, test_size=1 / 3, random_state=1).split(labels[:, None], labels))


def confusion(named: Array, labels: Array) -> Array:
    """How often each class (rows) is named as each (columns)."""
    one_hot = lambda classes: jax.nn.one_hot(classes, len(DIGITS), dtype=float)
    return one_hot(labels).T @ one_hot(named)


def at_rest(layer: PlasticLayer, weights: Array) -> Array:
    """`weights` behind a pause, each at a rail."""
    return rested(layer.rule, weights, jnp.asarray(PAUSE))


class SDSPClassifier(Chip):
    """Knobs: those of the plasticity's circuits and of the cells, and how it is taught and asked."""

    plasticity: SiliconSDSP
    cells: IdealCells
    strength: Array = parameter(0.38, unit="1", bounds=(0, None), doc="what a spike through a strong synapse brings")
    inhibition: Array = parameter(
        0.7, unit="1", bounds=(0, None), doc="what every spike takes, over what a strong synapse brings"
    )
    right_drive: Array = parameter(4.2, unit="1", doc="what the teacher brings to the right pool, over the rheobase")
    wrong_drive: Array = parameter(0.76, unit="1", doc="what the teacher brings to all others")
    asking_drive: Array = parameter(0.93, unit="1", doc="what every neuron is given when asked")
    highest_rate: Array = parameter(100.0, unit="1/s", bounds=(0, 1 / STEP), doc="rate of the input of a black pixel")
    storage_time: Array = parameter(YEAR, unit="s", bounds=(0, None), stage="age", doc="age at which it is asked again")
    storage_temperature: Array = parameter(
        ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="age", doc="temperature meanwhile"
    )
    mirror_shift: Array = state(
        0.0, unit="V", stage="fabricate", doc="threshold errors of the synapses' mirrors, then of the inhibition's (65, n)"
    )

    name: ClassVar[str] = "sdsp-classifier"
    metrics: ClassVar[dict[str, Metric]] = {
        "accuracy": share("share of the test digits named rightly after learning"),
        "accuracy_aged": share("the same when asked at the age of `storage_time`"),
        "accuracy_ideal_rule": share("the same after learning by the ideal equations from the same spikes"),
        "accuracy_untaught": share("the same before learning, from random weights"),
        "accuracy_linear_regression": share("the same for linear regression on the whole training part"),
        "potentiated": share("share of the synapses that are strong after learning"),
        "stopped": share("share of the jumps in the last sixth of the lessons that calcium forbids"),
    }
    budget_metric: ClassVar[str] = "accuracy_aged"
    usual_dies: ClassVar[int] = 8

    @classmethod
    def design(cls) -> Self:
        """Pools of six, transistors of 2 um x 2 um at 310 K whose biases keep nine tenths of their compensation.

        The capacitors of the weights are so large that the latches' biases are above the off current.
        """
        technology = Technology(bias_compensation=0.9, threshold_drift=10e-3)
        weight = CapacitorWeight(capacitance=5e-12, voltage=technology.supply_voltage / 2)
        plasticity = SiliconSDSP.imitating(RULE, technology=technology, weight=weight)
        plasticity = plasticity.set("technology.temperature", 310.0)
        for name in ("weight", "calcium"):
            plasticity = plasticity.set(f"{name}.capacitance_spread", 0.02)
        cells = IdealCells.of(NEURONS, synapse_time=5e-3, refractory_time=2e-3, threshold_spread=0.05)
        fields: dict[str, Any] = {"plasticity": plasticity, "cells": cells}
        return cls(**fields)

    @property
    def circuit(self) -> Circuit:
        """One synapse, with the calcium and the comparators of its neuron; the chip repeats it."""
        never = jnp.full(1, jnp.inf)
        return self.plasticity.circuit(never, never)

    def parameters(self) -> dict[str, Entry]:
        """The chip's knobs; those of its circuit are among them."""
        return self.own()

    def entry(self, path: str) -> Entry:
        """The row of the table at a dotted path."""
        return Part.entry(self, path)

    def age(self, seconds, temperature, key):
        """The transistors age."""
        return self.put(plasticity=self.plasticity.age(seconds, temperature, key))

    def task(self, key: Key[Array, ""]) -> Task:
        """A random order of the training part, digit by digit in turn; the whole test part."""
        pictures, labels = digits()
        training, tests = parts(labels)
        draw = np.random.default_rng(np.asarray(jax.random.key_data(named_key(key, "lessons"))))
        each = STAGES * LESSONS // len(DIGITS)
        of_class = [training[labels[training] == c] for c in range(len(DIGITS))]
        turns = np.stack([draw.choice(places, each, replace=each > len(places)) for places in of_class], axis=1)
        order = np.stack([draw.permutation(turn) for turn in turns]).reshape(STAGES, LESSONS)
        told = pictures[training], labels[training], pictures[tests], labels[tests]
        linear = baselines.regression_accuracy(*told, len(DIGITS))
        lessons, lesson_labels, questions, asked = map(jnp.asarray, (pictures[order], labels[order], *told[2:]))
        return Task(lessons, lesson_labels, questions, asked, linear)

    def build(self, task: Task, key: Key[Array, ""]) -> Self:
        """One die: every circuit, cell and mirror drawn; its weights are not set."""
        plasticity = self.plasticity.sized(INPUTS, NEURONS).fabricate(named_key(key, "plasticity"))
        shift = plasticity.technology.drawn_shifts((INPUTS + 1, NEURONS), named_key(key, "mirrors"))
        cells = self.cells.fabricate(named_key(key, "cells"))
        return self.put(plasticity=plasticity, cells=cells, mirror_shift=self.mirror_shift + shift)

    def layer(self) -> PlasticLayer:
        """A built die as the layer that learns."""
        gain = self.plasticity.technology.bias(1e-9, self.mirror_shift) / 1e-9
        return self._with(self.plasticity, self.cells, gain)

    def ideal_layer(self) -> PlasticLayer:
        """The ideal equations on cells and mirrors that are all alike."""
        return self._with(RULE, self.cells.put(threshold=jnp.ones(NEURONS)), jnp.ones((INPUTS + 1, NEURONS)))

    def _with(self, rule, cells: IdealCells, gain: Array) -> PlasticLayer:
        gain = jnp.broadcast_to(gain, (INPUTS + 1, NEURONS))
        return PlasticLayer(rule, cells, gain[:-1], gain[-1], self.strength, self.inhibition, jnp.asarray(STEP))

    def start(self, key: Key[Array, ""]) -> Array:
        """Weights (64, n) before learning, drawn from all between the rails."""
        return jax.random.uniform(named_key(key, "start"), (INPUTS, NEURONS), float)

    def teach(self, layer: PlasticLayer, task: Task, key: Key[Array, ""]) -> Learned:
        """All lessons, one after another."""
        own = jnp.arange(NEURONS) // POOL

        def lesson(weights, now):
            number, picture, label = now
            events = fired_inputs(
                self.highest_rate * picture, LESSON, STEP, jax.random.fold_in(named_key(key, "spikes"), number)
            )
            drive = jnp.where(own == label, self.right_drive, self.wrong_drive)
            found = layer.learn(weights, events, drive, watched=WATCHED)
            return rested(layer.rule, found.weights, jnp.asarray(BREAK)), (found.stopped, found.course)

        def stage(weights, now):
            weights, (stopped, course) = jax.lax.scan(lesson, weights, now)
            return weights, Learned(weights, stopped.mean(), course)

        numbers = jnp.arange(task.lesson_labels.size).reshape(task.lesson_labels.shape)
        return jax.lax.scan(stage, self.start(key), (numbers, task.lessons, task.lesson_labels))[1]

    def named(self, layer: PlasticLayer, wires: Array, task: Task, key: Key[Array, ""]) -> Int[Array, "variants n"]:
        """The classes that the cells of `layer` name behind `wires` (variants, 64, n), all under the same spikes.

        A coin decides between pools that fire alike.
        """
        drive, rates = jnp.broadcast_to(self.asking_drive, (NEURONS,)), self.highest_rate * task.questions
        counts = jax.vmap(lambda wires: layer.answer(wires, rates, drive, QUESTION, named_key(key, "questions")))(wires)
        votes = counts.reshape(*counts.shape[:-1], len(DIGITS), POOL).sum(-1)
        return jnp.argmax(votes + 0.5 * jax.random.uniform(named_key(key, "coin"), votes.shape[1:]), axis=-1)

    def measure(self, task: Task, key: Key[Array, ""]) -> dict[str, Any]:
        """Learn, be asked, be asked again when aged; beside it the ideal rule.

        Beside the metrics, for pictures: `curve` (stages,) of accuracy, `weights` (64, n) at rest, each of the
        chip and, with `_rule` behind, of the ideal rule; the `course` of a synapse; `taken`, how often each class (rows) is
        named as each.
        """
        layer, ideal, start = self.layer(), self.ideal_layer(), self.start(key)
        aged = self.age(self.storage_time, self.storage_temperature, named_key(key, "age")).layer()
        learned, by_rule = self.teach(layer, task, key), self.teach(ideal, task, key)
        asked = jnp.concatenate([start[None], learned.weights])
        named = self.named(
            layer, jnp.concatenate([layer.wires(at_rest(layer, asked)), aged.wires(at_rest(layer, asked[-1:]))]), task, key
        )
        named_by_rule = self.named(ideal, ideal.wires(at_rest(ideal, by_rule.weights)), task, key)
        right = jnp.mean(named == task.labels, axis=-1, dtype=float)
        curve_rule = jnp.mean(named_by_rule == task.labels, axis=-1, dtype=float)
        weights = at_rest(layer, learned.weights[-1])
        return {
            "accuracy": right[-2],
            "accuracy_aged": right[-1],
            "accuracy_ideal_rule": curve_rule[-1],
            "accuracy_untaught": right[0],
            "accuracy_linear_regression": task.linear,
            "potentiated": jnp.mean(layer.rule.efficacy(weights, {})),
            "stopped": learned.stopped[-1],
            "curve": right[:-1],
            "curve_rule": curve_rule,
            "weights": weights,
            "weights_rule": at_rest(ideal, by_rule.weights[-1]),
            "taken": confusion(named[-2], task.labels),
            "course": learned.course,
        }

    def pictures(self, task: Task, key: Key[Array, ""]) -> list[Picture]:
        """Weights, accuracy while learning, one synapse, what is taken for what."""
        from circuits.sdsp_classifier_pictures import pictures

        return pictures(self, task, key)
