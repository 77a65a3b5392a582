"""The activations view's numbers against transformers on a random GPT-2, panel by panel; runs in CPython."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from pyscripts.colour import scales
from pyscripts.decoding import generation, sampling
from pyscripts.kept_hidden_states import KeptHiddenStates
from pyscripts.metrics.likelihood import token_statistics
from pyscripts.model_outputs import ModelShape, Outputs
from pyscripts.page.views import VIEWS, Context, Inspected
from pyscripts.run import Reading
from pyscripts.trace import Trace
from tests.export.models import random_model
from tests.unit.cut_text import tokens_of

IDS = [0, 17, 3, 17, 99, 45, 3, 120, 8, 17, 64, 5]  # the prefix token in front
WORDS = ["The", " fox", " of", " fox", ",", " runs", " of", " 12", " the", " fox", " Bern", "."]
OPTIONS = {"temperature": 0.8, "topK": 40, "topP": 0.9, "minP": 0.01, "repetitionPenalty": 1.3}
MODEL = {"id": "m", "sha256": "ab", "weights": "int8", "revision": "r1", "prefix": {"id": 0, "text": "<s>"}}
ABOUT = ["model", "weights", "revision", "model sha256", "prefix", "interventions", "made by"]  # a CSV's last columns
PROMPT = 6  # shown tokens that were given; the others count as generated


class Run:
    """One text as transformers reads it, and the same as our Context."""

    def __init__(self) -> None:
        model: Any = random_model("gpt2")
        added: dict[str, list[torch.Tensor]] = {"attn": [], "mlp": []}
        for block in model.transformer.h:
            block.attn.register_forward_hook(lambda m, i, out: added["attn"].append(out[0][0]))
            block.mlp.register_forward_hook(lambda m, i, out: added["mlp"].append(out[0]))
        with torch.no_grad():
            out = model(torch.tensor([IDS]), output_attentions=True, output_hidden_states=True)
        self.logits = out.logits[0]  # [position, vocab]
        self.states = torch.stack(out.hidden_states)[:, 0]  # [layer+1, position, hidden]
        self.attentions = torch.stack(out.attentions)[:, 0]  # [layer, head, query, key]
        self.attention_output = torch.stack(added["attn"])  # [layer, position, hidden]
        self.mlp_output = torch.stack(added["mlp"])
        with torch.no_grad():
            lens = model.lm_head(model.transformer.ln_f(self.states[:-1]))
        self.lens_logits = lens  # [layer, position, vocab]
        layers, heads, *_ = self.attentions.shape
        trace = Trace(IDS, ModelShape(layers, heads, self.states.shape[2], self.logits.shape[1]), prefix=True)
        for start, stop in ((0, 5), (5, 6), (6, len(IDS))):  # chunks of several sizes
            trace.extend(Outputs(
                self.logits[start:stop].numpy(), self.attentions[:, :, start:stop, :stop].numpy(),
                self.states[:, start:stop].numpy(), self.attention_output[:, start:stop].numpy(),
                self.mlp_output[:, start:stop].numpy(),
            ))
        shown = WORDS[1:]
        tokens = tokens_of(*(word.encode() for word in shown), ids=IDS[1:])
        self.reading = Reading(trace, tokens, OPTIONS, PROMPT)
        self.vocabulary = [f"<{i}>" for i in range(self.logits.shape[1])]

    def context(self, position: int | None = None) -> Context:
        """The run with one position inspected."""
        seen = None if position is None else Inspected(
            position, self.logits[position].numpy(), self.lens_logits[:, position].numpy())
        return Context(self.reading, MODEL, self.vocabulary, seen)

    def probabilities(self, position: int) -> np.ndarray:
        return torch.softmax(self.logits[position].double(), -1).numpy()


@pytest.fixture(scope="module")
def run() -> Run:
    return Run()


def filtered(run: Run, position: int) -> np.ndarray:
    """The distribution that transformers' own processors make of a position under OPTIONS."""
    steps = LogitsProcessorList([
        RepetitionPenaltyLogitsProcessor(OPTIONS["repetitionPenalty"]), TemperatureLogitsWarper(OPTIONS["temperature"]),
        TopKLogitsWarper(int(OPTIONS["topK"])), TopPLogitsWarper(OPTIONS["topP"]), MinPLogitsWarper(OPTIONS["minP"])])
    scores = steps(torch.tensor([IDS[: position + 1]]), run.logits[position][None].double().clone())
    return torch.softmax(scores[0], -1).numpy()


