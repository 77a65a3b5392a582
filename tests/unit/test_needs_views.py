"""What a prediction needs and what interventions change, from a run of random numbers; runs in CPython."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pyscripts.metrics import ablation
from pyscripts.page.views import VIEWS, Context
from tests.unit.saved_runs import VOCABULARY, saveable
from tests.unit.test_page_session import MODEL

TOKEN, TARGET, VERSUS = 3, 1, 4


@pytest.fixture
def context() -> Context:
    return Context(saveable().reading, MODEL, VOCABULARY)


def answer_of(context: Context, view: str, **args: Any) -> dict[str, Any]:
    """A view's answer once everything it lacks was computed: by a model that says anything at all."""
    random = np.random.default_rng(5)
    while missing := (answer := VIEWS[view](context, **args))["missing"]:
        logits = random.normal(size=(len(missing["variants"]), len(VOCABULARY)))
        context.beside.take(missing, logits.astype(np.float32))
    return answer


@pytest.mark.parametrize(("view", "args", "values", "headings"), [
    ("why_tokens", {}, "deltas", ["hidden token", "change of log-probability, nats"]),
    ("why_tokens", {"both": True}, "deltas", ["hidden token", "change of the difference of log-probabilities, nats"]),
    ("why_heads", {}, "deltas", ["head off", "change of log-probability, nats"]),
    ("why_heads", {"both": True}, "deltas", ["head off", "change of the difference of log-probabilities, nats"]),
    ("why_context", {}, "logprobs", ["tokens before it", "log-probability, nats"]),
])
def test_a_table_says_what_its_numbers_are(
    context: Context, view: str, args: dict[str, Any], values: str, headings: list[str]
) -> None:
    asked = {"token": TOKEN, "target": TARGET, "versus": VERSUS, **args}
    answer = answer_of(context, view, **asked)
    table = VIEWS["table"](context, view, asked)
    assert table["columns"] == headings
    assert_allclose([value for _, value in table["rows"]], answer[values])
    assert VIEWS["csv"](context, view, asked).removeprefix("\ufeff").startswith(
        ",".join(f'"{name}"' if "," in name else name for name in headings))


def test_log_probabilities_by_context_are_those_of_the_target(context: Context) -> None:
    """Below 0, and one for each length of the context."""
    answer = answer_of(context, "why_context", token=TOKEN, target=TARGET)
    assert (answer["logprobs"] < 0).all()
    assert answer["lengths"][-1] == TOKEN
    assert len(answer["lengths"]) == len(answer["logprobs"]) > 1


@pytest.mark.parametrize(("alone", "together", "found"), [
    (-0.5, -0.8, True), (-0.5, -0.5, False), (-0.5, -0.4, False),
    (-0.5, -0.505, False),  # no more than what is lost in rounding
    (0.5, 0.2, False), (0.5, -0.2, True),  # together they cost nothing; something, though each alone costs nothing
])
def test_heads_take_over_if_they_cost_more_together(alone: float, together: float, found: bool) -> None:
    assert ablation.take_over(alone, together) is found


def test_the_sum_of_the_most_needed_heads(context: Context) -> None:
    asked = {"token": TOKEN, "target": TARGET}
    together, alone = (answer_of(context, view, **asked) for view in ("why_together", "why_heads"))
    lost = [alone["deltas"][head["layer"] * alone["columns"] + head["head"]] for head in together["heads"]]
    assert lost == sorted(alone["deltas"])[: alone["few"]]
    assert together["sum"] == pytest.approx(sum(lost))
    assert together["take_over"] == ablation.take_over(together["sum"], together["together"])


def test_a_change_has_both_means(context: Context) -> None:
    """That of the untouched model, and that of the run, over the tokens that have a probability."""
    logprob = context.reading.trace.statistics().logprob
    assert VIEWS["change"](context)["missing"] == {"kind": "untouched"}
    context.beside.untouched.extend((logprob - 0.25).tolist())
    found = VIEWS["change"](context)
    assert found["missing"] is None
    assert [found["after"], found["before"]] == pytest.approx([np.mean(logprob), np.mean(logprob) - 0.25])
    assert found["mean"] == pytest.approx(0.25)
