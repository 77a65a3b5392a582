"""The little server: this machine only, right types and headers, and nothing outside its folder."""

import http.client
import json
import socket
import struct
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from export.site import serve, shell

FILES = {
    "site/index.html": "<!doctype html><title>page</title>",
    "site/a b.js": "export {};",
    "site/vendor/lib.js": "export {};",
    "site/vendor/lib.wasm": "\0asm",
    "site/vendor/numpy.whl": "PK",
    "site/models/tiny/0123.bin": "chunk",
    "site/models/tiny/manifest.json": "{}",
    "site/manifest.webmanifest": "{}",
    "site/assets/icon.svg": "<svg/>",
    "site/styles/base.css": "body {}",
    "site/.hidden": "secret",
    "site/.git/config": "secret",
    "site/node_modules/lib/index.js": "secret",
    "secret.txt": "secret",
    "site-other/secret.txt": "secret",
}
TYPES = {
    "/": "text/html",
    "/a%20b.js": "text/javascript",
    "/vendor/lib.js": "text/javascript",
    "/vendor/lib.wasm": "application/wasm",
    "/vendor/numpy.whl": "application/octet-stream",
    "/models/tiny/0123.bin": "application/octet-stream",
    "/models/tiny/manifest.json": "application/json",
    "/manifest.webmanifest": "application/manifest+json",
    "/assets/icon.svg": "image/svg+xml",
    "/styles/base.css": "text/css",
    "/vendor/shell.json": "application/json",
}
OUTSIDE = [
    "/../secret.txt",
    "/../../../../../../etc/passwd",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e%2fsecret.txt",
    "/%252e%252e/secret.txt",
    "/..%5csecret.txt",
    "/..\\secret.txt",
    "/vendor/../../secret.txt",
    "/vendor/..%2f..%2fsecret.txt",
    "/../site-other/secret.txt",
    "//secret.txt",
    "//etc/passwd",
    "/etc/passwd",
    "/index.html%00.txt",
    "/.hidden",
    "/%2ehidden",
    "/.git/config",
    "/vendor/../.git/config",
    "/node_modules/lib/index.js",
    "/node%5fmodules/lib/index.js",
    "/vendor/",
    "file:///etc/passwd",
    "http://example.org/../secret.txt",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadingHTTPServer]:
    root = tmp_path_factory.mktemp("served")
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    server = serve.make_server(root / "site", port=0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def get(server: ThreadingHTTPServer, target: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Status, headers by their lower-case names, and body, with the target sent exactly as it is."""
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=10) as connection:
        connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"))
        response = http.client.HTTPResponse(connection, method=method)
        response.begin()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return response.status, headers, response.read()


def test_it_binds_this_machine_only(server: ThreadingHTTPServer) -> None:
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("target", TYPES)
def test_types(server: ThreadingHTTPServer, target: str) -> None:
    status, headers, _ = get(server, target)
    assert status == 200 and headers["content-type"].split(";")[0] == TYPES[target]


@pytest.mark.parametrize("target", ["/", "/vendor/lib.wasm", "/vendor/shell.json", "/no-such-file", "/.hidden"])
def test_every_response_has_the_headers(server: ThreadingHTTPServer, target: str) -> None:
    """Also errors: those of site/headers.js, by name and value."""
    _, headers, _ = get(server, target)
    stated = serve.response_headers()
    assert {"Content-Security-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy"} <= set(stated)
    assert {name: headers.get(name.lower()) for name in stated} == stated
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]


@pytest.mark.parametrize("target", OUTSIDE)
def test_nothing_outside_the_page_is_served(server: ThreadingHTTPServer, target: str) -> None:
    """Path tricks, dot files, packages, listings: an error, and never a byte of what lies there."""
    status, _, body = get(server, target)
    assert status >= 400
    assert b"secret" not in body.replace(target.encode(), b"") and b"root:" not in body


def test_only_reading(server: ThreadingHTTPServer) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert get(server, "/index.html", method)[0] == 501
    status, headers, body = get(server, "/index.html", "HEAD")
    assert (status, body) == (200, b"") and headers["content-length"] == str(len(FILES["site/index.html"]))


def test_the_release_is_stated_as_the_files_are(server: ThreadingHTTPServer) -> None:
    """An edit is a new release without a build."""
    first = json.loads(get(server, "/vendor/shell.json")[2])
    assert [file["path"] for file in first["files"]] == [
        "a b.js",
        "assets/icon.svg",
        "index.html",
        "manifest.webmanifest",
        "styles/base.css",
        "vendor/lib.js",
        "vendor/lib.wasm",
        "vendor/numpy.whl",
    ]
    site = Path(server.RequestHandlerClass.keywords["directory"])  # type: ignore[attr-defined]
    (site / "a b.js").write_text("export default 1;")
    second = json.loads(get(server, f"/{shell.SHELL}?again")[2])
    assert second["version"] != first["version"]


def test_a_taken_port_is_said(
    server: ThreadingHTTPServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["serve.py", "--port", str(server.server_address[1])])
    assert serve.main() == 2
    port = server.server_address[1]
    assert capsys.readouterr().err == f"--port {port} cannot be used (Address already in use); choose another one.\n"


@pytest.mark.parametrize("host", ["no such host", "203.0.113.1", "a..b"])
def test_a_wrong_host_is_said(host: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is none, and the address of another machine: not the port is to blame."""
    monkeypatch.setattr("sys.argv", ["serve.py", "--port", "0", "--host", host])
    assert serve.main() == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"--host {host} cannot be used (") and "port" not in line


@pytest.mark.parametrize("port", ["99999", "-1", "x"])
def test_a_number_that_is_no_port(
    port: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["serve.py", f"--port={port}"])
    with pytest.raises(SystemExit):
        serve.main()
    assert "error: argument --port: " in capsys.readouterr().err


def test_a_browser_that_goes_away_is_no_error(server: ThreadingHTTPServer, capfd: pytest.CaptureFixture[str]) -> None:
    site = Path(server.RequestHandlerClass.keywords["directory"])  # type: ignore[attr-defined]
    (site / "models/large.bin").write_bytes(bytes(30_000_000))
    before = set(threading.enumerate())  # other servers of the session wait for browsers that are still there
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets
        connection.sendall(b"GET /models/large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(100)
    assert get(server, "/")[0] == 200
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert capfd.readouterr().err == ""
