"""The page in a real browser."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bridged.report import as_json
from bridged.telling.sentences import headline
from tests.unit.serve.reports import AS_DESIRED, CONTENDED, NOW
from tests.unit.view.test_pictures import HOSTILE, crowded, hostile

pytest.importorskip("selenium", reason="the page is not tested in a browser: pip install selenium")

from tests.unit.view.browser import (
    CONDITIONS,
    SCHEMES,
    WIDTHS,
    Browser,
    Page,
    chromium,
    missing,
)

pytestmark = pytest.mark.skipif(
    bool(missing()),
    reason=f"the page is not tested in a browser, for want of {missing()}: tests/lab/host-tools",
)

FAINT = """
const light = (c) => c.slice(0, 3).map((v) => v / 255)
  .map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
const ground = (e) => {
  for (; e; e = e.parentElement) {
    const c = numbers(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) { return c; }
  }
  return [255, 255, 255];
};
const faint = [];
for (const e of document.querySelectorAll("body *:not(script):not(svg):not(svg *)")) {
  if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) { continue; }
  const [a, b] = [light(numbers(getComputedStyle(e).color)), light(ground(e))];
  const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (contrast < 4.5) { faint.push(`${contrast.toFixed(2)} ${e.textContent.slice(0, 40)}`); }
}
return faint;
"""
"""Texts whose contrast is below WCAG's AA."""
WIDER = """
return [...document.querySelectorAll("body *:not(.unseen):not(.listed *):not(thead *)")]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + .5 && !e.closest("pre"))
  .map((e) => e.outerHTML.slice(0, 80));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page() -> Iterator[Page]:
    serving = Page()
    yield serving
    serving.stop()


def heading(browser: Browser) -> Any:
    return browser.run("return document.querySelector('h1').textContent")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition(
    browser: Browser, page: Page, condition: str, scheme: str, width: int
) -> None:
    page.report = CONDITIONS[condition]
    browser.open(page.url, width, scheme)
    document = as_json(page.report)
    assert heading(browser) == headline(document, document["objects"], NOW)[0]
    assert browser.run(WIDER) == []
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.run(FAINT) == []
    dark = browser.run("return matchMedia('(prefers-color-scheme: dark)').matches")
    assert dark == (scheme == "dark")
    drawn = browser.run("return document.querySelector('.drawn').getClientRects().length > 0")
    assert drawn == (width > 720)
    assert browser.console() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_many_guests_and_long_names_fit(browser: Browser, page: Page, width: int) -> None:
    long = "node-" + "x" * 200
    page.report = replace(crowded(), hostname=long)
    browser.open(page.url, width)
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert "+37 more" in browser.run("return document.querySelector('.drawn').textContent")


def test_it_renews_itself_and_the_reader_keeps_the_place(browser: Browser, page: Page) -> None:
    browser.open(page.url, 360)
    browser.run("document.querySelector('#objects-module').open = false; window.scrollTo(0, 400);")
    browser.run("window.kept = true; document.querySelector('#objects-network-head').focus()")
    page.report = CONTENDED
    browser.wait("return document.title.includes('2 of 17')")
    assert "2 of 17" in heading(browser)
    assert browser.run("return document.querySelectorAll('#attention article').length") == 2
    assert browser.run("return window.kept") is True
    assert browser.run("return window.scrollY") == 400
    assert browser.run("return document.querySelector('#objects-module').open") is False
    assert browser.run("return document.activeElement.id") == "objects-network-head"
    assert "2 of 17" in browser.run("return document.getElementById('told').textContent")
    page.report = AS_DESIRED
    browser.wait("return !document.querySelector('#attention')")
    assert browser.console() == []


def test_the_first_pass_is_waited_for(browser: Browser, page: Page) -> None:
    page.report = None
    browser.open(page.url)
    assert "first look" in heading(browser)
    page.report = AS_DESIRED
    browser.wait("return document.querySelector('h1').textContent.includes('as desired')")


def test_an_agent_that_is_gone_is_told_and_comes_back(browser: Browser, page: Page) -> None:
    browser.open(page.url)
    assert browser.run("return document.getElementById('gone').hidden")
    page.stop()
    browser.wait("return !document.getElementById('gone').hidden")
    text = browser.run("return document.getElementById('gone').textContent")
    assert "has not answered since" in text
    assert "systemctl status bridged" in text
    assert "as desired" in heading(browser)
    page.start()
    browser.wait("return document.getElementById('gone').hidden")


def test_without_javascript(browser: Browser, page: Page) -> None:
    off = "Emulation.setScriptExecutionDisabled"
    browser.driver.execute_cdp_cmd(off, {"value": True})
    try:
        browser.open(page.url)
        assert "as desired" in browser.driver.find_element("css selector", "h1").text
        page.report = CONTENDED
        browser.wait("return document.querySelector('h1').textContent.includes('2 of 17')")
    finally:
        browser.driver.execute_cdp_cmd(off, {"value": False})


def test_names_that_look_like_markup_stay_names(browser: Browser, page: Page) -> None:
    page.report = hostile()
    browser.open(page.url)
    assert browser.run("return document.scripts.length") == 1
    shown = HOSTILE.replace("\x1b", "\\x1b")
    assert browser.run("return document.querySelector('h1 b').textContent") == shown
    browser.wait("return performance.getEntriesByType('resource').length > 0")
    assert browser.console() == []
