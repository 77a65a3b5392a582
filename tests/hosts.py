"""Serves the unpacked package with several web servers and opens it: `python tests/hosts.py` prints README's table.

For each host: whether the page answers on a first visit, after Shift-reload, and once the server is gone, and with how
many threads. Servers that are not installed are named. `python tests/hosts.py Caddy` tries the hosts whose names hold
that word. Exit code 1 if one fails.
"""

from __future__ import annotations

import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from export import build  # noqa: E402
from export.site import package  # noqa: E402
from tests.browser import find  # noqa: E402
from tests.e2e.conftest import FLAGS  # noqa: E402
from tests.e2e.hosting import Plain, hosting, link_site  # noqa: E402
from tests.export.tiny import tiny  # noqa: E402

Serve = Callable[[], AbstractContextManager[str]]
FAILS = "FAILS"
LONGEST = 90  # seconds until a page answers
READ = "tokenlight.analyze('The people of the village').then(run => run.tokens.length)"
STORED = "#storage p >> text=The page works offline"
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  {types}
  gzip on; access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}/www; {more} }}
}}
"""
STOCK = "include /etc/nginx/mime.types; default_type application/octet-stream;"
FEW = ("types { text/html html; text/css css; text/javascript js; application/json json; image/svg+xml svg; }"
       " default_type application/octet-stream;")


class Cutting(Plain):
    """Ends the connection in the middle of one large file in twenty, as bad networks do."""

    def copyfile(self, source: object, outputfile: object) -> None:
        data = source.read()  # type: ignore[attr-defined]
        if len(data) > 100_000 and random.random() < 1 / 20:
            self.wfile.write(data[: len(data) // 2])
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.wfile.write(data)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def command(line: list[str], port: int, path: str = "") -> Iterator[str]:
    """A server's address while it runs."""
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/{path}"
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def nginx(folder: Path, types: str = STOCK, more: str = "", path: str = "") -> Serve:
    def serve() -> AbstractContextManager[str]:
        port = free_port()
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, port=port, types=types, more=more))
        return command(["nginx", "-c", str(config)], port, path)

    return serve


def caddy(folder: Path) -> Serve:
    def serve() -> AbstractContextManager[str]:
        port = free_port()
        line = ["caddy", "file-server", "--listen", f"127.0.0.1:{port}", "--root", str(folder / "www")]
        return command(line, port)

    return serve


@contextmanager
def cutting(folder: Path) -> Iterator[str]:
    with hosting(folder, handler=Cutting) as host:
        yield f"http://127.0.0.1:{host.server_address[1]}/www/"


def python(folder: Path) -> Serve:
    def serve() -> AbstractContextManager[str]:
        port = free_port()
        line = [sys.executable, "-m", "http.server", "-b", "127.0.0.1", "-d", str(folder / "www"), str(port)]
        return command(line, port)

    return serve


def hosts(folder: Path) -> dict[str, tuple[str, Serve]]:
    """Name -> the program it needs, and what serves folder/www."""
    return {
        "Python's http.server": ("", python(folder)),
        "nginx, as Debian configures it": ("nginx", nginx(folder)),
        "nginx, below a path, everything gzipped": (
            "nginx", nginx(folder, more=f"gzip_types *; location /a/b/ {{ alias {folder}/www/; }}", path="a/b/")),
        "nginx that does not know .wasm": ("nginx", nginx(folder, types=FEW)),
        "nginx that answers missing files with a page": (
            "nginx", nginx(folder, more="error_page 404 =200 /index.html;")),
        "Caddy": ("caddy", caddy(folder)),
        "a server that cuts connections": ("", lambda: cutting(folder)),
    }


def visit(browser: Browser, serve: Serve) -> list[str]:
    """How the page answers on a first visit, after Shift-reload (which goes past the service worker, and so past its
    isolation), and without the server."""
    context = browser.new_context(service_workers="allow")
    page = context.new_page()

    def answers() -> str:
        """In the end: a failed start offers "Try again", which is pressed."""
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            try:
                phase = page.evaluate("document.documentElement.dataset.state")
                if phase == "ready":
                    assert page.evaluate(READ) > 3
                    return "works" if page.evaluate("crossOriginIsolated") else "works, one thread"
                if phase == "error":
                    page.get_by_role("button", name="Try again").click(timeout=5000)
            except Error:
                pass  # it is being reloaded
            page.wait_for_timeout(500)
        return FAILS

    found = []
    with serve() as address:
        for _ in range(10):  # the page itself may be cut
            try:
                page.goto(address)
                break
            except Error:
                continue
        found.append(answers())
        if found[0] == FAILS:
            print(page.locator("body").inner_text()[:400])
            return [FAILS] * 3
        page.locator("#storage summary").click()
        for _ in range(10):
            try:
                page.wait_for_selector(STORED, timeout=15_000)
                break
            except Error:  # it was not stored whole: the next visit tries again
                page.reload()
                answers()
                page.locator("#storage summary").click()
        session = context.new_cdp_session(page)
        session.send("Page.reload", {"ignoreCache": True})
        page.wait_for_timeout(500)
        found.append(answers())
    page.reload()
    found.append(answers())
    context.close()
    return found


def main() -> int:
    """Prints the table."""
    console = Console()
    table = Table("host", "first visit", "Shift-reload", "offline")
    failed = False
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's workers are another user
        checkpoint = tiny(folder / "checkpoints/tiny-gpt2")
        assert build.main([str(checkpoint), "--out", str(folder / "models"), "--weights", "fp32"]) == 0
        site = link_site(folder / "site")
        (site / "models").symlink_to(folder / "models")
        assert package.main(["--out", str(folder / "tokenlight.zip"), "--site", str(site)]) == 0
        with zipfile.ZipFile(folder / "tokenlight.zip") as archive:
            archive.extractall(folder)
        (folder / "tokenlight").rename(folder / "www")
        browser = playwright.chromium.launch(executable_path=find(whole=True), args=FLAGS)
        for host, (program, serve) in hosts(folder).items():
            if len(sys.argv) > 1 and sys.argv[1] not in host:
                continue
            if program and not shutil.which(program):
                table.add_row(host, f"{program} is not installed", "", "")
                continue
            console.print(f"{host} …")
            found = visit(browser, serve)
            failed |= FAILS in found
            table.add_row(host, *found)
        browser.close()
    console.print(table)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
