"""Metrics that users' code registers in the lab: their colours belong to the run they were computed for."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pyscripts.lab import own_metrics
from pyscripts.lab.runner import execute
from pyscripts.lab.shade import coloured
from pyscripts.metrics import METRICS, Scored, metric
from tests.awaited import awaited
from tests.unit.test_lab import handed, lab, page_session
from tests.unit.test_page_session import IDS, begun, read

OWN = """
from pyscripts.metrics import metric

@metric("twice the surprisal", "nats", "by hand")
def twice(scored):
    "Doubled."
    return 2 * scored.statistics.surprisal

@metric("listed", "", "")
def listed(scored):
    return [float(n) for n in scored.tokens_seen]

@metric("mistaken", "", "")
def mistaken(scored):
    return scored.nothing

@metric("short", "", "")
def short(scored):
    return scored.statistics.logprob[1:]

@metric("of words", "", "", axes=("word",))
def of_words(scored):
    return scored.words[:, 0]
"""


@pytest.fixture
def no_own_metrics() -> Iterator[None]:
    yield
    for each in own_metrics.registered():
        del METRICS[each.name]


@pytest.mark.usefixtures("no_own_metrics")
def test_a_registered_metric_has_colours_for_the_run_it_is_of() -> None:
    page = page_session()
    session = lab(page)
    assert own_metrics.registered() == []
    answer = awaited(session.execute(OWN, "", lambda text: None))
    twice, listed, mistaken, short, of_words = json.loads(answer["metrics"])
    assert json.loads(answer["json"]) == {"kind": "nothing"}
    assert [twice["name"], twice["title"]] == ["twice", "twice the surprisal (nats)"]
    assert twice["description"] == "Doubled. Source: by hand" and twice["error"] is None
    surprisal = page._current(1).reading.trace.statistics().surprisal
    assert twice["colours"]["light"] == vars(coloured(2 * surprisal).light)
    assert listed["error"] is None and listed["colours"]["light"] == vars(coloured(np.arange(5.0)).light)
    assert mistaken["colours"] is None and mistaken["error"].startswith("AttributeError: ")
    assert short["colours"] is None and "short gave an array of shape (4,) for 5 tokens" in short["error"]
    assert of_words["colours"] is None and 'run.metric("of_words")' in of_words["error"]
    assert json.loads(session.needs("1 + 1")) == {"hidden_states": False, "attentions": False}  # it is computed anew
    other = IDS[::-1]
    begun(page, 1, other)
    read(page, 1, other, 0, len(other) + 1)
    session.take_run(*handed(page))
    anew = json.loads(awaited(session.execute("1 + 1", "", lambda text: None))["metrics"])[0]
    surprisal = page._current(1).reading.trace.statistics().surprisal
    assert anew["colours"]["light"] == vars(coloured(2 * surprisal).light) != twice["colours"]["light"]
    session.forget_run()
    without = json.loads(awaited(session.execute("1 + 1", "", lambda text: None))["metrics"])[0]
    assert without["colours"] is None and "no run" in without["error"]


@pytest.mark.usefixtures("no_own_metrics")
@pytest.mark.parametrize("name", ["logprob", "word_surprisal", "tokens", "ids", "resid"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    before = dict(METRICS)
    source = f"@metric('mine', '', '')\ndef {name}(scored):\n    return scored.statistics.logprob"
    outcome = awaited(execute("from pyscripts.metrics import metric\n" + source, {}))
    assert outcome.error is not None
    assert f"ValueError: Tokenlight has a {name} of its own. Give the metric another name." in outcome.error
    assert before == METRICS and own_metrics.registered() == []


@pytest.mark.usefixtures("no_own_metrics")
def test_a_metric_of_one_s_own_is_registered_again() -> None:
    for factor in (2, 3):
        code = f"@metric('mine', '', '')\ndef own(scored):\n    return {factor} * scored.statistics.logprob"
        assert awaited(execute("from pyscripts.metrics import metric\n" + code, {})).error is None
    (own,) = own_metrics.registered()
    scored = page_session()._current(1).reading.scored()
    np.testing.assert_allclose(own.values(scored), 3 * scored.statistics.logprob)


@pytest.mark.usefixtures("no_own_metrics")
@pytest.mark.parametrize(("given", "said"), [
    (3.0, r"shape \(\) for 5 tokens"), ([1.0], r"shape \(1,\) for 5 tokens"), ([[1.0]] * 5, r"shape \(5, 1\) for 5"),
    (list("abcde"), "must return an array of numbers"), ([None] * 5, "must return an array of numbers"),
    ([[1], [1, 2], [], [], []], "must return an array of numbers"), (None, "must return an array of numbers")])
def test_what_is_no_number_for_each_token_is_said(given: object, said: str) -> None:
    @metric("wrong", "", "")
    def wrong(scored: Scored) -> Any:
        return given

    scored = page_session()._current(1).reading.scored()
    for ask in (METRICS["wrong"].values, METRICS["wrong"].cells):
        with pytest.raises(ValueError, match=f"wrong .*{said}"):
            ask(scored)
