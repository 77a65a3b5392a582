"""What belongs to a run stays with it, whatever is started, stopped or switched meanwhile. Real Chromium."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.layers import gated, slowed, until
from tests.e2e.likelihood import open_view
from tests.e2e.likelihood import read_box as read
from tests.e2e.likelihood import settled as idle
from tests.e2e.reference import ReferenceModel

Opener = Callable[..., Page]
TEXT = "The people of the village went down to the river."
LONG = TEXT + " The light of the morning came over the hill, and nobody spoke for a while." * 3
RUN = "import(new URL('page/state.js', document.baseURI)).then(({run}) => run.value)"
SHOWN = f"{RUN}.then(run => [run.model.id, run.tokens.ids, [...run.columns.logprob.data.slice(0, run.count)]])"


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    """One page for the tests that begin with a text of their own."""
    with open_view(browser, tiny_site) as page:
        yield page


def shown_equals_transformers(page: Page, checkpoints: Path, model: str, text: str) -> None:
    """What the page shows is what this model says of this text."""
    id, ids, logprobs = page.evaluate(SHOWN)
    assert id == model and page.evaluate(f"{RUN}.then(run => run.tokens.text)") == text
    reference = ReferenceModel(checkpoints / model)
    expected = reference.read([reference.model.config.bos_token_id, *ids]).token_logprob()
    np.testing.assert_allclose(logprobs, expected, atol=2e-4)


def test_the_text_is_read_again_by_a_new_model(tiny_site: str, checkpoints: Path, open_page: Opener) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    read(page, TEXT)
    shown_equals_transformers(page, checkpoints, "tiny-gpt2", TEXT)
    page.select_option("#model", "tiny-llama")
    page.evaluate("tokenlight.ready")
    until(page, f"() => {RUN}.then(run => run.model.id === 'tiny-llama' && run.done)")
    idle(page)
    assert page.input_value("#text") == TEXT
    shown_equals_transformers(page, checkpoints, "tiny-llama", TEXT)
    page.locator("#token-3").click()
    names = page.locator(".alternatives tbody tr code").all_inner_texts()[:3]
    run = page.evaluate("text => tokenlight.analyze(text)", TEXT)
    assert run["model"]["id"] == "tiny-llama"
    shown = """texts => import(new URL('shared/token_text.js', document.baseURI))
        .then(({visible}) => texts.map((text) => visible(text) || '·'))"""
    texts = page.evaluate(shown, [top["text"] for top in run["tokens"][3]["top"][:3]])
    for name, text in zip(names, texts, strict=True):  # a part of a character is named by its byte
        assert name == text or (text == "\ufffd" and re.fullmatch("bytes [0-9A-F]{2}", name)), (name, text)


def test_a_switch_leaves_what_is_typed_alone(tiny_site: str, open_page: Opener) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    read(page, TEXT)
    page.evaluate("import(new URL('page/choices.js', document.baseURI)).then(({set}) => set('live', false))")
    page.fill("#text", "Typed and not read")
    page.evaluate("tokenlight.load('tiny-llama')")
    until(page, f"() => {RUN}.then(run => run.model.id === 'tiny-llama' && run.done)")
    assert page.input_value("#text") == "Typed and not read"
    assert page.evaluate(f"{RUN}.then(run => run.tokens.text)") == TEXT


OUTCOME = "(run) => run.then((found) => found.steps.length, (error) => error.message)"


def nothing_goes_on(page: Page) -> None:
    """What was drawn last may be shown after the run has ended, since the two workers' messages are unordered."""
    idle(page)
    before = page.evaluate("tokenlight.state().run")
    page.wait_for_timeout(500)
    after = page.evaluate("tokenlight.state().run")
    assert after["id"] == before["id"] and after["tokens"] <= before["tokens"] + 2, "nothing goes on after Stop"


