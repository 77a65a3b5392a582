"""The tokens lens with SmolLM2, where meaning matters; `make bench` measures speed. Real Chromium."""

from __future__ import annotations

import json
import math

from playwright.sync_api import Page, expect

from export.site.serve import SITE
from pyscripts.native import load
from tests.e2e.likelihood import SCRIPTS, covered, read, shows
from tests.processes import Peak, largest_renderer


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


def test_tokens_that_hold_a_space_and_half_a_letter_cover_nothing(real: Page) -> None:
    for text in (*SCRIPTS, example("scripts")):
        for width in (390, 1280, 1600):
            real.set_viewport_size({"width": width, "height": 900})
            read(real, text)
            assert covered(real) == []
    real.set_viewport_size({"width": 1280, "height": 900})


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


def test_reading_uses_the_same_memory_again(real: Page) -> None:
    """Each pass sends 32 MB to Python; what had been sent used to be held until some later garbage collection."""
    texts = [f"{n} " + "The people of the village went down to the river. " * 11 for n in range(9)]
    call = "text => tokenlight.analyze(text, { topK: 1 }).then(run => run.tokens.length)"
    assert real.evaluate(call, texts[0]) > 100
    before = largest_renderer()
    with Peak(largest_renderer) as peak:
        for text in texts[1:]:
            real.evaluate(call, text)
    sent = 8 * 2 * 32e6
    assert peak.bytes - before < sent / 2


def test_whole_words_are_coloured_and_inspected(real: Page) -> None:
    """The tokens of a word have one colour; the inspector has the word's numbers, as without a browser."""
    text = "Kierkegaard’s unpublished notebooks puzzled everyone."
    expected = load(SITE / "models/smollm2", threads=1).read(text, keep=())
    words, corrected = expected.words.tolist(), expected.metric("word_surprisal_corrected")
    parts = words[0][1]
    assert parts > 2
    read(real, text)
    real.select_option("#colouring", "gltr")
    real.select_option("#unit", "words")
    expect(real.locator("#colouring")).to_have_value("hue")  # ranks are of single tokens
    about = real.locator("#inspector .about .hint")
    real.locator("#token-1").click()
    expect(about).to_have_text(f"Word 1 of {len(words)} · {parts} tokens")
    painted = "[...document.querySelectorAll('#tokens [data-index]')].map(({style}) => style.backgroundColor)"
    colours = real.evaluate(painted)
    assert all(len(set(colours[first:stop])) == 1 for first, stop in words) and len(set(colours)) > 2
    names, values = (real.locator(f"#inspector .facts {tag}").all_inner_texts() for tag in ("dt", "dd"))
    facts = dict(zip(names, values, strict=True))
    assert shows(facts["Probability"], math.exp(-corrected[0]), 1e-4)
    assert abs(float(facts["Surprisal"].split()[0]) - corrected[0] / math.log(2)) < 0.01
    real.mouse.move(0, 0)  # the inspector shows the token that is pointed at, if one is
    real.locator("#tokens").press("ArrowRight")
    expect(about).to_contain_text("Word 2 of")
    real.select_option("#unit", "tokens")
    expect(about).to_contain_text(f"Token {parts + 1} of")
