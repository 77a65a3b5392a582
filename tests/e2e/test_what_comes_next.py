"""What comes next after the text: shown, added, continued from, generated one by one. Real Chromium, tiny models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.layers import finished, gated, set_options
from tests.e2e.likelihood import logprobs, open_view, read, settled, shown_ids, shows
from tests.e2e.reference import ReferenceModel
from tests.e2e.test_likelihood_writing import PLAIN, until_ids


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    with open_view(browser, tiny_site) as page:
        yield page


@pytest.fixture(scope="module")
def model(checkpoints: Path) -> ReferenceModel:
    return ReferenceModel(checkpoints / "tiny-gpt2")


def test_it_is_shown_and_can_be_added(view: Page, model: ReferenceModel) -> None:
    """After a given and a generated token; what is added to a given text is given, and generated tokens stay marked."""
    before = [t["id"] for t in read(view, PLAIN)["tokens"]]
    rows = view.locator("#next tbody tr")

    def expected(ids: list[int]) -> list[int]:
        logprobs = model.read([model.prefix, *ids]).logprobs[-1]
        best = np.argsort(-logprobs, kind="stable")[:10].tolist()
        expect(rows).to_have_count(10)
        found = rows.evaluate_all("rows => rows.map((row) => row.querySelector('.number').textContent)")
        assert all(shows(text, np.exp(logprobs[id]), 2e-4) for text, id in zip(found, best, strict=True))
        return best

    first, second = expected(before)[:2]
    rows.nth(1).get_by_role("button", name="Add").click()
    until_ids(view, [*before, second])
    expect(view.locator("#tokens .generated")).to_have_count(0)
    assert second != first
    np.testing.assert_allclose(logprobs(view), model.read([model.prefix, *before, second]).token_logprob(), atol=2e-4)
    third = expected([*before, second])[0]
    set_options(view, maxTokens=3)
    rows.first.get_by_role("button", name="Continue from").click()
    expect(view.locator("#tokens .generated")).to_have_count(3)
    settled(view)
    written = shown_ids(view)
    assert written[: len(before) + 2] == [*before, second, third]
    fourth = expected(written)[0]
    rows.first.get_by_role("button", name="Add").click()
    until_ids(view, [*written, fourth])
    expect(view.locator("#tokens .generated")).to_have_count(4)
    view.click("#undo")
    until_ids(view, written)
    view.evaluate(
        "ids => tokenlight.generate(ids, {maxTokens: 4, seed: 7, temperature: 1.5, stopAtEnd: false})", before
    )
    four = finished(view)[len(before) :]
    read(view, PLAIN)
    set_options(view, seed=7, temperature=1.5, topP=0.9, maxTokens=50)
    for n in range(1, 5):  # one at a time, they are those that are drawn at once
        view.click("#generate-one")
        until_ids(view, [*before, *four[:n]])
    expect(view.locator("#tokens .generated")).to_have_count(4)
    one = view.locator("#generate-one")
    expect(one).to_be_focused()
    with gated(view):  # until the next answer, the last one stays, and does nothing
        one.click()
        expect(view.locator("#next")).to_have_attribute("aria-busy", "true")
        expect(rows).to_have_count(10)
        view.evaluate("document.getElementById('generate-one').click()")
        view.locator("#next tbody button").first.evaluate("button => button.click()")
    settled(view)
    expect(view.locator("#next")).to_have_attribute("aria-busy", "false")
    expect(view.locator("#tokens .generated")).to_have_count(5)
