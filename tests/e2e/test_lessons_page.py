"""The five lessons walked through with SmolLM2, each step waiting for what it says; links, files, the form."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from export.site.serve import SITE
from tests.e2e.layers import finished, fresh, until
from tests.e2e.test_likelihood_page import violations

Act = Callable[[Page], Any]
FOLDER = SITE / "lessons"
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
OWN = "Nobody has read these words of my own."
STATE = "import(new URL('page/state.js', document.baseURI))"


def run(page: Page) -> None:
    page.click("#run")
    finished(page)


def pin(word: str, occurrence: int = 1, part: int = 1) -> Act:
    """Presses a token by what the reader sees: the n-th place of a word in the text."""

    def act(page: Page) -> None:
        tokens = page.evaluate(
            f"""async ([word, occurrence]) => {{
                const {{run}} = await {STATE};
                const {{tokens}} = run.value;
                const bytes = (text) => new TextEncoder().encode(text).length;
                const at = tokens.text.split(word).slice(0, occurrence).join(word).length;
                const [from, to] = [bytes(tokens.text.slice(0, at)), bytes(tokens.text.slice(0, at + word.length))];
                return tokens.bytes.flatMap(([first, stop], i) => (first < to && stop > from ? [i] : []));
            }}""",
            [word, occurrence],
        )
        token = page.locator(f"#token-{tokens[part - 1]}")
        token.scroll_into_view_if_needed()
        box = token.bounding_box()
        assert box
        page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"])
        page.mouse.move(0, 0)

    return act


def tab(lens: str) -> Act:
    return lambda page: page.click(f"#tab-{lens}")


def open_head(kind: str) -> Act:
    """The head that the lesson names is the first of its kind in the list below the picture."""

    def act(page: Page) -> None:
        named = page.locator(".lesson-do").inner_text().split("press head ")[1].split(",")[0].rstrip(".")
        heads = page.locator("#panel-head_grid .peaks > div").filter(has=page.get_by_text(kind, exact=True))
        heads.get_by_role("button", name=named, exact=True).click(timeout=60_000)

    return act


def type_text(text: str) -> Act:
    def act(page: Page) -> None:
        page.fill("#text", text)
        page.locator("#text").blur()
        run(page)

    return act


def replace_first(page: Page) -> None:
    page.locator("#inspector button[aria-label^='Replace with']").first.click()
    finished(page)


def name_again(page: Page) -> None:
    pin("name")(page)
    expect(page.locator("#lesson-next")).to_have_count(0)
    replace_first(page)


def break_the_rule(page: Page) -> None:
    type_text(page.input_value("#text").replace("window < 1:", "window < 1"))(page)


def open_text(page: Page) -> None:
    page.click("#lesson-text")
    finished(page)


def whole_family(page: Page) -> None:
    page.click("#undo")
    finished(page)
    expect(page.locator("#lesson-next")).to_have_count(0)
    pin("👩‍👩‍👧", part=5)(page)


def words(page: Page) -> None:
    page.select_option("#unit", "words")


WALKS: dict[str, list[Act]] = {
    "induction": [
        run,
        pin("orbit", 2),
        tab("attention"),
        open_head("induction"),
        lambda page: (tab("why")(page), page.get_by_role("button", name="Induction heads off").click(), finished(page)),
        lambda page: (page.locator(".chips").get_by_role("button", name="Remove all").click(), finished(page)),
        type_text("Zorvath walked in. Zorvath walked in."),
    ],
    "easy-words": [
        run,
        pin("name"),
        lambda page: page.select_option("#colouring", "entropy"),
        pin("bright"),
        name_again,
        words,
        type_text("I take my coffee with milk and cement."),
    ],
    "code": [
        run,
        pin("averages"),
        pin("averages", 2),
        lambda page: page.click("#lesson-said"),
        break_the_rule,
        open_text,
        type_text("for i in range(3):\n    print(i)\n"),
    ],
    "half-characters": [
        run,
        pin("東"),
        pin("東", part=2),
        replace_first,
        whole_family,
        words,
        type_text("Καλημέρα 🙂"),
    ],
    "attention": [
        run,
        tab("attention"),
        pin("they"),
        lambda page: page.locator("#panel-looks_at").get_by_label("Hide the sink").check(),
        open_head("previous token"),
        tab("layers"),
        type_text("The dog chased the cat until it was tired."),
    ],
}


@pytest.mark.parametrize("id", list(WALKS))
def test_a_lesson_is_walked_through(real: Page, id: str) -> None:
    """Every step waits before the reader does what it says, and offers the next one after."""
    page, lesson = real, json.loads((FOLDER / f"{id}.json").read_text(encoding="utf-8"))
    page.fill("#text", OWN)
    page.select_option("#example", f"lesson {id}")
    expect(page.locator("#lesson-title")).to_be_focused()
    expect(page.locator("#text")).to_have_value(lesson["text"])
    assert page.locator("[role=tab]").count() == len(lesson["lenses"])
    steps = lesson["steps"]
    assert len(WALKS[id]) == len(steps)
    for number, (act, step) in enumerate(zip(WALKS[id], steps, strict=True), 1):
        expect(page.locator(".lesson-place")).to_have_text(f"Step {number} of {len(steps)}")
        expect(page.locator("#lesson-next")).to_have_count(0)
        expect(page.locator(".lesson-see")).to_have_count(0)
        act(page)
        expect(page.locator(".lesson-see")).to_contain_text(step["see"][:40].split("{")[0])
        expect(page.locator(".lesson-place")).to_have_text(f"Step {number} of {len(steps)}, done")
        if number == 1:
            assert violations(page, "document.getElementById('lesson')") == []
        if number < len(steps):
            page.click("#lesson-next")
    page.get_by_role("button", name="Finish").click()
    expect(page.locator(".lesson")).to_have_count(0)
    finished(page)
    assert page.locator("[role=tab]").count() > len(lesson["lenses"])
    expect(page.locator(".chips, .panel[hidden], #remarks[hidden], #unit option[value=words]:checked")).to_have_count(0)
    expect(page.locator("#colouring")).to_have_value("hue")
    texts = page.evaluate(
        "import(new URL('page/versions.js', document.baseURI)).then(v => v.versions.value.map(({text}) => text))"
    )
    assert OWN in texts


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
    page.fill("#writer-name", "My words")
    page.click("#writer-save")
    expect(page.locator(".lesson [role=alert]")).to_have_text("Say what to do in step 1.")
    step = page.locator(".writer-steps > li")
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
    for width in (320, 390):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator(".lesson").bounding_box()
        assert box and box["y"] + box["height"] == pytest.approx(700, abs=1), "a sheet at the bottom"
    page.click("#lesson-leave")
