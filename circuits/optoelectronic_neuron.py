"""Spiking neurons that see and emit light, with a mesh of interferometers as their synapses.

What it is: five of six waveguides carry light of one laser, weighed by modulators; a 6 x 6 mesh mixes it; balanced photodiodes
behind pairs of outputs excite and inhibit three neurons, whose membranes are Izhikevich's and which answer with pulses of
light. Beside them stand three neurons that adapt and three that burst.

What it is asked: how the rate of every neuron grows with its photocurrent; whether tonic, adapting and bursting neurons behave
as such, told by their intervals; and to name the kind of 50 irises, shown as four powers and a constant one, by which of the
three neurons fires fastest. The mesh is learned in software, from the 100 others, and programmed.

What the ideal network does: the same light through a perfect mesh to neurons that are all alike, without noise; their rates are
those of a quadratic integrate-and-fire neuron in closed form.

What was published: the transfer curve of an optoelectronic neuron, from which `PUBLISHED` takes five points, and pulses of
1.18 pJ and 4 ns: Lee et al., Opt. Express 30, 19360 (2022); El Srouji et al., arXiv:2208.13144 (2022). A fabricated one fires
in several ways and names irises behind a mesh with 89.3 % (Lee et al., arXiv:2311.15474). Classes of behaviour: Izhikevich,
Dynamical Systems in Neuroscience (MIT Press, 2007), chapter 8.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from circuits.optoelectronic_network import STEP, STEPS, joined, repeated, run, steady_light, waves
from circuits.spike_trains import BEHAVIOURS, behaviour, intervals, mean_rate
from devsim.chip import Chip, Metric, Picture, share
from devsim.circuit import Circuit, stack
from devsim.devices.mesh import Mesh
from devsim.devices.photonic import Laser
from devsim.devices.spiking import OptoelectronicNeuron
from devsim.randomness import named_key

NEURONS, MODES = 3, 6
PUBLISHED = {25e-6: 20.85e6, 50e-6: 38.5e6, 100e-6: 54.5e6, 250e-6: 77.7e6}
"""Photocurrent (A) -> rate (1/s), read from the published transfer curve."""
PUBLISHED_RHEOBASE = 15.265e-6
"""In the middle of 15.25 to 15.28 uA, between which the published neuron begins to fire."""
ONSET = np.arange(13.0, 18.1, 0.25) * 1e-6
"""Photocurrents (A) among which firing begins."""
BETWEEN = np.array([20, 22, 30, 37, 70, 150, 200]) * 1e-6
"""Further ones, at which the transfer curve is drawn."""
BENCH = {"neurons": 50e-6, "adapting": 40e-6, "bursting": 40e-6}
"""Part -> the photocurrent (A) at which its behaviour is asked."""
WANTED = ("tonic", "adapting", "bursting")
"""The behaviours of these parts."""
UPDATES, RATE, MOMENTUM = 600, 0.05, 0.9
SOFTNESS, SCALE = 5e-6, 1e7
"""Of the onset in learning (A), and the difference of rates that counts as one (1/s)."""


class Task(NamedTuple):
    """The matrix of the mesh, the test part as modulations (tests, 6), its kinds, and the closed form's rates (tests, 3).

    curve: photocurrents (A) of the transfer curve, `ONSET`, `BETWEEN` and those of `PUBLISHED`; none for the budget, which asks
    the irises only.
    """

    matrix: Array
    modulations: Array
    labels: Int[Array, " tests"]
    wanted: Array
    curve: Array


def irises() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Modulations (samples, 6) and kinds to learn from, a hundred, and to be asked, fifty."""
    from sklearn.datasets import load_iris
    from sklearn.model_selection import train_test_split

    data = load_iris()
    split = train_test_split(data.data, data.target, test_size=1 / 3, random_state=0, stratify=data.target)
    low, high = split[0].min(0), split[0].max(0)

    def shown(measured: np.ndarray) -> np.ndarray:
        scaled = np.clip((measured - low) / (high - low), 0, 1)
        return np.column_stack([scaled, np.ones(len(measured)), np.zeros(len(measured))])

    return shown(split[0]), np.asarray(split[2]), shown(split[1]), np.asarray(split[3])


def currents(matrix: Array, powers: Array, responsivity: Array) -> Array:
    """Net photocurrents (samples, 3) behind a perfect mesh (outputs, inputs) where `powers` (samples, 6) enter."""
    arriving = jnp.sqrt(powers) @ matrix.T
    detected = responsivity * (jnp.real(arriving) ** 2 + jnp.imag(arriving) ** 2)
    return detected[:, 0::2] - detected[:, 1::2]


