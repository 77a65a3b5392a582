"""What takes the processors' time while the page works: the model, Python, drawing, the rest; for tests/bench.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

from tests.processes import thread_times

DRAWING = ("chromium", "Compositor", "VizCompositorTh", "CrGpuMain")  # threads, in the page's process and the GPU's


@contextmanager
def processor_time(page: Page, threads: int) -> Iterator[dict[str, float]]:
    """Fills the dictionary with the milliseconds of all processors that the block took, and the second after it.

    The model's `threads` are the busiest workers; the other workers are Python's.
    """
    page.wait_for_timeout(1000)  # what was under way has ended
    spent = dict.fromkeys(("the model", "Python", "drawing", "the rest"), 0.0)
    before = thread_times()
    yield spent
    page.wait_for_timeout(1000)  # the last frame
    times = {thread: time - before.get(thread, 0) for thread, time in thread_times().items()}
    workers = sorted((each for each in times if each[1] == "DedicatedWorker"), key=times.__getitem__, reverse=True)
    for thread, time in times.items():
        if thread in workers:
            kind = "the model" if workers.index(thread) < threads else "Python"
        else:
            kind = "drawing" if thread[1].startswith(DRAWING) and thread[0] != "browser" else "the rest"
        spent[kind] += time
