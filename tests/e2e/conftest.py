"""Fixtures of the browser tests: sites with tiny and real models, served on this machine, and a watched page."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, BrowserContext, BrowserType, Page, Request

from export import build
from export.site.serve import SITE, make_server
from pyscripts.native import Model, load
from tests.browser import find
from tests.e2e.hosting import link_site, make_root
from tests.e2e.layers import fresh, open_lens
from tests.e2e.likelihood import open_view, settled
from tests.export import checked_once
from tests.export import tiny as tiny_checkpoints
from tests.export.models import random_model
from tests.run_schema import check, runs_in

FLAGS = [
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
]
# No host is found but this machine.
NOBODY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
# For tests, which start many pages and run each for a moment: compiling a start's code twice took a third of it.
ONCE = "--js-flags=--wasm-tiering-budget=2000000000"
QUICK = [*FLAGS, NOBODY, f"{ONCE} --liftoff-only"]
# With a real model the code that runs for long is compiled again, less soon than usual.
WARM = [*FLAGS, NOBODY, ONCE]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    """The installed Chromium, quiet."""
    return {**browser_type_launch_args, "executable_path": find(), "args": QUICK}


@pytest.fixture
def own_browser(browser_type: BrowserType) -> Iterator[Browser]:
    """A browser of its own, so that its memory is this page's; scripts may ask it to collect garbage."""
    browser = browser_type.launch(executable_path=find(), args=[*FLAGS, NOBODY, "--js-flags=--expose-gc"])
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict) -> dict:
    """No service worker: it would store the whole page for every test; its own tests allow it. No fading colours."""
    return {**browser_context_args, "service_workers": "block", "reduced_motion": "reduce"}