def learned(neurons: OptoelectronicNeuron, powers: Array, labels: Array, key: Key[Array, ""]) -> Array:
    """The unitary matrix (6, 6) behind which the neuron of each kind fires fastest, by descent on the cross entropy."""
    wanted = jax.nn.one_hot(labels, NEURONS, dtype=float)

    def unitary(x):
        generator = x[0] + 1j * x[1]
        return jax.scipy.linalg.expm(generator - jnp.conj(generator.T))

    def loss(x):
        net = currents(unitary(x), powers, neurons.responsivity)
        above = SOFTNESS * jax.nn.softplus((net - neurons.rheobase()) / SOFTNESS)
        rates = neurons.steady_rate(neurons.rheobase() + above)
        return -jnp.mean(jnp.sum(wanted * jax.nn.log_softmax(rates / SCALE), axis=-1))

    def update(state, _):
        x, speed = state
        speed = MOMENTUM * speed - RATE * jax.grad(loss)(x)
        return (x + speed, speed), None

    start = jax.random.normal(key, (2, MODES, MODES))
    return unitary(jax.lax.scan(update, (start, jnp.zeros_like(start)), length=UPDATES)[0][0])


def onset(rates: Array, tried: Array) -> Array:
    """The photocurrent (A) at which each neuron begins to fire, from `rates` (currents, n) at the rising currents `tried`.

    Behind a saddle-node the squared rate grows in proportion: it is followed back to zero from the two lowest that fire.
    """
    first = jnp.clip(jnp.argmax(rates > 0, axis=0), 0, len(tried) - 2)
    low, high = (jnp.take_along_axis(rates, (first + k)[None], axis=0)[0] ** 2 for k in (0, 1))
    return tried[first] - low * (tried[first + 1] - tried[first]) / jnp.maximum(high - low, jnp.finfo(low.dtype).tiny)


def over_runs(told: Callable) -> Callable:
    """`told(spikes, step)` for every run of spikes (runs, steps, n)."""
    return jax.vmap(told, (0, None))


def bench_metrics(rates: Array, tried: Array, spikes: Array) -> dict[str, Array]:
    """The metrics of neurons alone, from `rates` (currents, n) at the photocurrents `tried`, and `spikes` as of `BENCH`."""
    told, rising = jnp.array(list(PUBLISHED.values()))[:, None], len(ONSET)
    asked = rates[-len(PUBLISHED) :]
    slope = (asked[2] - asked[0]) / (told[2] - told[0])
    off = onset(rates[:rising], tried[:rising]) - PUBLISHED_RHEOBASE
    behaved = jax.vmap(behaviour)(over_runs(intervals)(spikes, STEP))
    wanted = jnp.array([BEHAVIOURS.index(name) for name in WANTED])[:, None]
    return {
        "transfer_error": jnp.sqrt(jnp.mean((asked - told) ** 2)),
        "rheobase_error": jnp.sqrt(jnp.mean(off**2)),
        "gain_error": jnp.sqrt(jnp.mean((slope - 1) ** 2)),
        "behaviours": jnp.mean(behaved == wanted, dtype=float),
    }


