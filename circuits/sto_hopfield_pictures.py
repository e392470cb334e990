"""The figures of the oscillator memory."""

from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import plot, plot_analyses
from devsim.chip import Picture
from devsim.devices.delay import TappedDelays
from devsim.engine import for_each_key
from devsim.learning import phases, storage
from devsim.randomness import named_key, numbered_keys
from devsim.units import engineering

if TYPE_CHECKING:
    from circuits.sto_hopfield import OscillatorMemory, Task

DIES = 4
FRAMES = 100
MOMENTS = (0.05, 0.1, 0.2, 0.5, 1.0)
"""At which shares of the recall pictures are shown."""
COUPLINGS = (1e6, 3e6, 1e7, 3e7, 1e8)
SPREADS = np.geomspace(1e-5, 1e-1, 9)
SETTLING = 30.0
"""Recall times the coupling, after which the softest modes of the pictures have settled too."""
BITS = (1, 2, 3, 4, 5, 6)
LEVELS = np.array([0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15])
"""Tolerated errors, in turns, to which energies are taken."""
HOUR, DAY, YEAR = 3_600.0, 86_400.0, 31_557_600.0
AGES = {"a minute": 60.0, "an hour": HOUR, "a day": DAY, "a month": 30 * DAY, "a year": YEAR}


class Asked(NamedTuple):
    """Cues (n, 192) and targets: first one of each kind for every picture, so that both can be shown."""

    cues: Array
    targets: Array
    kinds: dict[str, slice]


def figures(chip: "OscillatorMemory", task: "Task", key: Key[Array, ""]) -> list[Picture]:
    """Pictures recalled over time, error against time, spread and bits, energy against error, stability, ageing."""
    count = len(task.stored)
    asked = Asked(
        jnp.concatenate([task.corrupted[:count], task.occluded]),
        jnp.concatenate([task.corrupted_targets[:count], task.occluded_targets]),
        {"random pixels": slice(0, count), "hidden half": slice(count, None)},
    )
    keys = numbered_keys(named_key(key, "dies"), DIES)
    return [
        *_over_time(chip, task, asked, keys),
        _against_spread(chip, task, keys),
        _against_energy(chip, task, keys),
        _spectrum(chip, task, key),
        _against_bits(chip, task, keys),
        _ageing(chip, task, keys),
    ]


def recalled(told: tuple, key: Key[Array, ""]) -> dict[str, Array]:
    """Errors (cues, frames + 1) of one die, what it sent, and the power of its parts."""
    chip, task, cues, targets = told
    die = chip.build(task, named_key(key, "build"))
    found = die.network().recall(
        cues, chip.recall_time, named_key(key, "recall"), targets=targets, frames=FRAMES, keep_states=True
    )
    sent = phases.aligned(found.trajectory, targets[:, None])
    return {"errors": found.errors, "sent": sent, "power": sum(die.power().values(), jnp.zeros(()))}


def ends(told: tuple, key: Key[Array, ""]) -> Array:
    """RMS error at the end, in turns, of the first cue of every stored picture on one die."""
    chip, task = told
    count = len(task.stored)
    die = chip.build(task, named_key(key, "build"))
    cues, targets = task.corrupted[:count], task.corrupted_targets[:count]
    found = die.network().recall(cues, chip.recall_time, named_key(key, "recall"), targets=targets, frames=1)
    return jnp.sqrt(jnp.mean(found.errors[:, -1] ** 2))


def _rms(errors: Any, axis: int) -> np.ndarray:
    return np.sqrt(np.mean(np.asarray(errors) ** 2, axis=axis))


def _over_time(chip: "OscillatorMemory", task: "Task", asked: Asked, keys) -> list[Picture]:
    run = lambda chip, keys: for_each_key(recalled, (chip, task, asked.cues, asked.targets), keys)
    of_chip, of_ideal = run(chip, keys), run(chip.ideal(), keys)
    duration = float(chip.recall_time)
    time = np.linspace(0, duration, FRAMES + 1)
    series = {}
    for label, part in asked.kinds.items():
        series[f"chip, {label}"] = _rms(of_chip["errors"][:, part], 1)
        series[f"ideal, {label}"] = _rms(of_ideal["errors"][0, part], 0)
    drawn = plot.traces(
        time,
        {label: 100 * values for label, values in series.items()},
        x_label="time",
        x_unit="s",
        y_label="RMS phase error",
        y_unit="% of a turn",
        references={"tolerated": 100 * float(chip.tolerated_error)},
    )
    caption = (
        "Root of the mean square phase error over pixels and cues, after the common phase is removed; 28.9 % is a random phase."
        f" Lines are means over {DIES} dies, bands hold the central 90 % of them; the ideal has exact weights, no detuning and"
        " no noise."
    )
    return [_recalled(chip, task, of_chip["sent"][0]), Picture("error", "Error in time", caption, drawn)]


