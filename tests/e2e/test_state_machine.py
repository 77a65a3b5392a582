"""
Random walks over the real page with tiny models: hypothesis draws what users do, walk.py checks after every step.

`make test` does the same few walks every time. `WALKS=50 pytest tests/e2e/test_state_machine.py` does fifty random ones.
A walk that fails prints its steps as a script; pasted into a function that takes `PageMachine`, as below, it is a test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test
from playwright.sync_api import Browser

from tests.e2e.walk import Walk, World
from tests.e2e.walk_page_steps import PageSteps
from tests.e2e.walk_text_steps import texts

STEPS = 50  # of a walk
WALKS = 5  # in `make test`; the first one is hypothesis' simplest, which repeats one step


class Machine(PageSteps):
    """One walk from a fresh start of the page to its end."""

    def __init__(self) -> None:
        super().__init__()
        self.walk = Walk(self.world)

    def teardown(self) -> None:
        try:
            self.walk.settle()
        finally:
            self.walk.close()

    @initialize(early=st.none() | texts)
    def start(self, early: str | None) -> None:
        """Opens the page; `early` is typed before a model can answer."""
        self.walk.enter()
        if early is None:
            self.walk.accept()
        else:
            self.type(early, wait=False)
        self.walk.page.evaluate("tokenlight.ready")
        self.walk.settle()


@pytest.fixture(scope="module")
def PageMachine(  # noqa: N802 - a failing walk prints this name
    browser: Browser, tiny_site: str, tiny_models: Path, checkpoints: Path
) -> Iterator[type[Machine]]:
    context = browser.new_context(service_workers="block", viewport={"width": 1280, "height": 900})
    Machine.world = World(context, tiny_site, tiny_models, checkpoints)
    yield type("PageMachine", (Machine,), {})
    context.close()


@pytest.mark.timeout(0) # TODO
def test_walks(PageMachine: type[Machine]) -> None:  # noqa: N803
    """Nothing is lost and nothing is mixed up, whatever is done in whatever order."""
    walks = int(os.environ.get("WALKS", 0))
    run_state_machine_as_test(
        PageMachine,
        settings=settings(
            derandomize=not walks,
            max_examples=walks or WALKS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate] if not walks else [Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),  # a browser is slow, and its steps are large
        ),
    )
    assert Machine.world.steps >= 200
