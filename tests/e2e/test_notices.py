"""Notices speak of what is so: what a run will cost is said until it ends. Real Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.layers import USUAL, finished, gated, read

TEXT = "The people of the village went down to the river."
# Not typed: what is typed is read after a pause, and reading it again would cost nothing.
CONTINUE = "text => void tokenlight.generate(text)"
LEAST = "const WORTH_SAYING = 512"


def from_two_tokens(route: Route) -> None:
    """The page's estimate of a run's cost, said also of short texts: a tiny model's context has no long ones."""
    source = route.fetch().text()
    assert LEAST in source
    route.fulfill(body=source.replace(LEAST, "const WORTH_SAYING = 2"), content_type="text/javascript")


@pytest.fixture(scope="module")
def page(browser: Browser, tiny_site: str) -> Iterator[Page]:
    context = browser.new_context(service_workers="block", reduced_motion="reduce", viewport=USUAL)
    page = context.new_page()
    page.route("**/page/cost.js", from_two_tokens)
    page.goto(f"{tiny_site}#model=tiny-gpt2")
    page.evaluate("tokenlight.ready")
    finished(page)
    yield page
    context.close()


def test_what_a_run_costs_is_said_until_it_ends(page: Page) -> None:
    notice = page.locator("#notice")
    with gated(page) as gate:
        page.evaluate(CONTINUE, "Once upon a time")
        gate.let(2)
        expect(notice).to_contain_text("takes about")
    finished(page)
    expect(notice).to_have_text("")


def test_what_else_is_said_with_it_stays(page: Page) -> None:
    notice = page.locator("#notice")
    read(page, TEXT * 30)
    expect(notice).to_contain_text("Showing the first 255.")
    expect(notice).not_to_contain_text("takes about")


def test_a_notice_that_came_meanwhile_stays(page: Page) -> None:
    with gated(page) as gate:
        page.evaluate(CONTINUE, "Nobody knew")
        gate.let(2)
        expect(page.locator("#notice")).to_contain_text("takes about")
        page.click("#stop")
    finished(page)
    expect(page.locator("#notice")).to_contain_text("Stopped.")


def test_a_file_that_takes_long_is_said_until_it_is_there(page: Page) -> None:
    """Saving ends with the file or with why there is none; until then, a sentence says that something is computed."""
    notice = page.locator("#notice")
    start = """async () => {
        const at = (path) => import(new URL(path, document.baseURI));
        const [{filesView}, {render}] = [await at('lenses/panel.js'), await at('vendor/lit-html/lit-html.js')];
        const place = document.createElement('div');
        render(filesView('X', {CSV: () => new Promise((...ends) => (globalThis.ends = ends))}), place);
        place.querySelector('button').click();
    }"""
    for end, said in (("ends[0]()", ""), ("ends[1](new Error('There is nothing to save yet.'))", "There is nothing")):
        page.evaluate(start)
        expect(notice).to_contain_text("Computing what the file holds…")
        page.evaluate(f"{end}; null")
        expect(notice).not_to_contain_text("Computing")
        expect(notice).to_contain_text(said)
