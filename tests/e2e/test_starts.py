"""How the page starts: servers with other types and addresses, no server, no service worker, no storage."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from export.site.serve import SITE, response_headers
from tests.e2e.conftest import serving
from tests.e2e.hosting import (
    FOLDER,
    SENTENCE,
    Plain,
    blocked,
    count_other_functions,
    hosting,
    link_site,
    stored_visit,
    wait_ready,
    wait_stored,
)

pytestmark = pytest.mark.browser_context_args(service_workers="allow")


class FewTypes(Plain):
    """Knows the types of .html, .css, .js and .json only."""

    extensions_map = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".json": "application/json"}  # noqa: RUF012

    def guess_type(self, path: object) -> str:
        return self.extensions_map.get(Path(str(path)).suffix, "application/octet-stream")


def test_a_server_that_knows_few_types(root: Path, page: Page) -> None:
    with hosting(root, handler=FewTypes) as host:
        page.goto(host.address)
        wait_ready(page)
        assert len(page.evaluate(SENTENCE)) > 3


class Isolating(Plain):
    """Sends the isolation headers itself, like a host that can be configured."""

    def end_headers(self) -> None:
        for name, value in response_headers().items():
            self.send_header(name, value)
        super().end_headers()


@pytest.mark.parametrize("handler", [Plain, Isolating])
def test_a_server_that_shortens_addresses(handler: type[Plain], idle_root: Path, page: Page) -> None:
    """It redirects index.html to the folder; a stored answer of such a kind is no answer to a navigation."""
    with hosting(idle_root, handler=handler) as host:
        host.instead["index.html"] = (301, "text/html", f"/{FOLDER}/")
        stored_visit(page, host.address)
    for address in (host.address, f"{host.address}?from=a-link", f"{host.address}index.html?x=1"):
        page.goto(address)  # the server is gone
        wait_ready(page)


def test_opened_as_a_file(page: Page) -> None:
    """Modules do not run from file:, so the HTML itself says what to do."""
    page.goto((SITE / "index.html").as_uri())
    advice = page.locator("#not-started")
    expect(advice).to_be_visible()
    expect(advice).to_contain_text("serve its folder instead")
    expect(advice).to_contain_text("python3 -m http.server -b 127.0.0.1")
    assert page.locator("html").get_attribute("data-state") is None


def test_the_advice_goes_when_the_page_starts(tiny_site: str, page: Page, open_page: Callable[..., Page]) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_page(tiny_site)
    expect(page.locator("#not-started")).to_be_hidden()
    assert any(url.endswith("snapshot.gz") for url in asked)
    assert not any(url.endswith(("numpy.zip", "pyscripts.zip")) for url in asked), "the snapshot holds them"


def test_an_engine_that_numbers_functions_differently(
    tmp_path: Path, tiny_models: Path, page: Page, open_page: Callable[..., Page]
) -> None:
    """Python starts from its files there, and computes the same."""
    site = link_site(tmp_path / "site")
    (site / "models").symlink_to(tiny_models)
    count_other_functions(site)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with serving(site) as address:
        open_page(address)
        assert any(url.endswith("numpy.zip") for url in asked)
        assert len(page.evaluate(SENTENCE)) > 3


def test_the_policy_is_in_the_page_too() -> None:
    """The same as in site/headers.js, before anything is loaded, and nothing that a meta element cannot state."""
    html = (SITE / "index.html").read_text(encoding="utf-8")
    found = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', html)
    policy = response_headers()["Content-Security-Policy"]
    assert found == [policy]
    assert html.index("<meta http-equiv") < html.index("<link") < html.index("<script")
    assert not {"frame-ancestors", "sandbox", "report-uri"} & set(re.split(r"[ ;]+", policy))


def test_the_policy_holds_before_the_service_worker(idle_root: Path, browser: Browser) -> None:
    with hosting(idle_root) as host:
        context = browser.new_context(service_workers="block")
        page = context.new_page()
        page.goto(host.address)
        wait_ready(page)
        assert page.evaluate("fetch('index.html').then((r) => r.headers.get('content-security-policy'))") is None
        assert blocked(page) == {"seen": ["connect-src", "script-src-elem"], "inline": None}
        context.close()


NEVER = "() => new Promise(() => {})"
HINDRANCES = {
    "register never settles": f"ServiceWorkerContainer.prototype.register = {NEVER};",
    "nothing is ever ready": "Object.defineProperty(ServiceWorkerContainer.prototype, 'ready', { get: "
    + NEVER
    + " });",
    "no session storage": "Object.defineProperty(globalThis, 'sessionStorage', "
    "{ get() { throw new DOMException('The operation is insecure.', 'SecurityError'); } });",
    "session storage is full": "Storage.prototype.setItem = "
    "() => { throw new DOMException('full', 'QuotaExceededError'); };",
    "session storage forgets": "Storage.prototype.setItem = () => {};",
}


@pytest.mark.parametrize("hindrance", HINDRANCES)
def test_a_start_that_cannot_be_isolated(idle_root: Path, page: Page, hindrance: str) -> None:
    """The page starts all the same, once."""
    page.add_init_script(HINDRANCES[hindrance])
    with hosting(idle_root) as host:
        page.goto(host.address)
        wait_ready(page)
        assert page.evaluate("crossOriginIsolated") is False
        assert page.evaluate("performance.getEntriesByType('navigation')[0].type") == "navigate", "never reloaded"


def stop_the_clock(page: Page) -> None:
    """For the page's timers, so that its patience does not end however long a test takes."""
    page.clock.install(time=0)
    page.clock.pause_at(1000)


