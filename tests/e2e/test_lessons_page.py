"""Lessons from files and links, and the form that writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.layers import finished, fresh, until
from tests.e2e.lessons import OWN, STATE, pin, run
from tests.e2e.test_likelihood_page import violations

SECOND_DOG = {"for": "pinned", "word": "dog", "occurrence": 2}
LESSON: dict[str, Any] = {
    "schema": "tokenlight.lesson/1",
    "title": "<b>Two</b> dogs",
    "text": "The dog saw a dog.",
    "lens": "tokens",
    "lenses": ["tokens", "attention"],
    "panels": ["inspector"],
    "steps": [
        {"do": "Press Run, <i>now</i>.", "see": "<img src=x onerror=alert(1)> It is read.", "waits": {"for": "read"}},
        {"do": "Click the second dog.", "see": "Well done.", "waits": SECOND_DOG},
        {"do": "Open Attention.", "waits": {"for": "lens", "lens": "attention"}},
    ],
}

# Whether an element's middle and lower edge are seen, with nothing over them.
ON_TOP = """element => {
    const {left, width, top, height, bottom} = element.getBoundingClientRect();
    const seen = (y) => element.contains(document.elementFromPoint(left + width / 2, y));
    return seen(top + height / 2) && seen(bottom - 4);
}"""
REMOVAL: dict[str, Any] = {
    "schema": "tokenlight.lesson/1",
    "title": "Off and on",
    "text": "The dog saw a dog.",
    "steps": [
        {"do": "Switch head 0.1 off.", "waits": {"for": "off", "head": "0.1"}},
        {"do": "Remove all.", "see": "As it was.", "waits": {"for": "unchanged"}},
        {"do": "Remove all again.", "waits": {"for": "unchanged"}},
    ],
}


@pytest.fixture
def page(lens_page: Page) -> Page:
    fresh(lens_page, "tokens")
    lens_page.evaluate("import(new URL('lessons/lesson.js', document.baseURI)).then(({leave}) => leave())")
    lens_page.evaluate("text => tokenlight.analyze(text)", OWN)
    finished(lens_page)
    return lens_page


def choose_file(page: Page, text: str, name: str = "two-dogs.lesson.json") -> None:
    file = {"name": name, "mimeType": "application/json", "buffer": text.encode()}
    page.locator("#sources input[type=file]").set_input_files([file])


def test_a_file_opens_as_text_and_undo_brings_the_readers_own_back(page: Page) -> None:
    choose_file(page, json.dumps(LESSON))
    expect(page.locator("#lesson-title")).to_have_text(LESSON["title"])
    expect(page.locator(".lesson-do")).to_have_text(LESSON["steps"][0]["do"])
    assert page.locator("[role=tab]").all_inner_texts() == ["Tokens", "Attention"]
    expect(page.locator("#remarks")).to_be_hidden()
    run(page)
    expect(page.locator(".lesson-see")).to_have_text(f"Done. {LESSON['steps'][0]['see']}")
    expect(page.locator("#lesson :is(img, b, i)")).to_have_count(0)
    page.click("#lesson-skip, #lesson-next")
    pin("dog", 1)(page)
    expect(page.locator(".lesson-see")).to_have_count(0)
    page.locator("#tokens").press("End")
    pin("dog", 2)(page)
    expect(page.locator(".lesson-see")).to_contain_text("Well done.")
    page.click("#lesson-back")
    expect(page.locator(".lesson-place")).to_have_text("Step 1 of 3, done")
    page.click("#lesson-leave")
    expect(page.locator("#remarks")).to_be_visible()
    expect(page.locator("[role=tab]")).to_have_count(5)
    page.click("#undo")
    finished(page)
    expect(page.locator("#text")).to_have_value(OWN)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "two-dogs.lesson.json is not a lesson: it is not valid JSON."),
        ("{}", "The lesson has no “schema”."),
        (json.dumps({**LESSON, "steps": []}), "The lesson has no steps."),
        (json.dumps({**LESSON, "lens": "nowhere"}), "The lesson's lens is “nowhere”: it must be one of tokens"),
        (json.dumps({**LESSON, "panels": ["x"]}), "The lesson's panel is “x”: it must be one of inspector, "),
    ],
)
def test_a_broken_file_is_one_sentence_and_changes_nothing(page: Page, text: str, sentence: str) -> None:
    choose_file(page, text)
    expect(page.locator("#notice")).to_contain_text(sentence)
    expect(page.locator(".lesson")).to_have_count(0)
    expect(page.locator("#text")).to_have_value(OWN)
    expect(page.locator("[role=tab]")).to_have_count(5)


def test_a_step_that_waits_for_a_removal_praises_no_one_who_removed_nothing(page: Page) -> None:
    """Skipped steps leave nothing to remove; what is removed before the step asks for it counts, once."""
    scale = """scale => import(new URL('page/interventions.js', document.baseURI))
        .then(({scaleHeads}) => scaleHeads([{layer: 0, head: 1}], scale))"""
    done = page.locator(".lesson-see")
    choose_file(page, json.dumps(REMOVAL))
    expect(page.locator("#lesson-title")).to_have_text("Off and on")
    run(page)
    page.click("#lesson-skip")
    expect(page.locator(".lesson-place")).to_have_text("Step 2 of 3")
    page.evaluate(scale, 0)
    finished(page)
    expect(done).to_have_count(0)
    page.evaluate(scale, 1)
    finished(page)
    expect(done).to_contain_text("As it was.")
    page.click("#lesson-leave")
    choose_file(page, json.dumps(REMOVAL))
    expect(page.locator(".lesson-place")).to_have_text("Step 1 of 3")
    run(page)
    for off in (0, 1):
        page.evaluate(scale, off)
        finished(page)
    page.click("#lesson-next")
    expect(page.locator(".lesson-place")).to_have_text("Step 2 of 3, done")
    page.click("#lesson-next")
    expect(page.locator(".lesson-place")).to_have_text("Step 3 of 3")


def test_a_lesson_is_written_tried_saved_and_linked(page: Page, tmp_path: Path) -> None:
    """What the form saves is what was written; the link opens the same lesson."""
    page.evaluate(
        """() => {
            globalThis.copied = [];
            navigator.clipboard.writeText = async (text) => void copied.push(text);
        }"""
    )
    page.click("#settings-button")
    page.click("#write-lesson")
    expect(page.locator("#writer-title")).to_be_focused()
    page.click("#writer-save")
    expect(page.locator(".lesson [role=alert]")).to_have_text("Give the lesson a title.")
    expect(page.locator("#writer-name")).to_be_focused()
    page.fill("#writer-name", "My words")
    page.click("#writer-save")
    alert, step = page.locator(".lesson [role=alert]"), page.locator(".writer-steps > li")
    expect(alert).to_have_text("Say what to do in step 1.")
    expect(step.get_by_label("What to do")).to_be_focused()
    assert all(each.evaluate(ON_TOP) for each in (alert, step.get_by_label("What to do")))
    step.get_by_label("What to do").fill("Press Run.")
    step.get_by_label("What to notice").fill("It is read.")
    page.click("#writer-add")
    pin("words")(page)
    step.nth(1).get_by_label("What to do").fill("Click “words”.")
    step.nth(1).get_by_label("Waits until").select_option("pinned")
    expect(step.nth(1).get_by_label("of the word")).to_have_value("words")
    page.get_by_text("Lenses and panels shown").click()
    page.locator(".writer details").get_by_label("Python").uncheck()
    assert violations(page, "document.getElementById('lesson')") == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size({"width": 1280, "height": 720})
    with page.expect_download() as download:
        page.click("#writer-save")
    assert download.value.suggested_filename == "my-words.lesson.json"
    saved = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert saved == {
        "schema": "tokenlight.lesson/1",
        "title": "My words",
        "text": OWN,
        "lens": "tokens",
        "lenses": ["tokens", "layers", "attention", "why"],
        "steps": [
            {"do": "Press Run.", "see": "It is read.", "waits": {"for": "read"}},
            {"do": "Click “words”.", "waits": {"for": "pinned", "word": "words", "occurrence": 1}},
        ],
    }
    page.click("#writer-link")
    until(page, "() => copied.length === 1")
    link = page.evaluate("copied[0]")
    page.click("#writer-try")
    expect(page.locator("#lesson-title")).to_have_text("My words")
    page.click("#lesson-leave")
    page.click("#writer-close")
    page.fill("#text", "Typed before the link was opened.")
    page.evaluate("link => void (location.hash = new URL(link).hash)", link)
    expect(page.locator("#lesson-title")).to_have_text("My words")
    expect(page.locator("#text")).to_have_value(OWN)
    opened = page.evaluate(f"{STATE}.then(({{lesson}}) => lesson.value.lesson)")
    assert opened == saved
    until(page, "() => new URLSearchParams(location.hash.slice(1)).get('lesson')?.includes('My words')")


def test_links_that_hold_no_lesson_and_one_of_the_page(page: Page) -> None:
    for value, sentence in (("{oops", "not valid JSON"), ("nothing-here", "There is no lesson “nothing-here” here.")):
        page.evaluate("value => void (location.hash = new URLSearchParams({lesson: value}))", value)
        expect(page.locator("#notice")).to_contain_text(sentence)
        expect(page.locator("#text")).to_have_value(OWN)
    page.evaluate("location.hash = '#lesson=attention&step=2'")
    expect(page.locator(".lesson-place")).to_have_text("Step 2 of 7")
    finished(page)
    page.evaluate("location.hash = '#lesson=attention&step=4'")  # another step of the lesson that is open
    expect(page.locator(".lesson-place")).to_have_text("Step 4 of 7")
    page.go_back()
    expect(page.locator(".lesson-place")).to_have_text("Step 2 of 7")
    finished(page)
    for width in (320, 390):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator(".lesson").bounding_box()
        assert box and box["y"] + box["height"] == pytest.approx(700, abs=1), "a sheet at the bottom"
    page.click("#lesson-leave")


OPENED_AND_LEFT = """async kept => {
    const modules = ['lessons/lesson.js', 'page/state.js', 'page/keys.js'];
    const load = (path) => import(new URL(path, document.baseURI));
    const [{ openLesson, leave }, { lens, settings, notice }, { LESSON }] = await Promise.all(modules.map(load));
    const lesson = await fetch('lessons/attention.json').then((response) => response.json());
    notice.value = null;
    sessionStorage.setItem(`${LESSON} before`, JSON.stringify(kept));
    openLesson(lesson, { again: true });
    leave();
    return [lens.value, settings.value.units, settings.value.colouring, settings.value.words, notice.value];
}"""
BEFORE = {
    "lens": "layers", "units": "nats", "colouring": "gltr", "words": False, "interventions": {}, "scope": "all",
    "direction": "to", "sinkHidden": False,
}  # fmt: skip


def test_leaving_ignores_a_damaged_record_of_what_the_reader_had_chosen(lens_page: Page) -> None:
    page = lens_page
    usual = {**BEFORE, "lens": "tokens", "units": "bits", "colouring": "hue"}
    untouched = ["tokens", "bits", "hue", False, None]
    assert page.evaluate(OPENED_AND_LEFT, usual) == untouched
    for damage in (
        {"lens": "__proto__"}, {"colouring": "constructor"}, {"units": "toString"}, {"words": 5}, {"scope": 5},
        {"direction": None}, {"sinkHidden": "yes"}, {"interventions": {"x": 5}}, {"interventions": None},
    ):  # fmt: skip
        assert page.evaluate(OPENED_AND_LEFT, {**BEFORE, **damage}) == untouched, damage
    assert page.evaluate(OPENED_AND_LEFT, BEFORE) == ["layers", "nats", "gltr", False, None]
    assert page.evaluate(OPENED_AND_LEFT, usual) == untouched
