"""The package as a person uses it: unpacked, served by Python's own server, a text read. Real Chromium."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from export.site import package
from tests.e2e.hosting import link_site


@pytest.fixture
def browser_context_args(browser_context_args: dict) -> dict:
    return {**browser_context_args, "service_workers": "allow"}


@pytest.fixture
def packed(tmp_path: Path, tiny_models: Path) -> Path:
    """The package with all tiny models."""
    site = link_site(tmp_path / "site")
    (site / "models").symlink_to(tiny_models)
    assert package.main(["--out", str(tmp_path / "tokenlight.zip"), "--site", str(site)]) == 0
    return tmp_path / "tokenlight.zip"


@pytest.fixture
def served(tmp_path: Path, packed: Path) -> Iterator[str]:
    """Address of `python -m http.server` in the unpacked package."""
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "unpacked")
    command = [sys.executable, "-u", "-m", "http.server", "-b", "127.0.0.1", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path / "unpacked/tokenlight", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout
        port = re.search(r"port (\d+)", server.stdout.readline())
        assert port
        yield f"http://127.0.0.1:{port[1]}/"
        server.terminate()


def test_the_unpacked_package_reads_a_text(served: str, open_page: Callable[..., Page]) -> None:
    """Isolated by its service worker, stored for offline use, and every model answers."""
    page = open_page(served, ready=False)
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
    assert page.evaluate("crossOriginIsolated")
    for model in page.evaluate("tokenlight.models().map(({ id }) => id)"):
        page.evaluate("id => tokenlight.load(id)", model)
        run = page.evaluate("tokenlight.analyze('The people of the village')")
        assert run["model"]["id"] == model and len(run["tokens"]) > 3
    page.locator("#storage summary").click()
    expect(page.locator("#storage")).to_contain_text("The page works offline", timeout=60_000)


def test_the_page_packs_itself(served: str, packed: Path, open_page: Callable[..., Page], tmp_path: Path) -> None:
    """The zip that the page saves has the bytes of the package, with the current model only."""
    page = open_page(f"{served}#model=tiny-llama", ready=False)
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
    page.locator("#storage summary").click()
    expect(page.locator("#storage")).to_contain_text("The page works offline", timeout=60_000)
    with page.expect_download() as download:
        page.click("#save-page")
    download.value.save_as(tmp_path / "own.zip")
    with zipfile.ZipFile(tmp_path / "own.zip") as own, zipfile.ZipFile(packed) as package_:
        assert own.testzip() is None
        names, expected = set(own.namelist()), set(package_.namelist())
        models = {name for name in expected if name.startswith("tokenlight/models/") and "/tiny-llama/" not in name}
        assert names == (expected - models - {"tokenlight/LICENSE"}) | {"tokenlight/models/index.json"}
        for name in names - {"tokenlight/models/index.json"}:
            assert own.read(name) == package_.read(name), name
        index = json.loads(own.read("tokenlight/models/index.json"))
        assert [model["id"] for model in index["models"]] == ["tiny-llama"]
        assert b"py -m http.server" in own.read("tokenlight/README.txt")
