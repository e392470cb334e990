"""The figures of the chip of synapses that learn from the times of spikes."""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Key

from circuits import stdp_window
from circuits.cmos_stdp import BLOCK, MIRRORS, RULE, SITUATIONS, STEP, TOGETHER, Task, selectivity
from circuits.stdp_window import INTERVALS
from devsim.chip import Picture
from devsim.compare import one_die
from devsim.engine import CHUNK, for_each_key
from devsim.physics import thermal_voltage
from devsim.randomness import named_key, numbered_keys
from devsim.style import CHIP, DASHES, FAINT, INK, LOSS, SERIES, SOFT, figure, styled

if TYPE_CHECKING:
    from circuits.cmos_stdp import CMOSSTDP

DIES = 8
SIDES = (1e-6, 1.4e-6, 2.8e-6, 5.6e-6, 11e-6)
"""Of square transistors, m, beside those of the chip."""
TEMPERATURES = (290.0, 310.0, 320.0)
"""At which gate voltages are held, K, beside 300 K."""
NEURONS = {"potentiation": 0.777, "depression": 0.273, "pre_time": 16.8e-3, "post_time": 33.7e-3}
"""Exponentials through the measurements on cultured neurons."""
MILLI, MICRO, PERCENT = 1e-3, 1e-6, 1e-2
COURSES = {"equations": (1, 1.5), "transistors without imperfections": (4, 3)}


def pictures(chip: "CMOSSTDP", task: Task, key: Key) -> list[Picture]:
    """Windows with their spread, warm and aged; weights in time; what decides a weight; spread against area."""
    keys = numbered_keys(named_key(key, "pictures"), DIES)
    measured = lambda chip, keys=keys[:CHUNK]: for_each_key(one_die, (chip, task), keys)
    of_chip, of_ideal = measured(chip, keys), measured(chip.ideal())
    held = {kelvin: measured(chip.set("warm_temperature", kelvin))["windows"] for kelvin in TEMPERATURES}
    sized = lambda side: measured(chip.set("technology.width", side).set("technology.length", side))
    of_size = {side: sized(side) for side in SIDES} | {float(chip.technology.width): of_chip}
    ideal = jax.tree.map(lambda values: values[0], of_ideal)
    return [
        _window(of_chip, ideal),
        _situations(chip, of_chip, held),
        _learning(of_chip, ideal, np.asarray(task.course)),
        _decided(of_chip),
        _area(chip, of_size, ideal),
    ]


def _curve(axis, values: np.ndarray, **style) -> None:
    """A window over `INTERVALS`, with a gap where the sides meet; `label` once."""
    half = len(INTERVALS) // 2
    label = style.pop("label", None)
    for part, told in ((slice(0, half), None), (slice(half, None), label)):
        axis.plot(INTERVALS[part] / MILLI, values[part] / PERCENT, label=told, **style)


def _band(axis, windows: np.ndarray, share: float, **style) -> None:
    """The central `share` of `windows` (n, intervals)."""
    half = len(INTERVALS) // 2
    low, high = np.percentile(windows, [50 - 50 * share, 50 + 50 * share], axis=0) / PERCENT
    label = style.pop("label", None)
    for part, told in ((slice(0, half), None), (slice(half, None), label)):
        axis.fill_between(INTERVALS[part] / MILLI, low[part], high[part], linewidth=0, label=told, **style)


def _axes(axis) -> None:
    axis.axhline(0, color=SOFT, linewidth=0.8)
    axis.axvline(0, color=SOFT, linewidth=0.8)
    axis.grid(axis="y")
    axis.set_xlabel("postsynaptic less presynaptic time (ms)")


