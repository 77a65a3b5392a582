"""Hundreds of runs in one page with real faults between them: memory and numbers stay what they were. Real Chromium.

What is measured is the memory that belongs to the renderer processes alone, after a collection in the page and its
workers: it holds everything a page takes, JavaScript, WebAssembly, compiled code, buffers on their way
between threads and what dead workers leave behind. `performance.measureUserAgentSpecificMemory()` counts the first two
only, a sixth of it, and waits a minute each time for the model's threads, which sleep and so never collect. Allocators
keep the most they ever needed, which took some 200 runs, so the warm-up is as long as what is measured. Workers die at
the beginning of each part only, the second time in what the first part left behind. The page's own heap is measured by
itself too, since what leaks there a little at a time is lost in the whole.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from export.site.serve import Handler
from tests.e2e.conftest import Log
from tests.e2e.hosting import link_site
from tests.e2e.layers import slowed
from tests.processes import at_rest

WARM_UP = SOAK = (200, 50)  # analyses and generations; each part has every fault between them
MOST_GROWTH = 1.10
TEXT = "The people of the village went down to the river when the light of the morning came over the hill. " * 3

# Texts of 3 tokens to more than the context; every other one begins like the one before it and uses its KV cache.
RUNS = """async ({ from, analyses, generations, text }) => {
  const lengths = [12, 300, 90, 700, 30, 1200];
  const cut = (i) => `${i >> 1} ${text.repeat(5)}`.slice(0, lengths[i % lengths.length]);
  for (let i = from; i < from + analyses; i++) {
    const { tokens } = await tokenlight.analyze(cut(i));
    if (i % 10 === 0) await Promise.all([tokenlight.lens(tokens.length - 1, 5), tokenlight.attention(0, 0)]);
  }
  for (let i = from; i < from + generations; i++) {
    await tokenlight.generate(cut(i).slice(0, 200), { maxTokens: [2, 12, 30][i % 3], seed: i });
  }
}"""

DAMAGE = """async () => {
  const cache = await caches.open((await caches.keys()).find((name) => name.startsWith('tokenlight models')));
  const read = async (key) => ({ key, bytes: await (await cache.match(key)).bytes() });
  const stored = await Promise.all((await cache.keys()).map(read));
  const { key, bytes } = stored.reduce((a, b) => (a.bytes.length > b.bytes.length ? a : b));
  bytes[50] ^= 255;
  await cache.put(key, new Response(bytes));
}"""


class Counting(Handler):
    """Notes every path it is asked for."""

    asked: list[str] = []  # noqa: RUF012 (shared by all requests on purpose)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        self.asked.append(self.path)


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """The paths the server was asked for."""
    Counting.asked.clear()
    yield Counting.asked


@pytest.fixture
def address(tmp_path: Path, tiny_models: Path) -> Iterator[str]:
    site = link_site(tmp_path / "site")
    (site / "models").symlink_to(tiny_models)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Counting, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def fresh(page: Page) -> str:
    """The Run of TEXT without its timings; another text is read before it, so that nothing of it is in the KV cache."""
    page.evaluate("tokenlight.analyze('Something else')")
    return page.evaluate(
        "text => tokenlight.analyze(text).then((run) => JSON.stringify({ ...run, timings: null }))", TEXT
    )


def kill(page: Page, part: str) -> None:
    """Ends a worker in the middle of a run."""
    start = "globalThis.outcome = tokenlight.generate('The', {maxTokens: 200}).then(() => 'done', (e) => e.message)"
    with slowed(page, 20):
        page.evaluate(f"{start}; null")
        expect(page.locator(".token.generated").nth(3)).to_be_attached(timeout=30_000)
        worker = next(worker for worker in page.workers if f"{part}.worker" in worker.url)
        worker.evaluate("() => void setTimeout(() => self.close())")
        assert "stopped working" in page.evaluate("outcome")
    expect(page.locator("#notice")).to_contain_text("It was restarted", timeout=60_000)


def cancel(page: Page) -> None:
    """The Stop button, in the middle of a run."""
    with slowed(page, 20):
        page.evaluate("globalThis.running = tokenlight.generate('The people', { maxTokens: 240 }); null")
        expect(page.locator(".token.generated").nth(2)).to_be_attached(timeout=30_000)
        page.click("#stop")
    assert 2 < len(page.evaluate("running")["steps"]) < 240


def replace(page: Page) -> None:
    """A newer run stops the one under way."""
    with slowed(page, 20):
        answer = page.evaluate(
            """async () => {
              const old = tokenlight.generate('The people', { maxTokens: 200 }).then(() => 'done', (e) => e.message);
              await new Promise((done) => setTimeout(done, 200));
              await tokenlight.analyze('One two three');
              return old;
            }"""
        )
    assert answer == "This run was replaced by a newer one."


def switch(page: Page) -> None:
    """To the other model and back."""
    for model in ("tiny-llama", "tiny-gpt2"):
        page.evaluate("id => tokenlight.load(id)", model)
        assert page.evaluate("tokenlight.analyze('One two').then((run) => run.model.id)") == model


def corrupt(page: Page, asked: list[str]) -> None:
    """A stored chunk is damaged: it alone is fetched again."""
    page.evaluate(DAMAGE)
    asked.clear()
    page.evaluate("tokenlight.load('tiny-gpt2')")
    assert len([path for path in asked if path.endswith(".bin")]) == 1


def offline(page: Page, asked: list[str]) -> None:
    """Reading and switching between stored models without a network."""
    page.context.set_offline(True)
    asked.clear()
    assert page.evaluate("navigator.onLine") is False
    page.evaluate(RUNS, {"from": 0, "analyses": 3, "generations": 1, "text": TEXT})
    switch(page)
    assert set(asked) <= {"/sw.js", "/headers.js"}  # the browser's own look for a newer service worker goes on
    page.context.set_offline(False)


def part(page: Page, faults: list[Callable[[], None]], runs: tuple[int, int]) -> None:
    """So many analyses and generations, in equal shares after each fault and once more at the end."""
    done = (0, 0)
    for number, fault in enumerate([*faults, lambda: None], start=1):
        fault()
        due = (runs[0] * number // (len(faults) + 1), runs[1] * number // (len(faults) + 1))
        how = {"from": done[0], "analyses": due[0] - done[0], "generations": due[1] - done[1], "text": TEXT}
        page.evaluate(RUNS, how)
        done = due


@pytest.mark.long
@pytest.mark.timeout(900)
def test_soak(own_browser: Browser, address: str, asked: list[str], log: Log) -> None:
    context = log.watch(own_browser.new_context(service_workers="allow", reduced_motion="reduce"))
    page = context.new_page()
    page.goto(f"{address}#model=tiny-gpt2")
    page.evaluate("tokenlight.ready")
    page.locator("#storage summary").click()
    expect(page.locator("#storage")).to_contain_text("The page works offline", timeout=120_000)
    switch(page)  # both models are stored now
    first = fresh(page)
    faults: list[Callable[[], None]] = [
        lambda: kill(page, "analysis"),
        lambda: kill(page, "inference"),
        lambda: cancel(page),
        lambda: replace(page),
        lambda: switch(page),
        lambda: corrupt(page, asked),
        lambda: offline(page, asked),
    ]
    part(page, faults, WARM_UP)
    assert fresh(page) == first
    before = at_rest(own_browser, page)
    part(page, faults, SOAK)
    assert fresh(page) == first, "a text read anew gives the same Run, bit for bit"
    after = at_rest(own_browser, page)
    print(f"MB after the warm-up (processes, page's heap): {before}, at the end: {after}")
    assert after[0] <= MOST_GROWTH * before[0] and after[1] <= MOST_GROWTH * before[1]
