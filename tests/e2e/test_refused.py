"""Browsers that let the page store nothing, or that give it too little to run on at all. Real Chromium."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, BrowserType, Page, expect

from tests import browser as chromium
from tests.e2e.conftest import QUICK, Log, serving
from tests.e2e.hosting import link_site

NOT_KEPT = "model not cached: the next visit loads it again"
REFUSING = """Object.defineProperty(globalThis, 'caches', {
  get() { throw new DOMException('The operation is insecure.', 'SecurityError'); },
});
"""


def reads_and_says_that_nothing_is_kept(page: Page) -> None:
    page.evaluate("tokenlight.ready")
    expect(page.locator("#header")).to_contain_text(NOT_KEPT)
    assert page.evaluate("tokenlight.analyze('The river').then(run => run.tokens.length)") > 1
    page.evaluate("tokenlight.load('tiny-llama')")
    assert page.evaluate("tokenlight.generate('The', {maxTokens: 3}).then(run => run.model.id)") == "tiny-llama"
    page.locator("#storage summary").click()
    for row in page.locator("#stored tbody tr").all():
        expect(row.locator("td").first).to_have_text("no")


@pytest.mark.parametrize("caches", [REFUSING, "delete WorkerGlobalScope.prototype.caches;"])
def test_a_worker_without_cache_storage(
    caches: str, tmp_path: Path, tiny_models: Path, open_page: Callable[..., Page], page: Page
) -> None:
    """Cache Storage throws or is not there, in the page and in the worker that fetches the model."""
    site = link_site(tmp_path / "site")
    (site / "models").symlink_to(tiny_models)
    original = (site / "inference").resolve()
    (site / "inference").unlink()
    shutil.copytree(original, site / "inference")
    (site / "inference/refuse.js").write_text(caches)
    worker = site / "inference/inference.worker.js"
    worker.write_text(f"import './refuse.js';\n{worker.read_text()}")
    page.add_init_script(caches.replace("WorkerGlobalScope", "Window"))
    with serving(site) as address:
        reads_and_says_that_nothing_is_kept(open_page(f"{address}#model=tiny-gpt2"))


@pytest.fixture
def blocking(browser_type: BrowserType, tmp_path: Path, log: Log) -> Iterator[BrowserContext]:
    """A browser whose owner blocks all cookies and site data: storage, locks and service workers are refused."""
    settings = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "profile/Default").mkdir(parents=True)
    (tmp_path / "profile/Default/Preferences").write_text(json.dumps(settings))
    context = browser_type.launch_persistent_context(
        tmp_path / "profile", executable_path=chromium.find(whole=True), args=QUICK, headless=True
    )
    yield log.watch(context)
    context.close()


def test_all_site_data_blocked(blocking: BrowserContext, tiny_site: str) -> None:
    page = blocking.new_page()
    page.goto(f"{tiny_site}#model=tiny-gpt2")
    storage = "(() => { try { return localStorage.length; } catch (error) { return error.name; } })()"
    assert page.evaluate(storage) == "SecurityError"
    reads_and_says_that_nothing_is_kept(page)
    expect(page.locator("#storage")).to_contain_text("cannot store the page for offline use")
    expect(page.locator("#storage")).to_contain_text(
        "refused to store the current text and code of the Python lens: they last only until the page is closed"
    )
    page.click("#uninstall")
    expect(page.locator("#notice")).to_contain_text("may be left: the page and its models, settings and code, the text")


def test_what_can_be_removed_is_removed(tiny_site: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{tiny_site}#model=tiny-gpt2")
    page.locator("#storage summary").click()
    page.evaluate(
        """() => {
            caches.keys = () => Promise.reject(new DOMException('The operation is insecure.', 'SecurityError'));
            Object.defineProperty(globalThis, 'localStorage', { get: () => null });
            sessionStorage.setItem('tokenlight draft /', '{}');
        }"""
    )
    page.click("#uninstall")
    expect(page.locator("#notice p")).to_have_text(
        "The browser did not allow everything to be removed. Use its own settings for this site to remove what "
        "may be left: the page and its models, settings and code."
    )
    assert page.evaluate("Object.keys(sessionStorage)") == []
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((list) => list.length)") == 0


def test_an_address_that_is_not_secure(browser_type: BrowserType, tiny_site: str) -> None:
    """Plain http from another machine: no hashing, no locks, no storage. The page says what to do; nothing throws."""
    browser = browser_type.launch(
        executable_path=chromium.find(), args=[*QUICK, "--host-resolver-rules=MAP tokenlight.test 127.0.0.1"]
    )
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"http://tokenlight.test:{urlsplit(tiny_site).port}/")
    expect(page.locator("html")).to_have_attribute("data-state", "error")
    expect(page.locator("#notice")).to_contain_text("This page needs https or localhost.")
    assert "https or localhost" in page.evaluate("tokenlight.ready.catch((error) => error.message)")
    page.locator("#storage summary").click()
    expect(page.locator("#storage")).to_contain_text("cannot store the page for offline use")
    page.select_option("#colouring", "entropy")  # of the finished example, which is shown all the same
    page.fill("#text", "One two three")
    expect(page.locator("#run")).to_be_disabled()
    assert errors == []
    browser.close()
