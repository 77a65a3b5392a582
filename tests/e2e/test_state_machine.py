"""
Random walks over the real page with tiny models: hypothesis draws what users do, walk.py checks after every step.

`make test` does the same few walks every time; `WALKS=50 pytest tests/e2e/test_state_machine.py` fifty random ones.
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
from hypothesis.strategies._internal.featureflags import FeatureFlags
from playwright.sync_api import Browser

from tests.e2e.walk import Walk, World
from tests.e2e.walk_page_steps import PageSteps
from tests.e2e.walk_text_steps import TEXTS, texts

RANDOM = int(os.environ.get("WALKS", 0))
STEPS = 52  # of a walk
WALKS = 4  # in `make test`; the first one is hypothesis' simplest, which repeats one step


class Machine(PageSteps):
    """One walk from a fresh start of the page to its end."""

    def __init__(self) -> None:
        super().__init__()
        if not RANDOM:  # few walks must do without swarm testing, which leaves most rules out of any one walk
            self._rules_strategy.enabled_rules_strategy = st.just(FeatureFlags())
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
            self.walk.page.evaluate("walk.type", early)
            self.walk.holds(early)
        self.walk.page.evaluate("tokenlight.ready")
        self.walk.settle()


@pytest.fixture(scope="module")
def PageMachine(browser: Browser, tiny_site: str, tiny_models: Path, checkpoints: Path) -> Iterator[type[Machine]]:
    context = browser.new_context(service_workers="block", viewport={"width": 1280, "height": 900})
    Machine.world = World(context, tiny_site, tiny_models, checkpoints)
    yield type("PageMachine", (Machine,), {})
    context.close()


@pytest.mark.timeout(0)  # as long as the walks that were asked for take; each step has its own bound
def test_walks(PageMachine: type[Machine]) -> None:
    """Nothing is lost and nothing is mixed up, whatever is done in whatever order."""
    run_state_machine_as_test(
        PageMachine,
        settings=settings(
            derandomize=not RANDOM,
            max_examples=RANDOM or WALKS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate] if not RANDOM else [Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),  # a browser is slow, and its steps are large
        ),
        _min_steps=STEPS - 1,
    )
    assert Machine.world.steps >= 200


# Sequences that found a fault

VILLAGE = "The people of the village"


def test_the_same_text_typed_while_it_is_continued(PageMachine: type[Machine]) -> None:
    state = PageMachine()
    state.start(early=VILLAGE)
    state.go_on(wait=False)
    state.type(text=VILLAGE, wait=True)
    state.teardown()


def test_typed_right_after_an_alternative_was_chosen(PageMachine: type[Machine]) -> None:
    """What is typed before the new text has been cut stays in the box."""
    state = PageMachine()
    state.start(early=VILLAGE)
    state.run(wait=True)
    state.walk.act(
        """() => {
          walk.press('#token-2');
          walk.press('#inspector .alternatives tr:not(.actual) button[aria-label^="Replace"]');
          walk.type('The people of the hill');
        }"""
    )
    state.walk.holds("The people of the hill")
    state.walk.may_pin |= {2}
    state.walk.settle()
    state.undo(wait=True)
    state.teardown()


def test_a_link_to_a_token(PageMachine: type[Machine]) -> None:
    """Its token is pinned in its text, under its model; a token that the text does not have is not."""
    state = PageMachine()
    state.start(early=VILLAGE)
    state.link(text="The people of the hill", lens="layers", token=3, model=None, wait=True)
    state.link(text=VILLAGE, lens=None, token=2, model="tiny-llama", wait=True)
    state.link(text="a", lens=None, token=None, model=None, wait=True)
    state.link(text=None, lens=None, token=12, model=None, wait=True)
    state.teardown()


def test_a_pinned_token_and_another_model(PageMachine: type[Machine]) -> None:
    state = PageMachine()
    state.start(early=VILLAGE)
    state.run(wait=True)
    state.pin(token=3)
    state.switch(model="tiny-llama", script=False, wait=True)
    state.teardown()


def test_typed_over_a_link_and_reloaded_at_once(PageMachine: type[Machine]) -> None:
    """What was typed stays in the box, although the address still holds the link's text."""
    state = PageMachine()
    state.start(early=None)
    state.link(text=VILLAGE, lens=None, token=None, model=None, wait=True)
    state.type(text="The people of the hill", wait=False)
    state.reload(wait=True)
    state.teardown()


def test_a_text_longer_than_the_context_and_nothing_to_generate(PageMachine: type[Machine]) -> None:
    """The box is not cut to what was read."""
    state = PageMachine()
    state.start(early=TEXTS[-1])
    state.sampling(tokens=0, greedy=False)
    state.go_on(wait=True)
    state.teardown()


def test_a_script_that_comes_while_a_worker_is_started_again(PageMachine: type[Machine]) -> None:
    """`ready` resolves when a model and Python can answer, not while one of them is being started again."""
    state = PageMachine()
    state.start(early=VILLAGE)
    state.kill(part="inference", wait=False)
    assert state.walk.page.evaluate("tokenlight.analyze('a').then((run) => run.text)") == "a"
    state.walk.holds("a")
    state.teardown()


# A run that is replaced while it generates; no fault was seen here


def test_a_run_started_while_the_text_is_continued(PageMachine: type[Machine]) -> None:
    """The box holds the text that was asked for, not what had been generated until then."""
    state = PageMachine()
    state.start(early=VILLAGE)
    state.sampling(tokens=200, greedy=False)
    state.go_on(wait=False)
    state.pause(ms=250)
    state.run(wait=True)
    state.teardown()


def test_continue_twice(PageMachine: type[Machine]) -> None:
    """The second one's text comes into the box."""
    state = PageMachine()
    state.start(early=VILLAGE)
    state.sampling(tokens=200, greedy=False)
    state.go_on(wait=False)
    state.pause(ms=250)
    state.go_on(wait=True)
    state.teardown()
