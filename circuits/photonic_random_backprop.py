"""Two meshes of interferometers learn to tell irises apart, errors coming back through a fixed random matrix.

What it is: two optical layers with four units between them. In each, a 4 x 4 mesh turns the amplitudes of light on four
waveguides, and balanced detectors with a local oscillator read one quadrature; electronics add a bias and apply tanh between
the layers and a sigmoid behind them. The phases learn on the chip: the output error reaches the hidden layer through a fixed
random matrix, and inside each mesh the chain rule turns the wanted change of weights into changes of phases.

What it is asked: to name the kind of 150 irises from four measurements, over ten stratified splits of two thirds to one third,
beside linear regression, backpropagation through the same meshes, and a first mesh that stays as it was drawn. Every method's
learning rate is chosen inside the training part of each split.

What the ideal network does: the same with perfect meshes and detectors.

What was published: El Srouji, Lee, On, Zhang, Yoo, arXiv:2208.13144 (2022), taught nanophotonic networks by contrastive Hebbian
learning and by a variation of random backpropagation; their group reports 89.3 % on irises with a mesh and fabricated neurons
(Lee et al., arXiv:2311.15474). Random feedback: Lillicrap et al., Nat. Commun. 7, 13276 (2016).
"""

from typing import Any, ClassVar, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from circuits.layers import Feedback, network_of, taught, two_layers, with_random_phases
from devsim.chip import Chip, Metric, Picture, share
from devsim.circuit import Circuit
from devsim.compare import one_die
from devsim.devices.mesh import Homodyne, Mesh, OpticalArray
from devsim.devices.mesh.steering import Steering
from devsim.engine import for_each_key
from devsim.learning import Sigmoid, Tanh, baselines
from devsim.parameter import parameter
from devsim.randomness import named_key, numbered_keys

UNITS, CLASSES, SPLITS = 4, 3, 10
STAGES, UPDATES, BATCH = 8, 50, 50
"""Training runs in stages of so many updates, each from a batch of the training part; behind each stage all are asked."""
RATES = (0.1, 0.3, 1.0)
METHODS = {"rpb": (1.0, 0.0), "backprop": (0.0, 1.0), "frozen_first_layer": (0.0, 0.0)}
"""Method -> how much of the random matrices and of the transposed weights carries errors back."""
TRIALS = 4
BUDGET_SPLITS = 3


class Lessons(NamedTuple):
    """Trainings that run side by side: ways to learn times splits.

    features: (splits, samples, 4), each between -1 and 1 in the training part. order: which samples each update sees, (splits,
    stages, updates, batch). random, shares: (ways,), see `METHODS`. rates: (ways, splits).
    """

    features: Array
    labels: Int[Array, " samples"]
    order: Int[Array, "splits stages updates batch"]
    random: Array
    shares: Array
    rates: Array


class Task(NamedTuple):
    """Lessons for every method with the rates chosen, who is in the test part (splits, samples), and linear regression."""

    lessons: Lessons
    tests: Array
    linear: Array


def iris() -> tuple[np.ndarray, np.ndarray]:
    """Four measurements of 150 irises (150, 4), and their kinds."""
    from sklearn.datasets import load_iris

    data = load_iris()
    return data.data, data.target


def parts(labels: np.ndarray, splits: int, seed: int, test_size: float = 1 / 3) -> list[tuple[np.ndarray, np.ndarray]]:
    """(training, test) places of stratified splits."""
    from sklearn.model_selection import StratifiedShuffleSplit

    drawn = StratifiedShuffleSplit(splits, test_size=test_size, random_state=seed)
    return list(drawn.split(np.zeros((len(labels), 1)), labels))


def scaled(measured: np.ndarray, training: np.ndarray) -> np.ndarray:
    """`measured` with each feature from -1 to 1 in the training part."""
    low, high = measured[training].min(0), measured[training].max(0)
    return 2 * (measured - low) / (high - low) - 1


def batches(training: np.ndarray, seed: int) -> np.ndarray:
    """Which samples of the training part each update sees, (stages, updates, batch); a sample once in a batch."""
    draw = np.random.default_rng(seed)
    rows = [draw.permutation(training)[:BATCH] for _ in range(STAGES * UPDATES)]
    return np.reshape(rows, (STAGES, UPDATES, BATCH))


def answers(die: "PhotonicRandomBackprop", lessons: Lessons, key: Key[Array, ""]) -> Int[Array, "stages ways splits samples"]:
    """The kinds that a built `die` names after every stage of every training.

    Each split starts from phases and with a feedback matrix of its own, the same for all ways to learn.
    """
    start = network_of(die.circuit)
    targets = jax.nn.one_hot(lessons.labels, CLASSES, dtype=float)

    def train(random, share, rate, features, order, key):
        matrix = jax.random.normal(named_key(key, "feedback"), (CLASSES, UNITS)) / jnp.sqrt(UNITS)
        rule = Feedback((die.feedback_scale * random * matrix,), share, rate)
        dynamic, static = eqx.partition(with_random_phases(start, named_key(key, "phases")), eqx.is_array)

        def stage(dynamic, step):
            key, order = step
            network = taught(eqx.combine(dynamic, static), rule, features, targets, order, named_key(key, "updates"))
            named = jnp.argmax(network.predict(features, named_key(key, "ask")), axis=-1)
            return eqx.filter(network, eqx.is_array), named

        return jax.lax.scan(stage, dynamic, (numbered_keys(key, len(order)), order))[1]

    over_splits = jax.vmap(train, (None, None, 0, 0, 0, 0), 1)
    over_ways = jax.vmap(over_splits, (0, 0, 0, None, None, None), 1)
    keys = numbered_keys(named_key(key, "splits"), len(lessons.features))
    return over_ways(lessons.random, lessons.shares, lessons.rates, lessons.features, lessons.order, keys)


