"""Figures of fits: data with the model through them, what remains, and how parameters differ from device to device."""

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator, NullFormatter

from devsim.fit.population import Population
from devsim.fit.result import Fit
from devsim.style import CHIP, INK, LOSS, SERIES, SOFT, figure, styled
from devsim.units import in_brackets, scaled

MOST_PANELS, MOST_PARAMETERS = 6, 5
DECADES = 300.0
"""The ratio of the ends of a positive axis from which on it is logarithmic."""
WIDE = 30.0
"""And the ratio for an output whose logarithms are compared."""
MOST_TURNS = 40
"""A measurement that turns round more often than this is drawn in the order of its axis, not of its rows."""


@styled
def overlay(fit: Fit) -> Figure:
    """Data and model over the first input, the residuals below; one colour for each value of the other inputs."""
    drawn = figure(4.4)
    above, below = drawn.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    x, label = _axis_of_inputs(fit)
    factor = _measurement(above, fit, x)
    logarithmic = fit.template.residual == "logarithm"
    remaining = np.log(np.abs(fit.trace.measured / fit.trace.predicted)) if logarithmic else (
        (fit.trace.measured - fit.trace.predicted) / factor
    )  # fmt: skip
    for colour, rows in _groups(fit):
        below.plot(x[rows], remaining[rows], ".", color=colour, markersize=3.5)
    below.axhline(0, color=INK, linewidth=0.8)
    below.set_ylabel("ln(data / model)" if logarithmic else f"data − model{_unit_of(fit)}")
    below.yaxis.set_major_locator(MaxNLocator(4))
    below.set_xlabel(label)
    drawn.align_ylabels([above, below])
    above.legend(loc="best")
    return drawn


@styled
def population_overlay(population: Population) -> Figure:
    """Data and model of a few devices, from the first to the last."""
    names = list(population.fits)
    chosen = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, min(MOST_PANELS, len(names))).astype(int))]
    rows = math.ceil(len(chosen) / 2)
    drawn = figure(0.4 + 2.0 * rows)
    axes = drawn.subplots(rows, 2, squeeze=False).ravel()
    for axis, name in zip(axes, chosen, strict=False):
        fit = population.fits[name]
        x, label = _axis_of_inputs(fit)
        _measurement(axis, fit, x)
        axis.set_title(name, fontsize=9, fontweight="normal")
        axis.set_xlabel(label)
    for axis in axes[len(chosen) :]:
        axis.set_axis_off()
    axes[0].legend(loc="best")
    return drawn


@styled
def population_parameters(population: Population) -> Figure:
    """Every parameter over the devices as a histogram, every pair as a cloud with its correlation."""
    paths = list(population.means)[:MOST_PARAMETERS]
    columns = [np.array([fit.parameters[path].value for fit in population.fits.values()]) for path in paths]
    factors = [scaled(float(np.abs(column).max()), population.means[p].unit) for column, p in zip(columns, paths, strict=True)]
    drawn = figure(1.2 + 1.5 * len(paths))
    axes = drawn.subplots(len(paths), len(paths), squeeze=False)
    for i, j in np.ndindex(axes.shape):
        axis, x, y = axes[i, j], columns[j] / factors[j][0], columns[i] / factors[i][0]
        if j > i:
            axis.set_axis_off()
        elif i == j:
            axis.hist(x, bins=min(max(len(x) // 4, 5), 30), color=CHIP, alpha=0.8)
            axis.set_yticks([])
            axis.spines[["left"]].set_visible(False)
        else:
            axis.plot(x, y, ".", color=CHIP, markersize=4, alpha=0.6)
            value = population.correlations[i, j]
            axis.set_title("" if np.isnan(value) else f"correlation {value:+.2f}", fontsize=8, fontweight="normal", color=SOFT)
        for line in (axis.xaxis, axis.yaxis):
            line.set_major_locator(MaxNLocator(3)) if axis.get_yticks().size or line is axis.xaxis else None
        if i == len(paths) - 1:
            axis.set_xlabel(f"{_short(paths[j])}{in_brackets(factors[j][1])}")
        if j == 0 and i:
            axis.set_ylabel(f"{_short(paths[i])}{in_brackets(factors[i][1])}")
    return drawn


def _short(path: str) -> str:
    return path.removeprefix("device.").replace("_", " ")


def _axis_of_inputs(fit: Fit) -> tuple[np.ndarray, str]:
    """The first input in its prefixed unit, and the axis' label."""
    name, x = next(iter(fit.trace.inputs.items()))
    axis = fit.template.inputs[name]
    factor, shown = (1.0, axis.unit) if _spans(x) else scaled(float(np.abs(x).max()), axis.unit)
    return x / factor, f"{name.replace('_', ' ')}{in_brackets(shown)}"


def _measurement(axis: Any, fit: Fit, x: np.ndarray) -> float:
    """Draws data and model; returns the factor by which the output was divided."""
    sizes = np.abs(fit.trace.measured)
    logarithmic = fit.template.residual == "logarithm" and float(sizes.max() / sizes.min()) > WIDE
    size = float(sizes.max())
    factor, shown = (1.0, fit.template.output.unit) if logarithmic else scaled(size, fit.template.output.unit)
    told = (lambda v: np.abs(v)) if logarithmic else (lambda v: v / factor)
    for k, (colour, rows) in enumerate(_groups(fit)):
        order = rows if _turns(x[rows]) <= MOST_TURNS else rows[np.argsort(x[rows])]
        axis.plot(
            x[rows], told(fit.trace.measured[rows]), ".", color=colour, markersize=4, alpha=0.7, label=None if k else "data"
        )
        line = LOSS if colour == CHIP else colour
        axis.plot(x[order], told(fit.trace.predicted[order]), "-", color=line, linewidth=1.5, label=None if k else "model")
    for logarithm, line, set_scale in ((logarithmic, axis.yaxis, axis.set_yscale), (_spans(x), axis.xaxis, axis.set_xscale)):
        if logarithm:
            set_scale("log")
            line.set_major_formatter(EngFormatter(sep="\N{NARROW NO-BREAK SPACE}"))
            line.set_minor_formatter(NullFormatter())
    size_of = "size of " if logarithmic and (fit.trace.measured < 0).any() else ""
    axis.set_ylabel(f"{size_of}{fit.columns[1].replace('_', ' ')}{in_brackets(shown)}")
    return factor


def _unit_of(fit: Fit) -> str:
    return in_brackets(scaled(float(np.abs(fit.trace.measured).max()), fit.template.output.unit)[1])


def _spans(x: np.ndarray) -> bool:
    return bool((x > 0).all()) and float(x.max() / x.min()) > DECADES


def _turns(x: np.ndarray) -> int:
    steps = np.sign(np.diff(x))
    steps = steps[steps != 0]
    return int((steps[1:] != steps[:-1]).sum())


def _groups(fit: Fit) -> list[tuple[str, np.ndarray]]:
    """Colour and rows for each setting of the inputs after the first; one group where there are too many."""
    others = list(fit.trace.inputs.values())[1:]
    everything = [(CHIP, np.arange(len(fit.trace.measured)))]
    if not others:
        return everything
    _, which = np.unique(np.array(others), axis=1, return_inverse=True)
    count = int(which.max()) + 1
    if count > len(SERIES):
        return everything
    return [(SERIES[k], np.flatnonzero(which.ravel() == k)) for k in range(count)] if count > 1 else everything
