"""The tokens lens with SmolLM2, where meaning matters; `make bench` measures speed. Real Chromium."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from export.site.serve import SITE
from tests.e2e.likelihood import read


def example(id: str) -> str:
    texts = json.loads((SITE / "examples.json").read_text(encoding="utf-8"))
    return next(entry["text"] for entry in texts if entry["id"] == id)


def rows(page: Page) -> dict[str, float]:
    """Mean surprisal in nats by kind of word, from the table on the page."""
    cells = page.locator("#remarks table tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
    )
    return {kind: float(surprisal) for kind, _, surprisal, _ in cells if surprisal != "–"}


def test_a_second_copy_is_far_more_likely(real: Page) -> None:
    read(real, example("repeats"))
    row = real.locator("#copies tbody tr").first
    expect(row).to_contain_text("lighthouse")
    first, again = (float(button.inner_text()) for button in row.get_by_role("button").all())
    assert first > 3.5 > 1.7 > again  # nats a token


def test_indentation_is_easier_than_identifiers(real: Page) -> None:
    read(real, example("code"))
    expect(real.locator("#remarks")).to_contain_text("program code")
    kinds = rows(real)
    assert 2 * kinds["whitespace and indentation"] < kinds["identifier (code)"]


def test_the_right_context_finds_the_word(real: Page) -> None:
    """From the left alone Paris is one of many cities; with what follows it is the one."""
    real.fill("#text", "The city of ___ is famous for the Eiffel Tower.")
    real.fill("#words", "Paris, London, Rome, New York")
    real.click("#rank")
    first = real.locator("#ranking tbody tr").first
    expect(first).to_contain_text("␣Paris", timeout=60_000)
    left, both = (float(text.strip("< %")) for text in first.locator(".bar + td").all_inner_texts())
    assert left < 10 and both > 90
