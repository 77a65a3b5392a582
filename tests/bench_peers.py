"""The page beside transformers.js and wllama, on one machine, in one run, with the same texts: `make bench-peers`.

SmolLM2-135M from the checkpoint that the page's model is built from, each library in a Chromium of its own, served from
this machine with isolation headers, with as many threads as the page. It prints a table, writes dist/bench-peers.json
and says what each cannot do. Machines are noisy: read the ratios. `python tests/bench_peers.py page "wllama Q8_0"`
measures those only.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from export.site.serve import Handler, Server  # noqa: E402
from tests import browser  # noqa: E402
from tests.bench_sides import Alone  # noqa: E402
from tests.e2e.conftest import FLAGS  # noqa: E402
from tests.e2e.hosting import link_site  # noqa: E402
from tests.peers import prepare, reference  # noqa: E402
from tests.peers.reference import Text  # noqa: E402
from tests.processes import Peak, whole  # noqa: E402

ROUNDS = 3
READ = (64, 256, 512)  # positions, the prefix token included
PAST, WRITTEN = 128, 32  # positions before the tokens that are written
ISOLATION = {name: Handler.headers_sent[name] for name in Handler.headers_sent if name.startswith("Cross-Origin")}
CANNOT = {
    "page": "The page keeps every weight in fp32: 4 bytes a parameter. It uses the graphics card only if asked to.",
    "transformers.js": "transformers.js gives logits; the log-probabilities here are 10 lines of its user's code. "
    "A plain export has no attention and no hidden states.",
    "wllama": "wllama has log-probabilities only of tokens that it writes, not of a text it reads; its share of equal "
    "top tokens comes from one call for each beginning of a text. It has no attention and no hidden states.",
}
Figures = dict[str, float | None]


class Counting(Handler):
    """Notes the bytes of the files it sends, without headers."""

    sent: list[int] = []  # noqa: RUF012 (shared by all requests on purpose)

    def copyfile(self, source: Any, outputfile: Any) -> None:
        while block := source.read(1 << 16):
            outputfile.write(block)
            self.sent.append(len(block))


class Isolated(Counting):
    """With the headers that threads need only: wllama starts its worker from a blob, which our policy forbids."""

    headers_sent = ISOLATION


@contextmanager
def serving(folder: Path, kind: type[Counting]) -> Iterator[str]:
    """Serves a folder on a free port; yields the address, ending in a slash."""
    Counting.sent.clear()
    server = Server(("127.0.0.1", 0), functools.partial(kind, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


class Tokenlight:
    """The page, with Python and views at work: every number of every token."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address

    def load(self) -> None:
        self.page.goto(f"{self.address}#model=smollm2")
        self.page.evaluate("tokenlight.ready")

    def read(self, text: Text) -> float:
        """Seconds of reading a text of which nothing is in the cache."""
        self.page.evaluate("tokenlight.analyze('x')")
        run = self.page.evaluate("text => tokenlight.analyze(text)", text.text)
        assert [token["id"] for token in run["tokens"]] == text.ids[1:]
        return float(run["timings"]["total"]) / 1000

    def write(self, text: Text) -> float:
        """Seconds a written token; the prompt is in the cache from a first call."""
        call = "([text, n]) => tokenlight.generate(text, {maxTokens: n, greedy: true, stopAtEnd: false})"
        self.page.evaluate(call, [text.text, 1])
        timings = self.page.evaluate(call, [text.text, WRITTEN])["timings"]
        return float(timings["total"]) / 1000 / timings["tokens"]

    def tops(self, text: Text) -> tuple[list[int | None], list[float] | None]:
        """The most likely token before each token of the text, and the log-probability of that token."""
        tokens = self.page.evaluate("text => tokenlight.analyze(text, {topK: 1})", text.text)["tokens"]
        return [token["top"][0]["id"] for token in tokens], [token["logprob"] for token in tokens]


class Peer:
    """A library in a worker of its own."""

    def __init__(self, page: Page, address: str, worker: str, file: str, threads: int) -> None:
        self.page, self.address, self.worker, self.file, self.threads = page, address, worker, file, threads

    def load(self) -> None:
        self.page.goto(f"{self.address}index.html")
        assert self.page.evaluate("crossOriginIsolated"), "the library must run with threads"
        start = "name => { globalThis.worker = new Worker(`./${name}.worker.js`, { type: 'module' }); }"
        self.page.evaluate(start, self.worker)
        self.ask("load", self.file, self.threads)

    def ask(self, *call: Any) -> Any:
        answer = self.page.evaluate(
            "call => new Promise((done) => { worker.onmessage = ({data}) => done(data); worker.postMessage(call); })",
            list(call),
        )
        assert "error" not in answer, answer["error"]
        return answer.get("value")

    def read(self, text: Text) -> float:
        """Seconds of reading a text."""
        return float(self.ask("read", text.ids)["time"]) / 1000

    def write(self, text: Text) -> float:
        """Seconds a written token."""
        return float(self.ask("write", text.ids, WRITTEN)["time"]) / 1000

    def tops(self, text: Text) -> tuple[list[int | None], list[float] | None]:
        """The most likely token before each token of the text, and the log-probability of that token."""
        found = self.ask("read", text.ids)
        return found["top"][:-1], found["logprobs"]


