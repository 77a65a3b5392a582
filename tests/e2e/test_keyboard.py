"""The keyboard: focus when a control goes, ways out, keys of tabs and popovers, what is announced. Real Chromium."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.lab import over
from tests.e2e.layers import USUAL, finished, fresh, gated, pin_and_read, read
from tests.e2e.test_likelihood_page import violations

A = "The quick brown fox jumps over the lazy dog."
B = "The lazy brown fox jumps over the quick dog."
NOTICES = "import(new URL('page/notices.js', document.baseURI))"
CHOICES = "import(new URL('page/choices.js', document.baseURI))"
# The browser takes the focus from a disabled control with its next frame.
FOCUSED = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
    const {activeElement: each} = document;
    const name = each.id || each.getAttribute('aria-label') || each.textContent.trim();
    done(each.matches('body, :disabled') ? 'nothing' : name);
})))"""


@pytest.fixture
def page(lens_page: Page) -> Page:
    fresh(lens_page, "tokens")
    introduced(lens_page, True)
    read(lens_page, A)
    return lens_page


def introduced(page: Page, on: bool) -> None:
    """Whether the first visit's line has been read."""
    page.evaluate(f"on => {CHOICES}.then(({{set}}) => set('introduced', on))", on)


def press(control: Locator) -> None:
    """As the keyboard does."""
    control.focus()
    control.page.keyboard.press("Enter")


def focused(page: Page) -> str:
    """The id, name or text of what has the focus, once everything has been drawn."""
    return str(page.evaluate(FOCUSED))


def say(page: Page, words: str, error: bool = False) -> None:
    page.evaluate(f"([words, error]) => {NOTICES}.then(({{say}}) => say(words, error))", [words, error])


def test_messages_that_are_closed_give_the_focus_on(page: Page) -> None:
    introduced(page, False)
    press(page.locator("#welcome button"))
    expect(page.locator("#welcome button")).to_have_count(0)
    assert focused(page) == "tokens"
    say(page, "Something to know.")
    press(page.locator("#notice button"))
    expect(page.locator("#notice button")).to_have_count(0)
    assert focused(page) == "example"


def test_the_buttons_under_the_text_give_the_focus_on(page: Page) -> None:
    page.evaluate(f"""{CHOICES}.then(async ({{set}}) => {{
        const {{settings}} = await import(new URL('page/state.js', document.baseURI));
        set('sampling', {{...settings.value.sampling, maxTokens: 20, stopAtEnd: false}});
    }})""")
    press(page.locator("#new-sample"))
    finished(page)
    assert focused(page) == "run"
    with gated(page):
        press(page.locator("#continue"))
        expect(page.locator("#stop")).to_be_enabled()
        press(page.locator("#stop"))
        finished(page)
    assert focused(page) == "run"
    page.click("#undo")
    finished(page)
    press(page.locator("#redo"))
    finished(page)
    expect(page.locator("#redo")).to_be_disabled()
    assert focused(page) == "undo"
    page.locator("#versions summary").click()
    press(page.get_by_role("button", name="Delete the others"))
    expect(page.locator("#delete-others")).to_have_text(re.compile(r"^Delete \d+ texts? for good$"))
    page.locator("#undo").focus()
    expect(page.locator("#delete-others")).to_have_text("Delete the others")
    for _ in range(2):
        press(page.locator("#delete-others"))
    expect(page.locator("#versions button")).to_have_count(0)
    assert focused(page) == "tab-tokens"


def test_the_buttons_of_the_tokens_lens_give_the_focus_on(page: Page) -> None:
    page.locator("#token-4").click()
    press(page.locator("#inspector").get_by_role("button", name="Replace with").first)
    finished(page)
    assert page.evaluate("document.activeElement.closest('#inspector') !== null"), focused(page)
    for name in ("Pin this run as A", "Unpin A"):
        press(page.locator("#compare").get_by_role("button", name=name))
        expect(page.locator("#compare").get_by_role("button", name=name)).to_have_count(0)
        assert focused(page) == "Compare two runs"


def test_the_buttons_of_other_lenses_give_the_focus_on(page: Page) -> None:
    page.click("#tab-attention")
    panel = page.locator("#panel-head")
    panel.scroll_into_view_if_needed()
    whole = panel.get_by_role("button", name="Whole matrix")
    expect(panel.locator(".chart:not(.blank)").first).to_be_visible(timeout=20_000)
    panel.locator(".chart-stage").first.focus()
    page.keyboard.press("+")
    expect(whole).to_be_enabled()
    press(whole)
    expect(whole).to_be_disabled()
    assert focused(page) == "Weights shown"

    page.click("#tab-why")
    panel = page.locator("#panel-change")
    panel.scroll_into_view_if_needed()
    field = panel.get_by_label("Heads, as layer.head")
    field.fill("0.1")
    field.press("Enter")
    finished(page)
    expect(panel.locator(".lead")).to_contain_text("the unchanged model’s", timeout=20_000)
    expect(field).to_be_focused()
    page.set_viewport_size({"width": 360, "height": 300})
    press(panel.get_by_role("button", name="Remove all"))
    finished(page)
    assert focused(page) == "Interventions"
    expect(panel.get_by_role("heading", name="Interventions")).to_be_in_viewport()
    page.set_viewport_size(USUAL)
    field.fill("0.1")
    field.press("Enter")
    finished(page)
    press(page.locator("#interventions").get_by_role("button", name="Remove all"))
    finished(page)
    assert focused(page) == "tokens"

    panel = page.locator("#panel-patch")
    panel.scroll_into_view_if_needed()
    press(panel.get_by_role("button", name="Pin this text as A"))
    expect(panel.get_by_role("button", name="Pin this text as A")).to_have_count(0)
    assert focused(page) == "Patch"
    pin_and_read(page, A, B)
    press(panel.get_by_role("button", name="Compute the grid"))
    expect(panel.get_by_role("button", name="Compute the grid")).to_have_count(0)
    assert focused(page) == "Patch"
    panel = page.locator("#panel-steer")
    panel.scroll_into_view_if_needed()
    take = panel.get_by_role("button", name="Take this vector")
    expect(take).to_be_enabled(timeout=20_000)
    press(take)
    expect(take).to_have_count(0)
    assert focused(page) == "Steer"
    press(panel.get_by_role("button", name="Discard it"))
    expect(take).to_be_visible()
    assert focused(page) == "Steer"