def test_stop_ends_the_run_under_way(view: Page) -> None:
    """Two runs started at once, then Stop as the second is shown: both end, neither goes on to its 200 tokens."""
    idle(view)
    with slowed(view, 20):
        ends = view.evaluate(
            f"""async () => {{
                const {{run}} = await import(new URL('page/state.js', document.baseURI));
                const outcome = {OUTCOME};
                const end = run.subscribe(({{tokens}}) => {{
                    if (tokens.text === 'When the light') setTimeout(() => document.querySelector('#stop').click());
                }});
                const first = outcome(tokenlight.generate('The people', {{maxTokens: 200, stopAtEnd: false}}));
                const second = outcome(tokenlight.generate('When the light', {{maxTokens: 200, stopAtEnd: false}}));
                const ends = await Promise.all([first, second]);
                end();
                return ends;
            }}"""
        )
    assert ends[0] == "This run was replaced by a newer one."
    assert ends[1] == "Stopped before there was a result." or 0 < ends[1] < 100
    nothing_goes_on(view)


def test_stop_ends_the_run_that_waits(view: Page) -> None:
    """It waits for the one that it replaces, which ends after the token that is under way."""
    idle(view)
    with gated(view, until="stop") as gate:
        view.evaluate("globalThis.first = tokenlight.generate('The people', {maxTokens: 200, stopAtEnd: false}); null")
        gate.let(1)
        ends = view.evaluate(
            f"""async () => {{
                const {{underWay}} = await import(new URL('page/state.js', document.baseURI));
                const before = underWay.value;
                const second = tokenlight.generate('When the light', {{maxTokens: 200, stopAtEnd: false}});
                const ends = Promise.all([first, second].map({OUTCOME}));
                await new Promise((asked) => underWay.subscribe((id) => id !== before && setTimeout(asked)));
                document.querySelector('#stop').click();
                return ends;
            }}"""
        )
    assert ends == ["This run was replaced by a newer one.", "Stopped before there was a result."]
    nothing_goes_on(view)


def test_what_was_read_before_stop_is_a_whole_run(real: Page) -> None:
    real.evaluate("text => { globalThis.reading = tokenlight.analyze(text); }", LONG * 6)
    until(real, f"() => {RUN}.then(run => run.tokens.ids.length > 200 && run.count > run.reused && !run.done)")
    real.click("#stop")
    run = real.evaluate("reading")
    tokens = real.evaluate("tokenlight.state().run.tokens")
    assert 0 < len(run["tokens"]) < tokens
    assert all(token["logprob"] is not None for token in run["tokens"])
    idle(real)
    expect(real.locator("#notice")).to_contain_text("The part read or generated so far is kept")
    expect(real.locator("#remarks .card")).to_have_count(3)
    real.click("#tab-layers")
    expect(real.locator("#panel-choice .chart:not(.blank)")).not_to_have_count(0, timeout=60_000)
    real.locator("#panel-lens").scroll_into_view_if_needed()
    expect(real.locator("#panel-lens .chart:not(.blank)")).to_have_count(1, timeout=60_000)
    assert real.locator("text=Shown when the run has ended").count() == 0


def test_a_run_during_a_switch_is_under_way_and_can_be_stopped(tiny_site: str, open_page: Opener) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    idle(page)
    held: list[Route] = []
    release = threading.Event()

    def hold(route: Route) -> None:
        if release.is_set():
            route.continue_()
        else:
            held.append(route)

    page.route("**/models/tiny-llama/*.bin", hold)
    with slowed(page, 20):  # the model that is left, whose worker is the only one until the switch
        page.evaluate("globalThis.switching = tokenlight.load('tiny-llama').then((model) => model.id); null")
        expect(page.locator("html")).to_have_attribute("data-state", "booting")
        page.evaluate("globalThis.running = tokenlight.generate('The people', {maxTokens: 240}); null")
        expect(page.locator(".token.generated").nth(2)).to_be_attached()
        assert page.evaluate("tokenlight.state().phase") == "booting", "something is loading, run or no run"
        expect(page.locator("#header .status")).to_contain_text("Loading the model")
        page.click("#stop")
        run = page.evaluate("running")
        expect(page.locator("#stop")).to_be_disabled()
    assert run["model"]["id"] == "tiny-gpt2" and len(run["steps"]) < 240
    release.set()
    for route in held:
        route.continue_()
    assert page.evaluate("switching") == "tiny-llama"


