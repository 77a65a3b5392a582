"""Bad input and real faults: each one ends in a clear sentence, and the page goes on working. Real Chromium."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import serving
from tests.e2e.hosting import link_site
from tests.e2e.layers import gated, slowed
from tests.e2e.likelihood import open_view

Opener = Callable[..., Page]


@pytest.fixture
def own_site(tmp_path: Path, tiny_models: Path) -> Iterator[tuple[str, Path]]:
    """A site whose models a test may damage: its address and its models folder."""
    site = link_site(tmp_path / "site")
    shutil.copytree(tiny_models, site / "models")
    with serving(site) as address:
        yield address, site / "models"


@pytest.fixture(scope="module")
def view(browser: Browser, tiny_site: str) -> Iterator[Page]:
    """One page for the tests that begin with a text of their own."""
    with open_view(browser, tiny_site) as page:
        yield page


def notice(page: Page) -> str:
    return page.locator("#notice p").inner_text()


def works(page: Page) -> None:
    """The page reads a text."""
    assert page.evaluate("tokenlight.analyze('The people of the village').then(run => run.tokens.length)") > 3


def test_empty_text(view: Page) -> None:
    view.fill("#text", "")
    view.click("#run")
    expect(view.locator("#notice")).to_contain_text("There is no text to read")
    expect(view.locator("html")).to_have_attribute("data-state", "ready")
    works(view)


def test_odd_characters_are_text(view: Page) -> None:
    for text in ("a\x00b", "\ud800 half a pair", "<img src=x onerror=alert(1)>", "\u202ereversed"):
        run = view.evaluate("text => tokenlight.analyze(text)", text)
        assert run["text"] == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        assert view.locator("#tokens img").count() == 0


WRONG_CALLS = {
    "tokenlight.analyze(5)": "text must be a string",
    "tokenlight.analyze('x', {topK: 51})": "topK must be a whole number from 0 to 50",
    "tokenlight.generate('x', {maxTokens: -1})": "maxTokens must be a whole number",
    "tokenlight.generate('x', {temperature: -1})": "temperature must be a number from 0 to 100",
    "tokenlight.analyze('x', {topk: 5})": "there is no option topk. The options are topK, prefix",
    "tokenlight.generate('x', {stop: ['']})": "stop must be a string or a list of strings, none of them empty",
    "tokenlight.load('no-such')": "There is no model “no-such” here. Choose from ",
    "tokenlight.analyze('one two').then(() => tokenlight.attention(9, 0))": "has no layer 9",
    "tokenlight.analyze('one two').then(() => tokenlight.lens(99, 3))": "There is no token 99",
}


def test_wrong_arguments_say_what_is_wrong(view: Page) -> None:
    for call, message in WRONG_CALLS.items():
        assert message in view.evaluate(f"{call}.then(() => 'no error', (error) => error.message)"), call
    works(view)


def test_no_models_built(tmp_path: Path, open_page: Opener) -> None:
    with serving(link_site(tmp_path / "site", idle=True)) as address:
        page = open_page(address, ready=False)
        expect(page.locator("#notice")).to_contain_text("This site has no model yet.")
        expect(page.locator("html")).to_have_attribute("data-state", "error")


def test_damaged_and_missing_chunks_are_named(own_site: tuple[str, Path], open_page: Opener) -> None:
    """A chunk with a wrong hash, then a missing one: named, nothing half-loaded, and the model that works stays."""
    address, models = own_site
    page = open_page(f"{address}#model=tiny-llama")
    files = json.loads((models / "tiny-gpt2/manifest.json").read_text())["files"]
    weights = next(file for file in files if file["path"] == "weights.bin")
    chunk = models / "tiny-gpt2" / weights["chunks"][0]["name"]
    data = bytearray(chunk.read_bytes())
    data[100] ^= 1
    chunk.write_bytes(data)
    load = "tokenlight.load('tiny-gpt2').then(() => 'no error', (error) => error.message)"
    message = page.evaluate(load)
    assert "weights.bin does not match the manifest" in message and chunk.name in message and message in notice(page)
    chunk.unlink()
    message = page.evaluate(load)
    assert chunk.name in message and "missing (HTTP 404)" in message
    assert page.evaluate("tokenlight.analyze('one').then(run => run.model.id)") == "tiny-llama"
    data[100] ^= 1
    chunk.write_bytes(data)
    page.evaluate("tokenlight.load('tiny-gpt2')")
    assert page.evaluate("tokenlight.analyze('one').then(run => run.model.id)") == "tiny-gpt2"


def test_a_damaged_stored_chunk_is_fetched_again(own_site: tuple[str, Path], open_page: Opener) -> None:
    """What Cache Storage holds is checked too; only the damaged chunk is fetched again."""
    address, _ = own_site
    page = open_page(f"{address}#model=tiny-gpt2")
    before = page.evaluate("tokenlight.analyze('The river').then(run => run.tokens)")
    page.evaluate(
        """async () => {
          const name = (await caches.keys()).find((name) => name.includes('models'));
          const cache = await caches.open(name);
          const requests = await cache.keys();
          const size = async (request) => (await (await cache.match(request)).arrayBuffer()).byteLength;
          const sizes = await Promise.all(requests.map(size));
          const largest = requests[sizes.indexOf(Math.max(...sizes))];
          const bytes = new Uint8Array(await (await cache.match(largest)).arrayBuffer());
          bytes[50] ^= 255;
          await cache.put(largest, new Response(bytes));
        }"""
    )
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if request.url.endswith(".bin") else None)
    page.reload()
    page.evaluate("tokenlight.ready")
    assert page.evaluate("tokenlight.analyze('The river').then(run => run.tokens)") == before
    assert len(fetched) == 1


HASH = "0" * 64
CHUNK: dict[str, object] = {"name": f"{HASH[:32]}.bin", "bytes": 1, "sha256": HASH}
HOSTILE: list[tuple[dict, str]] = [
    ({"schema": "other/1"}, "its schema is not"),
    ({"layers": 10**9}, "layers is 1000000000"),
    ({"vocab_size": -1}, "vocab_size is -1"),
    ({"hidden_size": "64"}, 'hidden_size is "64"'),
    ({"files": []}, "it lists no files"),
    ({"files": [{"path": "../../x", "bytes": 1, "chunks": []}]}, "a file has an unsafe name"),
    ({"files": [{"path": "model.onnx", "bytes": 1, "chunks": [{**CHUNK, "name": "../x.bin"}]}]}, "unsafe name"),
    ({"files": [{"path": "model.onnx", "bytes": 9, "chunks": [CHUNK]}]}, "do not add up"),
]


def test_hostile_manifests_are_refused(own_site: tuple[str, Path], open_page: Opener) -> None:
    """Wrong sizes, huge dims, path tricks, and what is not JSON at all; the model that works stays."""
    address, models = own_site
    path = models / "tiny-gpt2/manifest.json"
    honest = path.read_text()
    cases = [(json.dumps({**json.loads(honest), **change}), message) for change, message in HOSTILE]
    page = open_page(f"{address}#model=tiny-llama")
    load = "tokenlight.load('tiny-gpt2').then(() => 'no error', (error) => error.message)"
    for content, message in [*cases, ("", "not valid JSON"), ("{", "not valid JSON"), ("[]", "its schema is not")]:
        path.write_text(content)
        answer = page.evaluate(load)
        assert message in answer and "manifest.json" in answer
    path.write_text('{"schema": "tokenlight.model/12"}')
    assert page.evaluate(load).startswith("This model needs a newer version of this page.")
    works(page)


@pytest.mark.parametrize("content", ["{", '{"models": 5}'])
def test_a_broken_index_is_named(content: str, tmp_path: Path, open_page: Opener) -> None:
    site = link_site(tmp_path / "site", idle=True)
    (site / "models").mkdir()
    (site / "models/index.json").write_text(content)
    with serving(site) as address:
        page = open_page(address, ready=False)
        expect(page.locator("html")).to_have_attribute("data-state", "error")
        expect(page.locator("#notice")).to_contain_text("models/index.json")


def test_a_newer_list_asks_for_a_newer_page(tmp_path: Path, open_page: Opener) -> None:
    site = link_site(tmp_path / "site", idle=True)
    (site / "models").mkdir()
    (site / "models/index.json").write_text('{"schema": "tokenlight.models/2", "library": []}')
    with serving(site) as address:
        page = open_page(address, ready=False)
        expect(page.locator("#notice")).to_contain_text("list of models needs a newer version of this page. Reload it")


def test_what_is_left_out_of_the_list_is_in_the_console(idle_root: Path, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    index = idle_root / "some/repo/models/index.json"
    found = json.loads(index.read_text())
    wrong = [{"id": "../x", "name": "Outside"}, {"id": "nameless"}, None]
    index.unlink()  # a link, or a file that others read
    index.write_text(json.dumps({**found, "models": [*wrong, *found["models"]]}))
    with serving(idle_root) as address:
        page.goto(f"{address}some/repo/")
        expect(page.locator("#model option")).to_have_count(len(found["models"]))
        for part in ('{"id":"../x","name":"Outside"}', '{"id":"nameless"}', "null"):
            assert any("cannot be used" in each and part in each for each in said), part
        index.unlink()
        page.reload()
        expect(page.locator("#notice")).to_contain_text("This site has no model yet.")
        assert any("models/index.json is missing" in each for each in said)


def test_another_model_is_offered_if_the_first_is_missing(own_site: tuple[str, Path], open_page: Opener) -> None:
    address, models = own_site
    first, second = [entry["id"] for entry in json.loads((models / "index.json").read_text())["models"]]
    (models / first / "manifest.json").unlink()
    page = open_page(address, ready=False)
    expect(page.locator("#notice")).to_contain_text(f"models/{first}/manifest.json is missing")
    page.get_by_role("button", name=re.compile(f"^Use {second} .*MB")).click()
    page.evaluate("tokenlight.ready")
    assert page.evaluate("tokenlight.state().model") == second


def test_a_model_that_is_not_there_is_named(tiny_site: str, open_page: Opener) -> None:
    """The first model is loaded instead, and the example it reads by itself does not take the sentence back."""
    page = open_page(f"{tiny_site}#model=nothing")
    expect(page.locator("#remarks .card").first).to_be_visible(timeout=60_000)
    assert "There is no model “nothing” here. Using tiny-gpt2 instead." in notice(page)
    early = open_page(tiny_site, ready=False)  # the list of models may not be there yet
    said = early.evaluate("tokenlight.load('nothing').catch((error) => error.message)")
    assert said.startswith("There is no model “nothing” here. Choose from tiny-")
    works(early)


@pytest.mark.parametrize("part", ["inference", "analysis"])
def test_a_killed_worker_is_started_again(part: str, view: Page) -> None:
    """The page says so, keeps the text, loads its model again and then gives the same numbers."""
    view.fill("#text", "The light of the morning")
    before = view.evaluate("tokenlight.analyze('The light of the morning')")
    worker = next(w for w in view.workers if f"{part}.worker" in w.url)
    worker.evaluate("() => void setTimeout(() => self.close(), 50)")
    expect(view.locator("#notice")).to_contain_text("It was restarted; your text is unchanged", timeout=60_000)
    assert view.input_value("#text") == "The light of the morning"
    after = view.evaluate("tokenlight.analyze('The light of the morning')")
    assert after["tokens"] == before["tokens"]


def test_a_worker_killed_in_the_middle_of_a_run(view: Page) -> None:
    start = "globalThis.outcome = tokenlight.generate('The', {maxTokens: 200}).then(() => 'done', (e) => e.message)"
    with slowed(view, 20):
        view.evaluate(f"{start}; null")
        expect(view.locator(".token.generated").nth(3)).to_be_attached(timeout=30_000)
        worker = [worker for worker in view.workers if "inference.worker" in worker.url][-1]
        worker.evaluate("() => void setTimeout(() => self.close())")
        assert "stopped working" in view.evaluate("outcome")
    expect(view.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
    works(view)


def test_a_newer_run_replaces_the_one_under_way(view: Page) -> None:
    """The old one rejects, and nothing of it shows up in the new one."""
    with gated(view) as gate:
        start = "globalThis.old = tokenlight.generate('The people', {maxTokens: 200, stopAtEnd: false})"
        view.evaluate(f"{start}.then(() => 'done', (e) => e.message); null")
        gate.let(3)
        answer = view.evaluate(
            """async () => {
              const fresh = await tokenlight.analyze('One two three');
              return [await old, fresh.text, document.querySelectorAll('.token').length, fresh.tokens.length];
            }"""
        )
    assert answer[0] == "This run was replaced by a newer one." and answer[1] == "One two three"
    assert answer[2] == answer[3]


def test_stop_ends_within_a_token_and_keeps_what_was_written(view: Page) -> None:
    """The token that is under way is the last one; those that the page was not told of yet are kept."""
    with gated(view) as gate:
        start = "tokenlight.generate('The people', { maxTokens: 240, stopAtEnd: false })"
        view.evaluate(f"globalThis.running = {start}; null")
        gate.let(5)
        expect(view.locator(".token.generated").first).to_be_attached()
        view.click("#stop")
        run = view.evaluate("running")
    assert len(run["steps"]) == len(run["tokens"]) - run["prompt_tokens"] == 5 + 1
    expect(view.locator(".token.generated")).to_have_count(5 + 1)


def test_switching_models_in_the_middle_of_a_run(view: Page) -> None:
    """It is stopped when the other model is ready."""
    with gated(view) as gate:
        start = "tokenlight.generate('The', {maxTokens: 200, stopAtEnd: false})"
        view.evaluate(f"globalThis.running = {start}.then((run) => run.steps.length); null")
        gate.let(3)
        assert view.evaluate("tokenlight.state().phase") == "running"
        view.evaluate("tokenlight.load('tiny-llama')")
        assert view.evaluate("running") == 3 + 1
    assert view.evaluate("tokenlight.analyze('One two').then(run => run.model.id)") == "tiny-llama"