class Wllama(Peer):
    """wllama takes prompts as text only, and has no log-probabilities of them."""

    def read(self, text: Text) -> float:
        found = self.ask("read", text.prompt)
        assert found["positions"] == len(text.ids), "its tokenizer differs"
        return float(found["time"]) / 1000

    def write(self, text: Text) -> float:
        return float(self.ask("write", text.prompt, WRITTEN)["time"]) / 1000

    def tops(self, text: Text) -> tuple[list[int | None], list[float] | None]:
        """None where a beginning of the text by itself would be cut into other tokens."""
        tops: list[int | None] = []
        for at, beginning in enumerate(text.beginnings(), start=1):
            found = {} if beginning is None else self.ask("next", beginning)
            tops.append(found["top"] if found.get("positions") == at else None)
        return tops, None


def measure(tool: Tokenlight | Peer, checked: list[reference.Checked]) -> Figures:
    """One library, from its start."""
    texts = {n: reference.beginning(n) for n in (*READ, PAST)}
    empty = whole()
    start = time.perf_counter()
    tool.load()
    tool.read(texts[READ[0]])
    result: Figures = {
        "first answer, s": time.perf_counter() - start,
        "sent until then, MB": sum(Counting.sent) / 1e6,
        "memory of an empty tab, MB": empty / 1e6,
    }
    tool.page.wait_for_timeout(2000)
    result["memory after loading, MB"] = whole() / 1e6
    for _ in range(2):  # the browser compiles code better once it has run for a while
        tool.read(texts[READ[1]])
    seconds: dict[int, list[float]] = {n: [] for n in (*READ, PAST)}
    for _ in range(ROUNDS):
        for n in READ:
            seconds[n].append(tool.read(texts[n]))
        seconds[PAST].append(tool.write(texts[PAST]))
    for n in READ:
        result[f"reading {n}, tokens/s"] = n / statistics.median(seconds[n])
    result[f"writing after {PAST}, tokens/s"] = 1 / statistics.median(seconds[PAST])
    with Peak(whole) as peak:
        tool.read(texts[READ[-1]])
        tool.write(texts[PAST])
    result["memory, at most, MB"] = peak.bytes / 1e6
    return result | reference.compare(tool.tops, checked)


def model_alone(page: Page, address: str) -> Figures:
    """The page's inference code without Python and views, all outputs on."""
    alone = Alone(page, address, "smollm2")
    for n in READ[:2]:
        alone.ask("prefill", n)
    found: Figures = {}
    for n in READ:
        found[f"reading {n}, tokens/s"] = n / statistics.median(alone.ask("prefill", n) for _ in range(ROUNDS))
    found[f"writing after {PAST}, tokens/s"] = 1 / alone.ask("decode", PAST, WRITTEN)
    return found


def site_of_peers(folder: Path) -> Path:
    """What the peers' pages load: their workers, packages and models."""
    folder.mkdir()
    for script in prepare.PEERS.glob("*.js"):
        (folder / script.name).symlink_to(script)
    (folder / "npm").symlink_to(prepare.install())
    (folder / "models").symlink_to(prepare.files())
    (folder / "index.html").write_text("<!doctype html><title>peer</title><link rel=icon href=data:,>")
    return folder


def site_of_page(folder: Path) -> Path:
    """The page with its model, and the worker that runs the model alone."""
    site = link_site(folder)
    (site / "models").symlink_to(ROOT / "site/models")
    (site / "bench.worker.js").symlink_to(ROOT / "tests/bench.worker.js")
    return site


TOOLS: dict[str, tuple[type[Peer], str, str] | None] = {
    "page": None,
    "transformers.js fp32": (Peer, "transformers", "fp32"),
    "transformers.js q8": (Peer, "transformers", "q8"),
    "wllama Q4_1": (Wllama, "wllama", "Q4_1"),
    "wllama Q8_0": (Wllama, "wllama", "Q8_0"),
    "wllama F16": (Wllama, "wllama", "F16"),
}


def show(results: dict[str, Figures], console: Console) -> None:
    """One row a figure, one column a tool, and what each cannot do."""
    table = Table("", *results, title="SmolLM2-135M, one machine, one run")
    names = list(dict.fromkeys(name for figures in results.values() for name in figures))
    form: Callable[[float | None], str] = lambda x: "" if x is None else f"{x:,.3f}" if x < 1 else f"{x:,.1f}"  # noqa: E731
    for name in names:
        table.add_row(name, *(form(figures.get(name)) for figures in results.values()))
    console.print(table)
    for name, sentence in CANNOT.items():
        if any(tool.startswith(name) for tool in results):
            console.print(f"- {sentence}")


def main() -> None:
    """Command line: names of tools; without them all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tools", nargs="*", help=f"which of {', '.join(TOOLS)}; default: all")
    parser.add_argument("--threads", type=int, help="of the peers; default: the page's number")
    arguments = parser.parse_args()
    if unknown := set(arguments.tools) - set(TOOLS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    console = Console()
    results: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        peers, site = site_of_peers(Path(name) / "peers"), site_of_page(Path(name) / "site")
        checked = reference.checked()
        for tool in arguments.tools or TOOLS:
            chromium = playwright.chromium.launch(executable_path=browser.find(whole=True), args=FLAGS)
            page, how = chromium.new_context(service_workers="block").new_page(), TOOLS[tool]
            with serving(peers, Isolated) if how else serving(site, Counting) as address:
                if how:
                    peer, worker, file = how
                    threads = arguments.threads or page.evaluate("navigator.hardwareConcurrency")
                    results[tool] = measure(peer(page, address, worker, file, threads), checked)
                else:
                    results[tool] = measure(Tokenlight(page, address), checked)
                    results[f"{tool}, model alone"] = model_alone(page, address)
            chromium.close()
            show({tool: results[tool]}, console)
    show(results, console)
    (ROOT / "dist").mkdir(exist_ok=True)
    (ROOT / "dist/bench-peers.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
