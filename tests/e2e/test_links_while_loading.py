"""A link that comes while the page or its first model is still loading: nothing that it says is lost. Real Chromium."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.hosting import hosting
from tests.e2e.layers import finished, until

TEXT = "The people of the village went down to the river."
HEADS = {"heads": [{"layer": 0, "head": 1, "scale": 0}]}
RUN = "import(new URL('page/state.js', document.baseURI)).then(({run}) => run.value)"
START = "model=tiny-gpt2"
# What is held back: the page's other modules, the list of models, Python, a model's files.
PARTS = [r"lenses/index\.js", r"models/index\.json", r"pyodide\.asm\.wasm", r"\.bin$"]


def follow(page: Page, hash: str) -> None:
    """As a link that is pasted into the tab."""
    page.evaluate("hash => { location.hash = hash; }", hash)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_it_arrives(root: Path, page: Page, part: str) -> None:
    settings = {"colouring": "gltr", "units": "nats", "sampling": {"temperature": 0.25}}
    link = {"model": "tiny-llama", "lens": "layers", "token": 3, "text": TEXT, "literal": "true"}
    with hosting(root) as host:
        host.hang(part)
        page.goto(f"{host.address}#{START}")
        until(page, "() => globalThis.tokenlight !== undefined")
        if "lenses" not in part:
            expect(page.locator("#tab-layers")).to_be_visible()
        follow(page, urlencode({**link, "interventions": json.dumps(HEADS), "settings": json.dumps(settings)}))
        expect(page.locator("html")).to_have_attribute("data-state", "booting")
        host.answer()
        until(page, "() => tokenlight.state().token === 3")
        finished(page)
        state, run = page.evaluate("tokenlight.state()"), page.evaluate(RUN)
        assert (state["model"], state["text"], state["lens"]) == ("tiny-llama", TEXT, "layers")
        assert (state["token"], state["interventions"]) == (3, HEADS)
        assert run["literal"] and json.loads(run["conditions"]["interventions"]) == HEADS
        assert run["model"]["id"] == "tiny-llama" and run["colours"]["legend"]["labels"][0] == "top 10"
        expect(page.locator("#colouring")).to_have_value("gltr")
        expect(page.locator("#notice")).to_be_hidden()


def test_a_token_of_the_text_that_is_there_already(root: Path, page: Page) -> None:
    """Also of one that waits in the box; another choice of the visitor's counts more."""
    with hosting(root) as host:
        host.hang(r"\.bin$")
        page.goto(f"{host.address}#{START}")
        expect(page.locator("#tab-layers")).to_be_visible()
        follow(page, f"{START}&token=2")
        host.answer()
        until(page, "() => tokenlight.state().token === 2")
        host.hang(r"\.bin$")
        page.goto("about:blank")
        page.goto(f"{host.address}#{START}&text={quote(TEXT)}")
        expect(page.locator("#tab-layers")).to_be_visible()
        follow(page, "token=5")
        host.answer()
        expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
        assert page.evaluate("tokenlight.state().run") is None
        page.click("#run")
        until(page, "() => tokenlight.state().token === 5")


def test_a_model_that_is_not_here_is_said_once_the_models_are_known(root: Path, page: Page) -> None:
    with hosting(root) as host:
        host.hang(r"models/index\.json")
        page.goto(f"{host.address}#{START}")
        expect(page.locator("#tab-layers")).to_be_visible()
        follow(page, "model=nope&interventions=5")
        host.answer()
        expect(page.locator("#notice")).to_contain_text("The interventions in this link are not valid")
        expect(page.locator("#notice")).to_contain_text("There is no model “nope” here. Using tiny-")


def test_a_link_to_the_model_that_is_loading_does_not_load_it_again(root: Path, page: Page) -> None:
    started: list[str] = []
    page.on("worker", lambda worker: started.append(worker.url))
    with hosting(root) as host:
        host.hang(r"\.bin$")
        with page.expect_event("worker", lambda worker: "inference.worker" in worker.url):
            page.goto(f"{host.address}#{START}")
        follow(page, f"{START}&lens=why")
        expect(page.locator("#why")).to_be_visible()
        host.answer()
        expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
        assert sum("inference.worker" in each for each in started) == 1


def test_a_lesson_that_arrives_after_a_newer_link(root: Path, page: Page) -> None:
    with hosting(root) as host:
        host.hang(r"lessons/easy-words\.json")
        page.goto(f"{host.address}#{START}&lesson=easy-words")
        expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
        follow(page, f"{START}&text={quote(TEXT)}")
        finished(page)
        with page.expect_response("**/lessons/easy-words.json") as answer:
            host.answer()
        assert answer.value.finished() is None
        page.evaluate("tokenlight.analyze('Hello').then(() => null)")
        assert page.locator("#lesson-title").count() == 0
        expect(page.locator("#text")).to_have_value("Hello")


def test_a_lesson_and_its_token(root: Path, page: Page) -> None:
    with hosting(root) as host:
        host.hang(r"\.bin$")
        page.goto(f"{host.address}#{START}")
        expect(page.locator("#tab-layers")).to_be_visible()
        follow(page, f"{START}&lesson=easy-words&token=2")
        expect(page.locator("#lesson-title")).to_be_visible()
        until(page, "() => location.hash.includes('token=2')")
        host.answer()
        expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
        page.click("#run")
        until(page, "() => tokenlight.state().token === 2")


def test_code_of_a_link_for_a_python_lens_that_was_never_open(root: Path, page: Page) -> None:
    with hosting(root) as host:
        host.hang(r"\.bin$|pyodide")
        page.goto(f"{host.address}#{START}")
        expect(page.locator("#tab-layers")).to_be_visible()
        follow(page, f"lens=python&code={quote('1 + 41')}")
        expect(page.locator("#code-from-link")).to_be_visible()
        expect(page.locator("#code .cm-content")).to_have_text("1 + 41")
