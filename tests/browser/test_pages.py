"""Every page in a real browser: headings, pictures, tables that sort, both colour schemes, and not a word on the console."""

import math
import shutil

import pytest

from tests.browser.pages import PAGES

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
BROWSER, DRIVER = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="chromium and chromedriver are not installed"),
]
SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,900")
STILL = "--force-prefers-reduced-motion"
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"
NARROW = 420
"""Pixels of a telephone."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium with a fresh profile and no network."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    profile = tmp_path_factory.mktemp("profile")
    for switch in (*SWITCHES, STILL, OFFLINE, f"--user-data-dir={profile}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The pages as files."""
    made = tmp_path_factory.mktemp("pages")
    for name, page in PAGES.items():
        (made / f"{name}.html").write_text(page(made), encoding="utf-8")
    return made


@pytest.fixture(params=list(PAGES))
def page(request, browser, folder):
    """The browser with a page open; the console, read afterwards, is empty."""
    browser.get_log("browser")
    browser.get((folder / f"{request.param}.html").as_uri())
    yield browser
    assert browser.get_log("browser") == []


def elements(page, selector):
    return page.find_elements("css selector", selector)


def test_its_headings_are_there_and_every_link_leads_to_one(page):
    (title,) = elements(page, "h1")
    assert title.is_displayed() and title.text
    assert page.title == f"{title.text}: devsim report"
    headings = [heading.text for heading in elements(page, "h2")]
    assert headings == [link.text for link in elements(page, "nav a")]
    assert headings[-1] == "Provenance"
    assert all(elements(page, f"section{link.get_dom_attribute('href')} > h2") for link in elements(page, "nav a"))


def test_its_pictures_are_drawn(page):
    sizes = page.execute_script("return [...document.images].map((i) => [i.complete, i.naturalWidth, i.clientWidth, i.alt])")
    assert sizes
    for complete, natural, shown, words in sizes:
        assert complete and natural > 100 and 0 < shown <= natural and words


def cells(table, column):
    """What the cells of a column are sorted by, from top to bottom."""
    read = """const cell = (row) => row.cells[arguments[1]];
    return [...arguments[0].tBodies[0].rows].map((row) => cell(row).dataset.sort ?? cell(row).innerText)"""
    return table.parent.execute_script(read, table, column)


def number(text):
    found = text.replace("−", "-").split()
    try:
        return float(found[0].rstrip(":"))
    except (ValueError, IndexError):
        return math.nan


def test_a_click_on_a_header_sorts_its_table(page):
    tables = elements(page, "table.sortable")
    assert tables
    clicked = 0
    for table in tables:
        for column, head in enumerate(table.find_elements("css selector", "thead th")):
            for button in head.find_elements("css selector", "button"):
                numeric = head.get_dom_attribute("data-kind") == "number"
                before = sorted(cells(table, column))
                for order in ("descending", "ascending") if numeric else ("ascending", "descending"):
                    button.click()
                    clicked += 1
                    assert head.get_dom_attribute("aria-sort") == order
                    after = cells(table, column)
                    assert sorted(after) == before
                    if numeric:
                        known = [value for text in after if not math.isnan(value := number(text))]
                        assert known == sorted(known, reverse=order == "descending")
                        assert all(math.isnan(number(text)) for text in after[len(known) :])
                    elif all(text.isascii() and not any(map(str.isdigit, text)) for text in after):
                        assert [t.lower() for t in after] == sorted((t.lower() for t in after), reverse=order == "descending")
    assert clicked >= 4


def test_it_asks_for_nothing_and_fits_the_screen(page):
    asked = page.execute_script("return performance.getEntriesByType('resource').map((e) => e.name)")
    assert [name for name in asked if not name.startswith("data:")] == []
    width = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    for size in (1200, NARROW):
        page.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": size, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        )
        needed, there = page.execute_script(width)
        assert needed <= there <= size
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_it_is_dark_where_the_reader_wants_it(page):
    shade = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b)"
    found = {}
    for scheme in ("light", "dark"):
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        found[scheme] = page.execute_script(shade)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert found["dark"] < 200 < 600 < found["light"]


def test_the_console_would_tell_of_an_error(browser, tmp_path):
    (tmp_path / "broken.html").write_text("<!doctype html><title>x</title><script>missing.thing()</script>")
    browser.get((tmp_path / "broken.html").as_uri())
    assert any("missing is not defined" in entry["message"] for entry in browser.get_log("browser"))
