"""Spin-torque oscillators that pull each other through delay lines recall pictures from corrupted ones.

What it is: 192 oscillators, one per pixel of a 16 x 12 picture, whose phases are grey levels. Each sends its signal to every
other through a chain of inverters with memristors, which delays it by a part of one period: a complex weight.

What it is asked: to give back twelve stored pictures from cues of which 30 % of the pixels, or half of the picture, are gone.

What the ideal network does: the complex Hopfield network, s' = f / |f| with f = s W (Noest, Phys. Rev. A 38, 2196 (1988);
Jankowski, Lozowski and Zurada, IEEE Trans. Neural Netw. 7, 1491 (1996)), here as the same oscillators without detuning and
noise, with exact pseudo-inverse weights.

What was published: Prasad, Mukim, Madhavan and Stiles, Neuromorph. Comput. Eng. 2, 034003 (2022), simulated such a network: at
least 12 pictures stored, a root-mean-square deviation of 5 % in about 5 us with about 130 nJ, resonance frequencies that may
spread by less than 1e-3, depending on the strength of the feedback.
"""

from typing import Any, ClassVar, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from circuits.phase_pictures import COLUMNS, ROWS, pictures
from devsim.check import above
from devsim.chip import Chip, Metric, Picture, share
from devsim.circuit import Circuit
from devsim.devices.delay import DelayArray, DelayChains
from devsim.devices.magnetic import AutoOscillator, Oscillator
from devsim.devices.memristor.linear import LinearCell
from devsim.learning import hopfield, phases, storage
from devsim.learning.oscillator_network import OscillatorNetwork
from devsim.parameter import parameter
from devsim.physics import ROOM_TEMPERATURE
from devsim.randomness import named_key

IMAGE = (ROWS, COLUMNS)
OSCILLATORS = ROWS * COLUMNS
STORED = 12
TRIALS = 4
"""Cues with corrupted pixels for every stored picture."""
STAGES = 5
"""Inverters of each delay chain."""


class Task(NamedTuple):
    """Phases as complex numbers: stored (12, 192), and cues (n, 192) with the stored picture each is to bring back."""

    stored: Array
    corrupted: Array
    corrupted_targets: Array
    occluded: Array
    occluded_targets: Array


def grey_levels() -> np.ndarray:
    """The twelve pictures, (12, 192), 0 to 1."""
    return np.stack([picture.ravel() for picture in pictures().values()])


def joined(oscillators: Oscillator, weights: DelayArray) -> Circuit:
    """Oscillators whose signals come back to them through `weights`."""
    nets = {"sent": ("oscillators.sent", "weights.rows"), "field": ("weights.columns", "oscillators.field")}
    return Circuit({"oscillators": oscillators, "weights": weights}, nets, outputs={"sent": "sent"})


def _energy(doc: str) -> Metric:
    return Metric("J", doc, higher_is_better=False, has_ideal=False, low=0.0)


