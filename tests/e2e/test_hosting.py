"""Releases and networks as they are: several tabs, networks that are slow, lie or are gone, full storage."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from export.site import shell
from export.site.serve import response_headers
from tests.e2e.hosting import FOLDER, Host, hosting, release, stored_visit, wait_ready, wait_stored

pytestmark = pytest.mark.browser_context_args(service_workers="allow")

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


def test_a_tab_goes_on_with_its_release(idle_root: Path, page: Page) -> None:
    """Until it is reloaded, workers that start later too; then the old release is deleted."""
    first, second = ["first"] * 4, ["second"] * 4
    publish(idle_root, "first")
    with hosting(idle_root) as host:
        page.goto(host.address)
        wait_ready(page)
        wait_stored(page)
        other = page.context.new_page()
        other.goto(host.address)
        wait_ready(other)
        assert page.evaluate(PROBE) == other.evaluate(PROBE) == first

        publish(idle_root, "second")
        page.reload()
        expect(page.locator("#switch-release")).to_be_visible(timeout=60_000)
        late = page.context.new_page()  # opened while a newer release waits
        late.goto(host.address)
        wait_ready(late)
        assert late.evaluate(PROBE) == first
        late.close()
        stop_service_workers(page)
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
    with hosting(idle_root, port):
        other.reload()
        wait_ready(other)
        wait_stored(other)
        assert other.evaluate(PROBE) == second
        page.reload()
        wait_ready(page)
        wait_stored(page)
        for _ in range(100):  # where looking for a newer release takes long, the page does not wait for it
            if page.evaluate(SHELLS) == 1:
                break
            page.wait_for_timeout(100)
        else:
            raise AssertionError("nobody needs the first release any more")


def test_uninstall_removes_the_releases_of_other_tabs(idle_root: Path, page: Page) -> None:
    """And an open tab stores nothing afterwards, whatever it fetches."""
    publish(idle_root, "first")
    with hosting(idle_root) as host:
        page.goto(host.address)
        wait_ready(page)
        wait_stored(page)
        other = page.context.new_page()
        other.goto(host.address)
        wait_ready(other)
        publish(idle_root, "second")
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
        stop_service_workers(page)
        page.evaluate("fetch('models/index.json').then((response) => response.text())")
        assert page.evaluate("caches.keys()") == []
        page.reload()
        wait_ready(page)
        wait_stored(page)
        assert page.evaluate(SHELLS) == 1, "another visit stores it again"


MANIFEST = "fetch('models/tiny-gpt2/manifest.json', { cache: 'no-store' }).then((response) => response.text())"
# Browsers look for a newer service worker soon after each visit starts; here before the page's first step.
UPDATE = "void navigator.serviceWorker.getRegistration().then((registration) => registration?.update());"


def test_a_network_that_does_not_answer(idle_root: Path, page: Page) -> None:
    """Everything is stored, and no request is ever answered: the page starts from what is stored."""
    with hosting(idle_root) as host:
        stored_visit(page, host.address)
        host.hang("")
        page.add_init_script(UPDATE)
        host.asked.clear()
        page.reload()
        wait_ready(page)
        wait_stored(page)
        assert "vendor/shell.json" in host.asked, "nobody asked what has changed"
        assert not [path for path in host.asked if path.startswith("models/")], "the start asked for what is stored"
        manifest = idle_root / FOLDER / "models/tiny-gpt2/manifest.json"
        manifest.write_text(manifest.read_text() + "\n\n")
        old = page.evaluate(MANIFEST)
        host.answer()
        for _ in range(300):  # what came too late for this visit is stored
            if page.evaluate(MANIFEST) != old:
                break
            page.wait_for_timeout(100)
        assert page.evaluate(MANIFEST) == old + "\n\n"


LIES = {
    "a page": (200, "text/html", "<!doctype html><title>Log in to our network</title>"),
    "other JSON": (200, "application/json", '{"login": "required"}'),
    "a redirect": (302, "text/html", "/login.html"),
    "not found": (404, "text/html", "Not found"),
    "an error that looks right": (503, "application/json", '{"models": []}'),
}


STORED = """async () => {
  const paths = ['models/index.json', 'models/tiny-gpt2/manifest.json', 'probe.txt', 'app.js'];
  const texts = paths.map((path) => fetch(path, { cache: 'no-store' }).then((response) => response.text()));
  return [await caches.keys(), ...await Promise.all(texts)];
}"""


def test_a_network_that_lies(idle_root: Path, page: Page) -> None:
    """A captive portal or a broken server answers everything: nothing of it is believed or stored."""
    publish(idle_root, "first")
    (idle_root / "login.html").write_text("<!doctype html><title>Log in to our network</title>")
    with hosting(idle_root) as host:
        stored_visit(page, host.address)
        before = page.evaluate(STORED)
        for lie in LIES.values():
            host.instead[""] = lie
            page.reload()
            wait_ready(page)
            assert page.evaluate("tokenlight.models().length") == 2
            wait_stored(page)
            expect(page.locator("#switch-release")).to_have_count(0)
            assert page.evaluate(STORED) == before
    page.reload()  # the server is gone
    wait_ready(page)


def test_no_room_for_a_release(idle_root: Path, page: Page) -> None:
    """The release that is stored stays, whole, and the half of the other gives its room back."""
    publish(idle_root, "first")
    with hosting(idle_root) as host:
        stored_visit(page, host.address)
        (idle_root / FOLDER / "probe.bin").write_bytes(bytes(60_000_000))
        publish(idle_root, "second")
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


# what the page has sent to the service worker: "check" stores the page, or looks for a newer release
RECORD = """
    globalThis.sent = [];
    const {postMessage} = ServiceWorker.prototype;
    ServiceWorker.prototype.postMessage = function (...message) {
        sent.push(message[0].type);
        return postMessage.apply(this, message);
    };
