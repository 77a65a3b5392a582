"""The face for everybody: axe in every lens and theme, forced colours, print, phones, live regions. Real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page, Route, expect

from tests.browser import find
from tests.e2e.conftest import QUICK
from tests.e2e.layers import finished, fresh, settled, until
from tests.e2e.likelihood import TEXT, read_box
from tests.e2e.test_likelihood_page import violations

# A touch screen, which has_touch alone does not make of a page's media features.
COARSE = "--blink-settings=primaryPointerType=2,availablePointerTypes=2,primaryHoverType=1,availableHoverTypes=1"
TRANSPARENT = "rgba(0, 0, 0, 0)"
OPEN = {
    "help": ("#help-button", "#help"),
    "settings": ("#settings-button", "#settings"),
    "sampling": ("#sampling > summary", "#sampling .popover-panel"),
    "save": ("#save > summary", "#save .popover-panel"),
}
# Controls smaller than 24 px that are not inside a label that is larger, and fields that iOS would zoom into.
SMALL = """() => [...document.querySelectorAll('button, select, input, textarea, summary, [role=tab], label.check')]
    .filter((each) => each.checkVisibility() && each.getBoundingClientRect().width && !each.closest('.check input'))
    .filter((each) => !(each.matches('.check input')))
    .map((each) => [each, each.getBoundingClientRect(), parseFloat(getComputedStyle(each).fontSize)])
    .filter(([each, {width, height}, size]) => width < 24 || height < 24
        || (size < 16 && each.matches('select, textarea, input:not([type=range], [type=checkbox])')))
    .map(([each, {width, height}, size]) => `${each.outerHTML.slice(0, 80)} ${width} × ${height}, ${size}px`)"""


@pytest.fixture
def page(lens_page: Page) -> Page:
    lens_page.emulate_media(media="screen", forced_colors="none")
    read_box(fresh(lens_page, "tokens"), TEXT)
    return lens_page


@pytest.mark.parametrize("lens", ["tokens", "layers", "attention"])
@pytest.mark.parametrize("scheme", ["light", "dark", "forced"])
def test_axe_finds_nothing_in_any_lens_and_theme(page: Page, lens: str, scheme: str) -> None:
    fresh(page, lens)
    dark: Any = "light" if scheme == "light" else "dark"
    page.emulate_media(color_scheme=dark, forced_colors="active" if scheme == "forced" else "none")
    page.locator("#token-4").click()
    if lens == "layers":
        settled(page, 4)
        for summary in page.locator("#panel-choice summary, #panel-layers summary").all():
            summary.click()
    if lens == "attention":
        for panel in ("looks_at", "head"):
            expect(page.locator(f"#panel-{panel} .chart:not(.blank)").first).to_be_attached()
    assert violations(page) == []
    for name, (button, opened) in OPEN.items() if lens == "tokens" else ():  # the same over every lens
        page.click(button)
        expect(page.locator(opened)).to_be_visible()
        assert violations(page) == [], name
        page.keyboard.press("Escape")
    page.fill("#text", "")
    assert violations(page) == [], "empty"


def test_forced_colours_keep_the_colours_of_the_tokens(page: Page) -> None:
    """The textarea over the tokens must not get a background and a text colour of its own."""
    page.emulate_media(forced_colors="active")
    style = "element => [getComputedStyle(element).backgroundColor, getComputedStyle(element).color]"
    assert page.locator("#text").evaluate(style) == [TRANSPARENT, TRANSPARENT]
    backgrounds = page.locator("#tokens .token").evaluate_all(
        "all => all.map((e) => getComputedStyle(e).backgroundColor)"
    )
    assert len(set(backgrounds)) > 5 and TRANSPARENT not in backgrounds


def test_what_is_chosen_is_seen_in_forced_colours(page: Page) -> None:
    page.emulate_media(forced_colors="active")
    page.locator("#remarks [aria-pressed]").first.click()
    pairs = (
        ("#remarks [aria-pressed=true]", "#remarks [aria-pressed=false]"),
        ("#inspector .actual", "#inspector .alternatives tr:not(.actual, .gap)"),
        ("#pin[aria-pressed=true]", "#undo"),
    )
    for chosen, other in pairs:
        style = "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]"
        ground, ink = page.locator(chosen).first.evaluate(style)
        usual = page.locator(other).first.evaluate(style)[0]
        assert ground not in (usual, ink, TRANSPARENT), chosen


def test_print_has_the_whole_text_in_its_colours(page: Page) -> None:
    """Also in a dark theme, as dark text on white."""
    long = TEXT * 3
    page.evaluate("text => tokenlight.analyze(text)", long)
    finished(page)
    page.emulate_media(media="print", color_scheme="dark")
    surface = page.locator("#surface")
    assert surface.evaluate("e => getComputedStyle(e).maxHeight === 'none' && e.scrollHeight <= e.clientHeight + 1")
    assert page.locator("#tokens").text_content() == long
    style = """all => all.map((e) => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color,
        getComputedStyle(e).printColorAdjust])"""
    for background, colour, adjust in page.locator("#tokens .token").evaluate_all(style):
        assert background != TRANSPARENT and adjust == "exact"
        assert sum(map(int, re.findall(r"\d+", colour)[:3])) < 150, colour
    expect(page.locator(".legend")).to_be_visible()
    for away in ("#run", "#tabs", "#settings-button", "#stepper", "#save", "#model", "#colouring"):
        expect(page.locator(away)).to_be_hidden()
    for shown in ("Likelihood in this text", "Read by tiny-gpt2"):
        expect(page.get_by_text(shown).and_(page.locator(".printed"))).to_be_visible()
    bars = """canvas => {
        const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Map();
        for (let i = 0; i < data.length; i += 4) {
            if (data[i + 3] < 255) continue;
            const brightness = data[i] + data[i + 1] + data[i + 2];
            seen.set(brightness, (seen.get(brightness) ?? 0) + 1);
        }
        return [...seen].sort(([, a], [, b]) => b - a)[0][0];
    }"""  # how bright the colour is that fills most
    canvas = page.locator("#along .chart-stage canvas").first
    assert canvas.evaluate(bars) > 450
    page.emulate_media(media="screen", color_scheme="dark")
    assert canvas.evaluate(bars) < 300
    page.evaluate(f"""() => addEventListener('beforeprint', () => {{
        globalThis.printed = ({bars})(document.querySelector('#along canvas'));
    }}, {{once: true}})""")
    page.pdf()
    assert page.evaluate("printed") > 450 and canvas.evaluate(bars) < 300


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("lens", ["attention", "why"])
def test_what_a_lens_colours_the_text_by_begins_where_the_rest_does(page: Page, lens: str, width: int) -> None:
    page.click(f"#tab-{lens}")
    page.locator("#token-4").click()
    page.set_viewport_size({"width": width, "height": 720})
    expect(page.locator("#legend .shading")).to_be_visible()
    first = "id => { const r = document.createRange(); r.selectNodeContents(document.querySelector(id)); return r; }"
    left = f"id => ({first})(id).getBoundingClientRect().left"
    assert page.evaluate(left, "#legend .shading") == page.evaluate(left, "#summary dt")
    page.set_viewport_size({"width": 740, "height": 720})  # both lie in one row, without the gap of wider windows
    right = f"id => ({first})(id).getBoundingClientRect().right"
    assert page.evaluate(left, "#legend .shading + .legend") > page.evaluate(right, "#legend .shading") + 4


def test_live_regions_speak_at_milestones(page: Page) -> None:
    page.evaluate(
        """() => {
            globalThis.spoken = [];
            const live = '[aria-live], [role=status], [role=alert], [role=log], output';
            new MutationObserver((changes) => {
                for (const {target} of changes) {
                    const region = (target.nodeType === 1 ? target : target.parentElement)?.closest(live);
                    if (region) spoken.push(region.id || region.className);
                }
            }).observe(document.body, {subtree: true, childList: true, characterData: true});
        }"""
    )
    page.evaluate("tokenlight.generate('The people', {maxTokens: 40, stopAtEnd: false})")
    finished(page)
    expect(page.locator("#announcer")).to_have_text("40 tokens generated.")
    assert page.evaluate("spoken.length") <= 4, page.evaluate("spoken")


def test_an_emptied_text_shows_no_numbers_of_the_one_before(page: Page) -> None:
    for lens in ("tokens", "layers", "attention"):
        fresh(page, lens)
        page.fill("#text", "")
        for gone in (".place", "#along", "#summary dd", "#inspector .facts", "#remarks .card", "#layers .panel",
                     "#attention .panel"):
            expect(page.locator(gone).first).to_be_hidden()
        page.fill("#text", TEXT)
        expect(page.locator(".place")).to_be_visible()


def test_the_legend_is_in_the_chosen_unit(page: Page) -> None:
    page.select_option("#colouring", "entropy")
    legend = page.locator("#legend .legend")
    expect(legend).to_have_attribute(
        "title", re.compile(r"^0 bits \(certain\) · 2\.89 bits · .* · 11\.5 bits \(uncertain\)$")
    )
    page.evaluate("import(new URL('page/choices.js', location.href)).then(({set}) => set('units', 'nats'))")
    expect(legend).to_have_attribute("title", re.compile(r"^0 nats \(certain\) · 2 nats · .* · 8 nats \(uncertain\)$"))
    page.select_option("#colouring", "hue")


@pytest.mark.parametrize("width", [320, 390])
def test_a_finger_hits_every_control_and_no_field_is_zoomed_into(
    browser_type: BrowserType, tiny_site: str, width: int
) -> None:
    browser = browser_type.launch(executable_path=find(), args=[*QUICK, COARSE])
    page = browser.new_page(viewport={"width": width, "height": 844}, has_touch=True, service_workers="block")
    page.goto(f"{tiny_site}#model=tiny-gpt2")
    page.evaluate("tokenlight.ready")
    finished(page)
    assert page.evaluate("matchMedia('(pointer: coarse)').matches")
    for lens in ("tokens", "layers", "attention"):
        page.locator(f"#tab-{lens}").tap()
        page.wait_for_timeout(300)
        assert page.evaluate(SMALL) == [], lens
        assert not [said for said in page.locator(".readout").all_inner_texts() if "oint at" in said]
    for name, (button, opened) in OPEN.items():
        page.locator(button).tap()
        expect(page.locator(opened)).to_be_visible()
        box = page.locator(opened).bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width, name
        assert box["y"] >= 0 and box["y"] + box["height"] <= 845, f"{name} is in the window"
        assert page.evaluate(SMALL) == [], name
        page.keyboard.press("Escape")
    page.locator("#along .chart-stage").scroll_into_view_if_needed()
    place = page.locator("#along .chart-stage").bounding_box()
    assert place is not None
    page.touchscreen.tap(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    expect(page.locator("#along .readout")).to_contain_text("surprisal")
    browser.close()


def test_a_browser_that_lacks_a_feature_gets_one_sentence(
    page: Page, browser: Browser, tiny_site: str, open_page: Callable[..., Page]
) -> None:
    """A colour function that no browser has stands for the one that an old browser lacks."""
    expect(page.locator("#too-old")).to_be_hidden()

    def unknown(route: Route) -> None:
        answer = route.fetch()
        assert "light-dark(red, red)" in answer.text()
        route.fulfill(response=answer, body=answer.text().replace("light-dark(red, red)", "no-such-function(red)"))

    context = browser.new_context(service_workers="block")
    old = context.new_page()
    old.route("**/styles/base.css", unknown)
    old.goto(tiny_site)
    sentence = old.locator("#too-old")
    expect(sentence).to_be_visible()
    expect(sentence).to_have_text(re.compile(r"Chrome or Edge \d+, Firefox \d+, Safari [\d.]+ or newer\.$"))
    context.close()


def test_versions_show_where_they_fork(page: Page) -> None:
    page.evaluate("text => tokenlight.generate(text, {maxTokens: 3, seed: 1})", TEXT)
    finished(page)
    page.click("#new-sample")
    finished(page)
    page.click("#versions summary")
    until(page, "() => document.querySelectorAll('#versions ul ul .branch').length >= 2")
    expect(page.locator("#versions ul ul .branch.chosen")).to_have_count(1)
    assert page.locator("#versions").evaluate("e => e.getBoundingClientRect().bottom <= innerHeight + 1"), "in sight"


def test_the_sheet_stays_with_the_pinned_token_whatever_the_mouse_points_at(page: Page) -> None:
    page.set_viewport_size({"width": 700, "height": 800})
    page.locator("#token-4").click()
    inspector = page.locator("#inspector")
    name = inspector.locator("h2").inner_text()
    page.locator("#token-9").hover()
    expect(inspector).to_have_css("position", "fixed")
    expect(inspector.locator("h2")).to_have_text(name)
    page.locator("#pin").click()
    expect(inspector).to_have_css("position", "static")
    page.set_viewport_size({"width": 640, "height": 500})  # 1280 × 1000 at 200 %
    page.locator("#token-4").click()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(inspector).to_have_css("position", "static")
    expect(page.locator("#pin")).to_be_focused()
    expect(page.locator(".sheet-close")).to_be_hidden()
    page.locator("#token-4").click()
    expect(inspector).to_have_css("position", "fixed")
    page.locator("#pin").click()
    page.set_viewport_size({"width": 700, "height": 800})
    page.locator("#token-9").hover()
    expect(inspector.locator("h2")).not_to_have_text(name)


def test_the_first_tap_moves_nothing(tiny_site: str, browser_type: BrowserType) -> None:
    """Nor the second: on the first visit to a phone, the tapped token stays under the finger."""
    browser = browser_type.launch(executable_path=find(), args=[*QUICK, COARSE])
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, service_workers="block")
    page.goto(f"{tiny_site}#model=tiny-gpt2")
    page.evaluate("tokenlight.ready")
    finished(page)
    welcome = page.locator(".welcome")
    expect(welcome).to_be_visible()
    for token in (2, 5):
        before = page.locator(f"#token-{token}").bounding_box()
        page.locator(f"#token-{token}").tap()
        expect(page.locator(f"#token-{token}")).to_have_attribute("aria-selected", "true")
        assert page.locator(f"#token-{token}").bounding_box() == before
    page.get_by_label("Close this message").tap()
    expect(welcome).to_have_count(0)
    page.reload()
    expect(page.locator("#tabs [role=tab]").first).to_be_visible()
    expect(welcome).to_have_count(0)
    browser.close()