class OscillatorMemory(Chip):
    """Knobs beyond the circuit's: which phase a grey level is, how long the memory lies, how bad cues are."""

    circuit: Circuit
    phase_range: Array = parameter(
        1.5 * np.pi,
        unit="rad",
        bounds=(0, 2 * np.pi),
        doc="of grey pictures, how far the darkest phase is from the lightest",
    )
    recall_time: Array = parameter(2e-6, unit="s", bounds=above(0), doc="time that the oscillators have")
    tolerated_error: Array = parameter(
        0.05, unit="1", bounds=above(0), doc="RMS phase error, in turns, that counts as recalled, and to which time is taken"
    )
    corrupted_share: Array = parameter(0.3, unit="1", bounds=(0, 1), doc="share of the pixels of a cue with a random phase")
    storage_time: Array = parameter(3600.0, unit="s", bounds=(0, None), stage="age", doc="time between programming and recall")
    storage_temperature: Array = parameter(
        ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="age", doc="temperature while it lies"
    )

    metrics: ClassVar[dict[str, Metric]] = {
        "recall_success": share("share of cues with corrupted pixels that end within the tolerated error"),
        "rms_error": Metric(
            "1",
            "root of the mean square phase error over pixels and cues with corrupted pixels, in turns, at the end",
            higher_is_better=False,
            low=0.0,
        ),
        "time_to_5_percent": Metric(
            "s",
            "mean time until such a cue stays within the tolerated error (5 % of a turn); the whole recall if it never does",
            higher_is_better=False,
            low=0.0,
        ),
        "occluded_success": share("share of pictures with a hidden half that end within the tolerated error"),
        "occluded_error": Metric("1", "as rms_error, of pictures with a hidden half", higher_is_better=False, low=0.0),
        "energy_per_recall": _energy("all power times `time_to_5_percent`"),
        "energy_oscillators": _energy("of that, I^2 R of the oscillators' bias"),
        "energy_amplifiers": _energy("of that, the amplifiers that send and feed back"),
        "energy_inverters": _energy("of that, C V^2 of every switching inverter"),
        "energy_leakage": _energy("of that, leakage of the inverters"),
    }
    budget_metric: ClassVar[str] = "rms_error"
    usual_dies: ClassVar[int] = 8
    second_harmonic: ClassVar[float] = 0.0

    @classmethod
    def design(cls) -> Self:
        """300 MHz oscillators with a line of 100 kHz, feedback of 1e7 1/s; five inverters a chain, delays set to 5 bits."""
        oscillators = AutoOscillator.of(OSCILLATORS, frequency_spread=1e-4, second_harmonic=cls.second_harmonic)
        cell = LinearCell.of(
            (STAGES, OSCILLATORS, OSCILLATORS),
            minimum_conductance=1e-6,
            maximum_conductance=1e-4,
            write_noise=0.02,
            drift=2e-3,
            drift_spread=1e-3,
            read_noise=5e-3,
        )
        weights = DelayChains.of(
            OSCILLATORS,
            OSCILLATORS,
            stages=STAGES,
            cell=cell,
            delay_bits=5,
            delay_spread=2e-11,
            coupling_spread=0.05,
            supply_voltage=0.8,
            leakage_current=1e-9,
        )
        return cls(joined(oscillators, weights))

    def _assigned(self, path, leaf, full):
        """The oscillators and the delays have one carrier: either frequency sets both, and keeps the bits of a delay."""
        if path not in ("oscillators.frequency", "weights.frequency"):
            return super()._assigned(path, leaf, full)
        circuit, before = self.circuit, self.circuit.parameters()
        for frequency in ("oscillators.frequency", "weights.frequency"):
            circuit = circuit._assigned(frequency, leaf, full)
        if "weights.delay_step" in before:
            step = before["weights.delay_step"].value * before["weights.frequency"].value / leaf
            circuit = circuit._assigned("weights.delay_step", step, full)
        return self.put(circuit=circuit)

    def patterns(self, key: Key[Array, ""]) -> Array:
        """What is stored, complex (12, 192): grey levels as phases."""
        return jnp.exp(1j * self.phase_range * grey_levels())

    seen: ClassVar[str] = "a level is the phase, the common one removed"
    """What `levels` shows."""

    def levels(self, phasors: np.ndarray, stored: np.ndarray) -> np.ndarray:
        """Grey levels, 0 to 1, of `phasors` (n, 192) as pictures (n, 16, 12), to be drawn beside what was `stored` (n, 192).

        Phases out of the range are shown as its nearer end.
        """
        phase, most = np.mod(np.angle(phasors), 2 * np.pi), float(self.phase_range)
        level = np.where(phase > most / 2 + np.pi, 0.0, np.minimum(phase / most, 1.0))
        return level.reshape(-1, *IMAGE)

    def names(self) -> list[str]:
        """What the stored patterns are called."""
        return list(pictures())

    def task(self, key: Key[Array, ""]) -> Task:
        """Four cues with random phases in some pixels, and four with random phases in one half, for every stored picture."""
        stored = self.patterns(named_key(key, "patterns"))
        storage.check_independent("patterns", stored)
        targets = jnp.tile(stored, (TRIALS, 1))
        corrupted = phases.scramble(targets, self.corrupted_share, named_key(key, "corrupted"))
        halves = [hopfield.occlude(jnp.zeros(stored.shape), IMAGE, side, fill=1.0) for side in hopfield.SIDES]
        whole = jnp.tile(stored, (len(halves), 1))
        occluded = jnp.where(jnp.concatenate(halves) > 0, phases.scramble(whole, 1.0, named_key(key, "occluded")), whole)
        return Task(stored, corrupted, targets, occluded, whole)

    def budget_task(self, task: Task) -> Task:
        """One cue with corrupted pixels for every stored picture, and a single one with a hidden half."""
        return Task(task.stored, *(cues[:STORED] for cues in task[1:3]), *(cues[:1] for cues in task[3:]))

    def build(self, task: Task, key: Key[Array, ""]) -> Self:
        """One die with the pseudo-inverse weights of the task's pictures written, aged, and as one recall finds it."""
        circuit = self.circuit.fabricate(named_key(key, "fabricate"))
        target = storage.pseudo_inverse(task.stored, keep_diagonal=False)
        circuit = circuit.replace("weights", circuit["weights"].program(target, named_key(key, "program")))
        circuit = circuit.age(self.storage_time, self.storage_temperature, named_key(key, "age"))
        return self.put(circuit=circuit.snapshot(named_key(key, "read")))

    def network(self) -> OscillatorNetwork:
        """The oscillators and the weights that join them."""
        return OscillatorNetwork(self.circuit["oscillators"], self.circuit["weights"])

    def power(self) -> dict[str, Array]:
        """What each kind of part takes, W."""
        return self.circuit["oscillators"].power() | self.circuit["weights"].power()

    def measure(self, task: Task, key: Key[Array, ""]) -> dict[str, Array]:
        """The metrics of a built die, all cues in one vectorised call."""
        cues = jnp.concatenate([task.corrupted, task.occluded])
        targets = jnp.concatenate([task.corrupted_targets, task.occluded_targets])
        found = self.network().recall(cues, self.recall_time, key, targets=targets)
        count = len(task.corrupted)
        ends = jnp.split(found.errors[:, -1], [count])
        taken = jnp.mean(jnp.minimum(found.time_to(self.tolerated_error)[:count], self.recall_time))
        energies = {f"energy_{name}": power * taken for name, power in self.power().items()}
        return {
            "recall_success": jnp.mean(ends[0] <= self.tolerated_error, dtype=float),
            "rms_error": jnp.sqrt(jnp.mean(ends[0] ** 2)),
            "time_to_5_percent": taken,
            "occluded_success": jnp.mean(ends[1] <= self.tolerated_error, dtype=float),
            "occluded_error": jnp.sqrt(jnp.mean(ends[1] ** 2)),
            "energy_per_recall": sum(energies.values(), jnp.zeros(())),
        } | energies

    def pictures(self, task: Any, key: Key[Array, ""]) -> list[Picture]:
        """Recall over time, errors, what spread and delays cost, energies, the spectrum of stability."""
        from circuits.sto_hopfield_pictures import figures

        return figures(self, task, key)


