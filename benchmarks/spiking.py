"""128 spiking neurons beside rockpool's DynapSim; the weights of pair STDP beside Brian2.

Run as `python benchmarks/spiking.py [--steps 1000] [--batch 16]`, on one thread, in 32 bits. Peers that are not installed are
left out; rockpool is AGPL and only ever runs beside us.

Neurons: 128 inputs, each firing in 2 % of the steps, go through a dense matrix of weights to 128 neurons. `forward` tells all
events; `gradient` is the value and the gradient of the squared error of the mean rate with respect to all weights and one bias
current per neuron. A step of
  IdealCells     is an exponential synapse and a leaky neuron, exactly;
  SiliconCells   is a differential-pair synapse, one of adaptation and an adaptive exponential neuron in the logarithms of
                 their currents: the synapses exactly, the neuron to second order, its events placed within the step;
  DynapSim       is the linear limit of the same two synapses and Euler's method for the same neuron, after the same product.
                 Its derivative stores every step, ours about the square root of their number.
`relative step` is |sum of I dr/dI| / r, r the mean rate and I a bias (IdealCells: the bias; SiliconCells, DynapSim: the
currents that leak from the membranes). The true one is of order one; a surrogate derivative counts an event that moves by a
step as one more or less, which is up to the steps of an interval too much. Steps are 1 ms, those of SiliconCells 0.5 ms.

STDP: 1,000 inputs at 20 Hz on 100 neurons at 20 Hz, all to all, 1 s in steps of 0.1 ms, given events on both sides; an update
is one weight that one event changes. Brian2 runs the same rule on the same events, by NumPy and as compiled C++
(`cpp_standalone`, its own measure of the run). `off` is the largest difference of a weight to ours, of a range of one.

`ms` are medians; compilation apart.
"""

import argparse
import os
import platform
import tempfile
from importlib import import_module
from importlib.util import find_spec

from one_thread import median_ms, print_table, shown  # isort: skip

import jax
import jax.numpy as jnp
import numpy as np

from devsim.devices.cmos import DPISynapse
from devsim.devices.synaptic_array import IdealArray
from devsim.learning.plasticity import PSTDP, replay
from devsim.learning.silicon_cells import SiliconCells
from devsim.learning.spiking_cells import IdealCells
from devsim.learning.spiking_network import SpikingLayer, SpikingNetwork

SIZE, SHARE, GOAL = 128, 0.02, 0.02
jax.config.update("jax_enable_x64", False)
KEY = jax.random.key(0)
HEADER = ("neurons", "task", "events per step", "ms", "compile s", "over DynapSim", "bar", "relative step")
STDP_HEADER = ("STDP", "updates, M", "ms", "compile s", "M updates/s", "over ours", "bar", "off")
INPUTS, NEURONS, STDP_STEP, HERTZ = 1000, 100, 1e-4, 20.0
BAR = 3.0
"""Times that a peer should take of ours, at least."""


def single(part):
    """A part in 32 bits."""
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if leaf.dtype == jnp.float64 else leaf, part)


def draw(told):
    """(events, weights between 0 and 1) of every row."""
    rng = np.random.default_rng(0)
    events = rng.random((told.batch, told.steps, SIZE)) < SHARE
    return jnp.asarray(events, jnp.float32), jnp.asarray(rng.random((SIZE, SIZE)), jnp.float32)


def ideal():
    """(`IdealCells`, scale of the weights, step, name of the bias)."""
    return IdealCells.of(SIZE, bias=jnp.full(SIZE, 0.1)), 0.15, 1e-3, "bias"


def silicon():
    """(`SiliconCells` without inhibition, scale of the weights, step, name of the bias)."""
    strong = DPISynapse(weight_current=jnp.full(SIZE, 20e-9), gain_current=100e-12)
    cells = SiliconCells.of(SIZE, inhibition=False, excitatory=strong)
    neuron = cells.neuron.put(time_constant_current=jnp.full(SIZE, 8e-12))
    return cells.put(neuron=neuron), 0.2, 0.5e-3, "neuron.time_constant_current"


def ours(kind, events):
    """(forward(weights, bias) -> events, scale of the weights, bias)."""
    cells, scale, step, name = kind()
    network = single(SpikingNetwork((SpikingLayer(IdealArray(jnp.zeros((SIZE, SIZE))), cells),)))
    paths, step = ("layer_0.array.matrix", f"layer_0.cells.{name}"), jnp.float32(step)

    def forward(weights, bias):
        return network.set(paths[0], weights).set(paths[1], bias).run(events, step, KEY).spikes[0]

    return forward, scale, network.get(paths[1])


def dynap_sim(events):
    """The same of rockpool."""
    neurons = import_module("rockpool.devices.dynapse").DynapSim((SIZE,), has_rec=False, dt=1e-3)

    def forward(weights, bias):
        return neurons.set_attributes({"Itau_mem": bias})(events @ weights)[0]

    return forward, 0.2, jnp.asarray(neurons.Itau_mem)


