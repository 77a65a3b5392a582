"""Servers, networks and browsers as they are: several tabs, slow and lying networks, full storage, no server at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from export.serve import SITE, response_headers
from tests.e2e.hosting import FOLDER, Plain, hosting, make_root, release, wait_ready, wait_stored
from tests.e2e.test_offline import SENTENCE

SHELLS = "caches.keys().then((names) => names.filter((name) => name.startsWith('tokenlight shell ')).length)"
PROBE = """async () => {
  const worker = new Worker(new URL('workers/probe.worker.js', document.baseURI), { type: 'module' });
  const said = await new Promise((done) => {
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = () => done(['the worker does not start']);
  });
  worker.terminate();
  return [...said, await (await fetch('probe.txt')).text()];
}"""


@pytest.fixture
def browser_context_args(browser_context_args: dict) -> dict:
    return {**browser_context_args, "service_workers": "allow"}


@pytest.fixture
def root(tmp_path: Path, tiny_models: Path) -> Path:
    return make_root(tmp_path / "root", tiny_models)


def publish(root: Path, name: str) -> None:
    """A release whose worker, the worker inside it, the module both import and a file they fetch say its name."""
    files = {
        "probe.js": f"export const said = '{name}';",
        "probe.txt": name,
        "workers/probe.worker.js": """import { said } from '../probe.js';
            const inner = new Worker(new URL('inner.worker.js', import.meta.url), { type: 'module' });
            const data = await new Promise((done) => { inner.onmessage = (event) => done(event.data); });
            const text = await (await fetch(new URL('../probe.txt', import.meta.url))).text();
            postMessage([said, text, data]);""",
        "workers/inner.worker.js": f"postMessage('{name}');",
    }
    for path, text in files.items():
        (root / FOLDER / path).write_text(text)
    release(root)


def stop_service_workers(page: Page) -> None:
    """As the browser does with one that has had nothing to do for a while: what it had in memory is gone."""
    session = page.context.new_cdp_session(page)
    session.send("ServiceWorker.enable")
    session.send("ServiceWorker.stopAllWorkers")


def test_a_tab_goes_on_with_its_release(root: Path, page: Page) -> None:
    """Until it is reloaded, workers that start later too; then the old release is deleted."""
    first, second = ["first"] * 4, ["second"] * 4
    publish(root, "first")
    with hosting(root) as host:
        page.goto(host.address)
        wait_ready(page)
        wait_stored(page)
        other = page.context.new_page()
        other.goto(host.address)
        wait_ready(other)
        assert page.evaluate(PROBE) == other.evaluate(PROBE) == first

        publish(root, "second")
        page.reload()
        expect(page.locator("#switch-release")).to_be_visible(timeout=60_000)
        late = page.context.new_page()  # opened while a newer release waits
        late.goto(host.address)
        wait_ready(late)
        assert late.evaluate(PROBE) == first
        late.close()
        page.click("#switch-release")
        expect(page.locator("#switch-release")).to_have_count(0)
        wait_ready(page)
        wait_stored(page)
        assert page.evaluate(PROBE) == second
        assert other.evaluate(PROBE) == first
        stop_service_workers(page)
        assert page.evaluate(PROBE) == second
        assert other.evaluate(PROBE) == first
        assert page.evaluate(SHELLS) == 2
        port = host.server_address[1]
    assert other.evaluate(PROBE) == first, "the server is gone"
    other.evaluate("tokenlight.load('tiny-gpt2')")  # in a new worker of the first release
    assert len(other.evaluate(SENTENCE)) > 3
    with hosting(root, port):
        other.reload()
        wait_ready(other)
        wait_stored(other)
        assert other.evaluate(PROBE) == second
        page.reload()
        wait_ready(page)
        wait_stored(page)
        assert page.evaluate(SHELLS) == 1, "nobody needs the first release any more"


def test_uninstall_removes_the_releases_of_other_tabs(root: Path, page: Page) -> None:
    """And an open tab stores nothing afterwards, whatever it fetches."""
    publish(root, "first")
    with hosting(root) as host:
        page.goto(host.address)
        wait_ready(page)
        wait_stored(page)
        other = page.context.new_page()
        other.goto(host.address)
        wait_ready(other)
        publish(root, "second")
        page.reload()
        page.click("#switch-release", timeout=60_000)
        expect(page.locator("#switch-release")).to_have_count(0)
        wait_ready(page)
        wait_stored(page)
        assert page.evaluate(SHELLS) == 2
        page.locator("#storage summary").click()
        page.click("#uninstall")
        expect(page.locator("#notice")).to_contain_text("removed")
        for tab in (page, other):
            tab.evaluate("fetch('models/index.json').then((response) => response.text())")
            assert tab.evaluate("fetch('probe.txt').then((response) => response.text())") == "second", "the server's"
        assert page.evaluate("caches.keys()") == []
        page.reload()
        wait_ready(page)
        wait_stored(page)
        assert page.evaluate(SHELLS) == 1, "another visit stores it again"


def stored_visit(page: Page, address: str) -> None:
    page.goto(address)
    wait_ready(page)
    wait_stored(page)


def test_a_network_that_does_not_answer(root: Path, page: Page) -> None:
    """Everything is stored, and no request is ever answered: the page starts from what is stored."""
    with hosting(root) as host:
        stored_visit(page, host.address)
        host.hang("")
        page.reload()
        wait_ready(page)
        assert len(page.evaluate(SENTENCE)) > 3
        wait_stored(page)
        manifest = root / FOLDER / "models/tiny-gpt2/manifest.json"
        manifest.write_text(manifest.read_text() + "\n\n")
        asked = "fetch('models/tiny-gpt2/manifest.json', { cache: 'no-store' }).then((response) => response.text())"
        old = page.evaluate(asked)
        host.answer()
        key = f"{host.address}models/tiny-gpt2/manifest.json"
        stored = "key => caches.match(key).then((response) => response.text())"
        for _ in range(300):  # what came too late to be shown is stored
            if page.evaluate(stored, key) != old:
                break
            page.wait_for_timeout(100)
        assert page.evaluate(stored, key) == old + "\n\n"


def test_a_changed_manifest_reaches_the_page(root: Path, page: Page) -> None:
    with hosting(root) as host:
        stored_visit(page, host.address)
        path = root / FOLDER / "models/tiny-gpt2/manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "name": "Another name"}))
        page.reload()
        wait_ready(page)
        asked = "fetch('models/tiny-gpt2/manifest.json').then((response) => response.json()).then(({ name }) => name)"
        assert page.evaluate(asked) == "Another name"


LIES = {
    "a page": (200, "text/html", "<!doctype html><title>Log in to our network</title>"),
    "other JSON": (200, "application/json", '{"login": "required"}'),
    "a redirect": (302, "text/html", "/login.html"),
    "not found": (404, "text/html", "Not found"),
    "an error that looks right": (503, "application/json", '{"models": []}'),
}


def test_a_network_that_lies(root: Path, page: Page) -> None:
    """A captive portal or a broken server answers everything: nothing of it is believed or stored."""
    (root / "login.html").write_text("<!doctype html><title>Log in to our network</title>")
    with hosting(root) as host:
        stored_visit(page, host.address)
        keys = page.evaluate("caches.keys()")
        for lie in LIES.values():
            host.instead[""] = lie
            page.reload()
            wait_ready(page)
            assert page.evaluate("tokenlight.models().length") == 2
            wait_stored(page)
            expect(page.locator("#switch-release")).to_have_count(0)
            assert page.evaluate("caches.keys()") == keys
    page.reload()  # the server is gone
    wait_ready(page)
    assert len(page.evaluate(SENTENCE)) > 3


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


def test_a_server_that_shortens_addresses(root: Path, page: Page) -> None:
    """It redirects index.html to the folder; a stored answer of such a kind is no answer to a navigation."""
    with hosting(root) as host:
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


def test_the_advice_goes_when_the_page_starts(tiny_site: str, open_page: Callable[..., Page]) -> None:
    page = open_page(tiny_site)
    expect(page.locator("#not-started")).to_be_hidden()


def test_the_policy_is_in_the_page_too() -> None:
    """The same as in site/headers.js, before anything is loaded, and nothing that a meta element cannot state."""
    html = (SITE / "index.html").read_text(encoding="utf-8")
    found = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', html)
    policy = response_headers()["Content-Security-Policy"]
    assert found == [policy]
    assert html.index("<meta http-equiv") < html.index("<link") < html.index("<script")
    assert not {"frame-ancestors", "sandbox", "report-uri"} & set(re.split(r"[ ;]+", policy))


def test_the_policy_holds_before_the_service_worker(root: Path, browser: Browser) -> None:
    with hosting(root) as host:
        context = browser.new_context(service_workers="block")
        page = context.new_page()
        page.goto(host.address)
        wait_ready(page)
        assert page.evaluate("fetch('index.html').then((r) => r.headers.get('content-security-policy'))") is None
        seen = page.evaluate(
            """async () => {
              await new Promise((done) => setTimeout(done)); // what the test driver evaluates itself may use eval
              const seen = [];
              document.addEventListener('securitypolicyviolation', (event) => seen.push(event.effectiveDirective));
              const script = document.createElement('script');
              script.textContent = 'globalThis.inline = true';
              document.body.append(script);
              await fetch('http://127.0.0.2:9/').catch(() => {});
              await new Promise((done) => setTimeout(done, 300));
              return { seen: [...new Set(seen)].sort(), inline: globalThis.inline ?? null };
            }"""
        )
        assert seen == {"seen": ["connect-src", "script-src-elem"], "inline": None}
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
def test_a_start_that_cannot_be_isolated(root: Path, page: Page, hindrance: str) -> None:
    """The page starts all the same, once."""
    page.add_init_script(HINDRANCES[hindrance])
    with hosting(root) as host:
        page.goto(host.address)
        wait_ready(page)
        assert page.evaluate("crossOriginIsolated") is False
        assert len(page.evaluate(SENTENCE)) > 3
        assert page.evaluate("performance.getEntriesByType('navigation')[0].type") == "navigate", "never reloaded"


@pytest.mark.parametrize("part", ["sw.js", "headers.js"])
def test_a_service_worker_that_never_arrives(root: Path, page: Page, part: str) -> None:
    """It is not registered, or it does not get beyond its first import."""
    with hosting(root) as host:
        host.hang(part)
        page.goto(host.address)
        wait_ready(page)
        assert len(page.evaluate(SENTENCE)) > 3


def test_a_reload_that_never_comes(root: Path, page: Page) -> None:
    """The reload that isolates the page is not answered: the page goes on as it is, and is not reloaded later."""
    with hosting(root) as host:
        host.hang("headers.js")
        page.goto(host.address)
        host.hang("^$")
        host.answer("headers.js")
        wait_ready(page)
        assert host.asked.count("") == 2, "the reload was tried"
        page.evaluate("document.documentElement.dataset.same = 'yes'")
        host.answer()
        page.wait_for_timeout(1000)
        assert len(page.evaluate(SENTENCE)) > 3
        expect(page.locator("html")).to_have_attribute("data-same", "yes")


def test_in_a_frame_it_is_never_reloaded(root: Path, page: Page) -> None:
    """A frame is isolated by its parent or not at all."""
    (root / "parent.html").write_text(f'<!doctype html><iframe src="/{FOLDER}/"></iframe>')
    with hosting(root) as host:
        page.goto(f"{host.address.removesuffix(f'{FOLDER}/')}parent.html")
        expect(page.frame_locator("iframe").locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
        assert host.asked.count("") == 1


BROKEN = "Object.defineProperty(self, 'caches', { get() { throw new DOMException('no', 'SecurityError'); } });"
HANGING = "CacheStorage.prototype.match = CacheStorage.prototype.open = () => Promise.reject(new Error('disk'));"


@pytest.mark.parametrize("broken", [BROKEN, HANGING])
def test_a_service_worker_without_cache_storage(root: Path, page: Page, broken: str) -> None:
    """It isolates, and everything comes from the network."""
    headers = root / FOLDER / "headers.js"
    headers.write_text(f"{headers.read_text()}\n{broken}\n")
    with hosting(root) as host:
        page.goto(host.address)
        wait_ready(page)
        assert page.evaluate("crossOriginIsolated")
        assert len(page.evaluate(SENTENCE)) > 3
        page.locator("#storage summary").click()
        expect(page.locator("#storage")).to_contain_text("could not be stored", timeout=60_000)


def test_no_room_for_a_release(root: Path, page: Page) -> None:
    """The release that is stored stays, whole, and the half of the other gives its room back."""
    publish(root, "first")
    with hosting(root) as host:
        stored_visit(page, host.address)
        (root / FOLDER / "probe.bin").write_bytes(bytes(60_000_000))
        publish(root, "second")
        session = page.context.new_cdp_session(page)
        usage = page.evaluate("navigator.storage.estimate().then(({ usage }) => usage)")
        origin = host.address.removesuffix(f"/{FOLDER}/")
        session.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": usage + 50_000_000})
        page.reload()
        wait_ready(page)
        wait_stored(page)
        expect(page.locator("#switch-release")).to_have_count(0)
        assert page.evaluate(SHELLS) == 1
        assert page.evaluate(PROBE) == ["first"] * 4
    page.reload()  # the server is gone
    wait_ready(page)
    assert page.evaluate(PROBE) == ["first"] * 4


def test_a_part_of_a_file(root: Path, page: Page) -> None:
    """A Range request is the server's to answer, never the store's with the whole file."""
    with hosting(root) as host:
        stored_visit(page, host.address)
        asked = "address => fetch(address, { headers: { Range: 'bytes=0-3' } }).then((response) => response.text())"
        host.instead["models/index.json"] = (206, "application/json", '{"mo')
        assert page.evaluate(asked, "models/index.json") == '{"mo'
        del host.instead["models/index.json"]
        host.instead["app.js"] = (206, "text/javascript", "// W")
        assert page.evaluate(asked, "app.js") == "// W"
