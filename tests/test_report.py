"""The report: one file that holds everything, escapes everything, and says in words what the numbers say."""

import base64
import re
from html.parser import HTMLParser
from typing import ClassVar

import numpy as np
import pytest
import xarray as xr

from devsim import plot
from devsim.chip import Chip, Metric
from devsim.circuit import Circuit
from devsim.devices.electrical.passive import Resistor
from devsim.devices.electrical.sources import VoltageSource
from devsim.report.page import Bar, Cell, Column, Page, Section, Table
from devsim.report.record import Drawing, Record
from devsim.report.render import render_page, with_code
from devsim.report.report import budget_section, paragraphs, render
from devsim.report.words import in_words

NASTY = "<script>alert('x')</script> & \"quotes\""


class Load(Chip):
    """A resistor on a source; its report is written from numbers given by hand."""

    circuit: Circuit
    name: ClassVar[str] = "load"
    budget_metric: ClassVar[str] = "error"
    metrics: ClassVar[dict[str, Metric]] = {
        "success": Metric("1", NASTY),
        "error": Metric("V", "how wrong", higher_is_better=False),
    }

    @classmethod
    def design(cls):
        """1 V on 1 kohm."""
        parts = {"supply": VoltageSource(1.0), "load": Resistor(1e3)}
        return cls(Circuit(parts, {"top": ("supply.plus", "load.a"), "gnd": ("supply.minus", "load.b")}))

    def task(self, key):
        """Nothing is asked."""

    def build(self, task, key):
        """Every die is the drawing."""
        return self

    def measure(self, task, key):
        """Nothing is measured."""
        return {}

    def pictures(self, task, key):
        """Nothing is drawn."""
        return []


def result(success, error=(1e-3, 2e-3), ideals=(1.0, np.nan)):
    """A `compare` result with these values over dies."""
    values = {}
    for (name, metric), over_dies, ideal in zip(Load.metrics.items(), (success, error), ideals, strict=True):
        told = {"units": metric.unit, "long_name": metric.doc}
        values[name] = ("die", np.asarray(over_dies, float), told)
        values[f"{name}_ideal"] = ((), ideal, told)
    attributes = {"created": "2026-01-02T03:04:05+00:00", "version_jax": "9.9", "python": "3.11"}
    return xr.Dataset(values, {"die": np.arange(len(success))}, attributes)


def budget(rows, metric="success"):
    """An `error_budget` result: path -> ((cost, low, high), (gain, low, high))."""
    columns = {}
    for i, name in enumerate(("cost_alone", "gain_removed")):
        for k, end in enumerate(("", "_low", "_high")):
            columns[f"{name}{end}"] = ("imperfection", np.array([row[i][k] for row in rows.values()], float))
    told = {"metric": metric, "units": Load.metrics[metric].unit, "dies": 2}
    return xr.Dataset(columns | {"chip": ((), 0.8), "ideal": ((), 1.0)}, {"imperfection": np.array(list(rows), object)}, told)


ROWS = {
    "load.temperature_coefficient": ((0.1, 0.08, 0.12), (0.02, 0.01, 0.03)),
    "supply.source_resistance": ((0.01, -0.01, 0.03), (0.05, 0.03, 0.07)),
}


def record(over=None, **fields):
    """A record with these differences from a plain one."""
    plain = {
        "chip": Load.design().set("load.resistance", 2e3),
        "about": "A load.\n\nIt `does`\nnothing <b>bold</b>.",
        "seed": 5,
        "dies": 2,
        "parameters": {"load.resistance": 2e3},
        "result": result([0.7, 0.9]),
        "budget": budget(ROWS),
        "drawings": [Drawing("map", NASTY, NASTY, plot.png(plot.heat_map([[1.0, 2.0]], "V", "drop")))],
        "command": f"devsim run load --out '{NASTY}'",
        "seconds": 1.5,
    }
    return Record(**(plain | fields))


class Reader(HTMLParser):
    """The tags, attributes and text of a page."""

    VOID = ("meta", "img")

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.attributes, self.rows = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag == "tr":
            self.rows.append([])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes the wrong tag"

    def handle_data(self, data):
        if self.rows and data.strip() and {"td", "th"} & set(self.open):
            self.rows[-1].append(" ".join(data.split()))


