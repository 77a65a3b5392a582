"""What is made from a text is read as the text was: with its prefix and interventions, and whole. Real Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.likelihood import open_view, settled
from tests.e2e.test_saved_runs import choose

Opener = Callable[..., Page]
TEXT = "The people of the village went down to the river."
OFF = {"heads": [{"layer": 1, "head": 2, "scale": 0}]}
RUN = "import(new URL('page/state.js', document.baseURI)).then(({run}) => run.value)"


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    with open_view(browser, f"{tiny_site}#model=tiny-gpt2&lens=tokens") as page:
        yield page


def newer(page: Page, act: Callable[[], object]) -> dict:
    """The run that something starts, once it has ended."""
    before = page.evaluate(f"{RUN}.then((run) => run?.id ?? 0)")
    act()
    page.wait_for_function(f"before => {RUN}.then((run) => run.id > before && run.done)", arg=before)
    settled(page)
    return page.evaluate(f"{RUN}.then(({{conditions, kind, tokens}}) => ({{conditions, kind, ids: tokens.ids}}))")


def vocabulary(page: Page) -> list[str]:
    state = "import(new URL('page/state.js', document.baseURI))"
    texts: list[str] = page.evaluate(f"{state}.then(({{model}}) => model.value.vocabulary)")
    return texts


def replace(page: Page, token: int) -> None:
    page.locator(f"#token-{token}").click()
    page.locator("#inspector .alternatives button[aria-label^=Replace]").first.click()


@pytest.mark.parametrize("step", ["continue", "new sample", "continue from", "replace", "remove all"])
def test_the_prefix_stays_away(view: Page, step: str) -> None:
    options = {"prefix": False, "maxTokens": 3, "interventions": OFF}
    view.evaluate("([text, options]) => tokenlight.generate(text, options)", [TEXT, options])

    def act() -> None:
        if step == "continue":
            view.click("#continue")
        elif step == "new sample":
            view.click("#new-sample")
        elif step == "remove all":
            view.get_by_role("button", name="Remove all").click()
        elif step == "replace":
            replace(view, 2)
        else:
            view.locator("#token-2").click()
            view.locator("#inspector .alternatives button[aria-label^=Continue]").first.click()

    found = newer(view, act)
    assert found["conditions"]["prefix"] is None
    assert json.loads(found["conditions"]["interventions"]) == ({} if step == "remove all" else OFF)
    view.evaluate("tokenlight.analyze('x', {interventions: {}})")


@pytest.mark.parametrize("kind", ["json", "npz"])
def test_an_opened_run_goes_on_under_its_interventions(view: Page, tmp_path: Path, kind: str) -> None:
    run = view.evaluate("([text, interventions]) => tokenlight.analyze(text, {interventions})", [TEXT, OFF])
    bytes_of = "(file) => new Response(file).arrayBuffer().then((buffer) => [...new Uint8Array(buffer)])"
    data = view.evaluate(f"kind => tokenlight.export(kind).then({bytes_of})", kind)
    path = tmp_path / f"run.{kind}"
    path.write_bytes(bytes(data))
    view.evaluate("tokenlight.analyze('x', {interventions: {}})")
    choose(view, path)
    expect(view.locator("#opened")).to_contain_text(path.name, timeout=60_000)
    found = newer(view, lambda: view.click("#continue"))
    ids = [token["id"] for token in run["tokens"]]
    assert found["kind"] == "generate" and found["ids"][: len(ids)] == ids
    assert json.loads(found["conditions"]["interventions"]) == OFF
    assert view.evaluate("tokenlight.state().interventions") == OFF
    view.evaluate("tokenlight.analyze('x', {interventions: {}})")


def test_a_replaced_token_leaves_what_is_beyond_the_context(view: Page) -> None:
    """A text longer than the context has tokens for its beginning only."""
    text = "".join(f"The people 🙂 went {n} times. " for n in range(120))
    view.fill("#text", text)
    first = newer(view, lambda: view.click("#run"))
    assert view.input_value("#text") == text
    newer(view, lambda: replace(view, 3))
    now = view.input_value("#text")
    assert now != text and now.endswith(text[100:])
    kept = "".join(vocabulary(view)[id] for id in first["ids"][:3])
    assert kept and now.startswith(kept)
    view.click("#undo")
    settled(view)
    assert view.input_value("#text") == text


@pytest.mark.parametrize(
    "given", ["null", '{"heads": 5}', '{"heads": [null]}', '{"add": {}}', '{"cut": [{}]}', "{", "[1]"]
)
def test_interventions_of_a_link_that_are_none(tiny_site: str, open_page: Opener, given: str) -> None:
    page = open_page("about:blank", ready=False)
    page.goto(f"{tiny_site}#model=tiny-gpt2&text=One+two&interventions={given}")
    if given != "null":
        said = "The interventions in this link are not valid. They were ignored."
        expect(page.locator("#notice")).to_contain_text(said)
    page.evaluate("tokenlight.ready")
    assert page.evaluate("tokenlight.state().interventions") == {}
    assert page.evaluate("tokenlight.analyze('One two').then((run) => run.interventions)") == {}
    assert "could not be drawn" not in page.locator("body").inner_text()


def test_interventions_that_a_new_model_cannot_have_are_named(tiny_site: str, open_page: Opener) -> None:
    """Links of a position beyond the context of the model that is loaded are removed, and that is said."""

    def shortened(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), "context_length": 64})

    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    page.route("**/models/tiny-llama/manifest.json", shortened)
    given = {"cut": [{"query": 200, "keys": [1]}]}
    page.evaluate("([text, interventions]) => tokenlight.analyze(text, {interventions})", [TEXT, given])
    found = newer(page, lambda: page.evaluate("tokenlight.load('tiny-llama').then(() => null)"))
    assert found["conditions"]["interventions"] == "{}" and page.evaluate("tokenlight.state().interventions") == {}
    said = "cannot have the interventions that were set, so they were removed."
    expect(page.locator("#notice")).to_contain_text(said)