def right(named: Array, labels: Array, asked: Array) -> Array:
    """Share of `named` (..., splits, samples) that is right among those `asked` (splits, samples): (..., splits)."""
    return ((named == labels) * asked).sum(-1) / asked.sum(-1)


class PhotonicRandomBackprop(Chip):
    """Knobs beyond the circuit's: how strong the random feedback is."""

    circuit: Circuit
    feedback_scale: Array = parameter(
        1.0, unit="1", bounds=(0, None), doc="standard deviation of the random feedback times the root of the hidden units"
    )

    name: ClassVar[str] = "photonic-random-backprop"
    metrics: ClassVar[dict[str, Metric]] = {
        "accuracy_rpb": share("test accuracy on irises after random backpropagation on the chip, mean over ten splits"),
        "accuracy_linear_regression": share("test accuracy of linear regression on the same splits"),
        "accuracy_backprop": share("test accuracy after backpropagation through the stored weights, on the same chip"),
        "accuracy_frozen_first_layer": share("test accuracy if the first mesh stays as it was drawn"),
    }
    budget_metric: ClassVar[str] = "accuracy_rpb"
    usual_dies: ClassVar[int] = 8

    @classmethod
    def design(cls, steering: Steering | None = None) -> Self:
        """Two 4 x 4 meshes with 2 % splitters, 0.2 dB an interferometer, 8-bit phases; all steered by `steering`, if given.

        Nothing here is asked in time: heat arrives at once.
        """
        chip = {"splitter_spread": 0.02, "loss_db": 0.2, "power_pi_spread": 0.017, "phase_bits": 8, "crosstalk": 0.005}
        told = {} if steering is None else {"steering": steering}

        def layer(outputs: int) -> OpticalArray:
            mesh = Mesh.of(UNITS, size=(UNITS, outputs), phase_noise=0.005, thermal_time_constant=0.0, **chip)
            return OpticalArray.of(mesh, Homodyne(gain=3.0, bandwidth=1e9, relative_intensity_noise=1e-15), **told)

        return cls(two_layers(layer(UNITS), layer(CLASSES), Tanh(), Sigmoid()))

    def task(self, key: Key[Array, ""]) -> Task:
        """Ten splits; each method's rate on each is the best of `RATES` on a third of the training part, on four trial dies."""
        measured, labels = iris()
        training, tests = zip(*parts(labels, SPLITS, 0), strict=True)
        features = np.stack([scaled(measured, t) for t in training])
        inner = [tuple(t[i] for i in parts(labels[t], 1, 1)[0]) for t in training]
        held = np.stack([np.isin(np.arange(len(labels)), v) for _, v in inner])
        order = lambda parts: jnp.asarray(np.stack([batches(t, k) for k, t in enumerate(parts)]))
        random, shares = jnp.asarray(np.array(list(METHODS.values())).T)
        linear = [
            baselines.regression_accuracy(f[t], labels[t], f[a], labels[a], CLASSES)
            for f, t, a in zip(features, training, tests, strict=True)
        ]
        asked = np.stack([np.isin(np.arange(len(labels)), t) for t in tests])
        at = lambda rates, parts: Lessons(jnp.asarray(features), jnp.asarray(labels), order(parts), random, shares, rates)
        keys = numbered_keys(named_key(key, "trials"), TRIALS)

        def validated(rate: float) -> np.ndarray:
            """Share that is right behind the last stage (methods, splits), on dies as any run measures them."""
            lessons = at(jnp.full((len(METHODS), SPLITS), rate), [t for t, _ in inner])
            trial = Task(lessons, jnp.asarray(held, float), jnp.stack(linear))
            return for_each_key(one_die, (self, trial), keys)["share"][:, -1].mean(0)

        best = np.array(RATES)[np.argmax([validated(rate) for rate in RATES], axis=0)]
        return Task(at(jnp.asarray(best), training), jnp.asarray(asked, float), jnp.stack(linear))

    def budget_task(self, task: Task) -> Task:
        """Random backpropagation on the first splits."""
        few = lambda values: values[:BUDGET_SPLITS]
        lessons = task.lessons
        only = Lessons(
            few(lessons.features),
            lessons.labels,
            few(lessons.order),
            lessons.random[:1],
            lessons.shares[:1],
            lessons.rates[:1, :BUDGET_SPLITS],
        )
        return Task(only, few(task.tests), few(task.linear))

    def build(self, task: Any, key: Key[Array, ""]) -> Self:
        """One die; nothing is known of it before it learns."""
        return self.put(circuit=self.circuit.fabricate(named_key(key, "fabricate")))

    def measure(self, task: Task, key: Key[Array, ""]) -> dict[str, Array]:
        """All splits and methods of a built die in one vectorised training.

        Beside the metrics, for trials and pictures: `share` that is right (stages, ways, splits), and `taken`, how often the
        first way takes each kind for each (kinds, kinds).
        """
        lessons = task.lessons
        named = answers(self, lessons, key)
        share = right(named, lessons.labels, task.tests)
        one_hot = lambda kinds: jax.nn.one_hot(kinds, CLASSES, dtype=float)
        taken = jnp.einsum("nk,sn,snm->km", one_hot(lessons.labels), task.tests, one_hot(named[-1, 0]))
        accuracies = {f"accuracy_{n}": value for n, value in zip(METHODS, share[-1].mean(-1), strict=False)}
        return accuracies | {"accuracy_linear_regression": task.linear.mean(), "share": share, "taken": taken}

    def pictures(self, task: Any, key: Key[Array, ""]) -> list[Picture]:
        """Accuracy by method and split, how it came about, and what is taken for what."""
        from circuits.photonic_random_backprop_pictures import pictures

        return pictures(self, task, key)