class OptoelectronicNeuronChip(Chip):
    """A die of neurons, their synapses and their light."""

    circuit: Circuit

    name: ClassVar[str] = "optoelectronic-neuron"
    metrics: ClassVar[dict[str, Metric]] = {
        "accuracy": share("share of the irises of the test part whose neuron fires fastest"),
        "rate_error": Metric(
            "Hz", "root mean square of how far these rates are from the closed form's", higher_is_better=False, low=0.0
        ),
        "transfer_error": Metric(
            "Hz", "root mean square distance to the published rates at 25, 50, 100 and 250 uA", higher_is_better=False, low=0.0
        ),
        "rheobase_error": Metric(
            "A", "root mean square distance to the published current at which firing begins", higher_is_better=False, low=0.0
        ),
        "gain_error": Metric(
            "1", "root mean square relative error of the slope from 25 to 100 uA", higher_is_better=False, low=0.0
        ),
        "behaviours": share("share of tonic, adapting and bursting neurons that behave as such"),
        "energy_per_spike": Metric(
            "J", "energy of laser, photodiodes, bias and absorbed light for each spike", higher_is_better=False, low=0.0
        ),
    }
    budget_metric: ClassVar[str] = "rate_error"
    usual_dies: ClassVar[int] = 8

    @classmethod
    def design(cls) -> Self:
        """100 uW a waveguide; 2 % splitters, 0.2 dB an interferometer, 8-bit phases; neurons with 5 mV and 2 % of spread."""
        mesh = {"splitter_spread": 0.02, "loss_db": 0.2, "power_pi_spread": 0.017, "phase_bits": 8, "crosstalk": 0.005}
        made = {"capacitance_spread": 0.02, "threshold_spread": 5e-3, "responsivity_spread": 0.02, "imbalance_spread": 0.02}
        made |= {"pulse_energy_spread": 0.05, "dark_current": 1e-8, "noise_conductance": 1e-3}
        kinds = {name: OptoelectronicNeuron.preset(name, NEURONS, **made) for name in WANTED}
        return cls(
            joined(
                Laser(np.full(MODES, 1e-4), modulated=True),
                Mesh.of(MODES, phase_noise=0.005, **mesh),
                kinds.pop("tonic"),
                **kinds,
            )
        )

    def task(self, key: Key[Array, ""]) -> Task:
        """A hundred irises to learn from in software, fifty to be asked."""
        shown, labels, tests, test_labels = irises()
        perfect = self.ideal().circuit
        neurons, power = OptoelectronicNeuron.preset("tonic", 1), perfect["lasers"].power
        matrix = jax.jit(learned)(neurons, power * jnp.asarray(shown), jnp.asarray(labels), named_key(key, "software"))
        wanted = neurons.steady_rate(currents(matrix, power * jnp.asarray(tests), neurons.responsivity))
        curve = jnp.asarray(np.concatenate([ONSET, BETWEEN, list(PUBLISHED)]))
        return Task(matrix, jnp.asarray(tests), jnp.asarray(test_labels), wanted, curve)

    def budget_task(self, task: Task) -> Task:
        """A third of the irises, without the bench: the rates are what is asked."""
        few = lambda values: values[::3]
        shown = {"modulations": few(task.modulations), "labels": few(task.labels), "wanted": few(task.wanted)}
        return task._replace(**shown, curve=task.curve[:0])

    def build(self, task: Any, key: Key[Array, ""]) -> Self:
        """One die whose mesh holds what was learned; the lasers are turned up by what the mesh loses."""
        circuit = self.circuit.fabricate(named_key(key, "fabricate"))
        mesh = circuit["synapses"].program(task.matrix.T, named_key(key, "program"))
        lost = MODES / jnp.sum(jnp.abs(mesh.matrix()) ** 2)
        lasers = circuit["lasers"].put(power=circuit["lasers"].power * lost)
        return self.put(circuit=circuit.replace("synapses", mesh).replace("lasers", lasers))

    def trains(self, task: Task, key: Key[Array, ""]) -> dict[str, Array]:
        """Spikes (runs, steps + 1, 3) of a built die, all in one vectorised run.

        `irises`: of the test part. With a curve in the task also `curve`, of the photocurrents there, and `bench`, of the parts
        in `BENCH`. `light` and `shade` (tests, 3) are the waves that irises send to the diodes.
        """
        light, shade = waves(self.circuit, task.modulations, named_key(key, "mesh"))
        tests, rest = len(light), len(task.curve)
        kinds, lit = [repeated(self.circuit["neurons"], tests + rest)], [light, steady_light(task.curve, NEURONS)]
        if rest:
            kinds.append(stack([self.circuit[name] for name in BENCH]))
            lit.append(steady_light(jnp.array(list(BENCH.values())), NEURONS))
        neurons = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *kinds)
        lit = jnp.concatenate(lit)
        dark = jnp.zeros_like(lit).at[:tests].set(shade)
        spikes = run(neurons, lit, dark, named_key(key, "run"))["spikes"]
        found = {"irises": spikes[:tests], "curve": spikes[tests : tests + rest], "bench": spikes[tests + rest :]}
        return found | {"light": light, "shade": shade}

    def measure(self, task: Task, key: Key[Array, ""]) -> dict[str, Array]:
        """The metrics of a built die; without a curve in the task, those of the irises only.

        Beside them, for pictures: `rates` (tests, 3) and `curve` (currents, 3), 1/s, and `energy` per spike by name, J.
        """
        trains = self.trains(task, key)
        rates, curve = (over_runs(mean_rate)(trains[name], STEP) for name in ("irises", "curve"))
        fastest = jnp.where(jnp.max(rates, axis=-1) > 0, jnp.argmax(rates, axis=-1), -1)
        energy = self.energy(trains)
        metrics = {
            "accuracy": jnp.mean(fastest == task.labels, dtype=float),
            "rate_error": jnp.sqrt(jnp.mean((rates - task.wanted) ** 2)),
            "energy_per_spike": sum(energy.values(), jnp.zeros(())),
        }
        bench = bench_metrics(curve, task.curve, trains["bench"]) if len(task.curve) else {}
        return metrics | bench | {"rates": rates, "curve": curve, "energy": energy}

    def energy(self, trains: dict[str, Array]) -> dict[str, Array]:
        """What a spike costs on average while the irises are shown (J), by name."""
        spikes = jnp.sum(trains["irises"], axis=(0, 1))
        powers = (jnp.mean(jnp.abs(trains[name]) ** 2, axis=0) for name in ("light", "shade"))
        time = len(trains["irises"]) * STEPS * STEP
        cost = self.circuit["neurons"].energy_per_spike(*powers, jnp.maximum(spikes, 1.0) / time)
        return {name: jnp.sum(spikes * each) / jnp.maximum(jnp.sum(spikes), 1.0) for name, each in cost.items()}

    def pictures(self, task: Any, key: Key[Array, ""]) -> list[Picture]:
        """Transfer curves, behaviours, what mesh and neurons make of irises, and energy."""
        from circuits.optoelectronic_neuron_pictures import pictures

        return pictures(self, task, key)
