"""What a visitor typed or asked for stays theirs, through runs, files and settings. Real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from transformers import AutoTokenizer

from tests.e2e.layers import gated, until
from tests.e2e.likelihood import open_view
from tests.e2e.likelihood import read_box as read
from tests.e2e.likelihood import settled as idle

Opener = Callable[..., Page]
TEXT = "The people of the village went down to the river."


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    """One page for the tests that begin with a text of their own."""
    with open_view(browser, tiny_site) as page:
        yield page


def test_what_is_typed_while_the_model_generates_stays_and_ends_it(view: Page) -> None:
    """Undo leads to the text as far as it was seen: what else the model would have written is no version."""
    read(view, TEXT)
    with gated(view) as gate:
        view.click("#continue")
        gate.let(3)
        expect(view.locator(".token.generated").first).to_be_attached()
        assert view.evaluate("tokenlight.state().phase") == "running"
        seen = view.input_value("#text")
        view.fill("#text", "Typed meanwhile")
    read_now = "import(new URL('page/state.js', document.baseURI)).then(({run}) => run.value)"
    until(view, f"() => {read_now}.then((run) => run.done && run.tokens.text === 'Typed meanwhile')")
    idle(view)
    assert view.input_value("#text") == view.locator("#tokens").text_content() == "Typed meanwhile"
    expect(view.locator("#tokens .generated")).to_have_count(0)
    versions = "import(new URL('page/versions.js', document.baseURI)).then(({versions}) => versions.value)"
    assert [v["text"] for v in view.evaluate(versions)][-1] == seen != TEXT
    view.click("#undo")  # from what was typed to what was generated, then to what it began with
    assert view.input_value("#text") == seen
    idle(view)
    assert view.locator("#tokens").text_content() == seen
    expect(view.locator("#tokens .generated").first).to_be_attached()
    view.click("#undo")
    assert view.input_value("#text") == TEXT
    view.click("#redo")
    view.click("#redo")
    assert view.input_value("#text") == "Typed meanwhile"


def test_the_header_names_what_is_done(view: Page) -> None:
    """From its first moment on; a generated text that is only read again is read."""
    press = """id => {
        document.getElementById(id).click();
        return document.querySelector('#header .status').textContent.trim();
    }"""
    read(view, TEXT)
    with gated(view) as gate:
        assert view.evaluate(press, "continue") == "Generating…"
        gate.let(3)
        view.click("#stop")
    idle(view)
    for id, text in (("run", None), ("undo", TEXT), ("redo", None)):
        assert view.evaluate(press, id) == "Reading…"
        idle(view)
        assert (view.input_value("#text") == TEXT) == (text == TEXT)
    expect(view.locator("#tokens .generated").first).to_be_attached()


def test_a_script_types_as_a_person_does(view: Page) -> None:
    """What it types is read, and ends what is generated; what the user had typed stays a version."""
    shown = "import(new URL('page/state.js', document.baseURI)).then(({run}) => run.value)"
    read(view, TEXT)
    blank = "The people of the ___ went down"  # not read while one types
    view.fill("#text", blank)
    for text in ("The people", "The people of the hill"):
        view.evaluate("text => tokenlight.setText(text)", text)
        assert view.evaluate("tokenlight.state().text") == view.input_value("#text") == text
    until(view, f"text => {shown}.then((run) => run.done && run.tokens.text === text)", text)
    view.click("#undo")
    assert view.input_value("#text") == blank
    read(view, TEXT)
    with gated(view) as gate:
        view.click("#continue")
        gate.let(3)
        expect(view.locator(".token.generated").first).to_be_attached()
        view.evaluate("tokenlight.setText('Typed meanwhile')")
    until(view, f"() => {shown}.then((run) => run.done && run.tokens.text === 'Typed meanwhile')")
    idle(view)
    assert view.input_value("#text") == "Typed meanwhile"
    expect(view.locator("#tokens .generated")).to_have_count(0)


def test_an_untouched_box_takes_what_was_generated(view: Page) -> None:
    read(view, TEXT)
    view.click("#continue")
    expect(view.locator(".token.generated").nth(2)).to_be_attached()
    idle(view)
    assert view.input_value("#text") == view.locator("#tokens").text_content()
    view.click("#undo")
    assert view.input_value("#text") == TEXT


def test_a_box_that_was_emptied_stays_empty(tiny_site: str, page: Page) -> None:
    page.clock.install()
    page.goto(tiny_site)
    expect(page.locator("#text")).not_to_have_value("")
    page.fill("#text", "")
    page.evaluate("tokenlight.ready")
    idle(page)
    page.clock.fast_forward(10_000)  # whatever the start does late, such as offering an example
    page.evaluate("tokenlight.load('tiny-llama')")  # and what another model would read again
    idle(page)
    assert page.input_value("#text") == ""


def test_a_file_dropped_anywhere_is_opened(view: Page) -> None:
    taken = view.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(['Dropped on the header.'], 'x.txt', {type: 'text/plain'}));
            const send = (type) => {
                const event = new DragEvent(type, {dataTransfer: transfer, bubbles: true, cancelable: true});
                document.querySelector('h1').dispatchEvent(event);
                return event.defaultPrevented;
            };
            return [send('dragover'), send('drop')];
        }"""
    )
    assert taken == [True, True], "the browser does not leave the page for the file"
    expect(view.locator("#tokens")).to_have_text("Dropped on the header.")
    idle(view)


