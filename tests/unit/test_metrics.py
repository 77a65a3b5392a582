"""The registry of metrics: page, CSV, Run and its schema follow it."""

import numpy as np

from pyscripts.metrics import METRICS, Scored, metric, needed
from pyscripts.model_outputs import ModelShape, Outputs
from pyscripts.page import session as browser
from pyscripts.page.views import VIEWS, Context
from pyscripts.page.views.registry import TABLES
from pyscripts.run import Reading, build
from pyscripts.trace import Trace
from tests.run_schema import RUN
from tests.unit.cut_text import tokens_of

NOT_METRICS = {"id", "text", "bytes", "hex", "control", "hue", "top"}  # of a token in the Run
MANIFEST = {"name": "m", "prefix": {"id": 0, "text": "<end>"}}


def reading() -> Reading:
    """Three tokens after a prefix, random logits."""
    draw = np.random.default_rng(1)
    trace = Trace([0, 1, 2, 3], ModelShape(1, 2, 4, 8), prefix=True, begins_word=np.arange(8) % 2 == 1)
    states = draw.normal(size=(2, 4, 4)).astype(np.float32)
    trace.extend(Outputs(draw.normal(size=(4, 8)).astype(np.float32), hidden_states=states))
    return Reading(trace, tokens_of(b"on", b" the", b" way"), {})


def test_a_new_metric_is_one_function() -> None:
    try:

        @metric("twice the log-probability", "nats", "this test", in_run=True)
        def twice(scored: Scored) -> np.ndarray:
            return 2 * scored.statistics.logprob

        of = reading()
        expected = 2 * of.trace.statistics().logprob
        np.testing.assert_allclose(browser.token_columns(of)["twice"], expected, rtol=1e-6)
        context = Context(of, MANIFEST, [str(i) for i in range(8)])
        table = TABLES["strip"](context, VIEWS["strip"](context))
        at = table["columns"].index("twice the log-probability (nats)")
        np.testing.assert_allclose([row[at] for row in table["rows"]], expected)
        run = build(of, context.vocabulary, MANIFEST)  # which fits its schema: tests/conftest.py
        assert [token["twice"] for token in run["tokens"]] == expected.tolist()
    finally:
        METRICS.pop("twice", None)


def test_the_schema_has_no_metric_that_a_run_lacks() -> None:
    token = RUN["properties"]["tokens"]["items"]
    assert set(token["properties"]) - NOT_METRICS <= {name for name, each in METRICS.items() if each.in_run}
    assert set(token["required"]) == set(token["properties"])


def test_every_metric_says_what_it_is() -> None:
    scored = reading().scored()
    for name, each in METRICS.items():
        assert each.title and each.source and each.function.__doc__, name
        assert each.axes[0] in ("token", "word") and set(each.needs) <= set(vars(scored.statistics)), name
        found = each.function(scored)
        length = 3 if each.axes[0] == "token" else len(scored.words)
        assert found.ndim == len(each.axes) and len(found) == length, name
    assert needed(["rank", "entropy"]) == {"rank", "entropy"}
