"""Downloads that break off, are stopped, or cannot be kept: the page says so and goes on. Real Chromium."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from export.site.serve import Handler
from tests.e2e.hosting import link_site

Opener = Callable[..., Page]


class Faulty(Handler):
    """Serves chunks badly when told to: `fault(path)` may cut one off or hold it back; notes every chunk asked for."""

    fault: Callable[[str], str | None] = staticmethod(lambda path: None)
    asked: list[str] = []  # noqa: RUF012 (shared by all requests on purpose)
    released = threading.Event()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        if not self.path.endswith(".bin"):
            return super().copyfile(source, outputfile)
        self.asked.append(self.path)
        data = source.read()
        fault = self.fault(self.path)
        if fault:
            outputfile.write(data[: len(data) // 2])
            outputfile.flush()
        if fault == "drop":
            self.close_connection = True
            self.connection.shutdown(2)
        elif fault == "hold":
            self.released.wait(60)
            with suppress(ConnectionError):  # the page may have given up
                outputfile.write(data[len(data) // 2 :])
        else:
            outputfile.write(data)


@pytest.fixture
def faulty(tmp_path: Path, tiny_models: Path) -> Iterator[tuple[str, type[Faulty], Path]]:
    """Address, the handler to set faults on, and the models folder."""
    from http.server import ThreadingHTTPServer

    site = link_site(tmp_path / "site", idle=True)
    shutil.copytree(tiny_models, site / "models")
    handler: type[Faulty] = type("Fault", (Faulty,), {"asked": [], "released": threading.Event()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", handler, site / "models"
    handler.released.set()
    server.shutdown()
    server.server_close()


def largest_chunk(models: Path) -> str:
    return max((models / "tiny-gpt2").glob("*.bin"), key=lambda path: path.stat().st_size).name


def test_a_dropped_connection_is_named_and_tried_again(
    faulty: tuple[str, type[Faulty], Path], open_page: Opener
) -> None:
    """What has arrived is kept: the second try fetches the chunk that was cut off, and nothing that was stored."""
    address, handler, models = faulty
    chunk = largest_chunk(models)
    handler.fault = staticmethod(lambda path: "drop" if chunk in path else None)
    page = open_page(f"{address}#model=tiny-gpt2", ready=False)
    expect(page.locator("html")).to_have_attribute("data-state", "error", timeout=60_000)
    expect(page.locator("#notice")).to_contain_text(chunk)
    expect(page.locator("#notice")).to_contain_text("was interrupted")
    keys = "caches.open('tokenlight models /').then((cache) => cache.keys())"
    urls = page.evaluate(f"{keys}.then((keys) => keys.map(({{url}}) => url))")
    kept = {f"{url.rpartition('/')[2][:32]}.bin" for url in urls}  # stored by hash, served by its beginning
    handler.fault = staticmethod(lambda path: None)
    handler.asked.clear()
    page.click("#retry")
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
    asked = [path.rpartition("/")[2] for path in handler.asked]
    everything = {path.name for path in (models / "tiny-gpt2").glob("*.bin")}
    assert kept and chunk in asked and sorted(asked) == sorted(everything - kept)


def test_a_download_is_cancelled_and_resumed(faulty: tuple[str, type[Faulty], Path], open_page: Opener) -> None:
    address, handler, models = faulty
    chunk = largest_chunk(models)
    handler.fault = staticmethod(lambda path: "hold" if chunk in path else None)
    page = open_page(f"{address}#model=tiny-gpt2", ready=False)
    expect(page.locator("#header")).to_contain_text("Loading the model")
    expect(page.locator("#header progress").first).to_be_visible()
    others = len(set((models / "tiny-gpt2").glob("*.bin"))) - 1
    count = "caches.open('tokenlight models /').then((cache) => cache.keys()).then((keys) => keys.length)"
    for _ in range(100):
        if page.evaluate(count) == others:
            break
        page.wait_for_timeout(100)
    else:
        pytest.fail(f"{page.evaluate(count)} of the {others} other chunks were stored within 100 looks.")
    page.click("#cancel-loading")
    expect(page.locator("#notice")).to_contain_text("Loading was cancelled. Finished parts are kept")
    handler.released.set()
    handler.fault = staticmethod(lambda path: None)
    handler.asked.clear()
    page.click("#retry")
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
    assert [path.rpartition("/")[2] for path in handler.asked] == [chunk]


def test_a_stored_model_is_never_fetched_again(faulty: tuple[str, type[Faulty], Path], open_page: Opener) -> None:
    """Nor is a chunk that a second model shares with the first: both tokenizers are the same file."""
    address, handler, _ = faulty
    page = open_page(f"{address}#model=tiny-gpt2")
    page.evaluate("tokenlight.load('tiny-llama')")
    names = [path.rpartition("/")[2] for path in handler.asked]
    assert len(names) == len(set(names))
    handler.asked.clear()
    page.reload()
    page.evaluate("tokenlight.ready")
    assert handler.asked == []


def test_a_full_quota_leaves_a_working_page(faulty: tuple[str, type[Faulty], Path], open_page: Opener) -> None:
    """The browser refuses to keep the model: the page says so and uses it all the same."""
    address, _, _ = faulty
    page = open_page(f"{address}manifest.webmanifest", ready=False)
    quota = {"origin": address[:-1], "quotaSize": 20_000}
    page.context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", quota)
    page.goto(f"{address}#model=tiny-gpt2")
    page.evaluate("tokenlight.ready")
    expect(page.locator("#header")).to_contain_text("model not cached")


def test_a_removed_model_is_no_longer_called_stored(faulty: tuple[str, type[Faulty], Path], open_page: Opener) -> None:
    """The browser clears the site's storage under an open page: it says so, and a reload fetches again."""
    address, handler, models = faulty
    page = open_page(f"{address}#model=tiny-gpt2")
    stored = page.locator("#stored tr", has_text="tiny-gpt2").locator("td").first
    page.locator("#storage summary").click()
    expect(stored).to_contain_text("MB")
    expect(page.locator("#model option:checked")).to_contain_text("stored")
    clear = {"origin": address[:-1], "storageTypes": "cache_storage"}
    page.context.new_cdp_session(page).send("Storage.clearDataForOrigin", clear)
    assert page.evaluate("caches.keys()") == []
    for _ in range(2):  # closed and opened again: it looks again
        page.locator("#storage summary").click()
    expect(stored).to_have_text("no")
    expect(page.locator("#model option:checked")).not_to_contain_text("stored")
    handler.asked.clear()
    chunk = largest_chunk(models)
    handler.fault = staticmethod(lambda path: "hold" if chunk in path else None)
    page.reload()
    expect(page.locator("#header")).to_contain_text("Loading the model")
    handler.released.set()
    page.evaluate("tokenlight.ready")
    chunks = {path.name for path in (models / "tiny-gpt2").glob("*.bin")}
    assert {path.rpartition("/")[2] for path in handler.asked} == chunks
    page.locator("#storage summary").click()
    expect(stored).to_contain_text("MB")