class StoHopfield(OscillatorMemory):
    """Twelve grey pictures."""

    name: ClassVar[str] = "sto-hopfield"


class StoHopfieldRandom(OscillatorMemory):
    """Twelve patterns of random phases."""

    name: ClassVar[str] = "sto-hopfield-random"

    def patterns(self, key):
        """Phases uniform over the turn; they are no pictures."""
        return jnp.exp(1j * jax.random.uniform(key, (STORED, OSCILLATORS), maxval=2 * np.pi))

    seen: ClassVar[str] = "a level is the distance of a phase from the stored one, black is half a turn"

    def levels(self, phasors, stored):
        """How far each phase is from the stored one, over half a turn."""
        return np.abs(np.angle(phasors * np.conj(stored)) / np.pi).reshape(-1, *IMAGE)

    def names(self):
        """Their numbers."""
        return [f"pattern {k}" for k in range(STORED)]


class StoHopfieldBinary(OscillatorMemory):
    """The twelve pictures in black and white, phases 0 and pi, held by a pump at twice the frequency."""

    name: ClassVar[str] = "sto-hopfield-binary"
    second_harmonic: ClassVar[float] = 3e6

    def patterns(self, key):
        """White where the grey level is above one half."""
        return jnp.where(jnp.asarray(grey_levels()) > 0.5, -1.0, 1.0) + 0j

    def levels(self, phasors, stored):
        """0 for the phase 0, 1 for pi."""
        return ((1 - np.real(phasors) / np.abs(phasors)) / 2).reshape(-1, *IMAGE)