@contextmanager
def serving(site: Path) -> Iterator[str]:
    """Serves a folder on a free port; yields the address, ending in a slash."""
    server = make_server(site, port=0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoints `tiny-gpt2` and `tiny-llama`: random weights, a real byte-level tokenizer."""
    folder = tmp_path_factory.mktemp("checkpoints")
    tiny_checkpoints.tiny(folder / "tiny-gpt2")
    random_model("llama", vocab_size=600, max_position_embeddings=256).save_pretrained(folder / "tiny-llama")
    tiny_checkpoints.write_tokenizer(folder / "tiny-llama")
    return folder


@pytest.fixture(scope="session")
def tiny_models(checkpoints: Path) -> Path:
    """A models folder with tiny-gpt2 and tiny-llama, exported in fp32: what differs from PyTorch is our doing.

    Kept under export/.cache for the next run with the same exporter, checkpoints and packages.
    """
    root = SITE.parent
    kinds = ("export/*.*", "export/[a-z]*/*.*", "pyscripts/**/*.py")
    sources = [path for kind in kinds for path in root.glob(kind) if root / "export/site" not in path.parents]
    digest = hashlib.sha256()
    for path in sorted(path for path in [*sources, *checkpoints.rglob("*")] if path.is_file()):
        digest.update(path.read_bytes())
    folder = root / "export/.cache/tests" / digest.hexdigest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):  # another process of the same run waits for it
        if not folder.exists():
            unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
            for path in sorted(checkpoints.iterdir()):
                assert build.main([str(path), "--out", str(unfinished), "--weights", "fp32"]) == 0
            unfinished.rename(folder)
    return folder


@pytest.fixture
def root(tmp_path: Path, tiny_models: Path) -> Path:
    """A web root that the test may change, with the page and the tiny models under /some/repo/."""
    return make_root(tmp_path / "root", tiny_models)


@pytest.fixture
def idle_root(tmp_path: Path, tiny_models: Path) -> Path:
    """The same with workers that run nothing, for tests of starting, storing and releases."""
    return make_root(tmp_path / "root", tiny_models, idle=True)


@pytest.fixture(scope="session")
def tiny_site(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Iterator[str]:
    """Address of the page with the tiny models."""
    site = link_site(tmp_path_factory.mktemp("site"))
    (site / "models").symlink_to(tiny_models)
    with serving(site) as address:
        yield address


@pytest.fixture(scope="session")
def real_site() -> Iterator[str]:
    """Address of the page as `make` built it, with SmolLM2 in it."""
    assert (SITE / "models/smollm2/manifest.json").exists(), "run: python export/build.py smollm2"
    with serving(SITE) as address:
        yield address


@pytest.fixture(scope="module")
def lens_page(browser: Browser, tiny_site: str) -> Iterator[Page]:
    """A page with tiny-gpt2 for a file's tests of lenses; `fresh` gives each of them the same beginning."""
    with open_lens(browser, f"{tiny_site}#model=tiny-gpt2") as page:
        yield page


@pytest.fixture(scope="module")
def native(tiny_models: Path) -> Model:
    """tiny-gpt2 without a browser."""
    return load(tiny_models / "tiny-gpt2", threads=1)


@pytest.fixture(scope="session")
def tiny_page(browser: Browser, tiny_site: str) -> Iterator[Page]:
    """One page for all tests of numbers with tiny models."""
    with open_view(browser, tiny_site) as page:
        yield page


@pytest.fixture
def tiny(tiny_page: Page, request: pytest.FixtureRequest) -> Page:
    """That page with the test's `model`, or with tiny-gpt2."""
    model = request.node.callspec.params.get("model", "tiny-gpt2")
    if tiny_page.evaluate("tokenlight.state().model") != model:
        tiny_page.evaluate("id => tokenlight.load(id)", model)
        settled(tiny_page)
    return tiny_page


@pytest.fixture(scope="session")
def real_page(
    browser_type: BrowserType,
    browser_type_launch_args: dict,
    real_site: str,
    log: Log,
    monkeypatch_session: pytest.MonkeyPatch,
) -> Iterator[Page]:
    """One page with SmolLM2 for all tests, in a browser of its own."""
    browser = log.watch_all(browser_type.launch(**{**browser_type_launch_args, "args": WARM}), monkeypatch_session)
    with open_lens(browser, f"{real_site}#model=smollm2") as page:
        yield page
    browser.close()


@pytest.fixture
def real(real_page: Page) -> Page:
    """That page, idle, with the tokens lens open."""
    settled(real_page)
    return fresh(real_page, "tokens")


class Log:
    """Requests to another origin, less those the policy blocked, and unhandled errors, of every context it watches.

    NOBODY makes all of these requests fail. That the others are not heard of saves a tenth of a page's start.
    """

    def __init__(self) -> None:
        self.strangers: list[str] = []
        self.errors: list[str] = []

    def watch(self, context: BrowserContext) -> BrowserContext:
        context.on("requestfailed", self.on_failed)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        return context

    def watch_all(self, browser: Browser, patch: pytest.MonkeyPatch) -> Browser:
        """Watches every context that is opened in it from now on."""
        new_context = browser.new_context
        patch.setattr(browser, "new_context", lambda **options: self.watch(new_context(**options)))
        return browser

    def on_failed(self, request: Request) -> None:
        url = urlsplit(request.url)
        local = url.scheme in {"data", "blob", "file"} or url.hostname == "127.0.0.1"
        if not local and request.failure != "csp":
            self.strangers.append(request.url)
        if local and request.failure not in {"csp", "net::ERR_ABORTED"}:
            print(f"{request.url}: {request.failure}")  # shown if the test fails


@pytest.fixture(scope="session")
def log() -> Log:
    return Log()


@pytest.fixture(scope="session")
def browser(browser: Browser, log: Log, monkeypatch_session: pytest.MonkeyPatch) -> Browser:
    """The browser, with every context watched that any test opens in it."""
    return log.watch_all(browser, monkeypatch_session)


@pytest.fixture(scope="session", autouse=True)
def tokenizers_checked_once(monkeypatch_session: pytest.MonkeyPatch) -> None:
    checked_once.patch(monkeypatch_session)


@pytest.fixture(scope="session")
def monkeypatch_session() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(autouse=True)
def watched(log: Log) -> Iterator[None]:
    """Every test fails if a page made a request to another origin or threw an unhandled error."""
    yield
    strangers, log.strangers = log.strangers, []
    errors, log.errors = log.errors, []
    assert not strangers
    assert not errors


@pytest.fixture(scope="session", autouse=True)
def runs_of_pages(monkeypatch_session: pytest.MonkeyPatch) -> None:
    """Checks every Run that a page hands to a test against its JSON Schema."""
    evaluate = Page.evaluate

    def checked(page: Page, expression: str, arg: Any = None) -> Any:
        result = evaluate(page, expression, arg)
        for run in runs_in(result):
            check(run)
        return result

    monkeypatch_session.setattr(Page, "evaluate", checked)


@pytest.fixture
def open_page(page: Page) -> Callable[..., Page]:
    """Opens an address and waits until the page can answer; `ready=False` returns at once."""

    def open_it(address: str, *, ready: bool = True) -> Page:
        page.goto(address)
        if ready:
            page.evaluate("tokenlight.ready")
        return page

    return open_it
