"""Writing, stopping, stepping, branching and saving with the layers lens. Real Chromium, a tiny model."""

from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.layers import (
    AXE_RULES,
    STATE,
    csv_of,
    finished,
    fresh,
    generate,
    ids,
    place,
    settled,
    slowed,
    step_times,
    step_to,
)

AXE = Path(__file__).parents[2] / "site/node_modules/axe-core/axe.min.js"
SVG = "{http://www.w3.org/2000/svg}"
PROMPT = "The people of the village went down to"


@pytest.fixture
def page(lens_page: Page) -> Page:
    return fresh(lens_page)


def test_write_continue_seed_and_branch(page: Page) -> None:
    given = page.evaluate("prompt => tokenlight.analyze(prompt).then(run => run.tokens.length)", PROMPT)
    whole = generate(page, PROMPT, maxTokens=16, temperature=1, topP=1, frequencyPenalty=0.5, seed=3)
    assert len(whole) == given + 16
    expect(page.locator("#speed")).to_contain_text("16 tokens generated")
    assert generate(page, PROMPT, maxTokens=16, seed=3) == whole, "the same seed writes the same"

    half = generate(page, PROMPT, maxTokens=8, seed=3)
    assert half == whole[:-8]
    page.click("#continue")
    assert finished(page) == whole, "going on is as if it had never stopped"

    page.click("#new-sample")
    other = finished(page)
    assert other[:given] == whole[:given] and other != half and len(other) == given + 8

    fork = given + 4
    step_to(page, fork)
    rows = csv_of(page, "choice")
    place_in_list = next(i for i, row in enumerate(rows) if row["chosen"] == "False")
    candidate = rows[place_in_list]
    page.locator("#panel-choice .chart-stage").focus()
    for _ in range(place_in_list + 1):
        page.keyboard.press("ArrowDown")
    page.locator("#panel-choice").get_by_role("button", name="Continue from").click()
    branched = finished(page)
    assert branched[:fork] == other[:fork] and branched[fork] == int(candidate["id"])
    assert len(branched) == fork + 1 + 8

    page.click("#versions summary")
    expect(page.locator(".branch", has_text="generated")).to_have_count(6)
    expect(page.locator(".branch.chosen")).to_contain_text("generated, seed 4")
    page.locator(".branch", has_text="generated, seed 3").first.click()
    assert finished(page) == whole, "an old branch comes back token by token"
    step_to(page, given + 5)
    page.locator("#panel-choice").scroll_into_view_if_needed()  # out of sight, it shows nothing
    expect(page.locator("#panel-choice")).to_contain_text("Filters: frequency penalty")


def test_stop_strings_and_greedy(page: Page) -> None:
    free = generate(page, PROMPT, maxTokens=20, greedy=True)
    given = page.evaluate(f"{STATE}.then(run => run.given)")
    texts = page.evaluate(f"{STATE}.then(run => run.tokens.texts)")
    stop = next(text for text in texts[given + 3 :] if text.strip() and "\n" not in text and "\ufffd" not in text)
    end = next(i for i in range(given, len(texts)) if stop in "".join(texts[given : i + 1]))
    assert generate(page, PROMPT, maxTokens=20, greedy=True, stop=[stop]) == free[: end + 1]


def test_streaming_follows_until_a_person_steps_back(page: Page) -> None:
    page.fill("#text", PROMPT)
    page.click("#sampling > summary")
    page.fill("#option-maxTokens", "150")
    page.evaluate(
        """() => {
            globalThis.counts = new Set();
            const tokens = document.getElementById('tokens');
            new MutationObserver(() => counts.add(tokens.querySelectorAll('.generated').length))
                .observe(tokens, {subtree: true, childList: true});
        }"""
    )
    with slowed(page, 20):
        page.click("#continue")
        expect(page.locator("#tokens .token.generated >> nth=20")).to_be_visible()
        assert page.evaluate("counts.size") > 2, "tokens came one after another"
        expect(page.locator(".current")).to_contain_text("following the newest")
        page.focus("#tokens")
        page.keyboard.press("Home")
        place_at = page.locator(".place")
        expect(place_at).to_have_text(re.compile(r"^1 / "))
        place_then, shown = page.evaluate(  # Stop from within the page: the model writes on meanwhile
            """() => new Promise((resolve) => {
                const tokens = document.getElementById('tokens');
                const count = () => tokens.querySelectorAll('.generated').length;
                const seen = count();
                const appeared = new MutationObserver(() => setTimeout(() => { // when all has been drawn
                    if (count() < seen + 3) return;
                    appeared.disconnect();
                    document.getElementById('stop').click();
                    resolve([document.querySelector('.place').innerText, count()]);
                }));
                appeared.observe(tokens, {subtree: true, childList: true});
            })"""
        )
        assert place_then.startswith("1 / "), "it stays where the person went"
        written = finished(page)
        given = page.evaluate(f"{STATE}.then(run => run.given)")
    assert given + shown <= len(written) < given + 150, "Stop keeps what was written"
    place(page, f"1 / {len(written)}")


