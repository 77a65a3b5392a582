"""Models that the site changed since the last visit, which starts with the stored list and manifests. Real Chromium."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.hosting import FOLDER, SENTENCE, hosting, stored_visit, wait_ready, wait_stored

pytestmark = pytest.mark.browser_context_args(service_workers="allow")

NAMES = "tokenlight.models().map(({name}) => name)"
MANIFEST = "fetch('models/tiny-gpt2/manifest.json').then((response) => response.json())"


def changed(path: Path, **fields: Any) -> dict[str, Any]:
    """A JSON file's content with other fields; it is written."""
    content = {**json.loads(path.read_text()), **fields}
    path.write_text(json.dumps(content))
    return content


def test_they_are_offered(idle_root: Path, page: Page) -> None:
    with hosting(idle_root) as host:
        stored_visit(page, host.address)
        changed(idle_root / FOLDER / "models/tiny-gpt2/manifest.json", name="Another name")
        page.reload()
        expect(page.locator("#update")).to_contain_text("The models of this site have changed.", timeout=60_000)
        with page.expect_navigation():
            page.click("#reload-models")
        wait_ready(page)
        wait_stored(page)
        assert page.evaluate(MANIFEST)["name"] == "Another name"
        expect(page.locator("#update")).to_have_text("")


@pytest.mark.parametrize("pasted", [True, False], ids=["in the open page", "in a new tab"])
def test_a_link_names_one_that_the_stored_list_lacks(idle_root: Path, page: Page, pasted: bool) -> None:
    models = idle_root / FOLDER / "models"
    index = models / "index.json"
    every = index.read_text()
    changed(index, models=[each for each in json.loads(every)["models"] if each["id"] == "tiny-gpt2"])
    with hosting(idle_root) as host:
        stored_visit(page, host.address)
        assert page.evaluate(NAMES) == ["tiny-gpt2"]
        index.write_text(every)
        if pasted:
            page.evaluate("location.hash = 'model=tiny-llama'")
        else:
            page = page.context.new_page()
            page.goto(f"{host.address}#model=tiny-llama")
        expect(page.locator("#model")).to_have_value("tiny-llama", timeout=60_000)
        wait_ready(page)
        wait_stored(page)  # nothing is still fetched when the server ends
        assert page.evaluate(NAMES) == ["tiny-gpt2", "tiny-llama"]


def test_the_stored_manifest_is_of_a_build_that_was_replaced(root: Path, page: Page) -> None:
    """Its files are gone from the site and were never stored: the new build is loaded."""
    models = root / FOLDER / "models"
    index, other = models / "index.json", models / "other"

    def publish(build: str) -> None:
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(models / build, other)
        changed(other / "manifest.json", id="other")

    publish("tiny-llama")
    entries = json.loads(index.read_text())["models"]
    changed(index, models=[*entries, {**entries[0], "id": "other", "name": "other", "default": False}])
    with hosting(root) as host:
        stored_visit(page, host.address)
        publish("tiny-gpt2")
        loaded = page.evaluate("tokenlight.load('other').then(({layers, sha256}) => ({layers, sha256}))")
        assert loaded["sha256"] == json.loads((other / "manifest.json").read_text())["sha256"]
        assert len(page.evaluate(SENTENCE)) > 3
