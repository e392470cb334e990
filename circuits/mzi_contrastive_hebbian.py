"""Meshes of interferometers learn a random binary mapping by contrastive Hebbian learning.

What it is: two layers of n units on a photonic chip. A layer is two meshes of push-pull Mach-Zehnder interferometers with
attenuators between them; its light can be detected in five ways, each a network of its own. Of the first mesh alone: the
intensity of coherent light, the sum of the powers of n wavelengths, and homodyne detection, for which the arms are driven in
opposite directions, so that the matrix is real as in the publication. Of both: the difference of the powers behind them, and
homodyne detection behind the one and the other with the attenuators between them, which has any real weights. Units with a
threshold and a sigmoid drive the next layer, and the layer behind drives them back through the same mesh.

What it is asked: 2 n binary inputs, drawn at random, are to give 2 n binary outputs, drawn at random. The network settles
freely and with its outputs held, and every synapse learns from the difference; every interferometer by the chain rule, or by
the published rule of its own.

What the ideal network does: the same rule on weights without constraint.

What was published: El Srouji et al., arXiv:2208.13144 (2022), in whose simulations contrastive Hebbian learning on meshes beats
chance but not the ideal network; the rule is that of Movellan (1991) with the weak feedback of Xie and Seung, Neural
Computation 15, 441 (2003).
"""

import dataclasses
from typing import Any, ClassVar, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim.chip import Chip, Metric, Picture
from devsim.circuit import Circuit
from devsim.devices.mesh import (
    Balanced,
    ChainRule,
    Homodyne,
    Incoherent,
    Intensity,
    Mesh,
    OpticalArray,
    PerInterferometer,
    SingularValueMesh,
    Symmetric,
)
from devsim.devices.synaptic_array import IdealArray, SynapticArray
from devsim.learning import baselines
from devsim.learning.activation import Sigmoid
from devsim.learning.contrastive import ContrastiveHebbian
from devsim.learning.network import LayeredNetwork, initial_weights
from devsim.learning.settling import Settling
from devsim.learning.train import trained
from devsim.parameter import parameter
from devsim.randomness import named_key

EPOCHS = 1000
LOW, HIGH = 0.1, 0.9
SLOPE = 4.0
LAST = 20
"""Epochs at the end over whose mean an error is taken."""
LAYERS = ("hidden", "output")
KINDS = ("coherent", "incoherent", "homodyne", "balanced", "svd", "published_rule", "ideal")
RATES = {
    "coherent": 0.3,
    "incoherent": 1.0,
    "homodyne": 0.3,
    "balanced": 1.0,
    "svd": 1.0,
    "published_rule": 0.025,
    "ideal": 1.0,
}
GAINS = {"homodyne": 2.0, "balanced": 4.0, "svd": 2.0}


class Task(eqx.Module):
    """inputs and targets (2 n, n); kinds: the networks that are trained."""

    inputs: Array
    targets: Array
    kinds: tuple[str, ...] = eqx.field(static=True, default=KINDS)


class Curves(NamedTuple):
    """Error after every epoch (epochs + 1,), and the outputs (2 n, n) at the end."""

    errors: Array
    outputs: Array


def binary_mapping(size: int, key: Key[Array, ""]) -> tuple[Array, Array]:
    """2 n different binary inputs of n = `size` bits (0 and 1), and as many random binary outputs (0.1 and 0.9)."""
    codes = jax.random.permutation(named_key(key, "inputs"), 2**size)[: 2 * size]
    inputs = ((codes[:, None] >> jnp.arange(size)) & 1).astype(float)
    return inputs, LOW + (HIGH - LOW) * jax.random.bernoulli(named_key(key, "targets"), 0.5, (2 * size, size))


