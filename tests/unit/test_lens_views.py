"""The logit lens as the page shows it, of one token and over the text, against torch; runs in CPython."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pyscripts.metrics.likelihood import NO_TARGET
from pyscripts.page.beside import Beside
from pyscripts.page.views import VIEWS
from tests.unit.test_views_activations import IDS, Run


@pytest.fixture(scope="module")
def run() -> Run:
    return Run()


@pytest.mark.parametrize("this_token", [True, False])
def test_lens_settles_where_the_last_choice_stays(run: Run, this_token: bool) -> None:
    token = 4
    position = token + 1 - this_token  # what predicts
    found = VIEWS["lens"](run.context(position), token=token, topK=3, this_token=this_token)
    assert found["token"] == token and found["next"]["id"] == IDS[position + 1]
    every = torch.cat([run.lens_logits[:, position], run.logits[position][None]]).double()
    logprobs = torch.log_softmax(every, -1)
    first = logprobs.argmax(-1).tolist()
    assert [row["top"][0]["id"] for row in found["layers"]] == first
    settled = next(i for i in range(len(first)) if set(first[i:]) == {first[-1]})
    assert found["settled"] == found["layers"][settled]["name"]
    divergence = (logprobs[-1].exp() * (logprobs[-1] - logprobs)).sum(-1)
    np.testing.assert_allclose([row["divergence"] for row in found["layers"]], divergence, atol=1e-6)
    target = IDS[position + 1]
    assert [row["rank"] for row in found["layers"]] == [1 + int((row > row[target]).sum()) for row in logprobs]


def test_the_lens_over_the_text_is_that_of_each_token(run: Run) -> None:
    """As far as it is computed; of the prediction after each token, so the last one's is of no token in the text."""
    beside = Beside()
    context = replace(run.context(), beside=beside)
    names = {"lens_rank": "rank", "lens_logprob": "logprob", "lens_divergence": "divergence"}
    missing = VIEWS["layer_map"](context, name="lens_rank")
    assert missing["missing"] == {"position": 1, "done": 0} and np.isnan(missing["values"]).all()
    tokens = len(IDS) - 1
    for first, stop in ((0, 5), (5, tokens)):
        rows = slice(first + 1, stop + 1)  # positions
        targets = [*IDS, NO_TARGET][first + 2 : stop + 2]
        beside.read_lens(first, run.lens_logits[:, rows].numpy(), run.logits[rows].numpy(), targets)
        found = {name: VIEWS["layer_map"](context, name=name) for name in names}
        left = None if stop == tokens else {"position": stop + 1, "done": stop}
        for name, view in found.items():
            assert view["missing"] == left
            values = view["values"].reshape(len(view["names"]), tokens)
            assert np.isnan(values[:, stop:]).all()
            assert (view["levels"] == -1).tolist() == np.isnan(view["values"]).tolist()
            for token in range(stop):
                alone = VIEWS["lens"](run.context(token + 1), token=token)["layers"]
                expected = np.array([row[names[name]] for row in alone], float)
                np.testing.assert_allclose(values[:, token], expected, atol=1e-4)
    levels = found["lens_divergence"]["levels"].reshape(-1, tokens)
    assert levels[1:].max() == 255 and (levels[-1] == 0).all(), "the layers set the scale, not the embeddings"
    table = VIEWS["table"](context, view="layer_map", args={"name": "lens_rank"})
    assert table["about"] == "logit lens: rank of the next token" and type(table["rows"][0][2]) is int
    saved = VIEWS["csv"](context, view="layer_map", args={"name": "lens_divergence"}).splitlines()
    assert ",quantity," in saved[0] and ",logit lens: KL to the final distribution (nats)," in saved[1]
    assert table["columns"][2] == "embeddings" and table["rows"][-1][2:] == [None] * len(found["lens_rank"]["names"])
