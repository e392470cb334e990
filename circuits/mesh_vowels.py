"""Two meshes of interferometers, taught in software, name spoken vowels.

What it is: two optical layers of four with tanh units between them. Each is a singular value mesh: a 4 x 4 mesh, four
attenuators, a 4 x 4 mesh, and balanced detectors with a local oscillator, so that it can hold any real matrix.

What it is asked: to tell apart the four vowels of bid, bed, bud and book, spoken by 139 men, women and children (Hillenbrand et
al., J. Acoust. Soc. Am. 97, 3099 (1995)), from the logarithms of three formants and one light that is always on. Weights are
learned in software by backpropagation and programmed; then the chip is corrected for its measured splitters, or taught further.
The recordings are read from `vowel/h95.csv` in the folder that the environment variable DEVSIM_DATA names; without it the task
is the digits 0 to 3 of scikit-learn's collection by three principal components.

What the ideal network does: the same weights, exactly.

What to expect: the detectors see one quadrature. A splitter's error turns real weights out of it, so that what is left is of
second order: good splitters cost next to nothing. Where splitters are so bad that corrections clip, only teaching helps.

What was published: Shen et al., Nat. Photonics 11, 441 (2017), named four vowels with two such layers: 76.7 % measured, 91.7 %
on a computer; Bandyopadhyay et al., Nat. Photonics 18, 1335 (2024), taught six neurons in three layers on one chip six vowels:
92.5 %.
"""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from circuits.layers import Feedback, holding, network_of, taught, two_layers
from devsim.chip import Chip, Metric, Picture, share
from devsim.circuit import Circuit, stack
from devsim.devices.mesh import Homodyne, LocalCorrection, OpticalArray, SingularValueMesh
from devsim.learning import LayeredNetwork, Sigmoid, Tanh, ideal_network
from devsim.randomness import named_key, numbered_keys

UNITS = CLASSES = 4
VOWELS = {"I": "bid", "E": "bed", "V": "bud", "U": "book"}
UPDATES, BATCH, RATE = 1500, 60, 0.5
CHIP_UPDATES, CHIP_RATE = 100, 0.003
WAYS = ("programmed", "corrected", "in_situ")


class Task(NamedTuple):
    """Samples of the training and of the test part, what was learned in software, and the order of learning on the chip.

    features: (samples, 4), the last one 1. weights, biases: of the two layers. wanted: what the computer answers to the test
    part. order: (updates, batch) of training samples; with no updates the chip is only programmed.
    """

    features: Array
    labels: Int[Array, " samples"]
    test_features: Array
    test_labels: Int[Array, " tests"]
    weights: tuple[Array, Array]
    biases: tuple[Array, Array]
    wanted: Array
    order: Int[Array, "updates batch"]


