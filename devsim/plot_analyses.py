"""Figures of the analyses: waveforms over time, magnitude and phase over frequency, noise by contributor.

Every function takes the dataset of its analysis and returns a `matplotlib.figure.Figure` of its own.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, MultipleLocator, NullFormatter

from devsim.analyses.phase_stability import PhaseStability
from devsim.style import IDEAL, INK, SERIES, SOFT, figure, styled
from devsim.units import engineering, in_brackets, scaled, symbol

MOST = len(SERIES)
"""Curves in one figure; of more, those asked for and those that move most are drawn, and the rest is counted."""
FINEST = 4000
"""Points of one curve; of more, the extremes of equal stretches are drawn."""
LEAST = 1e-12
"""Magnitudes below this share of the largest are not drawn: they are rounding."""


class Curve(NamedTuple):
    """Values over time or frequency, and their unit."""

    unit: str
    values: np.ndarray


@styled
def transient_lines(found: xr.Dataset, *, first: Sequence[str] = ()) -> Figure:
    """What a transient kept, over time: one panel per unit, one line per net or lane of a bus.

    found: as from `Trajectory.dataset()`; of waves (W^0.5) the power is drawn, of other complex values the magnitude.
    first: names that are drawn before others where there are too many.
    """
    curves = time_curves(found)
    shown, rest = chosen(curves, first, _swing)
    units = list(dict.fromkeys(curve.unit for curve in shown.values())) or ["1"]
    drawn = figure(1.1 + (2.4 if len(units) == 1 else 1.7 * len(units)))
    axes = drawn.subplots(len(units), 1, squeeze=False, sharex=True)[:, 0]
    time = np.asarray(found["time"])
    factor, time_unit = scaled(float(np.abs(time).max(initial=0.0)), "s")
    colours = dict(zip(shown, SERIES, strict=False))
    for axis, unit in zip(axes, units, strict=True):
        _waveforms(axis, time / factor, {name: c for name, c in shown.items() if c.unit == unit}, unit, colours)
    axes[-1].set_xlabel(f"time{in_brackets(time_unit)}{_more(rest)}")
    axes[-1].set_xlim(time.min(initial=0.0) / factor, max(time.max(initial=0.0), 1e-300) / factor)
    _legend(drawn, axes, list(shown))
    return drawn


def time_curves(found: xr.Dataset) -> dict[str, Curve]:
    """Every line of a transient by name: lanes of a bus as `net[k]`, complex values as power or magnitude."""
    curves: dict[str, Curve] = {}
    for key, variable in found.data_vars.items():
        name, values, unit = str(key), np.asarray(variable, float), variable.attrs.get("units", "1")
        stem = name.removesuffix(".real")
        if name.endswith(".imag") and f"{name.removesuffix('.imag')}.real" in found:
            continue
        if name != stem and f"{stem}.imag" in found:
            name, values = stem, np.hypot(values, np.asarray(found[f"{stem}.imag"], float))
            name, values, unit = (name, values**2, "W") if unit == "W^0.5" else (f"|{name}|", values, unit)
        curves |= _lanes(name, values, unit)
    return curves


@styled
def stability_spectrum(found: Mapping[str, PhaseStability]) -> Figure:
    """The rates of all modes of each of `found`, name -> `phase_stability` of a pattern, and by how much it raises detuning."""
    drawn = figure(0.8 + 0.3 * len(found))
    axis = drawn.subplots()
    for place, (each, colour) in enumerate(zip(found.values(), SERIES * len(found), strict=False)):
        rates = np.asarray(each.rates)
        aside = 0.28 * np.sin(2.4 * np.arange(rates.size))  # the golden angle: neighbours in order never touch
        axis.scatter(rates, place + aside, s=9, color=colour, alpha=0.5, linewidths=0)
        raised = f"× {float(each.static_error(1.0)):.3g}"
        axis.text(1.02, place, raised, transform=axis.get_yaxis_transform(), va="center", fontsize=9)
    axis.axvline(0, color=SOFT, linewidth=0.8)
    axis.set_yticks(range(len(found)), list(found))
    axis.set_ylim(len(found) - 0.5, -0.5)
    axis.grid(axis="x")
    axis.spines[["left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel("rate at which a mode of the phases is brought back, of the pull")
    return drawn


@styled
def bode(found: xr.Dataset, *, first: Sequence[str] = ()) -> Figure:
    """Magnitude in decibels over phase in degrees, both over frequency; nets that do not answer are left out.

    found: `net.magnitude` and `net.phase` (degrees) over `frequency`. first: as for `transient_lines`.
    """
    sizes: dict[str, Curve] = {}
    phases: dict[str, Curve] = {}
    for key, variable in found.data_vars.items():
        name, _, kind = str(key).rpartition(".")
        if kind in ("magnitude", "phase"):
            (sizes if kind == "magnitude" else phases).update(_lanes(name, np.asarray(variable, float), ""))
    top = max((np.nanmax(curve.values, initial=0.0) for curve in sizes.values()), default=0.0)
    heard = {name: curve for name, curve in sizes.items() if np.nanmax(curve.values, initial=0.0) > LEAST * top}
    shown, rest = chosen(heard, first, lambda curve: np.nanmax(curve.values))
    drawn = figure(4.6)
    upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=(1.25, 1))
    frequency = np.asarray(found["frequency"])
    for (name, curve), colour in zip(shown.items(), SERIES, strict=False):
        size = np.where(curve.values > LEAST * top, curve.values, np.nan)
        phase = np.where(np.isnan(size), np.nan, _continuous(phases[name].values))
        mark = "o" if frequency.size == 1 else None
        upper.plot(frequency, 20 * np.log10(size), color=colour, label=_label(name), marker=mark)
        lower.plot(frequency, phase, color=colour, marker=mark)
    upper.set_ylabel("magnitude (dB)")
    lower.set_ylabel("phase (degrees)")
    lower.yaxis.set_major_locator(MultipleLocator(_phase_step(*lower.get_ylim())))
    upper.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 3, 6, 10]))
    for axis in (upper, lower):
        _frequency_axis(axis, frequency)
    lower.set_xlabel(f"frequency (Hz){_more(rest)}")
    _legend(drawn, [upper], list(shown))
    return drawn


@styled
def noise_densities(found: xr.Dataset) -> Figure:
    """Noise density over frequency, the square root of it as instruments show it: the total and its largest sources.

    found: as from `NoiseSpectrum.dataset()`, one-sided densities.
    """
    frequency = np.asarray(found["frequency"])
    squared = str(found["density"].attrs.get("units", "V^2/Hz")).removesuffix("^2/Hz")
    names = [str(name) for name in found["source"].values]
    parts = dict(zip(names, np.asarray(found["by_source"], float), strict=True))
    powers = {name: _power(part, frequency) for name, part in parts.items()}
    order = sorted((name for name in names if parts[name].any()), key=lambda name: -powers[name])
    total = np.asarray(found["density"], float)
    drawn = figure(3.4)
    axis = drawn.subplots()
    alone = len(order) == 1
    mark = "o" if frequency.size == 1 else None
    for name, colour in zip(order[: MOST - 1], SERIES, strict=False):
        axis.plot(frequency, _root(parts[name]), color=colour, label=_label(name), marker=mark)
    if others := order[MOST - 1 :]:
        label = f"{len(others)} other source{'s' * (len(others) > 1)}"
        axis.plot(frequency, _root(sum(parts[name] for name in others)), color=IDEAL, label=label, marker=mark)
    if not alone:
        axis.plot(frequency, _root(total), color=INK, linewidth=2.6, label="total", marker=mark, zorder=1.9)
    _frequency_axis(axis, frequency)
    if total.any():
        axis.set_yscale("log")
        axis.set_ylim(max(axis.get_ylim()[0], np.sqrt(total.max()) * 1e-5), None)
        axis.yaxis.set_minor_formatter(NullFormatter())
    axis.yaxis.set_major_formatter(EngFormatter(sep="\N{NARROW NO-BREAK SPACE}"))
    axis.set_ylabel(f"noise density ({symbol(squared)}/√Hz)")
    axis.set_xlabel("frequency (Hz)")
    rms = engineering(float(np.sqrt(found["integrated"])), squared, typographic=True)
    ends = " to ".join(engineering(float(f), "Hz", typographic=True) for f in (frequency[0], frequency[-1]))
    told = f"{rms} rms from {ends}" if frequency.size > 1 else ends.partition(" to ")[0]
    axis.set_title(f"{found.attrs.get('output', 'output')}: {told}", fontsize=9, fontweight="normal", color=SOFT, loc="left")
    _legend(drawn, [axis], ["total", *order[:MOST]])
    return drawn


def chosen(curves: Mapping[str, Curve], first: Sequence[str], size) -> tuple[dict[str, Curve], int]:
    """At most `MOST` of `curves`, in their order, and how many are left out.

    Those named in `first` (their lanes too) come before those of which `size(curve)` is largest within their unit, nets
    inside of a part (with a `#`) last.
    """
    largest = {curve.unit: max(size(c) for c in curves.values() if c.unit == curve.unit) for curve in curves.values()}
    stem = lambda name: name.partition("[")[0].strip("|").removesuffix(".real").removesuffix(".imag")
    wanted = lambda name: name in first or stem(name) in first
    rank = lambda name: (not wanted(name), "#" in name, -size(curves[name]) / (largest[curves[name].unit] or 1.0))
    kept = set(sorted(curves, key=rank)[:MOST])
    return {name: curve for name, curve in curves.items() if name in kept}, len(curves) - len(kept)


def thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two points, the lowest and the highest, for each of `FINEST / 2` stretches of a long curve; short ones as they are."""
    if x.size <= FINEST:
        return x, y
    edges = np.linspace(0, x.size, FINEST // 2 + 1).astype(int)
    known = np.where(np.isfinite(y), y, y[np.isfinite(y)][:1].sum())
    keep = [{a + int(np.argmin(known[a:b])), a + int(np.argmax(known[a:b]))} for a, b in pairwise(edges)]
    where = np.array(sorted({0, x.size - 1}.union(*keep)))
    return x[where], y[where]


def _swing(curve: Curve) -> float:
    known = curve.values[np.isfinite(curve.values)]
    return float(known.max() - known.min()) if known.size else 0.0


def _waveforms(axis, x: np.ndarray, curves: Mapping[str, Curve], unit: str, colours: Mapping[str, str]) -> None:
    size = max((float(np.nanmax(np.abs(c.values), initial=0.0)) for c in curves.values()), default=0.0)
    factor, shown = scaled(size, unit)
    for name, curve in curves.items():
        axis.plot(*thinned(x, curve.values / factor), color=colours[name], label=_label(name), linewidth=1.5)
    axis.grid(axis="y")
    axis.yaxis.set_major_locator(MaxNLocator(6))
    what = {"V": "potential", "W": "power", "events": "events"}.get(unit, "value")
    axis.set_ylabel(what if what == unit else f"{what}{in_brackets(shown)}")


def _lanes(name: str, values: np.ndarray, unit: str) -> dict[str, Curve]:
    """One curve, or one per lane of a bus, which lies along the axes behind the first."""
    if values.ndim == 1:
        return {name: Curve(unit, values)}
    lanes = np.ndindex(values.shape[1:])
    return {f"{name}[{','.join(map(str, lane))}]": Curve(unit, values[(slice(None), *lane)]) for lane in lanes}


def _continuous(phase: np.ndarray) -> np.ndarray:
    """Degrees without jumps of a turn; those that are not known stay so."""
    known = np.isfinite(phase)
    out = phase.copy()
    out[known] = np.unwrap(phase[known], period=360.0)
    return out


def _phase_step(low: float, high: float) -> float:
    """Degrees between ticks: a part or a multiple of a right angle."""
    return next((step for step in (5, 15, 30, 45, 90, 180, 360) if (high - low) / step <= 7), 90 * round((high - low) / 450))


def _frequency_axis(axis, frequency: np.ndarray) -> None:
    axis.grid(axis="both")
    if frequency.size > 1 and frequency[0] > 0 and frequency[-1] / frequency[0] >= 8:
        axis.set_xscale("log")
        decades = np.log10(frequency[-1] / frequency[0])
        axis.xaxis.set_major_locator(LogLocator(10, numticks=12))
        axis.xaxis.set_minor_formatter(NullFormatter())
        if decades < 1:
            axis.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(EngFormatter(sep="\N{NARROW NO-BREAK SPACE}"))
    if frequency.size > 1:
        axis.set_xlim(frequency[0], frequency[-1])


def _power(density: np.ndarray, frequency: np.ndarray) -> float:
    return float(np.trapezoid(density * frequency, np.log(frequency))) if frequency.size > 1 else float(density[0])


def _root(density) -> np.ndarray:
    return np.sqrt(np.where(np.asarray(density) > 0, density, np.nan))


def _more(rest: int) -> str:
    return f"; {rest} more not shown" if rest else ""


def _label(name: str) -> str:
    """A name for the legend, which would leave out one that begins with `_`."""
    return f" {name}" if name.startswith("_") else name


def _legend(drawn: Figure, axes, names: list[str]) -> None:
    """The names above the axes, in as many columns as fit beside each other."""
    handles = [line for axis in axes for line in axis.get_lines() if not line.get_label().startswith("_")]
    columns = max(1, min(8, 95 // (max((len(name) for name in names), default=1) + 7)))
    drawn.legend(handles=handles, loc="outside upper left", ncols=columns)
