"""The figures of the chip that learns by random backpropagation."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Key

from circuits.photonic_random_backprop import (
    METHODS,
    SPLITS,
    STAGES,
    TRIALS,
    UPDATES,
    Task,
)
from devsim import plot
from devsim.chip import Picture
from devsim.compare import one_die
from devsim.engine import for_each_key
from devsim.randomness import named_key, numbered_keys

if TYPE_CHECKING:
    from circuits.photonic_random_backprop import PhotonicRandomBackprop

LABELS = {"rpb": "random backpropagation", "backprop": "backpropagation", "frozen_first_layer": "first layer frozen"}


def pictures(chip: "PhotonicRandomBackprop", task: Task, key: Key[Array, ""]) -> list[Picture]:
    """Accuracy by method and split, accuracy while learning, what is taken for what."""
    found = for_each_key(one_die, (chip, task), numbered_keys(named_key(key, "pictures"), TRIALS))
    share = found["share"]  # (dies, stages, methods, splits)
    return [_by_method(share[:, -1], task), _while_learning(share, task), _confusion(found["taken"].sum(0))]


def _by_method(share: np.ndarray, task: Task) -> Picture:
    groups = {LABELS[name]: share[:, k] for k, name in enumerate(METHODS)} | {"linear regression": np.asarray(task.linear)}
    caption = (
        f"Each dot is the accuracy on the test part of one of {SPLITS} splits, on one of {TRIALS} dies; bars and numbers are"
        " means. Linear regression has no die."
    )
    return Picture("accuracy", "Accuracy by method", caption, plot.dots(groups, x_label="share of irises named rightly"))


def _while_learning(share: np.ndarray, task: Task) -> Picture:
    drawn = plot.traces(
        UPDATES * np.arange(1, STAGES + 1),
        {LABELS[name]: np.moveaxis(share[:, :, k], 1, -1).reshape(-1, STAGES) for k, name in enumerate(METHODS)},
        x_label="updates",
        y_label="share of irises named rightly",
        references={"linear regression": float(np.mean(task.linear))},
        marks=True,
    )
    caption = (
        f"Accuracy on the test parts while the chip learns; bands hold the central 90 % of {SPLITS} splits on {TRIALS} dies."
    )
    return Picture("learning", "While it learns", caption, drawn)


def _confusion(taken: np.ndarray) -> Picture:
    drawn = plot.heat_map(
        taken / taken.sum(1, keepdims=True),
        "1",
        "share of the kind",
        x_label="named (setosa, versicolor, virginica)",
        y_label="true kind",
        limits=(0, 1),
    )
    return Picture("confusion", "What is taken for what", "Random backpropagation, all splits and dies of the figure.", drawn)
