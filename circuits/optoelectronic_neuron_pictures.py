"""The figures of the chip of optoelectronic neurons."""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from circuits.optoelectronic_network import STEP, run, steady_light
from circuits.optoelectronic_neuron import BENCH, NEURONS, PUBLISHED, PUBLISHED_RHEOBASE, WANTED, Task
from devsim.chip import Picture
from devsim.circuit import stack
from devsim.compare import one_die
from devsim.devices.spiking import OptoelectronicNeuron
from devsim.engine import CHUNK, for_each_key
from devsim.randomness import named_key, numbered_keys
from devsim.style import CHIP, DASHES, INK, LOSS, SERIES, figure, styled

if TYPE_CHECKING:
    from circuits.optoelectronic_neuron import OptoelectronicNeuronChip

DIES = 8
KINDS = ("setosa", "versicolor", "virginica")
COSTS = {"laser": "laser", "photodiodes": "photodiodes", "bias": "bias", "light": "absorbed light"}
MICRO, NANO, PICO, MEGA = 1e-6, 1e-9, 1e-12, 1e6


def pictures(chip: "OptoelectronicNeuronChip", task: Task, key: Key[Array, ""]) -> list[Picture]:
    """Transfer curves, behaviours, what mesh and neurons make of irises, energy."""
    keys = numbered_keys(named_key(key, "pictures"), DIES)
    of_chip = for_each_key(one_die, (chip, task), keys)
    of_ideal = for_each_key(one_die, (chip.ideal(), task), keys[:CHUNK])
    ideal = jax.tree.map(lambda values: values[0], of_ideal)
    return [
        _transfer(of_chip["curve"], np.asarray(task.curve)),
        _behaviours(_traces(chip, keys[0])),
        _irises(of_chip["rates"], np.asarray(task.wanted), np.asarray(task.labels)),
        _energy(chip, of_chip, ideal),
    ]


