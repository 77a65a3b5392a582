"""Serves site/ on this machine with the right MIME types and isolation headers; run by `make` and by the tests."""

from __future__ import annotations

import argparse
import errno
import functools
import io
import json
import socket
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __package__ in (None, ""):  # run as a script: import from the repository, not from this folder
    sys.path[0] = str(ROOT)

from export.site import shell  # noqa: E402

SITE = ROOT / "site"
PRIVATE = {"node_modules"}  # in site/, but not part of the page


def response_headers() -> dict[str, str]:
    """The headers of site/headers.js, the one place that states them."""
    script = (SITE / "headers.js").read_text(encoding="utf-8")
    return {**json.loads(script[script.index("= {") + 2 : script.rindex("}") + 1]), "Cache-Control": "no-cache"}


class Handler(SimpleHTTPRequestHandler):
    """Static files only; dot files and node_modules are not served."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are sent separately; the body need not wait
    headers_sent = response_headers()
    extensions_map = {  # noqa: RUF012 (the base class has it so)
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".wasm": "application/wasm",
        ".json": "application/json",
        ".webmanifest": "application/manifest+json",
        ".svg": "image/svg+xml",
        ".whl": "application/octet-stream",
        ".bin": "application/octet-stream",
    }

    def send_head(self) -> Any:
        parts = Path(self.translate_path(self.path)).relative_to(self.directory).parts
        if any(part.startswith(".") or part in PRIVATE or "\0" in part for part in parts):
            self.send_error(404)
            return None
        if "/".join(parts) == shell.SHELL:
            return self.send_shell()
        return super().send_head()

    def send_shell(self) -> io.BytesIO:
        """The release from the current files, so that an edit is a new release without a build."""
        data = shell.describe(Path(self.directory)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return io.BytesIO(data)

    def list_directory(self, path: Any) -> None:
        self.send_error(404)

    def end_headers(self) -> None:
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """No log: the page itself reports missing files."""


class Server(ThreadingHTTPServer):
    """One thread per connection; a browser that disconnects during a file is not an error."""

    request_queue_size = 128  # beyond the default of 5, a browser waits a second before it tries to connect again

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def make_server(site: Path = SITE, host: str = "127.0.0.1", port: int = 8000) -> Server:
    """A server for that folder, bound but not yet serving; port 0 takes a free one. OSError if the port is taken."""
    return Server((host, port), functools.partial(Handler, directory=str(site)))


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 2**16:
        raise argparse.ArgumentTypeError(f"must be from 0 to 65535, not {port}")
    return port


def main() -> int:
    """Command line: --host, --port, --site. Ends with Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: this machine only)")
    parser.add_argument("--port", type=_port, default=8000)
    parser.add_argument("--site", type=Path, default=SITE)
    args = parser.parse_args()
    try:
        server = make_server(args.site, args.host, args.port)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no name of a machine"
        is_host = isinstance(error, socket.gaierror | UnicodeError) or error.errno == errno.EADDRNOTAVAIL
        option, value = ("host", args.host) if is_host else ("port", args.port)
        print(f"--{option} {value} cannot be used ({reason}); choose another one.", file=sys.stderr)
        return 2
    print(f"Tokenlight: http://{args.host}:{server.server_address[1]}  (stop with Ctrl-C)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
