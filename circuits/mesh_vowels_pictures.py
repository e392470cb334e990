"""The figures of the chip that names vowels."""

from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from circuits.mesh_vowels import CLASSES, WAYS, Task, kinds
from devsim import plot
from devsim.chip import Picture
from devsim.engine import for_each_key
from devsim.randomness import named_key, numbered_keys

if TYPE_CHECKING:
    from circuits.mesh_vowels import MeshVowels

DIES = 16
SPREADS = np.array([0.0, 0.01, 0.02, 0.04, 0.07, 0.1])
LABELS = {"programmed": "as programmed", "corrected": "splitters corrected", "in_situ": "taught further"}
MESHES = tuple(f"{layer}.core.{mesh}.splitter_spread" for layer in ("hidden", "output") for mesh in ("first", "last"))


def pictures(chip: "MeshVowels", task: Task, key: Key[Array, ""]) -> list[Picture]:
    """Accuracy of dies, what splitters cost, what is taken for what."""
    keys = numbered_keys(named_key(key, "pictures"), DIES)
    named = lambda chip, keys=keys: for_each_key(_named, (chip, task), keys)
    labels = np.asarray(task.test_labels)
    right = lambda named: (named == labels).mean(-1)  # (dies, ways)
    perfect = float(right(named(chip.ideal(), keys[:4]))[0, 0])
    of_chip, swept = named(chip), []
    for spread in SPREADS:
        variant = chip
        for path in MESHES:
            variant = variant.set(path, spread)
        swept.append(right(named(variant)))
    return [
        _by_way(right(of_chip), perfect),
        _splitters(np.stack(swept, axis=-1), perfect),
        _confusion(of_chip[:, 0], labels),
    ]


def _named(chip_and_task: tuple["MeshVowels", Task], key: Key[Array, ""]) -> Array:
    """The classes that one die names, (ways, tests)."""
    chip, task = chip_and_task
    die = chip.build(task, named_key(key, "build"))
    return jnp.argmax(die.answers(task, named_key(key, "measure")), axis=-1)


def _by_way(right: np.ndarray, perfect: float) -> Picture:
    groups = {LABELS[way]: right[:, k] for k, way in enumerate(WAYS)}
    drawn = plot.dots(groups, x_label="share named rightly", references={"ideal network": perfect})
    caption = f"Each dot is one of {DIES} dies; bars and numbers are means. All three start from the same weights."
    return Picture("accuracy", "Dies by what was done to them", caption, drawn)


def _splitters(right: np.ndarray, perfect: float) -> Picture:
    drawn = plot.traces(
        1e3 * SPREADS,
        {LABELS[way]: right[:, k] for k, way in enumerate(WAYS)},
        x_label="standard deviation of the splitters' angles (mrad)",
        y_label="share named rightly",
        references={"ideal network": perfect},
        marks=True,
    )
    caption = f"The same {DIES} dies with better and worse splitters; bands hold the central 90 % of the dies."
    return Picture("splitters", "What splitters cost", caption, drawn)


def _confusion(named: np.ndarray, labels: np.ndarray) -> Picture:
    hits = named[..., None] == np.arange(CLASSES)
    counts = np.stack([hits[:, labels == kind].sum((0, 1)) for kind in range(CLASSES)])
    drawn = plot.heat_map(
        counts / counts.sum(1, keepdims=True),
        "1",
        "share of the kind",
        x_label=f"named ({', '.join(kinds())})",
        y_label="true kind",
    )
    return Picture("confusion", "What is taken for what", f"As programmed, over {DIES} dies and the whole test part.", drawn)
