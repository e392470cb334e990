"""A Hopfield memory in a memristor crossbar recalls corrupted handwritten digits.

What it is: 64 neurons, one per pixel of an 8 x 8 picture, joined all to all by weights that are pairs of phase-change
memory cells. Every step of recall is one analogue read: DACs put the state on the rows, the crossbar multiplies, sense
amplifiers and ADCs turn the column currents into numbers, comparators take their signs.

What it is asked: to give back ten stored digits, one a class, from pictures with flipped pixels or a hidden half.

What the ideal network does: s' = sign(W s) with the pseudo-inverse weights of Personnaz, Guyon and Dreyfus, J. Physique
Lett. 46, L359 (1985), of which every stored pattern is an exact fixed point.

What was published: Hu et al., Adv. Mater. 27, 6 (2015) recalled patterns on a memristor Hopfield network of this kind;
Cai et al., Nat. Electron. 3, 409 (2020) solved optimisation problems on a 64-row one; the statistics of the cells are
those of Nandakumar et al., ICECS (2019).
"""

from typing import Any, ClassVar, NamedTuple, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim.analyses.operating_point import operating_point
from devsim.check import above
from devsim.chip import Chip, Metric, Picture, share
from devsim.circuit import Circuit
from devsim.devices.converters import ADC, DAC, Comparator, TransimpedanceAmplifier
from devsim.devices.memristor.crossbar import Crossbar
from devsim.devices.memristor.encoding import DifferentialPairs
from devsim.devices.memristor.pcm import PhaseChangeCell
from devsim.learning import hopfield, storage
from devsim.parameter import parameter
from devsim.physics import ROOM_TEMPERATURE
from devsim.randomness import named_key

IMAGE = (8, 8)
NEURONS = 64
CLASSES = 10
STEPS = 10
DAY = 86_400.0
_INK = 8  # of 16 grey levels: pixels at least this dark are +1


class Task(NamedTuple):
    """Pictures as +-1: stored (10, 64), and cues (n, 64) with the stored pattern each is to bring back."""

    stored: Array
    flipped: Array
    flipped_targets: Array
    occluded: Array
    occluded_targets: Array
    handwritten: Array
    labels: Array


