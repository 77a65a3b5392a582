"""The five lessons walked through with SmolLM2, each step waiting for what it says."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.layers import finished
from tests.e2e.lessons import FOLDER, OWN, Act, choose, pin, run
from tests.e2e.test_likelihood_page import violations


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


def induction_heads_off(page: Page) -> None:
    page.click("#tab-why")
    page.locator("#panel-change").scroll_into_view_if_needed()
    page.get_by_role("button", name="Induction heads off").click()
    finished(page)


def words(page: Page) -> None:
    page.select_option("#unit", "words")


WALKS: dict[str, list[Act]] = {
    "induction": [
        run,
        pin("orbit", 2),
        tab("attention"),
        open_head("induction"),
        induction_heads_off,
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
    choose(page, id)
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
