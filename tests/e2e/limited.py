"""Serves the page as to a device with little memory: WebAssembly's memory of a worker grows to a limit, no further."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from export.site.serve import Handler, Server

# Emscripten's growth, onnxruntime's and Pyodide's alike, is a call of `grow`; what it then says is Chromium's.
LIMIT = """
const most = %s;
const { Memory } = WebAssembly;
const { grow } = Memory.prototype;
Memory.prototype.grow = function (pages) {
  const all = this.buffer.byteLength + 65536 * pages;
  if (all > most) throw new RangeError('WebAssembly.Memory.grow(): Maximum memory size exceeded');
  return grow.call(this, pages);
};
WebAssembly.Memory = new Proxy(Memory, {
  construct(kind, [how]) {
    if (65536 * how.initial > most) throw new RangeError('WebAssembly.Memory(): could not allocate memory');
    return new kind(how);
  },
});
"""
WORKERS = {"/inference/inference.worker.js": "inference", "/analysis/analysis.worker.js": "analysis",
           "/lab/lab.worker.js": "lab", "/vendor/ort/ort-wasm-simd-threaded.js": "inference"}  # the last: its threads


class Limited(Handler):
    """Puts the limit before what each worker imports."""

    limits: dict[str, float] = {}  # noqa: RUF012 (bytes by worker, shared by all requests on purpose; a test changes it)

    def send_head(self) -> Any:
        path = urlsplit(self.path)
        if path.path == "/limit.js":
            most = self.limits.get(path.query, float("inf"))
            return self.script(LIMIT % ("Infinity" if most == float("inf") else int(most)))
        if name := WORKERS.get(path.path):
            source = Path(self.translate_path(path.path)).read_text(encoding="utf-8")
            return self.script(f"import '/limit.js?{name}';\n{source}")
        return super().send_head()

    def script(self, source: str) -> io.BytesIO:
        data = source.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/javascript")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return io.BytesIO(data)


@contextmanager
def serving_limited(site: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """The address, and the limits in bytes by worker ("inference", "analysis", "lab"), of workers that start later."""
    Limited.limits.clear()
    server = Server(("127.0.0.1", 0), functools.partial(Limited, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", Limited.limits
    finally:
        server.shutdown()
        server.server_close()