def test_keys_slider_and_a_text_that_was_only_read(page: Page) -> None:
    page.fill("#text", "When the light of the morning came over the hill")
    page.click("#run")
    count = len(finished(page))
    place(page, f"{count} / {count}")
    page.locator("h1").click()
    page.keyboard.press("Home")
    place(page, f"{count} / {count}")  # keys step only in the text
    page.focus("#tokens")
    for key, expected in (("Home", 1), ("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("End", count)):
        page.keyboard.press(key)
        place(page, f"{expected} / {count}")
    page.locator("#step").fill("3")
    place(page, f"4 / {count}")
    settled(page, 3)
    expect(page.locator("#panel-choice")).to_contain_text("With your settings")
    page.locator("#text").focus()
    page.keyboard.press("Home")
    place(page, f"1 / {count}")  # the token at the caret
    page.locator("#tab-tokens").click()
    expect(page.locator("#token-0")).to_have_attribute("aria-selected", "true")


def test_stepping_needs_no_model(page: Page) -> None:
    """Every step brings new content while the model answers nothing; `make bench` prints how long it takes."""
    page.set_viewport_size({"width": 1600, "height": 3000})
    count = len(generate(page, PROMPT, maxTokens=60))
    settled(page, count - 1)
    page.evaluate(
        """() => {
            globalThis.asked = [];
            const held = [];
            const send = Worker.prototype.postMessage;
            globalThis.restore = () => {
                Worker.prototype.postMessage = send;
                for (const [worker, message] of held) send.apply(worker, message);
            };
            Worker.prototype.postMessage = function (...message) {
                const call = message[0]?.path?.[0];
                asked.push(call);
                if (['inspect', 'attention', 'run'].includes(call)) held.push([this, message]);
                else send.apply(this, message);
            };
        }"""
    )
    assert len(step_times(page, 25)) == 25
    assert page.evaluate("asked").count("views") >= 25
    page.evaluate("restore()")


def test_a_panel_saves_its_numbers(page: Page) -> None:
    count = len(generate(page, PROMPT, maxTokens=6))
    settled(page, count - 1)
    with page.expect_download() as download:
        page.locator("#panel-layers").get_by_label("save as CSV").click()
    assert download.value.suggested_filename == f"tokenlight-layers-{count}.csv"
    with Path(download.value.path()).open(newline="", encoding="utf-8-sig") as file:
        assert list(csv.DictReader(file)) == csv_of(page, "layers")


def shapes(path: Path) -> int:
    """Marks in an SVG file, all of them within its view."""
    root = ElementTree.parse(path).getroot()
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    texts = root.findall(f"{SVG}text")
    for text in texts:
        assert left <= float(text.attrib["x"]) <= left + width and top <= float(text.attrib["y"]) <= top + height
    return len(texts) + len(root.findall(f".//{SVG}path")) + len(root.findall(f"{SVG}rect"))


def test_panels_explain_themselves_save_and_are_accessible(page: Page) -> None:
    page.set_viewport_size({"width": 1600, "height": 3000})
    count = len(generate(page, PROMPT, maxTokens=6))
    settled(page, count - 1)
    panels = page.locator(".panel:visible")
    assert panels.count() == 7
    for i in range(panels.count()):
        panel = panels.nth(i)
        assert panel.locator("h2").inner_text() and panel.locator(".chart:not(.blank)").count()
        panel.get_by_text("How is this computed?").click()
        assert len(panel.locator("details[open] > p").first.inner_text()) > 100
        assert panel.locator(".formula").inner_text()
        assert "Computed by" in panel.locator(".panel-foot .hint").first.inner_text()
        panel.get_by_text("As a table").click()
        expect(panel.locator("details[open] .scroller table tbody tr").last).to_be_visible()
        with page.expect_download() as download:
            panel.get_by_label("save as PNG").click()
        data = Path(download.value.path()).read_bytes()
        assert data.startswith(b"\x89PNG") and len(data) > 5000
        with page.expect_download() as download:
            panel.get_by_label("save as SVG").click()
        assert shapes(Path(download.value.path())) > 5
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        found = page.evaluate(f"axe.run(document.getElementById('layers'), {AXE_RULES})")
        assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == []
    for width in (390, 1024, 1600):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{width} px scrolls sideways"
    assert ids(page)
