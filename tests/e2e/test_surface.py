"""The text appears once: a textarea exactly over its coloured tokens. Real Chromium, tiny models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.layers import gated, until
from tests.e2e.likelihood import SCRIPTS, TEXT, colours, covered, open_view, read, settled, shows

HARD = "AVATAR  To fi office,\tTab\n\n  naïve 🙂 👩‍👩‍👧 日本語、「東京」 नमस्ते trailing   \r\nlast\n"


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    with open_view(browser, tiny_site) as page:
        yield page


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("face", ["prose", "code"])
def test_the_textarea_lies_exactly_over_the_tokens(view: Page, width: int, face: str) -> None:
    """What the browser says stands at the left edge of each token is the character the token begins with."""
    read(view, HARD.replace("\r", ""))
    view.set_viewport_size({"width": width, "height": 900})
    try:
        wrong = view.evaluate(
            """async (face) => {
              const {set} = await import(new URL('page/choices.js', location.href));
              const {state, span} = {state: await import(new URL('page/state.js', location.href)),
                                     span: await import(new URL('text/span.js', location.href))};
              set('face', face);
              const box = document.getElementById('text');
              const surface = document.getElementById('surface');
              const places = span.placesInBox(state.run.value.tokens);
              surface.classList.add('lent');
              const wrong = [];
              for (const token of document.querySelectorAll('#tokens .token:not(.part, .line-end)')) {
                token.scrollIntoView({block: 'center'});
                const {left, top, height} = token.getClientRects()[0];
                const found = document.caretPositionFromPoint(left + 1, top + height / 2);
                const at = places[Number(token.dataset.index)];
                const there = found?.offsetNode === box ? found.offset : null;
                if (there !== at) wrong.push([token.textContent, at, there]);
              }
              surface.classList.remove('lent');
              const layer = document.getElementById('tokens');
              const heights = [box.scrollHeight - box.clientHeight, box.offsetHeight - layer.offsetHeight];
              set('face', 'auto');
              return [wrong, heights];
            }""",
            face,
        )
        assert wrong == [[], [0, 0]]
    finally:
        view.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("text", SCRIPTS)
def test_each_character_is_seen_and_pressed_where_it_stands(view: Page, text: str, width: int) -> None:
    """Also where a line runs against the first one."""
    view.set_viewport_size({"width": width, "height": 900})
    read(view, text)
    try:
        assert covered(view) == []
        assert view.locator("#tokens").text_content() == text
    finally:
        view.set_viewport_size({"width": 1280, "height": 900})


def test_typing_keeps_the_colours_of_the_unchanged_beginning(view: Page) -> None:
    """And of nothing else: the token before the change may be cut otherwise, what follows has another context."""
    live = "live => import(new URL('page/choices.js', location.href)).then(({set}) => set('live', live))"
    view.evaluate(live, False)
    try:
        read(view, TEXT)
        before = colours(view)
        view.focus("#text")
        view.keyboard.press("Control+Home")
        for _ in range(len("The people of the")):
            view.keyboard.press("ArrowRight")
        view.keyboard.type(" old")
        assert view.input_value("#text") == view.locator("#tokens").text_content() == TEXT.replace("the", "the old", 1)
        after = colours(view)
        kept = "".join(view.locator("#tokens .token").all_text_contents())
        assert kept and "The people of the".startswith(kept)
        assert after == before[: len(after)]
        view.click("#run")
        settled(view)
        expect(view.locator("#tokens .unread")).to_be_empty()
    finally:
        view.evaluate(live, True)


def test_tokens_keep_their_elements(view: Page) -> None:
    """What stays the same is not drawn again while one types and while a run streams; in the end all is coloured."""
    read(view, TEXT)
    given = view.locator("#tokens .token").count()
    view.locator("#tokens .token").evaluate_all("all => all.forEach((each) => (each.kept = true))")
    view.focus("#text")
    view.keyboard.press("Control+End")
    view.keyboard.type("And then")
    settled(view)
    view.click("#continue")
    expect(view.locator("#tokens .generated").nth(2)).to_be_attached()
    settled(view)
    expect(view.locator("#tokens .unread")).to_be_empty()
    kept = view.locator("#tokens .token").evaluate_all("all => all.map((each) => each.kept === true)")
    assert kept.index(False) == given - 1  # the token that was typed after may be cut otherwise
    assert len(kept) > given + 3
    expect(view.locator("#tokens .token:not([style*='background'])")).to_have_count(0)


def test_pressing_a_token_pins_it_and_puts_the_caret_there(view: Page) -> None:
    read(view, TEXT)
    view.locator("#token-3").click()
    expect(view.locator("#token-3")).to_have_attribute("aria-selected", "true")
    caret = "document.activeElement.id === 'text' && document.getElementById('text').selectionStart"
    start = sum(len(text) for text in view.locator("#tokens .token").all_text_contents()[:3])
    assert start <= view.evaluate(caret) <= start + len(view.locator("#token-3").text_content() or "")
    view.keyboard.press("Control+Home")
    expect(view.locator("#token-0")).to_have_attribute("aria-selected", "true")  # the caret leads
    view.keyboard.press("Shift+Control+ArrowRight")
    expect(view.locator("#tokens .in-span")).not_to_have_count(0)
    view.keyboard.press("Escape")
    expect(view.locator("#tokens .in-span, #tokens [aria-selected='true']")).to_have_count(0)
    box = view.locator("#token-1").bounding_box()
    assert box
    view.mouse.dblclick(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)  # not in the space before the word
    assert (
        view.evaluate("document.getElementById('text').selectionEnd - document.getElementById('text').selectionStart")
        > 1
    )
    view.keyboard.press("Escape")


def test_every_token_is_named_with_its_probability_and_rank(view: Page) -> None:
    token = read(view, TEXT)["tokens"][2]
    name, percent, rank = (view.locator("#token-2").get_attribute("aria-label") or "").split(", ")
    assert name == token["text"].replace(" ", "␣") and rank == f"rank {token['rank']}"
    assert shows(percent, float(np.exp(token["logprob"])))


FirstLook = Callable[[int, int], tuple[Page, Callable[[], None]]]


@pytest.fixture
def first_look(browser: Browser, tiny_site: str) -> Iterator[FirstLook]:
    """A first visit at a width and height whose page has not started, and what starts it."""
    contexts = []

    def visit(width: int, height: int) -> tuple[Page, Callable[[], None]]:
        context = browser.new_context(service_workers="block", viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        held: list[Route] = []
        page.route("**/app.js", lambda route: held.append(route))
        page.goto(tiny_site, wait_until="commit")
        expect(page.locator("#token-0")).to_be_visible()

        def start() -> None:
            while not held:
                page.wait_for_timeout(20)
            held.pop().continue_()
            page.unroute("**/app.js")
            expect(page.locator("#tabs [role=tab]").first).to_be_visible()  # all of the page is there

        return page, start

    yield visit
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1400, 900)])
def test_the_text_is_in_the_first_third(first_look: FirstLook, width: int, height: int) -> None:
    """On the first visit too, with the line that says what the colours are; it stays there while the rest arrives."""
    page, start = first_look(width, height)
    first = page.locator("#token-0").bounding_box()
    assert first is not None and first["y"] + first["height"] < height / 3
    expect(page.locator("#token-0")).to_have_css("background-color", re.compile("rgb"))
    expect(page.locator(".welcome")).to_be_visible()
    start()
    expect(page.locator(".welcome")).to_be_visible()
    assert page.locator("#token-0").bounding_box() == first
    page.locator("#token-0").click()
    expect(page.locator(".welcome")).to_be_hidden()
    page.reload()
    expect(page.locator("#tabs [role=tab]").first).to_be_visible()
    expect(page.locator(".welcome")).to_have_count(0)


@pytest.mark.parametrize("keys", ["End|!", "Control+a|Delete"])
def test_what_is_typed_before_the_page_has_started_stays(first_look: FirstLook, keys: str) -> None:
    page, start = first_look(1400, 900)
    for key in keys.split("|"):
        page.locator("#text").press(key)
    typed = page.locator("#text").input_value()
    start()
    page.evaluate("tokenlight.ready")
    expect(page.locator("#text")).to_have_value(typed)
    assert "".join(page.locator("#tokens").all_inner_texts()) == typed


def test_print_and_forced_colours_keep_the_text_and_its_colours(view: Page) -> None:
    read(view, TEXT)
    shown = colours(view)
    assert len(set(shown)) > 3
    view.emulate_media(forced_colors="active")
    assert colours(view) == shown
    view.emulate_media(forced_colors="none", media="print")
    assert colours(view) == shown
    assert view.locator("#surface").evaluate("e => e.scrollHeight <= e.clientHeight")
    expect(view.locator("#text")).to_be_hidden()
    view.emulate_media(media="screen")


@pytest.mark.parametrize("size", [(1280, 640), (360, 400)], ids=["wide", "phone"])
def test_the_newest_token_is_in_sight_until_the_reader_scrolls_away(
    browser: Browser, tiny_site: str, size: tuple[int, int]
) -> None:
    seen = """() => {
        const box = document.getElementById('surface').getBoundingClientRect();
        const newest = [...document.querySelectorAll('#tokens .token.generated')].at(-1).getBoundingClientRect();
        return newest.top >= box.top && newest.bottom <= box.bottom;
    }"""
    surface = "document.getElementById('surface')"
    with open_view(browser, tiny_site) as page:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        read(page, "A line.\n" * 10)
        assert page.evaluate(f"{surface}.scrollHeight > {surface}.clientHeight + 40")
        with gated(page) as gate:

            def write_on(tokens: int) -> None:
                shown = page.locator("#tokens .token.generated")
                before = shown.count()
                gate.let(tokens)
                while shown.count() < before + tokens:  # the last of them are handed over when one more is drawn, later
                    page.wait_for_timeout(250)
                    gate.let(1)

            start = "tokenlight.generate(document.getElementById('text').value, {maxTokens: 200, stopAtEnd: false})"
            page.evaluate(f"globalThis.running = {start}; null")
            write_on(3)
            until(page, seen)
            write_on(30)  # lines further
            until(page, seen)
            page.evaluate(f"{surface}.scrollTop = 0")
            write_on(10)
            assert page.evaluate(f"{surface}.scrollTop") == 0
            page.evaluate(f"{surface}.scrollTop = {surface}.scrollHeight")
            write_on(30)
            until(page, seen)
            page.click("#stop")
            page.evaluate("running.then(() => null)")
            settled(page)
            page.evaluate(f"{surface}.scrollTop = 0")
            page.click("#run")  # reads it again, and what was generated stays marked
            settled(page)
            assert page.locator("#tokens .token.generated").count() > 60
            assert page.evaluate(f"{surface}.scrollTop") == 0
