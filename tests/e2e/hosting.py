"""A web root as on a project site, and a plain static server whose answers a test can hold back or replace."""

from __future__ import annotations

import functools
import re
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from export.site import runtime, shell
from export.site.serve import SITE
from pyscripts.page.session import Session

IDLE = Path(__file__).parent / "idle"
FOLDER = "some/repo"  # where the page is below the root
# read by tests that only ask whether the page answers
SENTENCE = "tokenlight.analyze('The people of the village').then(run => run.tokens)"


def link_site(folder: Path, *, idle: bool = False) -> Path:
    """A folder that is the page without its models: links to everything in site/ but models and node_modules.

    idle: its workers fetch and store models but run none, and there is no Python, so that it starts and is stored
    quickly; for tests of what is fetched, stored and served.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in SITE.iterdir():
        if path.name not in {"models", "node_modules"}:
            (folder / path.name).symlink_to(path)
    if idle:
        for name, large in {"inference": (), "analysis": (), "vendor": ("ort", "pyodide")}.items():
            (folder / name).unlink()
            shutil.copytree(SITE / name, folder / name, ignore=shutil.ignore_patterns(*large))
        for path in IDLE.glob("*.worker.js"):
            shutil.copy(path, folder / path.name.partition(".")[0])
        (folder / "analysis/menus.json").write_text(Session().menus(), encoding="utf-8")
    return folder


def make_root(folder: Path, models: Path, *, idle: bool = False) -> Path:
    """The page under /some/repo/ (idle: see link_site); everything that tests change is a copy."""
    site = link_site(folder / FOLDER, idle=idle)
    shutil.copytree(models, site / "models")
    for name in ("app.js", "index.html", "headers.js"):
        (site / name).unlink()
        shutil.copyfile(SITE / name, site / name)
    if not idle:
        (site / "vendor").unlink()
        shutil.copytree(SITE / "vendor", site / "vendor")
    (site / "workers").mkdir()  # for those of the tests
    release(folder)
    return folder


def count_other_functions(site: Path) -> None:
    """Lets a linked page's engines number functions differently, so that Python starts from its files."""
    (site / "analysis").unlink()
    (site / "analysis").mkdir()
    for path in (SITE / "analysis").iterdir():
        (site / "analysis" / path.name).symlink_to(path)
    libraries, counted = site / "analysis/libraries.js", "onCreated(created.wasmTable.length)"
    text = libraries.read_text(encoding="utf-8")
    assert text.count(counted) == 1
    libraries.unlink()
    libraries.write_text(text.replace(counted, counted.replace(")", " + 1)")), encoding="utf-8")


def change_python(site: Path, change: Callable[[str, str], str]) -> None:
    """Changes the sources of a linked page's Python, which then starts from its files.

    change: from a file's name below the repository and its text to its new text.
    """
    count_other_functions(site)
    (site / "vendor").unlink()
    (site / "vendor").mkdir()
    for path in (SITE / "vendor").iterdir():
        if path.name != "pyscripts.zip":
            (site / "vendor" / path.name).symlink_to(path)
    with zipfile.ZipFile(site / "vendor/pyscripts.zip", "w") as sources:
        for path in runtime.page_python():
            name = path.relative_to(SITE.parent).as_posix()
            sources.writestr(name, change(name, path.read_text(encoding="utf-8")))


def release(root: Path) -> None:
    """States the release as the files are now, as `make` does."""
    (root / FOLDER / shell.SHELL).write_text(shell.describe(root / FOLDER), encoding="utf-8")


class Plain(SimpleHTTPRequestHandler):
    """What `python -m http.server` does: no headers of ours. Its server may hold answers back or replace them."""

    server: Host

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].removeprefix(f"/{FOLDER}/")
        self.server.asked.append(path)
        for event in [event for pattern, event in self.server.hanging.items() if re.search(pattern, path)]:
            event.wait()
        answer = next((answer for pattern, answer in self.server.instead.items() if re.search(pattern, path)), None)
        if answer is None:
            return super().do_GET()
        status, kind, body = answer
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", body)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())
        return None

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


class Host(ThreadingHTTPServer):
    """Serves a root until the test ends."""

    daemon_threads = True
    block_on_close = False  # an answer that is held back for ever must not hold the test
    request_queue_size = 128  # a browser that finds the queue full tries again after a second

    def __init__(self, root: Path, port: int = 0, handler: type[Plain] = Plain) -> None:
        super().__init__(("127.0.0.1", port), functools.partial(handler, directory=str(root)))
        self.asked: list[str] = []  # paths below the page's folder, in order
        self.hanging: dict[str, threading.Event] = {}  # pattern of paths -> what their answers wait for
        self.instead: dict[str, tuple[int, str, str]] = {}  # pattern -> status, type, body (or new address)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{FOLDER}/"

    def hang(self, pattern: str) -> None:
        """From now on paths with such a part are not answered; the page itself is the empty path."""
        self.hanging[pattern] = threading.Event()

    def answer(self, *patterns: str) -> None:
        """Answers what hangs, and will not hang any more; all of it if no pattern is named."""
        for pattern in patterns or list(self.hanging):
            self.hanging.pop(pattern).set()

    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet: browsers close connections as they like."""


@contextmanager
def hosting(root: Path, port: int = 0, handler: type[Plain] = Plain) -> Iterator[Host]:
    host = Host(root, port, handler)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    try:
        yield host
    finally:
        host.answer()
        host.shutdown()
        host.server_close()


def wait_ready(page: Page) -> None:
    """Through the reload that isolates the page."""
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)


def wait_stored(page: Page) -> None:
    page.locator("#storage summary").click()
    expect(page.locator("#storage")).to_contain_text("The page works offline", timeout=60_000)
    page.locator("#storage summary").click()


def stored_visit(page: Page, address: str) -> None:
    """Opens the page and waits until it can do without the server."""
    page.goto(address)
    wait_ready(page)
    wait_stored(page)


def blocked(page: Page, tried: str = "") -> dict[str, Any]:
    """What the policy blocks of an inline script, a fetch from another origin and what `tried`, JavaScript, does.

    seen: the directives; inline: what the script set; and what `tried` puts into `result`.
    """
    found: dict[str, Any] = page.evaluate(
        f"""async () => {{
          await new Promise((done) => setTimeout(done)); // what the test driver evaluates itself may use eval
          const seen = [], result = {{}};
          document.addEventListener('securitypolicyviolation', (event) => seen.push(event.effectiveDirective));
          const script = document.createElement('script');
          script.textContent = 'globalThis.inline = true';
          document.body.append(script);
          {tried}
          await fetch('http://127.0.0.2:9/').catch(() => {{}});
          await new Promise((done) => setTimeout(done, 300));
          return {{ ...result, seen: [...new Set(seen)].sort(), inline: globalThis.inline ?? null }};
        }}"""
    )
    return found
