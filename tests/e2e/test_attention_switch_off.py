"""Heads are switched off where the attention lens shows them, and on again; Why begins with those picked. Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.layers import finished, fresh, read

TEXT = "The people of the village went down to the river, and the people of the village came home."
CHOICE = "import(new URL('lenses/attention/choice.js', document.baseURI))"


def off(page: Page) -> list[list[int]]:
    """[layer, head] of the heads that are off, after the text was read again."""
    finished(page)
    heads = page.evaluate("tokenlight.state().interventions.heads ?? []")
    assert all(row["scale"] == 0 for row in heads)
    return [[row["layer"], row["head"]] for row in heads]


@pytest.fixture
def page(lens_page: Page) -> Page:
    page = fresh(lens_page, "attention")
    page.evaluate(f"{CHOICE}.then(c => {{ c.picked.value = new Set(); c.open({{layer: 1, head: 1}}); }})")
    read(page, TEXT)
    return page


def test_the_open_head_and_the_picked_ones(page: Page) -> None:
    one, grid = page.locator("#panel-head"), page.locator("#panel-head_grid")
    one.get_by_role("button", name="Switch off: head 1.1").click()
    assert off(page) == [[1, 1]]
    expect(page.locator("#interventions .chip")).to_have_text("head 1.1 off×")
    expect(grid.get_by_role("button", name="picked heads")).to_have_count(0)
    grid.get_by_role("button", name="Pick head 1.1").click()
    page.evaluate(f"{CHOICE}.then(c => c.pick({{layer: 0, head: 1}}))")
    grid.get_by_role("button", name="Switch off: picked heads").click()
    assert sorted(off(page)) == [[0, 1], [1, 1]]
    page.click("#tab-why")
    field = page.get_by_label("Heads, as layer.head")
    expect(field).to_have_value("1.1, 0.1")
    page.click("#tab-attention")
    grid.get_by_role("button", name="Switch on: picked heads").click()
    assert off(page) == []


def test_heads_chosen_in_a_larger_model_are_offered_nowhere(page: Page) -> None:
    """This one has 2 layers of 4 heads."""
    shown, grid = page.locator("#panel-looks_at"), page.locator("#panel-head_grid")
    scopes = shown.get_by_label("Heads", exact=True)
    page.evaluate(f"{CHOICE}.then(c => {{ c.picked.value = new Set(['11.11', '0.7']); c.scope.value = 'picked'; }})")
    expect(scopes).to_have_value("head")
    expect(scopes.locator("option", has_text="Picked heads")).to_have_count(0)
    expect(grid.get_by_role("button", name="picked heads")).to_have_count(0)
    expect(grid).to_contain_text("Pick several heads")
    page.evaluate(f"{CHOICE}.then(c => c.pick({{layer: 1, head: 2}}))")
    expect(scopes.locator("option:checked")).to_have_text("Picked heads (1)")
    page.click("#tab-why")
    page.locator("#panel-change").scroll_into_view_if_needed()
    expect(page.get_by_label("Heads, as layer.head")).to_have_value("1.2")


def test_a_field_of_why_that_is_filled_in_stays_so(page: Page) -> None:
    page.click("#tab-why")
    field = page.get_by_label("Heads, as layer.head")
    field.fill("0.0")
    page.evaluate(f"{CHOICE}.then(c => c.pick({{layer: 0, head: 1}}))")
    expect(field).to_have_value("0.0")
    field.press("Enter")
    assert off(page) == [[0, 0]]
    expect(field).to_have_value("0.1")
    read(page, TEXT)


def test_the_heads_that_stand_out(real: Page) -> None:
    page = fresh(real, "attention")
    read(page, TEXT)
    grid = page.locator("#panel-head_grid")
    grid.scroll_into_view_if_needed()
    button = grid.get_by_role("button", name="Switch off: induction heads")
    button.focus(timeout=60_000)
    page.keyboard.press("Enter")
    heads = off(page)
    scores = page.evaluate("""import(new URL('page/state.js', document.baseURI))
        .then(({model}) => model.value.manifest.head_scores.induction)""")
    named = [[layer, head] for layer, row in enumerate(scores) for head, score in enumerate(row) if score > 0.4]
    assert sorted(heads) == named and named
    again = grid.get_by_role("button", name="Switch on: induction heads")
    expect(again).to_have_text(f"Switch on ({len(named)})")
    expect(again).to_be_focused()  # the list stays while the text is read again
    read(page, TEXT)
    assert off(page) == []
