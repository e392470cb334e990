"""Lasers, a mesh of interferometers as synapses, neurons with balanced photodiodes: the circuit, and how it is run in time."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim.analyses.transient import transient
from devsim.circuit import Circuit
from devsim.devices.mesh import Mesh
from devsim.devices.photonic import Laser, OpticalRibbon
from devsim.devices.spiking import OptoelectronicNeuron
from devsim.randomness import numbered_keys

STEP = 0.2e-9
"""Of every run, s."""
STEPS = 3501
"""Of every run. An odd number is cheapest: noise is then drawn once a step, without the levels of coarser steps."""
NOMINAL_RESPONSIVITY = 0.9
"""Of the photodiodes, A/W."""


def joined(lasers: Laser, synapses: Mesh, neurons: OptoelectronicNeuron, **others: OptoelectronicNeuron) -> Circuit:
    """Lasers through `synapses` to neurons: output 2 k excites neuron k, output 2 k + 1 inhibits it.

    others: neurons beside them, each bus with inputs `<name>_light` and `<name>_shade` of its own.
    """
    count = neurons.shape()[0]
    ribbons = {"fan": OpticalRibbon(2 * count), "excitatory": OpticalRibbon(count), "inhibitory": OpticalRibbon(count)}
    nets = {
        "modulation": ("lasers.modulation",),
        "sent": ("lasers.out", "synapses.inputs"),
        "mixed": ("synapses.outputs", "fan.bus"),
        "exciting": ("excitatory.bus", "neurons.excitatory"),
        "inhibiting": ("inhibitory.bus", "neurons.inhibitory"),
        "light": ("neurons.out",),
        "spikes": ("neurons.spikes",),
        "gnd": ("synapses.heaters",),
    }
    for k in range(count):
        nets[f"up{k}"] = (f"fan.lane{2 * k}", f"excitatory.lane{k}")
        nets[f"down{k}"] = (f"fan.lane{2 * k + 1}", f"inhibitory.lane{k}")
    inputs, outputs = {"modulation": "modulation"}, {"light": "light", "spikes": "spikes"}
    for name in others:
        told = {f"{name}_light": f"{name}.excitatory", f"{name}_shade": f"{name}.inhibitory"}
        given = {f"{name}_out": f"{name}.out", f"{name}_spikes": f"{name}.spikes"}
        nets |= {net: (pin,) for net, pin in (told | given).items()}
        inputs |= {net: net for net in told}
        outputs |= {net: net for net in given}
    parts: dict[str, Any] = {"lasers": lasers, "synapses": synapses, "neurons": neurons} | ribbons | others
    return Circuit(parts, nets, inputs=inputs, outputs=outputs)


def waves(circuit: Circuit, modulations: Array, key: Key[Array, ""]) -> tuple[Array, Array]:
    """What reaches the excitatory and the inhibitory diodes, each (samples, neurons), W^0.5, where `modulations` (samples,
    lasers) are shown; the mesh is as one read finds it, since heaters are slower than what is shown."""
    sent = jnp.sqrt(circuit["lasers"].power * modulations)
    arriving = sent @ circuit["synapses"].snapshot(key).matrix().T
    return arriving[:, 0::2], arriving[:, 1::2]


def repeated(neurons: OptoelectronicNeuron, count: int) -> OptoelectronicNeuron:
    """The same neurons for each of `count` runs, along a leading axis."""
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape)), neurons)


def steady_light(currents: Array, count: int) -> Array:
    """Waves (runs, count), W^0.5, that make the photocurrents `currents` (runs,), A, in diodes of nominal responsivity."""
    return jnp.sqrt(currents / NOMINAL_RESPONSIVITY)[:, None] * jnp.ones(count)


def run(
    neurons: OptoelectronicNeuron,
    light: Array,
    shade: Array,
    key: Key[Array, ""] | None,
    keep: tuple[str, ...] = ("spikes",),
) -> dict[str, Array]:
    """What is kept of `neurons` (n,) in steady waves `light` and `shade` (runs, n), W^0.5; each (runs, STEPS + 1, n).

    The leaves of `neurons` have a leading axis, that of the runs. Without a key there is no noise.
    """
    nets = {"light": ("neurons.excitatory",), "shade": ("neurons.inhibitory",), "out": ("neurons.out",)}
    nets |= {"spikes": ("neurons.spikes",)}
    told, given = {"light": "light", "shade": "shade"}, {"out": "out", "spikes": "spikes"}

    def one(neurons, light, shade, key):
        circuit = Circuit({"neurons": neurons}, nets, inputs=told, outputs=given)
        waves = {"light": light, "shade": shade}
        return transient(circuit, waves, duration=STEPS * STEP, step=STEP, method="heun", keep=keep, key=key).values

    keys = None if key is None else numbered_keys(key, len(light))
    return jax.vmap(one)(neurons, light + 0j, shade + 0j, keys)