@styled
def _transfer(rates: np.ndarray, currents: np.ndarray) -> Picture:
    drawn = figure(3.3)
    whole, near = drawn.subplots(1, 2, width_ratios=(1.5, 1))
    order = np.argsort(currents, kind="stable")
    lines = np.moveaxis(rates[:, order], 2, 1).reshape(-1, len(order)) / MEGA  # (dies x neurons, currents)
    fine = np.geomspace(13e-6, 250e-6, 2000)
    exact = np.asarray(OptoelectronicNeuron.preset("tonic", 1).steady_rate(jnp.asarray(fine))) / MEGA
    published = np.array(list(PUBLISHED.items()))
    for axis in (whole, near):
        for k, line in enumerate(lines):
            label = "neurons of the dies" if k == 0 else None
            axis.plot(currents[order] / MICRO, line, color=CHIP, alpha=0.28, linewidth=1, label=label)
        axis.plot(fine / MICRO, exact, color=INK, linestyle=(0, DASHES[0]), linewidth=1.3, label="ideal, closed form")
        axis.scatter(*(published.T / [[MICRO], [MEGA]]), color=LOSS, s=34, zorder=5, label="published")
        axis.scatter([PUBLISHED_RHEOBASE / MICRO], [0], color="white", edgecolors=LOSS, linewidths=1.6, s=34, zorder=5)
        axis.grid(axis="y")
        axis.set_xlabel("photocurrent (µA)")
    whole.set(ylabel="rate (MHz)", xlim=(0, 255), ylim=(-2, 85), title="whole range")
    near.set(xlim=(12.5, 26), ylim=(-0.7, 24), title="where firing begins")
    drawn.legend(*whole.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    caption = (
        f"Every line is one of {NEURONS} neurons on one of {DIES} dies. The open circle is the published current at which"
        " firing begins; near it currents are 0.25 µA apart. Thresholds that differ shift the curves,"
        " capacitances stretch them."
    )
    return Picture("transfer", "Rate against photocurrent", caption, drawn)


def _traces(chip: "OptoelectronicNeuronChip", key: Key[Array, ""]) -> dict[str, Array]:
    """Of one fabricated neuron of every behaviour: the membrane (V) and the light that leaves (W), each (3, times)."""
    kinds = [chip.circuit[name].fabricate(named_key(key, name)) for name in BENCH]
    light = steady_light(jnp.array(list(BENCH.values())), NEURONS)
    keep = ("out", "neurons.membrane")
    found = jax.jit(run, static_argnames="keep")(stack(kinds), light, 0 * light, named_key(key, "run"), keep)
    return {"membrane": found["neurons.membrane"][..., 0], "light": jnp.abs(found["out"][..., 0]) ** 2}


@styled
def _behaviours(traces: dict[str, Array]) -> Picture:
    drawn = figure(5.6)
    axes = drawn.subplots(2 * len(WANTED), 1, sharex=True, height_ratios=(2.2, 1) * len(WANTED))
    for k, (name, current) in enumerate(zip(WANTED, BENCH.values(), strict=True)):
        upper, lower, colour = axes[2 * k], axes[2 * k + 1], SERIES[k]
        membrane, light = (np.asarray(traces[each][k]) for each in ("membrane", "light"))
        time = np.arange(len(membrane)) * STEP / NANO
        upper.plot(time, membrane, color=colour, linewidth=1.3)
        lower.fill_between(time, light / MICRO, step="post", color=colour, linewidth=0)
        upper.set_title(f"{name}, {current / MICRO:g} µA")
        upper.set(ylabel="V", ylim=(-0.08, 1.05), yticks=(0, 0.5, 1))
        lower.set(ylabel="µW", ylim=(0, 1.15 * np.max(light) / MICRO))
        upper.tick_params(axis="x", length=0)
    axes[-1].set(xlabel="time (ns)", xlim=(0, time[-1]))
    drawn.align_ylabels(axes)
    caption = (
        "One fabricated neuron of each kind, in steady light from time zero on: its membrane (V), and below it the"
        " light that its laser emits (µW). Intervals of the adapting one grow to a limit; the bursting one pauses"
        " behind groups of pulses."
    )
    return Picture("behaviours", "Tonic, adapting, bursting", caption, drawn)


@styled
def _irises(rates: np.ndarray, wanted: np.ndarray, labels: np.ndarray) -> Picture:
    drawn = figure(3.3)
    axis = drawn.subplots()
    for kind in range(NEURONS):
        for neuron in range(NEURONS):
            place = kind + 0.26 * (neuron - 1)
            found = rates[:, labels == kind, neuron].ravel() / MEGA
            aside = 0.2 * (0.618034 * np.arange(found.size) % 1 - 0.5)  # the golden ratio: neighbours in order never touch
            axis.scatter(place + aside, found, s=9, color=SERIES[neuron], alpha=0.3, linewidths=0)
            level = wanted[labels == kind, neuron].mean() / MEGA
            axis.plot([place - 0.11, place + 0.11], [level] * 2, color=INK, linewidth=2)
    axis.set_xticks(range(NEURONS), [f"{kind} shown" for kind in KINDS])
    axis.set(ylabel="rate (MHz)", xlim=(-0.5, NEURONS - 0.5))
    axis.set_ylim(bottom=-1)
    axis.tick_params(axis="x", length=0)
    axis.grid(axis="y")
    handles = [axis.scatter([], [], s=22, color=SERIES[k], label=f"neuron of {kind}") for k, kind in enumerate(KINDS)]
    handles += axis.plot([], [], color=INK, linewidth=2, label="ideal, mean")
    drawn.legend(handles=handles, loc="outside upper left", ncols=4)
    caption = (
        f"Every dot is a neuron's rate on one of {DIES} dies while an iris of the test part is shown; the one that fires"
        " fastest names it. Bars are means over the irises with a perfect mesh and equal neurons."
    )
    return Picture("irises", "Rates by what is shown", caption, drawn)


@styled
def _energy(chip: "OptoelectronicNeuronChip", of_chip: dict, ideal: dict) -> Picture:
    drawn = figure(3.3)
    against, bars = drawn.subplots(1, 2, width_ratios=(1.5, 1))
    current = np.geomspace(15.5e-6, 250e-6, 1000)
    _stacked(against, current, chip.ideal().circuit["neurons"])
    for place, told in enumerate((ideal["energy"], jax.tree.map(lambda each: each.mean(), of_chip["energy"]))):
        bottom = 0.0
        for name, colour in zip(COSTS, SERIES, strict=False):
            value = float(told[name]) / PICO
            bars.bar(place, value, 0.55, bottom=bottom, color=colour, label=COSTS[name] if place == 0 else None)
            bottom += value
        bars.text(place, bottom, f"{bottom:.1f}", ha="center", va="bottom", fontsize=9)
    bars.set_xticks([0, 1], ["ideal", "chip"])
    bars.set(title="irises shown", ylabel="energy per spike (pJ)", xlim=(-0.6, 1.6))
    bars.margins(y=0.1)
    bars.tick_params(axis="x", length=0)
    bars.grid(axis="y")
    drawn.legend(*bars.get_legend_handles_labels(), loc="outside upper left", ncols=4)
    caption = (
        "Left: what a spike costs an ideal neuron at a steady photocurrent of its excitatory diode. Right: the same while"
        f" irises are shown, mean over {DIES} dies; both diodes of every pair are lit. Heaters and the"
        " lasers of the inputs are not counted."
    )
    return Picture("energy", "Energy of a spike", caption, drawn)


def _stacked(axis, current: np.ndarray, neurons: OptoelectronicNeuron) -> None:
    one = jax.tree.map(lambda leaf: leaf[0] if jnp.ndim(leaf) else leaf, neurons)
    power = current / float(one.responsivity)
    told = one.energy_per_spike(jnp.asarray(power), jnp.zeros(len(power)), one.steady_rate(jnp.asarray(current)))
    axis.stackplot(current / MICRO, *(np.asarray(told[name]) / PICO for name in COSTS), colors=SERIES[: len(COSTS)])
    axis.set(title="steady light", xlabel="photocurrent (µA)", ylabel="energy per spike (pJ)", xlim=(0, 250), ylim=(0, 15))
    axis.grid(axis="y")
