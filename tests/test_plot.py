"""Units as people read them, and figures whose axes say what they show."""

import hashlib
import io
import subprocess
import sys
import warnings

import matplotlib
import numpy as np
import pytest
import xarray as xr
from PIL import Image

from devsim import plot, plot_budget, style
from devsim.units import brief, engineering, scaled, symbol, together

UNITS = [
    (12.3e-6, "S", "12.3 uS", "12.3 µS"),
    (0.0, "S", "0 S", "0 S"),
    (0.99996, "V", "1 V", "1 V"),
    (-3.3e-3, "V", "-3.3 mV", "−3.3 mV"),
    (1e4, "ohm", "10 kohm", "10 kΩ"),
    (86400.0, "s", "86400 s", "86400 s"),
    (300.0, "K", "300 K", "300 K"),
    (0.912, "1", "0.912", "0.912"),
    (1e-7, "1", "1e-07", "1 × 10⁻⁷"),
    (2e-12, "m^2", "2e-12 m^2", "2 × 10⁻¹² m^2"),
    (1.2e-9, "V/s", "1.2 nV/s", "1.2 nV/s"),
    (0.004, "1/K", "0.004 1/K", "0.004 1/K"),
    (5e-3, "m", "5 mm", "5 mm"),
    (7e5, "m", "700 km", "700 km"),
    (float("nan"), "V", "-", "-"),
    (None, "V", "-", "-"),
]


@pytest.mark.parametrize(("value", "unit", "plain", "typographic"), UNITS)
def test_a_number_takes_the_prefix_people_use(value, unit, plain, typographic):
    assert engineering(value, unit) == plain
    assert engineering(value, unit, typographic=True) == typographic


@pytest.mark.parametrize("power", range(-20, 14))
def test_a_scaled_number_is_the_number(power):
    factor, unit = scaled(3.0 * 10.0**power, "V")
    assert 3.0 * 10.0**power / factor == pytest.approx(float(engineering(3.0 * 10.0**power, "V").split()[0]), rel=1e-12)
    assert engineering(3.0 * 10.0**power, "V").endswith(f" {unit}")


def test_numbers_together_share_a_prefix_and_the_decimals_of_their_interval():
    assert together([0.91234, 0.897, 0.927, 1.0], "1", resolution=0.03) == (["0.912", "0.897", "0.927", "1.000"], "")
    assert together([43.21e-6, None, 50e-6], "A", resolution=2e-6) == (["43.2", "-", "50.0"], "uA")
    assert together([-1e-9, 0.5], "1", resolution=0.1) == (["0.00", "0.50"], "")
    assert together([], "V") == ([], "V")


def test_an_array_is_told_by_its_shape_and_range():
    assert brief(1e-6) == "1e-06"
    assert brief([[1, 2], [3, 4]]) == "2x2: 1 to 4"
    assert brief([5.0, 5.0]) == "2 values: 5"
    assert brief(None) == "-"


def test_typographic_units_have_mu_and_omega():
    assert [symbol(unit) for unit in ("uS", "kohm", "ohm", "V^2/Hz", "1", "m^2")] == ["µS", "kΩ", "Ω", "V^2/Hz", "1", "m^2"]


@pytest.fixture
def result():
    rng = np.random.default_rng(0)
    told = lambda unit: {"units": unit, "long_name": "what it means"}
    values = {
        "recall_success": ("die", rng.uniform(0.8, 0.9, 8), told("1")),
        "recall_success_ideal": ((), 1.0, told("1")),
        "energy": ("die", rng.uniform(3e-9, 4e-9, 8), told("J")),
        "energy_ideal": ((), np.nan, told("J")),
    }
    return xr.Dataset(values, {"die": np.arange(8)})


def budget(count):
    cost = np.linspace(0.1, 0.01, count)
    columns = {f"{name}{end}": ("imperfection", cost + shift) for name in ("cost_alone", "gain_removed") for end, shift in ENDS}
    attributes = {"metric": "recall_success", "units": "1", "dies": 8}
    return xr.Dataset(columns, {"imperfection": np.array([f"part.knob_{i}" for i in range(count)], object)}, attributes)


ENDS = (("", 0.0), ("_low", -0.01), ("_high", 0.01))


def texts(figure):
    """Every text of a figure, after it was drawn."""
    figure.draw_without_rendering()
    return {text.get_text() for text in figure.findobj(matplotlib.text.Text)}


def test_metrics_of_unlike_units_have_axes_of_their_own(result):
    figure = plot.metric_bars(result)
    assert len(figure.axes) == 2
    assert {"recall success", "energy", "nJ", "1.000", "no ideal", "ideal"} <= texts(figure)


def test_a_bar_is_as_long_as_its_metric(result):
    axis = plot.metric_bars(result).axes[0]
    assert {bar.get_width() for bar in axis.patches} == {1.0, float(result["recall_success"].mean())}


def test_the_budget_is_ranked_from_the_top_and_says_what_it_leaves_out():
    figure = plot_budget.budget_bars(budget(15), most=12)
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == [f"part.knob_{i}" for i in range(12)]
    assert axis.yaxis_inverted()
    assert axis.get_xlabel() == "change of recall success; 3 smaller ones are not shown"
    assert "every imperfection is at its ideal value" in texts(plot_budget.budget_bars(budget(0)))


