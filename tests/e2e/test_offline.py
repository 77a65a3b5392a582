"""The service worker: isolation on a plain static server, offline use, whole releases, storage, security headers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browsers.visit import isolating, serving
from tests.e2e.hosting import FOLDER, SENTENCE, blocked, hosting, release, wait_ready, wait_stored

Opener = Callable[..., Page]
pytestmark = pytest.mark.browser_context_args(service_workers="allow")


def test_isolated_offline_and_updated(root: Path, open_page: Opener) -> None:
    """First visit on a plain server under a sub-path; then without the server; then with a newer release."""
    with hosting(root) as host:
        port = host.server_address[1]
        page = open_page(host.address, ready=False)
        wait_ready(page)
        assert page.evaluate("crossOriginIsolated"), "the service worker isolates the page after one reload"
        online = page.evaluate(SENTENCE)
        page.evaluate("tokenlight.load('tiny-llama')")
        wait_stored(page)

    page.reload()  # the server is gone
    page.evaluate("tokenlight.ready")
    assert page.evaluate("tokenlight.generate('The', {maxTokens: 3}).then(run => run.model.id)") == "tiny-llama"
    page.evaluate("tokenlight.load('tiny-gpt2')")
    assert page.evaluate(SENTENCE) == online

    app = root / FOLDER / "app.js"
    app.write_text(app.read_text() + "\ndocument.documentElement.dataset.release = 'second';\n")
    with hosting(root, port):
        page.reload()
        page.evaluate("tokenlight.ready")
        # files that do not fit vendor/shell.json are no release: the old one is served, whole
        assert page.evaluate("document.documentElement.dataset.release") is None
        assert page.locator("#switch-release").count() == 0
        release(root)
        page.reload()
        expect(page.locator("#switch-release")).to_be_visible(timeout=60_000)
        assert page.evaluate("document.documentElement.dataset.release") is None, "only on the person's word"
        page.click("#switch-release")
        expect(page.locator("html")).to_have_attribute("data-release", "second")
        page.evaluate("tokenlight.ready.then(() => tokenlight.load('tiny-gpt2'))")
        assert page.evaluate(SENTENCE) == online


def test_offline_after_one_visit_to_a_server_that_isolates(root: Path, open_page: Opener) -> None:
    """Such a page is never reloaded by its service worker, and has fetched the models' list before that was there."""
    with serving(isolating(root / FOLDER)) as address:
        page = open_page(address)
        online = page.evaluate(SENTENCE)
        wait_stored(page)
    page.reload()  # the server is gone
    page.evaluate("tokenlight.ready")
    assert page.evaluate(SENTENCE) == online


def test_workers_that_answer_nothing(idle_root: Path, open_page: Opener) -> None:
    """Firefox waits for an answer from every worker it lists, and idle threads give none: none may be listed."""
    worker = idle_root / FOLDER / "sw.js"
    text = worker.read_text(encoding="utf-8")
    worker.unlink()
    worker.write_text(
        "const listed = self.clients.matchAll.bind(self.clients);\n"
        "self.clients.matchAll = (all) => (all.type === 'window' ? listed(all) : new Promise(() => {}));\n" + text,
        encoding="utf-8",
    )
    with hosting(idle_root) as host:
        page = open_page(host.address, ready=False)
        wait_ready(page)
        wait_stored(page)
        page.evaluate("tokenlight.load('tiny-llama')")  # in a new worker


def test_storage_is_listed_deleted_and_removed(idle_root: Path, open_page: Opener) -> None:
    """Names carry the site's path; what another site of the same origin stored is left alone."""
    with hosting(idle_root) as host:
        page = open_page(host.address, ready=False)
        wait_ready(page)
        page.evaluate("caches.open('somebody else /other/').then(() => null)")
        wait_stored(page)
        names = page.evaluate("caches.keys()")
        assert len(names) > 2 and all("/some/repo/" in name for name in names if not name.startswith("somebody"))
        page.locator("#storage summary").click()
        row = page.locator("#stored tr", has_text="tiny-gpt2")
        expect(row).to_contain_text("MB")
        row.get_by_role("button").click()
        expect(row.locator("td").first).to_have_text("no")
        page.click("#uninstall")
        expect(page.locator("#notice")).to_contain_text("All stored data was removed")
        assert page.evaluate("caches.keys()") == ["somebody else /other/"]
        assert page.evaluate("navigator.serviceWorker.getRegistrations().then((list) => list.length)") == 0
        assert page.evaluate("Object.keys(sessionStorage).length + Object.keys(localStorage).length") == 0


