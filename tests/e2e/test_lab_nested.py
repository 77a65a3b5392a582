"""Values in the Python lens that are nested too deeply: a sentence, never the browser's words. Real Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.lab import over, run
from tests.e2e.layers import open_lens

DEEP = "deep = []\nfor _ in range(100_000): deep = [deep]\n"
TYPE = "one of type list"
# Arguments that are wrong, and what is said of each.
WRONG = {
    "await model.read(deep)": f"ValueError: {TYPE} is not a token id; this model's are 0 to 599.",
    "await model.read('x', interventions=deep)": f"ValueError: interventions must be an object, not {TYPE}.",
    "await model.read('x', keep=deep)": f"There is nothing called {TYPE} to keep.",
    "await model.generate('x', stop=deep)": f"none of them empty, not {TYPE}.",
    "await run.lens(deep)": f"ValueError: There is no position {TYPE}: the run has",
    "deep": "A list that is nested too deeply to be shown.",
}


@pytest.fixture(scope="module")
def page(browser: Browser, tiny_site: str) -> Iterator[Page]:
    with open_lens(browser, f"{tiny_site}#model=tiny-gpt2") as opened:
        yield over(opened, "The people of the village")


def test_python_goes_on(page: Page) -> None:
    run(page, "before = 1\nimport builtins\nbuiltins.still_there = before")
    for code, said in WRONG.items():
        assert said in run(page, DEEP + code)["value"], code
    assert run(page, "still_there")["value"] == "1", "it was never started again"


def test_code_that_uses_up_the_stack_is_told_why(page: Page) -> None:
    assert run(page, DEEP + "repr(deep)")["value"] == (
        "Python stopped working (a value is nested too deeply, or a function calls itself too often). "
        "It will be restarted."
    )
    assert run(page, "6 * 7")["value"] == "42"