"""
REGISTERED = "navigator.serviceWorker.ready.then(() => null)"  # the page, which asked first, knows of it too
# what follows from something is done: a task later, without the page's timers, which a test may hold
LATER = """new Promise((done) => {
    const {port1, port2} = new MessageChannel();
    port2.onmessage = () => done(null);
    port1.postMessage(null);
})"""


def start_without_model(host: Host, page: Page) -> None:
    """Opens the page, whose start waits for its model's files until `host.answer()`."""
    host.hang(r"\.bin$")
    page.add_init_script(RECORD)
    page.goto(host.address)
    while not any(path.endswith(".bin") for path in host.asked):
        page.wait_for_timeout(50)


def test_storing_waits_for_the_page_to_start(idle_root: Path, page: Page) -> None:
    with hosting(idle_root) as host:
        page.clock.install()  # of the page, not of its workers
        start_without_model(host, page)
        page.evaluate(REGISTERED)
        page.clock.fast_forward(5000)  # it waits for ten seconds
        page.evaluate(LATER)
        assert page.evaluate("sent") == [] and shell.SHELL not in host.asked
        host.answer()
        wait_ready(page)
        wait_stored(page)
        assert page.evaluate("sent") == ["check"] and shell.SHELL in host.asked


def test_what_is_removed_while_the_page_starts_is_not_stored_afterwards(idle_root: Path, page: Page) -> None:
    with hosting(idle_root) as host:
        start_without_model(host, page)
        page.evaluate(REGISTERED)
        page.locator("#storage summary").click()
        page.click("#uninstall")
        expect(page.locator("#notice")).to_contain_text("removed")
        host.answer()
        wait_ready(page)
        page.evaluate(LATER)  # it would ask the service worker to store it as soon as it is ready
        assert page.evaluate("sent") == ["remove"]
        assert shell.SHELL not in host.asked and page.evaluate(SHELLS) == 0


def test_what_is_stored_is_passed_on_as_it_is(idle_root: Path, page: Page) -> None:
    """The store has the headers that the server lacks: browsers keep compiled code only of unchanged ones."""
    with hosting(idle_root) as host:
        stored_visit(page, host.address)
        stored = "caches.match('app.js').then((response) => Object.fromEntries(response.headers))"
        passed_on = "fetch('app.js').then((response) => Object.fromEntries(response.headers))"
        expected = {name.lower(): value for name, value in response_headers().items() if name != "Cache-Control"}
        assert expected.items() <= page.evaluate(stored).items()
        assert page.evaluate(passed_on) == page.evaluate(stored)


def test_a_part_of_a_file(idle_root: Path, page: Page) -> None:
    """A Range request is the server's to answer, never the store's with the whole file."""
    with hosting(idle_root) as host:
        stored_visit(page, host.address)
        part = "{ headers: { Range: 'bytes=0-3' }, cache: 'no-store' }"
        asked = f"address => fetch(address, {part}).then((response) => response.text())"
        host.instead["models/index.json"] = (206, "application/json", '{"mo')
        assert page.evaluate(asked, "models/index.json") == '{"mo'
        del host.instead["models/index.json"]
        host.instead["app.js"] = (206, "text/javascript", "// W")
        assert page.evaluate(asked, "app.js") == "// W"
