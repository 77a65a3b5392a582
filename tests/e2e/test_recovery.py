"""What fails while the page starts, switches or runs ends in a state from which it works again. Real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.conftest import serving
from tests.e2e.hosting import change_python, link_site
from tests.e2e.layers import until
from tests.e2e.likelihood import open_view

Opener = Callable[..., Page]
READS = "tokenlight.analyze('The people of the village').then((run) => [run.model.id, run.tokens.length])"


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    """One page for the tests of switching."""
    with open_view(browser, tiny_site) as page:
        yield page


def ready(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)


def test_numpy_that_cannot_be_loaded_once(tiny_site: str, open_page: Opener) -> None:
    page = open_page(tiny_site, ready=False)
    page.route("**/multiarray_umath.wasm", lambda route: route.abort())
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-state", "error", timeout=60_000)
    said = "numpy/multiarray_umath.wasm could not be loaded. Check the connection, then"
    expect(page.locator("#notice")).to_contain_text(said)
    assert "numpy" in page.evaluate("tokenlight.ready.catch((error) => error.message)")
    page.unroute("**/multiarray_umath.wasm")
    page.click("#retry")
    ready(page)
    assert page.evaluate(READS)[1] > 3


@pytest.mark.parametrize("file", ["inference/inference.worker.js", "inference/reader.js", "analysis/publisher.js"])
def test_a_file_of_a_worker_that_cannot_be_loaded(file: str, tiny_site: str, page: Page) -> None:
    """Once: the worker is started again, and nobody hears of it. Always: one sentence, and a way to try again."""
    asked: list[Route] = []
    lost = True  # whether the file cannot be had now

    def answer(route: Route) -> None:
        nonlocal lost
        asked.append(route)
        (route.abort if lost else route.continue_)()
        lost = lost and len(asked) > 1

    page.route(f"**/{file}", answer)
    page.goto(tiny_site)
    ready(page)
    assert len(asked) == 2
    expect(page.locator("#notice")).not_to_contain_text("could not be loaded")
    lost = True
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-state", "error", timeout=60_000)
    expect(page.locator("#notice")).to_contain_text("could not be loaded. Check the connection")
    lost = False
    page.click("#retry")
    ready(page)
    assert page.evaluate(READS)[1] > 3


@pytest.mark.parametrize("file", ["lenses/index.js", "text/along.js"])
def test_a_file_of_the_page_that_cannot_be_loaded(file: str, tiny_site: str, page: Page) -> None:
    page.route(f"**/{file}", lambda route: route.abort())
    page.goto(tiny_site)
    expect(page.locator("html")).to_have_attribute("data-state", "error", timeout=60_000)
    said = "A part of the page could not be loaded. Check the connection, then reload the page."
    expect(page.locator("#notice")).to_contain_text(said)
    assert page.evaluate("tokenlight.ready.catch((error) => error.message)") == said


def test_a_start_of_python_that_stalls_is_named(tiny_site: str, page: Page) -> None:
    """The model waits for Python to take it: that is no stall of the model, however long ago its last step was."""
    held: list[Route] = []
    page.route("**/multiarray_umath.wasm", lambda route: held.append(route))
    page.clock.install()
    page.goto(tiny_site)
    reached = """async (stages) => {
        const {loading} = await import(new URL('page/state.js', document.baseURI));
        return Object.entries(stages).every(([part, stage]) => loading.value[part]?.stage === stage);
    }"""
    until(page, reached, {"model": "Starting the model", "python": "Loading numpy"})
    page.clock.fast_forward(61_000)
    stalled = "the start of Python made no progress for a minute after “Loading numpy”"
    expect(page.locator("#notice")).to_contain_text(stalled)
    held[0].abort()
    page.unroute("**/multiarray_umath.wasm")
    page.click("#retry")
    ready(page)


@pytest.mark.parametrize("part", ["inference", "analysis"])
def test_a_worker_that_dies_before_there_is_a_model(part: str, tiny_site: str, open_page: Opener) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2", ready=False)
    held: list[Route] = []
    page.route("**/models/tiny-gpt2/*.bin", lambda route: held.append(route))
    page.reload()
    while not held:
        page.wait_for_timeout(20)
    next(worker for worker in page.workers if f"{part}.worker" in worker.url).evaluate("() => void self.close()")
    expect(page.locator("html")).to_have_attribute("data-state", "error", timeout=60_000)
    expect(page.locator("#notice")).to_contain_text("stopped working")
    page.select_option("#model", "tiny-llama")
    ready(page)
    assert page.evaluate(READS)[0] == "tiny-llama"


def test_idle_time_that_comes_while_a_model_is_started_again(tiny_site: str, page: Page) -> None:
    """The trial of the graphics card waits for idle time; there may be no model by then."""
    page.add_init_script("globalThis.held = []; globalThis.requestIdleCallback = (work) => held.push(work);")
    page.goto(tiny_site)
    page.evaluate("tokenlight.ready")
    page.evaluate("tokenlight.analyze('The river')")
    until(page, "() => held.length > 0")
    kept: list[Route] = []
    page.route("**/manifest.json", lambda route: kept.append(route), times=1)
    worker = next(worker for worker in page.workers if "inference.worker" in worker.url)
    worker.evaluate("() => void setTimeout(() => self.close())")
    expect(page.locator("html")).to_have_attribute("data-state", "booting", timeout=60_000)
    page.evaluate("held.forEach((work) => work({ didTimeout: false, timeRemaining: () => 50 }))")
    while not kept:
        page.wait_for_timeout(20)
    kept[0].continue_()
    ready(page)


def test_ready_is_about_the_newest_choice(tiny_site: str, open_page: Opener) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2", ready=False)
    found = page.evaluate(
        """async () => {
            const early = tokenlight.ready;
            const chosen = tokenlight.load('tiny-llama').then((model) => model.id);
            await early;
            return [await chosen, await tokenlight.ready.then(() => tokenlight.state().model)];
        }"""
    )
    assert found == ["tiny-llama", "tiny-llama"]


def test_loads_that_are_replaced_reject_and_the_newest_answers(view: Page) -> None:
    ends = view.evaluate(
        """() => Promise.all(['tiny-llama', 'tiny-gpt2', 'tiny-llama'].map((id) =>
            tokenlight.load(id).then((model) => model.id, (error) => error.message)))"""
    )
    assert ends == ["Another model was chosen.", "Another model was chosen.", "tiny-llama"]
    assert view.evaluate(READS)[0] == "tiny-llama"


def test_a_switch_gives_the_old_models_worker_back(view: Page) -> None:
    ready(view)

    def models() -> int:
        return sum("inference.worker" in worker.url for worker in view.workers)

    for id in ("tiny-llama", "tiny-gpt2", "tiny-llama"):
        view.evaluate("id => tokenlight.load(id)", id)
        ready(view)
        for _ in range(50):  # the driver hears of a worker's end a moment later
            if models() == 1:
                break
            view.wait_for_timeout(100)
        assert models() == 1


@pytest.fixture
def failing_updates(tmp_path: Path, tiny_models: Path) -> Iterator[str]:
    """A site whose Python fails to say what is new of a run once it has more than 60 tokens."""
    site = link_site(tmp_path / "site")
    (site / "models").symlink_to(tiny_models)
    told = "        current.updated = trace.shown\n"
    fault = "        if trace.shown > 60:\n            raise ValueError('No update.')\n"

    def failing(name: str, text: str) -> str:
        if name != "pyscripts/page/session.py":
            return text
        assert text.count(told) == 1
        return text.replace(told, told + fault)

    change_python(site, failing)
    with serving(site) as address:
        yield address


def test_an_error_of_a_late_update_fails_that_run_only(failing_updates: str, open_page: Opener) -> None:
    """Python fails while a timer tells the page what is new: that run rejects, no worker is started again."""
    page = open_page(failing_updates)
    page.evaluate("tokenlight.analyze('One two')")
    before = {id(worker) for worker in page.workers}
    outcome = "tokenlight.generate('The people', {maxTokens: 200}).then(() => 'done', (error) => error.message)"
    assert page.evaluate(outcome) == "No update."
    assert page.evaluate(READS)[1] > 3
    assert {id(worker) for worker in page.workers} == before
    ready(page)
