"""On a device with little memory the page says so in one sentence; model, text and run stay. Real Chromium.

What is refused is the growth of WebAssembly's memory (limited.py), where a phone's browser refuses first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from export.site.serve import SITE
from tests.e2e.hosting import link_site
from tests.e2e.limited import serving_limited

SENTENCES = dict(re.findall(r"(NOT_FOR_\w+) = '(.*)';", (SITE / "shared/memory.js").read_text(encoding="utf-8")))
TEXT = "The people of the village went down to the river."
LOGPROBS = "text => tokenlight.analyze(text).then(run => run.tokens.map(token => token.logprob))"
LONG = " ".join(path.read_text(encoding="utf-8") for path in sorted((SITE.parent / "export/texts").glob("*.txt")))


Served = tuple[str, dict[str, float]]


@pytest.fixture
def limited(tmp_path: Path, tiny_models: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    """Address of the page with tiny models, or with those of the site if the test is a long one; and its limits."""
    site = link_site(tmp_path / "site")
    (site / "models").symlink_to(SITE / "models" if request.node.get_closest_marker("long") else tiny_models)
    with serving_limited(site) as served:
        yield served


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_context(service_workers="block").new_page()
    page.goto(address)
    return page


def notice_of(page: Page, sentence: str) -> None:
    """The notice is this sentence and nothing else, but for its buttons."""
    expect(page.locator("#notice")).to_contain_text(sentence, timeout=120_000)
    assert page.locator("#notice").inner_text().split("\n")[0] == sentence


def test_a_model_that_does_not_fit_leaves_the_one_that_answers(browser: Browser, limited: Served) -> None:
    address, limits = limited
    page = opened(browser, f"{address}#model=tiny-gpt2")
    page.evaluate("tokenlight.ready")
    before = page.evaluate(LOGPROBS, TEXT)
    run = page.evaluate("tokenlight.state().run.id")
    limits["inference"] = 1e6
    sentence = "There is not enough memory for tiny-llama. Close other tabs or choose a smaller model."
    assert page.evaluate("tokenlight.load('tiny-llama').then(() => 'done', (error) => error.message)") == sentence
    notice_of(page, sentence)
    state = page.evaluate("tokenlight.state()")
    assert state["phase"] == "ready" and state["model"] == "tiny-gpt2"
    assert state["text"] == TEXT and state["run"]["id"] == run
    assert page.evaluate(LOGPROBS, TEXT) == before
    page.context.close()


def test_python_that_does_not_fit_can_be_tried_again(browser: Browser, limited: Served) -> None:
    address, limits = limited
    limits["analysis"] = 1e6
    page = opened(browser, f"{address}#model=tiny-gpt2")
    notice_of(page, SENTENCES["NOT_FOR_PYTHON"])
    limits.clear()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=120_000)
    assert len(page.evaluate(LOGPROBS, TEXT)) > 0
    page.context.close()


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("worker", "limit"), [("inference", 760e6), ("analysis", 90e6)])
def test_a_text_that_does_not_fit_is_kept_as_far_as_it_was_read(
    browser: Browser, limited: Served, worker: str, limit: float
) -> None:
    """By SmolLM2; the model runs out of memory or Python does. A short text is then read as before."""
    address, limits = limited
    limits[worker] = limit
    page = opened(browser, f"{address}#model=smollm2")
    page.evaluate("tokenlight.ready")
    before = page.evaluate(LOGPROBS, TEXT)
    said = page.evaluate("text => tokenlight.analyze(text).then(() => 'done', (error) => error.message)", LONG)
    assert said == SENTENCES["NOT_FOR_TEXT"]
    notice_of(page, SENTENCES["NOT_FOR_TEXT"])
    assert page.evaluate("tokenlight.state().text") == LONG
    coloured = page.locator("#tokens [data-index][style*='background-color']")
    expect(coloured.first).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=120_000)
    assert page.evaluate(LOGPROBS, TEXT) == pytest.approx(before, abs=1e-4)
    page.context.close()