def test_the_pinned_token_stays_when_the_text_grows_under_the_pointer(view: Page) -> None:
    read(view, TEXT)
    view.locator("#token-3").click()
    plot = view.locator("#along .chart-stage")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    view.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    expect(view.locator("#inspector")).not_to_contain_text("Token 4 of")
    view.evaluate("text => tokenlight.analyze(text)", LONG)
    idle(view)
    expect(view.locator("#inspector")).to_contain_text("Token 4 of")
    expect(view.locator("#token-3")).to_have_attribute("aria-selected", "true")
    view.locator("#token-3").click()


def test_a_ranking_belongs_to_its_text(tiny_site: str, open_page: Opener) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    page.fill("#text", "The people of the ___ went down.")
    page.click("#rank")
    expect(page.locator("#ranking")).to_be_visible()
    page.fill("#text", "When the ___ came over the hill.")
    expect(page.locator("#ranking")).to_have_count(0)
    page.click("#rank")
    expect(page.locator("#ranking")).to_be_visible()
    page.evaluate("tokenlight.load('tiny-llama')")
    expect(page.locator("#ranking")).to_have_count(0)


def test_a_ranking_can_be_stopped(real: Page) -> None:
    real.fill("#text", f"{LONG} The ___ came. {LONG}")
    real.fill("#words", ", ".join(f"word {i}" for i in range(90)))
    real.click("#rank")
    real.click("#stop-ranking")
    expect(real.locator("#rank")).to_be_visible(timeout=20_000)
    expect(real.locator("#fill-in")).to_contain_text("Stopped")


def test_reuse_is_only_between_runs_with_the_same_prefix(view: Page, checkpoints: Path) -> None:
    """The same ids have other numbers without a prefix token: nothing of the one may stay in the other."""
    reference = ReferenceModel(checkpoints / "tiny-gpt2")
    bos = reference.model.config.bos_token_id
    for prefix in (True, False, True):
        run = view.evaluate("([text, prefix]) => tokenlight.analyze(text, {prefix})", [LONG, prefix])
        ids = [token["id"] for token in run["tokens"]]
        expected = reference.read([bos, *ids] if prefix else ids).token_logprob()
        found = [token["logprob"] for token in run["tokens"]]
        np.testing.assert_allclose(found if prefix else found[1:], expected, atol=2e-4)


def test_a_view_that_throws_fails_no_run(view: Page) -> None:
    idle(view)
    found = view.evaluate(
        """async () => {
            const [{watch}, state] = await Promise.all(
                ['page/notices.js', 'page/state.js'].map((name) => import(new URL(name, document.baseURI))));
            const end = watch('a broken panel', () => {
                if (state.run.value?.tokens.text === 'One two three') throw new Error('no such shape');
            });
            const run = await tokenlight.analyze('One two three');
            end();
            return run.tokens.length;
        }"""
    )
    assert found > 0
    idle(view)
    expect(view.locator("#notice")).to_contain_text("(a broken panel) could not be drawn. The browser console")
    assert view.evaluate("tokenlight.analyze('One two').then((run) => run.tokens.length)") > 0


def test_attention_comes_as_one_typed_array(view: Page) -> None:
    view.evaluate("text => tokenlight.analyze(text)", LONG)
    for layer in (0, 1):
        kind, size, rows = view.evaluate(
            """layer => tokenlight.attention(layer, 0)
                .then(({data, rows}) => [data.constructor.name, data.length, rows])""",
            layer,
        )
        assert kind == "Float32Array" and size == rows * rows
