"""Every list of heads on the attention lens opens the head that is pressed; no error is told in Python's words."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.layers import USUAL, fresh, read

TEXT = "The people of the village went down to the river, and the people of the village came home."


def with_standouts(route: Route) -> None:
    """The tiny model's manifest with heads that stand out: a random model has none."""
    manifest = route.fetch().json()
    scores = np.zeros((manifest["layers"], manifest["heads"]))
    scores[1, 2], scores[0, 1] = 0.9, 0.7
    manifest["head_scores"] = {**manifest["head_scores"], "induction": scores.tolist()}
    route.fulfill(json=manifest)


@pytest.fixture(scope="module")
def page(browser: Browser, tiny_site: str) -> Iterator[Page]:
    context = browser.new_context(service_workers="block", reduced_motion="reduce", viewport=USUAL)
    page = context.new_page()
    page.route("**/models/tiny-gpt2/manifest.json*", with_standouts)
    page.goto(f"{tiny_site}#model=tiny-gpt2&lens=attention")
    page.evaluate("tokenlight.ready")
    yield page
    context.close()


def shows_head(page: Page, name: str) -> None:
    """One head's caption and its matrix are about this head, and nothing went wrong."""
    expect(page.locator("#panel-head .lead")).to_contain_text(f"Head {name} ")
    matrix = page.locator("#panel-head .chart-stage").first
    expect(matrix).to_have_attribute("aria-label", re.compile(rf"^Attention of head {re.escape(name)}:"))
    expect(page.locator("#notice")).to_be_hidden()


def test_heads_that_stand_out_open(page: Page) -> None:
    read(fresh(page, "attention"), TEXT)
    listed = page.locator("#panel-head_grid .peaks button:not([aria-label^=Switch])")
    expect(listed).to_have_text(["1.2", "0.1"])
    for name in ("0.1", "1.2"):
        listed.get_by_text(name, exact=True).click()
        shows_head(page, name)


def test_similar_heads_open(page: Page) -> None:
    read(fresh(page, "attention"), TEXT)
    page.locator("#panel-head").scroll_into_view_if_needed()
    listed = page.locator("#panel-head .similar button")
    for _ in range(2):
        name = listed.first.inner_text().split()[0]
        listed.first.click()
        shows_head(page, name)
        expect(listed.first).not_to_contain_text(name)


def test_an_internal_error_is_told_in_a_sentence(page: Page) -> None:
    """What Python says of it, such as an argument that a view does not have, goes to the console."""
    read(fresh(page, "attention"), TEXT)
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    ask = "import(new URL('page/questions.js', document.baseURI)).then(({view}) => view('head', {layer: 0, name: 'x'}))"
    said = page.evaluate(f"{ask}.catch((error) => error.message)")
    assert said == "This could not be computed because of an internal error. The browser console has the details."
    assert any("unexpected keyword argument 'name'" in line for line in told)