@pytest.mark.parametrize("token", [0, 4, 10])
def test_choice_equals_transformers(run: Run, token: int) -> None:
    """Token t is at position t + 1 and was chosen at position t; given tokens take the options that are asked for."""
    found = VIEWS["choice"](run.context(token), token=token, count=8, options=OPTIONS)
    raw, sampled, id = run.probabilities(token), filtered(run, token), IDS[token + 1]
    assert found["generated"] == (token >= PROMPT)
    assert found["probability"] == pytest.approx(raw[id], rel=1e-4)
    assert found["rank"] == 1 + int((raw > raw[id]).sum())
    assert found["entropy"] == pytest.approx(-(raw * np.log(raw)).sum(), rel=1e-5)
    assert found["sampled_probability"] == pytest.approx(sampled[id], rel=1e-4, abs=1e-12)
    shown = [row["id"] for row in found["rows"]]
    assert {*np.argsort(-raw)[:8], *[i for i in np.argsort(-sampled)[:8] if sampled[i] > 0], id} == set(shown)
    for row in found["rows"]:
        assert row["raw"] == pytest.approx(raw[row["id"]], rel=1e-4)
        assert row["sampled"] == pytest.approx(sampled[row["id"]], rel=1e-4, abs=1e-12)
        assert row["chosen"] == (row["id"] == id)
        assert row["rank"] == 1 + int((raw > raw[row["id"]]).sum())


def test_choice_of_a_generated_token_is_the_recorded_step(run: Run) -> None:
    position = 9
    settings = generation.settings_from(OPTIONS)
    found = sampling.distribution(run.logits[position - 1].numpy(), settings, IDS[:PROMPT], IDS[PROMPT:position])
    id = sampling.sample(found.sampled, 4, position - PROMPT)
    row = token_statistics(run.logits[position - 1][None].numpy(), [id], 50)
    step = generation.describe(found, id, row)
    run.reading.steps[position] = step
    try:
        found = VIEWS["choice"](run.context(), token=position - 1)
    finally:
        run.reading.steps.clear()
    assert found["generated"] and found["sampled_probability"] == step.sampled_probability
    assert VIEWS["choice"](run.context(), token=2)["rows"][0]["sampled"] is None, "nothing was sampled or inspected"


def test_layers_and_their_map_equal_transformers(run: Run) -> None:
    token = 6
    found = VIEWS["layers"](run.context(), token=token)["rows"]
    norm = run.states.double().norm(dim=-1)[:, token + 1]
    np.testing.assert_allclose([row["hidden_norm"] for row in found], norm, rtol=1e-5)
    assert found[0]["change_norm"] is None and found[0]["name"] == "embeddings"
    for i, (attention, mlp) in enumerate(zip(run.attention_output, run.mlp_output, strict=True)):
        assert found[i + 1]["attention_norm"] == pytest.approx(float(attention[token + 1].norm()), rel=1e-5)
        assert found[i + 1]["mlp_norm"] == pytest.approx(float(mlp[token + 1].norm()), rel=1e-5)
        change = (attention + mlp)[token + 1].norm()
        assert found[i + 1]["change_norm"] == pytest.approx(float(change), rel=1e-4)
    table = VIEWS["table"](run.context(), view="layer_map", args={"name": "hidden_norm"})
    np.testing.assert_allclose([row[2:] for row in table["rows"]], run.states.double().norm(dim=-1)[:, 1:].T, rtol=1e-5)
    image = VIEWS["layer_map"](run.context(), name="hidden_norm")
    levels = np.reshape(image["levels"], (len(image["names"]), image["columns"]))
    norms = run.states.double().norm(dim=-1)[:, 1:].numpy()
    np.testing.assert_allclose(image["values"], norms.ravel(), rtol=1e-5)
    assert levels.flat[norms.argmax()] == 255 and levels.flat[norms.argmin()] == 0
    assert levels.shape == norms.shape
    order = np.argsort(norms, axis=None)
    assert (np.diff(levels.flat[order]) >= 0).all(), "a larger norm never gets a lower step"