def test_sampling_settings_are_one_set_and_last(tiny_site: str, open_page: Opener) -> None:
    page = open_page(tiny_site)
    page.click("#sampling > summary")
    page.fill("#option-maxTokens", "7")
    page.evaluate("tokenlight.setText('The page is drawn again while the field is edited.')")
    page.locator("#option-maxTokens").dispatch_event("change")
    expect(page.locator("#option-maxTokens")).to_have_value("7")
    page.reload()
    page.evaluate("tokenlight.ready")
    idle(page)
    read(page, TEXT)
    page.click("#continue")
    idle(page)
    expect(page.locator("#tokens .generated")).to_have_count(7)


def test_a_control_token_in_a_text_is_marked_and_can_be_read_literally(
    tiny_site: str, checkpoints: Path, open_page: Opener
) -> None:
    """As the checkpoint's own tokenizer does with and without split_special_tokens; undo goes back to the other way."""
    text = "The end<|endoftext|> of the text"
    tokenizer = AutoTokenizer.from_pretrained(checkpoints / "tiny-gpt2")
    typed, literal = tokenizer(text).input_ids, tokenizer(text, split_special_tokens=True).input_ids
    assert tokenizer.eos_token_id in typed and tokenizer.eos_token_id not in literal
    page = open_page(tiny_site)
    call = "([text, literal]) => tokenlight.analyze(text, {literal}).then((run) => run.tokens.map(({id}) => id))"
    assert page.evaluate(call, [text, False]) == typed
    marked = page.locator("#tokens .control")
    expect(marked).to_have_text("<|endoftext|>")
    assert marked.evaluate("element => getComputedStyle(element).outlineStyle") == "dashed"
    marked.click()
    expect(page.locator("#inspector")).to_contain_text("control token")
    assert page.evaluate(call, [text, True]) == literal
    expect(page.locator("#tokens .control")).to_have_count(0)
    ids = "import(new URL('page/state.js', document.baseURI)).then(({run}) => run.value.tokens.ids)"
    page.click("#control-tokens button")  # the other way round again
    idle(page)
    assert page.evaluate(ids) == typed
    page.click("#control-tokens button")
    idle(page)
    assert page.evaluate(ids) == literal
    page.click("#run")  # the same version of the text
    idle(page)
    assert page.evaluate(ids) == literal
    page.click("#undo")  # the same text, read the other way
    idle(page)
    assert page.evaluate(ids) == typed
    expect(page.locator("#tokens .control")).to_have_accessible_name(re.compile(r"^<\|endoftext\|>, control token"))
    page.click("#redo")
    idle(page)
    assert page.evaluate(ids) == literal
    page.click("#copy-link")
    until(page, "() => new URLSearchParams(location.hash.slice(1)).get('literal') === 'true'")
    page.reload()
    expect(page.locator("#tokens .token")).to_have_count(len(literal), timeout=60_000)
    idle(page)
    assert page.evaluate(ids) == literal
    page.click("#continue")
    idle(page)
    assert page.evaluate(ids)[: len(literal)] == literal
    page.evaluate("tokenlight.load('tiny-llama')")  # reads the text again, what was generated too
    idle(page)
    expect(page.locator("#tokens")).to_contain_text(text)
    shown = page.evaluate(ids)
    own = AutoTokenizer.from_pretrained(checkpoints / "tiny-llama")
    assert shown[: len(literal) - 1] == own(text, split_special_tokens=True).input_ids[: len(literal) - 1]


