"""The induction panel of the attention lens: what it says of passages that occur once or often. Real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.layers import fresh
from tests.e2e.test_attention_lens import read


@pytest.fixture
def page(lens_page: Page) -> Page:
    fresh(lens_page, "attention")
    return lens_page


def test_counts_of_one_and_repeated_names(page: Page) -> None:
    """And a long passage does not widen a narrow page."""
    said = "the keeper of the lighthouse told every visitor about ships"
    count = len(read(page, f"{said}. {said}. {said}."))
    page.set_viewport_size({"width": 320, "height": 640})
    page.locator(f"#token-{count - 3}").click()
    panel = page.locator("#panel-induction")
    panel.scroll_into_view_if_needed()
    expect(panel.locator(".lead")).to_contain_text("(twice)")
    follower = panel.locator(".lead code").all_inner_texts()[1:]
    assert len(follower) == len(set(follower))
    expect(panel.locator(".peak").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.body.clientWidth")
    read(page, f"{said}. {said}.")
    stage = panel.locator(".chart-stage").nth(1)
    stage.scroll_into_view_if_needed()
    stage.focus()
    page.keyboard.press("ArrowDown")
    expect(panel.locator(".readout").nth(1)).to_contain_text("in 1 repeated passage ·")