@styled
def _window(of_chip: dict, ideal: dict) -> Picture:
    windows = of_chip["windows"][:, 0].reshape(-1, len(INTERVALS))
    exact = stdp_window.equation(**RULE)
    drawn = figure(3.6)
    left, right = drawn.subplots(1, 2, width_ratios=(1.9, 1))
    _band(left, windows, 0.9, color=CHIP, alpha=0.18, label="90 % of the synapses")
    _band(left, windows, 0.5, color=CHIP, alpha=0.38, label="50 %")
    _curve(left, windows.mean(0), color=CHIP, label="their mean")
    _curve(left, exact, color=INK, linestyle=(0, DASHES[0]), linewidth=1.3, label="equations")
    neurons = stdp_window.equation(**NEURONS) * RULE["potentiation"] / NEURONS["potentiation"]
    _curve(left, neurons, color=LOSS, linestyle=(0, DASHES[1]), linewidth=1.5, label="neurons, scaled")
    _axes(left)
    left.set_ylabel("change of weight by one pair (% of range)")
    ratios = of_chip["area_ratios"].ravel()
    right.hist(ratios, bins=np.geomspace(0.5, 2.8, 24), color=CHIP, alpha=0.55)
    right.axvline(1, color=SOFT, linewidth=0.8)
    right.axvline(float(ideal["area_ratios"][0]), color=INK, linestyle=(0, DASHES[0]), linewidth=1.3)
    right.set_xscale("log")
    right.set_xticks([0.5, 1, 2], ["0.5", "1", "2"])
    right.minorticks_off()
    right.set(xlabel="area of loss / area of gain", ylabel="synapses")
    drawn.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=5)
    caption = (
        f"Left: {len(windows)} synapses of {DIES} dies, each with transistors of its own, beside the equations and the"
        " exponentials through measurements on cultured neurons (Bi and Poo, J. Neurosci. 18, 10464 (1998); Annu. Rev."
        " Neurosci. 24, 139 (2001)), scaled to the same gain. Right: which side has the larger area decides whether"
        " uncorrelated spikes weaken a synapse; the dashed line is what was designed,"
        f" {np.mean(ratios < 1):.0%} of the synapses are on the wrong side of one."
    )
    return Picture("window", "What a pair of spikes does", caption, drawn)


@styled
def _situations(chip: "CMOSSTDP", of_chip: dict, held: dict) -> Picture:
    mean = dict(zip(SITUATIONS, of_chip["windows"].mean((0, 2)), strict=True))
    warm = float(chip.warm_temperature)
    drawn = figure(3.5)
    left, right = drawn.subplots(1, 2)
    names = {"": "300 K", "_warm": f"{warm:g} K", "_aged": "ten years old"}
    for (name, label), colour in zip(names.items(), (CHIP, LOSS, SERIES[2]), strict=True):
        _curve(left, mean[name], color=colour, label=label)
    _curve(right, mean[""], color=CHIP, label="300 K")
    colours = (SERIES[5], SERIES[4], LOSS)
    for (kelvin, windows), colour in zip(held.items(), colours, strict=False):
        _curve(right, windows[:, 2].mean((0, 1)), color=colour, label=f"{kelvin:g} K")
    for axis, title in ((left, "biases are currents"), (right, "biases are gate voltages")):
        _curve(axis, stdp_window.equation(**RULE), color=INK, linestyle=(0, DASHES[0]), linewidth=1.3, label="equations")
        _axes(axis)
        axis.set_title(title)
        axis.legend(loc="lower right", fontsize=8)
    left.set_ylabel("change of weight by one pair (% of range)")
    largest = float(np.abs(mean["_fixed_voltages"]).max())
    caption = (
        f"Means over the synapses of {DIES} dies, at the right {CHUNK}. Bias currents keep the window but for the thermal"
        " voltage in its times and amplitudes, and for leakage, which lowers weights while a pair is under way; thresholds"
        f" that rise by {float(chip.technology.threshold_drift) / MILLI:g} mV in a year shrink it and slow it down. Gate"
        f" voltages that stay make currents of several times the size: at {warm:g} K two spikes"
        f" {INTERVALS[len(INTERVALS) // 2] / MILLI:g} ms apart move a weight by up to {largest:.0%} of its range."
    )
    return Picture("situations", "Warm and old", caption, drawn)