@pytest.mark.parametrize("part", ["sw.js", "headers.js"])
def test_a_service_worker_that_never_arrives(idle_root: Path, page: Page, part: str) -> None:
    """It is not registered, or it does not get beyond its first import."""
    with hosting(idle_root) as host:
        host.hang(part)
        page.goto(host.address)
        wait_ready(page)


def test_a_reload_that_never_comes(idle_root: Path, page: Page) -> None:
    """The reload that isolates the page is not answered: the page goes on as it is, and is not reloaded later."""
    with hosting(idle_root) as host:
        host.hang("headers.js")
        stop_the_clock(page)
        page.goto(host.address)
        host.hang("^$")
        page.clock.resume()
        host.answer("headers.js")
        wait_ready(page)
        assert host.asked.count("") == 2, "the reload was tried"
        page.evaluate("document.documentElement.dataset.same = 'yes'")
        host.answer()
        wait_stored(page)  # from the server, after its answer to the reload
        expect(page.locator("html")).to_have_attribute("data-same", "yes")


def test_a_file_that_the_reload_cuts_off_is_not_missed(idle_root: Path, page: Page) -> None:
    """The reload that isolates the page fetches it again, so nothing is said before."""
    with hosting(idle_root) as host:
        stop_the_clock(page)
        host.hang("headers.js")
        host.instead["lenses/index.js"] = (503, "text/plain", "")
        with page.expect_console_message(lambda message: "dynamically imported module" in message.text):
            page.goto(host.address)  # the page has caught the error
        page.evaluate("new Promise((done) => { onmessage = () => done(null); postMessage(null, location.origin); })")
        expect(page.locator("html")).to_have_attribute("data-state", "booting")
        host.instead.clear()
        host.answer()
        wait_ready(page)


def test_in_a_frame_it_is_never_reloaded(idle_root: Path, page: Page) -> None:
    """A frame is isolated by its parent or not at all."""
    (idle_root / "parent.html").write_text(f'<!doctype html><iframe src="/{FOLDER}/"></iframe>')
    with hosting(idle_root) as host:
        page.goto(f"{host.address.removesuffix(f'{FOLDER}/')}parent.html")
        expect(page.frame_locator("iframe").locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
        assert host.asked.count("") == 1


BROKEN = "Object.defineProperty(self, 'caches', { get() { throw new DOMException('no', 'SecurityError'); } });"
HANGING = "CacheStorage.prototype.match = CacheStorage.prototype.open = () => Promise.reject(new Error('disk'));"


@pytest.mark.parametrize("broken", [BROKEN, HANGING])
def test_a_service_worker_without_cache_storage(idle_root: Path, page: Page, broken: str) -> None:
    """It isolates, and everything comes from the network."""
    headers = idle_root / FOLDER / "headers.js"
    headers.write_text(f"{headers.read_text()}\n{broken}\n")
    with hosting(idle_root) as host:
        page.goto(host.address)
        wait_ready(page)
        assert page.evaluate("crossOriginIsolated")
        page.locator("#storage summary").click()
        expect(page.locator("#storage")).to_contain_text("could not be stored", timeout=60_000)