def _recalled(chip: "OscillatorMemory", task: "Task", sent: np.ndarray) -> Picture:
    count, duration = len(task.stored), float(chip.recall_time)
    some = np.r_[0:count, count : count + 4 * count : count // 2 - 1][: count + 6]
    target = phases.settle(storage.pseudo_inverse(task.stored, keep_diagonal=False), jnp.asarray(sent[some, 0]), 100)
    goals = jnp.concatenate([task.corrupted_targets[:count], task.occluded_targets])[some]
    rows = {"cue": sent[some, 0]}
    rows |= {engineering(share * duration, "s", typographic=True): sent[some, round(share * FRAMES)] for share in MOMENTS}
    rows |= {"Hopfield": phases.aligned(target, goals), "stored": goals}
    shown = {label: chip.levels(np.asarray(values), np.asarray(goals)) for label, values in rows.items()}
    caption = (
        f"One die. Left: every stored picture with {float(chip.corrupted_share):.0%} of its pixels at random phases; right: six"
        " with a half hidden. Below each cue what the oscillators send as time goes on, where the complex Hopfield network ends"
        f" from the same cue, and what was stored; {chip.seen}."
    )
    return Picture("recall", "Pictures coming back", caption, plot.image_grid(shown, limits=(0, 1)))


def _against_spread(chip: "OscillatorMemory", task: "Task", keys) -> Picture:
    level, frequency = float(chip.tolerated_error), float(chip.get("oscillators.frequency"))
    series, ratios = {}, []
    for coupling in COUPLINGS:
        ideal = chip.ideal().set("oscillators.coupling", coupling).set("recall_time", SETTLING / coupling)
        at = lambda spread: for_each_key(ends, (ideal.set("oscillators.frequency_spread", spread), task), keys[:2])
        errors = np.stack([at(spread) for spread in SPREADS], axis=-1)
        series[_rate(coupling)] = 100 * errors
        ratios.append(breakdown(SPREADS, errors.mean(axis=0), level) * frequency / coupling)
    drawn = plot.traces(
        SPREADS,
        series,
        x_label="relative spread of frequencies",
        y_label="RMS phase error",
        y_unit="% of a turn",
        references={"tolerated": 100 * level},
        log_x=True,
        marks=True,
    )
    caption = (
        f"Error after a time of {SETTLING:g} over the feedback strength, all else ideal, two dies, for five strengths. The"
        " spread at which it passes the tolerated error, times frequency over feedback strength, is"
        f" {', '.join(f'{ratio:.3g}' for ratio in ratios)}: it scales as the one over the other while the pull is slow beside"
        " the relaxation of the amplitude."
    )
    return Picture("spread", "Error against spread of frequencies", caption, drawn)


def _rate(coupling: float) -> str:
    """A rate in words, from the exponent of ten."""
    power = int(np.floor(np.log10(coupling)))
    return f"{coupling / 10**power:.2g}e{power} 1/s"


def breakdown(spreads: np.ndarray, errors: np.ndarray, level: float) -> float:
    """The spread at which rising `errors` pass `level`, between points by the logarithm of both; NaN where they do not."""
    above = np.flatnonzero(errors > level)
    if not len(above) or above[0] == 0:
        return float("nan")
    k = above[0]
    return float(np.exp(np.interp(np.log(level), np.log(errors[k - 1 : k + 1]), np.log(spreads[k - 1 : k + 1]))))


def _against_energy(chip: "OscillatorMemory", task: "Task", keys) -> Picture:
    count = len(task.stored)
    cues, targets = task.corrupted[:count], task.corrupted_targets[:count]
    series = {}
    for coupling in COUPLINGS[1:]:
        strong = chip.set("oscillators.coupling", coupling).set("recall_time", SETTLING / coupling)
        found = for_each_key(recalled, (strong, task, cues, targets), keys)
        errors = _rms(found["errors"], 1)
        late = errors[:, None, :] > LEVELS[:, None]
        steps = FRAMES + 1 - np.argmax(late[..., ::-1], axis=-1)
        time = np.where(late[..., -1], np.nan, steps * np.where(late.any(-1), 1.0, 0.0)) * SETTLING / coupling / FRAMES
        energy = np.mean(time * found["power"][:, None], axis=0)
        series[_rate(coupling)] = energy
    drawn = plot.traces(
        100 * LEVELS, series, x_label="RMS phase error", x_unit="% of a turn", y_label="energy", y_unit="J",
        references={"published at 5 %": 130e-9}, marks=True,
    )  # fmt: skip
    terms = ", ".join(
        f"{name} {engineering(float(watts), 'W')}"
        for name, watts in chip.build(task, named_key(keys[0], "build")).power().items()
    )
    caption = (
        f"Energy until the error stays below a level, for four feedback strengths; no point where it does not. Power: {terms}."
        " Published: Prasad et al., Neuromorph. Comput. Eng. 2, 034003 (2022), 5 us and 130 nJ, whose parameters are others."
    )
    return Picture("energy", "Energy against error", caption, drawn)


def _spectrum(chip: "OscillatorMemory", task: "Task", key: Key[Array, ""]) -> Picture:
    die = chip.ideal().build(task, named_key(key, "build"))
    network = die.network()
    found = [network.stability(pattern) for pattern in task.stored]
    drawn = plot_analyses.stability_spectrum(dict(zip(chip.names(), found, strict=True)))
    caption = (
        "Rates at which the ideal weights bring back each mode of the phases, in units of the pull; one at zero would be"
        " neutral. The numbers say by how much more than a field of one the pattern suffers from detuning."
    )
    return Picture("stability", "How firmly each picture is held", caption, drawn)


def _against_bits(chip: "OscillatorMemory", task: "Task", keys) -> Picture:
    of_chains = [for_each_key(ends, (chip.set("weights.delay_bits", bits), task), keys) for bits in BITS]
    lines = tapped(chip, 2 ** BITS[-1])
    of_lines = [for_each_key(ends, (lines.set("weights.tap_step", 2 ** (BITS[-1] - bits)), task), keys) for bits in BITS]
    series = {
        "a chain for each link": 100 * np.stack(of_chains, axis=-1),
        "a tapped line for each oscillator": 100 * np.stack(of_lines, axis=-1),
    }
    drawn = plot.traces(
        np.array(BITS), series, x_label="bits of a delay", y_label="RMS phase error", y_unit="% of a turn",
        references={"tolerated": 100 * float(chip.tolerated_error)}, marks=True,
    )  # fmt: skip
    caption = (
        f"Error at the end against the resolution of the delays, all other imperfections as they are, {DIES} dies: 2^bits"
        f" levels of a chain's delay, or as many used taps of a line of {2 ** BITS[-1]}."
    )
    return Picture("bits", "How finely delays must be set", caption, drawn)


def tapped(chip: "OscillatorMemory", taps: int) -> "OscillatorMemory":
    """The same chip with one line of `taps` taps for each oscillator in place of a chain for each link.

    Pieces of a line err so that together they err as much as a chain.
    """
    from circuits.sto_hopfield import joined

    chains = chip.circuit["weights"]
    rows, columns = chains.shape()
    names = ("frequency", "load_capacitance", "inverter_resistance", "supply_voltage", "leakage_current", "coupling_spread")
    shared = {name: getattr(chains, name) for name in names} | {"delay_spread": chains.delay_spread / np.sqrt(taps - 1)}
    cell = chains.cell.of((1, rows, taps - 1), minimum_conductance=1e-7, maximum_conductance=1e-4)
    knobs = {name: getattr(chains.cell, name) for name in ("write_noise", "drift", "drift_spread", "read_noise")}
    lines = TappedDelays.of(rows, columns, taps, cell=cell.put(**knobs), **shared)
    return chip.put(circuit=joined(chip.circuit["oscillators"], lines))


def _ageing(chip: "OscillatorMemory", task: "Task", keys) -> Picture:
    errors = [for_each_key(ends, (chip.set("storage_time", seconds), task), keys) for seconds in AGES.values()]
    drawn = plot.traces(
        np.array(list(AGES.values())), {"chip": 100 * np.stack(errors, axis=-1)}, x_label="time since programming", x_unit="s",
        y_label="RMS phase error", y_unit="% of a turn", references={"tolerated": 100 * float(chip.tolerated_error)},
        log_x=True, marks=True,
    )  # fmt: skip
    caption = (
        f"The same {DIES} dies asked {', '.join(AGES)} after their memristors were written: they drift, and delays with them."
    )
    return Picture("ageing", "What time does", caption, drawn)
