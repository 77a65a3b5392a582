"""What the tests of lessons share: the lessons, and what a reader does in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from export.site.serve import SITE
from tests.e2e.layers import finished

Act = Callable[[Page], Any]
FOLDER = SITE / "lessons"
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
OWN = "Nobody has read these words of my own."
STATE = "import(new URL('page/state.js', document.baseURI))"


def choose(page: Page, id: str) -> None:
    """Chooses a lesson in the list of examples. Its file is fetched; Run would read the text before it until then."""
    page.select_option("#example", f"lesson {id}")
    expect(page.locator("#lesson-title")).to_be_focused()
    text = json.loads((FOLDER / f"{id}.json").read_text(encoding="utf-8"))["text"]
    expect(page.locator("#text")).to_have_value(text)


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
