"""Reading in the likelihood view: colours, legends, groups, inspector, keyboard, strip, files. Real Chromium."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from pyscripts.metrics.text import less_surprising_than_expected, top_surprises
from tests.e2e.layers import until
from tests.e2e.likelihood import TEXT, colour_by, colours, facts, open_view, read, settled, shown_ids, shows

GLTR = [(10, "#adff80"), (100, "#ffea80"), (1000, "#ff9280"), (math.inf, "#e5b0ff")]


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    with open_view(browser, tiny_site) as page:
        yield page


@pytest.fixture
def run(view: Page) -> dict:
    """The Run of TEXT, which the page shows."""
    run = read(view, TEXT)
    view.keyboard.press("Escape")
    return run


def rgb(code: str) -> str:
    return f"rgb({int(code[1:3], 16)}, {int(code[3:5], 16)}, {int(code[5:7], 16)})"


def test_every_colouring_has_a_legend_with_numbers_and_colours_the_text(view: Page, run: dict) -> None:
    ids = view.locator("#colouring option").evaluate_all("options => options.map(o => o.value)")
    assert len(ids) >= 8
    seen = set()
    for id in ids:
        colour_by(view, id)
        assert re.search(r"\d", view.locator("#toolbar .legend").inner_text()), id
        seen.add(tuple(colours(view)))
    assert len(seen) == len(ids)  # each looks different


def test_gltr_colours_are_those_of_the_ranks(view: Page, run: dict) -> None:
    view.select_option("#colouring", "gltr")
    expected = [rgb(next(code for most, code in GLTR if token["rank"] <= most)) for token in run["tokens"]]
    expect(view.locator("#token-0")).to_have_css("background-color", expected[0])
    assert colours(view) == expected
    view.select_option("#colouring", "hue")


def test_marking_whitespace_moves_nothing(view: Page, run: dict) -> None:
    places = """[...document.querySelectorAll('#tokens .token')].flatMap((token) => {
      const {left, right, top, bottom} = token.getBoundingClientRect();
      return [left, right, top, bottom];
    })"""
    before, coloured = view.evaluate(places), colours(view)
    expect(view.locator("#tokens .space")).to_have_count(0)  # such elements are only there to be marked
    view.evaluate("document.getElementById('whitespace').click()")
    expect(view.locator("#surface")).to_have_class(re.compile("show-whitespace"))
    assert view.evaluate(places) == pytest.approx(before, abs=0.5)  # the browser rounds where each element ends
    assert colours(view) == coloured
    dot = view.locator("#tokens .space").first.evaluate("e => getComputedStyle(e).backgroundImage")
    assert "radial-gradient" in dot
    assert view.locator("#tokens .end").first.evaluate("e => getComputedStyle(e, '::before').content") == '"↵"'
    view.evaluate("document.getElementById('whitespace').click()")


def test_tokens_of_one_character_are_a_group_that_opens(view: Page, run: dict) -> None:
    smile = "🙂".encode()
    at = TEXT.encode().index(smile)
    first = next(i for i, t in enumerate(run["tokens"]) if t["bytes"][1] > at)
    group = view.locator("#tokens .group")
    expect(group).to_have_count(1)
    parts = group.locator(".token")
    assert parts.count() > 1
    expect(group).to_contain_text("🙂")
    parts.last.click()
    expect(group).to_have_class(re.compile("open"))
    shown = " ".join(parts.evaluate_all("parts => parts.map(p => p.dataset.hex)"))
    assert bytes.fromhex(shown).strip() == smile
    assert parts.first.get_attribute("data-index") == str(first)
    view.locator("#tokens .token").first.click()
    expect(group).not_to_have_class(re.compile("open"))


def test_a_family_emoji_is_one_group(view: Page) -> None:
    read(view, "one 👩‍👩‍👧 family")
    expect(view.locator("#tokens .group")).to_have_count(1)
    expect(view.locator("#tokens .group")).to_contain_text("👩‍👩‍👧")


def test_the_inspector_shows_the_run(view: Page, run: dict) -> None:
    """Pinned token: numbers, bytes, position; the actual token is marked even where it is far down."""
    index = max(range(len(run["tokens"])), key=lambda i: run["tokens"][i]["rank"])
    token = run["tokens"][index]
    assert token["rank"] > 50
    view.locator(f"#token-{index}").click()
    view.mouse.move(2, 2)
    shown = facts(view)
    assert shown["Rank"].replace(",", "") == str(token["rank"])
    assert shows(shown["Probability"], math.exp(token["logprob"]))
    assert float(shown["Surprisal"].split()[0]) == pytest.approx(-token["logprob"] / math.log(2), abs=0.01)
    assert float(shown["Entropy"].split()[0]) == pytest.approx(token["entropy"] / math.log(2), abs=0.01)
    head = view.locator("#inspector").inner_text()
    start, end = token["bytes"]
    assert f"Token {index + 1} of {len(run['tokens'])}" in head and f"id {token['id']}" in head
    assert f"bytes {start}–{end}" in head
    assert TEXT.encode()[start:end].hex(" ").upper() in head
    view.locator("#top-k").fill("50")
    rows = view.locator(".alternatives tbody tr:not(.gap)")
    expect(rows).to_have_count(51)
    expect(view.locator(".alternatives tr.actual")).to_have_count(1)
    expect(rows.last).to_have_class("actual")
    listed = rows.locator(".number").all_inner_texts()
    likeliest = [math.exp(top["logprob"]) for top in token["top"]]
    assert [text for text, p in zip(listed[:50], likeliest, strict=True) if not shows(text, p)] == []
    above = float(shown["Probability ranked above it"].rstrip("%")) / 100
    assert sum(likeliest) - 0.01 <= above <= 1 - math.exp(token["logprob"]) + 0.01
    view.locator("#top-k").fill("10")
    view.locator(f"#token-{index}").click()  # lets it go


def test_units(view: Page, run: dict) -> None:
    view.locator("#token-3").click()
    view.click("#settings-button")
    view.select_option("#setting-units", "nats")
    view.keyboard.press("Escape")
    assert float(facts(view)["Surprisal"].split()[0]) == pytest.approx(-run["tokens"][3]["logprob"], abs=0.01)
    assert float(facts(view)["Entropy"].split()[0]) == pytest.approx(run["tokens"][3]["entropy"], abs=0.01)
    view.click("#settings-button")
    view.select_option("#setting-units", "bits")
    view.keyboard.press("Escape")


def test_keyboard_alone(view: Page, run: dict) -> None:
    """Arrows preview, Enter pins and unpins, Shift selects, Escape lets everything go."""
    box = view.locator("#tokens")
    box.focus()
    view.keyboard.press("Escape")
    for key in ("Home", "ArrowRight", "ArrowRight"):
        view.keyboard.press(key)
    expect(box).to_have_attribute("aria-activedescendant", "token-2")
    expect(view.locator("#inspector")).to_contain_text("Token 3 of")
    view.keyboard.press("Enter")
    expect(view.locator("#token-2")).to_have_attribute("aria-selected", "true")
    chosen = view.locator("#tokens [aria-selected='true']")
    above = chosen.bounding_box()
    view.keyboard.press("ArrowDown")
    below = chosen.bounding_box()
    assert above is not None and below is not None and below["y"] > above["y"] + 10
    view.keyboard.press("Home")
    view.keyboard.press("Shift+ArrowRight")
    expect(view.locator("#tokens .in-span")).to_have_count(2)
    expect(view.locator("#fill-in mark")).not_to_be_empty()
    view.keyboard.press("Escape")
    expect(view.locator("#tokens .in-span")).to_have_count(0)
    expect(view.locator("[aria-selected='true'].token")).to_have_count(0)


def test_lists_are_the_least_likely_and_the_easiest(view: Page, run: dict) -> None:
    settled(view)
    logprob = np.array([t["logprob"] for t in run["tokens"]])
    entropy = np.array([t["entropy"] for t in run["tokens"]])
    rank = np.array([t["rank"] for t in run["tokens"]])
    easier = less_surprising_than_expected(logprob, entropy, rank)
    lists = {"Top surprises": top_surprises(logprob, rank), "Less surprising than expected": easier}
    for heading, places in lists.items():
        card = view.locator("#remarks .card", has_text=heading)
        buttons = card.locator(".remarks button")
        expect(buttons).to_have_count(len(places))
        if len(places):
            buttons.first.click()
            expect(view.locator(f"#token-{places[0]}")).to_have_attribute("aria-selected", "true")
            buttons.first.click()


def test_lists_name_parts_of_characters_by_their_bytes(view: Page) -> None:
    """As the inspector does; the expected token is left out only if it is the actual one, whatever their texts are."""
    run = read(view, "🙂 東京 🙂🙃 東京 Москва 🙃 шалом 東亰 " * 2)
    logprob, rank = (np.array([t[name] for t in run["tokens"]]) for name in ("logprob", "rank"))
    by_surprise = top_surprises(logprob, rank).tolist()
    buttons = view.locator("#remarks .card", has_text="Top surprises").locator(".remarks button")
    expect(buttons).to_have_count(len(by_surprise))
    listed = buttons.all_inner_texts()
    expected = [run["tokens"][i]["top"][0] for i in by_surprise]
    assert any("\ufffd" in top["text"] for top in expected), "the model expected parts of characters"
    for i, top, text in zip(by_surprise, expected, listed, strict=True):
        assert ("not" in text) == (top["id"] != run["tokens"][i]["id"])
        assert "\ufffd" not in text and text.count("bytes ") >= ("\ufffd" in top["text"]), text
    assert "\ufffd" not in view.locator("#copies table").inner_text()
    view.locator("#tokens .token").nth(1).click()
    assert "\ufffd" not in view.locator("#inspector").inner_text()
    view.locator("#tokens").focus()
    view.keyboard.press("Home")
    view.keyboard.press("Shift+ArrowRight")
    view.keyboard.press("Shift+ArrowLeft")
    view.click("#rank")
    expect(view.locator("#ranking tr.actual")).to_contain_text("bytes F0", timeout=30_000)
    expect(view.locator(".context mark")).to_contain_text("bytes F0")
    expect(view.locator(".context")).to_contain_text("東京")


def test_summary_and_word_table(view: Page, run: dict) -> None:
    text = view.locator("#summary").inner_text().replace("\n", " ")
    perplexity = run["summary"]["perplexity"]
    shown = re.search(r"Perplexity ([\d,.]+)", text)
    assert shown and float(shown[1].replace(",", "")) == pytest.approx(perplexity, rel=0.006)
    assert f"{run['summary']['bits_per_byte']:.2f}" in text
    until(
        view,
        """tokens => [...document.querySelectorAll('#remarks table td:nth-child(2)')]
            .reduce((sum, { textContent }) => sum + Number(textContent), 0) === tokens""",
        len(run["tokens"]),
    )


def test_repeated_passages_are_listed(view: Page, run: dict) -> None:
    row = view.locator("#copies tbody tr").first
    expect(row).to_contain_text("people␣of␣the␣village")
    row.get_by_label("Show this occurrence").click()
    length = int(row.locator("td").first.inner_text())
    expect(view.locator("#tokens .in-span")).to_have_count(length)
    view.locator("#tokens").focus()
    view.keyboard.press("Escape")


def test_strip_is_tied_to_the_text(view: Page, run: dict) -> None:
    """Pointing at the strip previews a token; dragging selects a stretch of the text and shows it."""
    over = view.locator("#along .chart-stage")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    view.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    expect(view.locator("#tokens .cursor")).to_have_count(1)
    middle = int(view.locator("#tokens .cursor").get_attribute("data-index") or -1)
    assert abs(middle / len(run["tokens"]) - 1 / 2) < 0.05  # the axis takes a little of the left
    view.mouse.down()
    view.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 20, steps=4)
    view.mouse.up()
    selected = view.locator("#tokens .in-span")
    assert selected.count() == pytest.approx(len(run["tokens"]) / 4, abs=3)
    view.locator("#tokens").focus()
    view.keyboard.press("Escape")


def test_examples_and_files(view: Page) -> None:
    view.select_option("#example", "code")
    expect(view.locator("#tokens")).to_contain_text("moving_average")
    settled(view)
    file = {"name": "note.txt", "mimeType": "text/plain", "buffer": "From a file: naïve.".encode()}
    view.set_input_files("#editor input[type=file]", file)
    expect(view.locator("#tokens")).to_have_text("From a file: naïve.")
    settled(view)
    view.evaluate("""() => {
      const data = new DataTransfer();
      data.items.add(new File(['Dropped on the page.'], 'dropped.txt', {type: 'text/plain'}));
      const how = {dataTransfer: data, bubbles: true, cancelable: true};
      const view = document.querySelector('#editor');
      for (const type of ['dragover', 'drop']) view.dispatchEvent(new DragEvent(type, how));
    }""")
    expect(view.locator("#tokens")).to_have_text("Dropped on the page.")
    settled(view)
    wrong = {"name": "x.bin", "mimeType": "text/plain", "buffer": b"\xff\xfe\x00"}
    view.set_input_files("#editor input[type=file]", wrong)
    expect(view.locator("#notice")).to_contain_text("x.bin is not a text file in UTF-8.")
    assert len(shown_ids(view)) > 2  # what was there stays