def neuron_rows(told):
    """Forward and gradient of each."""
    events, weights = draw(told)
    makers = {"IdealCells": lambda: ours(ideal, events), "SiliconCells": lambda: ours(silicon, events)}
    if find_spec("rockpool"):
        makers = {"DynapSim": lambda: dynap_sim(events)} | makers
    else:
        yield "DynapSim", "not installed", None, None, None, None, None, None
    theirs = {}
    for name, maker in makers.items():
        forward, scale, bias = maker()
        loss = lambda w, b, forward=forward: (jnp.mean(forward(w, b)) - GOAL) ** 2
        tasks = {"forward": jax.jit(forward), "gradient": jax.jit(jax.value_and_grad(loss, (0, 1)))}
        for task, way in tasks.items():
            first, ms = median_ms(way, scale * weights, bias)
            theirs.setdefault(task, ms if name == "DynapSim" else None)
            over = theirs[task] / ms if theirs[task] and name != "DynapSim" else None
            rate, step = float(jnp.mean(tasks["forward"](scale * weights, bias))), None
            if task == "gradient":
                _, (_, slope) = way(scale * weights, bias)
                step = abs(float(jnp.sum(bias * slope)) / (2 * (rate - GOAL) * rate))
            yield name, task, rate, ms, max(first - ms / 1e3, 0.0), over, BAR if over else None, step


def trains():
    """Events (steps, neurons) of both sides, and their times (s) by neuron."""
    rng, steps = np.random.default_rng(1), round(1 / STDP_STEP)
    grids = [rng.random((steps, n)) < HERTZ * STDP_STEP for n in (INPUTS, NEURONS)]
    return grids, [[np.flatnonzero(column) * STDP_STEP for column in grid.T] for grid in grids]


def brian_run(brian, grids, start, target):
    """(seconds to compile, seconds to run, weights at the end) of Brian2 by `target`."""
    if target == "cpp_standalone":
        brian.set_device(target, build_on_run=False)
    else:
        brian.prefs.codegen.target = target
    brian.defaultclock.dt = STDP_STEP * brian.second
    indices = [np.nonzero(grid.T) for grid in grids]
    sides = [
        brian.SpikeGeneratorGroup(grid.shape[1], which, when * STDP_STEP * brian.second)
        for grid, (which, when) in zip(grids, indices, strict=True)
    ]
    synapses = brian.Synapses(
        *sides,
        "w : 1\ndx/dt = -x / tau : 1 (event-driven)\ndy/dt = -y / tau : 1 (event-driven)",
        on_pre="w = clip(w - 0.00525 * y, 0, 1)\nx += 1",
        on_post="w = clip(w + 0.005 * x, 0, 1)\ny += 1",
        namespace={"tau": 20 * brian.ms},
    )
    synapses.connect()
    synapses.w = start
    network = brian.Network(*sides, synapses)
    if target != "cpp_standalone":
        network.run(0 * brian.second)
        first = median_ms(lambda: network.run(1 * brian.second) and None, budget=0.0)[0]
        return 0.0, first, None
    network.run(1 * brian.second)
    folder = tempfile.mkdtemp()
    compile_s = median_ms(lambda: brian.device.build(directory=folder, run=False) and None)[0]
    times = []
    for _ in range(5):
        brian.device.run(directory=folder, with_output=False, run_args=[])
        times.append(brian.device._last_run_time)
    return compile_s, float(np.median(times)), np.asarray(synapses.w).reshape(INPUTS, NEURONS)


def stdp_rows():
    """Ours, then Brian2 by both of its ways."""
    grids, times = trains()
    start = np.full((INPUTS, NEURONS), 0.5, np.float32)
    updates = (grids[0].sum() * NEURONS + grids[1].sum() * INPUTS) / 1e6
    rule = single(PSTDP())
    way = lambda: replay(rule, start, *times, duration=1.0, step=STDP_STEP, every=round(1 / STDP_STEP)).final
    first, ms = median_ms(way)
    found = np.asarray(way())
    yield "replay", updates, ms, first - ms / 1e3, updates / ms * 1e3, None, None, None
    if not find_spec("brian2"):
        yield "Brian2", "not installed", None, None, None, None, None, None
        return
    from tests.external.brian import brian2

    for target in ("numpy", "cpp_standalone"):
        compile_s, seconds, weights = brian_run(brian2, grids, start.ravel(), target)
        off = None if weights is None else float(np.abs(weights - found).max())
        bar = BAR if target == "cpp_standalone" else None
        yield f"Brian2, {target}", updates, 1e3 * seconds, compile_s, updates / seconds, 1e3 * seconds / ms, bar, off


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", default=1000, type=int)
    parser.add_argument("--batch", default=16, type=int)
    told = parser.parse_args()
    title = f"One thread, {platform.machine()}, Python {platform.python_version()}, JAX {jax.__version__}, 32 bits"
    sizes = f"{SIZE} neurons, {told.steps} steps, batch {told.batch}; load {os.getloadavg()[0]:.1f}"
    print_table(HEADER, [shown(row) for row in neuron_rows(told)], f"{title}, {sizes}")
    print_table(STDP_HEADER, [shown(row) for row in stdp_rows()], f"{INPUTS} to {NEURONS}, 1 s; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
