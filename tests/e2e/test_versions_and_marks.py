"""Undo in the text box, and what was generated, through Run, reloads and new texts. Real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.layers import STATE, gated, slowed, until
from tests.e2e.likelihood import open_view
from tests.e2e.likelihood import read_box as read
from tests.e2e.likelihood import settled as idle

Opener = Callable[..., Page]
TEXT = "The people of the village went down to the river."
MARKS = "() => [...document.querySelectorAll('#tokens .token.generated')].map(({textContent}) => textContent)"
VERSIONS = """import(new URL('page/versions.js', document.baseURI))
    .then(({versions}) => versions.value.map(({text}) => text))"""


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    """One page for the tests that begin with a text of their own."""
    with open_view(browser, tiny_site) as page:
        yield page


def type_over(page: Page, text: str) -> None:
    """As a person: selects all and types or pastes, which the browser can undo."""
    page.focus("#text")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def written(page: Page, tokens: int) -> str:
    """Continues by so many tokens, then stops; the text in the box."""
    with gated(page) as gate:
        page.click("#continue")
        gate.let(tokens)
        page.click("#stop")
    idle(page)
    return page.input_value("#text")


def test_undo_in_the_box_never_mixes_texts(view: Page) -> None:
    """What was typed is undone by the browser, what the page has put there by the page."""
    first, second = "The first draft of my chapter.", "Hello there"
    for text in (first, second):
        type_over(view, text)
        view.keyboard.press("Control+Enter")
        idle(view)
    whole = written(view, 3)
    assert whole.startswith(second) and whole != second
    view.focus("#text")
    view.keyboard.press("Control+End")
    view.keyboard.insert_text("X")
    assert view.input_value("#text") == whole + "X"
    seen = []
    for _ in range(3):
        view.keyboard.press("Control+z")
        seen.append(view.input_value("#text"))
        idle(view)
    assert seen == [whole, second, first]
    for expected in (second, whole):
        view.keyboard.press("Control+Shift+Z")
        assert view.input_value("#text") == expected
        idle(view)


def test_undo_in_the_box_redoes_what_it_undid_itself(view: Page) -> None:
    read(view, TEXT)
    view.click("#continue")  # so that the page has put a text there
    idle(view)
    whole = view.input_value("#text")
    view.focus("#text")
    view.keyboard.press("Control+End")
    view.keyboard.insert_text(" More")
    view.keyboard.press("Control+z")
    assert view.input_value("#text") == whole
    view.keyboard.press("Control+y")
    assert view.input_value("#text") == whole + " More"


def test_run_keeps_what_was_generated(view: Page) -> None:
    """So that New sample draws it again, and does not write behind it."""
    read(view, TEXT)
    view.click("#continue")
    idle(view)
    marks = view.evaluate(MARKS)
    assert marks
    view.click("#run")
    idle(view)
    assert view.evaluate(MARKS) == marks
    view.click("#new-sample")
    idle(view)
    generated = view.evaluate(MARKS)
    assert generated and view.input_value("#text") == TEXT + "".join(generated)


def test_a_reload_keeps_what_was_generated(tiny_site: str, open_page: Opener) -> None:
    page = open_page(tiny_site)
    read(page, TEXT)
    page.click("#continue")
    idle(page)
    marks = page.evaluate(MARKS)
    assert marks
    with page.expect_event("load"):
        page.reload()
    expect(page.locator("#tokens .token.generated").first).to_be_attached(timeout=60_000)
    idle(page)
    assert page.evaluate(MARKS) == marks
    assert page.input_value("#text") == TEXT + "".join(marks)


def test_a_reload_does_not_go_on_reading_what_was_stopped(tiny_site: str, open_page: Opener) -> None:
    page = open_page(tiny_site)
    whole = " ".join([TEXT] * 10)  # some 220 tokens, in four passes
    page.fill("#text", whole)
    with slowed(page, 1000):
        page.click("#run")
        until(page, f"() => {STATE}.then((run) => run.tokens.ids.length > 200 && run.count > 0)")
        page.click("#stop")
        idle(page)
    read_, tokens = page.evaluate(f"{STATE}.then(({{count, tokens}}) => [count, tokens.ids.length])")
    assert 0 < read_ < tokens
    with page.expect_event("load"):
        page.reload()
    page.evaluate("tokenlight.ready")
    idle(page)
    assert page.input_value("#text") == whole
    assert page.evaluate("tokenlight.state().run") is None


def test_what_is_asked_for_while_the_model_writes_adds_no_odd_versions(view: Page) -> None:
    """Run during a generation: the version is the text that was in the box, and undo leads to what it began with."""
    read(view, TEXT)
    before = len(view.evaluate(VERSIONS))
    with gated(view) as gate:
        view.click("#continue")
        gate.let(3)
        expect(view.locator("#tokens .token.generated").first).to_be_attached()
        whole = view.input_value("#text")
        view.click("#run")
    idle(view)
    assert view.evaluate(VERSIONS)[before:] == [whole] and view.input_value("#text") == whole
    view.click("#undo")
    assert view.input_value("#text") == TEXT
    until(view, "() => document.documentElement.dataset.state === 'ready'")
