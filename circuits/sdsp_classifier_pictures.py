"""The figures of the chip that learns digits by spikes."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Key
from matplotlib.figure import Figure

from circuits.sdsp_classifier import DIGITS, LESSON, LESSONS, POOL, RULE, STAGES, STEP, Task
from devsim import plot
from devsim.chip import Picture
from devsim.compare import one_die
from devsim.engine import CHUNK, for_each_key
from devsim.randomness import named_key, numbered_keys
from devsim.style import CHIP, GAIN, INK, LOSS, SOFT, figure, styled

if TYPE_CHECKING:
    from circuits.sdsp_classifier import SDSPClassifier

DIES = 4
SHOWN = 10
"""Lessons of the course of one synapse."""


def pictures(chip: "SDSPClassifier", task: Task, key: Key[Array, ""]) -> list[Picture]:
    """Weights, accuracy while learning, one synapse, what is taken for what."""
    found = for_each_key(one_die, (chip, task), numbered_keys(named_key(key, "pictures"), DIES), chunk=min(DIES, CHUNK))
    return [_weights(found), _while_learning(found, task), _synapse(found, task), _confusion(found["taken"].sum(0))]


def _weights(found: dict) -> Picture:
    def rows(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pools = weights.T.reshape(len(DIGITS), POOL, 8, 8)
        return pools[:, 0], pools.mean(1)

    (one, pool), (one_rule, pool_rule) = rows(found["weights"][0]), rows(found["weights_rule"][0])
    images = {"chip,\none neuron": one, "chip,\nmean of pool": pool, "ideal rule,\none neuron": one_rule}
    images["ideal rule,\nmean of pool"] = pool_rule
    caption = (
        f"What the synapses of a pixel hold after {STAGES * LESSONS} lessons: those of one neuron, strong (dark) or weak,"
        f" and the share of strong ones in its pool of {POOL}. One die, and the ideal equations on the same spikes from the"
        " same start."
    )
    drawn = plot.image_grid(images, titles=[str(digit) for digit in DIGITS], limits=(0, 1))
    return Picture("weights", "What was learned", caption, drawn)


def _while_learning(found: dict, task: Task) -> Picture:
    lessons = LESSONS * np.arange(STAGES + 1)
    rule = np.concatenate([found["curve"][:, :1], found["curve_rule"]], axis=1)
    drawn = plot.traces(
        lessons,
        {"chip": found["curve"], "ideal rule": rule},
        x_label="lessons",
        y_label="share of digits named rightly",
        references={"linear regression": float(task.linear), "chance": 1 / len(DIGITS)},
        marks=True,
    )
    caption = f"Accuracy on the test digits while it learns; bands hold the central 90 % of {DIES} dies, from one start each."
    return Picture("learning", "While it learns", caption, drawn)


def _confusion(taken: np.ndarray) -> Picture:
    drawn = plot.heat_map(
        taken / taken.sum(1, keepdims=True), "1", "share of the digit", x_label="named", y_label="true digit", limits=(0, 1)
    )
    return Picture("confusion", "What is taken for what", f"The test digits on {DIES} dies, fresh after learning.", drawn)


def _synapse(found: dict, task: Task) -> Picture:
    last = np.asarray(task.lesson_labels).ravel()
    course = {name: np.asarray(values[0]).reshape(-1, LESSON) for name, values in found["course"]._asdict().items()}
    first = chosen(course["weight"], last)
    part = slice(first, first + SHOWN)
    drawn = synapse({name: values[part].ravel() for name, values in course.items()}, last[part])
    caption = (
        f"One synapse of a neuron of digit {DIGITS[0]} in {SHOWN} lessons with breaks between them; above each, the digit that"
        " is shown. Ticks: spikes of its input. Blue: the membrane, with the threshold between jumps down and up."
        " Calcium: jumps go up in the green window, down in the orange one, and outside of both learning has stopped."
        " Weight: at an event it jumps, between events the latch draws it to the rail on its side of the dashed line."
    )
    return Picture("synapse", "One synapse", caption, drawn)


def chosen(weight: np.ndarray, labels: np.ndarray) -> int:
    """The first of `SHOWN` lessons in which the weight moves furthest and the right digit is among them."""
    window = lambda k: slice(k, k + SHOWN)
    starts = [k for k in range(len(labels) - SHOWN) if (labels[window(k)] == 0).any()]
    return max(starts, key=lambda k: np.ptp(weight[window(k)]))


@styled
def synapse(course: dict[str, np.ndarray], labels: np.ndarray) -> Figure:
    """Membrane, calcium and weight of one synapse over lessons whose digits are `labels`."""
    time = STEP * (1 + np.arange(len(course["weight"])))
    drawn = figure(5.2)
    axes = drawn.subplots(3, 1, sharex=True, height_ratios=(1.2, 1, 1))
    _membrane(axes[0], time, course)
    _calcium(axes[1], time, course["calcium"])
    _weight(axes[2], time, course)
    for k, label in enumerate(labels):
        for axis in axes:
            axis.axvline(k * LESSON * STEP, color=SOFT, linewidth=0.6, alpha=0.6)
        own = {"color": CHIP, "fontweight": "bold"} if label == 0 else {"color": SOFT}
        place = (k + 0.5) * LESSON * STEP
        axes[0].annotate(str(DIGITS[label]), (place, 1.02), xycoords=("data", "axes fraction"), ha="center", va="bottom", **own)
    axes[2].set(xlabel="time (s)", xlim=(0, time[-1]))
    drawn.align_ylabels(axes)
    return drawn


def _membrane(axis, time: np.ndarray, course: dict[str, np.ndarray]) -> None:
    events, spikes = time[course["events"] > 0], time[course["spikes"] > 0]
    axis.plot(time, course["membrane"], color=CHIP, linewidth=0.8)
    axis.vlines(spikes, 1.0, 1.45, color=CHIP, linewidth=0.8)
    axis.vlines(events, -1.45, -1.1, color=INK, linewidth=0.9)
    axis.axhline(float(RULE.membrane_threshold), color=SOFT, linestyle="--", linewidth=1)
    axis.set(ylabel="membrane", ylim=(-1.5, 1.5), yticks=(-1, 0, 1))


def _calcium(axis, time: np.ndarray, calcium: np.ndarray) -> None:
    windows = ((RULE.up_low, RULE.up_high, GAIN), (RULE.down_low, RULE.down_high, LOSS))
    for low, high, colour in windows:
        axis.axhspan(float(low), float(high), color=colour, alpha=0.16, linewidth=0)
    axis.plot(time, calcium, color=INK, linewidth=1)
    axis.set(ylabel="calcium", ylim=(0, None))


def _weight(axis, time: np.ndarray, course: dict[str, np.ndarray]) -> None:
    known = np.flatnonzero(course["events"] > 0)
    axis.plot(time[known], course["weight"][known], color=CHIP, linewidth=1.2, marker="o", markersize=2.5)
    axis.axhline(float(RULE.weight_threshold), color=SOFT, linestyle="--", linewidth=1)
    axis.set(ylabel="weight", ylim=(-0.05, 1.05), yticks=(0, 0.5, 1))
