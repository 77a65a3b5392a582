"""What lies over the page in windows of any size: notices, a pinned token's inspector, the lesson. Real Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.layers import fresh, read, until

TEXT = "The people of the village went down to the river, and the river was high."
LONG = "Which of the two dogs is easier to predict, and what in the text before it makes it so? " * 8
LESSON = {
    "schema": "tokenlight.lesson/1",
    "title": "Two dogs: a lesson with a name that is long",
    "text": "The dog saw a dog.",
    "lens": "tokens",
    "steps": [{"do": LONG, "waits": {"for": "read"}}] * 7,
}
# Of three points of what has the focus, how many lie in the window and are not covered by anything else.
SEEN = """() => {
    const focused = document.activeElement;
    const place = focused.closest('.surface') ?? focused; // the box of the text lies under its tokens
    const {left, top, width, height} = place.getBoundingClientRect();
    return [0.1, 0.5, 0.9].filter((share) => {
        const there = document.elementFromPoint(left + share * width, top + share * height);
        return there && (place.contains(there) || there.contains(place));
    }).length;
}"""

# Whether the page has had the same height for half a second.
STILL = """() => {
    const {scrollHeight: height} = document.documentElement;
    globalThis.still = globalThis.still?.height === height ? {height, times: still.times + 1} : {height, times: 0};
    return still.times > 25;
}"""


@pytest.fixture
def page(lens_page: Page) -> Iterator[Page]:
    read(fresh(lens_page, "tokens"), TEXT)
    yield lens_page
    lens_page.evaluate("""Promise.all(['lessons/lesson.js', 'page/notices.js'].map((name) =>
        import(new URL(name, document.baseURI)))).then(([{leave}, {say}]) => { leave(); say(null); })""")


def resize(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})


def box(place: Locator) -> dict[str, float]:
    found = place.bounding_box()
    assert found is not None
    return dict(found)


def overlap(a: dict[str, float], b: dict[str, float]) -> bool:
    return all(a[at] < b[at] + b[size] and b[at] < a[at] + a[size] for at, size in (("x", "width"), ("y", "height")))


def say(page: Page, words: str) -> None:
    call = "words => import(new URL('page/notices.js', document.baseURI)).then(({say}) => say(words, true))"
    page.evaluate(call, words)


@pytest.mark.parametrize("size", [(1280, 720), (900, 600), (360, 740), (740, 360)])
def test_a_notice_is_seen_where_the_reader_is_and_leaves_the_field_in_sight(page: Page, size: tuple[int, int]) -> None:
    """The field that is typed in stands at the lower end of the window, where notices come."""
    fresh(page, "why")
    resize(page, *size)
    page.locator("#panel-change").scroll_into_view_if_needed()
    until(page, STILL)  # charts above the field that are drawn later push it down, with or without a notice
    field = page.get_by_label("Heads, as layer.head")
    field.evaluate("field => field.scrollIntoView({block: 'end'})")
    field.fill("99.1")
    field.press("Enter")
    notice = page.locator("#notice .notice")
    expect(notice).to_be_in_viewport(ratio=0.99)
    until(page, """() => {
        const [notice, field] = ['#notice .notice', 'input[name=heads]'].map((each) =>
            document.querySelector(each).getBoundingClientRect());
        return field.bottom <= notice.top && field.top >= 0;
    }""")
    field.press("End")
    until(page, f"() => ({SEEN})() === 3")


@pytest.mark.parametrize("size", [(1280, 720), (360, 740)])
@pytest.mark.parametrize("words", ["Press Run first.", "The text has 2,300 tokens, but the context is 2,048. " * 3])
def test_a_notice_moves_nothing_and_covers_neither_header_nor_text(
    page: Page, size: tuple[int, int], words: str
) -> None:
    resize(page, *size)
    places = """() => ['header', '#toolbar', '#surface'].map((id) =>
        document.querySelector(id).getBoundingClientRect().y)"""
    before = page.evaluate(places)
    say(page, words)
    notice = page.locator("#notice .notice")
    expect(notice).to_be_in_viewport(ratio=0.99)
    assert page.evaluate(places) == before
    for other in ("header", "#toolbar", "#surface"):
        assert not overlap(box(notice), box(page.locator(other))), other
    notice.get_by_role("button").click()
    expect(notice).to_have_count(0)


def test_a_notice_stands_above_the_sheets(page: Page) -> None:
    resize(page, 390, 844)
    page.locator("#token-4").click()
    expect(page.locator("#inspector")).to_have_css("position", "fixed")
    say(page, "Press Run first.")
    notice = page.locator("#notice .notice")
    expect(notice).to_be_in_viewport(ratio=0.99)
    until(page, """() => document.querySelector('#notice').getBoundingClientRect().bottom
        <= document.querySelector('#inspector').getBoundingClientRect().top + 1""")
    page.locator("#token-16").click()
    assert not overlap(box(notice), box(page.locator("#token-16")))


@pytest.mark.parametrize("size", [(640, 360), (320, 256), (640, 600)])
def test_what_has_the_focus_is_not_behind_the_sheet(page: Page, size: tuple[int, int]) -> None:
    resize(page, *size)
    page.locator("#tokens").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator("#pin")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#inspector")).to_have_css("position", "static" if size[1] < 480 else "fixed")
    for press in range(24):
        page.keyboard.press("Tab")
        said = page.evaluate("document.activeElement.outerHTML.slice(0, 80)")
        assert page.evaluate(SEEN) > 0, f"{press}: {said}"


def test_closing_the_sheet_keeps_the_pin(page: Page) -> None:
    """The lenses keep the token and the keys move it; a tap on it opens the sheet again, another one unpins it."""
    resize(page, 640, 600)
    inspector, pinned = page.locator("#inspector"), page.locator("#tokens [aria-selected=true]")
    page.locator("#token-4").click()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(inspector).to_have_css("position", "static")
    expect(page.locator("#pin")).to_be_focused()
    expect(pinned).to_have_id("token-4")
    expect(page.locator("#pin")).to_have_text("Unpin")
    page.click("#tab-attention")
    expect(page.locator("#attention .about-token .hint")).to_contain_text("token 5,")
    page.click("#tab-tokens")
    page.locator("#tokens").focus()
    page.keyboard.press("ArrowRight")
    expect(pinned).to_have_id("token-5")
    expect(inspector).to_have_css("position", "static")
    page.keyboard.press("Enter")
    expect(inspector).to_have_css("position", "fixed")
    page.keyboard.press("Enter")
    expect(pinned).to_have_count(0)
    page.locator("#token-4").click()
    page.get_by_role("button", name="Close", exact=True).click()
    page.locator("#pin").click()
    expect(pinned).to_have_count(0)
    page.locator("#token-4").click()
    page.get_by_role("button", name="Close", exact=True).click()
    page.locator("#tokens").focus()
    page.keyboard.press("Escape")
    expect(pinned).to_have_count(0)
    page.locator("#token-4").click()
    expect(inspector).to_have_css("position", "fixed")


def open_lesson(page: Page) -> None:
    file = {"name": "dogs.lesson.json", "mimeType": "application/json", "buffer": json.dumps(LESSON).encode()}
    page.locator("#sources input[type=file]").set_input_files([file])
    expect(page.locator("#lesson-title")).to_have_text(str(LESSON["title"]))


def test_the_buttons_of_a_lesson_stay_in_sight(page: Page) -> None:
    """Its words scroll beside them; in a low window the card is part of the page, and the text has the window."""
    resize(page, 390, 844)
    open_lesson(page)
    words = page.locator("#lesson-body")
    assert words.evaluate("words => words.scrollHeight > words.clientHeight + 20"), "the words scroll"
    for button in ("#lesson-back", "#lesson-skip", "#lesson-leave"):
        expect(page.locator(button)).to_be_in_viewport(ratio=1)
        assert box(page.locator(button))["height"] >= 24
    for size in ((740, 360), (320, 256)):
        resize(page, *size)
        assert words.evaluate("words => words.scrollHeight <= words.clientHeight + 1"), "nothing is cut off"
        expect(page.locator("#lesson")).to_have_css("position", "static")
        page.locator("#lesson-skip").scroll_into_view_if_needed()
        expect(page.locator("#lesson-skip")).to_be_in_viewport(ratio=1)
        surface = page.locator("#surface")
        surface.scroll_into_view_if_needed()
        assert not overlap(box(surface), box(page.locator("#lesson")))


def test_the_head_of_a_lesson_is_one_row_and_its_title_has_no_ring(page: Page) -> None:
    resize(page, 1280, 720)
    open_lesson(page)
    middles = [place["y"] + place["height"] / 2 for place in (box(page.locator(id)) for id in (
        ".lesson-place", "#lesson-fold", "#lesson-leave"))]
    assert max(middles) - min(middles) < 3
    page.keyboard.press("Tab")  # as a keyboard's user: a ring is drawn from now on
    page.locator("#lesson-title").focus()
    assert page.evaluate("document.activeElement.matches('#lesson-title:focus-visible')")
    style: Any = page.locator("#lesson-title").evaluate("title => getComputedStyle(title).outlineStyle")
    assert style == "none"
