"""Measures what was published of the oscillator memory and rewrites the table of claims in README.md beside it.

Run as `python -m circuits.sto_hopfield_claims`, or `make claims`. An error is the root of the mean square difference of phases
over the 192 oscillators after their common phase is removed, in per cent of a turn; a cue is recalled where it ends at 5 % or
less. Intervals are of 95 %: Student's over dies or draws, Clopper and Pearson's of shares, for which each die of the chips has
a task of its own. In a mean time a cue that never arrives counts as the whole recall.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key
from scipy import stats

from circuits import results
from circuits.sto_hopfield import OSCILLATORS, STAGES, STORED, OscillatorMemory, StoHopfield, StoHopfieldRandom, Task
from circuits.sto_hopfield_pictures import BITS, COUPLINGS, SETTLING, SPREADS, breakdown, ends
from devsim.compare import interval, one_die
from devsim.devices.magnetic import PhaseOscillator
from devsim.devices.synaptic_array import IdealArray
from devsim.engine import for_each_key
from devsim.files import replace_file
from devsim.learning import phases, storage
from devsim.learning.oscillator_network import OscillatorNetwork
from devsim.provenance import provenance
from devsim.randomness import named_key, numbered_keys
from devsim.units import engineering

SEED, DIES = 0, 8
PAGE = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- oscillators: begin -->", "<!-- oscillators: end -->"
NEURONS = 768
LOADS = (16, 20, 24, 28, 32, 36, 40)
"""Patterns stored by Hebb's rule in `NEURONS` neurons."""
SCENARIOS: dict[str, tuple[float, float, dict[str, float]]] = {
    "25 MHz, 1e6 1/s": (25e6, 1e6, {"weights.load_capacitance": 1.2e-14}),
    "300 MHz, 1e7 1/s": (300e6, 1e7, {}),
    "1 GHz, 3.3e7 1/s": (1e9, 3.3e7, {}),
}
"""Carrier (Hz), feedback strength (1/s), and the load with which the delays of a slow one span its period."""


def share_of(right: Any) -> str:
    """A share of successes with its interval."""
    right = np.asarray(right).ravel()
    told = stats.binomtest(int(right.sum()), right.size).proportion_ci()
    return f"{right.mean():.3f} ({told.low:.3f} to {told.high:.3f}; {right.size} cues)"


def mean_of(values: Any, unit: str = "1") -> str:
    """A mean over dies with its interval; errors, of unit 1, in per cent."""
    mean, low, high = interval(np.asarray(values))
    if unit == "1":
        return f"{100 * mean:.2f} % ({100 * low:.2f} to {100 * high:.2f})"
    return f"{engineering(mean, unit, typographic=True)} ({engineering(low, unit)} to {engineering(high, unit)})"


def set_all(chip: OscillatorMemory, knobs: dict[str, float]) -> OscillatorMemory:
    """The chip with several knobs set."""
    for path, value in knobs.items():
        chip = chip.set(path, value)
    return chip


def recalled(chip: OscillatorMemory, key: Key[Array, ""]) -> Array:
    """Errors at the end of every cue with corrupted pixels on one die, with cues of its own."""
    task = chip.task(named_key(key, "task"))
    die = chip.build(task, named_key(key, "build"))
    found = die.network().recall(task.corrupted, chip.recall_time, key, targets=task.corrupted_targets, frames=1)
    return found.errors[:, -1]


def by_rule(rule: str, key: Key[Array, ""]) -> Array:
    """Errors of ideal phase oscillators with twelve random patterns, from 30 % of random phases, four cues each."""
    patterns = jnp.exp(2j * jnp.pi * jax.random.uniform(named_key(key, "patterns"), (STORED, OSCILLATORS)))
    cues = phases.scramble(jnp.tile(patterns, (4, 1)), 0.3, named_key(key, "cues"))
    empty = IdealArray(jnp.zeros((OSCILLATORS, OSCILLATORS), complex))
    network = OscillatorNetwork(PhaseOscillator.of(OSCILLATORS, linewidth=0.0), empty).store(patterns, key, rule=rule)
    return network.recall(cues, 1e-5, key, targets=jnp.tile(patterns, (4, 1)), frames=1).errors[:, -1]


def stays(load: int, key: Key[Array, ""]) -> Array:
    """The share of `load` random patterns that stay where they are with the weights of Hebb's rule."""
    patterns = jnp.exp(2j * jnp.pi * jax.random.uniform(key, (load, NEURONS)))
    ends = phases.settle(storage.hebb(patterns), patterns, 300)
    return jnp.mean(phases.phase_error(ends, patterns) <= 0.05, dtype=float)


def hebbian_capacity(keys: Key[Array, " n"]) -> np.ndarray:
    """Patterns over neurons at which half of the patterns stored by Hebb's rule stay where they are, for each key."""
    shares = np.stack([for_each_key(stays, load, keys) for load in LOADS], axis=-1)
    return np.array([np.interp(-0.5, -row, np.array(LOADS)) for row in shares]) / NEURONS