def real_mesh(mesh: Mesh, key: Key[Array, ""]) -> Mesh:
    """The push-pull `mesh` with a real matrix but for its imperfections: what is common to two arms turns by -pi/2, which takes
    back the i of the splitters, and their difference, drawn at random, is all that is set."""
    arms = jnp.arange(mesh.phases.size) < 2 * mesh.layout.interferometers
    still = dataclasses.replace(mesh, phases=jnp.where(arms, 1.5 * jnp.pi, 0.0), differential=True)
    return still.tuned(jax.random.uniform(key, still.settings().shape, maxval=2 * jnp.pi))


def _imperfection(unit: str, doc: str, default: float, stage: str = "design") -> Any:
    return parameter(default, unit=unit, doc=doc, ideal=0.0, bounds=(0, None), stage=stage)


def _error(doc: str) -> Metric:
    words = "root of the mean over patterns of the squared error summed over outputs: "
    return Metric("1", words + doc, higher_is_better=False, low=0.0)


class ContrastiveHebbianChip(Chip):
    """Knobs of all meshes together (those of single meshes are the circuit's); every die draws its own mapping."""

    circuit: Circuit
    splitter_spread: Array = _imperfection(
        "rad", "standard deviation of every splitter's angle", default=0.02, stage="fabricate"
    )
    loss_db: Array = _imperfection("dB", "loss in each interferometer", default=0.1)
    phase_step: Array = _imperfection("rad", "quantum of the phases", default=2 * jnp.pi / 2**8, stage="read")
    phase_noise: Array = _imperfection("rad", "noise of every phase from read to read", default=5e-3, stage="read")
    crosstalk: Array = _imperfection("1", "share of a heater's phase one mode away", default=5e-3, stage="read")
    bandwidth: Array = _imperfection("Hz", "bandwidth within which detectors are noisy", default=1e8, stage="read")

    size: ClassVar[int]
    metrics: ClassVar[dict[str, Metric]] = {
        "error_chance": _error("outputs guessed uniformly"),
        "error_constant": _error("the best outputs that do not look at the inputs"),
        "error_least_squares": _error("the best affine map"),
        "error_coherent": _error("intensity of coherent light"),
        "error_incoherent": _error("powers of as many wavelengths as inputs"),
        "error_homodyne": _error("homodyne detection"),
        "error_balanced": _error("difference of the powers behind two meshes"),
        "error_svd": _error("homodyne detection behind two meshes with attenuators between them"),
        "error_published_rule": _error("intensity of coherent light, learned by the published rule per interferometer"),
        "error_ideal": _error("the same rule on weights without constraint"),
    }
    budget_metric: ClassVar[str] = "error_svd"
    usual_dies: ClassVar[int] = 8

    @classmethod
    def design(cls) -> Self:
        """Two layers, each of two meshes and a row of attenuators, with light in and out of each."""
        parts = {
            layer: SingularValueMesh.of(cls.size, cls.size, layout=Symmetric, mesh={"output_phases": False}) for layer in LAYERS
        }
        pins = {f"{layer} {end}": (f"{layer}.{end}",) for layer in LAYERS for end in ("inputs", "outputs")}
        into = {f"{layer}_in": f"{layer} inputs" for layer in LAYERS}
        out = {f"{layer}_out": f"{layer} outputs" for layer in LAYERS}
        return cls(Circuit(parts, pins, inputs=into, outputs=out))

    def task(self, key: Key[Array, ""]) -> Task:
        """One mapping, which the pictures show; a die draws its own with its key."""
        return Task(*binary_mapping(self.size, key))

    def budget_task(self, task: Task) -> Task:
        """The network with the attenuators alone."""
        return Task(task.inputs, task.targets, ("svd",))

    def build(self, task: Task, key: Key[Array, ""]) -> Self:
        """One fabricated die, untrained, with all phases drawn at random."""
        circuit = self.circuit
        for layer in LAYERS:
            circuit = circuit.replace(layer, self._layer(circuit[layer], named_key(key, layer)))
        return self.put(circuit=circuit.fabricate(named_key(key, "fabricate")))

    def _layer(self, layer: SingularValueMesh, key: Key[Array, ""]) -> SingularValueMesh:
        """The layer with the chip's knobs, and with random settings."""
        knobs = ("splitter_spread", "phase_step", "phase_noise", "crosstalk", "loss_db")
        for path in (f"{mesh}.{knob}" for mesh in ("first", "last") for knob in knobs):
            own = getattr(self, path.partition(".")[2])
            layer = layer.set(path, layer.get(path) + own)
        turns = jax.random.uniform(named_key(key, "phases"), layer.settings().shape, maxval=2 * jnp.pi)
        open_ = jax.random.uniform(named_key(key, "attenuations"), layer.attenuations.shape, minval=0.3)
        return layer.tuned(turns).put(attenuations=open_)

    def measure(self, task: Task, key: Key[Array, ""]) -> dict[str, Array]:
        """The errors that a built die reaches on a mapping of its own, and those of its baselines."""
        inputs, targets = binary_mapping(self.size, named_key(key, "mapping"))
        found = {
            "error_chance": baselines.uniform_guess(targets),
            "error_constant": baselines.best_constant(targets),
            "error_least_squares": baselines.least_squares(inputs, targets),
        }
        for kind in task.kinds:
            curve = self.learn(kind, inputs, targets, named_key(key, kind)).errors
            found[f"error_{kind}"] = jnp.mean(curve[-LAST:])
        return found

    def learn(self, kind: str, inputs: Array, targets: Array, key: Key[Array, ""]) -> Curves:
        """Train the die's network of that kind."""
        arrays = tuple(self._array(kind, layer, named_key(key, layer)) for layer in LAYERS)
        biases = tuple(jnp.full(self.size, -0.5) for _ in LAYERS)
        network = LayeredNetwork(arrays, biases, Sigmoid(SLOPE), Sigmoid(SLOPE))
        rule = ContrastiveHebbian(RATES[kind], Settling(gain=0.1, step=0.5, steps=12))
        network, errors = trained(network, rule, inputs, targets, EPOCHS, named_key(key, "training"))
        return Curves(errors, network.predict(inputs, named_key(key, "outputs")))

    def _array(self, kind: str, layer: str, key: Key[Array, ""]) -> SynapticArray:
        """One layer of the die as that kind of array."""
        if kind == "ideal":
            return IdealArray(initial_weights((self.size, self.size), key)[0])
        part = self.circuit[layer]
        seen = {"bandwidth": self.bandwidth, "gain": GAINS.get(kind, 1.0)}
        steering = PerInterferometer() if kind == "published_rule" else ChainRule()
        if kind == "svd":
            return OpticalArray.of(part, Homodyne(**seen), steering=steering)
        if kind == "balanced":
            return OpticalArray.of(part.first, Balanced(**seen), other=part.last, steering=steering)
        detection = {"homodyne": Homodyne, "incoherent": Incoherent}.get(kind, Intensity)
        real = kind in ("homodyne", "published_rule")
        mesh = real_mesh(part.first, named_key(key, "real")) if real else part.first
        return OpticalArray.of(mesh, detection(**seen), steering=steering)

    def pictures(self, task: Task, key: Key[Array, ""]) -> list[Picture]:
        """Errors while learning, and what a die answers."""
        from circuits.mzi_contrastive_hebbian_pictures import pictures

        return pictures(self, task, key)


class MZIContrastiveHebbian(ContrastiveHebbianChip):
    """Four units a layer, eight patterns."""

    name: ClassVar[str] = "mzi-contrastive-hebbian"
    size: ClassVar[int] = 4


class MZIContrastiveHebbian8(ContrastiveHebbianChip):
    """Eight units a layer, sixteen patterns."""

    name: ClassVar[str] = "mzi-contrastive-hebbian-8"
    size: ClassVar[int] = 8
