"""One model after another: the tab returns to its size; with tiny models and, between them, SmolLM2. Real Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from export.site.serve import SITE
from tests.e2e.conftest import Log, serving
from tests.e2e.hosting import link_site
from tests.processes import at_rest

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

TEN = 10
OTHERS = ("tiny-llama", "smollm2")
MOST_GROWTH = 1.05  # of the renderer processes after ten more switches
HEAP = 1  # MB by which the page's own heap may grow; the vocabulary of SmolLM2 takes more, once for each switch
TEXT = "The people of the village went down to the river when the light of the morning came over the hill."


@pytest.fixture
def address(tmp_path: Path, tiny_models: Path) -> Iterator[str]:
    """The page with the tiny models and SmolLM2."""
    site = link_site(tmp_path / "site")
    models = site / "models"
    models.mkdir()
    index = [json.loads((each / "index.json").read_text()) for each in (tiny_models, SITE / "models")]
    for folder in (*tiny_models.iterdir(), SITE / "models/smollm2"):
        if folder.is_dir():
            (models / folder.name).symlink_to(folder)
    entries = {entry["id"]: entry for each in index for entry in each["models"]}
    (models / "index.json").write_text(json.dumps({**index[0], "models": list(entries.values())}))
    with serving(site) as served:
        yield served


def use(page: Page, model: str) -> None:
    """Loads it, reads a text and generates."""
    page.evaluate("id => tokenlight.load(id).then(() => null)", model)
    run = page.evaluate("text => tokenlight.analyze(text).then(run => run.model.id)", TEXT)
    assert run == model
    page.evaluate("text => tokenlight.generate(text, { maxTokens: 3 }).then(() => null)", TEXT)


@pytest.mark.parametrize("other", OTHERS)
def test_ten_switches_leave_the_tab_at_its_size(own_browser: Browser, address: str, log: Log, other: str) -> None:
    """After as many as warm it up: allocators keep the most they ever needed."""
    context = log.watch(own_browser.new_context(service_workers="block", reduced_motion="reduce"))
    page = context.new_page()
    page.goto(f"{address}#model=tiny-gpt2")
    page.evaluate("tokenlight.ready")

    def switch(times: int) -> tuple[float, float]:
        for _ in range(times // 2):
            for model in (other, "tiny-gpt2"):
                use(page, model)
        for _ in range(100):  # that it has ended is heard a moment later
            if sum(worker.url.endswith("inference.worker.js") for worker in page.workers) == 1:
                break
            page.wait_for_timeout(100)
        else:
            raise AssertionError("the workers of earlier models are still there")
        return at_rest(own_browser, page)

    before, after = switch(TEN), switch(TEN)
    for _ in range(2):  # what a busy machine has not freed yet is gone after some more; what is lost is not
        if after[0] <= MOST_GROWTH * before[0]:
            break
        after = switch(TEN)
    print(f"MB (processes, page's heap) with tiny-gpt2, {other} before: {before}; after {TEN} more: {after}")
    assert after[0] <= MOST_GROWTH * before[0] and after[1] <= before[1] + HEAP