def test_the_form_of_lessons_gives_the_focus_on(page: Page) -> None:
    page.click("#settings-button")
    page.click("#write-lesson")
    for _ in range(2):
        page.click("#writer-add")
    remove = page.locator(".writer-steps > li").last.get_by_role("button", name="Remove")
    press(remove)
    expect(page.locator(".writer-steps > li")).to_have_count(2)
    assert focused(page) == "writer-title"
    press(page.locator("#writer-close"))
    expect(page.locator("#writer-title")).to_have_count(0)
    assert focused(page) == "example"


def test_what_the_user_leaves_for_nothing_gets_no_focus_back(page: Page) -> None:
    """A press beside everything is the user's own choice, whatever becomes of the control."""
    say(page, "Something to know.")
    page.locator("#notice button").focus()
    page.locator("#notice p").click()
    assert page.evaluate("document.activeElement === document.body")
    page.evaluate(f"{NOTICES}.then(({{say}}) => say(null))")
    expect(page.locator("#notice button")).to_have_count(0)
    assert focused(page) == "nothing"


def test_the_code_editor_is_left_by_esc_then_tab(page: Page) -> None:
    """Tab alone indents: the editor says below it what does not, for the eyes and for screen readers."""
    over(page, A)
    keys = page.locator("#code p")
    expect(keys).to_be_visible()
    expect(keys).to_have_text("Esc, then Tab: leave the editor")
    content = page.locator("#code .cm-content")
    assert content.get_attribute("aria-describedby") == keys.get_attribute("id")
    content.click()
    content.press("Tab")
    expect(content).to_be_focused()
    content.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.code-output, #storage, footer') !== null")
    page.click("#help-button")
    expect(page.locator("#help")).to_contain_text("leave the Python editor")
    page.keyboard.press("Escape")


def test_a_selection_by_keys_is_announced(page: Page) -> None:
    tokens = page.locator("#tokens")
    tokens.focus()
    page.keyboard.press("Home")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    name = "i => import(new URL('page/state.js', document.baseURI)).then(({nameOfToken}) => nameOfToken(i))"
    first, last = page.evaluate(name, 0), page.evaluate(name, 2)
    expect(page.locator("#announcer")).to_have_text(f"3 tokens selected: {first} … {last}")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("#announcer")).to_have_text(f"1 token selected: {first}")


@pytest.mark.parametrize(("error", "role"), [(False, "status"), (True, "alert")])
def test_messages_arrive_in_a_region_that_was_there(page: Page, error: bool, role: str) -> None:
    page.evaluate(f"{NOTICES}.then(({{say}}) => say(null))")
    regions: dict[str, Any] = {each: page.locator(f"#notice [role={each}]") for each in ("status", "alert")}
    for region in regions.values():
        assert region.evaluate("e => e.textContent.trim() === '' && getComputedStyle(e).display !== 'none'")
    kept = regions[role].element_handle()
    say(page, "Something to know.", error)
    assert "Something to know." in (kept.text_content() or "")
    other = regions["alert" if role == "status" else "status"]
    assert other.text_content() == ""
    expect(page.locator("#notice [role]")).to_have_count(2)
    assert violations(page) == []
    page.locator("#notice button").click()
    expect(page.locator("#notice")).to_be_hidden()


@pytest.mark.parametrize("popover", ["sampling", "save"])
def test_popovers_close_when_the_focus_leaves_and_by_escape(page: Page, popover: str) -> None:
    details = page.locator(f"#{popover}")
    summary, panel = details.locator("summary"), details.locator(".popover-panel")
    press(summary)
    expect(panel).to_be_visible()
    page.keyboard.press("Tab")
    expect(panel).to_be_visible()
    panel.locator("button, input, select, textarea").last.focus()
    page.keyboard.press("Tab")
    expect(panel).to_be_hidden()
    assert not page.evaluate("id => document.getElementById(id).contains(document.activeElement)", popover)
    press(summary)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(summary).to_be_focused()


def test_the_keys_of_the_tabs(page: Page) -> None:
    page.locator("#tab-tokens").focus()
    ways = {"End": "python", "Home": "tokens", "ArrowLeft": "python", "ArrowRight": "tokens"}
    for key, lens in [*ways.items(), ("ArrowRight", "layers")]:
        page.keyboard.press(key)
        expect(page.locator(f"#tab-{lens}")).to_be_focused()
        expect(page.locator(f"#tab-{lens}")).to_have_attribute("aria-selected", "true")


def test_numbers_of_another_text_look_stale(page: Page) -> None:
    """Until the text in the box is read, what is below it is of the one before."""
    summary = page.locator("#summary dl")
    expect(summary).not_to_have_class("summary stale")
    page.evaluate("import(new URL('page/edits.js', document.baseURI)).then(({put}) => put('Another text.'))")
    expect(summary).to_have_class("summary stale")
    page.click("#run")
    finished(page)
    expect(summary).not_to_have_class("summary stale")