def vowels(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the first three formants (556, 3), and which of `VOWELS`."""
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    spoken = [row for row in rows if row[2] in VOWELS]
    formants = np.array([[float(value) for value in row[5:8]] for row in spoken])
    return np.log(formants), np.array([list(VOWELS).index(row[2]) for row in spoken])


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Three principal components of the digits 0 to 3 (720, 3), and which digit."""
    from sklearn.datasets import load_digits

    data = load_digits(n_class=CLASSES)
    centred = data.data - data.data.mean(0)
    return centred @ np.linalg.svd(centred, full_matrices=False)[2][:3].T, data.target


def recordings() -> Path | None:
    """The file of measured vowels, if there is one."""
    path = Path(os.environ.get("DEVSIM_DATA", "")) / "vowel" / "h95.csv"
    return path if "DEVSIM_DATA" in os.environ and path.exists() else None


def samples() -> tuple[np.ndarray, np.ndarray]:
    """Vowels where there are any, else digits."""
    path = recordings()
    return digits() if path is None else vowels(path)


def kinds() -> tuple[str, ...]:
    """What the classes of `samples` are called."""
    return tuple(map(str, range(CLASSES))) if recordings() is None else tuple(VOWELS.values())


def taught_in_software(features: Array, labels: Array, key: Key[Array, ""]) -> LayeredNetwork:
    """The ideal network after backpropagation."""
    network = ideal_network((UNITS, UNITS, CLASSES), named_key(key, "start"), output=Sigmoid())
    order = jax.random.randint(named_key(key, "order"), (UPDATES, BATCH), 0, len(labels))
    targets = jax.nn.one_hot(labels, CLASSES, dtype=float)
    rule = Feedback((jnp.zeros((CLASSES, UNITS)),), 1.0, RATE)
    return eqx.filter_jit(taught)(network, rule, features, targets, order, named_key(key, "updates"))


def corrected(array: OpticalArray, weights: Array, key: Key[Array, ""]) -> OpticalArray:
    """`array` asked for the phases that correct its own splitters and heaters."""
    core = array.core
    first, last = (dataclasses.replace(mesh, programmer=LocalCorrection()) for mesh in (core.first, core.last))
    knowing = dataclasses.replace(core, first=first, last=last)
    return array.tuned(dataclasses.replace(array, core=knowing).program(weights, key).settings())


def _learned(network: LayeredNetwork) -> tuple:
    return network.arrays, network.biases


def both(verb: Callable, arrays: tuple, weights: tuple, key: Key[Array, ""]) -> tuple:
    """`verb(array, weights, key)` of the two arrays, which are alike, in one vectorised call."""
    found = jax.vmap(verb)(stack(list(arrays)), jnp.stack(weights), numbered_keys(key, len(arrays)))
    return tuple(jax.tree.map(lambda leaf: leaf[k], found) for k in range(len(arrays)))


class MeshVowels(Chip):
    """A chip that is programmed with what a computer has learned."""

    circuit: Circuit

    name: ClassVar[str] = "mesh-vowels"
    metrics: ClassVar[dict[str, Metric]] = {
        "accuracy_programmed": share("share of the test part named rightly with the weights as programmed"),
        "accuracy_corrected": share("the same, every interferometer corrected for its measured splitters and heaters"),
        "accuracy_in_situ": share("the same after the programmed chip was taught further"),
        "answer_error": Metric(
            "1", "root mean square of how far programmed answers are from the computer's", higher_is_better=False, low=0.0
        ),
    }
    budget_metric: ClassVar[str] = "answer_error"
    usual_dies: ClassVar[int] = 16

    @classmethod
    def design(cls) -> Self:
        """2 % splitters, 0.2 dB an interferometer, 8-bit phases with 5 mrad of noise; detectors with 0.1 %.

        Nothing here is asked in time: heat arrives at once.
        """
        mesh = {"splitter_spread": 0.02, "loss_db": 0.2, "power_pi_spread": 0.017, "phase_bits": 8, "crosstalk": 0.005}
        detection = Homodyne(bandwidth=1e9, relative_intensity_noise=1e-15)

        def layer() -> OpticalArray:
            return OpticalArray.of(
                SingularValueMesh.of(UNITS, UNITS, mesh=mesh | {"phase_noise": 0.005, "thermal_time_constant": 0.0}), detection
            )

        return cls(two_layers(layer(), layer(), Tanh(), Sigmoid()))

    def task(self, key: Key[Array, ""]) -> Task:
        """Two thirds to learn from, a third to be asked, by class; the weights of a computer."""
        from sklearn.model_selection import train_test_split

        measured, labels = samples()
        split = train_test_split(measured, labels, test_size=1 / 3, random_state=0, stratify=labels)
        mean, deviation = split[0].mean(0), split[0].std(0)
        lit = lambda x: jnp.asarray(np.column_stack([(x - mean) / deviation / 2, np.ones(len(x))]))
        features, labels, tests, test_labels = lit(split[0]), jnp.asarray(split[2]), lit(split[1]), jnp.asarray(split[3])
        network = taught_in_software(features, labels, named_key(key, "software"))
        order = jax.random.randint(named_key(key, "order"), (CHIP_UPDATES, BATCH), 0, len(labels))
        weights = tuple(array.weights() for array in network.arrays)
        wanted = network.predict(tests, key)
        return Task(features, labels, tests, test_labels, weights, network.biases, wanted, order)

    def budget_task(self, task: Task) -> Task:
        """The chip as programmed, without what comes after."""
        return task._replace(order=task.order[:0])

    def build(self, task: Any, key: Key[Array, ""]) -> Self:
        """One die that holds what was learned, as far as its imperfections let it."""
        circuit = self.circuit.fabricate(named_key(key, "fabricate"))
        network = network_of(circuit)
        write = lambda array, weights, key: array.program(weights, key)
        arrays = both(write, network.arrays, task.weights, named_key(key, "program"))
        return self.put(circuit=holding(circuit, eqx.tree_at(_learned, network, (arrays, task.biases))))

    def ways(self, task: Task, key: Key[Array, ""]) -> LayeredNetwork:
        """A built die as programmed, corrected, and taught further, along a leading axis; with no updates, as programmed."""
        die = network_of(self.circuit)
        if not len(task.order):
            return jax.tree.map(lambda x: x[None], die)
        arrays = both(corrected, die.arrays, task.weights, named_key(key, "program"))
        # The errors of a chip's outputs come back through the weights that it should have: those of the computer.
        rule = Feedback((task.weights[1].T,), 0.0, CHIP_RATE)
        targets = jax.nn.one_hot(task.labels, CLASSES, dtype=float)
        further = taught(die, rule, task.features, targets, task.order, named_key(key, "learn"))
        return jax.tree.map(lambda *each: jnp.stack(each), die, eqx.tree_at(lambda net: net.arrays, die, arrays), further)

    def answers(self, task: Task, key: Key[Array, ""]) -> Array:
        """What a built die answers to the test part in each of its ways (ways, tests, classes)."""
        ask = lambda network: network.predict(task.test_features, named_key(key, "ask"))
        return jax.vmap(ask)(self.ways(task, key))

    def measure(self, task: Task, key: Key[Array, ""]) -> dict[str, Array]:
        """The metrics of a built die."""
        answers = self.answers(task, key)
        right = jnp.mean(jnp.argmax(answers, axis=-1) == task.test_labels, axis=-1, dtype=float)
        wrong = jnp.sqrt(jnp.mean((answers[0] - task.wanted) ** 2))
        accuracies = {f"accuracy_{name}": value for name, value in zip(WAYS, right, strict=False)}
        return accuracies | {"answer_error": wrong}

    def pictures(self, task: Any, key: Key[Array, ""]) -> list[Picture]:
        """Accuracy of dies, what splitters cost, what is taken for what."""
        from circuits.mesh_vowels_pictures import pictures

        return pictures(self, task, key)