@pytest.fixture(scope="module")
def html():
    return render(record())


def test_every_tag_is_closed_and_there_is_one_script(html):
    page = Reader(html)
    assert page.open == []
    assert page.tags.count("script") == 1
    assert page.tags.count("h1") == 1


def test_nothing_is_asked_of_the_network(html):
    page = Reader(html)
    assert not {"link", "iframe", "object", "base"} & set(page.tags)
    asked = [value for _, name, value in page.attributes if name in ("src", "href", "srcset", "action")]
    assert asked
    assert all(value.startswith(("data:image/png;base64,", "#")) for value in asked)
    assert not re.search(r"url\(|@import|https?://", html)
    assert "default-src 'none'" in html


def test_everything_from_outside_is_escaped(html):
    assert "alert('x')" not in html
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;quotes&#34;" in html
    assert "<b>bold</b>" not in html


def test_the_picture_inside_is_the_png_itself(html):
    data = re.search(r"data:image/png;base64,([^\"]+)", html)[1]
    assert base64.b64decode(data) == record().drawings[0].png
    assert f'width="{round(7.2 * plot.PIXELS_PER_INCH / 2)}"' in html


def test_every_link_inside_the_page_leads_somewhere(html):
    page = Reader(html)
    ids = {value for _, name, value in page.attributes if name == "id"}
    assert {value[1:] for tag, name, value in page.attributes if tag == "a" and name == "href"} <= ids


def test_the_tables_tell_chip_interval_and_ideal(html):
    rows = Reader(html).rows
    success = next(row for row in rows if row[0] == "success")
    assert success[1] == "0.8"
    assert success[3] == "1.0"
    error = next(row for row in rows if row[0] == "error")
    assert error[1] == "1.5"
    assert error[3:5] == ["none", "mV"]


def test_parameters_that_were_set_are_marked_and_no_others(html):
    marked = [row for row in Reader(html).rows if "set" in row]
    assert [row[0] for row in marked] == ["load.resistance"]
    assert marked[0][2:4] == ["2000", "Ω"]
    assert html.count('class="set"') == 1
    assert "Marked rows were set." in html


def test_the_report_says_how_to_repeat_it(html):
    for text in ("devsim run load", "2 January 2026, 03:04 UTC", "9.9", "load.resistance = 2000"):
        assert text in html


def test_one_die_and_no_budget_make_a_report_too():
    page = render(record(dies=1, result=result([0.7], [1e-3]), budget=None, drawings=[], parameters={}))
    assert Reader(page).open == []
    assert "one die" in page
    assert 'href="#budget"' not in page
    assert 'href="#pictures"' not in page


def test_a_budget_of_nothing_says_so():
    assert "there is nothing to rank" in render(record(budget=budget({})))


def test_bars_stand_on_one_scale_that_holds_zero():
    (table,) = budget_section(budget(ROWS)).tables
    path, cost, bar, gain, _ = table.rows[0]
    assert (path, cost.text, gain.text, gain.note) == ("load.temperature_coefficient", "0.100", "0.020", "0.010 to 0.030")
    assert bar == Bar(0.1, 0.08, 0.12, (-0.01, 0.12), "loss")
    span = 0.12 + 0.01
    styles = [value for tag, name, value in Reader(render(record())).attributes if name == "style" and tag in "ibs"]
    share = lambda value: pytest.approx(100 * value / span, abs=2e-3)
    shown = [[float(number) for number in re.findall(r"[\d.]+(?=%)", style)] for style in styles[:3]]
    assert shown == [[share(0.01), share(0.1)], [share(0.09), share(0.04)], [share(0.01)]]


def test_a_budget_of_a_metric_that_is_no_number_is_still_a_page():
    nothing = (np.nan, np.nan, np.nan)
    assert Reader(render(record(budget=budget({"load.temperature_coefficient": (nothing, nothing)})))).open == []