def test_what_webgpu_needs_is_stored_for_those_who_use_it(idle_root: Path, open_page: Opener) -> None:
    library = idle_root / FOLDER / "vendor/ort"
    library.mkdir()
    (library / "ort.webgpu.min.js").write_text("export const library = 1;\n", encoding="utf-8")
    (library / "ort-wasm-simd-threaded.asyncify.wasm").write_bytes(b"\0asm")
    release(idle_root)
    names = "['ort.webgpu.min.js', 'ort-wasm-simd-threaded.asyncify.wasm']"
    got = f"Promise.all({names}.map((name) => fetch(`vendor/ort/${{name}}`).then(({{ ok }}) => ok, () => false)))"
    with hosting(idle_root) as host:
        page = open_page(host.address, ready=False)
        wait_ready(page)
        wait_stored(page)
        assert not [path for path in host.asked if path.startswith("vendor/ort/")], "not for those who do not"
        page.evaluate("localStorage.setItem(`tokenlight preferences /some/repo/`, '{\"device\": \"webgpu\"}')")
        page.reload()
        wait_ready(page)
        wait_stored(page)
    assert page.evaluate(got) == [True, True], "without the server"


def test_a_removed_release_is_stored_again(idle_root: Path, open_page: Opener) -> None:
    """The browser clears the site's storage under an open page, which never claims to be kept when it is not."""
    release(idle_root)
    kept = "caches.keys().then((names) => names.some((name) => name.startsWith('tokenlight shell ')))"
    clear = "caches.keys().then((names) => Promise.all(names.map((name) => caches.delete(name))))"
    with hosting(idle_root) as host:
        page = open_page(host.address, ready=False)
        wait_ready(page)
        wait_stored(page)
        page.evaluate(clear)
        page.locator("#storage summary").click()
        for _ in range(600):
            if page.evaluate(kept):
                break
            page.wait_for_timeout(100)
        expect(page.locator("#storage")).to_contain_text("The page works offline", timeout=60_000)
        assert page.evaluate(kept)
        page.locator("#storage summary").click()
    page.evaluate(clear)
    page.locator("#storage summary").click()
    expect(page.locator("#storage")).to_contain_text("could not be stored for offline use")


def test_the_policy_blocks_what_it_should(idle_root: Path, open_page: Opener) -> None:
    """Inline script, eval, another origin by fetch, image and form: each tried on document and worker, each blocked."""
    with hosting(idle_root) as host:
        page = open_page(host.address, ready=False)
        wait_ready(page)
        found = blocked(
            page,
            """const style = document.createElement('style');
            document.head.append(Object.assign(style, { textContent: 'body { color: red }' }));
            const image = new Image();
            image.src = 'http://127.0.0.2:9/x.png';
            const form = document.createElement('form');
            Object.assign(form, { action: 'http://127.0.0.2:9/', method: 'post' });
            document.body.append(form);
            form.submit();
            result.evaluated = (() => { try { return new Function('return 1')(); } catch { return 'blocked'; } })();""",
        )
        assert found["inline"] is None and found["evaluated"] == "blocked"
        wanted = {"script-src-elem", "style-src-elem", "img-src", "connect-src", "form-action"}
        assert wanted <= set(found["seen"])
        worker = page.workers[0].evaluate(
            """async () => {
              await new Promise((done) => setTimeout(done));
              const evaluated = (() => { try { return new Function('return 1')(); } catch { return 'blocked'; } })();
              return [evaluated, await fetch('http://127.0.0.2:9/').then(() => 'sent', () => 'blocked')];
            }"""
        )
        assert worker == ["blocked", "blocked"]
        headers = page.evaluate("fetch('index.html').then((r) => Object.fromEntries(r.headers))")
        assert headers["referrer-policy"] == "no-referrer" and headers["x-content-type-options"] == "nosniff"
        assert "permissions-policy" in headers and "default-src 'none'" in headers["content-security-policy"]
        assert page.context.cookies() == []


def test_without_service_worker_or_headers_it_still_works(root: Path, browser: object) -> None:
    """No isolation: one thread, and the status says so."""
    with hosting(root) as host:
        context = browser.new_context(service_workers="block")  # type: ignore[attr-defined]
        page = context.new_page()
        page.goto(host.address)
        page.evaluate("tokenlight.ready")
        assert page.evaluate("crossOriginIsolated") is False
        expect(page.locator("#header")).to_contain_text("1 thread")
        assert len(page.evaluate(SENTENCE)) > 3
        context.close()