@styled
def _learning(of_chip: dict, ideal: dict, equations: np.ndarray) -> Picture:
    courses = of_chip["course"]  # (dies, blocks, synapses)
    seconds = BLOCK * STEP * np.arange(courses.shape[1] + 1)
    begun = lambda course: np.concatenate([np.full_like(course[..., :1, :], 0.5), course], axis=-2)
    groups = {"correlated": (slice(0, TOGETHER), CHIP), "uncorrelated": (slice(TOGETHER, None), LOSS)}
    drawn = figure(3.6)
    left, right = drawn.subplots(1, 2, width_ratios=(1.4, 1))
    for name, (part, colour) in groups.items():
        mine = begun(courses[..., part])
        low, high = np.percentile(mine, [25, 75], axis=(0, 2))
        left.fill_between(seconds, low, high, color=colour, alpha=0.16, linewidth=0)
        left.plot(seconds, mine.mean((0, 2)), color=colour, label=f"chip, {name} inputs")
        for (label, dashes), course in zip(COURSES.items(), (equations, ideal["course"]), strict=True):
            line = begun(course[..., part]).mean(1)
            told = label if name == "correlated" else None
            left.plot(seconds, line, color=INK, linestyle=(0, dashes), linewidth=1.3, label=told)
    left.set(xlabel="time (s)", ylabel="weight", ylim=(-0.03, 1.03), xlim=(0, seconds[-1]), xticks=seconds[::5])
    left.grid(axis="y")
    bins = np.linspace(0, 1, 11)
    for offset, (course, name) in enumerate(((equations[None], "equations"), (courses, "chip"))):
        for part, colour in groups.values():
            share = np.histogram(course[:, -1, part], bins)[0] / course[:, -1, part].size
            right.bar(bins[:-1] + 0.05, 0.85 * share, 0.088, bottom=1.0 - offset, color=colour, alpha=0.6)
        right.text(0.5, 1.9 - offset, name, ha="center", fontsize=9)
        right.axhline(1.0 - offset, color=SOFT, linewidth=0.8)
    right.set(xlabel="weight after 20 s", yticks=[], xlim=(-0.02, 1.02), ylim=(0, 2))
    right.spines["left"].set_visible(False)
    drawn.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    caption = (
        f"Left: mean weight of the inputs that fire together and of the others; bands hold the middle half of the synapses of"
        f" {DIES} dies. Right: where the weights end, heights are shares of each group. All see the same input; the equations"
        " drive the same neuron."
    )
    return Picture("learning", "Which inputs come together", caption, drawn)


@styled
def _decided(of_chip: dict) -> Picture:
    ratios, weights = of_chip["area_ratios"], of_chip["course"][:, -1]
    drawn = figure(3.2)
    axis = drawn.subplots()
    axis.axvspan(0.4, 1, color=FAINT, alpha=0.5, linewidth=0)
    edges = np.geomspace(0.7, 2.0, 8)
    centres = np.sqrt(edges[1:] * edges[:-1])
    for part, colour, name in ((slice(0, TOGETHER), CHIP, "correlated"), (slice(TOGETHER, None), LOSS, "uncorrelated")):
        x, y = ratios[:, part].ravel(), weights[:, part].ravel()
        axis.scatter(x, y, s=9, color=colour, alpha=0.28, linewidths=0)
        place = np.digitize(x, edges) - 1
        means = [y[place == k].mean() if np.any(place == k) else np.nan for k in range(len(centres))]
        axis.plot(centres, means, color=colour, marker="o", markersize=4, label=f"{name} inputs")
    axis.set_xscale("log")
    axis.set_xticks([0.5, 0.7, 1, 1.2, 1.5, 2, 2.5], ["0.5", "0.7", "1", "1.2", "1.5", "2", "2.5"])
    axis.minorticks_off()
    axis.set(xlim=(0.5, 2.6), xlabel="area of loss / area of gain", ylabel="weight after 20 s")
    axis.grid(axis="y")
    drawn.legend(loc="outside upper left", ncols=2)
    alike = lambda part: np.mean([np.corrcoef(np.log(r[part]), w[part])[0, 1] for r, w in zip(ratios, weights, strict=True)])
    caption = (
        f"Every dot is a synapse of {DIES} dies; lines are means over dots that are neighbours. Where the area of gain is the"
        " larger (grey) a synapse grows whatever its input. The correlation between the logarithm of the ratio and the weight"
        f" is {alike(slice(0, TOGETHER)):.2f} among correlated inputs and {alike(slice(TOGETHER, None)):.2f} among the others."
    )
    return Picture("decided", "What decides a weight", caption, drawn)