def against_spread(chip: OscillatorMemory, task: Task, coupling: float, keys: Key[Array, " n"]) -> str:
    """Error against spread, all else ideal, and the spread at which it passes 5 %."""
    ideal = set_all(chip.ideal(), {"oscillators.coupling": coupling, "recall_time": SETTLING / coupling})
    at = lambda spread: for_each_key(ends, (ideal.set("oscillators.frequency_spread", spread), task), keys)
    errors = np.stack([at(spread) for spread in SPREADS], axis=-1)
    curve = ", ".join(f"{s:.1g}: {100 * e:.2g}" for s, e in zip(SPREADS, errors.mean(axis=0), strict=True))
    frequency = float(chip.get("oscillators.frequency"))
    mean, low, high = interval(np.array([breakdown(SPREADS, each, 0.05) for each in errors]) * frequency / coupling)
    return f"{curve}; 5 % at {mean:.4f} ({low:.4f} to {high:.4f}) coupling / frequency, {len(keys)} dies"


def parameters(chip: OscillatorMemory) -> str:
    """What makes the energy."""
    paths = {
        "bias": "oscillators.bias_current",
        "resistance": "oscillators.resistance",
        "amplifier": "oscillators.amplifier_power",
        "load": "weights.load_capacitance",
        "supply": "weights.supply_voltage",
        "leakage": "weights.leakage_current",
    }
    told = {name: chip.entry(path) for name, path in paths.items()}
    return ", ".join(f"{name} {engineering(float(e.value), e.quantity.unit)}" for name, e in told.items())


def scenario(frequency: float, coupling: float, knobs: dict[str, float], key: Key[Array, ""]) -> list[str]:
    """What a chip with a spread of 1e-3 does; linewidth, errors of delays and time of recall in proportion to its speed."""
    scaled = {
        "oscillators.frequency": frequency,
        "oscillators.coupling": coupling,
        "oscillators.linewidth": coupling / 100,
        "oscillators.frequency_spread": 1e-3,
        "weights.delay_spread": 6e-3 / frequency,
        "weights.delay_bits": 5,
        "recall_time": 20 / coupling,
    }
    chip = set_all(StoHopfield.design(), knobs | scaled)
    found = for_each_key(one_die, (chip, chip.task(named_key(key, "task"))), numbered_keys(named_key(key, "dies"), DIES))
    power = found["energy_per_recall"] / found["time_to_5_percent"]
    told = {"recall_success": "1", "rms_error": "1", "time_to_5_percent": "s", "energy_per_recall": "J"}
    return [*(mean_of(found[name], unit) for name, unit in told.items()), engineering(float(power.mean()), "W")]


def claims(key: Key[Array, ""]) -> list[str]:
    """The rows of the table: published claim, what was measured."""
    keys = numbered_keys(named_key(key, "dies"), DIES)
    rows = []
    for chip in (StoHopfield.design(), StoHopfieldRandom.design()):
        errors = for_each_key(recalled, chip, keys)
        rows.append(f"| 12 patterns in 192 from 30 % corruption, `{chip.name}` | recalled: {share_of(errors <= 0.05)} |")
    for rule in ("pseudo_inverse", "hebb"):
        errors = np.concatenate([by_rule(rule, k) for k in keys[:4]])
        rows.append(f"| the same by `{rule}`, random phases, ideal hardware | recalled: {share_of(errors <= 0.05)} |")
    mean, low, high = interval(hebbian_capacity(keys[:4]))
    rows.append(
        f"| Hebbian capacity, {NEURONS} neurons | half of the patterns stay at {mean:.4f} ({low:.4f} to {high:.4f}) N;"
        " theory 0.038 N |"
    )
    chip = StoHopfield.design()
    task = chip.task(named_key(key, "task"))
    for coupling in COUPLINGS:
        told = against_spread(chip, task, coupling, keys[:4])
        rows.append(f"| error (%) against spread, feedback {coupling:.0e} 1/s at 300 MHz | {told} |")
    for bits in BITS:
        errors = for_each_key(ends, (chip.set("weights.delay_bits", bits), task), keys)
        rows.append(f"| delays of {bits} bits | {mean_of(errors)} |")
    found = for_each_key(one_die, (chip, task), keys)
    for metric, unit in {"time_to_5_percent": "s", "energy_per_recall": "J"}.items():
        rows.append(f"| {metric.replace('_', ' ')} as designed | {mean_of(found[metric], unit)} |")
    rows.append(f"| parameters of that energy, {STAGES} inverters a link | {parameters(chip)} |")
    return rows


def main() -> None:
    """Measure, then rewrite the page in one step."""
    results.replaced(PAGE.read_text(encoding="utf-8"), "", BEGIN, END)
    key = jax.random.key(SEED)
    lines = [results.made_with(dict(provenance())), "", "| claim | measured |", "| --- | --- |", *claims(key), ""]
    lines += ["| at a spread of 1e-3 | recalled | error | time to 5 % | energy | power |"]
    lines += ["| --- | ---: | ---: | ---: | ---: | ---: |"]
    lines += [f"| {name} | {' | '.join(scenario(*told, key))} |" for name, told in SCENARIOS.items()]
    page = results.replaced(PAGE.read_text(encoding="utf-8"), "\n".join(lines), BEGIN, END)
    replace_file(PAGE, lambda file: file.write_text(page, encoding="utf-8"))


if __name__ == "__main__":
    main()