def test_an_effect_without_spread_shows_no_interval():
    rows = {"load.temperature_coefficient": ((0.1, 0.1, 0.1), (np.nan, np.nan, np.nan))}
    assert [cell.note for cell in budget_section(budget(rows)).tables[0].rows[0] if isinstance(cell, Cell)] == ["", ""]
    assert 'class="note"' not in render(record(budget=budget(rows)))


def test_the_words_say_what_the_numbers_say():
    words = in_words(record(result=result([0.79, 0.81])))
    assert words[0].startswith("Over 2 dies, load reaches a mean success of 0.80 (95 % interval 0.67 to 0.93)")
    assert words[0].endswith("where the ideal network reaches 1.00; the chip is 20 % worse.")
    assert words[1] == "Acting alone, `load.temperature_coefficient` costs most: 0.100 (0.080 to 0.120) of success."
    assert words[2] == "Removing `supply.source_resistance` alone from the whole chip gains most: 0.050 (0.030 to 0.070)."
    assert words[3] == "Set: `load.resistance`; all else has its nominal value."


def test_the_words_admit_what_cannot_be_told():
    headline = lambda **fields: in_words(record(budget=None, parameters={}, **fields))[0]
    assert headline(result=result([0.5, 1.5])).endswith("; with this many dies the two cannot be told apart.")
    assert headline(result=result([1.0, 1.0])).endswith("; there is no difference.")
    assert headline(result=result([0.5, 0.5], ideals=(np.nan, np.nan))).endswith("; this metric has no ideal counterpart.")
    assert headline(dies=1, result=result([0.9], [1e-3])).startswith("On a single die, load reaches a success of 0.9")
    assert headline(result=result([np.nan, 1.0])) == "Over 2 dies the success of load is not a number."
    unsure = {"load.temperature_coefficient": ((0.01, -0.01, 0.03), (-0.02, -0.03, -0.01))}
    _, cost, gain, _ = in_words(record(budget=budget(unsure)))
    assert cost.endswith("though with this many dies its interval still includes none.")
    assert gain == "Removing any one imperfection from the whole chip gains nothing."


def test_an_error_that_shrinks_is_better():
    told = in_words(record(budget=budget(ROWS, metric="error"), result=result([0.7, 0.9], [0.99e-3, 1.01e-3], (1.0, 2e-3))))
    assert told[0].endswith("the ideal network reaches 2.00 mV; the chip is 50 % better.")


def test_paragraphs_keep_names_as_code():
    assert paragraphs("One.\n\nTwo `a.b`\n& three.") == ["One.", "Two `a.b` & three."]
    assert paragraphs("") == [""]
    assert with_code("Two `a.b` & three.") == "Two <code>a.b</code> &amp; three."


def test_a_page_of_any_kind_is_shown_as_it_was_told():
    table = Table(
        [Column("name"), Column("path", "code"), Column("size", "number"), Column("why", "doc")],
        [["b", "x.y", Cell("1 kΩ", sort=1e3), "see `z`"], [NASTY, "", Cell("none", sort=float("nan"), soft=True), ""]],
        caption="All that `there` is.",
    )
    tiles = [("loss", "1.5 × 10⁻⁵ V", "ideal 0"), ("dies", "12", "of them"), ("area", "3 mm", "")]
    sections = [Section("all", "All", ["Some <text>."], [table, table]), Section("none", "None")]
    page = Page(
        "A page", "", tiles, ["One.", "Two `three`."], sections, "devsim none", {"created": "then"}, {"engine": "local"}
    )
    html = render_page(page)
    reader = Reader(html)
    assert reader.open == []
    assert reader.rows[:3] == [["name", "path", "size", "why"], ["b", "x.y", "1 kΩ", "see", "z"], [NASTY, "none"]]
    assert [value for tag, name, value in reader.attributes if (tag, name) == ("td", "data-sort")][:2] == ["1000.0", ""]
    assert '<p class="figure">1.5 × 10⁻⁵<small> V</small></p>' in html
    assert '<p class="figure">12</p>' in html
    for text in (
        "Two <code>three</code>.",
        "All that <code>there</code> is.",
        "Some &lt;text&gt;.",
        "<dd>local</dd>",
        "<dd>then</dd>",
    ):
        assert text in html
