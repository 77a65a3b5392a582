"""The lab's examples give the numbers of the page and of pyscripts.native; its model is the native one, awaited."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.spatial.distance
from numpy.testing import assert_allclose

from pyscripts.colour import colourings
from pyscripts.lab.plot import plot
from pyscripts.lab.runner import execute
from pyscripts.lab.shade import coloured
from pyscripts.metrics import attention
from pyscripts.native import Model, Run
from pyscripts.page.lab_model import LabModel
from pyscripts.page.models import Model as PageModel
from tests.awaited import awaited
from tests.unit.test_tokens import Floats

EXAMPLES = Path(__file__).resolve().parents[2] / "site/lab/examples"
TEXT = "The quick brown fox jumps over the lazy dog. It was the best of times."


class Awaited:
    """A native model whose methods are awaited, as the page's are."""

    def __init__(self, model: Model) -> None:
        self.manifest, self._model = model.manifest, model

    async def read(self, *given: Any, **options: Any) -> Run:
        return self._model.read(*given, **options)

    async def generate(self, *given: Any, **options: Any) -> Run:
        return self._model.generate(*given, **options)


class Plotted:
    """What was plotted, and how."""

    def __init__(self, y: Any, x: Any, **how: Any) -> None:
        self.y, self.x = y, x
        assert plot(y, x, **how).startswith("<svg")


@pytest.fixture(scope="module")
def run(model: Model) -> Run:
    return model.read(TEXT)


def value(name: str, model: Model, run: Run) -> Any:
    names = {"run": run, "model": Awaited(model), "np": np, "coloured": coloured, "plot": Plotted}
    outcome = awaited(execute((EXAMPLES / f"{name}.py").read_text(encoding="utf-8"), names))
    assert outcome.error is None, outcome.error
    return outcome.value


def test_colours_are_those_of_the_page(model: Model, run: Run) -> None:
    for name in ("hue", "gltr"):
        expected = colourings.COLOURINGS[name].function(run.statistics)
        assert value(name, model, run).dark == expected.dark
    assert value("gltr", model, run).light == colourings.gltr(run.statistics).light
    assert_allclose(value("excess", model, run), run.statistics.surprise_excess)


def test_numbers_of_heads_and_layers_are_those_of_the_page(model: Model, run: Run) -> None:
    first = run.reading.trace.first
    back = np.array([attention.mean_distance(layer)[:, first:].mean(axis=1) for layer in run.attentions])
    assert_allclose(value("distance", model, run), back, atol=1e-5)
    twice = model.read(f"{TEXT}\n{TEXT}")
    assert_allclose(value("induction", model, run), twice.reading.trace.heads_on_text().induction, atol=1e-6)
    states = run.of_tokens(run.resid, axis=1)[:-1].astype(np.float64)
    cosines = [[np.mean([1 - scipy.spatial.distance.cosine(x, y) for x, y in zip(a, b, strict=True)]) for b in states]
               for a in states]
    assert_allclose(value("cosine", model, run), cosines, atol=1e-5)


def test_what_reads_again_finds_what_native_finds(model: Model, run: Run) -> None:
    last = len(run.ids) - 1
    curve, plotted = model.context_curve(run, last), value("context", model, run)
    assert plotted.x == [str(k) for k in curve.tokens.tolist()]
    assert_allclose(np.log(plotted.y), curve.logprob, atol=1e-5)
    assert_allclose(value("ablation", model, run), model.head_sweep(run, last, scope="text"), atol=1e-4)
    table = value("steering", model, run)
    layer = model.manifest["layers"] // 2
    wanted, other = model.read("I love this. It is wonderful"), model.read("I hate this. It is terrible")
    vector = 1.5 * model.steering_vector(wanted, other, layer)
    steer = {"add": [{"layer": layer, "position": None, "vector": vector}]}
    settings: dict[str, Any] = {"max_tokens": 20, "greedy": True}
    written = [model.generate("The film was", **settings, interventions=each).text for each in (None, steer)]
    assert table["text"] == written