def test_a_stop_sequence_may_be_one_text(view: Page) -> None:
    generate = "stop => tokenlight.generate('The people', {maxTokens: 40, greedy: true, stop}).then((run) => run.text)"
    free = view.evaluate("tokenlight.generate('The people', {maxTokens: 40, greedy: true}).then((run) => run.text)")
    stop = free[len("The people") + 8 : len("The people") + 10]
    one, listed = (view.evaluate(generate, value) for value in (stop, [stop]))
    assert one == listed and stop in one[len("The people") :] and len(one) < len(free)


def test_a_sampling_value_that_is_changed_says_why(view: Page) -> None:
    view.click("#sampling > summary")
    for name, typed, value, why in (
        ("topP", "5", "1", "at most 1"), ("temperature", "-1", "0", "at least 0"),
        ("seed", "1.5", "2", "a whole number"), ("maxTokens", "0", "1", "at least 1"), ("minP", "", "0", "the default"),
    ):
        field = view.locator(f"#option-{name}")
        field.fill(typed)
        field.dispatch_event("change")
        expect(field).to_have_value(value)
        expect(view.locator("#sampling .fields [role=alert]")).to_have_text(why)
        expect(view.locator("label", has=field)).to_contain_text(why)
    field.fill("0.5")
    field.dispatch_event("change")
    expect(view.locator("#sampling .fields [role=alert]")).to_have_count(0)
    view.select_option("#preset", "Balanced")
    view.keyboard.press("Escape")


def test_what_no_setting_can_be_is_not_taken_from_storage(tiny_site: str, open_page: Opener) -> None:
    """Each wrong value is the default's again; the right ones beside it are kept."""
    page = open_page(tiny_site, ready=False)
    until(page, "() => Object.keys(localStorage).some((key) => key.includes('preferences'))")
    found = "import(new URL('page/state.js', document.baseURI)).then(({settings}) => settings.value)"
    usual = page.evaluate(found)
    for number in (-5, 2.5, 1e12, 0, "7", None):
        sampling = {"maxTokens": number, "seed": 3, "topP": 2, "minP": -1, "greedy": 1, "stop": "end"}
        names = {"theme": "pink", "units": "miles", "device": "abacus", "face": "", "colouring": 5}
        kept = {"topK": number, "live": False, "sampling": sampling, **names}
        page.evaluate(
            """kept => {
                const key = Object.keys(localStorage).find((key) => key.includes('preferences'));
                localStorage.setItem(key, JSON.stringify(kept));
            }""",
            kept,
        )
        page.reload()
        page.evaluate("tokenlight.ready")
        expected = {**usual, "live": False, "sampling": {**usual["sampling"], "seed": 3, "stop": "end"}}
        assert page.evaluate(found) == expected, number
    read(page, TEXT)
    with gated(page) as gate:
        page.click("#continue")
        gate.let(1)
        page.click("#stop")
    expect(page.locator("#tokens .generated").first).to_be_attached()