def test_a_metric_that_is_no_number_can_be_drawn(result):
    result["recall_success"][:] = np.nan
    assert plot.png(plot.metric_bars(result)).startswith(b"\x89PNG")
    assert plot.png(plot_budget.budget_bars(budget(2) * np.nan)).startswith(b"\x89PNG")


def test_pixels_that_differ_from_the_reference_are_orange_and_no_others():
    stored = np.array([[[1.0, -1.0], [1.0, -1.0]]])
    cue = np.array([[[1.0, -1.0], [-1.0, 1.0]]])
    figure = plot.image_grid({"cue": cue, "stored": stored}, titles=["0.5"], reference="stored")
    shown = {axis.get_ylabel(): axis.images[0].get_array() for axis in figure.axes}
    orange = lambda image: image[..., 0] - image[..., 2] > 0.2
    assert orange(shown["cue"]).tolist() == [[False, False], [True, True]]
    assert not orange(shown["stored"]).any()
    assert figure.axes[0].get_title() == "0.5"


def test_a_band_holds_the_central_nine_tenths_of_the_dies():
    dies = np.linspace(0, 1, 101)[:, None] * np.ones(3)
    figure = plot.traces([0, 1, 2], {"chip": dies}, x_label="step", y_label="overlap", references={"ideal": 1.0})
    (axis,) = figure.axes
    heights = axis.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((0.05, 0.95))
    assert axis.lines[0].get_ydata() == pytest.approx([0.5, 0.5, 0.5])
    assert {"chip", "ideal", "step", "overlap"} <= texts(figure)


def test_axes_carry_prefixed_units():
    figure = plot.traces([0, 1e-3], {"g": [1e-5, 2e-5]}, x_label="time", x_unit="s", y_label="conductance", y_unit="S")
    (axis,) = figure.axes
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("time (ms)", "conductance (µS)")
    assert axis.lines[0].get_ydata() == pytest.approx([10, 20])


def test_a_heat_map_says_its_unit_and_range():
    figure = plot.heat_map(np.array([[1e-6, 2e-6], [3e-6, 25e-6]]), "S", "conductance")
    assert {"conductance (µS)", "lowest 1 µS, median 2.5 µS, highest 25 µS", "row", "column"} <= texts(figure)
    image = figure.axes[0].images[0]
    assert image.get_clim() == pytest.approx((1.0, 25.0))


def test_a_diverging_heat_map_is_white_at_zero():
    low, high = plot.heat_map([[-1.0, 3.0]], "V", "drop", diverging=True).axes[0].images[0].get_clim()
    assert (low, high) == (-3.0, 3.0)


def test_a_matrix_of_zeros_can_be_drawn():
    assert plot.png(plot.heat_map(np.zeros((4, 4)), "V", "drop", diverging=True)).startswith(b"\x89PNG")


def test_a_png_is_crisp_and_the_same_every_time(result):
    first, again = (plot.png(plot.metric_bars(result)) for _ in range(2))
    assert Image.open(io.BytesIO(first)).width == round(plot.WIDTH * plot.PIXELS_PER_INCH)
    assert hashlib.sha256(first).digest() == hashlib.sha256(again).digest()


def test_no_figure_touches_pyplot_or_the_global_style():
    code = """
import matplotlib
from matplotlib import pyplot
before = dict(matplotlib.rcParams)
from devsim import plot, plot_budget
plot.png(plot.heat_map([[1.0, 2.0]], "V", "drop"))
assert pyplot.get_fignums() == []
assert dict(matplotlib.rcParams) == before
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def full_budget(count):
    """A full budget of `count` imperfections, the last of which is never too large."""
    rng = np.random.default_rng(1)
    over = lambda values: ("imperfection", values)
    factor = np.where(np.arange(count) == count - 1, np.nan, 1.5 + 10 * rng.random(count))
    columns = {f"sobol_{name}{end}": over(rng.random(count)) for name in ("first", "total") for end in ("", "_low", "_high")}
    columns |= {f"tolerance_factor{end}": over(factor * by) for end, by in (("", 1.0), ("_low", 0.8), ("_high", 1.2))}
    columns |= {"present": over(np.full(count, 2.0)), "tolerance": over(2 * factor), "unit": over(np.full(count, "ohm"))}
    return budget(count).assign(columns)


def test_room_is_ranked_by_what_is_least_and_says_what_has_no_limit():
    data = full_budget(5)
    figure = plot_budget.room_left(data)
    ticks = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert ticks == [str(path) for path in data["imperfection"].values[np.argsort(data["tolerance_factor"].values)]]
    assert ticks[-1] == data["imperfection"].values[4]
    beside = [text.get_text() for text in figure.axes[0].texts if text.get_text()]
    assert beside[-1] == "2 Ω  →  no limit found"
    assert plot.png(figure).startswith(b"\x89PNG")


def test_indices_are_ranked_by_their_totals():
    data = full_budget(5)
    ticks = [label.get_text() for label in plot_budget.sobol_bars(data).axes[0].get_yticklabels()]
    assert ticks == [str(path) for path in data["imperfection"].values[np.argsort(-data["sobol_total"].values)]]


def test_raised_digits_are_drawn_where_the_first_font_lacks_them(monkeypatch):
    monkeypatch.setitem(style.STYLE, "font.sans-serif", ["cmr10"])
    with matplotlib.rc_context(style.STYLE), warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = style.figure()
        drawn.text(0.5, 0.5, "1 × 10⁻⁵")
        assert len(style.png(drawn)) > 1000
