"""The figures of the chip that learns by contrastive Hebbian learning."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Key

from devsim import plot
from devsim.chip import Picture
from devsim.engine import for_each_key
from devsim.learning import baselines
from devsim.randomness import named_key, numbered_keys

if TYPE_CHECKING:
    from circuits.mzi_contrastive_hebbian import ContrastiveHebbianChip, Task

DIES = 4
KINDS = {"incoherent": "powers", "homodyne": "homodyne", "svd": "any real weights", "ideal": "ideal"}


def pictures(chip: "ContrastiveHebbianChip", task: "Task", key: Key[Array, ""]) -> list[Picture]:
    """Errors while learning, and what one die answers at the end, all on the same mapping."""
    keys = numbered_keys(named_key(key, "dies"), DIES)
    found = for_each_key(_learned, (chip, task), keys)
    return [_curves(task, found), _outputs(task, found)]


def _learned(chip_and_task, key: Key[Array, ""]) -> dict:
    chip, task = chip_and_task
    die = chip.build(task, named_key(key, "build"))
    return {kind: die.learn(kind, task.inputs, task.targets, named_key(key, kind)) for kind in KINDS}


def _curves(task: "Task", found: dict) -> Picture:
    errors = {label: found[kind].errors for kind, label in KINDS.items()}
    epochs = np.arange(errors["ideal"].shape[-1])[1:]
    drawn = plot.traces(
        epochs,
        {label: curve[:, 1:] for label, curve in errors.items()},
        x_label="epoch",
        y_label="error",
        log_x=True,
        references={
            "best constant": float(baselines.best_constant(task.targets)),
            "least squares": float(baselines.least_squares(task.inputs, task.targets)),
        },
    )
    caption = f"Error after each epoch on one mapping; lines are means over {DIES} dies, bands hold the central 90 % of them."
    return Picture("learning", "Learning", caption, drawn)


def _outputs(task: "Task", found: dict) -> Picture:
    rows = {"wanted": task.targets} | {label: found[kind].outputs[0] for kind, label in KINDS.items()}
    images = {label: np.asarray(values)[:, None, :] for label, values in rows.items()}
    caption = "The outputs of one die for every pattern (a column each; 0.1 is dark or light, 0.9 the other)."
    return Picture("outputs", "What it answers", caption, plot.image_grid(images, limits=(0, 1)))
