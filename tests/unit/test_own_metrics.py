"""Metrics that users' code registers in the lab: their colours belong to the run they were computed for."""

import json
from collections.abc import Iterator

import pytest

from pyscripts.lab import own_metrics
from pyscripts.lab.shade import coloured
from pyscripts.metrics import METRICS
from tests.awaited import awaited
from tests.unit.test_lab import handed, lab, page_session
from tests.unit.test_page_session import IDS, begun, read

OWN = """
from pyscripts.metrics import metric

@metric("twice the surprisal", "nats", "by hand")
def twice(scored):
    "Doubled."
    return 2 * scored.statistics.surprisal

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
    for metric in own_metrics.registered():
        del METRICS[metric.name]


@pytest.mark.usefixtures("no_own_metrics")
def test_a_registered_metric_has_colours_for_the_run_it_is_of() -> None:
    page = page_session()
    session = lab(page)
    assert own_metrics.registered() == []
    answer = awaited(session.execute(OWN, "", lambda text: None))
    twice, mistaken, short = json.loads(answer["metrics"])
    assert json.loads(answer["json"]) == {"kind": "nothing"}
    assert [twice["name"], twice["title"]] == ["twice", "twice the surprisal (nats)"]
    assert twice["description"] == "Doubled. Source: by hand" and twice["error"] is None
    surprisal = page._current(1).reading.trace.statistics().surprisal
    assert twice["colours"]["light"] == vars(coloured(2 * surprisal).light)
    assert mistaken["colours"] is None and mistaken["error"].startswith("AttributeError: ")
    assert short["colours"] is None and "shape (4,) for 5 tokens" in short["error"]
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