def test_dimensions_equal_transformers(run: Run) -> None:
    found = VIEWS["dimensions"](run.context(), token=3, layer=1, count=4)
    vector = run.states[1, 4].numpy()
    np.testing.assert_allclose(found["values"], vector)
    assert [top["index"] for top in found["top"]] == np.argsort(-np.abs(vector))[:4].tolist()
    for top in found["top"]:
        over_text = run.states[1, 1:, top["index"]].numpy() * np.sign(top["value"])
        assert [place["token"] for place in top["where"]] == np.argsort(-over_text)[:4].tolist()
        assert top["where"][0]["text"] == WORDS[1:][top["where"][0]["token"]]
    with pytest.raises(ValueError, match="no hidden state 3"):
        VIEWS["dimensions"](run.context(), token=3, layer=3)


def test_a_hidden_state_that_is_not_kept_is_the_inspected_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long text only the first are kept, here three positions'; any other is known once it has been inspected."""
    asked = {"token": 6, "layer": 1, "count": 4}
    whole = VIEWS["dimensions"](run.context(), **asked)
    first = KeptHiddenStates(run.states[:, :3].numpy().nbytes)
    first.append(run.states.numpy(), len(IDS))
    monkeypatch.setattr(run.reading.trace, "kept_hidden_states", first)
    assert VIEWS["dimensions"](run.context(7), **asked) == {"token": 6, "layer": 1, "known": False}
    assert VIEWS["table"](run.context(7), view="dimensions", args=asked)["rows"] == []
    seen = Inspected(7, run.logits[7].numpy(), None, run.states[:, 7].numpy())
    found = VIEWS["dimensions"](replace(run.context(), inspected=seen), **asked)
    np.testing.assert_array_equal(found["values"], whole["values"])
    assert found["among"] is not None and {place["token"] for top in found["top"] for place in top["where"]} == {0, 1}


def test_focus_equals_transformers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    token = 7
    found = VIEWS["focus"](run.context(), token=token)
    p = run.attentions[:, :, token + 1, : token + 2].double()
    entropy = torch.distributions.Categorical(probs=p).entropy()  # [layer, head]
    np.testing.assert_allclose(found["entropy"], entropy.flatten(), rtol=1e-4)
    np.testing.assert_allclose(found["normalised"], entropy.flatten() / np.log(token + 2), rtol=1e-4)
    np.testing.assert_allclose([layer["entropy"] for layer in found["layers"]], entropy.mean(dim=1), rtol=1e-4)
    np.testing.assert_array_equal(found["levels"], np.rint(found["normalised"] * 255))
    assert [layer["visible"] for layer in found["layers"]] == [token + 2] * 2
    np.testing.assert_allclose(found["sink"], p[:, :, 0].flatten(), rtol=1e-6)
    rest = torch.distributions.Categorical(probs=p[:, :, 1:]).entropy()  # renormalises
    np.testing.assert_allclose(found["entropy_without_sink"], rest.flatten(), rtol=1e-4)
    means = [layer["entropy_without_sink"] for layer in found["layers"]]
    np.testing.assert_allclose(means, rest.mean(dim=1), rtol=1e-4)
    assert found["words"].endswith("of 9 visible positions.")
    monkeypatch.setattr(run.reading.trace, "visible", lambda: np.full((2, 11), 5386))
    assert VIEWS["focus"](run.context(), token=token)["words"].endswith("of 5,386 visible positions.")


