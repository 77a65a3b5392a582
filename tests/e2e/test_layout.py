"""Where things stand: nothing overlaps or scrolls sideways, text and panels in sight. Real Chromium, SmolLM2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.layers import finished, fresh, settled

SHORT = "My grandmother kept bees behind the railway."
LONG = """My grandmother kept bees behind the railway cottage, eleven hives painted the colours of the sky, and she said
that they knew when it would rain. He read the letter twice; then he burnt it. Nobody ever found out what it said.

def extend(line, coast):
    return [*line, coast]

In 1921 the line was extended to the coast. The engineers, who had been promised a bridge, were given a ferry instead.
"""
LONG += " ".join(f"The {i} o'clock boat sank in 195{i}: an_identifier_without_any_place_to_break{i}." for i in range(8))
PHONE, DESK = (390, 844), (1400, 900)

# Pairs of things that lie on each other, neither within the other. The text's two layers lie on each other by design.
OVERLAPS = """() => {
    const kinds = 'button, input, select, summary, h1, h2, h3, dt, dd, th, td, .hint, .lead, .readout, .chart-stage, '
        + '.legend, .legend > span, .place, .current, .peaks, .files, .keys, .surface';
    const things = [...document.querySelectorAll(kinds)].filter((each) => each.getBoundingClientRect().width > 1
        && each.checkVisibility({visibilityProperty: true}))
        .filter((each) => !each.closest('.sr-only, dialog, [popover], .popover-panel'));
    const boxes = things.map((each) => each.getBoundingClientRect());
    const name = (each) => `${each.tagName}#${each.id}.${each.className} ${each.textContent.trim().slice(0, 20)}`;
    const found = [];
    for (let i = 0; i < things.length; i++) for (let k = i + 1; k < things.length; k++) {
        const [a, b] = [boxes[i], boxes[k]];
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 1 && high > 1 && !things[i].contains(things[k])) found.push([name(things[i]), name(things[k])]);
    }
    return found;
}"""
# Characters and controls that reach out of the window.
OUTSIDE = """() => [...document.querySelectorAll('header *, .toolbar *, .under *, .panel *, .lenses h2')]
    .filter((each) => each.checkVisibility())
    .filter((each) => !each.closest('.scroller, .chart-stage, dialog, [popover], .popover-panel, .sr-only, select'))
    .filter((each) => each.getBoundingClientRect().left < -1 || each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => each.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def view(real_page: Page) -> Iterator[Page]:
    call = "on => import(new URL('page/choices.js', location.href)).then(({set}) => set('introduced', on))"
    real_page.evaluate(call, True)
    yield real_page
    real_page.evaluate(call, False)


@pytest.fixture(scope="module", params=[SHORT, LONG], ids=["8 tokens", "300 tokens"])
def page(view: Page, request: pytest.FixtureRequest) -> Page:
    """Read once for all windows."""
    view.evaluate("text => tokenlight.analyze(text)", request.param)
    count = len(finished(view))
    assert count == 8 if request.param is SHORT else 280 < count < 400
    return view


def box(page: Page, selector: str) -> dict[str, Any]:
    found = page.locator(selector).bounding_box()
    assert found is not None, selector
    return dict(found)


@pytest.mark.parametrize("lens", ["tokens", "layers", "attention", "why"])
@pytest.mark.parametrize("size", [(320, 640), PHONE, (768, 1024), (900, 700), DESK, (1920, 1080)])
def test_nothing_overlaps_or_scrolls_sideways(page: Page, lens: str, size: tuple[int, int]) -> None:
    width, height = size
    fresh(page, lens).set_viewport_size({"width": width, "height": height})
    if lens == "layers":
        page.evaluate("import(new URL('page/choices.js', location.href)).then(({pin}) => pin(5))")
        page.locator("#panel-choice").scroll_into_view_if_needed()
        settled(page, 5)
        page.locator("#panel-lens").scroll_into_view_if_needed()
        settled(page, 5)
    elif lens == "attention":
        for panel in page.locator("#attention .panel:not(#panel-induction)").all():  # these have a chart of any text
            panel.scroll_into_view_if_needed()
            expect(panel.locator(".chart:not(.blank)").first).to_be_attached(timeout=30_000)
    elif lens == "why":
        page.locator("#panel-why_adds").scroll_into_view_if_needed()
        expect(page.locator("#panel-why_adds .lead")).to_contain_text("All parts sum to", timeout=30_000)
        expect(page.locator("#legend .shading")).to_be_visible(timeout=30_000)
    else:
        expect(page.locator("#remarks .card")).to_have_count(3)
    page.evaluate("scrollTo(0, 0)")
    assert page.evaluate("document.documentElement.scrollWidth <= document.body.clientWidth"), "beside a scroll bar"
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(OVERLAPS) == []
    model = box(page, "#model")
    assert model["width"] >= 120, "its name is seen, not one letter"
    assert box(page, "#surface")["y"] - box(page, "#toolbar")["y"] - box(page, "#toolbar")["height"] < 16


@pytest.mark.parametrize("width", [320, 360, 430, 700, 900, 1440])
def test_every_legend_has_room(page: Page, width: int) -> None:
    fresh(page).set_viewport_size({"width": width, "height": 800})
    menu = page.locator("#colouring")
    usual = menu.input_value()
    colour = "id => import(new URL('page/colouring.js', document.baseURI)).then(({setColouring}) => setColouring(id))"
    try:
        for each in menu.locator("option:enabled").evaluate_all("options => options.map(({value}) => value)"):
            page.evaluate(colour, each)
            expect(menu).to_have_value(each)
            assert page.evaluate(OVERLAPS) == [] and page.evaluate(OUTSIDE) == [], each
    finally:
        page.evaluate(colour, usual)


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_the_text_is_in_the_first_third(page: Page, size: tuple[int, int]) -> None:
    width, height = size
    fresh(page).set_viewport_size({"width": width, "height": height})
    first = box(page, "#token-0")
    assert first["y"] >= 0 and first["y"] + first["height"] < height / 3


def test_three_panels_are_in_sight_while_stepping(page: Page) -> None:
    fresh(page).set_viewport_size({"width": DESK[0], "height": DESK[1]})
    for token in (3, 7):
        page.locator(f"#token-{token}").click()
        settled(page, token)
        for panel in ("choice", "layers", "focus"):
            charts = box(page, f"#panel-{panel} .charts")
            assert charts["height"] > 40
            assert charts["y"] >= 0 and charts["y"] + charts["height"] <= DESK[1], f"{panel} at {charts}"
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize("width", [600, 900, 1100, 1280, 1440, 1920])
def test_every_colouring_s_name_is_seen_whole(page: Page, width: int) -> None:
    """Beside its legend, however long that is."""
    fresh(page, "tokens").set_viewport_size({"width": width, "height": 800})
    whole = page.evaluate(
        """() => {
            const copy = document.getElementById('colouring').cloneNode(true);
            copy.style.position = 'absolute';
            document.getElementById('legend').append(copy);
            const widths = [...copy.options].map(({value}) => {
                copy.value = value;
                return [value, copy.getBoundingClientRect().width];
            });
            copy.remove();
            return widths;
        }"""
    )
    for colouring, needed in whole:
        page.select_option("#colouring", colouring)
        expect(page.locator("#legend .legend > *").first).to_be_visible()
        assert box(page, "#colouring")["width"] >= needed - 1, colouring
    page.select_option("#colouring", "hue")


def test_the_inspector_is_as_high_for_every_token(page: Page) -> None:
    """With an alternative more, in a row after a gap, for tokens that the model did not expect."""
    fresh(page, "tokens").set_viewport_size({"width": 1280, "height": 720})
    heights, rows = set(), set()
    for token in range(8):
        page.locator(f"#token-{token}").hover()
        expect(page.locator("#inspector .about .hint")).to_contain_text(f"Token {token + 1} of")
        heights.add(box(page, "#inspector")["height"])
        rows.add(page.locator("#inspector .alternatives tbody tr").count())
    assert len(rows) == 2 and len(heights) == 1
