"""What Chromium takes of this machine's memory and processors, as the operating system counts it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil
from playwright.sync_api import Browser, Page


def sizes(only: str = "") -> list[int]:
    """Bytes of each Chromium process that this process started (proportional set size: what processes share is divided
    among them); only: those with this in their command line."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "chrom" in process.name() and only in " ".join(process.cmdline()):
                found.append(process.memory_full_info().pss)
        except psutil.Error:
            pass  # it has ended
    return found


def whole() -> int:
    """Bytes of all of Chromium, the browser around the pages included."""
    return sum(sizes())


def largest_renderer() -> int:
    """Bytes of the process that runs a page and its workers, where there is one page."""
    return max(sizes("--type=renderer"), default=0)


def thread_times() -> dict[tuple[str, str, str], float]:
    """Milliseconds of processor time by kind of Chromium process, thread name and thread (Linux; nothing elsewhere)."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error, OSError):  # it has ended
            kind = next((part[7:] for part in process.cmdline() if part.startswith("--type=")), "browser")
            if "chrom" in process.name():
                for task in Path(f"/proc/{process.pid}/task").iterdir():
                    spent = int((task / "schedstat").read_text().split()[0]) / 1e6
                    found[kind, (task / "comm").read_text().strip(), task.name] = spent
    return found


class Peak(threading.Thread):
    """Within it, the most that one of the two above was, looked at five times a second."""

    def __init__(self, measure: Callable[[], int]) -> None:
        super().__init__(daemon=True)
        self._measure = measure
        self.bytes = measure()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.2):
            self.bytes = max(self.bytes, self._measure())

    def __enter__(self) -> Peak:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self.join()


def at_rest(browser: Browser, page: Page) -> tuple[float, float]:
    """Megabytes that belong to the renderer processes alone (unique set size), and of the page's own heap, after a
    collection in the page and its workers; the browser must have been started with --js-flags=--expose-gc."""
    workers = [worker for worker in page.workers if worker.url.endswith(".worker.js")]  # the model's threads sleep
    for place in (page, *workers, *page.context.service_workers):
        for _ in range(2):  # what the first one finalises, the second one frees
            place.evaluate("gc()")
    session = browser.new_browser_cdp_session()
    for _ in range(2):
        session.send("Memory.simulatePressureNotification", {"level": "critical"})
        page.wait_for_timeout(700)
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    session = page.context.new_cdp_session(page)
    heap = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    renderers = [psutil.Process(process["id"]) for process in processes if process["type"] == "renderer"]
    return sum(process.memory_full_info().uss for process in renderers) / 1e6, heap / 1e6
