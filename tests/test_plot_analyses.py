"""Figures of the analyses: which curves are drawn, that none loses its peaks, and units on every axis."""

import numpy as np
import pytest
import xarray as xr

from devsim import plot_analyses, style
from devsim.plot_analyses import FINEST, MOST, Curve, chosen, thinned, time_curves


def over(name, points, **variables):
    return xr.Dataset({key: (dims, values, {"units": unit}) for key, (dims, values, unit) in variables.items()}, {name: points})


def labels(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_those_asked_for_are_drawn_before_those_that_move_most():
    curves = {f"n{k}": Curve("V", np.array([0.0, k])) for k in range(MOST + 3)}
    shown, rest = chosen(curves, ["n1"], lambda curve: np.ptp(curve.values))
    assert list(shown) == ["n1", *(f"n{k}" for k in range(4, MOST + 3))]
    assert rest == 3


def test_nets_inside_of_parts_are_drawn_after_all_others():
    curves = {f"d{k}#anode": Curve("V", np.array([0.0, 9.0])) for k in range(MOST)} | {"out": Curve("V", np.array([0.0, 1.0]))}
    assert "out" in chosen(curves, [], lambda curve: np.ptp(curve.values))[0]


def test_names_with_signs_of_their_own_stand_in_the_legend_as_they_are():
    found = over("time", [0.0, 1.0], **{name: ("time", [0.0, 1.0], "V") for name in ("_hidden", r"a$\frac$", "$V_{dd$")})
    drawn = plot_analyses.transient_lines(found)
    assert labels(drawn) == [" _hidden", r"a$\frac$", "$V_{dd$"]
    assert style.png(drawn).startswith(b"\x89PNG")


def test_small_units_are_not_crowded_out_by_large_ones():
    volts = {f"v{k}": Curve("V", np.array([0.0, 1.0 + k])) for k in range(MOST)}
    watts = {"light": Curve("W", np.array([0.0, 1e-6]))}
    assert "light" in chosen(volts | watts, [], lambda curve: np.ptp(curve.values))[0]


def test_a_long_curve_keeps_its_ends_and_every_single_spike():
    x = np.arange(1_000_000.0)
    y = np.zeros_like(x)
    spikes = np.array([7, 123_456, 999_000])
    y[spikes] = [1, -1, 1]
    short_x, short_y = thinned(x, y)
    assert short_x.size <= FINEST + 2
    assert (short_x[0], short_x[-1]) == (0, 999_999)
    assert set(spikes) <= set(short_x[short_y != 0])
    assert thinned(x[:10], y[:10])[0].size == 10


def test_waves_are_drawn_as_power_and_buses_lane_by_lane():
    dims = ("time", "lane")
    found = over(
        "time",
        [0.0, 1.0],
        **{"w.real": ("time", [3.0, 0.0], "W^0.5"), "w.imag": ("time", [4.0, 1.0], "W^0.5")},
        bus=(dims, [[1.0, 2.0], [3.0, 4.0]], "V"),
    )
    curves = time_curves(found)
    assert (curves["w"].unit, curves["w"].values.tolist()) == ("W", [25.0, 1.0])
    assert curves["bus[1]"].values.tolist() == [2.0, 4.0]
    drawn = plot_analyses.transient_lines(found)
    assert [axis.get_ylabel() for axis in drawn.axes] == ["power (W)", "potential (V)"]


@pytest.mark.parametrize("points", [1, 2, 50])
def test_a_bode_plot_has_decibels_over_degrees(points):
    f = np.geomspace(1e3, 1e6, points)
    silent = ("frequency", np.zeros(points), "V")
    variables = {"out.magnitude": ("frequency", 1e3 / f, "V"), "out.phase": ("frequency", np.full(points, -90.0), "degree")}
    found = over("frequency", f, **variables, **{"off.magnitude": silent, "off.phase": silent})
    drawn = plot_analyses.bode(found)
    upper, lower = drawn.axes
    assert (upper.get_ylabel(), lower.get_ylabel(), lower.get_xlabel()) == (
        "magnitude (dB)",
        "phase (degrees)",
        "frequency (Hz)",
    )
    assert labels(drawn) == ["out"]
    assert upper.get_lines()[0].get_ydata() == pytest.approx(20 * np.log10(1e3 / f))
    assert style.png(drawn).startswith(b"\x89PNG")


@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_noise_shows_the_loudest_sources_the_sum_of_the_others_and_the_total(count):
    f = np.geomspace(1.0, 1e6, 60)
    parts = np.array([np.full(60, 1e-18 * 2.0**-k) for k in range(count)]).reshape(count, 60)
    names = [f"r{k}.thermal" for k in range(count)]
    found = over(
        "frequency",
        f,
        density=("frequency", parts.sum(axis=0), "V^2/Hz"),
        by_source=(("source", "frequency"), parts, "V^2/Hz"),
        integrated=((), float(parts.sum() * 1e6), "V^2"),
    ).assign_coords(source=names)
    drawn = plot_analyses.noise_densities(found)
    told = labels(drawn)
    assert drawn.axes[0].get_ylabel() == "noise density (V/√Hz)"
    assert told[: min(count, MOST - 1)] == names[: MOST - 1]
    assert told[min(count, MOST - 1) :] == {0: ["total"], 1: [], 3: ["total"], 20: ["14 other sources", "total"]}[count]
    if count == 20:
        rest = drawn.axes[0].get_lines()[MOST - 1].get_ydata()
        assert rest == pytest.approx(np.sqrt(parts[MOST - 1 :].sum(axis=0)))
    assert style.png(drawn).startswith(b"\x89PNG")


def test_a_transient_of_nothing_and_one_with_holes_can_be_drawn():
    holes = over("time", [0.0, 1.0, 2.0], a=("time", [1.0, np.nan, 2.0], "V"), b=("time", [np.nan] * 3, "V"))
    empty = over("time", np.zeros(0), a=("time", np.zeros(0), "V"))
    for found in (holes, empty):
        assert style.png(plot_analyses.transient_lines(found)).startswith(b"\x89PNG")