@styled
def _area(chip: "CMOSSTDP", of_size: dict, ideal: dict) -> Picture:
    sides = np.sort(list(of_size))
    drawn = figure(3.4)
    left, right = drawn.subplots(1, 2)
    _spreads(left, chip, sides, of_size)
    area = (sides / MICRO) ** 2
    found = [np.asarray(selectivity(jnp.asarray(of_size[side]["course"][:, -1]))) for side in sides]
    for square, values in zip(area, found, strict=True):
        right.scatter(np.full(values.shape, square), values, s=16, color=CHIP, alpha=0.4, linewidths=0)
    right.plot(area, [values.mean() for values in found], color=CHIP, marker="o", markersize=4, label="dies, and their mean")
    levels = {"without imperfections": "selectivity", "equations": "selectivity_of_equations"}
    for (label, name), dashes in zip(levels.items(), DASHES, strict=False):
        right.axhline(float(ideal[name]), color=INK, linestyle=(0, dashes), linewidth=1.3, label=label)
    right.set_xscale("log")
    right.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    right.minorticks_off()
    right.set(xlabel="area of each transistor (µm²)", ylabel="selectivity", ylim=(0, 1))
    for axis, place in ((left, "upper left"), (right, "lower right")):
        axis.grid(axis="y")
        axis.legend(loc=place, fontsize=8)
    caption = (
        "Left: spread of the logarithms over synapses, with the mismatch of one mirror and of the five that make an"
        " amplitude: pulse and gain of the trace, reference and tail of the pair that samples it, pulse onto the weight."
        " Right: mean weight of correlated inputs less that of the others after 20 s."
    )
    return Picture("area", "What area buys", caption, drawn)


def _spreads(axis, chip: "CMOSSTDP", sides: np.ndarray, of_size: dict) -> None:
    technology, inverse = chip.technology, MICRO / sides
    slope = float(technology.gate_coupling * technology.threshold_mismatch / thermal_voltage(technology.temperature)) / MICRO
    told = {
        "potentiation": (CHIP, "o", "amplitude of gain"),
        "depression": (SERIES[5], "s", "amplitude of loss"),
        "pre_time": (LOSS, "o", "time of gain"),
        "post_time": (SERIES[4], "s", "time of loss"),
    }
    for name, (colour, mark, label) in told.items():
        spread = [of_size[side][f"{name}_spread"].mean() for side in sides]
        axis.plot(inverse, spread, mark, color=colour, markersize=5, label=label)
    along = np.linspace(0, 1.05 * inverse.max(), 2)
    for count, dashes, label in ((MIRRORS, DASHES[0], "five mirrors"), (1, DASHES[1], "one mirror, κ σ / U_T")):
        axis.plot(along, np.sqrt(count) * slope * along, color=INK, linestyle=(0, dashes), linewidth=1.2, label=label)
    axis.set(xlabel="1 / √(W L) (1/µm)", ylabel="standard deviation of the logarithm", xlim=(0, None), ylim=(0, None))
