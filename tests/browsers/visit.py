"""What a person does in one engine: visit, read, write, come back without the server; used by tests/browsers/run.py."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.site.serve import ROOT
from tests.browsers.engines import PATIENCE, Engine, ScriptError
from tests.run_schema import check

TEXT = (
    "When the light of the morning came over the hill, the people of the village went down to the river. "
    "“Naïve?” said the fisherman 🙂, and 12 boats set out.\n\ndef add(a, b):\n    return a + b\n\n"
    "When the light of the morning came over the hill, the people of the village"
)
PROMPT = "The quick brown fox"


@dataclass
class Visit:
    """What the page said and how long it took, in seconds."""

    ready: float
    isolated: bool
    status: str
    runs: dict[str, Any]  # by what was asked of which model
    back: float  # ready again, without the server
    back_status: str
    back_runs: dict[str, Any]


def isolating(site: Path) -> list[str]:
    """The command of our own server, which isolates the page."""
    return [sys.executable, str(ROOT / "export/site/serve.py"), "--port", "0", "--site", str(site)]


def plain(site: Path) -> list[str]:
    """The command of a server that sends no headers of ours, as GitHub Pages does."""
    return [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(site)]


@contextmanager
def serving(command: list[str]) -> Iterator[str]:
    """Runs a server in a process of its own, so that it and all its connections are gone afterwards."""
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout
        said = server.stdout.readline()
        port = re.search(r":(\d+)|port (\d+)", said)
        assert port, f"the server did not start: {said}"
        yield f"http://127.0.0.1:{port[1] or port[2]}/"
    finally:
        server.kill()
        server.wait()


def wait_until(engine: Engine, script: str, wanted: str) -> None:
    """Asks until the answer has that word in it; a page that says it failed ends the waiting."""
    last: Any = None
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            last = engine.evaluate(f"[document.documentElement.dataset.state, {script}]")
            if last[0] == "error":
                raise AssertionError(engine.evaluate("document.querySelector('#notice').innerText"))
            if wanted in last[1]:
                return
        except ScriptError as error:  # the page is being reloaded, or is not there yet
            last = error
        time.sleep(0.2)
    raise AssertionError(f"it never said {wanted!r}: {last}")


def wait_ready(engine: Engine) -> None:
    wait_until(engine, "document.documentElement.dataset.state ?? ''", "ready")


def status_line(engine: Engine) -> str:
    """How many threads the page says it uses, and why only one."""
    said: str = engine.evaluate("document.querySelector('#header .status').innerText")
    return said.strip().removeprefix("Ready · ")


def ask(engine: Engine, call: str) -> Any:
    """A call of the page's scripting interface; its answer as JSON, the same way in every engine."""
    return json.loads(engine.evaluate(f"{call}.then((answer) => JSON.stringify(answer))"))


def read_and_write(engine: Engine, models: list[str]) -> dict[str, Any]:
    """One text read and one prompt continued by every model."""
    runs = {}
    for model in models:
        ask(engine, f"tokenlight.load('{model}')")
        ask(engine, "tokenlight.analyze('x')")  # warm, and nothing of the text in the cache
        runs[f"{model} reads"] = ask(engine, f"tokenlight.analyze({json.dumps(TEXT)})")
        runs[f"{model} writes"] = ask(engine, f"tokenlight.generate('{PROMPT}', {{ greedy: true, maxTokens: 10 }})")
    for run in runs.values():
        check(run)
    return runs


def visit(engine: Engine, command: list[str], models: list[str]) -> Visit:
    """A first visit to that server's page; then, with the server gone, a second one."""
    with serving(command) as address:
        started = time.monotonic()
        engine.open(address)
        wait_ready(engine)
        ready = time.monotonic() - started
        isolated = engine.evaluate("crossOriginIsolated")
        status = status_line(engine)
        runs = read_and_write(engine, models)
        engine.evaluate("void (document.querySelector('#storage details').open = true)")
        wait_until(engine, "document.querySelector('#storage').innerText", "The page works offline")
    gone = engine.evaluate("fetch('models/nothing.bin').then(() => 'there', () => 'gone')")
    assert gone == "gone", "the server still answers"
    started = time.monotonic()
    engine.reload()
    wait_ready(engine)
    back = time.monotonic() - started
    return Visit(ready, isolated, status, runs, back, status_line(engine), read_and_write(engine, models))