def digits() -> tuple[np.ndarray, np.ndarray]:
    """The 1,797 digits of scikit-learn as +-1 (1797, 64), and their classes."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return np.where(data.data >= _INK, 1.0, -1.0), data.target


def exemplars(pictures: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """One picture a class (10, 64): the one that agrees best with all others of its class."""
    of_class = [pictures[labels == c] for c in range(CLASSES)]
    return np.stack([each[np.argmax(each @ each.sum(axis=0))] for each in of_class])


class Update(eqx.Module):
    """One step of recall on the chip: state -> next state; an undecided comparator keeps its old output."""

    circuit: Circuit

    def __call__(self, state: Array, key: Key[Array, ""]) -> Array:
        """One read, with its own noise."""
        decided = operating_point(self.circuit, {"state": state}, key=key)["next"]
        return jnp.where(decided == 0, state, decided)


class CrossbarHopfield(Chip):
    """Knobs beyond the circuit's: how long the memory lies before it is asked, how warm, and how bad the cues are."""

    circuit: Circuit
    storage_time: Array = parameter(DAY, unit="s", bounds=(0, None), stage="age", doc="time between programming and recall")
    storage_temperature: Array = parameter(
        ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="age", doc="temperature while it lies"
    )
    flipped_share: Array = parameter(0.1, unit="1", bounds=(0, 1), doc="share of the pixels of a cue that are flipped")

    name: ClassVar[str] = "crossbar-hopfield"
    metrics: ClassVar[dict[str, Metric]] = {
        "recall_success": share("share of the 1,797 cues with flipped pixels recalled exactly"),
        "overlap": Metric("1", "mean overlap of what is recalled with what was stored (1 is identical)", low=-1.0, high=1.0),
        "occluded_success": share("share of the stored pictures recalled exactly from one half"),
        "occluded_overlap": Metric(
            "1", "mean overlap of what is recalled from one half with what was stored", low=-1.0, high=1.0
        ),
        "handwritten_success": share("share of all handwritten digits that settle nearest to their own class"),
        "settling_steps": Metric("1", "mean number of steps until nothing changes", higher_is_better=False),
        "array_energy": Metric(
            "J", "energy that one recall dissipates in the crossbar", higher_is_better=False, has_ideal=False
        ),
    }

    budget_metric: ClassVar[str] = "occluded_overlap"

    @classmethod
    def design(cls) -> Self:
        """64 rows, 128 bit lines, 6-bit converters, 1 ohm a segment; a gain at which a stored pattern nearly fills the ADC."""
        encoding = DifferentialPairs()
        cell = PhaseChangeCell.preset("nandakumar-2019", (NEURONS, encoding.wires(NEURONS)))
        array = Crossbar(cell, encoding=encoding, wire_resistance=1.0)
        stored = exemplars(*digits())
        weights = storage.pseudo_inverse(stored, keep_diagonal=False)
        low, high = cell.minimum_conductance, cell.maximum_conductance
        drive, swing, headroom = 0.2, 1.0, 1.1
        scale = encoding.scale(jnp.max(jnp.abs(weights)), low, high)
        sense = swing / (headroom * drive * scale * jnp.max(jnp.abs(stored @ weights)))
        parts = {
            "dac": DAC.of(NEURONS, full_scale=drive, bits=6),
            "array": array,
            "sense": TransimpedanceAmplifier.of(NEURONS, reference=NEURONS, transresistance=sense, noise_density=1e-12),
            "adc": ADC.of(NEURONS, full_scale=swing, bits=6, noise_voltage=1e-3),
            "threshold": Comparator.of(NEURONS, domain="signal", offset_spread=2e-3),
        }
        # Currents leave the array at its columns and enter the virtual grounds: the plus column is the amplifier's input.
        nets = {
            "state": ("dac.code",),
            "rows": ("dac.out", "array.rows"),
            "plus": ("array.columns", "sense.input"),
            "minus": ("array.reference", "sense.reference"),
            "field": ("sense.out", "adc.input"),
            "number": ("adc.code", "threshold.input"),
            "next": ("threshold.out",),
        }
        return cls(Circuit(parts, nets, inputs={"state": "state"}, outputs={"next": "next"}))

    def task(self, key: Key[Array, ""]) -> Task:
        """The stored digits; a cue with flipped pixels for every one of the 1,797 pictures; every half of every digit."""
        pictures, labels = digits()
        stored = jnp.asarray(exemplars(pictures, labels))
        targets = stored[labels]
        halves = jnp.concatenate([hopfield.occlude(stored, IMAGE, side) for side in hopfield.SIDES])
        return Task(
            stored,
            hopfield.flip(targets, self.flipped_share, named_key(key, "flips")),
            targets,
            halves,
            jnp.tile(stored, (len(hopfield.SIDES), 1)),
            jnp.asarray(pictures),
            jnp.asarray(labels),
        )

    def budget_task(self, task: Task) -> Task:
        """Every hidden half, and a tenth of the other cues."""
        tenth = {name: getattr(task, name)[::10] for name in ("flipped", "flipped_targets", "handwritten", "labels")}
        return task._replace(**tenth)

    def stored_die(self, task: Task, key: Key[Array, ""]) -> Self:
        """One die with the task's patterns written and aged; its array still knows its cells and wires."""
        circuit = self.circuit.fabricate(named_key(key, "fabricate"))
        weights = storage.pseudo_inverse(task.stored, keep_diagonal=False)
        circuit = circuit.replace("array", circuit["array"].program(weights, named_key(key, "program")))
        circuit = circuit.age(self.storage_time, self.storage_temperature, named_key(key, "age"))
        return self.put(circuit=circuit.snapshot(named_key(key, "read")))

    def build(self, task: Task, key: Key[Array, ""]) -> Self:
        """The stored die with its array reduced to the exact terminal operator, so that each read is one product.

        The slow (1/f) noise of the cells is drawn once and stays for the recall, which is far shorter than its
        correlation; the amplifiers and converters draw theirs at every read.
        """
        die = self.stored_die(task, key)
        return eqx.tree_at(lambda c: c.circuit, die, die.circuit.reduce())

    def recall(self, cues: Array, targets: Array, key: Key[Array, ""], *, keep_states: bool = False) -> hopfield.Recall:
        """Recall from cues (..., 64) on a built die."""
        return hopfield.recall(Update(self.circuit), cues, STEPS, key, targets=targets, keep_states=keep_states)

    def measure(self, task: Task, key: Key[Array, ""]) -> dict[str, Array]:
        """The metrics of a built die, all cues in one vectorised call."""
        kinds = (task.flipped, task.occluded, task.handwritten)
        own = task.stored[task.labels]
        targets = jnp.concatenate([task.flipped_targets, task.occluded_targets, own])
        found = self.recall(jnp.concatenate(kinds), targets, key)
        cuts = np.cumsum([len(k) for k in kinds])[:-1]
        flipped, occluded, handwritten = jnp.split(found.states, cuts)
        nearest = jnp.argmax(hopfield.overlap(handwritten[:, None], task.stored), axis=-1)
        return {
            "recall_success": hopfield.success(flipped, task.flipped_targets),
            "overlap": jnp.mean(hopfield.overlap(flipped, task.flipped_targets)),
            "occluded_success": hopfield.success(occluded, task.occluded_targets),
            "occluded_overlap": jnp.mean(hopfield.overlap(occluded, task.occluded_targets)),
            "handwritten_success": jnp.mean(nearest == task.labels, dtype=float),
            "settling_steps": jnp.mean(found.settled[: cuts[0]]),
            "array_energy": jnp.mean(found.settled[: cuts[0]]) * self._read_energy(task.flipped_targets),
        }

    def _read_energy(self, states: Array) -> Array:
        """Energy (J) of one read of the array, mean over `states`: power into the rows times the read time."""
        drive = self.circuit["dac"].full_scale * states
        array = self.circuit["array"]
        into_rows = array.operator[:NEURONS, :NEURONS]
        power = jnp.mean(jnp.sum((drive @ into_rows) * drive, axis=-1))
        return power * self.circuit["sense"].read_time

    def pictures(self, task: Any, key: Key[Array, ""]) -> list[Picture]:
        """Cues and what became of them, overlap in time, the conductances, the potential lost in the wires, ageing."""
        from circuits.crossbar_hopfield_pictures import pictures

        return pictures(self, task, key)
