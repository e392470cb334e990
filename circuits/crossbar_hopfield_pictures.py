"""The figures of the crossbar Hopfield chip."""

import itertools
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import plot
from devsim.chip import Picture
from devsim.engine import for_each_key
from devsim.learning import hopfield
from devsim.randomness import named_key, numbered_keys

if TYPE_CHECKING:
    from circuits.crossbar_hopfield import CrossbarHopfield, Task

DIES = 8
TRIALS = 20
HOUR, DAY, YEAR = 3_600.0, 86_400.0, 31_557_600.0
AGES = {"a second": 1.0, "an hour": HOUR, "a day": DAY, "a month": 30 * DAY, "a year": YEAR}
SHARES = np.array([0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35])


class Asked(NamedTuple):
    """Every cue (n, 64) that the figures need, its target, and which of them belong to which figure."""

    cues: Array
    targets: Array
    shown: slice
    flipped: slice
    hidden: slice
    basin: slice


def pictures(chip: "CrossbarHopfield", task: "Task", key: Key[Array, ""]) -> list[Picture]:
    """Cues and what became of them, overlap in time, basin, ageing, the conductances, the potential lost in the wires."""
    asked = _asked(chip, task, named_key(key, "cues"))
    keys = numbered_keys(named_key(key, "dies"), DIES)
    run = lambda chip, keys: for_each_key(_ends, (chip, task, asked.cues, asked.targets), keys)
    of_chip, of_ideal = run(chip, keys), run(chip.ideal(), keys[:1])
    of_age = [run(chip.set("storage_time", seconds), keys) for seconds in AGES.values()]
    return [
        _recalled(chip, asked, of_chip, of_ideal),
        _overlap_in_time(asked, of_chip, of_ideal),
        _basin(asked, of_chip, of_ideal),
        _ageing(asked, of_age, of_ideal),
        *_maps(chip, task, key),
    ]


def _asked(chip: "CrossbarHopfield", task: "Task", key: Key[Array, ""]) -> Asked:
    shown = jnp.concatenate([hopfield.flip(task.stored, chip.flipped_share, named_key(key, "shown")), task.occluded[::8]])
    repeated = jnp.tile(task.stored, (TRIALS, 1))
    basin = jnp.concatenate([hopfield.flip(repeated, share, named_key(key, f"basin {share}")) for share in SHARES])
    cues = (shown, task.flipped[:200], task.occluded, basin)
    targets = (
        task.stored,
        task.occluded_targets[::8],
        task.flipped_targets[:200],
        task.occluded_targets,
        jnp.tile(repeated, (len(SHARES), 1)),
    )
    ends = np.cumsum([0, *(len(c) for c in cues)])
    parts = [slice(int(a), int(b)) for a, b in itertools.pairwise(ends)]
    return Asked(jnp.concatenate(cues), jnp.concatenate(targets), *parts)


def _ends(chip_and_cues, key: Key[Array, ""]) -> dict[str, Array]:
    """Where cues end on one die, whether that is where they should, and the overlaps on the way."""
    chip, task, cues, targets = chip_and_cues
    found = chip.build(task, named_key(key, "build")).recall(cues, targets, named_key(key, "recall"))
    return {"states": found.states, "right": hopfield.recalled(found.states, targets), "overlaps": found.overlaps}


def _recalled(chip: "CrossbarHopfield", asked: Asked, of_chip: dict, of_ideal: dict) -> Picture:
    images = lambda states: np.asarray(states[asked.shown]).reshape(-1, 8, 8)
    rows = {"cue": asked.cues, "chip": of_chip["states"][0], "ideal": of_ideal["states"][0], "stored": asked.targets}
    caption = (
        f"Left: every stored digit with {float(chip.flipped_share):.0%} of its pixels flipped; right: five with a half hidden."
        " Below each cue, what one die and the ideal network settle on, and what was stored. Orange pixels are wrong."
    )
    drawn = plot.image_grid({label: images(states) for label, states in rows.items()}, reference="stored", limits=(-1, 1))
    return Picture("recall", "Cue, recalled, stored", caption, drawn)


def _overlap_in_time(asked: Asked, of_chip: dict, of_ideal: dict) -> Picture:
    series = {}
    for label, part in (("flipped pixels", asked.flipped), ("hidden half", asked.hidden)):
        series[f"chip, {label}"] = of_chip["overlaps"][:, part].mean(axis=1)
        series[f"ideal, {label}"] = of_ideal["overlaps"][0, part].mean(axis=0)
    steps = np.arange(of_ideal["overlaps"].shape[-1])
    drawn = plot.traces(steps, series, x_label="step of recall", y_label="overlap with the stored picture", marks=True)
    caption = f"Mean overlap over cues after each step; lines are means over {DIES} dies, bands hold the central 90 % of them."
    return Picture("overlap", "Overlap in time", caption, drawn)


def _basin(asked: Asked, of_chip: dict, of_ideal: dict) -> Picture:
    share = lambda right: right[:, asked.basin].reshape(len(right), len(SHARES), -1).mean(axis=-1)
    series = {"chip": share(of_chip["right"]), "ideal": share(of_ideal["right"])[0]}
    drawn = plot.traces(
        100 * SHARES, series, x_label="flipped pixels", x_unit="%", y_label="share recalled exactly", marks=True
    )
    caption = f"Share of cues recalled exactly against the share of flipped pixels ({10 * TRIALS} cues a point, {DIES} dies)."
    return Picture("basin", "How bad a cue may be", caption, drawn)


def _ageing(asked: Asked, of_age: list[dict], of_ideal: dict) -> Picture:
    kinds = {"flipped pixels": asked.flipped, "hidden half": asked.hidden}
    after = lambda part: np.stack([run["right"][:, part].mean(axis=-1) for run in of_age], axis=-1)
    drawn = plot.traces(
        np.array(list(AGES.values())),
        {f"chip, {label}": after(part) for label, part in kinds.items()},
        x_label="time since programming",
        x_unit="s",
        y_label="share recalled exactly",
        references={f"ideal, {label}": float(of_ideal["right"][0, part].mean()) for label, part in kinds.items()},
        log_x=True,
        marks=True,
    )
    caption = (
        f"The same {DIES} dies asked {', '.join(AGES)} after they were programmed: every cell drifts with its own exponent."
    )
    return Picture("ageing", "What time does", caption, drawn)


def _maps(chip: "CrossbarHopfield", task: "Task", key) -> list[Picture]:
    array = chip.stored_die(task, named_key(key, "build")).circuit["array"]
    drive = chip.get("dac.full_scale") * task.stored[0]
    grid = jax.jit(lambda array, drive: array.fields(drive))(array, drive)
    lost = np.abs(np.asarray(drive))[:, None] - np.abs(np.asarray(grid.cell_voltage))
    written = plot.heat_map(
        array.conductances(), "S", "conductance", x_label="bit line (plus, minus, plus, ...)", y_label="word line"
    )
    drop = plot.heat_map(
        lost, "V", "potential lost in the wires", x_label="bit line (plus, minus, plus, ...)", y_label="word line"
    )
    return [
        Picture("conductance", "The memory as written", "Conductance of every cell of one die, as its reads find it.", written),
        Picture(
            "ir_drop",
            "IR drop",
            "Row potential that does not reach the cell while the first stored digit is on the rows.",
            drop,
        ),
    ]
