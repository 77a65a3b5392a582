"""The package as a person uses it: unpacked, served by Python's own server, a text read. Real Chromium."""

from __future__ import annotations

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
def served(tmp_path: Path, tiny_models: Path) -> Iterator[str]:
    """Address of `python -m http.server` in the unpacked package."""
    site = link_site(tmp_path / "site")
    (site / "models").symlink_to(tiny_models)
    assert package.main(["--out", str(tmp_path / "tokenlight.zip"), "--site", str(site)]) == 0
    with zipfile.ZipFile(tmp_path / "tokenlight.zip") as archive:
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