@pytest.mark.parametrize("kept", [True, False])
def test_transformer_lab_equals_its_operations(run: Run, kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines in torch: scores / temperature, top-5 of softmax; norms and entropies at the last position."""
    token = 5  # chosen at position 5, when that was the last
    if not kept:
        monkeypatch.setattr(run.reading.trace.kept_attention, "_chunks", None)
    found = VIEWS["transformer_lab"](run.context(token), token=token, temperature=0.7, topP=1.0)
    best = torch.topk(torch.softmax(run.logits[token] / 0.7, -1), 5)
    assert [p["id"] for p in found["predictions"]] == best.indices.tolist()
    np.testing.assert_allclose([p["probability"] for p in found["predictions"]], best.values, rtol=1e-4)
    np.testing.assert_allclose([p["logit"] for p in found["predictions"]], run.logits[token][best.indices], rtol=1e-5)
    np.testing.assert_allclose(found["activations"], run.states[:, token].norm(dim=-1), rtol=1e-5)
    last = run.attentions[:, :, token, : token + 1]
    entropy = -(last * torch.log(last + 1e-9)).sum(-1).mean(-1)
    np.testing.assert_allclose(found["attention_entropy"], entropy, rtol=1e-4)
    assert found["exact"] == kept
    with pytest.raises(ValueError, match="has not been inspected"):
        VIEWS["transformer_lab"](run.context(), token=token)


def test_word_classes_count_every_token_once(run: Run) -> None:
    found = VIEWS["word_classes"](run.context())
    assert sum(row["count"] for row in found["rows"]) == len(IDS) - 1
    content = next(row for row in found["rows"] if row["title"] == "content word")
    mine = [i for i, word in enumerate(WORDS[1:]) if word in (" fox", " runs")]
    change = (run.attention_output + run.mlp_output).double().norm(dim=-1)[:, 1:]  # [layer, token]
    np.testing.assert_allclose(content["activity"], change[:, mine].mean(dim=1), rtol=1e-4)
    log = change.log()
    expected = (log[:, mine].mean(dim=1) - log.mean(dim=1)).exp()
    np.testing.assert_allclose(content["relative_activity"], expected, rtol=1e-4)
    assert content["raised_layers"] is None and found["fewest"] > len(mine), "too few tokens to say"


def test_csv_says_what_the_panel_says(run: Run) -> None:
    for view, args in {
        "choice": {"token": 4}, "layers": {"token": 4}, "focus": {"token": 4}, "dimensions": {"token": 4, "layer": 2},
        "word_classes": {}, "layer_map": {"name": "mlp_norm"}, "lens": {"token": 4, "topK": 3},
        "transformer_lab": {"token": 5},
    }.items():
        context = run.context(5)
        table = VIEWS["table"](context, view=view, args=args)
        text = VIEWS["csv"](context, view=view, args=args)
        assert text.startswith("\ufeff")
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
        width = len(table["columns"])
        quantity = ["quantity"] if "about" in table else []
        assert rows[0] == [*map(str, table["columns"]), *quantity, *ABOUT]
        assert [row[:width] for row in rows[1:]] == [["" if cell is None else str(cell) for cell in row]
                                                     for row in table["rows"]]
        assert len(set(rows[0])) == len(rows[0]) and all(len(row) == len(rows[0]) for row in rows), view


def test_csv_says_of_which_run_it_is(run: Run) -> None:
    context, off = run.context(5), {"heads": [{"layer": 0, "head": 1, "scale": 0}]}
    context = replace(context, reading=replace(context.reading, interventions=off))
    for view, args in {"layers": {"token": 4}, "findings": {}}.items():
        text = VIEWS["csv"](context, view=view, args=args).removeprefix("\ufeff")
        for row in csv.DictReader(io.StringIO(text)):
            assert [row[name] for name in ("model", "weights", "revision", "model sha256")] == ["m", "int8", "r1", "ab"]
            assert row["prefix"] == "<s>" and json.loads(row["interventions"]) == off
            assert row["made by"].startswith("Tokenlight ")


def test_speed_counts_after_the_first_token(run: Run) -> None:
    found = VIEWS["speed"](run.context(), times=[500.0, 600.0, 700.0])
    assert (found["tokens"], found["tokens_per_second"], found["first_seconds"]) == (3, 10.0, 0.5)
    assert VIEWS["speed"](run.context(), times=[])["tokens_per_second"] is None


def test_scales() -> None:
    nan = float("nan")
    assert scales.Scale(0, 1).levels([0, 0.5, 1, 2, -3, nan]).tolist() == [0, 128, 255, 255, 0, -1]
    assert scales.logarithmic([1, 10, 100, 0, nan]).levels([1, 10, 100, 0, nan]).tolist() == [0, 128, 255, 0, -1]
    assert scales.symmetric([-4, 1]).levels([0, -4, 4]).tolist() == [128, 0, 255]
    assert scales.Scale(3, 3).levels([3, nan]).tolist() == [128, -1]
    for name in scales.PALETTES:
        made = scales.palette(name)
        assert len(made["light"]) == len(made["dark"]) == scales.LEVELS