def test_means_over_texts_are_those_of_the_command_line(model: Model, run: Run) -> None:
    table = value("corpus", model, run)
    assert len(table["text"]) == 3
    for i, text in enumerate(table["text"]):
        summary = model.read(text).to_json()["summary"]
        assert table["tokens"][i] == summary["scored_tokens"]
        assert_allclose(table["mean surprisal (nats)"][i], -summary["mean_logprob"], atol=1e-5)
        assert_allclose(table["mean entropy (nats)"][i], np.nanmean(model.read(text).entropy), atol=1e-6)


class Inference:
    """The page's inference worker: tokenizes, runs the native graph, and hands its outputs to the lab."""

    def __init__(self, model: Model) -> None:
        self.model = model
        m = model.manifest
        self.lab = LabModel(PageModel(dict(m), list(model.vocabulary), []), self.ask)

    async def ask(self, kind: str, request: str) -> str | None:
        given, m = json.loads(request), self.model.manifest
        names = m["outputs"]
        if kind == "inspect":
            ids, number = given["ids"], given["runId"]
            lens = self.model.lens(ids, self.lab.lens_rows(number, len(ids) - 1), -1, 5, given["interventions"])
            assert lens is not None
            last = next(iter(self.model.logits(ids)))[-1]
            self.lab.inspected(number, len(ids) - 1, Sized(last), Sized(np.tile(last, (m["layers"], 1))))
            return None
        tokens = self.model.tokenizer.encode(given["input"], None)
        if not tokens.ids:
            return "There is no text to read."
        conditions = {"model": m["sha256"], "prefix": m["prefix"]["id"], "stride": None,
                      "interventions": json.dumps(given["interventions"])}
        about = {"tokens": tokens.to_json(), "options": given["options"], "conditions": conditions,
                 "promptLength": None}
        assert self.lab.begin(given["runId"], json.dumps(about)) == "null"
        ids = [m["prefix"]["id"], *tokens.ids]
        for outputs, _ in self.model.session.chunks(ids, given["outputs"], interventions=given["interventions"]):
            def all_of(kind: str, outputs: Any = outputs) -> Floats | None:
                lists = names.get(kind) or []
                return Floats(np.stack([outputs[name] for name in lists])) if lists and lists[0] in outputs else None
            logits = outputs[names["logits"]][0]
            self.lab.extend(given["runId"], [SimpleNamespace(
                count=len(logits), logits=Floats(logits), attentions=all_of("attentions"),
                hiddenStates=all_of("hidden_states"), attentionOutput=all_of("attention_output"),
                mlpOutput=all_of("mlp_output"))], "[]")
        self.lab.finish(given["runId"], json.dumps({"total": 1}))
        return None


class Sized(Floats):
    """A typed array that knows its length."""

    @property
    def length(self) -> int:
        return int(self.values.size)


def test_the_awaited_model_reads_as_the_native_one(model: Model, run: Run) -> None:
    lab = Inference(model).lab
    off = {"heads": [{"layer": 1, "head": 2, "scale": 0}]}
    for options in ({}, {"interventions": off}, {"keep": ("attn_out", "mlp_out", "resid")}):
        there, here = awaited(lab.read(TEXT, **options)), model.read(TEXT, **options)
        for name in ("logprob", "rank", "entropy", "resid", "ids"):
            assert_allclose(getattr(there, name), getattr(here, name), atol=1e-5)
        assert there.texts == here.texts and there.to_json()["interventions"] == here.to_json()["interventions"]
    assert_allclose(there.attn_out, here.attn_out, atol=1e-5)
    with pytest.raises(ValueError, match="not kept"):
        _ = there.attentions
    fast = awaited(lab.read(TEXT, keep=()))
    with pytest.raises(ValueError, match="were not kept"):
        _ = fast.resid
    found = awaited(_lens(there))
    assert found.rank[-1] == run.rank[4] and len(found.rank) == model.manifest["layers"] + 1
    with pytest.raises(ValueError, match="no text"):
        awaited(lab.read(""))
    with pytest.raises(ValueError, match=r"layer must be .* from 0 to"):
        awaited(lab.read(TEXT, interventions={"heads": [{"layer": 99, "head": 0, "scale": 0}]}))


async def _lens(run: Run) -> Any:
    return await run.lens(4)
