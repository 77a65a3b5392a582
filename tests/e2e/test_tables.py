"""“As a table”: tokens, numbers and units as the page writes them; the CSV keeps raw numbers. Real Chromium."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.layers import csv_of, fresh, read

TEXT = "The people of the village went down to the river."
# Draws a table as panels do, by its own words for columns; null: a visitor's own table.
DRAWN = """async ([table, words]) => {
    const at = (path) => import(new URL(path, document.baseURI));
    const [{tableView}, {render}] = [await at('lenses/table.js'), await at('vendor/lit-html/lit-html.js')];
    const place = document.createElement('div');
    render(tableView(table, 'T', words), place);
    return [...place.querySelectorAll('tr')].map((row) => [...row.cells].map((cell) => cell.textContent));
}"""


@pytest.fixture
def page(lens_page: Page) -> Page:
    read(fresh(lens_page), TEXT)
    return lens_page


def drawn(page: Page, columns: dict[str, list[Any]], words: dict[str, str] | None) -> dict[str, list[str]]:
    """A table's columns as they are shown, by heading."""
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    shown = page.evaluate(DRAWN, [{"columns": list(columns), "rows": rows}, words])
    return {heading: list(cells) for heading, *cells in zip(*shown, strict=True)}


def test_spaces_that_would_not_be_seen_have_signs(page: Page) -> None:
    shown = drawn(page, {"token": [" ocean", "ocean", " ", "a\n", "previous token", "of  the", None]}, {})
    assert shown == {"token": ["␣ocean", "ocean", "␣", "a↵", "previous token", "of␣␣the", "–"]}


def test_no_number_has_an_exponent(page: Page) -> None:
    shown = drawn(page, {
        "probability": [1.171e-40, 0.5, 1], "logit": [3.249e-9, -2.5, 22330.4], "rank": [1, 1171, 49152],
        "id": [0, 50256, 7], "value": [-3.2e-9, -0.25, 3e-5],
    }, {})
    assert shown == {
        "probability": ["<\u00a00.01%", "50.0%", "100.0%"], "logit": ["<\u00a00.000001", "−2.500", "22,330"],
        "rank": ["1", "1,171", "49,152"], "id": ["0", "50256", "7"],
        "value": [">\u00a0−0.000001", "−0.2500", "0.00003000"],
    }


@pytest.mark.parametrize(("units", "shown"), [("nats", "0.6931"), ("bits", "1.000")])
def test_amounts_are_in_the_chosen_unit(units: str, shown: str, page: Page) -> None:
    choices = "import(new URL('page/choices.js', document.baseURI))"
    page.evaluate(f"units => {choices}.then(({{set}}) => set('units', units))", units)
    ln2 = 0.6931471805599453
    of = {"entropy (nats)": [ln2], "attention entropy (nats), layer 3": [ln2], "change, nats": [ln2], "5:  nats": [ln2]}
    headings = [f"entropy ({units})", f"attention entropy ({units}), layer 3", f"change, {units}", "5: ␣nats"]
    assert drawn(page, of, {}) == dict(zip(headings, [[shown]] * 3 + [["0.6931"]], strict=True))
    assert drawn(page, {"mine (nats)": [ln2]}, None) == {"mine (nats)": ["0.6931"]}, "a visitor's own table"


def test_headings_are_words_and_the_csv_keeps_its_names(page: Page) -> None:
    panel = page.locator("#panel-layers")
    panel.get_by_text("As a table").click()
    headings = ["Layer", "Hidden state (L2 norm)", "Change by the layer", "Added by attention", "Added by the MLP",
                "Cosine before and after"]
    expect(panel.locator("table th")).to_have_text(headings)
    assert list(csv_of(page, "layers")[0])[1:3] == ["hidden_norm", "change_norm"]


def test_the_prefix_token_is_named(page: Page) -> None:
    page.click("#tab-attention")
    panel = page.locator("#panel-looks_at")
    panel.get_by_text("As a table").click()
    first = panel.locator("tbody tr").first.locator("td")
    expect(first.first).to_have_text("prefix")
    expect(first.nth(1)).to_have_text("<|endoftext|>")
    assert csv_of(page, "looks_at")[0]["index"] == "-1"


def test_a_tables_tokens_and_bits(page: Page) -> None:
    """Those of the table below the text."""
    page.get_by_text("Table and files").click()
    table = page.locator("#along table")
    expect(table.locator("th", has_text="surprisal (bits)").first).to_be_visible()
    expect(table.locator("th", has_text="nats")).to_have_count(0)
    expect(table.locator("tbody tr").nth(1).locator("td").nth(1)).to_have_text("␣p")
